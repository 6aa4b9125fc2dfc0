//! The operator's metrics; no label ever holds a pod's name.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::sync::Arc;

/// An object kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct KindLabel {
    pub(crate) kind: &'static str,
}

/// What came of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ResultLabel {
    pub(crate) result: &'static str,
}

/// What came of something, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OutcomeLabels {
    pub(crate) result: &'static str,
    pub(crate) reason: &'static str,
}

/// Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    pub(crate) injection: Family<OutcomeLabels, Counter>,
    pub(crate) validation: Family<OutcomeLabels, Counter>,
    pub(crate) streams: Gauge,
    pub(crate) pushes: Counter,
    pub(crate) refusals: Counter,
    pub(crate) token_reviews: Family<ResultLabel, Counter>,
    pub(crate) reconciles: Family<ResultLabel, Counter>,
    pub(crate) status_writes: Family<ResultLabel, Counter>,
    pub(crate) watch_restarts: Family<KindLabel, Counter>,
    pub(crate) secret_reads: Family<ResultLabel, Counter>,
    pub(crate) leader: Gauge,
    pub(crate) certificate_expiry: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("pillion");
        let injection = Family::default();
        registry.register("injection", "Pods that came to the injector", injection.clone());
        let validation = Family::default();
        registry.register("validation", "Objects that came to the validator", validation.clone());
        let streams = Gauge::default();
        registry.register("config_streams", "Sidecars connected to this replica", streams.clone());
        let pushes = Counter::default();
        registry.register("config_push", "Snapshots sent to sidecars", pushes.clone());
        let refusals = Counter::default();
        registry.register("config_nack", "Snapshots that a sidecar refused", refusals.clone());
        let token_reviews = Family::default();
        registry.register("tokenreview", "Tokens that sidecars brought", token_reviews.clone());
        let reconciles = Family::default();
        registry.register("reconcile", "Namespaces compiled", reconciles.clone());
        let status_writes = Family::default();
        registry.register("status_write", "Statuses written", status_writes.clone());
        let watch_restarts = Family::default();
        registry.register("watch_restarts", "Watches that were interrupted", watch_restarts.clone());
        let secret_reads = Family::default();
        registry.register("secret_read", "Secrets of AIProviders that were read", secret_reads.clone());
        let leader = Gauge::default();
        registry.register("leader", "1 where this replica leads", leader.clone());
        let certificate_expiry = Gauge::default();
        registry.register(
            "cert_expiry_timestamp_seconds",
            "When the server certificate expires",
            certificate_expiry.clone(),
        );
        registry.register("build", "Version of the operator", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        Self {
            registry: Arc::new(registry),
            injection,
            validation,
            streams,
            pushes,
            refusals,
            token_reviews,
            reconciles,
            status_writes,
            watch_restarts,
            secret_reads,
            leader,
            certificate_expiry,
        }
    }

    /// In OpenMetrics' text format.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
