//! The condition `CredentialsReady` of an AIProvider, from what sidecars say of their credentials; pure. It names one pod
//! in trouble and what mends it.

use super::conditions::{Claim, Sidecar, Word, claim};
use pillion_crds::conditions::{CREDENTIALS_READY, reason};
use pillion_snapshot::{CredentialState, ProviderKey, Trouble};

/// The condition of a provider whose calls need a credential.
pub(super) fn credentials_ready(provider: &ProviderKey, sidecars: &[&Sidecar]) -> Claim {
    let heard: Vec<(&str, Option<&CredentialState>)> = sidecars.iter().filter_map(|one| said(provider, one)).collect();
    let all = heard.len();
    if all == 0 {
        return claim(CREDENTIALS_READY, "True", reason::NO_SIDECARS, "no running sidecar is concerned");
    }
    let in_trouble = |of: fn(&CredentialState) -> Option<&Trouble>| {
        let troubles = heard.iter().filter_map(|(pod, state)| Some((*pod, state.and_then(of)?)));
        let first = troubles.clone().min_by_key(|(pod, _)| *pod)?;
        Some((troubles.count(), first))
    };
    if let Some((count, (pod, trouble))) = in_trouble(failed) {
        let message = format!("{count} of {all} sidecars have none; pod '{pod}': {}", shown(trouble));
        return claim(CREDENTIALS_READY, "False", reason::CREDENTIAL_UNAVAILABLE, message);
    }
    let silent = heard.iter().filter(|(_, state)| is_pending(*state)).count();
    if silent > 0 {
        let message = format!("{silent} of {all} sidecars have not got one yet");
        return claim(CREDENTIALS_READY, "Unknown", reason::PENDING, message);
    }
    if let Some((count, (pod, trouble))) = in_trouble(not_renewed) {
        let message =
            format!("all are valid, {count} of {all} could not be renewed last time; pod '{pod}': {}", shown(trouble));
        return claim(CREDENTIALS_READY, "True", reason::NOT_RENEWED, message);
    }
    claim(CREDENTIALS_READY, "True", reason::CREDENTIALS_READY, "all sidecars concerned have a valid one")
}

/// The condition of a provider whose calls carry no credential of its own.
pub(super) fn not_needed() -> Claim {
    let message = "calls carry no credential, or the application's own";
    claim(CREDENTIALS_READY, "True", reason::NOT_NEEDED, message)
}

/// The condition of a provider that no sidecar gets.
pub(super) fn not_sent() -> Claim {
    claim(CREDENTIALS_READY, "Unknown", reason::PENDING, "what is not accepted is sent to no sidecar")
}

/// What a connected sidecar says of it; one that is not connected is `Programmed`'s to tell of.
fn said<'a>(provider: &ProviderKey, sidecar: &'a Sidecar) -> Option<(&'a str, Option<&'a CredentialState>)> {
    match &sidecar.word {
        Word::Said(ack) => {
            let state = ack.credentials.as_ref().and_then(|credentials| credentials.get(provider));
            Some((sidecar.pod.as_str(), state))
        }
        Word::Silent { .. } => None,
    }
}

fn failed(state: &CredentialState) -> Option<&Trouble> {
    match state {
        CredentialState::Failed(trouble) => Some(trouble),
        _ => None,
    }
}

fn not_renewed(state: &CredentialState) -> Option<&Trouble> {
    match state {
        CredentialState::NotRenewed(trouble) => Some(trouble),
        _ => None,
    }
}

fn is_pending(state: Option<&CredentialState>) -> bool {
    matches!(state, None | Some(CredentialState::Pending | CredentialState::Unknown))
}

fn shown(trouble: &Trouble) -> String {
    format!("{}: {}", trouble.reason, trouble.message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config_server::PodAck;
    use std::sync::Arc;

    fn sidecar(pod: &str, state: Option<CredentialState>) -> Sidecar {
        let credentials = state.map(|state| Arc::new([(ProviderKey("n/p".into()), state)].into()));
        Sidecar { pod: pod.into(), word: Word::Said(PodAck { credentials, ..PodAck::default() }) }
    }

    fn trouble() -> Trouble {
        Trouble { reason: "denied".into(), message: "STS answered 403 (change the trust policy)".into() }
    }

    #[track_caller]
    fn check(sidecars: &[Sidecar], status: &str, reason: &str, message: &str) {
        let claim = credentials_ready(&ProviderKey("n/p".into()), &sidecars.iter().collect::<Vec<_>>());
        assert_eq!((claim.status, claim.reason), (status, reason));
        assert!(claim.message.contains(message), "{}", claim.message);
    }

    #[test]
    fn one_pod_without_a_credential_is_named_with_what_mends_it() {
        use CredentialState::{Failed, NotRenewed, Pending, Ready, Unknown};
        let silent = Sidecar { pod: "s".into(), word: Word::Silent { long: true } };
        check(&[], "True", "NoSidecars", "no running sidecar");
        check(&[silent, sidecar("a", Some(Ready))], "True", "CredentialsReady", "all sidecars");
        let both = [sidecar("b", Some(Failed(trouble()))), sidecar("a", Some(Failed(trouble()))), sidecar("c", None)];
        check(&both, "False", "CredentialUnavailable", "2 of 3 sidecars have none; pod 'a': denied: STS answered 403");
        check(&[sidecar("a", Some(Ready)), sidecar("b", Some(Pending))], "Unknown", "Pending", "1 of 2");
        check(&[sidecar("a", Some(Unknown))], "Unknown", "Pending", "1 of 1");
        check(&[sidecar("a", None)], "Unknown", "Pending", "1 of 1");
        check(&[sidecar("a", Some(NotRenewed(trouble())))], "True", "NotRenewed", "pod 'a': denied");
    }
}
