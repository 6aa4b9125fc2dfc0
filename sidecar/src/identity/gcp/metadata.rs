//! Google Cloud's metadata server: what is asked of it and how its replies are read. Never sends anything.

use super::{Given, sts};
use crate::identity::credential::Habit;
use crate::identity::error::{ExchangeError, Pace};
use crate::identity::transport::{Ask, Reply};
use http::{HeaderName, HeaderValue, Uri};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

const WHO: &str = "the metadata server";
/// Shows the server that a program asks, not a browser, and us that it is the server who answers.
const FLAVOR: HeaderName = HeaderName::from_static("metadata-flavor");
/// What `metadata.google.internal` may lead to.
const REACHES: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)), 80),
    SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)), 80),
];

/// It gives the same token again until four minutes before its end.
pub(super) const HABIT: Habit = Habit { keeps_until: Some(Duration::from_secs(240)), grace: Duration::ZERO };

pub(super) fn ask() -> Ask {
    let url = Uri::from_static(
        "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token?\
         scopes=https://www.googleapis.com/auth/cloud-platform",
    );
    Ask::get(url).header(FLAVOR, HeaderValue::from_static("Google")).reaching(&REACHES)
}

/// A token, or why there is none.
pub(super) fn read(reply: &Reply) -> Result<Given, ExchangeError> {
    if reply.status.is_success() {
        if reply.headers.get(FLAVOR).is_none_or(|flavor| flavor != "Google") {
            return Err(ExchangeError::garbage(WHO, "it is not Google's who answers there"));
        }
        return sts::given(reply, WHO);
    }
    let plain = reply.failure(WHO, None);
    Err(match reply.status.as_u16() {
        // Not ready in the first seconds of a pod.
        404 => ExchangeError { pace: Pace::Soon, ..plain }
            .hint("the node has no service account, or the metadata server is starting"),
        403 => plain
            .hint("the Google service account that the pod's is bound to must allow roles/iam.workloadIdentityUser"),
        _ => plain,
    })
}
