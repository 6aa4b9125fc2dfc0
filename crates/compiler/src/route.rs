//! AIRoute → rules. A backend whose provider is not there stays: its share of the calls is refused, not moved.

use crate::Providers;
use crate::check::check_route;
use crate::finding::{Finding, Findings, ObjectKey};
use pillion_crds::{AIRoute, Backend, Duration, Match, Metering, RetryCause, RouteRule, Translation};
use pillion_llm::{Format, lost_params};
use pillion_snapshot as snapshot;
use pillion_snapshot::{ModelPattern, ProviderKey, RetryOn, RuleName};

/// The rules of a route that no check finds fault with, and what the checks found.
pub(crate) fn compile(object: &AIRoute, providers: &Providers) -> (Option<Vec<snapshot::Rule>>, Findings) {
    let key = ObjectKey::of_route(object);
    let mut wrong = check_route(object);
    wrong.extend(impossible_params(object, &key, providers));
    let findings = Findings::new(&wrong, &unresolved(object, &key, providers));
    if !wrong.is_empty() {
        return (None, findings);
    }
    (Some(object.spec.rules.iter().map(|rule| compile_rule(&key, rule)).collect()), findings)
}

fn provider_key(route: &ObjectKey, backend: &Backend) -> ProviderKey {
    ProviderKey(format!("{}/{}", route.namespace, backend.provider.name))
}

/// Params that the provider they go to can never be told: every call of that backend would be refused.
fn impossible_params(object: &AIRoute, key: &ObjectKey, providers: &Providers) -> Vec<Finding> {
    let mut findings = vec![];
    for (i, rule) in object.spec.rules.iter().enumerate() {
        for (j, backend) in rule.backends.iter().enumerate() {
            let Some(params) = &backend.params else { continue };
            let Some((provider, _)) = providers.get(&provider_key(key, backend)) else { continue };
            let Some(descriptor) = pillion_llm::provider(&provider.kind).filter(|descriptor| !descriptor.local) else {
                continue;
            };
            let clients = clients(rule);
            let model = backend.model.as_deref();
            let lost = lost_params(descriptor, model, &params.defaults, &params.overrides, &clients);
            let why = match lost {
                Err(error) => format!("{error}; remove it, or send these calls to another provider"),
                Ok(lost) if rule.translation == Some(Translation::Strict) => {
                    // As the sidecar: what is told only nearly is not told strictly.
                    let lost = [lost.dropped, lost.approximated].concat();
                    if lost.is_empty() {
                        continue;
                    }
                    format!(
                        "type {} cannot be told {} as it stands, and translation Strict allows no loss: remove it, or \
                         set Lenient",
                        provider.kind,
                        lost.join(", ")
                    )
                }
                Ok(_) => continue,
            };
            findings.push(Finding::new(format!("spec.rules[{i}].backends[{j}].params"), why));
        }
    }
    findings
}

/// The formats in which calls of a rule may come.
fn clients(rule: &RouteRule) -> Vec<Format> {
    let any = rule.matches.is_empty() || rule.matches.iter().any(|one| one.formats.is_empty());
    let named = rule.matches.iter().flat_map(|one| &one.formats).flat_map(|format| match format {
        pillion_crds::Format::OpenAI | pillion_crds::Format::AzureOpenAI => {
            &[Format::OpenAIChat, Format::OpenAIResponses][..]
        }
        pillion_crds::Format::Anthropic => &[Format::AnthropicMessages],
        pillion_crds::Format::Gemini | pillion_crds::Format::VertexAI => &[Format::GeminiGenerateContent],
        pillion_crds::Format::Bedrock => &[Format::BedrockConverse],
        pillion_crds::Format::Cohere => &[Format::CohereChat],
    });
    if any { Format::ALL.to_vec() } else { named.copied().collect() }
}

fn unresolved(object: &AIRoute, key: &ObjectKey, providers: &Providers) -> Vec<Finding> {
    let mut findings = vec![];
    for (i, rule) in object.spec.rules.iter().enumerate() {
        for (j, backend) in rule.backends.iter().enumerate() {
            if !providers.contains_key(&provider_key(key, backend)) {
                findings.push(Finding::new(
                    format!("spec.rules[{i}].backends[{j}].provider.name"),
                    format!(
                        "no accepted AIProvider '{}' in namespace '{}': create it or look at its Accepted condition; \
                         until then the calls that fall on this backend are answered 503",
                        backend.provider.name, key.namespace
                    ),
                ));
            }
        }
    }
    findings
}

fn compile_rule(route: &ObjectKey, rule: &RouteRule) -> snapshot::Rule {
    let name = RuleName { route: format!("{}/{}", route.namespace, route.name), rule: rule.name.clone() };
    snapshot::Rule {
        name,
        matches: rule.matches.iter().map(compile_match).collect(),
        backends: rule.backends.iter().map(|backend| compile_backend(route, backend)).collect(),
        timeouts: compile_timeouts(rule),
        retry: compile_retry(rule),
        translation: match rule.translation {
            None | Some(Translation::Lenient) => snapshot::Translation::Lenient,
            Some(Translation::Strict) => snapshot::Translation::Strict,
        },
        metering: match rule.metering {
            None | Some(Metering::Full) => snapshot::Metering::Full,
            Some(Metering::Observe) => snapshot::Metering::Observe,
        },
    }
}

fn compile_match(of: &Match) -> snapshot::Match {
    snapshot::Match {
        models: of.models.iter().cloned().map(ModelPattern).collect(),
        operations: of.operations.iter().map(|operation| format!("{operation:?}")).collect(),
        formats: of.formats.iter().map(|format| format!("{format:?}")).collect(),
        headers: of
            .headers
            .iter()
            .map(|header| snapshot::HeaderMatch { name: header.name.to_ascii_lowercase(), value: header.value.clone() })
            .collect(),
    }
}

fn compile_backend(route: &ObjectKey, backend: &Backend) -> snapshot::Backend {
    let params = backend.params.clone().unwrap_or_default();
    snapshot::Backend {
        provider: provider_key(route, backend),
        model: backend.model.clone(),
        weight: backend.weight.unwrap_or(1).try_into().unwrap_or_default(),
        priority: backend.priority.unwrap_or_default().try_into().unwrap_or_default(),
        params: snapshot::Params { defaults: params.defaults, overrides: params.overrides },
    }
}

fn compile_timeouts(rule: &RouteRule) -> snapshot::Timeouts {
    let usual = snapshot::Timeouts::default();
    let Some(timeouts) = &rule.timeouts else { return usual };
    let or = |duration: &Option<Duration>, usual| {
        duration.as_ref().and_then(|duration| duration.milliseconds().ok()).unwrap_or(usual)
    };
    snapshot::Timeouts {
        connect: or(&timeouts.connect, usual.connect),
        first_byte: or(&timeouts.first_byte, usual.first_byte),
        stream_idle: or(&timeouts.stream_idle, usual.stream_idle),
        request: or(&timeouts.request, usual.request),
    }
}

fn compile_retry(rule: &RouteRule) -> snapshot::Retry {
    let usual = snapshot::Retry::default();
    let Some(retry) = &rule.retry else { return usual };
    snapshot::Retry {
        attempts: retry.attempts.and_then(|attempts| attempts.try_into().ok()).unwrap_or(usual.attempts),
        on: retry.retry_on.as_ref().map_or(usual.on, |causes| causes.iter().map(retry_on).collect()),
    }
}

fn retry_on(cause: &RetryCause) -> RetryOn {
    match cause {
        RetryCause::Connect => RetryOn::Connect,
    }
}
