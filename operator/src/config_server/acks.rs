//! What connected sidecars said, and how one replica tells another; does no I/O.

use pillion_snapshot::{CredentialState, ProviderKey};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Objects and the generations of them that a sidecar serves (`AIRoute/team-a/chat` → 3); shared by a class's pods.
pub(crate) type Serving = Arc<BTreeMap<String, i64>>;

/// How the credentials of a sidecar are, by provider; shared where many are alike.
pub(crate) type CredentialsSaid = Arc<BTreeMap<ProviderKey, CredentialState>>;

/// What a connected sidecar last said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PodAck {
    /// Milliseconds since 1970: of two replicas' words the later counts.
    pub(crate) connected_at: u64,
    /// `sources` of the snapshot that it serves; absent before its first ack.
    pub(crate) serving: Option<Serving>,
    /// Why it refused the newest one.
    pub(crate) refused: Option<String>,
    /// How its credentials are; absent before it has said so.
    pub(crate) credentials: Option<CredentialsSaid>,
}

/// The words of many pods, by uid.
pub(crate) type Acks = HashMap<String, PodAck>;

/// Of two words about one pod: the one of the newer stream, unless that one has said nothing yet.
pub(crate) fn newer<'a>(one: &'a PodAck, other: &'a PodAck) -> &'a PodAck {
    let rank = |ack: &PodAck| (ack.serving.is_some(), ack.connected_at);
    if rank(other) > rank(one) { other } else { one }
}

/// Acks as they travel: what many pods serve alike is said once.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireAcks {
    servings: Vec<BTreeMap<String, i64>>,
    #[serde(default)]
    credentials: Vec<BTreeMap<ProviderKey, CredentialState>>,
    pods: BTreeMap<String, WireAck>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAck {
    connected_at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    serving: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credentials: Option<usize>,
}

/// Values that are listed once each, however many say them.
struct Once<'a, T> {
    list: Vec<T>,
    places: BTreeMap<&'a T, usize>,
}

impl<'a, T: Clone + Ord> Once<'a, T> {
    fn new() -> Self {
        Self { list: vec![], places: BTreeMap::new() }
    }

    fn place(&mut self, value: &'a T) -> usize {
        *self.places.entry(value).or_insert_with(|| {
            self.list.push(value.clone());
            self.list.len() - 1
        })
    }
}

impl WireAcks {
    /// Makes them ready to travel.
    pub(crate) fn new<'a>(acks: &'a Acks) -> Self {
        let (mut servings, mut credentials) = (Once::new(), Once::new());
        let pack = |(uid, ack): (&String, &'a PodAck)| {
            let serving = ack.serving.as_deref().map(|serving| servings.place(serving));
            let credentials = ack.credentials.as_deref().map(|states| credentials.place(states));
            let refused = ack.refused.clone();
            (uid.clone(), WireAck { connected_at: ack.connected_at, serving, refused, credentials })
        };
        let pods = acks.iter().map(pack).collect();
        Self { servings: servings.list, credentials: credentials.list, pods }
    }

    /// What arrived. A place that does not exist is as if nothing were served.
    pub(crate) fn unpack(self) -> Acks {
        let servings: Vec<Serving> = self.servings.into_iter().map(Arc::new).collect();
        let credentials: Vec<CredentialsSaid> = self.credentials.into_iter().map(Arc::new).collect();
        let unpack = |(uid, ack): (String, WireAck)| {
            let serving = ack.serving.and_then(|place| servings.get(place).cloned());
            let credentials = ack.credentials.and_then(|place| credentials.get(place).cloned());
            (uid, PodAck { connected_at: ack.connected_at, serving, refused: ack.refused, credentials })
        };
        self.pods.into_iter().map(unpack).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ack(generation: Option<i64>, connected_at: u64) -> PodAck {
        let serving = generation.map(|generation| Arc::new([("AIRoute/n/r".to_owned(), generation)].into()));
        PodAck { connected_at, serving, ..PodAck::default() }
    }

    #[test]
    fn acks_arrive_as_they_were_sent_and_what_is_alike_travels_once() {
        let refused = PodAck { refused: Some("no".into()), ..ack(Some(2), 3) };
        let ready = || Some(Arc::new([(ProviderKey("n/p".into()), CredentialState::Ready)].into()));
        let acks = Acks::from([
            ("a".to_owned(), PodAck { credentials: ready(), ..ack(Some(1), 1) }),
            ("b".to_owned(), PodAck { credentials: ready(), ..ack(Some(1), 2) }),
            ("c".to_owned(), refused),
            ("d".to_owned(), ack(None, 4)),
        ]);
        let wire = WireAcks::new(&acks);
        assert_eq!((wire.servings.len(), wire.credentials.len()), (2, 1));
        let json = serde_json::to_string(&wire).unwrap();
        assert_eq!(serde_json::from_str::<WireAcks>(&json).unwrap().unpack(), acks);
    }

    #[test]
    fn the_newer_stream_counts_once_it_has_spoken() {
        assert_eq!(newer(&ack(Some(1), 1), &ack(None, 2)), &ack(Some(1), 1));
        assert_eq!(newer(&ack(Some(1), 1), &ack(Some(2), 2)), &ack(Some(2), 2));
        assert_eq!(newer(&ack(Some(2), 2), &ack(Some(1), 1)), &ack(Some(2), 2));
    }
}
