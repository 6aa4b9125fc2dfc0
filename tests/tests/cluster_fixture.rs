//! The fixture itself: a plain pod runs, finds a Service by its name, and is gone with the cluster.

use std::time::Duration;

use anyhow::Result;
use pillion_tests::cluster::Cluster;
use pillion_tests::{images, wait};

#[tokio::test]
async fn a_pod_finds_a_service_by_its_name() -> Result<()> {
    let cluster = Cluster::start().await?;
    for image in images::of_the_clients()? {
        cluster.import(&image)?;
    }
    // The API server speaks HTTPS only. Whom it hears speaking HTTP it tells so, and closes: that may be faster than what it said.
    cluster.api().apply(&format!(
        "apiVersion: v1
kind: Pod
metadata: {{name: client, namespace: default}}
spec:
  restartPolicy: Never
  containers:
  - name: main
    image: {}
    imagePullPolicy: Never
    args: [-modes, chat, openai:any]
    env:
    - {{name: OPENAI_BASE_URL, value: http://kubernetes.default.svc.cluster.local:443}}
    - {{name: OPENAI_API_KEY, value: none}}
",
        images::SDKCHAT,
    ))?;
    wait::until("the client's output", Duration::from_secs(60), || async {
        let log = cluster.kubectl(["logs", "client"])?;
        let answered = log.contains("\"status\":400");
        wait::holds(answered || log.contains("10.96.0.1:443: read: connection reset by peer"), log)
    })
    .await
    .map_err(|error| error.context(cluster.pods_of("default")))
}
