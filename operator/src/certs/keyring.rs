//! The authorities of one installation: the one that signs, the one that will, the one that did.
//!
//! A pod carries the bundle in its spec for as long as it lives, so the authority that signs next is trusted from the
//! start: pods have two thirds of an authority's life to be replaced in, not the overlap of a rotation.

use super::authority::{Authority, AuthorityError};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// Life of an authority: one year.
pub const AUTHORITY_LIFE: Duration = Duration::from_secs(365 * 24 * 3600);
/// The next one takes over when this much of the life is left.
const LEFT_AT_ROTATION: Duration = Duration::from_secs(AUTHORITY_LIFE.as_secs() / 3);

/// What the Secret `pillion-ca` holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyring {
    current: Authority,
    next: Authority,
    previous: Option<String>,
}

impl Keyring {
    /// Two new authorities.
    ///
    /// # Errors
    /// As [`Authority::generate`].
    pub fn generate(now: SystemTime) -> Result<Self, AuthorityError> {
        let current = Authority::generate(now, now + AUTHORITY_LIFE)?;
        let next = Self::successor(&current, now)?;
        Ok(Self { current, next, previous: None })
    }

    fn successor(current: &Authority, now: SystemTime) -> Result<Authority, AuthorityError> {
        Authority::generate(now, current.not_after() + (AUTHORITY_LIFE - LEFT_AT_ROTATION))
    }

    /// The one that signs.
    #[must_use]
    pub fn current(&self) -> &Authority {
        &self.current
    }

    /// The one that signs next.
    #[must_use]
    pub fn next(&self) -> &Authority {
        &self.next
    }

    /// All that is to be trusted, as PEM.
    #[must_use]
    pub fn bundle(&self) -> String {
        let previous = self.previous.as_deref().unwrap_or_default();
        format!("{}{}{previous}", self.current.certificate(), self.next.certificate())
    }

    /// The keyring to store in place of this one, once the next authority is to take over.
    ///
    /// # Errors
    /// As [`Authority::generate`].
    pub fn rotated(&self, now: SystemTime) -> Result<Option<Self>, AuthorityError> {
        if now + LEFT_AT_ROTATION < self.current.not_after() {
            return Ok(None);
        }
        let next = Self::successor(&self.next, now)?;
        let previous = Some(self.current.certificate().to_owned());
        Ok(Some(Self { current: self.next.clone(), next, previous }))
    }

    /// What is stored, by key. `ca.crt` is for people and `pillion inject --ca-file`.
    #[must_use]
    pub fn to_data(&self) -> BTreeMap<String, String> {
        let mut data = BTreeMap::from([
            ("ca.crt".to_owned(), self.bundle()),
            ("current.crt".to_owned(), self.current.certificate().to_owned()),
            ("current.key".to_owned(), self.current.key().to_owned()),
            ("next.crt".to_owned(), self.next.certificate().to_owned()),
            ("next.key".to_owned(), self.next.key().to_owned()),
        ]);
        if let Some(previous) = &self.previous {
            data.insert("previous.crt".to_owned(), previous.clone());
        }
        data
    }

    /// Reads what [`Keyring::to_data`] made.
    ///
    /// # Errors
    /// [`AuthorityError`], where a part is missing or broken.
    pub fn from_data(data: &BTreeMap<String, String>) -> Result<Self, AuthorityError> {
        let part = |key: &str| data.get(key).ok_or_else(|| AuthorityError::Read(format!("key '{key}' is missing")));
        Ok(Self {
            current: Authority::parse(part("current.crt")?, part("current.key")?)?,
            next: Authority::parse(part("next.crt")?, part("next.key")?)?,
            previous: data.get("previous.crt").cloned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_reads_back_the_same() {
        let keyring = Keyring::generate(SystemTime::now()).unwrap();
        assert_eq!(Keyring::from_data(&keyring.to_data()).unwrap(), keyring);
        let rotated = keyring.rotated(SystemTime::now() + AUTHORITY_LIFE).unwrap().unwrap();
        assert_eq!(Keyring::from_data(&rotated.to_data()).unwrap(), rotated);
    }

    #[test]
    fn the_next_authority_is_trusted_long_before_it_signs() {
        let now = SystemTime::now();
        let keyring = Keyring::generate(now).unwrap();
        assert_eq!(keyring.rotated(now + AUTHORITY_LIFE / 2).unwrap(), None);
        let rotated = keyring.rotated(now + AUTHORITY_LIFE * 3 / 4).unwrap().unwrap();
        assert!(keyring.bundle().contains(rotated.current().certificate()));
        assert!(rotated.bundle().contains(keyring.current().certificate()));
        assert!(rotated.current().not_after() > now + AUTHORITY_LIFE * 3 / 2);
    }

    #[test]
    fn a_missing_or_broken_part_is_named() {
        let mut data = Keyring::generate(SystemTime::now()).unwrap().to_data();
        data.insert("next.crt".into(), "garbage".into());
        assert!(Keyring::from_data(&data).is_err());
        data.remove("current.key");
        assert!(Keyring::from_data(&data).unwrap_err().to_string().contains("current.key"));
    }

    #[test]
    fn no_key_stands_in_debug_output() {
        let keyring = Keyring::generate(SystemTime::now()).unwrap();
        let debug = format!("{keyring:?}");
        assert!(!debug.contains("PRIVATE"), "{debug}");
        assert!(!debug.contains("BEGIN"), "{debug}");
    }
}
