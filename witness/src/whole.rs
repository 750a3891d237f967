//! Batches of whole transactions, for comparison: what a block would need if it were not split into legs.
//!
//! In the textbook's reading a batch is conflict-free if no account appears in it twice. **Strict** batches are that. In
//! **commutative** ones an account may be credited more than once, since the order of credits does not matter, but not
//! also be debited. In both, the transactions of one sender are in different batches, in their order; all others may
//! change places, and fees are left out of account (their collector would appear in every transaction). Each transaction
//! goes, in order of arrival, to the first batch that takes it. So the figures favour the comparison.

use std::collections::HashMap;

use enfold_state::executor::{Accepted, Execution};
use enfold_state::leaf::LeafIndex;
use serde::{Deserialize, Serialize};

use enfold_state::profile::{BatchId, Profile};

/// Batches of whole transactions that a block would need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WholeReport {
    /// Transactions of a full batch.
    pub capacity: usize,
    /// As many as full batches would be.
    pub lower_bound: usize,
    /// No account twice in a batch.
    pub strict: usize,
    /// No account twice in a batch, but credits of one.
    pub commutative: usize,
}

/// Transactions that a circuit of the same size has room for, if each opens the paths of a debit and of a credit.
pub fn capacity(profile: &Profile) -> usize {
    let [debits, credits] =
        [BatchId::DebitWide, BatchId::CreditWide].map(|batch| profile.shape(batch).paths());
    (debits * credits / (debits + credits)).max(1)
}

impl WholeReport {
    /// The batches of an execution's transactions, up to `capacity` each.
    ///
    /// # Panics
    /// If `capacity` is 0, or a debit's messages are not of the execution.
    pub fn of(execution: &Execution, capacity: usize) -> Self {
        assert!(capacity > 0, "a batch holds a transaction");
        let transfer =
            |debit: &Accepted| Transfer { from: debit.from, to: execution.credits[debit.messages.start].to };
        let transfers: Vec<_> = execution.debits.iter().map(transfer).collect();
        Self {
            capacity,
            lower_bound: transfers.len().div_ceil(capacity),
            strict: count(&transfers, capacity, Rule::Strict),
            commutative: count(&transfers, capacity, Rule::Commutative),
        }
    }
}

/// Sender and receiver.
#[derive(Clone, Copy, Debug)]
struct Transfer {
    from: LeafIndex,
    to: LeafIndex,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Strict,
    Commutative,
}

/// Batches that are closed to somebody. Finds the first open one from some number on, in nearly constant time: a closed
/// one points to one behind it, and ways are shortened as they are gone (a disjoint-set forest).
#[derive(Clone, Debug, Default)]
struct Closed(HashMap<usize, usize>);

impl Closed {
    fn close(&mut self, batch: usize) {
        self.0.entry(batch).or_insert(batch + 1);
    }

    fn first_open(&mut self, from: usize) -> usize {
        let mut open = from;
        while let Some(&next) = self.0.get(&open) {
            open = next;
        }
        let mut at = from;
        while let Some(next) = self.0.get_mut(&at) {
            at = std::mem::replace(next, open);
        }
        open
    }
}

/// What batches an account is in.
#[derive(Clone, Debug, Default)]
struct Account {
    /// Where it appears.
    touched: Closed,
    /// Where it is debited.
    debited: Closed,
    /// The first batch for its next debit.
    next: usize,
}

/// The number of batches.
fn count(transfers: &[Transfer], capacity: usize, rule: Rule) -> usize {
    let mut accounts: HashMap<LeafIndex, Account> = HashMap::new();
    let mut full = Closed::default();
    let mut sizes: Vec<usize> = Vec::new();
    for &Transfer { from, to } in transfers {
        let mut batch = accounts.entry(from).or_default().next;
        loop {
            let start = batch;
            batch = full.first_open(batch);
            batch = accounts.entry(from).or_default().touched.first_open(batch);
            let receiver = accounts.entry(to).or_default();
            // Paying oneself is one appearance.
            if from != to {
                batch = match rule {
                    Rule::Strict => receiver.touched.first_open(batch),
                    Rule::Commutative => receiver.debited.first_open(batch),
                };
            }
            if batch == start {
                break;
            }
        }
        if batch >= sizes.len() {
            sizes.resize(batch + 1, 0);
        }
        sizes[batch] += 1;
        if sizes[batch] == capacity {
            full.close(batch);
        }
        let sender = accounts.entry(from).or_default();
        sender.next = batch + 1;
        sender.touched.close(batch);
        sender.debited.close(batch);
        accounts.entry(to).or_default().touched.close(batch);
    }
    sizes.len()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn transfers(pairs: &[(u32, u32)]) -> Vec<Transfer> {
        pairs.iter().map(|&(from, to)| Transfer { from: LeafIndex(from), to: LeafIndex(to) }).collect()
    }

    fn both(pairs: &[(u32, u32)], capacity: usize) -> (usize, usize) {
        let transfers = transfers(pairs);
        (count(&transfers, capacity, Rule::Strict), count(&transfers, capacity, Rule::Commutative))
    }

    #[test]
    fn of_what_conflicts_each_takes_a_batch() {
        assert_eq!(both(&[], 4), (0, 0));
        // Strangers.
        assert_eq!(both(&[(0, 1), (2, 3), (4, 5)], 4), (1, 1));
        assert_eq!(both(&[(0, 1), (2, 3), (4, 5)], 2), (2, 2));
        // One merchant: credits commute.
        assert_eq!(both(&[(1, 0), (2, 0), (3, 0)], 4), (3, 1));
        assert_eq!(both(&[(1, 0), (2, 0), (3, 0)], 2), (3, 2));
        // One sender: debits do not.
        assert_eq!(both(&[(0, 1), (0, 2), (0, 3)], 4), (3, 3));
        // A debit and a credit of one account never share a batch.
        assert_eq!(both(&[(0, 1), (1, 2)], 4), (2, 2));
        assert_eq!(both(&[(7, 7), (7, 7), (1, 2)], 4), (2, 2));
    }

    #[test]
    fn a_sender_keeps_its_order() {
        // The second transfer of 0 would fit the first batch but for the order: 0 pays 1 only after 5 paid it.
        assert_eq!(both(&[(5, 0), (0, 1), (0, 2)], 4), (3, 3));
    }

    #[test]
    fn many_transfers_take_little_time() {
        let star: Vec<_> = (1..100_000).map(|from| (from, 0)).collect();
        assert_eq!(both(&star, 100), (99_999, 1000));
    }

    /// The definition, batch by batch.
    fn first_fit(transfers: &[Transfer], capacity: usize, rule: Rule) -> usize {
        let mut batches: Vec<Vec<Transfer>> = Vec::new();
        for &transfer in transfers {
            let Transfer { from, to } = transfer;
            let earliest = batches.iter().rposition(|batch| batch.iter().any(|other| other.from == from));
            let takes = |batch: &Vec<Transfer>| {
                let debited: HashSet<_> = batch.iter().map(|other| other.from).collect();
                let touched: HashSet<_> = batch.iter().flat_map(|other| [other.from, other.to]).collect();
                let receives = match rule {
                    Rule::Strict => !touched.contains(&to),
                    Rule::Commutative => !debited.contains(&to),
                };
                batch.len() < capacity && !touched.contains(&from) && (receives || from == to)
            };
            let from = earliest.map_or(0, |at| at + 1);
            match (from..batches.len()).find(|&at| takes(&batches[at])) {
                Some(at) => batches[at].push(transfer),
                None => batches.push(vec![transfer]),
            }
        }
        batches.len()
    }

    proptest! {
        #[test]
        fn is_first_fit(
            pairs in prop::collection::vec((0..9u32, 0..9u32), 0..60),
            capacity in 1..6_usize,
        ) {
            let transfers = transfers(&pairs);
            for rule in [Rule::Strict, Rule::Commutative] {
                prop_assert_eq!(count(&transfers, capacity, rule), first_fit(&transfers, capacity, rule));
            }
            let (strict, commutative) = both(&pairs, capacity);
            prop_assert!(strict >= pairs.len().div_ceil(capacity));
            prop_assert!(commutative >= pairs.len().div_ceil(capacity));
        }
    }
}
