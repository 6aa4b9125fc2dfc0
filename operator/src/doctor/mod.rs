//! What a cloud has to be told so that it believes a pod: issuer, subject and audience of the pod's token, and the commands
//! that create the trust. Pure; `pillion doctor identity` reads the cluster for it.

mod aws;
mod azure;
mod gcp;

use pillion_snapshot::{Auth, Provider};
use std::fmt::Write;

/// A service account, and how the cluster signs its tokens.
#[derive(Clone, Debug)]
pub struct Account {
    /// `iss` of its tokens, to the last slash.
    pub issuer: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Account {
    /// `sub` of its tokens.
    #[must_use]
    pub fn subject(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.name)
    }

    /// As `<issuer>` stands in AWS's names.
    fn issuer_without_scheme(&self) -> &str {
        self.issuer.strip_prefix("https://").unwrap_or(&self.issuer).trim_end_matches('/')
    }
}

/// An AIProvider, as the pods of the account use it.
#[derive(Clone, Debug)]
pub struct Use {
    /// Resolved, with what the account's annotations fill.
    pub provider: Provider,
    /// `CredentialsReady` as it stands, `False: …`, where it is known.
    pub state: Option<String>,
}

/// What one cloud needs.
struct Trust {
    cloud: &'static str,
    /// Of the pod's token; `None` where no token of the pod is exchanged.
    audience: Option<String>,
    /// What the chart's value is called that mounts the token.
    value: &'static str,
    /// Commands and remarks (which begin with `#`), in order.
    steps: Vec<String>,
}

impl Trust {
    /// An identity that is not the pod's.
    fn other(cloud: &'static str, remark: &str) -> Self {
        Self { cloud, audience: None, value: "", steps: vec![format!("# {remark}")] }
    }
}

/// The page for one account. `mounted` are the audiences of the tokens in the pod's sidecar, where a pod is asked about.
#[must_use]
pub fn advise(account: &Account, uses: &[Use], mounted: Option<&[String]>) -> String {
    let mut page = format!("issuer    {}\nsubject   {}\n", account.issuer, account.subject());
    for one in uses {
        let Some(trust) = trust(account, &one.provider) else { continue };
        // Writing to a String cannot fail.
        let _ = writeln!(page, "\nAIProvider {}/{} ({})", account.namespace, one.provider.name, trust.cloud);
        if let Some(state) = &one.state {
            let _ = writeln!(page, "state     {state}");
        }
        if let Some(audience) = &trust.audience {
            let _ = writeln!(page, "audience  {audience}");
            if mounted.is_some_and(|mounted| !mounted.contains(audience)) {
                let _ = writeln!(page, "mounted   no: set the chart's value {}, then start the pod anew", trust.value);
            }
        }
        for step in &trust.steps {
            let _ = writeln!(page, "  {step}");
        }
    }
    if !uses.iter().any(|one| trust(account, &one.provider).is_some()) {
        let _ = writeln!(page, "\nno AIProvider of namespace {} proves an identity of a cloud", account.namespace);
    }
    page
}

fn trust(account: &Account, provider: &Provider) -> Option<Trust> {
    match &provider.auth {
        Auth::Azure(identity) => Some(azure::trust(account, identity)),
        Auth::Aws(identity) => Some(aws::trust(account, identity)),
        Auth::Gcp(identity) => Some(gcp::trust(account, identity, provider)),
        Auth::None | Auth::ApiKey { .. } | Auth::Passthrough => None,
    }
}

/// A word of a shell's command line.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=,+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
