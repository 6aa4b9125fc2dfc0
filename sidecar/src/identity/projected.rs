//! Tokens of the pod that kubelet projects into files and renews: read at each use, checked before they are sent.

use super::clock::seconds_between;
use super::error::{ExchangeError, Pace};
use super::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::io::{ErrorKind, Read as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A token larger than this is none.
const LARGEST: u64 = 64 << 10;

/// The token in a file as it is now. `now` is the time of day.
///
/// # Errors
/// With a reason of its own for a file that is missing, empty, expired, or holds no token.
pub(crate) fn read(path: &Path, now: SystemTime) -> Result<Secret, ExchangeError> {
    let shown = path.display();
    let failed = |reason, what| ExchangeError::new(reason, Pace::Rarely, format!("token file '{shown}' {what}"));
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    match file {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(failed("token_file_missing", "does not exist".into())
                .hint("the pod's token for this cloud is not mounted: see the chart's values identity.*, then start the pod anew"));
        }
        Err(error) => return Err(failed("token_file_unreadable", format!("cannot be read: {}", error.kind()))),
        Ok(_) => {}
    }
    if bytes.len() as u64 > LARGEST {
        return Err(failed("token_file_unreadable", format!("is larger than {LARGEST} bytes")));
    }
    let bytes = bytes.trim_ascii();
    if bytes.is_empty() {
        return Err(failed("token_file_empty", "is empty".into()));
    }
    let token =
        Secret::parse(bytes).map_err(|why| failed("token_file_unreadable", format!("holds no token: {why}")))?;
    match ends(token.expose()) {
        Some(end) if seconds_between(end, now) <= 0 => {
            Err(failed("token_file_expired", format!("holds a token that ended {} s ago", seconds_between(now, end)))
                .hint("kubelet renews it; if it does not, the node's clock or kubelet is in trouble"))
        }
        _ => Ok(token),
    }
}

/// When a JSON Web Token ends, if it says so. It is its issuer's word only: nothing is verified here.
fn ends(token: &str) -> Option<SystemTime> {
    let payload = token.split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    let seconds = super::lifetime::seconds(&claims["exp"])?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(u64::try_from(seconds).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn jwt(exp: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(format!(r#"{{"aud":["x"],"exp":{exp}}}"#)))
    }

    #[test]
    fn a_token_is_read_trimmed_and_refused_with_a_reason_where_it_is_none() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
        let good = jwt(&(NOW + 60).to_string());
        for (content, expected) in [
            (Some(good.clone()), Ok(good.as_str())),
            (Some(format!("\n {good}\r\n\n")), Ok(&good)),
            (Some("opaque".into()), Ok("opaque")),
            (Some(jwt("null")), Ok(jwt("null").as_str())),
            (Some(jwt(&NOW.to_string())), Err("token_file_expired")),
            (Some(jwt("1.5")), Err("token_file_expired")),
            (Some(String::new()), Err("token_file_empty")),
            (Some("\n".into()), Err("token_file_empty")),
            (Some("two tokens".into()), Err("token_file_unreadable")),
            (Some("x".repeat(70_000)), Err("token_file_unreadable")),
            (None, Err("token_file_missing")),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("token");
            if let Some(content) = &content {
                std::fs::write(&path, content).unwrap();
            }
            let found = read(&path, now);
            let found = found.as_ref().map(Secret::expose).map_err(|error| error.reason);
            assert_eq!(found, expected, "{content:?}");
        }
    }

    #[test]
    fn a_folder_is_not_a_token() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path(), SystemTime::now()).unwrap_err().reason, "token_file_unreadable");
    }
}
