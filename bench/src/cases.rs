//! What is measured: each case is one kind of traffic, the same for every proxy that can carry it.

use bytes::Bytes;
use serde_json::json;
use std::time::Duration;

/// A wire format, as far as the load and the upstream need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Chat Completions.
    OpenAI,
    /// Messages.
    Anthropic,
}

/// What the proxy's upstream connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// Plain HTTP/1.1.
    Plain,
    /// TLS, HTTP/1.1.
    Tls,
    /// TLS, HTTP/2; HTTP/1.1 for those that do not speak it to an upstream.
    TlsH2,
}

/// The shape of the traffic, and what is measured of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Traffic {
    /// Whole replies, as fast as `connections` can ask: CPU time a request.
    Requests {
        /// Size of the prompt in bytes.
        prompt: usize,
        /// Connections that ask one after the other.
        connections: usize,
        /// Requests of one measurement; fewer of a proxy that takes longer than [`crate::load::LONGEST`] for them.
        count: usize,
    },
    /// Streams of deltas on an absolute schedule: CPU time a delta.
    Streams {
        /// Open at once.
        streams: usize,
        /// Deltas a second in each.
        rate: u32,
        /// Deltas in each.
        deltas: u32,
    },
    /// Resident memory: idle, with streams open, and a while after load.
    Memory {
        /// Open at once, few first.
        streams: [usize; 2],
        /// Between two deltas of each: so long that no proxy lags, or its backlog would be measured.
        every: Duration,
        /// Requests of 50 KB that are the load.
        load: usize,
        /// How long nothing is asked after the load.
        rest: Duration,
    },
    /// Time from the start of the process to its first accepted connection and to its first whole answer.
    Start {
        /// Starts of each proxy, interleaved.
        starts: usize,
    },
}

/// One kind of traffic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    /// Unique; cases are chosen by it, or by the beginning of several.
    pub(crate) name: &'static str,
    /// What the client speaks.
    pub(crate) client: Wire,
    /// What the provider speaks; another than the client's makes a gateway translate. Plain proxies relay the
    /// provider's own format then: the floor that any translation stands on.
    pub(crate) provider: Wire,
    /// How the proxy reaches the provider.
    pub(crate) transport: Transport,
    /// How much of what.
    pub(crate) traffic: Traffic,
    /// More fields of the sidecar's rule, as YAML in flow style: `timeouts: {request: 60s}`. Empty: none.
    pub(crate) rule: &'static str,
}

const SMALL: Traffic = Traffic::Requests { prompt: 1024, connections: 8, count: 2_000 };
const MEDIUM: Traffic = Traffic::Requests { prompt: 50 * 1024, connections: 8, count: 800 };
const LARGE: Traffic = Traffic::Requests { prompt: 1024 * 1024, connections: 4, count: 60 };
const STREAMS_100: Traffic = Traffic::Streams { streams: 100, rate: 50, deltas: 100 };
const STREAMS_500: Traffic = Traffic::Streams { streams: 500, rate: 50, deltas: 50 };
const MEMORY: Traffic =
    Traffic::Memory { streams: [100, 500], every: Duration::from_secs(2), load: 800, rest: Duration::from_secs(60) };
const START: Traffic = Traffic::Start { starts: 10 };

/// All of them. A variant of the sidecar's configuration is one more line, with [`Case::rule`].
#[rustfmt::skip]
pub(crate) const CASES: [Case; 22] = [
    case("openai-1k", Wire::OpenAI, Wire::OpenAI, Transport::Plain, SMALL),
    case("openai-50k", Wire::OpenAI, Wire::OpenAI, Transport::Plain, MEDIUM),
    case("openai-1m", Wire::OpenAI, Wire::OpenAI, Transport::Plain, LARGE),
    case("openai-1k-matched", Wire::OpenAI, Wire::OpenAI, Transport::Plain, SMALL)
        .rule(r#"matches: [{models: ["gpt-*", "be*ch"], formats: [OpenAI]}]"#),
    case("openai-1k-tls", Wire::OpenAI, Wire::OpenAI, Transport::Tls, SMALL),
    case("openai-1k-tls-h2", Wire::OpenAI, Wire::OpenAI, Transport::TlsH2, SMALL),
    case("anthropic-1k", Wire::Anthropic, Wire::Anthropic, Transport::Plain, SMALL),
    case("openai-to-anthropic-1k", Wire::OpenAI, Wire::Anthropic, Transport::Plain, SMALL),
    case("openai-to-anthropic-50k", Wire::OpenAI, Wire::Anthropic, Transport::Plain, MEDIUM),
    case("anthropic-to-openai-1k", Wire::Anthropic, Wire::OpenAI, Transport::Plain, SMALL),
    case("anthropic-to-openai-50k", Wire::Anthropic, Wire::OpenAI, Transport::Plain, MEDIUM),
    case("openai-stream-100", Wire::OpenAI, Wire::OpenAI, Transport::Plain, STREAMS_100),
    case("openai-stream-100-observe", Wire::OpenAI, Wire::OpenAI, Transport::Plain, STREAMS_100).rule("metering: Observe"),
    case("openai-stream-500", Wire::OpenAI, Wire::OpenAI, Transport::Plain, STREAMS_500),
    case("openai-stream-100-tls", Wire::OpenAI, Wire::OpenAI, Transport::Tls, STREAMS_100),
    case("openai-stream-100-tls-h2", Wire::OpenAI, Wire::OpenAI, Transport::TlsH2, STREAMS_100),
    case("anthropic-stream-100", Wire::Anthropic, Wire::Anthropic, Transport::Plain, STREAMS_100),
    case("openai-to-anthropic-stream-100", Wire::OpenAI, Wire::Anthropic, Transport::Plain, STREAMS_100),
    case("anthropic-to-openai-stream-100", Wire::Anthropic, Wire::OpenAI, Transport::Plain, STREAMS_100),
    case("memory", Wire::OpenAI, Wire::OpenAI, Transport::Plain, MEMORY),
    case("memory-tls-h2", Wire::OpenAI, Wire::OpenAI, Transport::TlsH2, MEMORY),
    case("start", Wire::OpenAI, Wire::OpenAI, Transport::Plain, START),
];

const fn case(name: &'static str, client: Wire, provider: Wire, transport: Transport, traffic: Traffic) -> Case {
    Case { name, client, provider, transport, traffic, rule: "" }
}

/// The cases that `names` name, or whose names begin so where none has the name; all where there is no name.
pub(crate) fn choose(names: &[String]) -> anyhow::Result<Vec<Case>> {
    let is = |name: &String, case: &Case| {
        case.name == name || case.name.starts_with(name.as_str()) && CASES.iter().all(|other| other.name != name)
    };
    if let Some(unknown) = names.iter().find(|name| !CASES.iter().any(|case| is(name, case))) {
        anyhow::bail!("no case is named '{unknown}' or begins so");
    }
    let chosen = |case: &Case| names.is_empty() || names.iter().any(|name| is(name, case));
    Ok(CASES.into_iter().filter(chosen).collect())
}

impl Case {
    const fn rule(self, rule: &'static str) -> Self {
        Self { rule, ..self }
    }

    /// Whether the provider speaks the client's format, so that bytes may pass as they are.
    pub(crate) fn relays(&self) -> bool {
        self.client == self.provider
    }

    /// The same kind of traffic, little of it: to try the programs out, not to measure.
    pub(crate) fn quick(mut self) -> Self {
        match &mut self.traffic {
            Traffic::Requests { count, .. } => *count = 20,
            Traffic::Streams { streams, deltas, .. } => (*streams, *deltas) = (*streams / 20, 10),
            Traffic::Memory { streams, every, load, rest } => {
                *streams = streams.map(|streams| streams / 20);
                (*load, *every, *rest) = (20, Duration::from_millis(100), Duration::from_secs(1));
            }
            Traffic::Start { starts } => *starts = 1,
        }
        self
    }
}

impl Wire {
    /// Path of a chat call.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::OpenAI => "/v1/chat/completions",
            Self::Anthropic => "/v1/messages",
        }
    }

    /// Body of a chat call with a prompt of about `prompt` bytes, in a conversation of 512-byte turns.
    pub(crate) fn request(self, prompt: usize, stream: bool) -> Bytes {
        let turn = "The quick brown fox jumps over the lazy dog \u{2013} \"quoted\", and on.\n".repeat(8);
        let turns = (prompt / turn.len()).max(1);
        let messages: Vec<_> = (0..turns)
            .map(|i| json!({"role": if i % 2 == 0 { "user" } else { "assistant" }, "content": turn}))
            .chain(turns.is_multiple_of(2).then(|| json!({"role": "user", "content": "Go on."})))
            .collect();
        let mut body = json!({"model": "bench", "messages": messages, "max_tokens": 256, "temperature": 0.2});
        if stream {
            body["stream"] = true.into();
        }
        body.to_string().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_case_is_chosen_by_its_name_or_the_beginning_of_it_and_names_are_unique() {
        let names: BTreeSet<_> = CASES.iter().map(|case| case.name).collect();
        assert_eq!(names.len(), CASES.len());
        let chosen = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            choose(&names).unwrap().iter().map(|case| case.name).collect::<Vec<_>>()
        };
        assert_eq!(chosen(&["memory", "memory-", "openai-stream-5"]), ["openai-stream-500", "memory", "memory-tls-h2"]);
        assert_eq!(chosen(&["openai-1k", "openai-1m", "openai-1"]).len(), 5, "each once");
        assert_eq!(choose(&[]).unwrap().len(), CASES.len());
        assert!(choose(&["opnai".to_owned()]).unwrap_err().to_string().contains("opnai"));
    }

    #[test]
    fn a_prompt_has_the_size_that_was_asked_for_and_ends_with_the_user() {
        for prompt in [1024, 50 * 1024, 1024 * 1024] {
            let body = Wire::OpenAI.request(prompt, true);
            assert!(body.len().abs_diff(prompt) < prompt / 5 + 1024, "{} bytes for {prompt}", body.len());
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["messages"].as_array().unwrap().last().unwrap()["role"], "user");
            assert_eq!(body["stream"], true);
        }
    }
}
