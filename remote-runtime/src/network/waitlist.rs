//! The connections that are not authenticated yet, and the choice of the one that is closed when
//! there are too many.

use std::collections::{BTreeMap, BTreeSet};

use rustix::process::{Resource, getrlimit};

/// The share of this process's descriptors that unauthenticated connections may take: one in four,
/// so that the server's clients and functions keep the rest.
const SHARE: u64 = 4;

/// Connections by the group of their peer.
///
/// When there is one too many, the oldest connection of the largest group is closed. A peer can
/// displace others only by having more connections than any other group, and then it displaces its
/// own.
#[derive(Debug)]
pub(super) struct Waitlist<G> {
    most: usize,
    connections: BTreeMap<u64, G>,
    groups: BTreeMap<G, BTreeSet<u64>>,
}

impl<G: Ord + Clone> Waitlist<G> {
    /// A list for `most` connections, or fewer if this process may have few descriptors.
    pub(super) fn within_descriptors(most: usize) -> Self {
        let allowed = getrlimit(Resource::Nofile).current;
        let share = allowed.map_or(u64::MAX, |allowed| allowed / SHARE);
        Self::of(most.min(usize::try_from(share).unwrap_or(usize::MAX)))
    }

    /// A list for `most` connections, and at least for one.
    fn of(most: usize) -> Self {
        Self {
            most: most.max(1),
            connections: BTreeMap::new(),
            groups: BTreeMap::new(),
        }
    }

    /// Adds a connection, whose `id` is larger than those before, and returns the one that is to be
    /// closed for it, if the list is full.
    pub(super) fn add(&mut self, id: u64, group: G) -> Option<u64> {
        self.groups.entry(group.clone()).or_default().insert(id);
        self.connections.insert(id, group);
        if self.connections.len() > self.most {
            self.evict()
        } else {
            None
        }
    }

    /// Removes a connection that was authenticated or has ended; `false` if it is not on the list.
    pub(super) fn remove(&mut self, id: u64) -> bool {
        let Some(group) = self.connections.remove(&id) else {
            return false;
        };
        if let Some(ids) = self.groups.get_mut(&group) {
            ids.remove(&id);
            if ids.is_empty() {
                self.groups.remove(&group);
            }
        }
        true
    }

    /// Removes the oldest connection of the largest group, and returns it. Of groups of one size, the
    /// one with the oldest connection counts.
    pub(super) fn evict(&mut self) -> Option<u64> {
        let groups = self.groups.values();
        let sized = groups.filter_map(|ids| Some((ids.len(), *ids.first()?)));
        let (_, oldest) = sized.max_by_key(|&(size, oldest)| (size, std::cmp::Reverse(oldest)))?;
        self.remove(oldest);
        Some(oldest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_oldest_of_the_largest_group_makes_room() {
        let mut list = Waitlist::of(4);
        for (id, group) in [(0, "a"), (1, "b"), (2, "b"), (3, "c")] {
            assert_eq!(list.add(id, group), None);
        }
        assert_eq!(list.add(4, "c"), Some(1), "`b` is as large, and older");
        assert_eq!(list.add(5, "c"), Some(3));
        assert!(list.remove(0) && !list.remove(0) && !list.remove(1));
        assert_eq!(list.add(6, "d"), None);
        assert_eq!(list.add(7, "d"), Some(4));
    }

    #[test]
    fn peers_that_are_each_alone_make_room_in_their_order() {
        let mut list = Waitlist::of(3);
        let evicted: Vec<_> = (0..6).map(|id| list.add(id, id)).collect();
        assert_eq!(evicted, [None, None, None, Some(0), Some(1), Some(2)]);
    }

    #[test]
    fn there_is_room_for_one_at_least() {
        let mut list = Waitlist::of(0);
        assert_eq!(list.add(0, ()), None);
        assert_eq!(list.add(1, ()), Some(0));
        assert_eq!(list.evict(), Some(1));
        assert_eq!(list.evict(), None);
    }

    proptest! {
        #[test]
        fn no_connection_of_a_smaller_group_is_closed(
            most in 1_usize..20,
            steps in prop::collection::vec((0_u8..5, prop::option::weighted(0.2, 0_u64..100)), 1..200),
        ) {
            let mut list = Waitlist::of(most);
            let mut model: Vec<(u64, u8)> = Vec::new();
            for (id, (group, ended)) in (0..).zip(steps) {
                if let Some(ended) = ended {
                    let is_there = model.iter().any(|&(id, _)| id == ended);
                    prop_assert_eq!(list.remove(ended), is_there);
                    model.retain(|&(id, _)| id != ended);
                }
                model.push((id, group));
                let evicted = list.add(id, group);
                prop_assert_eq!(evicted.is_some(), model.len() > most);
                if let Some(evicted) = evicted {
                    let size = |group| model.iter().filter(|(_, its)| *its == group).count();
                    let (_, its) = *model.iter().find(|(id, _)| *id == evicted).unwrap();
                    prop_assert!(model.iter().all(|&(_, group)| size(group) <= size(its)));
                    let oldest = model.iter().find(|(_, group)| *group == its).unwrap().0;
                    prop_assert_eq!(evicted, oldest);
                    model.retain(|&(id, _)| id != evicted);
                }
            }
        }

        #[test]
        fn a_single_client_stays_however_many_connections_others_open(
            most in 2_usize..50,
            before in 0_u64..100,
            after in 0_u64..300,
        ) {
            let mut list = Waitlist::of(most);
            let evicted: Vec<_> = (0..before + after)
                .filter_map(|id| list.add(id, if id == before { "client" } else { "flood" }))
                .collect();
            // Two single connections are equals: only then does the older one make room.
            prop_assert!(most == 2 || !evicted.contains(&before));
        }
    }
}
