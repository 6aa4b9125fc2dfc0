//! `pillion check`: the compiler over files.

use super::{CommandError, put, read};
use pillion_compiler::manifest::Manifest;
use pillion_compiler::{Compiled, Input, compile};
use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// YAML with AIProviders and AIRoutes, other kinds are passed over; `-` reads standard input
    #[arg(short, long, value_name = "FILE", required = true, num_args = 1..)]
    filename: Vec<PathBuf>,
}

/// Prints what is wrong, one line each; fails where anything is.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, CommandError> {
    let mut manifest = Manifest::default();
    for path in &arguments.filename {
        manifest.read(&path.display().to_string(), &read(path)?);
    }
    let (report, sound) = check(&manifest);
    put(&report)?;
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn check(manifest: &Manifest) -> (String, bool) {
    let input = Input { providers: manifest.providers.clone(), routes: manifest.routes.clone(), ..Input::default() };
    let Compiled { objects, .. } = compile(&input);
    let mut report = String::new();
    let mut errors = manifest.findings.len();
    // Writing to a String cannot fail.
    for finding in &manifest.findings {
        let _ = writeln!(report, "error: {finding}");
    }
    for (key, findings) in &objects {
        for verdict in [&findings.accepted, &findings.resolved_refs].into_iter().filter(|verdict| !verdict.status) {
            errors += 1;
            let _ = writeln!(report, "error: {key}: {}: {}", verdict.reason, verdict.message);
        }
        if let Some(overridden) = &findings.overridden {
            let _ = writeln!(report, "warning: {key}: {}: {}", overridden.reason, overridden.message);
        }
    }
    let _ = writeln!(report, "{} objects checked, {errors} errors", objects.len());
    (report, errors == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROVIDER: &str =
        "apiVersion: pillion.dev/v1alpha1\nkind: AIProvider\nmetadata: {name: p}\nspec: {type: OpenAI}\n---\n";

    fn checked(text: &str) -> (String, bool) {
        let mut manifest = Manifest::default();
        manifest.read("a.yaml", text);
        check(&manifest)
    }

    fn route(provider: &str) -> String {
        format!(
            "apiVersion: pillion.dev/v1alpha1\nkind: AIRoute\nmetadata: {{name: r}}\n\
             spec: {{rules: [{{name: a, backends: [{{provider: {{name: {provider}}}}}]}}]}}\n"
        )
    }

    #[test]
    fn sound_files_pass_and_a_dangling_reference_is_an_error() {
        assert_eq!(checked(&format!("{PROVIDER}{}", route("p"))), ("2 objects checked, 0 errors\n".into(), true));
        let (report, sound) = checked(&format!("{PROVIDER}{}", route("q")));
        assert!(!sound);
        assert!(report.starts_with("error: AIRoute/default/r: BackendNotFound: "), "{report}");
    }

    #[test]
    fn what_does_not_parse_is_an_error_with_its_place() {
        let (report, sound) = checked("apiVersion: pillion.dev/v1alpha1\nkind: AIRoute\nspec: {}\n");
        assert!(!sound);
        assert!(report.starts_with("error: a.yaml#1: "), "{report}");
    }
}
