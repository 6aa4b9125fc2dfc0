//! AdmissionReview: parsed from bytes that anyone may have sent, answered in its own form.

use crate::inject::{MAX_WARNING_CHARS, Operation};
use http::StatusCode;
use serde_json::{Map, Value, json};

/// The API server takes requests of 3 MiB and a review may hold two objects; beyond this nobody means it.
pub const MAX_BODY: usize = 8 * 1024 * 1024;

/// One AdmissionReview request.
#[derive(Clone, Debug, PartialEq)]
pub struct Review {
    uid: String,
    request: Map<String, Value>,
}

/// Why a request is no AdmissionReview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// 400, 413 or 415.
    pub status: StatusCode,
    /// What is wrong.
    pub message: String,
}

impl Refused {
    pub(super) fn malformed(message: &str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: message.into() }
    }

    pub(super) fn too_large() -> Self {
        let message = format!("the body is larger than {MAX_BODY} bytes");
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, message }
    }
}

impl Review {
    /// Parses a request's body.
    ///
    /// # Errors
    /// [`Refused`], for anything but an `admission.k8s.io/v1` AdmissionReview with a request and its uid.
    pub fn parse(content_type: Option<&str>, body: &[u8]) -> Result<Self, Refused> {
        let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            let message = format!("Content-Type must be application/json, not '{media_type}'");
            return Err(Refused { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, message });
        }
        if body.len() > MAX_BODY {
            return Err(Refused::too_large());
        }
        let review: Value =
            serde_json::from_slice(body).map_err(|error| Refused::malformed(&format!("failed to parse: {error}")))?;
        if review["apiVersion"] != "admission.k8s.io/v1" || review["kind"] != "AdmissionReview" {
            return Err(Refused::malformed("only AdmissionReview of admission.k8s.io/v1 is understood"));
        }
        let Some(request) = review.get("request").and_then(Value::as_object) else {
            return Err(Refused::malformed("the AdmissionReview has no request"));
        };
        match request.get("uid").and_then(Value::as_str) {
            Some(uid) if !uid.is_empty() => Ok(Self { uid: uid.into(), request: request.clone() }),
            _ => Err(Refused::malformed("the request has no uid")),
        }
    }

    fn text(&self, key: &str) -> &str {
        self.request.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// The request's namespace; the object's may be empty still.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.text("namespace")
    }

    /// `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
    #[must_use]
    pub fn operation(&self) -> &str {
        self.text("operation")
    }

    /// Empty for the object itself.
    #[must_use]
    pub fn sub_resource(&self) -> &str {
        self.text("subResource")
    }

    /// Kind of the object.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.request.get("kind").and_then(|kind| kind.get("kind")).and_then(Value::as_str).unwrap_or_default()
    }

    /// The object as it would be stored.
    #[must_use]
    pub fn object(&self) -> &Value {
        self.request.get("object").unwrap_or(&Value::Null)
    }

    /// Nothing may be changed but the answer.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.request.get("dryRun") == Some(&Value::Bool(true))
    }

    /// An answer that lets the object pass, with a patch where there is one.
    #[must_use]
    pub fn allow(&self, warnings: &[String], patch: Option<&[Operation]>) -> Value {
        use base64::Engine as _;
        let mut response = json!({"uid": self.uid, "allowed": true});
        if let Some(patch) = patch.filter(|patch| !patch.is_empty()) {
            let patch = serde_json::to_vec(patch).expect("a patch has only string keys");
            response["patchType"] = "JSONPatch".into();
            response["patch"] = base64::engine::general_purpose::STANDARD.encode(patch).into();
        }
        if !warnings.is_empty() {
            let short = |warning: &String| warning.chars().take(MAX_WARNING_CHARS).collect::<String>();
            response["warnings"] = warnings.iter().map(short).collect();
        }
        envelope(response)
    }

    /// An answer that refuses the object.
    #[must_use]
    pub fn deny(&self, code: u16, reason: &str, message: &str) -> Value {
        let status = json!({"code": code, "reason": reason, "message": message});
        envelope(json!({"uid": self.uid, "allowed": false, "status": status}))
    }
}

fn envelope(response: Value) -> Value {
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn refuses(content_type: Option<&str>, body: &[u8], status: u16, message: &str) {
        let refused = Review::parse(content_type, body).unwrap_err();
        assert_eq!(refused.status.as_u16(), status, "{}", refused.message);
        assert!(refused.message.contains(message), "{}", refused.message);
    }

    #[test]
    fn what_is_no_review_is_refused_by_what_is_wrong() {
        let json = Some("application/json");
        let v1 = |rest: &str| format!(r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"{rest}}}"#);
        refuses(None, b"{}", 415, "Content-Type");
        refuses(Some("text/plain"), b"{}", 415, "text/plain");
        refuses(json, b"{", 400, "failed to parse");
        refuses(json, b"[]", 400, "admission.k8s.io/v1");
        refuses(json, br#"{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview"}"#, 400, "v1");
        refuses(json, br#"{"apiVersion":"admission.k8s.io/v1","kind":"Pod"}"#, 400, "AdmissionReview");
        refuses(json, v1("").as_bytes(), 400, "no request");
        refuses(json, v1(r#","request":7"#).as_bytes(), 400, "no request");
        refuses(json, v1(r#","request":{}"#).as_bytes(), 400, "no uid");
        refuses(json, v1(r#","request":{"uid":""}"#).as_bytes(), 400, "no uid");
        refuses(json, &vec![b' '; MAX_BODY + 1], 413, "larger");
    }

    #[test]
    fn an_answer_echoes_the_uid_and_cuts_long_warnings() {
        let body = br#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u"}}"#;
        let review = Review::parse(Some("application/json; charset=utf-8"), body).unwrap();
        let answer = review.allow(&["x".repeat(1000)], None);
        assert_eq!(answer["response"]["uid"], "u");
        assert_eq!(answer["response"]["warnings"][0].as_str().unwrap().len(), MAX_WARNING_CHARS);
        assert_eq!(review.deny(422, "Invalid", "no")["response"]["status"]["message"], "no");
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Review::parse(Some("application/json"), &bytes);
        }
    }
}
