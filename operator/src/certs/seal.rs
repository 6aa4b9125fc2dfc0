//! The operator's word that it injected an image, which nobody else can give: a MAC with what only the Secret `pillion-ca`
//! holds. Images of former versions stay known by it for as long as their pods may run.

use super::{Authority, Keyring};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac::{HMAC_SHA256, Key, sign, verify};

/// Told apart from whatever else the key may sign.
const PURPOSE: &str = "pillion.dev/sidecar-seal\n";

/// Seals images, and knows its own seals again.
#[derive(Clone, Debug)]
pub(crate) struct Sealer {
    current: Key,
    next: Key,
}

impl Sealer {
    pub(super) fn new(keyring: &Keyring) -> Self {
        let key = |authority: &Authority| Key::new(HMAC_SHA256, authority.key().as_bytes());
        Self { current: key(keyring.current()), next: key(keyring.next()) }
    }

    /// The seal on an image. Of the authority that signs next, so that it outlives a rotation.
    pub(crate) fn seal(&self, image: &str) -> String {
        URL_SAFE_NO_PAD.encode(sign(&self.next, message(image).as_bytes()))
    }

    /// Whether `seal` is ours, on this image.
    pub(crate) fn knows(&self, image: &str, seal: &str) -> bool {
        let Ok(tag) = URL_SAFE_NO_PAD.decode(seal) else { return false };
        let message = message(image);
        [&self.next, &self.current].into_iter().any(|key| verify(key, message.as_bytes(), &tag).is_ok())
    }
}

fn message(image: &str) -> String {
    format!("{PURPOSE}{image}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::AUTHORITY_LIFE;
    use std::time::SystemTime;

    #[test]
    fn a_seal_is_for_its_image_and_outlives_one_rotation_of_authorities() {
        let keyring = Keyring::generate(SystemTime::now()).unwrap();
        let sealer = Sealer::new(&keyring);
        let seal = sealer.seal("pillion-sidecar:1");
        assert!(sealer.knows("pillion-sidecar:1", &seal));
        assert!(!sealer.knows("evil:1", &seal));
        let rotated = keyring.rotated(SystemTime::now() + AUTHORITY_LIFE).unwrap().unwrap();
        assert!(Sealer::new(&rotated).knows("pillion-sidecar:1", &seal));
        let other = Sealer::new(&Keyring::generate(SystemTime::now()).unwrap());
        assert!(!other.knows("pillion-sidecar:1", &seal));
        for broken in ["", "00", "zz", "é", &seal[1..], &format!("{seal}00")] {
            assert!(!sealer.knows("pillion-sidecar:1", broken), "{broken}");
        }
    }
}
