//! `compile(&Input) -> Compiled`: objects in, one snapshot per workload and findings per object out.
//!
//! ```text
//! Input ─┬─ providers ──check──▶ Provider or findings ─┐
//!        ├─ routes ─────check──▶ rules or findings ────┼──▶ Snapshot per Workload
//!        └─ workloads ──select, order──────────────────┘
//! ```
//!
//! Guarantees: total (no input makes it panic or fail; what is wrong becomes a finding) and deterministic (equal input,
//! equal bytes, whatever order the lists come in). It is run by the operator's controller, which feeds the config
//! server, by the standalone sidecar and by `pillion check`; the validating webhook runs its checks of one object: one
//! definition of "valid". Never does I/O, never reads a clock.

mod account;
mod check;
mod finding;
mod identity;
mod key;
pub mod manifest;
mod order;
mod provider;
mod route;
mod select;
mod shadow;
mod whose;

pub use account::AccountIdentity;
pub use check::{check_provider, check_route, is_pool_provider};
pub use finding::{Finding, Findings, ObjectKey, Verdict};
pub use key::SecretKey;
pub use provider::provider_for;
pub use select::{Workload, selects};
pub use whose::whose_identity;

use pillion_crds::{AIProvider, AIRoute};
use pillion_snapshot::{ExtraHosts, Provider, ProviderKey, Rule, Snapshot};
use std::collections::{BTreeMap, BTreeSet};

/// Objects of one or more namespaces and the workloads to compile for.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// In any order.
    pub providers: Vec<AIProvider>,
    /// In any order.
    pub routes: Vec<AIRoute>,
    /// One snapshot each.
    pub workloads: BTreeSet<Workload>,
    /// Hosts besides the clouds' own that clouds' credentials are sent to: the operator's word, no object's.
    pub extra_hosts: ExtraHosts,
}

/// What came of an [`Input`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compiled {
    /// Sealed; one for each workload of the input.
    pub snapshots: BTreeMap<Workload, Snapshot>,
    /// One for each object of the input.
    pub objects: BTreeMap<ObjectKey, Findings>,
}

/// Compiles everything for everyone.
#[must_use]
pub fn compile(input: &Input) -> Compiled {
    let mut objects = BTreeMap::new();

    let mut providers = BTreeMap::new();
    for object in &input.providers {
        let key = ObjectKey::of_provider(object);
        let (checked, findings) = provider::compile(object);
        if let Some(provider) = checked {
            providers.insert(key.name_in_snapshot(), (provider, object.metadata.generation.unwrap_or_default()));
        }
        objects.insert(key, findings);
    }

    let mut routes = vec![];
    for object in order::sorted(&input.routes) {
        let (checked, findings) = route::compile(object, &providers);
        objects.insert(ObjectKey::of_route(object), findings);
        if let Some(rules) = checked {
            routes.push((object, rules));
        }
    }
    for (key, overridden) in shadow::find(&routes) {
        if let Some(findings) = objects.get_mut(&key) {
            findings.overridden = Some(overridden);
        }
    }

    let snapshots = input
        .workloads
        .iter()
        .map(|workload| (workload.clone(), assemble(workload, input, &routes, &providers)))
        .collect();
    Compiled { snapshots, objects }
}

type Providers = BTreeMap<ProviderKey, (Provider, i64)>;

fn assemble(workload: &Workload, input: &Input, routes: &[(&AIRoute, Vec<Rule>)], providers: &Providers) -> Snapshot {
    let mut snapshot = Snapshot { extra_hosts: input.extra_hosts.clone(), ..Snapshot::default() };
    for (object, rules) in routes.iter().filter(|(object, _)| selects(object, workload)) {
        snapshot
            .sources
            .insert(ObjectKey::of_route(object).to_string(), object.metadata.generation.unwrap_or_default());
        for key in rules.iter().flat_map(|rule| &rule.backends).map(|backend| &backend.provider) {
            if let Some((provider, generation)) = providers.get(key) {
                let mut provider = provider.clone();
                workload.account.fill(&mut provider.auth);
                snapshot.providers.insert(key.clone(), provider);
                snapshot.sources.insert(format!("AIProvider/{}", key.0), *generation);
            }
        }
        snapshot.rules.extend(rules.iter().cloned());
    }
    snapshot.seal()
}

#[cfg(test)]
mod tests;
