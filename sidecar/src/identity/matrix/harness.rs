//! One engine over the mock services, with files and a clock of its own.

use super::flows::Flow;
use super::mock::{APPLICATION, Services};
use crate::identity::clock::{Clock, shifted};
use crate::identity::credential::Credential;
use crate::identity::engine::{Engine, Unavailable};
use crate::identity::exchange::{Exchanger, Skews};
use crate::identity::keys::Keys;
use crate::identity::source::Source;
use crate::identity::transport::Transport;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;
use tokio::time::Instant;

pub(super) struct Harness {
    pub(super) services: Arc<Services>,
    pub(super) engine: Arc<Engine>,
    pub(super) source: Arc<Source>,
    /// Our clock minus the true one, in seconds.
    pub(super) offset: Arc<AtomicI64>,
    folder: TempDir,
    pub(super) began: Instant,
}

/// A token that kubelet could have made, which ends so many seconds from `now`.
pub(super) fn projected(name: &str, now: SystemTime, lasts: i64) -> String {
    let end = shifted(now, lasts).duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({"aud": [name], "exp": end, "sub": "system:serviceaccount:team-a:default"});
    format!("eyJhbGciOiJSUzI1NiJ9.{}.canary-projected", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

impl Harness {
    /// Files as they should be, clocks that agree.
    pub(super) fn new(flow: &'static Flow) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["tokens", "keys"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let services = Services::new(flow);
        let offset = Arc::new(AtomicI64::new(0));
        let clock = {
            let (services, offset) = (services.clone(), offset.clone());
            Clock::of(move || shifted(services.time(), offset.load(Ordering::Relaxed)))
        };
        let exchanger = Exchanger {
            transport: Transport::new(Arc::new(services.clone()), clock.clone()),
            clock: clock.clone(),
            keys: Arc::new(Keys::new(Some(folder.path().join("keys")))),
            tokens: folder.path().join("tokens"),
            environment: Default::default(),
            session_name: "team-a.pod-1".into(),
            skews: Arc::new(Skews::default()),
        };
        let engine = Engine::new(Arc::new(exchanger), clock);
        let source = Arc::new(flow.source());
        let harness = Self { services, engine, source, offset, folder, began: Instant::now() };
        harness.write_files();
        harness
    }

    pub(super) fn write_files(&self) {
        let flow = self.services.flow;
        if let Some(name) = flow.token_file {
            std::fs::write(self.token_file(), projected(name, self.services.time(), 3600)).unwrap();
        }
        if let Some(key) = flow.key {
            std::fs::write(self.key_file(), good_key(key)).unwrap();
        }
    }

    /// Where the pod's token of this flow is.
    pub(super) fn token_file(&self) -> PathBuf {
        self.folder.path().join("tokens").join(self.services.flow.token_file.unwrap())
    }

    /// Where the mounted key of this flow is.
    pub(super) fn key_file(&self) -> PathBuf {
        self.folder.path().join("keys").join(self.services.flow.key.unwrap())
    }

    /// Asks as a request does.
    pub(super) async fn ask(&self) -> Result<Credential, Unavailable> {
        let by = Instant::now() + Duration::from_secs(60);
        self.engine.credential(&self.source, by).await.map(|held| held.credential)
    }

    /// Asks each second until there is a credential. Returns how long that took.
    pub(super) async fn ready_within(&self, most: Duration) -> Result<Duration, String> {
        let began = Instant::now();
        loop {
            match self.ask().await {
                Ok(_) => return Ok(began.elapsed()),
                Err(error) if began.elapsed() > most => return Err(format!("not ready after {most:?}: {error}")),
                Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
            }
        }
    }

    /// Seconds that the credential lasts from now.
    pub(super) fn lasts(&self) -> f64 {
        self.engine.states()[0].ends_in.unwrap()
    }

    pub(super) fn requests(&self) -> usize {
        self.services.asked().len()
    }
}

/// What a mounted key should hold.
pub(super) fn good_key(name: &str) -> String {
    match name {
        "entra" => "secret~1\n".into(),
        "application.pem" => APPLICATION.into(),
        "aws" => "[default]\naws_access_key_id = AKIA1\naws_secret_access_key = canary-secret\n".into(),
        _ => json!({
            "type": "service_account", "client_email": "a@p.iam.gserviceaccount.com", "private_key_id": "k1",
            "private_key": APPLICATION, "token_uri": "https://evil.example/token",
        })
        .to_string(),
    }
}

/// Runs cells and counts them; a cell that fails does not hide the others.
#[derive(Default)]
pub(super) struct Cells {
    passed: usize,
    failed: Vec<String>,
}

impl Cells {
    pub(super) fn note(&mut self, cell: impl std::fmt::Display, result: Result<(), String>) {
        match result {
            Ok(()) => self.passed += 1,
            Err(why) => self.failed.push(format!("{cell}: {why}")),
        }
    }

    pub(super) fn report(self, what: &str, least: usize) {
        println!("identity, {what}: {} cells pass, {} fail", self.passed, self.failed.len());
        assert!(self.failed.is_empty(), "{}", self.failed.join("\n"));
        assert!(self.passed >= least, "only {} cells", self.passed);
    }
}

/// For cells: what must hold, or why not.
pub(super) fn must(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}
