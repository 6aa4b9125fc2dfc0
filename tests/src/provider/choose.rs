//! Chooses the recorded case that answers a request: the one it names, else the plainest that fits.

use super::call::{Call, Framing};
use super::corpus::{Case, Corpus};
use super::wish::Wish;

/// What breaks a client that expects a plain answer.
const BROKEN: &[&str] = &[
    "malformed_stream",
    "malformed_body",
    "truncated_tool_call",
    "empty_frames",
    "double_finish",
    "safety_block",
    "usage_null",
    "fallback",
];

/// What an ordinary chat may have.
const ORDINARY: &[&str] = &[
    "streaming",
    "stream_usage",
    "tool_call",
    "tools",
    "system",
    "multi_turn",
    "tool_result",
    "json_schema",
    "json_mode",
    "sampling_params",
    "usage_only_chunk",
];

/// The case that answers `path` best. A named case is taken whatever it is, but only from the endpoint that was called.
pub(crate) fn choose<'a>(corpus: &'a Corpus, path: &str, call: Option<&Call>, wish: &Wish) -> Option<&'a Case> {
    let fitting = |folder: Option<(&'static str, &'static str)>| {
        corpus.cases().iter().filter(move |case| match folder {
            Some((provider, endpoint)) => case.provider == provider && case.endpoint == endpoint,
            None => case.path.as_deref() == Some(path),
        })
    };
    let Some(call) = call else { return best(fitting(None), wish) };
    let mut folders = call.folders.iter().copied().map(Some);
    folders.find_map(|folder| best(fitting(folder).filter(|case| can_be_framed(case, call, wish)), wish))
}

fn best<'a>(mut fitting: impl Iterator<Item = &'a Case>, wish: &Wish) -> Option<&'a Case> {
    if let Some(name) = &wish.case {
        return fitting.find(|case| case.name == *name);
    }
    // `max_by_key` takes the last of equals, and the first folder is preferred: hence the reversal.
    let fitting: Vec<_> = fitting.filter(|case| case.status == 200 && case.streaming == wish.stream).collect();
    fitting.into_iter().rev().filter(|case| !has_any(case, BROKEN)).max_by_key(|case| score(case, wish))
}

/// Arrays and chunks are made of server-sent events; and who asks for events wants no recorded array.
fn can_be_framed(case: &Case, call: &Call, wish: &Wish) -> bool {
    let events = case.streaming && wish.stream && wish.case.is_none();
    let recorded_as_array = events && case.is_json();
    if call.framing == Framing::Recorded { !recorded_as_array } else { !events || case.is_sse() }
}

fn score(case: &Case, wish: &Wish) -> i32 {
    let same = |features: &[&str], wished: bool| i32::from(has_any(case, features) == wished);
    let odd = case.features.iter().filter(|feature| !ORDINARY.contains(&feature.as_str())).count();
    let odd = i32::try_from(odd).unwrap_or(i32::MAX / 4);
    let named = wish.only.as_deref().is_some_and(|name| calls(case, name));
    200 * i32::from(named)
        + 100 * same(&["tool_call"], wish.tool)
        + 50 * same(&["json_schema", "json_mode"], wish.structured)
        + 20 * same(&["tool_result"], wish.answered)
        + 10 * same(&["stream_usage", "usage_only_chunk"], wish.usage)
        + i32::from(case.recorded)
        - 3 * odd
}

/// Whether the answer names this tool.
fn calls(case: &Case, tool: &str) -> bool {
    let quoted = format!("\"{tool}\"");
    has_any(case, &["tool_call"])
        && case.body().is_ok_and(|body| body.windows(quoted.len()).any(|bytes| bytes == quoted.as_bytes()))
}

fn has_any(case: &Case, features: &[&str]) -> bool {
    features.iter().any(|&feature| case.features.contains(feature))
}
