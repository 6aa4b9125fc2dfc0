//! From samples or counts to what a person reads: shares by crate, the dearest functions, ours with what they call.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Lines of a list of functions.
const LINES: usize = 30;

/// One function on a stack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Frame {
    /// Of the kernel.
    Kernel(String),
    /// Of the program or a library.
    User(String),
}

/// A sample, the innermost function first.
pub(super) type Stack = Vec<Frame>;

/// Shares in %, of each crate or function.
type Shares = BTreeMap<String, f64>;

impl Frame {
    fn name(&self) -> String {
        match self {
            Self::Kernel(symbol) => format!("[kernel] {symbol}"),
            Self::User(symbol) => without_hash(symbol).to_owned(),
        }
    }

    fn crate_name(&self) -> String {
        match self {
            Self::Kernel(_) => "kernel".to_owned(),
            Self::User(symbol) => crate_of(symbol).to_owned(),
        }
    }

    fn is_ours(&self) -> bool {
        self.crate_name().starts_with("pillion")
    }
}

/// What samples with stacks say.
pub(super) fn by_stack(stacks: &[Stack]) -> String {
    let innermost = |name: fn(&Frame) -> String| shares(stacks, |stack| stack.first().map(name).into_iter().collect());
    let anywhere = |name: fn(&Frame) -> Option<String>| shares(stacks, |stack| stack.iter().filter_map(name).collect());
    let own = innermost(Frame::crate_name);
    let with = anywhere(|frame| Some(frame.crate_name()));
    let mut text = crates(&own, Some(&with));
    list(&mut text, "Into the kernel by", shares(stacks, |stack| entry(stack).into_iter().collect()));
    list(&mut text, "Functions by their own share", innermost(Frame::name));
    list(&mut text, "Ours, with all that they call", anywhere(|frame| frame.is_ours().then(|| frame.name())));
    text
}

/// What shares of functions say, alone and with all that they call.
pub(super) fn by_function(own: &[(f64, String)], inclusive: &[(f64, String)]) -> String {
    let sum = |functions: &[(f64, String)], name: fn(&str) -> Option<String>| {
        let mut shares = Shares::new();
        for (share, symbol) in functions {
            if let Some(name) = name(symbol) {
                *shares.entry(name).or_default() += share;
            }
        }
        shares
    };
    let mut text = crates(&sum(own, |symbol| Some(crate_of(symbol).to_owned())), None);
    list(&mut text, "Functions by their own share", sum(own, |symbol| Some(without_hash(symbol).to_owned())));
    let ours =
        sum(inclusive, |symbol| crate_of(symbol).starts_with("pillion").then(|| without_hash(symbol).to_owned()));
    list(&mut text, "Ours, with all that they call", ours);
    text
}

/// The share of stacks that each name occurs in, however often.
fn shares(stacks: &[Stack], names: impl Fn(&Stack) -> BTreeSet<String>) -> Shares {
    let mut shares = Shares::new();
    for name in stacks.iter().flat_map(names) {
        *shares.entry(name).or_default() += 100.0 / stacks.len() as f64;
    }
    shares
}

/// The library's function by which a sample came into the kernel, whose own names differ by machine and compiler.
fn entry(stack: &Stack) -> Option<String> {
    let mut frames = stack.iter().skip_while(|frame| matches!(frame, Frame::Kernel(_)));
    let Some(Frame::User(symbol)) = frames.next().filter(|_| matches!(stack.first(), Some(Frame::Kernel(_)))) else {
        return None;
    };
    Some(
        symbol
            .trim_start_matches('_')
            .trim_start_matches("GI_")
            .trim_start_matches("libc_")
            .trim_matches('_')
            .to_owned(),
    )
}

fn crates(own: &Shares, with: Option<&Shares>) -> String {
    let mut text = "| crate | own % | with what it calls % |\n|---|---:|---:|\n".to_owned();
    let all: BTreeSet<&String> = own.keys().chain(with.into_iter().flat_map(BTreeMap::keys)).collect();
    let share = |of: Option<&Shares>, name: &String| of.and_then(|of| of.get(name)).copied();
    let mut rows: Vec<_> = all.into_iter().map(|name| (share(Some(own), name).unwrap_or_default(), name)).collect();
    rows.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    for (own, name) in rows {
        let with = share(with, name);
        if own.max(with.unwrap_or_default()) >= 0.5 {
            let with = with.map_or_else(|| "–".to_owned(), |with| format!("{with:.1}"));
            let _ = writeln!(text, "| {name} | {own:.1} | {with} |");
        }
    }
    text
}

fn list(text: &mut String, title: &str, shares: Shares) {
    let mut rows: Vec<_> = shares.into_iter().collect();
    rows.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    if !rows.is_empty() {
        let _ = writeln!(text, "\n{title}, %:");
    }
    for (name, share) in rows.into_iter().take(LINES) {
        let _ = writeln!(text, "{share:6.2}  {name}");
    }
}

/// The crate that a symbol belongs to: of `<a::B<C> as d::E>::f` it is `a`, of `<[T]>::f` and of shorter names the one
/// that their beginning tells.
pub(super) fn crate_of(symbol: &str) -> &str {
    let mut name = symbol;
    while let Some(rest) =
        ["<", "&", "mut ", "dyn ", "*const ", "*mut ", "("].iter().find_map(|mark| name.strip_prefix(mark))
    {
        name = rest;
    }
    let end = name.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(name.len());
    let (first, rest) = name.split_at(end);
    if rest.starts_with("::") {
        return if first == "__rustc" { "alloc" } else { first };
    }
    // A type parameter tells nothing; what is implemented for it does: `<F as futures::Future>::poll`.
    if let Some((_, of)) = rest.split_once(" as ") {
        return crate_of(of);
    }
    match first {
        _ if first.starts_with("mi_") || first.starts_with("_mi_") => "mimalloc",
        _ if first.starts_with("ring_core") => "ring",
        "" => "unknown",
        _ => "libc and others",
    }
}

/// A symbol without the hash that the compiler appends.
fn without_hash(symbol: &str) -> &str {
    match symbol.rsplit_once("::h") {
        Some((name, hash)) if hash.len() == 16 && hash.bytes().all(|digit| digit.is_ascii_hexdigit()) => name,
        _ => symbol,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_belongs_to_the_crate_that_its_path_begins_with() {
        for (symbol, expected) in [
            ("hyper::proto::h1::conn::Conn<I,B,T>::poll_read", "hyper"),
            ("<pillion_sidecar::stack::Body as http_body::Body>::poll_frame", "pillion_sidecar"),
            ("<&mut tokio::net::TcpStream as std::io::Read>::read", "tokio"),
            ("<F as futures_util::Future>::poll", "futures_util"),
            ("core::ptr::drop_in_place<hyper::Request>", "core"),
            ("__rustc::__rust_alloc", "alloc"),
            ("_mi_page_malloc", "mimalloc"),
            ("ring_core_0_17_14__aes_gcm_enc", "ring"),
            ("__memmove_avx_unaligned_erms", "libc and others"),
            ("[unknown]", "unknown"),
        ] {
            assert_eq!(crate_of(symbol), expected, "{symbol}");
        }
    }

    #[test]
    fn a_crate_counts_once_a_sample_however_often_it_is_on_the_stack() {
        let user = |symbol: &str| Frame::User(symbol.to_owned());
        let send = vec![
            Frame::Kernel("tcp_sendmsg".to_owned()),
            Frame::Kernel("__x64_sys_sendto".to_owned()),
            user("__GI___writev"),
            user("hyper::write"),
            user("pillion_sidecar::respond::h0123456789abcdef"),
            user("hyper::poll"),
        ];
        let parse =
            vec![user("memchr::find"), user("pillion_sidecar::respond::h0123456789abcdef"), user("hyper::poll")];
        let text = by_stack(&[send, parse]);
        for line in [
            "| kernel | 50.0 | 50.0 |",
            "| memchr | 50.0 | 50.0 |",
            "| hyper | 0.0 | 100.0 |",
            "| pillion_sidecar | 0.0 | 100.0 |",
            " 50.00  writev",
            " 50.00  [kernel] tcp_sendmsg",
            "100.00  pillion_sidecar::respond",
        ] {
            assert!(text.lines().any(|found| found == line), "no '{line}' in\n{text}");
        }
    }

    #[test]
    fn counts_without_stacks_give_crates_by_their_own_share() {
        let own = [(60.0, "serde_json::parse".to_owned()), (40.0, "serde_json::write".to_owned())];
        let inclusive = [(100.0, "pillion_llm::prepare".to_owned())];
        let text = by_function(&own, &inclusive);
        assert!(text.contains("| serde_json | 100.0 | – |") && text.contains("100.00  pillion_llm::prepare"), "{text}");
    }
}
