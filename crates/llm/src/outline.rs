//! One pass over a client's JSON body: the few members that routing and relaying read, and where they stand. Never
//! builds a tree, never recurses; time and memory are linear in the body.

use crate::framing::Framing;
use crate::{BodyError, Call, Format};
use std::ops::Range;

/// Deeper nesting than this is refused, as `serde_json` does where bodies are parsed whole.
pub(crate) const MAX_DEPTH: usize = 128;
/// More top-level members than this are refused: no format has a tenth as many.
const MAX_MEMBERS: usize = 1024;

/// What a body says to a gateway that does not parse it.
///
/// Guarantees (invariant 7): the body is one JSON object with nothing after it and no byte order mark; `model`,
/// `stream`, `stream_options` and its `include_usage` are there at most once, whatever their escapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// The model asked for.
    pub model: Option<String>,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// How the client's stream is framed.
    pub framing: Framing,
    /// Whether a stream's usage is asked for (`stream_options.include_usage`); OpenAI Chat only.
    pub include_usage: bool,
    /// Anthropic's beta features that the call's header asks for.
    pub betas: Vec<String>,
    pub(crate) members: Members,
    pub(crate) stream_options: Option<Members>,
}

/// The members of one object of the body, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Members {
    /// Offset just behind `{`.
    pub(crate) open: usize,
    pub(crate) list: Vec<Member>,
}

/// One member: its unescaped key and where its value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) key: String,
    pub(crate) value: Range<usize>,
}

impl Members {
    /// The only member of this name.
    ///
    /// # Errors
    /// When there are two: upstream could take the other one.
    pub(crate) fn get(&self, key: &str) -> Result<Option<&Member>, BodyError> {
        let mut found = self.list.iter().filter(|member| member.key == key);
        let first = found.next();
        if found.next().is_some() {
            return Err(BodyError::field(key, format!("'{key}' is there twice")));
        }
        Ok(first)
    }

    /// Refuses any key that is there twice.
    pub(crate) fn all_once(&self) -> Result<(), BodyError> {
        let mut keys: Vec<&str> = self.list.iter().map(|member| member.key.as_str()).collect();
        keys.sort_unstable();
        match keys.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(BodyError::field(pair[0], format!("'{}' is there twice", pair[0]))),
            None => Ok(()),
        }
    }
}

/// Reads the outline of a client's body.
///
/// # Errors
/// A [`BodyError`] when the body is not one JSON object, or one of the members read is doubled or of a wrong type.
pub fn outline(format: Format, body: &[u8]) -> Result<Outline, BodyError> {
    if body.starts_with(b"\xEF\xBB\xBF") {
        return Err(BodyError::new("the body begins with a byte order mark"));
    }
    let mut scanner = Scanner { body, at: 0 };
    scanner.skip_space();
    if scanner.peek().is_none() {
        return Err(BodyError::new("the body is empty"));
    }
    if scanner.peek() != Some(b'{') {
        return Err(BodyError::new("the body is not a JSON object"));
    }
    let members = scanner.object()?;
    scanner.skip_space();
    if scanner.at != body.len() {
        return Err(scanner.wrong("something follows the JSON object"));
    }

    let (mut model, mut stream) = (None, false);
    if !format.asks_in_path() {
        if let Some(text) = value_of(&members, body, "model")? {
            model = Some(parse::<String>(text, "model", "a string")?);
        }
        if let Some(text) = value_of(&members, body, "stream")? {
            stream = parse::<bool>(text, "stream", "a boolean")?;
        }
    }
    let mut stream_options = None;
    let mut include_usage = false;
    if format == Format::OpenAIChat
        && let Some(member) = members.get("stream_options")?
        && body[member.value.start] == b'{'
    {
        let inner = Scanner { body, at: member.value.start }.object()?;
        if let Some(text) = value_of(&inner, body, "include_usage")? {
            include_usage = parse::<bool>(text, "stream_options.include_usage", "a boolean")?;
        }
        stream_options = Some(inner);
    }
    let framing = format.framing();
    Ok(Outline { model, stream, framing, include_usage, betas: Vec::new(), members, stream_options })
}

impl Outline {
    /// The same with what the call's path, query and headers say: model, stream and framing, in formats that say them
    /// there, and betas. A model in the path counts where the body names none (Azure's deployments).
    #[must_use]
    pub fn told_by(mut self, call: &Call) -> Self {
        if self.model.is_none() {
            self.model.clone_from(&call.model);
        }
        if let Some(stream) = call.stream {
            self.stream = stream;
        }
        if let Some(framing) = call.framing {
            self.framing = framing;
        }
        self.betas.clone_from(&call.betas);
        self
    }
}

/// The members of the object that begins at an offset of a body that was read before.
pub(crate) fn members_at(body: &[u8], at: usize) -> Result<Members, BodyError> {
    Scanner { body, at }.object()
}

/// The text of a member that is there and not null.
fn value_of<'a>(members: &Members, body: &'a [u8], key: &str) -> Result<Option<&'a [u8]>, BodyError> {
    let member = members.get(key)?;
    Ok(member.map(|member| &body[member.value.clone()]).filter(|text| *text != b"null"))
}

fn parse<'a, T: serde::Deserialize<'a>>(text: &'a [u8], field: &str, kind: &str) -> Result<T, BodyError> {
    serde_json::from_slice(text).map_err(|_| BodyError::field(field, format!("'{field}' must be {kind}")))
}

struct Scanner<'a> {
    body: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn wrong(&self, what: &str) -> BodyError {
        BodyError::new(format!("the body is not valid JSON: {what} at byte {}", self.at))
    }

    fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The members of the object that begins here; stands behind it afterwards.
    fn object(&mut self) -> Result<Members, BodyError> {
        self.at += 1;
        let mut members = Members { open: self.at, list: Vec::new() };
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(members);
        }
        loop {
            self.skip_space();
            let key = self.key()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.wrong("a ':' is missing"));
            }
            self.at += 1;
            self.skip_space();
            let start = self.at;
            self.value()?;
            if members.list.len() == MAX_MEMBERS {
                return Err(BodyError::new(format!("the body has more than {MAX_MEMBERS} members")));
            }
            members.list.push(Member { key, value: start..self.at });
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(members);
                }
                _ => return Err(self.wrong("a ',' or '}' is missing")),
            }
        }
    }

    fn key(&mut self) -> Result<String, BodyError> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.wrong("a member's name is missing"));
        }
        self.string()?;
        let text = &self.body[start..self.at];
        serde_json::from_slice(text).map_err(|_| self.wrong("a member's name is no string"))
    }

    /// Stands behind the string that begins here.
    fn string(&mut self) -> Result<(), BodyError> {
        self.at += 1;
        loop {
            match quote_or_backslash(&self.body[self.at..]) {
                None => {
                    self.at = self.body.len();
                    return Err(self.wrong("a string does not end"));
                }
                Some(offset) if self.body[self.at + offset] == b'"' => {
                    self.at += offset + 1;
                    return Ok(());
                }
                Some(offset) => self.at = (self.at + offset + 2).min(self.body.len()),
            }
        }
    }

    /// Stands behind the value that begins here. Brackets are matched, scalars only delimited: a nested mistake is
    /// upstream's to refuse.
    fn value(&mut self) -> Result<(), BodyError> {
        let mut closers = Vec::new();
        loop {
            self.skip_space();
            match self.peek() {
                None => return Err(self.wrong("the body ends too early")),
                Some(b'"') => self.string()?,
                Some(b'{') => self.enter(&mut closers, b'}')?,
                Some(b'[') => self.enter(&mut closers, b']')?,
                Some(byte @ (b'}' | b']')) if closers.pop() == Some(byte) => self.at += 1,
                Some(b',' | b':') if !closers.is_empty() => {
                    self.at += 1;
                    continue;
                }
                Some(b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => self.scalar(),
                Some(_) => return Err(self.wrong("an unexpected character")),
            }
            if closers.is_empty() {
                return Ok(());
            }
        }
    }

    fn enter(&mut self, closers: &mut Vec<u8>, closer: u8) -> Result<(), BodyError> {
        // The object around it is the first level.
        if closers.len() + 1 >= MAX_DEPTH {
            return Err(BodyError::new(format!("the body is nested deeper than {MAX_DEPTH} levels")));
        }
        closers.push(closer);
        self.at += 1;
        Ok(())
    }

    fn scalar(&mut self) {
        while matches!(self.peek(), Some(b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'E')) {
            self.at += 1;
        }
    }
}

/// Where the first `"` or `\` is. In prose they come every few words, which are soon looked through eight bytes at a time;
/// vectors are worth their start only for what is long and has none, such as an image.
fn quote_or_backslash(bytes: &[u8]) -> Option<usize> {
    const NEAR: usize = 64;
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    // Marks the bytes that are zero; of several marks only the lowest is sure, and it is the one that counts.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let mut at = 0;
    while let Some(chunk) = bytes[at..].first_chunk::<8>().filter(|_| at < NEAR) {
        let word = u64::from_le_bytes(*chunk);
        let found = zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    memchr::memchr2(b'"', b'\\', &bytes[at..]).map(|offset| at + offset)
}

#[cfg(test)]
mod tests;
