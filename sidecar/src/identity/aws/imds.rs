//! EC2's instance metadata service, version 2 only: what is asked of it and how its replies are read. Never sends
//! anything.

use super::Given;
use crate::identity::credential::{AwsKeys, Habit};
use crate::identity::error::{ExchangeError, Pace};
use crate::identity::lifetime::{Expiry, timestamp};
use crate::identity::reply::code;
use crate::identity::secret::{Secret, percent_encode};
use crate::identity::transport::{Ask, Reply};
use http::{HeaderName, HeaderValue, Method, Uri};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

const WHO: &str = "the instance metadata service";
const REACHES: [SocketAddr; 1] = [SocketAddr::new(IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)), 80)];
const TOKEN_TTL: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");
const TOKEN: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token");

/// AWS extends the keys of instances while their renewal is in trouble.
pub(super) const HABIT: Habit = Habit { keeps_until: None, grace: Duration::from_secs(15 * 60) };

/// Asks for a session, without which version 2 tells nothing.
pub(super) fn session() -> Ask {
    let url = Uri::from_static("http://169.254.169.254/latest/api/token");
    let ask = Ask { method: Method::PUT, ..Ask::get(url) };
    ask.header(TOKEN_TTL, HeaderValue::from_static("21600")).reaching(&REACHES)
}

pub(super) fn read_session(reply: &Reply) -> Result<Secret, ExchangeError> {
    if !reply.status.is_success() {
        return Err(reply.failure(WHO, None));
    }
    Secret::parse(&reply.body).map_err(|why| ExchangeError::garbage(WHO, format!("its token: {why}")))
}

/// Asks for the name of the instance's role.
pub(super) fn role(session: &Secret) -> Ask {
    with(session, Uri::from_static("http://169.254.169.254/latest/meta-data/iam/security-credentials/"))
}

pub(super) fn read_role(reply: &Reply) -> Result<String, ExchangeError> {
    if reply.status.as_u16() == 404 {
        let none = ExchangeError::new("no_instance_role", Pace::Later, "the node has no role");
        return Err(none.hint("attach an instance profile, or use source WebIdentity or PodIdentity"));
    }
    if !reply.status.is_success() {
        return Err(reply.failure(WHO, None));
    }
    let text = std::str::from_utf8(&reply.body).unwrap_or_default();
    let name = text.lines().next().unwrap_or_default().trim();
    // IAM's own rule for names.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    match (1..=64).contains(&name.len()) && name.bytes().all(plain) {
        true => Ok(name.to_owned()),
        false => Err(ExchangeError::garbage(WHO, "it names no role")),
    }
}

/// Asks for keys of the role.
pub(super) fn keys(session: &Secret, role: &str) -> Result<Ask, ExchangeError> {
    let mut url = "http://169.254.169.254/latest/meta-data/iam/security-credentials/".to_owned();
    percent_encode(role, &mut url);
    let url = url.parse().map_err(|_| ExchangeError::garbage(WHO, "it names no role"))?;
    Ok(with(session, url))
}

pub(super) fn read_keys(reply: &Reply) -> Result<Given, ExchangeError> {
    if !reply.status.is_success() {
        return Err(reply.failure(WHO, None));
    }
    keys_of(reply, WHO)
}

fn with(session: &Secret, url: Uri) -> Ask {
    let ask = Ask::get(url).reaching(&REACHES);
    session.header("").into_iter().fold(ask, |ask, value| ask.header(TOKEN, value))
}

/// Keys as metadata services and agents write them in JSON.
pub(super) fn keys_of(reply: &Reply, who: &str) -> Result<Given, ExchangeError> {
    let json = reply.json(who)?;
    if let Some(said) = json["Code"].as_str()
        && said != "Success"
    {
        let said = code(said).unwrap_or("an error");
        return Err(ExchangeError::new("denied", Pace::Later, format!("{who} answered {said}"))
            .hint("the role of the instance profile cannot be assumed by EC2"));
    }
    let secret = |name: &str| {
        let value = json[name].as_str().ok_or_else(|| ExchangeError::garbage(who, format!("it has no {name}")))?;
        Secret::parse(value.as_bytes()).map_err(|why| ExchangeError::garbage(who, format!("{name}: {why}")))
    };
    let end = json["Expiration"].as_str().and_then(timestamp);
    let end = end.ok_or_else(|| ExchangeError::garbage(who, "Expiration is no time"))?;
    Ok(Given {
        keys: AwsKeys {
            access_key_id: secret("AccessKeyId")?,
            secret_access_key: secret("SecretAccessKey")?,
            session_token: Some(secret("Token")?),
        },
        expiry: Expiry::At(end),
    })
}
