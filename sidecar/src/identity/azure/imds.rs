//! Replies of Azure's instance metadata service. Pure.

use super::{Given, entra};
use crate::identity::error::{ExchangeError, Pace};
use crate::identity::transport::Reply;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

const WHO: &str = "Azure's instance metadata service";
/// The only address that it is asked at.
pub(super) const REACHES: [SocketAddr; 1] = [SocketAddr::new(IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)), 80)];

/// A token, or why there is none.
pub(super) fn read(reply: &Reply) -> Result<Given, ExchangeError> {
    if reply.status.is_success() {
        return entra::given(&reply.json(WHO)?, WHO);
    }
    let plain = reply.failure(WHO, None);
    Err(match reply.status.as_u16() {
        400 => ExchangeError { reason: "identity_not_assigned", pace: Pace::Rarely, ..plain }
            .hint("the identity is not assigned to the node: check managedIdentity, and the node pool's identities"),
        // It is starting, or being updated.
        404 => ExchangeError { pace: Pace::Soon, ..plain },
        _ => plain,
    })
}
