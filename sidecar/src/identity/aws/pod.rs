//! EKS Pod Identity's agent on the node: what is asked of it and how its replies are read. Never sends anything.

use super::Given;
use super::imds::keys_of;
use crate::identity::error::{ExchangeError, Pace};
use crate::identity::secret::Secret;
use crate::identity::transport::{Ask, Reply};
use http::{Uri, header};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const AGENT: &str = "http://169.254.170.23/v1/credentials";
const AGENT_V6: &str = "http://[fd00:ec2::23]/v1/credentials";
/// The agent's addresses, the only ones that its token is sent to.
const REACHES: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)), 80),
    SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)), 80),
];

/// `said`: the URL that EKS's webhook set. One that is not the agent's is not believed.
pub(super) fn ask(said: Option<&str>, token: &Secret) -> Ask {
    let url = if said == Some(AGENT_V6) { AGENT_V6 } else { AGENT };
    let ask = Ask::get(Uri::from_static(url)).reaching(&REACHES);
    // A token that was read is text without control characters.
    token.header("").into_iter().fold(ask, |ask, value| ask.header(header::AUTHORIZATION, value))
}

/// Keys, or why there are none.
pub(super) fn read(reply: &Reply) -> Result<Given, ExchangeError> {
    if !reply.status.is_success() {
        return Err(failure(reply));
    }
    keys_of(reply, "EKS Pod Identity's agent")
}

/// The agent passes on in words what EKS answered.
fn failure(reply: &Reply) -> ExchangeError {
    const CODES: [&str; 8] = [
        "ResourceNotFoundException",
        "AccessDeniedException",
        "ExpiredTokenException",
        "InvalidTokenException",
        "InvalidParameterException",
        "InvalidRequestException",
        "ThrottlingException",
        "ServiceUnavailableException",
    ];
    let text = String::from_utf8_lossy(&reply.body);
    let code = CODES.into_iter().find(|code| text.contains(code));
    let plain = reply.failure("EKS Pod Identity's agent", code);
    let typed = |reason, pace| ExchangeError { reason, pace, ..plain.clone() };
    match code {
        Some("ResourceNotFoundException") => typed("no_association", Pace::Later)
            .hint("make a pod identity association for this namespace and service account"),
        Some("AccessDeniedException") => typed("denied", Pace::Later)
            .hint("the role must trust pods.eks.amazonaws.com for sts:AssumeRole and sts:TagSession"),
        Some("ExpiredTokenException" | "InvalidTokenException") => typed("token_refused", Pace::Later),
        Some("ThrottlingException") => typed("throttled", Pace::Soon),
        Some("ServiceUnavailableException") => typed("server_error", Pace::Soon),
        _ => plain,
    }
}
