//! Access keys in a file: as `aws configure` writes them, as an environment file, or as JSON. Pure.

use crate::identity::credential::AwsKeys;
use crate::identity::error::{ExchangeError, Pace};
use crate::identity::secret::{Document, Secret};

/// The keys that a file holds.
pub(crate) fn read(document: &Document) -> Result<AwsKeys, ExchangeError> {
    let wrong = |what: &str| ExchangeError::new("keys_unusable", Pace::Rarely, format!("the access keys {what}"));
    let text = std::str::from_utf8(document.as_bytes()).map_err(|_| wrong("are not text"))?;
    let [access_key_id, secret_access_key, session_token] = if text.trim_start().starts_with('{') {
        let json: serde_json::Value = serde_json::from_str(text).map_err(|_| wrong("are not JSON"))?;
        let either = |names: [&str; 2]| names.iter().find_map(|name| json[*name].as_str()).map(str::to_owned);
        [
            either(["AccessKeyId", "aws_access_key_id"]),
            either(["SecretAccessKey", "aws_secret_access_key"]),
            either(["SessionToken", "aws_session_token"]),
        ]
    } else {
        let lines = profile(text);
        ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"].map(|wanted| {
            lines.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| (*value).to_owned())
        })
    };
    let parse = |value: Option<String>, name: &str| {
        let value = value.filter(|value| !value.is_empty());
        let parsed = value.map(|value| Secret::parse(value.as_bytes())).transpose();
        parsed.map_err(|why| wrong(&format!("have a {name} that cannot be used: {why}")))
    };
    Ok(AwsKeys {
        access_key_id: parse(access_key_id, "key id")?.ok_or_else(|| wrong("have no aws_access_key_id"))?,
        secret_access_key: parse(secret_access_key, "secret")?.ok_or_else(|| wrong("have no aws_secret_access_key"))?,
        session_token: parse(session_token, "session token")?,
    })
}

/// The settings of the profile `default`, or of the first where none is called so.
fn profile(text: &str) -> Vec<(&str, &str)> {
    let mut profiles: Vec<(&str, Vec<(&str, &str)>)> = vec![("", Vec::new())];
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            profiles.push((name.trim(), Vec::new()));
        } else if let Some((name, value)) = line.split_once('=')
            && let Some((_, settings)) = profiles.last_mut()
            && !line.starts_with(['#', ';'])
        {
            let name = name.trim().trim_start_matches("export ").trim();
            settings.push((name, value.trim().trim_matches(['"', '\''])));
        }
    }
    let at = profiles.iter().position(|(name, _)| *name == "default");
    let at = at.or_else(|| profiles.iter().position(|(_, settings)| !settings.is_empty()));
    at.map(|at| profiles.swap_remove(at).1).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_in_every_form_that_people_have_them() {
        for (text, expected) in [
            ("[default]\naws_access_key_id = AKID\naws_secret_access_key = s/+=\n", Ok(("AKID", "s/+=", None))),
            (
                "[a]\naws_access_key_id=A\naws_secret_access_key=b\n[default]\naws_access_key_id=C\naws_secret_access_key=d\naws_session_token=t==",
                Ok(("C", "d", Some("t=="))),
            ),
            ("# none\n[other]\naws_access_key_id=A\naws_secret_access_key=b\naws_session_token=", Ok(("A", "b", None))),
            ("export AWS_ACCESS_KEY_ID=A\nexport AWS_SECRET_ACCESS_KEY='b'\r\n", Ok(("A", "b", None))),
            (r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"b","SessionToken":"t"}"#, Ok(("A", "b", Some("t")))),
            (r#"{"AccessKeyId":"A"}"#, Err("have no aws_secret_access_key")),
            ("[default]\naws_secret_access_key=b", Err("have no aws_access_key_id")),
            ("{", Err("are not JSON")),
            ("", Err("have no aws_access_key_id")),
            ("aws_access_key_id=A B\naws_secret_access_key=b", Err("have a key id that cannot be used")),
        ] {
            let found = read(&Document::new(text.as_bytes().to_vec()));
            match (&found, expected) {
                (Ok(keys), Ok((id, secret, token))) => {
                    let session = keys.session_token.as_ref().map(Secret::expose);
                    let found = (keys.access_key_id.expose(), keys.secret_access_key.expose(), session);
                    assert_eq!(found, (id, secret, token), "{text}");
                }
                (Err(error), Err(expected)) => assert!(error.what.contains(expected), "{text}: {error}"),
                _ => panic!("{text}: {found:?}"),
            }
        }
    }
}
