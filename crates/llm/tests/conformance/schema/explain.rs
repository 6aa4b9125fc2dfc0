//! Words for what a schema finds wrong. Of a choice, the branch that was meant is told.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;

/// Path and words of each finding. That members were not evaluated is no finding of its own where another one is why.
pub(super) fn plain<'a>(errors: impl Iterator<Item = ValidationError<'a>>) -> impl Iterator<Item = String> {
    let (because, plain): (Vec<_>, Vec<_>) =
        errors.partition(|error| matches!(error.kind(), ValidationErrorKind::UnevaluatedProperties { .. }));
    let errors = if plain.is_empty() { because } else { plain };
    errors.into_iter().map(|error| words(&error).chars().take(400).collect())
}

fn words(error: &ValidationError<'_>) -> String {
    if let ValidationErrorKind::AnyOf { context } = error.kind() {
        let meant = context.iter().min_by_key(|branch| distance(error, branch));
        if let Some(branch) = meant.filter(|branch| !branch.is_empty()) {
            let plain = branch
                .iter()
                .filter(|error| !matches!(error.kind(), ValidationErrorKind::UnevaluatedProperties { .. }));
            let plain: Vec<String> = plain.take(2).map(words).collect();
            if !plain.is_empty() {
                return plain.join(", ");
            }
            return branch.iter().take(1).map(words).collect();
        }
    }
    format!("{}: {}", error.instance_path(), error.to_string().chars().take(250).collect::<String>())
}

/// How far a branch is from what was meant: of another type, of another tag, or wrong inside.
fn distance(choice: &ValidationError<'_>, branch: &[ValidationError<'static>]) -> (bool, bool, usize) {
    let here = choice.instance_path().to_string();
    let of_type = |error: &ValidationError<'_>| {
        error.instance_path().to_string() == here && matches!(error.kind(), ValidationErrorKind::Type { .. })
    };
    let of_tag = |error: &ValidationError<'_>| {
        let path = error.instance_path().to_string();
        let member = path.strip_prefix(&here).and_then(|rest| rest.strip_prefix('/'));
        let tag = matches!(error.kind(), ValidationErrorKind::Constant { .. } | ValidationErrorKind::Enum { .. });
        tag && member.is_some_and(|member| ["type", "role", "object"].contains(&member))
    };
    (branch.iter().any(of_type), branch.iter().any(of_tag), branch.len())
}
