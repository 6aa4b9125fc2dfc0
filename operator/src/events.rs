//! Kubernetes Events, sent in the background: nobody waits for one, and too many are dropped.

use crate::kubernetes::call;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// More than this many in waiting are dropped.
const QUEUE: usize = 256;
/// The API server refuses longer notes.
const MAX_NOTE_CHARS: usize = 1000;

/// The object that an event is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Regarding {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
}

/// Where events are left. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Events(mpsc::Sender<(Event, Regarding)>);

impl Events {
    /// Something a user should look at.
    pub(crate) fn warn(&self, reason: &str, action: &str, note: String, regarding: Regarding) {
        self.send(EventType::Warning, reason, action, note, regarding);
    }

    /// Something that went as it should.
    pub(crate) fn tell(&self, reason: &str, action: &str, note: String, regarding: Regarding) {
        self.send(EventType::Normal, reason, action, note, regarding);
    }

    fn send(&self, type_: EventType, reason: &str, action: &str, note: String, regarding: Regarding) {
        let note = Some(note.chars().take(MAX_NOTE_CHARS).collect());
        let event = Event { type_, reason: reason.into(), note, action: action.into(), secondary: None };
        // A full queue means that the API server is away or that everything fails alike: one event less.
        let _ = self.0.try_send((event, regarding));
    }
}

/// A queue and the future that empties it until `shutdown`.
pub(crate) fn queue(
    client: Client,
    instance: String,
    shutdown: CancellationToken,
) -> (Events, impl Future<Output = ()>) {
    let (sender, mut receiver) = mpsc::channel::<(Event, Regarding)>(QUEUE);
    let reporter = Reporter { controller: "pillion.dev/operator".into(), instance: Some(instance) };
    let recorder = Recorder::new(client, reporter);
    let send = async move {
        loop {
            let (event, regarding) = tokio::select! {
                received = receiver.recv() => match received {
                    Some(received) => received,
                    None => return,
                },
                () = shutdown.cancelled() => return,
            };
            if let Err(error) = call(recorder.publish(&event, &reference(regarding))).await {
                tracing::debug!(%error, reason = event.reason, "an event could not be sent");
            }
        }
    };
    (Events(sender), send)
}

fn reference(regarding: Regarding) -> ObjectReference {
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    ObjectReference {
        api_version: some(regarding.api_version),
        kind: some(regarding.kind),
        namespace: some(regarding.namespace),
        name: some(regarding.name),
        uid: some(regarding.uid),
        ..Default::default()
    }
}
