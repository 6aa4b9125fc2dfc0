//! The webhooks over HTTP, with an API server that is away.

use super::*;
use crate::certs::{Keyring, ServingIdentity};
use crate::config::Config;
use crate::events;
use crate::index::Index;
use crate::serve::serve;
use base64::Engine as _;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::SystemTime;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Serves until the token is dropped with the test.
async fn start() -> (SocketAddr, Metrics) {
    let client = kube::Client::try_from(kube::Config::new("http://127.0.0.1:9".parse().unwrap())).unwrap();
    let keyring = Keyring::generate(SystemTime::now()).unwrap();
    let identity = ServingIdentity::issue(&keyring, &["a.b.svc".into()], SystemTime::now()).unwrap();
    let shutdown = CancellationToken::new();
    let (events, _) = events::queue(client.clone(), "test".into(), shutdown.clone());
    let index = Index::default();
    index.put_namespace("enabled".into(), BTreeMap::from([("pillion.dev/inject".into(), "enabled".into())]));
    index.put_namespace("silent".into(), BTreeMap::new());
    let metrics = Metrics::new();
    let injector = Injector {
        config: Config::parse("sidecar: {image: pillion-sidecar:1}").unwrap(),
        identity: watch::channel(Some(Arc::new(identity))).1,
        index,
        client,
        events,
        metrics: metrics.clone(),
    };
    let webhooks = Webhooks { injector: Arc::new(injector), metrics: metrics.clone() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, None, move |request| webhooks.clone().answer(request), shutdown));
    (address, metrics)
}

async fn post(address: SocketAddr, path: &str, content_type: &str, body: impl Into<Bytes>) -> (u16, String) {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::post(path)
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, content_type)
        .body(Full::new(body.into()))
        .unwrap();
    let reply = sender.send_request(request).await.unwrap();
    let status = reply.status().as_u16();
    let body = reply.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

fn review(namespace: &str, dry_run: bool, pod: &Value) -> String {
    let request = json!({
        "uid": "u-1", "namespace": namespace, "operation": "CREATE", "dryRun": dry_run,
        "kind": {"group": "", "version": "v1", "kind": "Pod"}, "object": pod,
    });
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}).to_string()
}

async fn mutated(address: SocketAddr, namespace: &str, dry_run: bool, pod: &Value) -> Value {
    let (status, body) = post(address, "/mutate-pods", "application/json", review(namespace, dry_run, pod)).await;
    assert_eq!(status, 200, "{body}");
    let review: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(review["response"]["uid"], "u-1");
    assert_eq!(review["response"]["allowed"], true);
    review["response"].clone()
}

#[tokio::test]
async fn a_pod_is_patched_where_it_is_asked_for_and_untouched_elsewhere() {
    let (address, metrics) = start().await;
    let pod = json!({"metadata": {"generateName": "p-"}, "spec": {"containers": [{"name": "app"}]}});
    let response = mutated(address, "enabled", false, &pod).await;
    assert_eq!(response["patchType"], "JSONPatch");
    let patch = base64::engine::general_purpose::STANDARD.decode(response["patch"].as_str().unwrap()).unwrap();
    let patch: json_patch::Patch = serde_json::from_slice(&patch).unwrap();
    let mut patched = pod.clone();
    json_patch::patch(&mut patched, &patch).unwrap();
    assert_eq!(patched["spec"]["initContainers"][0]["name"], "pillion");
    assert!(patched.to_string().contains("BEGIN CERTIFICATE"));
    assert_eq!(mutated(address, "silent", false, &pod).await, json!({"uid": "u-1", "allowed": true}));
    let counted = metrics.text();
    assert!(counted.contains(r#"result="injected""#), "{counted}");
    assert!(counted.contains(r#"reason="NotAsked""#), "{counted}");
}

#[tokio::test]
async fn a_dry_run_answers_the_same_and_leaves_no_trace() {
    let (address, metrics) = start().await;
    let pod =
        json!({"metadata": {"labels": {"pillion.dev/inject": "ture"}}, "spec": {"containers": [{"name": "app"}]}});
    let before = metrics.text();
    let dry = mutated(address, "enabled", true, &pod).await;
    assert_eq!(metrics.text(), before);
    assert_eq!(mutated(address, "enabled", false, &pod).await, dry);
    assert_ne!(metrics.text(), before);
    assert!(dry["warnings"][0].as_str().unwrap().contains("'ture'"));
}

#[tokio::test]
async fn garbage_is_refused_and_the_next_request_is_served() {
    let (address, _) = start().await;
    let json = "application/json";
    assert_eq!(post(address, "/mutate-pods", json, "{").await.0, 400);
    assert_eq!(post(address, "/mutate-pods", "text/plain", "{}").await.0, 415);
    assert_eq!(post(address, "/validate", json, "[1]").await.0, 400);
    assert_eq!(post(address, "/elsewhere", json, "{}").await.0, 404);
    assert_eq!(post(address, "/validate", json, vec![b' '; 10 * 1024 * 1024]).await.0, 413);
    let review = review("enabled", false, &json!("not a pod"));
    let (status, body) = post(address, "/mutate-pods", json, review).await;
    assert_eq!(status, 200);
    assert!(body.contains(r#""allowed":true"#), "{body}");
}

#[tokio::test]
async fn a_namespace_that_nobody_knows_is_believed_to_have_been_selected() {
    let (address, _) = start().await;
    let pod = json!({"spec": {"containers": [{"name": "app"}]}});
    assert_eq!(mutated(address, "newer-than-the-cache", false, &pod).await["patchType"], "JSONPatch");
}
