//! Connections: reuse, TLS, HTTP/2, addresses that are refused, replies that are none.

use crate::support::*;
use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use pillion_sidecar::{Settings, Sidecar};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::sync::Arc;
use tokio::net::TcpListener;

#[tokio::test]
async fn connections_are_reused() {
    let (upstream, running) = with_upstream("OpenAI").await;
    let asked = post(running.data, OPENAI, openai_chat("m", false)).spawn();
    let call = upstream.answer(200, "application/json", OPENAI_REPLY.as_bytes()).await;
    assert_eq!(asked.await.unwrap().text().await, OPENAI_REPLY);
    let asked = post(running.data, OPENAI, openai_chat("m", false)).spawn();
    let mut call = call.next().await.expect("the second call on the same connection");
    call.reply(200, "application/json", OPENAI_REPLY.as_bytes()).await;
    assert_eq!(asked.await.unwrap().status, 200);
}

#[tokio::test]
async fn metadata_link_local_and_our_own_addresses_are_refused_and_nothing_is_sent() {
    for endpoint in
        ["http://169.254.169.254", "http://[fe80::1]", "http://100.100.100.200:80", "http://[fd00:ec2::254]"]
    {
        let running = start(&snapshot(&[("p", provider("p", "OpenAI", endpoint))])).await;
        let answered = post(running.data, OPENAI, openai_chat("m", false)).send().await;
        assert_eq!((answered.status.as_u16(), answered.header("x-pillion-error")), (502, Some("address_refused")));
    }
    // The data port is known before the sidecar starts only to whoever chose it.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let snapshot = snapshot(&[("p", provider("p", "OpenAI", &format!("http://localhost:{}", free.port())))]);
    let running = Sidecar::start(Settings { data: free, ..settings(&snapshot) }).await.unwrap();
    let answered = post(running.data, OPENAI, openai_chat("m", false)).send().await;
    assert_eq!(answered.header("x-pillion-error"), Some("address_refused"));
}

#[tokio::test]
async fn a_reply_that_is_none_is_502_by_name() {
    for (kind, path) in [("OpenAI", OPENAI), ("Anthropic", OPENAI), ("OpenAI", ANTHROPIC)] {
        for (content_type, body) in [
            ("application/json", &b"{\"half\":"[..]),
            ("text/html", b"<html>hello</html>"),
            ("application/json", b"[]"),
        ] {
            let (upstream, running) = with_upstream(kind).await;
            let asked = if path == OPENAI { openai_chat("m", false) } else { anthropic_chat("m", false) };
            let asked = post(running.data, path, asked).spawn();
            upstream.answer(200, content_type, body).await;
            let answered = asked.await.unwrap();
            assert_eq!(answered.status, 502, "{kind} {path} {content_type}");
            assert_eq!(answered.header("x-pillion-error"), Some("upstream_garbage"), "{kind} {path} {content_type}");
        }
    }
}

#[tokio::test]
async fn a_reply_that_is_not_even_http_and_one_that_is_cut_are_502_by_name() {
    for (reply, expected) in [
        ("this is not http at all\r\n\r\n", "upstream_reset"),
        ("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{", "upstream_truncated"),
    ] {
        let (upstream, running) = with_upstream("OpenAI").await;
        let asked = post(running.data, OPENAI, openai_chat("m", false)).spawn();
        let mut call = upstream.call().await;
        call.raw(reply).await;
        drop(call);
        let answered = asked.await.unwrap();
        assert_eq!((answered.status.as_u16(), answered.header("x-pillion-error")), (502, Some(expected)));
    }
}

/// An HTTPS provider for `localhost` that offers these protocols, and the PEM of who signed it.
async fn https(protocols: &[&[u8]]) -> (String, String) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pem = certified.cert.pem();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = service_fn(|request: Request<Incoming>| async move {
                    let seen = if request.version() == Version::HTTP_2 { "h2" } else { "h1" };
                    let reply = OPENAI_REPLY.replace("Hi there", seen);
                    let mut response = Response::new(Full::new(Bytes::from(reply)));
                    response.headers_mut().insert("content-type", "application/json".parse().unwrap());
                    Ok::<_, std::convert::Infallible>(response)
                });
                let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let _ = builder.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (endpoint, pem)
}

#[tokio::test]
async fn https_speaks_http_2_or_1_as_the_provider_offers_and_trusts_the_given_ca() {
    for (protocols, expected) in [(&[&b"h2"[..], b"http/1.1"][..], "h2"), (&[b"http/1.1"], "h1"), (&[], "h1")] {
        let (endpoint, pem) = https(protocols).await;
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, pem).unwrap();
        let snapshot = snapshot(&[("p", provider("p", "OpenAI", &endpoint))]);
        let running = Sidecar::start(Settings { ca_file: Some(ca), ..settings(&snapshot) }).await.unwrap();
        for _ in 0..2 {
            let answered = post(running.data, OPENAI, openai_chat("m", false)).send().await;
            assert_eq!(answered.json().await["choices"][0]["message"]["content"], expected);
        }
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused_without_fallback() {
    let (endpoint, _pem) = https(&[]).await;
    let running = start(&snapshot(&[("p", provider("p", "OpenAI", &endpoint))])).await;
    let answered = post(running.data, OPENAI, openai_chat("m", false)).send().await;
    assert_eq!((answered.status.as_u16(), answered.header("x-pillion-error")), (502, Some("connect_failed")));
    let json = answered.json().await;
    assert!(json["error"]["message"].as_str().unwrap().contains("certificate"), "{json}");
}
