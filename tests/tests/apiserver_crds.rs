//! What the API server itself takes and refuses, with the words a user reads: one small YAML file a case, in `tests/cases/crds`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use pillion_tests::apiserver::ApiServer;
use pillion_tests::{wait, workspace};
use tokio::sync::OnceCell;

async fn server() -> Result<&'static ApiServer> {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    let server = ApiServer::shared().await?;
    INSTALLED
        .get_or_try_init(|| async {
            let crds = workspace::root().join("crds/yaml").display().to_string();
            server.kubectl(["apply", "--server-side", "-f", &crds])?;
            wait::until("both kinds", Duration::from_secs(20), || async {
                server.kubectl(["get", "aiproviders,airoutes", "--all-namespaces"]).map(drop)
            })
            .await
        })
        .await?;
    Ok(server)
}

fn cases(folder: &str) -> Result<Vec<PathBuf>> {
    let folder = workspace::root().join("tests/cases/crds").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(&folder)?.flatten().map(|entry| entry.path()).collect();
    files.sort();
    ensure!(!files.is_empty(), "no case in {}", folder.display());
    Ok(files)
}

fn create(server: &ApiServer, file: &Path) -> Result<String> {
    server.kubectl(["create", "--dry-run=server", "-f", &file.display().to_string()])
}

#[tokio::test]
async fn good_objects_are_taken() -> Result<()> {
    let server = server().await?;
    cases("accept")?.iter().try_for_each(|file| create(server, file).map(drop))
}

/// The first line of each file is a comment with what the user must read.
#[tokio::test]
async fn bad_objects_are_refused_with_a_reason() -> Result<()> {
    let server = server().await?;
    let mut wrong = Vec::new();
    for file in cases("reject")? {
        let text = std::fs::read_to_string(&file)?;
        let expected = text.lines().next().and_then(|line| line.strip_prefix("# ")).context("no expected message")?;
        match create(server, &file) {
            Ok(_) => wrong.push(format!("{} was taken", file.display())),
            Err(error) if !format!("{error:#}").contains(expected) => {
                wrong.push(format!("{}: expected: {expected}\ngot: {error:#}", file.display()));
            }
            Err(_) => {}
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[tokio::test]
async fn the_type_of_a_provider_cannot_be_changed() -> Result<()> {
    let server = server().await?;
    let namespace = server.namespace("immutable").await?;
    let provider = |kind: &str| {
        format!(
            "apiVersion: pillion.dev/v1alpha1\nkind: AIProvider\nmetadata: {{name: p, namespace: {namespace}}}\nspec: {{type: {kind}}}\n"
        )
    };
    server.apply(&provider("OpenAI"))?;
    let error = format!("{:#}", server.apply(&provider("Anthropic")).expect_err("the type was changed"));
    ensure!(error.contains("spec.type cannot be changed: create another AIProvider"), "{error}");
    Ok(())
}

#[tokio::test]
async fn kubectl_shows_and_explains_both_kinds() -> Result<()> {
    let server = server().await?;
    let namespace = server.namespace("shown").await?;
    server.apply(&format!(
        "apiVersion: pillion.dev/v1alpha1
kind: AIProvider
metadata: {{name: echo, namespace: {namespace}}}
spec: {{type: Echo}}
---
apiVersion: pillion.dev/v1alpha1
kind: AIRoute
metadata: {{name: all, namespace: {namespace}}}
spec: {{rules: [{{name: all, backends: [{{provider: {{name: echo}}}}]}}]}}
"
    ))?;
    for (names, columns) in [
        ("aip", "NAME TYPE AUTH IDENTITY ACCEPTED PROGRAMMED ROUTES AGE"),
        ("air", "NAME MODELS PROVIDERS ACCEPTED RESOLVED PROGRAMMED SIDECARS AGE"),
    ] {
        let shown = server.kubectl(["get", names, "--namespace", &namespace])?;
        let head = shown.lines().next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        ensure!(head == columns, "{names}: {head}");
    }
    let explained = server.kubectl(["explain", "airoute.spec.rules.backends.weight"])?;
    ensure!(explained.contains("Share of the calls"), "{explained}");
    let category = server.kubectl(["get", "ai", "--namespace", &namespace, "-o", "name"])?;
    ensure!(category.lines().count() == 2, "{category}");
    Ok(())
}
