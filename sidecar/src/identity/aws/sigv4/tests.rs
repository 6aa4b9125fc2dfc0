//! The published suite of SigV4 (`PILLION_SPECS`, else `../shared/specs`), OpenAI's vector for Bedrock's second service,
//! and what Bedrock's ids need. Botocore's own signer judges whole requests in `tests/tests/sdk_botocore.rs`.

use super::*;
use crate::identity::secret::Secret;
use aws_sigv4::http_request::{PercentEncodingMode, SessionTokenMode, UriPathNormalizationMode};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The vendors' specifications; `None`, said aloud, where they are not beside the workspace.
fn specs() -> Option<PathBuf> {
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/specs");
    let folder = std::env::var_os("PILLION_SPECS").map_or_else(usual, PathBuf::from).join("aws");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "no specifications at {}", folder.display());
    eprintln!("no specifications at {} (PILLION_SPECS): the suite of SigV4 was not checked", folder.display());
    None
}

fn secret(value: &Value) -> Option<Secret> {
    value.as_str().map(|text| Secret::parse(text.as_bytes()).unwrap())
}

fn keys(id: &Value, key: &Value, token: &Value) -> AwsKeys {
    AwsKeys {
        access_key_id: secret(id).unwrap(),
        secret_access_key: secret(key).unwrap(),
        session_token: secret(token),
    }
}

/// One case of the suite.
struct Case {
    context: Value,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Case {
    fn read(folder: &Path) -> Self {
        let text = std::fs::read_to_string(folder.join("request.txt")).unwrap();
        let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
        let mut lines = head.lines();
        let (method, rest) = lines.next().unwrap().split_once(' ').unwrap();
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in lines {
            match line.split_once(':').filter(|_| !line.starts_with(' ')) {
                Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
                None => headers.last_mut().unwrap().1.push_str(line),
            }
        }
        Self {
            context: serde_json::from_slice(&std::fs::read(folder.join("context.json")).unwrap()).unwrap(),
            method: method.to_owned(),
            target: rest.strip_suffix(" HTTP/1.1").unwrap().to_owned(),
            headers,
            body: body.to_owned(),
        }
    }

    fn settings(&self) -> SigningSettings {
        let is = |name: &str| self.context[name] == true;
        let mut settings = SigningSettings::default();
        // The suite writes paths as they are before any encoding.
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::from(is("normalize"));
        if is("sign_body") {
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        if is("omit_session_token") {
            settings.session_token_mode = SessionTokenMode::Exclude;
        }
        settings
    }

    fn authorization(&self) -> String {
        let credentials = &self.context["credentials"];
        let keys = keys(&credentials["access_key_id"], &credentials["secret_access_key"], &credentials["token"]);
        let time = crate::identity::lifetime::timestamp(self.context["timestamp"].as_str().unwrap()).unwrap();
        let scope = Scope {
            region: self.context["region"].as_str().unwrap(),
            service: self.context["service"].as_str().unwrap(),
        };
        let host = &self.headers.iter().find(|(name, _)| name == "Host").unwrap().1;
        let request = Signable {
            method: &self.method,
            url: format!("https://{host}{}", on_the_wire(&self.target)),
            headers: self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            body: self.body.as_bytes(),
        };
        let headers = signature(request, &keys, &scope, time, self.settings()).unwrap();
        let found = headers.iter().find(|(name, _)| *name == header::AUTHORIZATION).unwrap();
        found.1.to_str().unwrap().to_owned()
    }
}

/// Encodes what cannot stand in a URL, and leaves alone what is encoded already.
fn on_the_wire(target: &str) -> String {
    let mut out = String::new();
    for character in target.chars() {
        match character {
            '!'..='~' => out.push(character),
            _ => crate::identity::secret::percent_encode(character.encode_utf8(&mut [0; 4]), &mut out),
        }
    }
    out
}

#[test]
fn the_published_suite_passes() {
    let Some(specs) = specs() else { return };
    let (mut passed, mut wrong) = (0, Vec::new());
    for entry in std::fs::read_dir(specs.join("sigv4-test-suite/v4")).unwrap() {
        let folder = entry.unwrap().path();
        let case = Case::read(&folder);
        let signed = std::fs::read_to_string(folder.join("header-signed-request.txt")).unwrap();
        let expected = signed.lines().find_map(|line| line.strip_prefix("Authorization:")).unwrap();
        match case.authorization() {
            found if found == expected => passed += 1,
            found => wrong.push(format!("{}\n  expected {expected}\n  found    {found}", folder.display())),
        }
    }
    println!("SigV4: {passed} cases of the published suite pass");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(passed >= 38, "only {passed} cases");
}

#[test]
fn a_request_to_bedrocks_openai_service_is_signed_as_openais_own_sdk_does() {
    let Some(specs) = specs() else { return };
    let vector: Value =
        serde_json::from_slice(&std::fs::read(specs.join("openai-python-bedrock/sigv4.json")).unwrap()).unwrap();
    let (credentials, request, expected) = (&vector["credentials"], &vector["request"], &vector["expected"]);
    let keys = keys(&credentials["accessKeyId"], &credentials["secretAccessKey"], &credentials["sessionToken"]);
    let time = crate::identity::lifetime::timestamp(vector["signingDate"].as_str().unwrap()).unwrap();
    let url: Uri = request["url"].as_str().unwrap().parse().unwrap();
    let scope = Scope::of(url.host().unwrap(), vector["region"].as_str().unwrap());
    assert_eq!(scope.service, vector["service"]);
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, request["contentType"].as_str().unwrap().parse().unwrap());
    headers.insert("traceparent", HeaderValue::from_static("00-not-signed"));
    let body = request["body"].as_str().unwrap().as_bytes();
    sign(&Method::POST, &url, &mut headers, body, &keys, &scope, time).unwrap();
    assert_eq!(headers["authorization"], expected["authorization"].as_str().unwrap());
    assert_eq!(headers["x-amz-date"], expected["date"].as_str().unwrap());
    assert_eq!(headers["x-amz-content-sha256"], expected["payloadHash"].as_str().unwrap());
}

#[test]
fn ids_are_encoded_once_on_the_wire_and_twice_under_the_signature() {
    // Signing the wire's path in double mode must equal signing a path that is encoded twice in single mode.
    for (wire, twice) in [
        (
            "/model/anthropic.claude-3-5-sonnet-20240620-v1%3A0/converse",
            "/model/anthropic.claude-3-5-sonnet-20240620-v1%253A0/converse",
        ),
        (
            "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.x-v1%3A0/invoke",
            "/model/arn%253Aaws%253Abedrock%253Aus-east-1%253A123456789012%253Ainference-profile%252Fus.x-v1%253A0/invoke",
        ),
        ("/model/a:b/invoke", "/model/a%3Ab/invoke"),
        ("/openai/v1/chat/completions", "/openai/v1/chat/completions"),
    ] {
        let host = "https://bedrock-runtime.us-east-1.amazonaws.com";
        let keys = keys(&"AKID".into(), &"secret".into(), &Value::Null);
        let scope = Scope { region: "us-east-1", service: "bedrock" };
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_800_000_000);
        let mut headers = HeaderMap::new();
        let url = format!("{host}{wire}").parse().unwrap();
        sign(&Method::POST, &url, &mut headers, b"{}", &keys, &scope, time).unwrap();
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let request = Signable { method: "POST", url: format!("{host}{twice}"), headers: vec![], body: b"{}" };
        let expected = signature(request, &keys, &scope, time, settings).unwrap();
        let expected = &expected.iter().find(|(name, _)| *name == header::AUTHORIZATION).unwrap().1;
        assert_eq!(headers["authorization"], *expected, "{wire}");
    }
}

#[test]
fn what_the_client_signed_is_replaced_and_nothing_else_is_signed_than_must_be() {
    let keys = keys(&"AKID".into(), &"secret".into(), &Value::Null);
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("authorization", "AWS4-HMAC-SHA256 of the client"),
        ("x-amz-date", "20000101T000000Z"),
        ("x-amz-security-token", "of the client"),
        ("x-amz-content-sha256", "of the client"),
        ("content-type", "application/json"),
        ("x-amzn-bedrock-trace", "ENABLED"),
        ("accept", "*/*"),
        ("user-agent", "x"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let url = Uri::from_static("https://bedrock-runtime.us-east-1.amazonaws.com/model/x/invoke");
    let scope = Scope { region: "us-east-1", service: "bedrock" };
    sign(&Method::POST, &url, &mut headers, b"{}", &keys, &scope, SystemTime::UNIX_EPOCH).unwrap();
    let signed = headers["authorization"].to_str().unwrap();
    let names = "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amzn-bedrock-trace,";
    assert!(signed.contains(names), "{signed}");
    assert!(!format!("{headers:?}").contains("of the client"));
    assert!(!headers.contains_key("x-amz-security-token"), "keys without a session have no token");
    headers.insert("x-amz-bad", HeaderValue::from_bytes(b"\xff").unwrap());
    let refused = sign(&Method::POST, &url, &mut headers, b"{}", &keys, &scope, SystemTime::UNIX_EPOCH);
    assert_eq!(refused, Err(SignError::Header));
}
