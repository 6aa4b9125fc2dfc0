//! Step four: the order in which a rule's backends are tried, drawn by weight for each call.

use crate::snapshots::{Backend, Rule};
use std::collections::VecDeque;
use std::sync::Arc;

/// Every backend with a weight: group after group, inside a group by weighted draws without putting back, so that the
/// rest of a group are the fallbacks of the one drawn first.
pub(crate) fn order(rule: &Rule) -> VecDeque<&Arc<Backend>> {
    order_with(&rule.groups, |total| fastrand::u64(..total))
}

fn order_with(groups: &[Vec<Arc<Backend>>], mut draw: impl FnMut(u64) -> u64) -> VecDeque<&Arc<Backend>> {
    let mut order = VecDeque::with_capacity(groups.iter().map(Vec::len).sum());
    for group in groups {
        let mut left: Vec<&Arc<Backend>> = group.iter().filter(|backend| backend.weight > 0).collect();
        while left.len() > 1 {
            let total = left.iter().map(|backend| u64::from(backend.weight)).sum();
            let at = position(&left, draw(total));
            order.push_back(left.remove(at));
        }
        order.extend(left);
    }
    order
}

/// Where `ticket` falls when each backend takes as many numbers as it weighs.
fn position(backends: &[&Arc<Backend>], mut ticket: u64) -> usize {
    for (at, backend) in backends.iter().enumerate() {
        let weight = u64::from(backend.weight);
        if ticket < weight {
            return at;
        }
        ticket -= weight;
    }
    backends.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use pillion_snapshot::{Params, ProviderKey};

    fn group(backends: &[(&str, u32)]) -> Vec<Arc<Backend>> {
        let backend = |(name, weight): &(&str, u32)| {
            let provider = Err(ProviderKey((*name).into()));
            Arc::new(Backend { provider, model: None, weight: *weight, params: Params::default() })
        };
        backends.iter().map(backend).collect()
    }

    #[track_caller]
    fn check(groups: &[Vec<Arc<Backend>>], tickets: &[u64], expected: &str) {
        let mut tickets = tickets.iter();
        let order = order_with(groups, |total| *tickets.next().filter(|ticket| **ticket < total).unwrap());
        let names: Vec<&str> = order.iter().map(|one| one.provider.as_ref().unwrap_err().0.as_str()).collect();
        assert_eq!(names.join(" "), expected);
    }

    #[test]
    fn a_draw_falls_on_a_backend_as_often_as_it_weighs_and_the_rest_follow() {
        let groups = [group(&[("a", 70), ("b", 30)]), group(&[("c", 1)])];
        check(&groups, &[0], "a b c");
        check(&groups, &[69], "a b c");
        check(&groups, &[70], "b a c");
        check(&groups, &[99], "b a c");
    }

    #[test]
    fn a_backend_of_weight_zero_takes_none() {
        check(&[group(&[("a", 0), ("b", 1), ("c", 2)])], &[0], "b c");
        check(&[group(&[("a", 0)])], &[], "");
    }

    #[test]
    fn draws_follow_the_weights() {
        let groups = [group(&[("a", 9), ("b", 1)])];
        let mut random = fastrand::Rng::with_seed(7);
        let draws = 10_000;
        let first = |order: VecDeque<&Arc<Backend>>| order[0].provider.as_ref().unwrap_err().0 == "a";
        let count = (0..draws).filter(|_| first(order_with(&groups, |total| random.u64(..total)))).count();
        assert!((8_800..9_200).contains(&count), "{count}");
    }
}
