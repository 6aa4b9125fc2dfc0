//! Words for what a schema finds wrong. Of a choice, the branch that was meant is told.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;

/// Path and words of a finding.
pub(super) fn explain(error: ValidationError<'_>) -> String {
    words(&error).chars().take(400).collect()
}

fn words(error: &ValidationError<'_>) -> String {
    if let ValidationErrorKind::AnyOf { context } = error.kind() {
        let meant = context.iter().min_by_key(|branch| distance(error, branch));
        if let Some(branch) = meant.filter(|branch| !branch.is_empty()) {
            return branch.iter().take(2).map(words).collect::<Vec<_>>().join(", ");
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
