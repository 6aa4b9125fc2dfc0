//! Tool names and call ids that a target's rules refuse get others, the same ones everywhere in one exchange. A pure
//! function of one request: no state between pods.

use std::collections::HashMap;

/// What a format's API takes as a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameRules {
    /// The longest name, in bytes.
    pub longest: usize,
}

impl NameRules {
    fn takes(self, name: &str) -> bool {
        !name.is_empty() && name.len() <= self.longest && name.bytes().all(is_plain)
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// A map from the client's names to the target's, and back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    sent: HashMap<String, String>,
    back: HashMap<String, String>,
}

impl Names {
    /// The name to send for the client's. Names that the rules take stay as they are.
    pub fn send(&mut self, name: &str, rules: NameRules) -> String {
        self.send_beginning(name, rules, is_plain)
    }

    /// As [`Names::send`], where the API also has a rule for a name's first byte, which `_` keeps.
    pub fn send_beginning(&mut self, name: &str, rules: NameRules, begins: fn(u8) -> bool) -> String {
        let begins = |name: &str| name.bytes().next().is_some_and(begins);
        if rules.takes(name) && begins(name) {
            return name.to_owned();
        }
        if let Some(sent) = self.sent.get(name) {
            return sent.clone();
        }
        let room = rules.longest.saturating_sub(11);
        let plain: String = name.chars().filter(|c| c.is_ascii() && is_plain(*c as u8)).take(room).collect();
        let mut salt = 0;
        let sent = loop {
            let candidate = match plain.as_str() {
                "" => mint(name, salt),
                plain => format!("{plain}_{}", mint(name, salt)),
            };
            let candidate = if begins(&candidate) { candidate } else { format!("_{candidate}") };
            if !self.back.contains_key(&candidate) {
                break candidate;
            }
            salt += 1;
        };
        self.sent.insert(name.to_owned(), sent.clone());
        self.back.insert(sent.clone(), name.to_owned());
        sent
    }

    /// The client's name for one that came back.
    #[must_use]
    pub fn receive(&self, name: String) -> String {
        match self.back.get(&name) {
            Some(original) => original.clone(),
            None => name,
        }
    }
}

/// The call id to send for one that Anthropic's rule (letters, digits, `_`, `-`) does not take. Equal ids give equal
/// ids, so calls and results stay together without a table.
pub(crate) fn plain_id(id: &str) -> String {
    if !id.is_empty() && id.bytes().all(is_plain) { id.to_owned() } else { mint(id, 0) }
}

/// Nine letters and digits, the one shape of id that every vendor takes: FNV-1a of the text.
pub(crate) fn mint(text: &str, salt: u64) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let start = 0xcbf2_9ce4_8422_2325 ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut hash = text.bytes().fold(start, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    (0..9)
        .map(|_| {
            let digit = usize::try_from(hash % 62).expect("a number below 62 fits");
            hash /= 62;
            char::from(ALPHABET[digit])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_odd_names_are_replaced_and_restored() {
        let rules = NameRules { longest: 64 };
        let mut names = Names::default();
        let long = "a".repeat(65);
        let longer = "a".repeat(66);
        let sent = [&long, &longer, "srv.tool/x", "ünïcode", "ok_name"].map(|name| names.send(name, rules));
        for name in &sent {
            assert!(rules.takes(name), "{name}");
        }
        assert_ne!(sent[0], sent[1]);
        assert_eq!(sent[4], "ok_name");
        assert_eq!(names.send(&long, rules), sent[0], "the same name gives the same name");
        assert_eq!(names.receive(sent[0].clone()), long);
        assert_eq!(names.receive(sent[2].clone()), "srv.tool/x");
        assert_eq!(names.receive("other".to_owned()), "other");
    }

    #[test]
    fn a_name_that_may_not_begin_so_gets_an_underscore() {
        let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
        let mut names = Names::default();
        let rules = NameRules { longest: 16 };
        for name in ["3d_render", "-x", "9999999999999999999"] {
            let sent = names.send_beginning(name, rules, letter);
            assert!(sent.starts_with('_') && rules.takes(&sent), "{sent}");
            assert_eq!(names.receive(sent), name);
        }
        assert_eq!(names.send_beginning("render", rules, letter), "render");
    }

    #[test]
    fn odd_ids_become_nine_letters_and_digits() {
        assert_eq!(plain_id("call_abc-1"), "call_abc-1");
        let id = plain_id("call:abc/1");
        assert_eq!(id.len(), 9);
        assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(id, plain_id("call:abc/2"));
        assert_eq!(plain_id("").len(), 9);
    }
}
