//! Every metric of the sidecar, registered in one place. Labels hold names from the snapshot and from fixed lists only,
//! never what a client sent.

use crate::error::Cause;
use crate::identity::Engine;
use crate::snapshots::Live;
use crate::stack::admit::Budget;
use pillion_llm::Call;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// One finished call.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct CallLabels {
    pub(crate) dialect: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) provider: String,
    /// `ok`, `client_gone`, or the name of a cause.
    pub(crate) outcome: &'static str,
}

/// Calls of one kind to one provider.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct ProviderLabels {
    pub(crate) operation: &'static str,
    pub(crate) provider: String,
}

/// One attempt.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct AttemptLabels {
    pub(crate) provider: String,
    /// `ok`, or the name of a cause.
    pub(crate) result: &'static str,
}

/// Tokens of one kind.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct TokenLabels {
    pub(crate) provider: String,
    /// `input` (cached ones included), `output`, `cached_input`, `cache_creation` or `reasoning`.
    pub(crate) kind: &'static str,
}

/// The metrics that calls write.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    pub(crate) requests: Family<CallLabels, Counter>,
    pub(crate) duration: Family<ProviderLabels, Histogram>,
    pub(crate) first_byte: Family<ProviderLabels, Histogram>,
    pub(crate) attempts: Family<AttemptLabels, Counter>,
    pub(crate) tokens: Family<TokenLabels, Counter>,
    pub(crate) in_flight: Gauge,
    registry: Arc<Registry>,
}

/// From a local answer to a long generation, in seconds.
fn histogram() -> Histogram {
    Histogram::new([0.005, 0.02, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0])
}

impl Metrics {
    pub(crate) fn new(live: Arc<Live>, budget: Arc<Budget>, engine: Arc<Engine>) -> Self {
        let mut registry = Registry::with_prefix("pillion");
        let requests = Family::default();
        let duration = Family::new_with_constructor(histogram as fn() -> Histogram);
        let first_byte = Family::new_with_constructor(histogram as fn() -> Histogram);
        let attempts = Family::default();
        let tokens = Family::default();
        let in_flight = Gauge::default();
        registry.register("requests", "Calls of the application, finished or given up", requests.clone());
        let help = "From a call's first byte to its reply's last";
        registry.register_with_unit("request_duration", help, Unit::Seconds, duration.clone());
        let help = "From a call's first byte to its reply's first";
        registry.register_with_unit("time_to_first_byte", help, Unit::Seconds, first_byte.clone());
        registry.register("upstream_attempts", "Attempts to have a provider answer", attempts.clone());
        registry.register("tokens", "Tokens as the provider counted them", tokens.clone());
        registry.register("requests_in_flight", "Calls being served", in_flight.clone());
        registry.register("build", "What runs", Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]));
        let help = "Exchanges for a credential of a cloud";
        registry.register("credential_refresh", help, engine.metrics.refreshes.clone());
        let help = "From asking a cloud for a credential to its answer";
        registry.register_with_unit(
            "credential_refresh_duration",
            help,
            Unit::Seconds,
            engine.metrics.duration.clone(),
        );
        registry.register_collector(Box::new(State { live, budget, engine }));
        Self { requests, duration, first_byte, attempts, tokens, in_flight, registry: Arc::new(registry) }
    }

    /// A call that was refused before anything was known of it.
    pub(crate) fn refused(&self, call: &Call, cause: &Cause) {
        let (dialect, operation) = (call.dialect.as_str(), call.operation.as_str());
        let labels = CallLabels { dialect, operation, provider: String::new(), outcome: cause.name() };
        self.requests.get_or_create(&labels).inc();
    }

    /// In the OpenMetrics text format.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail; what was written so far is still the best answer.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// The credential of one provider.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CredentialLabels {
    provider: String,
    kind: &'static str,
}

/// What is read when asked for.
#[derive(Debug)]
struct State {
    live: Arc<Live>,
    budget: Arc<Budget>,
    engine: Arc<Engine>,
}

impl Collector for State {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let mut gauge = |name: &str, help: &str, unit: Option<&Unit>, value: f64| {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, unit, gauge.metric_type())?)
        };
        gauge("memory_budget", "Bytes that calls may hold together", Some(&Unit::Bytes), self.budget.total() as f64)?;
        gauge("memory_held", "Bytes that calls hold now", Some(&Unit::Bytes), self.budget.used() as f64)?;
        let serving = self.live.watch().borrow().clone();
        if let Some(serving) = &serving {
            let age = serving.since.elapsed().as_secs_f64();
            gauge("snapshot_age", "Since the served snapshot was applied", Some(&Unit::Seconds), age)?;
        }
        let refused = ConstCounter::new(self.live.refused());
        let help = "Snapshots that came and were not served";
        refused.encode(encoder.encode_descriptor("snapshots_refused", help, None, refused.metric_type())?)?;
        let expiry: Family<CredentialLabels, Gauge<f64, AtomicU64>> = Family::default();
        for state in self.engine.states() {
            for provider in state.providers {
                let labels = CredentialLabels { provider, kind: state.kind };
                // A credential that never came has no end; 0 says that there is none.
                expiry.get_or_create(&labels).set(state.ends_in.unwrap_or_default().max(0.0));
            }
        }
        let help = "Until the credential of a cloud ends that is there; 0: there is none";
        expiry.encode(encoder.encode_descriptor(
            "credential_expiry",
            help,
            Some(&Unit::Seconds),
            expiry.metric_type(),
        )?)?;
        if let Some(serving) = serving {
            let info = Info::new(vec![("version", serving.version), ("source", serving.origin.as_str().to_owned())]);
            info.encode(encoder.encode_descriptor("snapshot", "What is served", None, info.metric_type())?)?;
        }
        Ok(())
    }
}
