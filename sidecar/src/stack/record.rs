//! Last step: one log line and the metrics of a call, written once, when the last byte went out or the client left.
//! Never holds a prompt, an answer, a header or a credential.

use super::Gateway;
use super::admit::Permit;
use crate::error::Cause;
use crate::metrics::{AttemptLabels, CallLabels, ProviderLabels, TokenLabels};
use crate::snapshots::{Backend, Provider};
use http::{HeaderMap, HeaderName, HeaderValue};
use pillion_llm::model::Report;
use pillion_llm::{Call, Dialect, Operation, Usage};
use std::sync::Arc;
use std::time::{Duration, Instant};

const OPENAI_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const ANTHROPIC_REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const AWS_REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-pillion-request-id");
const ROUTE: HeaderName = HeaderName::from_static("x-pillion-route");
const PROVIDER: HeaderName = HeaderName::from_static("x-pillion-provider");
const MODEL: HeaderName = HeaderName::from_static("x-pillion-model");
const ATTEMPTS: HeaderName = HeaderName::from_static("x-pillion-attempts");

/// A model name in a log line is the client's word: it is cut there.
const LONGEST_NAME: usize = 128;

/// What is known of a call so far. Written when dropped, at the latest: then the client was gone.
pub(crate) struct Record {
    gateway: Arc<Gateway>,
    started: Instant,
    id: String,
    /// What the call holds of the memory budget.
    pub(crate) permit: Permit,
    dialect: Dialect,
    operation: Operation,
    asked_model: Option<String>,
    stream: bool,
    rule: Option<HeaderValue>,
    provider: Option<Arc<Provider>>,
    sent_model: Option<String>,
    attempts: u32,
    status: u16,
    first_byte: Option<Duration>,
    usage: Option<Usage>,
    finish: Option<String>,
    /// What of a stream the client could not be told.
    lost: Option<String>,
    ended: Option<Ended>,
}

struct Ended {
    outcome: &'static str,
    fault: &'static str,
    detail: Option<String>,
}

impl Record {
    pub(crate) fn new(gateway: &Arc<Gateway>, call: &Call, permit: Permit) -> Self {
        gateway.metrics.in_flight.inc();
        gateway.calls.begin();
        Self {
            gateway: gateway.clone(),
            started: Instant::now(),
            permit,
            id: format!("{:016x}", fastrand::u64(..)),
            dialect: call.dialect,
            operation: call.operation,
            asked_model: call.model.clone(),
            stream: false,
            rule: None,
            provider: None,
            sent_model: None,
            attempts: 0,
            status: 0,
            first_byte: None,
            usage: None,
            finish: None,
            lost: None,
            ended: None,
        }
    }

    pub(crate) fn asked(&mut self, model: Option<&str>, stream: bool) {
        self.asked_model = model.map(|model| model.chars().take(LONGEST_NAME).collect());
        self.stream = stream;
    }

    pub(crate) fn routed(&mut self, rule: &HeaderValue) {
        self.rule = Some(rule.clone());
    }

    /// An attempt begins.
    pub(crate) fn attempt(&mut self, backend: &Backend, model: Option<&str>) {
        self.attempts += 1;
        self.provider = backend.provider.as_ref().ok().cloned();
        self.sent_model = model.map(|model| model.chars().take(LONGEST_NAME).collect());
    }

    /// An attempt ended; `Err` holds why it came to nothing.
    pub(crate) fn attempted(&self, result: Result<(), &Cause>) {
        let labels =
            AttemptLabels { provider: self.provider_name(), result: result.map_or_else(Cause::name, |()| "ok") };
        self.gateway.metrics.attempts.get_or_create(&labels).inc();
        if let Err(cause) = result {
            let detail = cause.detail().unwrap_or_default();
            let provider = &labels.provider;
            tracing::debug!(request_id = self.id, provider, cause = cause.name(), detail, "attempt failed");
        }
    }

    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The head of the reply goes out with this status.
    pub(crate) fn answered(&mut self, status: u16) {
        self.status = status;
    }

    /// The first byte of the reply's body is there.
    pub(crate) fn first_byte(&mut self) {
        self.first_byte.get_or_insert_with(|| self.started.elapsed());
    }

    pub(crate) fn used(&mut self, usage: Option<Usage>, finish: Option<String>) {
        self.usage = usage.or(self.usage.take());
        self.finish = finish.or(self.finish.take());
    }

    /// What of a stream the client could be told only nearly, or not at all: its headers went before that was known.
    pub(crate) fn lost(&mut self, report: &Report) {
        let lost: Vec<&str> = report.dropped.iter().chain(&report.approximated).map(String::as_str).collect();
        self.lost = (!lost.is_empty()).then(|| lost.join(", "));
    }

    /// All went well up to the last byte.
    pub(crate) fn succeeded(&mut self) {
        self.ended.get_or_insert(Ended { outcome: "ok", fault: "none", detail: None });
    }

    /// The call ended with this cause, before or after its reply began. Of several the first counts.
    pub(crate) fn failed(&mut self, cause: &Cause) {
        let ended = || Ended { outcome: cause.name(), fault: cause.fault().as_str(), detail: cause.detail() };
        self.ended.get_or_insert_with(ended);
    }

    /// The headers that every reply carries.
    pub(crate) fn headers(&self, headers: &mut HeaderMap) {
        let mut set = |name, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        set(REQUEST_ID, &self.id);
        if let Some(provider) = &self.provider {
            set(PROVIDER, &provider.name);
        }
        if let Some(model) = &self.sent_model {
            set(MODEL, model);
        }
        if self.attempts > 0 {
            headers.insert(ATTEMPTS, HeaderValue::from(self.attempts));
        }
        if let Some(rule) = &self.rule {
            headers.insert(ROUTE, rule.clone());
        }
        self.name_for_sdk(headers);
    }

    /// The request's id where the client's SDK reads it: the provider's own, under whichever name it came, else ours.
    fn name_for_sdk(&self, headers: &mut HeaderMap) {
        let name = match self.dialect {
            Dialect::OpenAI | Dialect::AzureOpenAI => OPENAI_REQUEST_ID,
            Dialect::Anthropic => ANTHROPIC_REQUEST_ID,
            Dialect::Bedrock => AWS_REQUEST_ID,
            _ => return,
        };
        if headers.contains_key(&name) {
            return;
        }
        let told =
            [OPENAI_REQUEST_ID, ANTHROPIC_REQUEST_ID, AWS_REQUEST_ID].into_iter().find_map(|name| headers.get(name));
        if let Some(id) = told.cloned().or_else(|| HeaderValue::from_str(&self.id).ok()) {
            headers.insert(name, id);
        }
    }

    fn provider_name(&self) -> String {
        self.provider.as_ref().map(|provider| provider.name.clone()).unwrap_or_default()
    }

    fn measure(&self, elapsed: Duration, outcome: &'static str) {
        let metrics = &self.gateway.metrics;
        let (operation, provider) = (self.operation.as_str(), self.provider_name());
        let labels = CallLabels { dialect: self.dialect.as_str(), operation, provider: provider.clone(), outcome };
        metrics.requests.get_or_create(&labels).inc();
        let labels = ProviderLabels { operation, provider };
        metrics.duration.get_or_create(&labels).observe(elapsed.as_secs_f64());
        if let Some(first_byte) = self.first_byte {
            metrics.first_byte.get_or_create(&labels).observe(first_byte.as_secs_f64());
        }
        let Some(usage) = &self.usage else { return };
        for (kind, tokens) in [
            ("input", usage.input),
            ("output", usage.output),
            ("cached_input", usage.cached_input),
            ("cache_creation", usage.cache_creation),
            ("reasoning", usage.reasoning),
        ] {
            if tokens > 0 {
                let labels = TokenLabels { provider: labels.provider.clone(), kind };
                metrics.tokens.get_or_create(&labels).inc_by(tokens);
            }
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let elapsed = self.started.elapsed();
        let gone = || Ended { outcome: "client_gone", fault: "client", detail: None };
        let ended = self.ended.take().unwrap_or_else(gone);
        self.measure(elapsed, ended.outcome);
        let usage = self.usage.unwrap_or_default();
        tracing::info!(
            target: "pillion::call",
            request_id = self.id,
            dialect = self.dialect.as_str(),
            operation = self.operation.as_str(),
            model = self.asked_model.as_deref(),
            stream = self.stream,
            route = self.rule.as_ref().and_then(|rule| rule.to_str().ok()),
            provider = self.provider.as_ref().map(|provider| provider.name.as_str()),
            sent_model = self.sent_model.as_deref(),
            attempts = self.attempts,
            status = self.status,
            outcome = ended.outcome,
            fault = ended.fault,
            detail = ended.detail,
            finish = self.finish.as_deref(),
            reply_lost = self.lost.as_deref(),
            duration_ms = millis(elapsed),
            first_byte_ms = self.first_byte.map(millis),
            input_tokens = usage.input,
            output_tokens = usage.output,
            cached_input_tokens = usage.cached_input,
            "call"
        );
        self.gateway.metrics.in_flight.dec();
        self.gateway.calls.end();
    }
}

/// With three decimals, which is what a reader of logs can use.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
