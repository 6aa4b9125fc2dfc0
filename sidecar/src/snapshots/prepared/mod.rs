//! A snapshot made ready for the request path: names resolved to descriptors, headers and URLs parsed once. What cannot
//! be made ready is refused here, whole, before anything is served from it.

use crate::identity::Source;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use pillion_llm::{Ask, Descriptor, Dialect, Format, Operation, Options, Wire};
use pillion_snapshot::{
    ApiKeyPlacement, CredentialSource, ExtraHosts, Metering, ModelPattern, Params, ProviderKey, Retry, Snapshot,
    Translation,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// What is served now.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// As it came, for the admin page and for acks.
    pub(crate) snapshot: Arc<Snapshot>,
    /// In the order they are tried.
    pub(crate) rules: Vec<Rule>,
    /// The clouds' identities that it asks for, each with the names of its providers.
    pub(crate) identities: BTreeMap<Arc<Source>, Vec<String>>,
}

/// One rule, ready.
#[derive(Debug)]
pub(crate) struct Rule {
    /// `namespace/route/rule`, for headers and logs.
    pub(crate) name: HeaderValue,
    /// Any of these; empty: every call.
    pub(crate) matches: Vec<Match>,
    /// By priority, the first group tried first; no group is empty.
    pub(crate) groups: Vec<Vec<Arc<Backend>>>,
    pub(crate) timeouts: Timeouts,
    pub(crate) retry: Retry,
    pub(crate) translation: Translation,
    pub(crate) metering: Metering,
}

/// All parts hold; an empty part holds always.
#[derive(Debug)]
pub(crate) struct Match {
    pub(crate) models: Vec<ModelPattern>,
    pub(crate) operations: Vec<Operation>,
    pub(crate) dialects: Vec<Dialect>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

/// One place where calls may go.
#[derive(Debug)]
pub(crate) struct Backend {
    /// `Err` holds the key that the snapshot does not know.
    pub(crate) provider: Result<Arc<Provider>, ProviderKey>,
    pub(crate) model: Option<String>,
    pub(crate) weight: u32,
    pub(crate) params: Params,
}

/// One upstream, ready.
#[derive(Debug)]
pub(crate) struct Provider {
    /// For headers, logs and metrics.
    pub(crate) name: String,
    pub(crate) descriptor: &'static Descriptor,
    pub(crate) endpoint: String,
    pub(crate) options: Options,
    pub(crate) auth: Auth,
    /// The URL of each wire that is the same for every call.
    urls: Vec<(Wire, Uri)>,
}

/// How calls are authorised, its header parsed.
#[derive(Clone, Debug)]
pub(crate) enum Auth {
    None,
    Passthrough,
    Header {
        key: CredentialSource,
        name: HeaderName,
        prefix: String,
    },
    Query {
        key: CredentialSource,
        name: String,
    },
    /// Shared by all providers that say the same, and the hosts besides the cloud's own that its credentials go to.
    Cloud(Arc<Source>, Arc<ExtraHosts>),
}

/// As in the snapshot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    pub(crate) connect: Duration,
    pub(crate) first_byte: Duration,
    pub(crate) stream_idle: Duration,
    pub(crate) request: Duration,
}

/// Why a snapshot is not served; named in the ack and so in the route's condition.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PrepareError {
    #[error("provider '{provider}' is of type '{kind}', which this sidecar does not know")]
    UnknownProviderType { provider: String, kind: String },
    #[error("provider '{provider}' has endpoint '{endpoint}', which is not an http or https URL without a query")]
    Endpoint { provider: String, endpoint: String },
    #[error("provider '{provider}' has options that this sidecar does not know: {why}")]
    Options { provider: String, why: String },
    #[error("provider '{provider}' puts its key into '{header}', which is not a header for keys")]
    KeyHeader { provider: String, header: String },
    #[error("rule '{rule}' matches {what} '{value}', which this sidecar does not know")]
    UnknownMatch { rule: String, what: &'static str, value: String },
    #[error("rule '{rule}' has no backend")]
    NoBackend { rule: String },
    #[error("rule '{rule}' allows no attempt")]
    NoAttempt { rule: String },
}

impl Prepared {
    /// Makes every rule and provider ready.
    pub(crate) fn new(snapshot: Snapshot) -> Result<Self, PrepareError> {
        let extra = Arc::new(snapshot.extra_hosts.clone());
        let mut providers = HashMap::new();
        for (key, provider) in &snapshot.providers {
            providers.insert(key, Arc::new(Provider::new(key, provider, &extra)?));
        }
        let rules = snapshot.rules.iter().map(|rule| Rule::new(rule, &providers)).collect::<Result<_, _>>()?;
        let identities = identities(providers.values());
        Ok(Self { rules, identities, snapshot: Arc::new(snapshot) })
    }
}

fn identities<'a>(providers: impl Iterator<Item = &'a Arc<Provider>>) -> BTreeMap<Arc<Source>, Vec<String>> {
    let mut identities: BTreeMap<Arc<Source>, Vec<String>> = BTreeMap::new();
    for provider in providers {
        if let Auth::Cloud(source, _) = &provider.auth {
            identities.entry(source.clone()).or_default().push(provider.name.clone());
        }
    }
    identities.values_mut().for_each(|names| names.sort());
    identities
}

impl Provider {
    fn new(
        key: &ProviderKey,
        provider: &pillion_snapshot::Provider,
        extra: &Arc<ExtraHosts>,
    ) -> Result<Self, PrepareError> {
        let named = || key.0.clone();
        let descriptor = pillion_llm::provider(&provider.kind)
            .ok_or_else(|| PrepareError::UnknownProviderType { provider: named(), kind: provider.kind.clone() })?;
        let options = Options::read(&provider.options)
            .map_err(|error| PrepareError::Options { provider: named(), why: error.to_string() })?;
        let mut urls = Vec::new();
        if !descriptor.local {
            check_endpoint(&provider.endpoint)
                .ok_or_else(|| PrepareError::Endpoint { provider: named(), endpoint: redact(&provider.endpoint) })?;
            urls = fixed_urls(descriptor, &provider.endpoint, &options);
        }
        Ok(Self {
            name: provider.name.clone(),
            descriptor,
            endpoint: provider.endpoint.clone(),
            options,
            auth: Auth::new(key, &provider.auth, extra)?,
            urls,
        })
    }

    /// Where a call goes; `None` where the model makes no URL.
    pub(crate) fn url(&self, ask: &Ask<'_>) -> Option<Uri> {
        let fixed = self.urls.iter().find(|(wire, _)| *wire == ask.wire);
        fixed.map_or_else(|| self.descriptor.url(&self.endpoint, ask).parse().ok(), |(_, uri)| Some(uri.clone()))
    }
}

/// The URLs in which neither a model nor a stream shows.
fn fixed_urls(descriptor: &Descriptor, endpoint: &str, options: &Options) -> Vec<(Wire, Uri)> {
    let url = |wire: Wire, model, stream| {
        descriptor.url(endpoint, &Ask { wire, model, stream, framing: wire.format.framing(), options })
    };
    let wires = Format::ALL.iter().map(|format| Wire::from(*format));
    wires
        .filter(|wire| url(*wire, "a", false) == url(*wire, "b", true))
        .filter_map(|wire| Some((wire, url(wire, "a", false).parse().ok()?)))
        .collect()
}

impl Auth {
    /// Whether the whole request is needed to authorise it.
    pub(crate) fn signs(&self) -> bool {
        matches!(self, Self::Cloud(source, _) if matches!(**source, Source::Aws(_)))
    }

    /// Whether there may be a newer credential after a refusal.
    pub(crate) fn renews(&self) -> bool {
        match self {
            Self::Cloud(..) => true,
            Self::Header { key, .. } | Self::Query { key, .. } => matches!(key, CredentialSource::Streamed { .. }),
            Self::None | Self::Passthrough => false,
        }
    }

    fn new(
        provider: &ProviderKey,
        auth: &pillion_snapshot::Auth,
        extra: &Arc<ExtraHosts>,
    ) -> Result<Self, PrepareError> {
        Ok(match auth {
            pillion_snapshot::Auth::None => Self::None,
            pillion_snapshot::Auth::Passthrough => Self::Passthrough,
            pillion_snapshot::Auth::Aws(_) | pillion_snapshot::Auth::Azure(_) | pillion_snapshot::Auth::Gcp(_) => {
                Source::of(auth).map_or(Self::None, |source| Self::Cloud(Arc::new(source), extra.clone()))
            }
            pillion_snapshot::Auth::ApiKey { source: key, placement } => match placement {
                ApiKeyPlacement::Query { name } => Self::Query { key: key.clone(), name: name.clone() },
                ApiKeyPlacement::Header { name, prefix } => {
                    let refused = || PrepareError::KeyHeader { provider: provider.0.clone(), header: name.clone() };
                    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?;
                    if is_framing(&name) || HeaderValue::from_str(prefix).is_err() {
                        return Err(refused());
                    }
                    Self::Header { key: key.clone(), name, prefix: prefix.clone() }
                }
            },
        })
    }
}

/// Headers that say where a message goes and where it ends.
fn is_framing(name: &HeaderName) -> bool {
    [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION, header::UPGRADE, header::TE]
        .contains(name)
}

fn check_endpoint(endpoint: &str) -> Option<()> {
    let uri: Uri = endpoint.parse().ok()?;
    let known = matches!(uri.scheme_str(), Some("http" | "https"));
    let authority = uri.authority()?.as_str();
    (known && uri.query().is_none() && !authority.contains('@') && uri.host() != Some("")).then_some(())
}

/// An endpoint as it may be shown: without what stands before `@` or after `?`.
pub(crate) fn redact(endpoint: &str) -> String {
    let shown = endpoint.split(['?', '#']).next().unwrap_or_default();
    match (shown.split_once("://"), shown.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        (None, Some((_, host))) => host.to_owned(),
        _ => shown.to_owned(),
    }
}

impl Rule {
    fn new(
        rule: &pillion_snapshot::Rule,
        providers: &HashMap<&ProviderKey, Arc<Provider>>,
    ) -> Result<Self, PrepareError> {
        let name = format!("{}/{}", rule.name.route, rule.name.rule);
        if rule.backends.is_empty() {
            return Err(PrepareError::NoBackend { rule: name });
        }
        if rule.retry.attempts == 0 {
            return Err(PrepareError::NoAttempt { rule: name });
        }
        let mut backends: Vec<_> = rule.backends.iter().collect();
        backends.sort_by_key(|backend| backend.priority);
        let group = |group: &[&pillion_snapshot::Backend]| {
            group.iter().map(|backend| Arc::new(Backend::new(backend, providers))).collect()
        };
        Ok(Self {
            matches: rule.matches.iter().map(|part| Match::new(part, &name)).collect::<Result<_, _>>()?,
            groups: backends.chunk_by(|one, two| one.priority == two.priority).map(group).collect(),
            timeouts: Timeouts::new(&rule.timeouts),
            retry: rule.retry.clone(),
            translation: rule.translation,
            metering: rule.metering,
            name: HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("unprintable")),
        })
    }
}

impl Backend {
    fn new(backend: &pillion_snapshot::Backend, providers: &HashMap<&ProviderKey, Arc<Provider>>) -> Self {
        Self {
            provider: providers.get(&backend.provider).cloned().ok_or_else(|| backend.provider.clone()),
            model: backend.model.clone(),
            weight: backend.weight,
            params: backend.params.clone(),
        }
    }
}

impl Match {
    fn new(part: &pillion_snapshot::Match, rule: &str) -> Result<Self, PrepareError> {
        let unknown = |what, value: &str| PrepareError::UnknownMatch { rule: rule.into(), what, value: value.into() };
        let operation = |name: &String| name.parse().map_err(|_| unknown("operation", name));
        let dialect = |name: &String| {
            Dialect::ALL.iter().copied().find(|one| one.as_str() == name).ok_or_else(|| unknown("format", name))
        };
        let header = |header: &pillion_snapshot::HeaderMatch| {
            let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| unknown("header", &header.name))?;
            let value = HeaderValue::from_str(&header.value).map_err(|_| unknown("header", &header.name))?;
            Ok((name, value))
        };
        Ok(Self {
            models: part.models.clone(),
            operations: part.operations.iter().map(operation).collect::<Result<_, _>>()?,
            dialects: part.formats.iter().map(dialect).collect::<Result<_, _>>()?,
            headers: part.headers.iter().map(header).collect::<Result<_, _>>()?,
        })
    }

    /// Whether this match means a call like that. A call without a model matches only where none is asked for.
    pub(crate) fn holds(
        &self,
        dialect: Dialect,
        operation: Operation,
        model: Option<&str>,
        headers: &HeaderMap,
    ) -> bool {
        let model_holds = || match model {
            Some(model) => self.models.iter().any(|pattern| pattern.matches(model)),
            None => false,
        };
        (self.models.is_empty() || model_holds()) && self.holds_save_model(dialect, operation, headers)
    }

    /// As [`Self::holds`], whatever the model.
    pub(crate) fn holds_save_model(&self, dialect: Dialect, operation: Operation, headers: &HeaderMap) -> bool {
        let header_holds = |(name, value): &(HeaderName, HeaderValue)| headers.get_all(name).iter().any(|v| v == value);
        (self.operations.is_empty() || self.operations.contains(&operation))
            && (self.dialects.is_empty() || self.dialects.contains(&dialect))
            && self.headers.iter().all(header_holds)
    }
}

impl Timeouts {
    fn new(timeouts: &pillion_snapshot::Timeouts) -> Self {
        Self {
            connect: Duration::from_millis(timeouts.connect),
            first_byte: Duration::from_millis(timeouts.first_byte),
            stream_idle: Duration::from_millis(timeouts.stream_idle),
            request: Duration::from_millis(timeouts.request),
        }
    }
}

#[cfg(test)]
mod tests;
