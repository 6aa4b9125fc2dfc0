//! The order in which routes are tried: priority, then the narrower selector, then age, then name.

use crate::select;
use pillion_crds::AIRoute;
use std::cmp::Reverse;

/// Routes in the order in which they are tried. Routes of files have no creationTimestamp: they keep the order in
/// which they were given, which is file name, then document order.
pub(crate) fn sorted(routes: &[AIRoute]) -> Vec<&AIRoute> {
    let mut sorted: Vec<&AIRoute> = routes.iter().collect();
    let from_files = routes.iter().all(|route| route.metadata.creation_timestamp.is_none());
    sorted.sort_by(|a, b| {
        let key = |route: &AIRoute| {
            (
                Reverse(route.spec.priority.unwrap_or_default()),
                select::is_empty(route.spec.pod_selector.as_ref()),
                route.metadata.creation_timestamp.as_ref().map(|time| time.0),
            )
        };
        let name = |route: &AIRoute| (route.metadata.namespace.clone(), route.metadata.name.clone());
        key(a).cmp(&key(b)).then_with(|| if from_files { std::cmp::Ordering::Equal } else { name(a).cmp(&name(b)) })
    });
    sorted
}
