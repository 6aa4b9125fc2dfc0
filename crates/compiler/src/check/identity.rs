//! Checks of an AIProvider's `auth.aws`, `auth.azure` and `auth.gcp`.

use crate::finding::Finding;
use crate::identity::region_in;
use crate::key;
use pillion_crds::{
    AssumeRole, AwsAuth, AwsSource, AzureAuth, AzureSource, GcpAuth, GcpSource, ManagedIdentity, MountedKey,
    SecretKeyRef,
};

/// Findings of one member of `auth`.
struct Member {
    path: &'static str,
    findings: Vec<Finding>,
}

impl Member {
    fn new(path: &'static str) -> Self {
        Self { path, findings: vec![] }
    }

    fn wrong(&mut self, field: &str, message: &str) {
        let dot = if field.is_empty() { "" } else { "." };
        self.findings.push(Finding::new(format!("{}{dot}{field}", self.path), message));
    }

    fn matches(&mut self, field: &str, value: Option<&String>, good: impl Fn(&str) -> bool, message: &str) {
        if value.is_some_and(|value| !good(value)) {
            self.wrong(field, message);
        }
    }

    /// The key that a source is proven with.
    fn key(&mut self, mounted: Option<&MountedKey>, secret_ref: Option<&SecretKeyRef>) {
        for (field, message) in key::check(mounted, secret_ref) {
            self.wrong(field, message);
        }
    }
}

pub(super) fn check_aws(auth: &AwsAuth, endpoint: &str) -> Vec<Finding> {
    let mut member = Member::new("spec.auth.aws");
    let source = auth.source.unwrap_or_default();
    if (source == AwsSource::Static) != (auth.mounted.is_some() || auth.secret_ref.is_some()) {
        member.wrong("", "mounted or secretRef must be set exactly when source is Static");
    }
    if auth.role_arn.is_some() && !matches!(source, AwsSource::Auto | AwsSource::WebIdentity) {
        member.wrong("", "roleArn belongs to source WebIdentity: for other sources name the role in assumeRoles");
    }
    member.matches("region", auth.region.as_ref(), is_region, "must be a region such as us-east-1");
    match (&auth.region, region_in(endpoint)) {
        (None, None) => member.wrong("region", "the endpoint's host names no region: set region, such as us-east-1"),
        (Some(said), Some(there)) if said != there => {
            member.wrong("region", &format!("the endpoint is in region {there}: set region to it, or remove region"));
        }
        _ => {}
    }
    member.matches("roleArn", auth.role_arn.as_ref(), is_role, ROLE);
    member.key(auth.mounted.as_ref(), auth.secret_ref.as_ref());
    if auth.assume_roles.len() > 4 {
        member.wrong("assumeRoles", "must have at most 4 roles");
    }
    for (i, role) in auth.assume_roles.iter().enumerate() {
        check_role(&mut member, &format!("assumeRoles[{i}]"), role);
    }
    member.findings
}

const ROLE: &str = "must be the ARN of a role, such as arn:aws:iam::123456789012:role/assistants";

fn check_role(member: &mut Member, path: &str, role: &AssumeRole) {
    let made_of =
        |more: &'static [u8]| move |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b));
    member.matches(&format!("{path}.roleArn"), Some(&role.role_arn), is_role, ROLE);
    member.matches(
        &format!("{path}.externalId"),
        role.external_id.as_ref(),
        |text| (2..=1224).contains(&text.len()) && made_of(b"_+=,.@:/-")(text),
        "must be 2 to 1224 letters, digits and any of _ + = , . @ : / -",
    );
    member.matches(
        &format!("{path}.sessionName"),
        role.session_name.as_ref(),
        |text| (2..=64).contains(&text.len()) && made_of(b"_+=,.@-")(text),
        "must be 2 to 64 letters, digits and any of _ + = , . @ -",
    );
    let too_long =
        |(key, value): (&String, &String)| !(1..=128).contains(&key.chars().count()) || value.chars().count() > 256;
    if role.tags.len() > 50 || role.tags.iter().any(too_long) {
        member.wrong(
            &format!("{path}.tags"),
            "must be at most 50 tags, keys of 1 to 128 and values of up to 256 characters",
        );
    }
}

pub(super) fn check_azure(auth: &AzureAuth) -> Vec<Finding> {
    let mut member = Member::new("spec.auth.azure");
    let source = auth.source.unwrap_or_default();
    let of_application = matches!(source, AzureSource::ClientSecret | AzureSource::ClientCertificate);
    let named = auth.tenant_id.is_some() && auth.client_id.is_some();
    let has_key = auth.mounted.is_some() || auth.secret_ref.is_some();
    if of_application != has_key {
        member.wrong("", "mounted or secretRef must be set exactly when source is ClientSecret or ClientCertificate");
    }
    if (of_application || has_key) && !named {
        member.wrong("", "a client secret or certificate is an application's: set tenantId and clientId");
    }
    if source != AzureSource::ManagedIdentity && auth.managed_identity.is_some() {
        let message = "managedIdentity belongs to source ManagedIdentity: set source, or remove managedIdentity";
        member.wrong("", message);
    }
    if source == AzureSource::ManagedIdentity && (auth.tenant_id.is_some() || auth.client_id.is_some()) {
        member.wrong(
            "",
            "source ManagedIdentity takes an identity of the node: remove tenantId, and name the identity in \
             managedIdentity.clientId",
        );
    }
    let message = "must be a directory's id or domain, such as contoso.onmicrosoft.com";
    member.matches("tenantId", auth.tenant_id.as_ref(), is_domain, message);
    member.matches(
        "clientId",
        auth.client_id.as_ref(),
        is_guid,
        "must be a client id such as 00000000-0000-0000-0000-000000000000",
    );
    member.key(auth.mounted.as_ref(), auth.secret_ref.as_ref());
    if let Some(identity) = &auth.managed_identity {
        check_managed_identity(&mut member, identity);
    }
    member.findings
}

fn check_managed_identity(member: &mut Member, identity: &ManagedIdentity) {
    let ManagedIdentity { client_id, object_id, resource_id } = identity;
    if [client_id, object_id, resource_id].iter().filter(|id| id.is_some()).count() != 1 {
        member.wrong(
            "managedIdentity",
            "set exactly one of clientId, objectId and resourceId; for the system-assigned identity remove \
             managedIdentity",
        );
    }
    let message = "must be a client id such as 00000000-0000-0000-0000-000000000000";
    member.matches("managedIdentity.clientId", client_id.as_ref(), is_guid, message);
    let message = "must be an object id such as 00000000-0000-0000-0000-000000000000";
    member.matches("managedIdentity.objectId", object_id.as_ref(), is_guid, message);
    let is_resource = |text: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._()/-".contains(&byte);
        text.strip_prefix("/subscriptions/").is_some_and(|rest| !rest.is_empty()) && text.bytes().all(plain)
    };
    let message = "must be a resource id that begins with /subscriptions/";
    member.matches("managedIdentity.resourceId", resource_id.as_ref(), is_resource, message);
}

pub(super) fn check_gcp(auth: &GcpAuth) -> Vec<Finding> {
    let mut member = Member::new("spec.auth.gcp");
    let source = auth.source.unwrap_or_default();
    let federated = matches!(source, GcpSource::Auto | GcpSource::WorkloadIdentityFederation);
    if (source == GcpSource::ServiceAccountKey) != (auth.mounted.is_some() || auth.secret_ref.is_some()) {
        member.wrong("", "mounted or secretRef must be set exactly when source is ServiceAccountKey");
    }
    match (federated, auth.workload_identity_provider.is_some()) {
        (true, false) => member.wrong(
            "",
            "the pod's own identity needs a pool that trusts it: set workloadIdentityProvider, or name another source \
             (on GKE: MetadataServer)",
        ),
        (false, true) => member
            .wrong("", "workloadIdentityProvider belongs to source WorkloadIdentityFederation: remove it or source"),
        _ => {}
    }
    member.matches(
        "workloadIdentityProvider",
        auth.workload_identity_provider.as_ref(),
        is_pool_provider,
        "must be such as projects/123456789/locations/global/workloadIdentityPools/clusters/providers/prod",
    );
    let message = "must be the email of a service account";
    member.matches("impersonate", auth.impersonate.as_ref(), is_email, message);
    member.key(auth.mounted.as_ref(), auth.secret_ref.as_ref());
    member.findings
}

/// Whether `text` has the form of a region: `us-east-1`, `us-gov-west-1`.
pub(crate) fn is_region(text: &str) -> bool {
    let mut parts = text.split('-');
    let first = parts.next().unwrap_or_default();
    let last = parts.next_back().unwrap_or_default();
    let letters = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let middle: Vec<&str> = parts.collect();
    (2..=5).contains(&first.len())
        && letters(first)
        && !middle.is_empty()
        && middle.into_iter().all(letters)
        && (1..=2).contains(&last.len())
        && last.bytes().all(|byte| byte.is_ascii_digit())
}

pub(crate) fn is_role(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, service, region, account, resource] = parts[..] else { return false };
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
    arn == "arn"
        && partition.starts_with("aws")
        && partition.bytes().all(plain)
        && service == "iam"
        && region.is_empty()
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && resource.strip_prefix("role/").is_some_and(|name| !name.is_empty() && !name.contains(char::is_whitespace))
        && text.len() <= 2048
}

pub(crate) fn is_domain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    text.len() <= 253 && text.bytes().all(plain) && text.starts_with(|first: char| first.is_ascii_alphanumeric())
}

pub(crate) fn is_guid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether `text` names a provider of a workload identity pool, `projects/…/providers/…`.
#[must_use]
pub fn is_pool_provider(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    let ["projects", project, "locations", "global", "workloadIdentityPools", pool, "providers", provider] = parts[..]
    else {
        return false;
    };
    let name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    !project.is_empty() && project.bytes().all(|byte| byte.is_ascii_digit()) && name(pool) && name(provider)
}

pub(crate) fn is_email(text: &str) -> bool {
    let plain = |more: &'static [u8]| {
        move |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b))
    };
    text.split_once('@').is_some_and(|(name, domain)| plain(b"._-")(name) && plain(b".-")(domain))
}
