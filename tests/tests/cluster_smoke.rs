//! From `kubectl apply` to a streamed answer in an injected pod, on a real cluster; and with the control plane gone.

use std::time::Duration;

use anyhow::{Result, ensure};
use pillion_tests::installed::{Installed, SYSTEM, TEAM};
use pillion_tests::wait;

/// One test, since each step stands on the one before and a cluster takes long to start.
#[tokio::test]
async fn the_thread_holds_from_apply_to_streamed_answer() -> Result<()> {
    let installed = Installed::start().await?;
    installed.start_team().await?;
    installed.serves("answers to both SDKs from both providers").await?;
    what_left_the_pod_is_right(&installed)?;
    the_route_is_shown_as_programmed(&installed).await?;

    installed.kill_operator().await?;
    installed.serves("answers while the operator is down").await?;
    pods_that_did_not_ask_do_not_notice(&installed)?;
    pods_that_asked_are_refused_clearly(&installed)?;
    installed.kill_sidecar().await?;
    installed.serves_again("answers from a sidecar restarted while the operator is down").await?;

    installed.revive_operator()?;
    a_changed_route_reaches_the_sidecar(&installed).await?;
    a_job_ends_with_its_application(&installed).await?;
    the_charts_own_test_passes(&installed)?;
    an_uninstalled_release_leaves_nobody_waiting(&installed)
}

fn what_left_the_pod_is_right(installed: &Installed) -> Result<()> {
    for request in installed.received()? {
        ensure!(request.problems.is_empty(), "{request:#?}");
        let key = if request.path == "/v1/messages" { "x-api-key" } else { "authorization" };
        ensure!(request.header(key).is_some_and(|value| value.contains("sk-team-a-")), "{request:#?}");
    }
    Ok(())
}

async fn the_route_is_shown_as_programmed(installed: &Installed) -> Result<()> {
    wait::until("a programmed route", Duration::from_secs(30), || async {
        let shown = installed.cluster().kubectl(["get", "airoute", "assistants", "--namespace", TEAM])?;
        let columns: Vec<_> = shown.lines().nth(1).unwrap_or_default().split_whitespace().collect();
        ensure!(columns.contains(&"1/1"), "{shown}");
        let heads: Vec<_> = shown.lines().next().unwrap_or_default().split_whitespace().collect();
        let at = heads.iter().position(|head| *head == "PROGRAMMED");
        ensure!(at.and_then(|at| columns.get(at)) == Some(&"True"), "{shown}");
        Ok(())
    })
    .await
}

fn pod(name: &str, annotations: &str) -> String {
    format!(
        "apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: {TEAM}, annotations: {annotations}}}
spec:
  containers: [{{name: main, image: registry.test/pause:1, imagePullPolicy: Never}}]
"
    )
}

fn pods_that_did_not_ask_do_not_notice(installed: &Installed) -> Result<()> {
    installed.cluster().api().apply(&pod("silent", "{}"))?;
    installed.cluster().kubectl(["delete", "pod", "silent", "--namespace", TEAM, "--now"]).map(drop)
}

fn pods_that_asked_are_refused_clearly(installed: &Installed) -> Result<()> {
    let refusal = installed.cluster().api().apply(&pod("asks", "{pillion.dev/inject: 'true'}"));
    let message = format!("{:#}", refusal.expect_err("an injected pod was created without an operator"));
    ensure!(message.contains("asked.inject.pillion.dev"), "the refusal names the webhook: {message}");
    Ok(())
}

async fn a_changed_route_reaches_the_sidecar(installed: &Installed) -> Result<()> {
    let patch = r#"[{"op": "replace", "path": "/spec/rules/0/backends/0/provider/name", "value": "anthropic"},
        {"op": "add", "path": "/spec/rules/0/backends/0/model", "value": "claude-changed"}]"#;
    installed.cluster().kubectl([
        "patch",
        "airoute",
        "assistants",
        "--namespace",
        TEAM,
        "--type=json",
        "--patch",
        patch,
    ])?;
    wait::until("calls by the changed route", Duration::from_secs(30), || async {
        let changed = installed.received()?.iter().any(|request| request.json()["model"] == "claude-changed");
        ensure!(changed, "no request names the changed model");
        Ok(())
    })
    .await?;
    installed.serves_again("answers by the changed route").await?;
    the_route_is_shown_as_programmed(installed).await
}

async fn a_job_ends_with_its_application(installed: &Installed) -> Result<()> {
    installed.cluster().api().apply(&format!(
        "apiVersion: batch/v1
kind: Job
metadata: {{name: batch, namespace: {TEAM}}}
spec:
  backoffLimit: 0
  template:
    metadata: {{labels: {{app: assistant}}, annotations: {{pillion.dev/inject: 'true'}}}}
    spec:
      restartPolicy: Never
      containers:
      - {{name: app, image: 'registry.test/sdkchat:1', imagePullPolicy: Never, args: ['openai:claude-sonnet-4-5']}}
"
    ))?;
    installed
        .cluster()
        .kubectl(["wait", "--namespace", TEAM, "--for=condition=Complete", "job/batch", "--timeout=60s"])
        .map(drop)
        .map_err(|error| error.context(installed.cluster().pods_of(TEAM)))
}

fn the_charts_own_test_passes(installed: &Installed) -> Result<()> {
    installed
        .cluster()
        .helm(["test", "pillion", "--namespace", SYSTEM, "--timeout=2m"])
        .map(drop)
        .map_err(|error| error.context(installed.cluster().pods_of("pillion-self-test")))
}

fn an_uninstalled_release_leaves_nobody_waiting(installed: &Installed) -> Result<()> {
    let cluster = installed.cluster();
    cluster.helm(["uninstall", "pillion", "--namespace", SYSTEM, "--wait"])?;
    let left =
        cluster.kubectl(["get", "mutatingwebhookconfigurations,validatingwebhookconfigurations", "-o", "name"])?;
    ensure!(!left.contains("pillion"), "{left}");
    cluster.api().apply(&pod("after", "{pillion.dev/inject: 'true'}"))?;
    cluster.kubectl(["get", "airoute", "assistants", "--namespace", TEAM]).map(drop)
}
