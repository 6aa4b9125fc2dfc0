//! What is measured: each case is one kind of traffic, the same for every proxy that can carry it.

use bytes::Bytes;
use serde_json::json;

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
    /// TLS, HTTP/2.
    TlsH2,
}

/// The shape of the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Traffic {
    /// Whole replies, as fast as `connections` can ask.
    Requests {
        /// Size of the prompt in bytes.
        prompt: usize,
        /// Connections that ask one after the other.
        connections: usize,
        /// Requests of one measurement.
        count: usize,
    },
    /// Streams of deltas on an absolute schedule.
    Streams {
        /// Open at once.
        streams: usize,
        /// Deltas a second in each.
        rate: u32,
        /// Deltas in each.
        deltas: u32,
    },
}

/// One kind of traffic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    /// Unique; cases are chosen by its beginning.
    pub(crate) name: &'static str,
    /// What the client speaks.
    pub(crate) client: Wire,
    /// What the provider speaks; another than the client's makes the sidecar translate. Others than the sidecar relay
    /// the provider's own format then: the floor that any translation stands on.
    pub(crate) provider: Wire,
    /// How the proxy reaches the provider.
    pub(crate) transport: Transport,
    /// How much of what.
    pub(crate) traffic: Traffic,
}

const SMALL: Traffic = Traffic::Requests { prompt: 1024, connections: 8, count: 2_000 };
const MEDIUM: Traffic = Traffic::Requests { prompt: 50 * 1024, connections: 8, count: 800 };
const LARGE: Traffic = Traffic::Requests { prompt: 1024 * 1024, connections: 4, count: 60 };
const STREAMS_100: Traffic = Traffic::Streams { streams: 100, rate: 50, deltas: 100 };
const STREAMS_500: Traffic = Traffic::Streams { streams: 500, rate: 50, deltas: 50 };

const fn case(name: &'static str, client: Wire, provider: Wire, transport: Transport, traffic: Traffic) -> Case {
    Case { name, client, provider, transport, traffic }
}

/// All of them.
pub(crate) const CASES: [Case; 16] = [
    case("openai-1k", Wire::OpenAI, Wire::OpenAI, Transport::Plain, SMALL),
    case("openai-50k", Wire::OpenAI, Wire::OpenAI, Transport::Plain, MEDIUM),
    case("openai-1m", Wire::OpenAI, Wire::OpenAI, Transport::Plain, LARGE),
    case("openai-1k-tls", Wire::OpenAI, Wire::OpenAI, Transport::Tls, SMALL),
    case("openai-1k-tls-h2", Wire::OpenAI, Wire::OpenAI, Transport::TlsH2, SMALL),
    case("anthropic-1k", Wire::Anthropic, Wire::Anthropic, Transport::Plain, SMALL),
    case("openai-to-anthropic-1k", Wire::OpenAI, Wire::Anthropic, Transport::Plain, SMALL),
    case("openai-to-anthropic-50k", Wire::OpenAI, Wire::Anthropic, Transport::Plain, MEDIUM),
    case("anthropic-to-openai-1k", Wire::Anthropic, Wire::OpenAI, Transport::Plain, SMALL),
    case("anthropic-to-openai-50k", Wire::Anthropic, Wire::OpenAI, Transport::Plain, MEDIUM),
    case("openai-stream-100", Wire::OpenAI, Wire::OpenAI, Transport::Plain, STREAMS_100),
    case("openai-stream-500", Wire::OpenAI, Wire::OpenAI, Transport::Plain, STREAMS_500),
    case("openai-stream-100-tls", Wire::OpenAI, Wire::OpenAI, Transport::Tls, STREAMS_100),
    case("anthropic-stream-100", Wire::Anthropic, Wire::Anthropic, Transport::Plain, STREAMS_100),
    case("openai-to-anthropic-stream-100", Wire::OpenAI, Wire::Anthropic, Transport::Plain, STREAMS_100),
    case("anthropic-to-openai-stream-100", Wire::Anthropic, Wire::OpenAI, Transport::Plain, STREAMS_100),
];

/// The cases whose names begin with one of `names`; all where there is none.
pub(crate) fn choose(names: &[String]) -> anyhow::Result<Vec<Case>> {
    let chosen: Vec<Case> = CASES
        .into_iter()
        .filter(|case| names.is_empty() || names.iter().any(|name| case.name.starts_with(name.as_str())))
        .collect();
    anyhow::ensure!(!chosen.is_empty(), "no case begins with {}", names.join(" or "));
    Ok(chosen)
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
