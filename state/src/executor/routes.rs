//! Where transactions lead: the leaves of receivers and fee collectors, new ones among them.

use std::collections::{BTreeMap, HashMap};

use super::{Accepted, Check, Emitted, Sound};
use crate::block::FeePolicy;
use crate::debit::spend;
use crate::leaf::{ACCOUNT_SHARDS, Address, Asset, Leaf, LeafIndex, SHARD_DEPTH};
use crate::ledger::Ledger;
use crate::rule::Rule;
use crate::shards::Counts;
use crate::transaction::{SignedTransaction, Transaction};
use crate::writes::Entry;

/// Where the accepted transactions lead.
pub(super) struct Routes {
    pub debits: Vec<Accepted>,
    /// The messages of all debits, in order.
    pub emitted: Vec<Emitted>,
}

/// Finds the leaves that transactions lead to, in order of arrival.
pub(super) struct Router<'a> {
    policies: &'a BTreeMap<Asset, FeePolicy>,
    transactions: &'a [SignedTransaction],
    book: AddressBook<'a>,
    /// The collectors' leaves that are known so far.
    collectors: BTreeMap<Asset, LeafIndex>,
    routes: Routes,
}

impl<'a> Router<'a> {
    pub fn new(
        ledger: &'a Ledger,
        policies: &'a BTreeMap<Asset, FeePolicy>,
        transactions: &'a [SignedTransaction],
        capacity: usize,
    ) -> Self {
        let count = transactions.len();
        Self {
            policies,
            transactions,
            book: AddressBook { ledger, added: HashMap::new(), counts: ledger.leaves().counts(), capacity },
            collectors: BTreeMap::new(),
            routes: Routes { debits: Vec::with_capacity(count), emitted: Vec::with_capacity(2 * count) },
        }
    }

    /// The routes of the transactions whose debits went well; `None` if one of them finds no leaf.
    pub fn route_all(mut self, checks: &[Check]) -> Option<Routes> {
        for (position, check) in checks.iter().enumerate() {
            let Ok(sound) = check else { continue };
            self.route(position, sound).ok()?;
        }
        Some(self.routes)
    }

    /// Runs the debits one after the other, on transactions that are sound alone. One that finds no leaf debits
    /// nothing. Gives the senders' leaves, by index, and notes the rules that transactions break.
    pub fn run_debits(mut self, checks: &mut [Check]) -> (Vec<Entry>, Routes) {
        let ledger = self.book.ledger;
        let mut senders: BTreeMap<LeafIndex, Leaf> = BTreeMap::new();
        for (position, check) in checks.iter_mut().enumerate() {
            let Ok(sound) = check else { continue };
            let Some(&start) = ledger.leaf(sound.from) else { continue };
            let sender = senders.entry(sound.from).or_insert(start);
            let mut leaf = *sender;
            let debited = spend(&mut leaf, &self.transactions[position].transaction);
            match debited.and_then(|()| self.route(position, sound)) {
                Ok(()) => *sender = leaf,
                Err(rule) => *check = Err(Box::new(rule)),
            }
        }
        (senders.into_iter().collect(), self.routes)
    }

    /// Adds what a transaction emits. If it finds no leaf, all stays as it was.
    fn route(&mut self, position: usize, sound: &Sound) -> Result<(), Rule> {
        let Sound { from, to, fee } = *sound;
        let Transaction { to_address, asset, .. } = self.transactions[position].transaction;
        let full = Rule::Full { expected: self.book.capacity };
        let before = self.book.added.len();
        let to = match to.or_else(|| self.book.find_or_add(to_address, asset)) {
            Some(to) => to,
            None => return Err(full),
        };
        let collector = match fee.and_then(|asset| Some((asset, self.policies.get(&asset)?))) {
            Some((asset, policy)) => match self.collector(asset, policy.collector) {
                Some(collector) => Some(collector),
                None => {
                    if self.book.added.len() > before {
                        self.book.take_back(to_address, asset);
                    }
                    return Err(full);
                }
            },
            None => None,
        };
        let Routes { debits, emitted } = &mut self.routes;
        let first = emitted.len();
        emitted.push(Emitted { position, to, fee: false });
        emitted.extend(collector.map(|to| Emitted { position, to, fee: true }));
        debits.push(Accepted { position, from, messages: first..emitted.len() });
        Ok(())
    }

    /// The leaf of an asset's collector.
    fn collector(&mut self, asset: Asset, address: Address) -> Option<LeafIndex> {
        if let Some(&known) = self.collectors.get(&asset) {
            return Some(known);
        }
        let index = self.book.find_or_add(address, asset)?;
        self.collectors.insert(asset, index);
        Some(index)
    }
}

/// Finds receivers' leaves and gives new ones the next free index.
struct AddressBook<'a> {
    ledger: &'a Ledger,
    /// Only looked up, never iterated.
    added: HashMap<(Address, Asset), LeafIndex>,
    counts: Counts,
    /// Leaves of accounts in a full tree.
    capacity: usize,
}

impl AddressBook<'_> {
    /// `None` if no index is left.
    fn find_or_add(&mut self, address: Address, asset: Asset) -> Option<LeafIndex> {
        let known = self.ledger.find(&address, asset);
        if let Some(index) = known.or_else(|| self.added.get(&(address, asset)).copied()) {
            return Some(index);
        }
        if self.counts.accounts() >= self.capacity {
            return None;
        }
        // The address's shard, or the next one with room. The circuits leave the choice to the executor.
        let first = self.ledger.shard_of(&address);
        let mut shards = (0..ACCOUNT_SHARDS).map(|next| (first + next) % ACCOUNT_SHARDS);
        let shard = shards.find(|&shard| self.counts.0[shard] >> SHARD_DEPTH == 0)?;
        let index = LeafIndex::new(shard, self.counts.0[shard]);
        self.added.insert((address, asset), index);
        self.counts.0[shard] += 1;
        Some(index)
    }

    /// Takes back the leaf that was added last.
    fn take_back(&mut self, address: Address, asset: Asset) {
        if let Some(index) = self.added.remove(&(address, asset)) {
            self.counts.0[index.shard()] -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::Genesis;
    use crate::field::reduce;
    use crate::hash::Digest;
    use crate::ledger::MAX_ACCOUNTS;

    /// A book over shards of which some are full. A full shard is too large for a test: the counts alone say that it is.
    fn book<'a>(ledger: &'a Ledger, full: &[usize]) -> AddressBook<'a> {
        let mut counts = Counts::default();
        for &shard in full {
            counts.0[shard] = 1 << SHARD_DEPTH;
        }
        AddressBook { ledger, added: HashMap::new(), counts, capacity: MAX_ACCOUNTS }
    }

    #[test]
    fn who_finds_a_shard_full_goes_to_the_next_with_room() {
        let genesis = Genesis { chain_id: 7, time: 1, shards: 4, leaves: vec![] };
        let ledger = Ledger::from_genesis(&genesis).expect("it is valid");
        let address = Digest([6, 1, 2, 3].map(reduce));
        let but = |room: usize| (0..ACCOUNT_SHARDS).filter(|&shard| shard != room).collect();
        let cases: [(Vec<usize>, usize); 6] = [
            (vec![], 2),
            (vec![2], 3),
            (vec![2, 3, 5], 4),
            ((2..ACCOUNT_SHARDS).collect(), 0),
            (but(1), 1),
            (but(31), 31),
        ];
        for (full, shard) in cases {
            let mut book = book(&ledger, &full);
            let before = book.counts;
            let index = Some(LeafIndex::new(shard, 0));
            assert_eq!(book.find_or_add(address, 5), index, "{full:?}");
            assert_eq!(book.find_or_add(address, 5), index, "it has a leaf now");
            assert_eq!(book.find_or_add(address, 6).map(LeafIndex::position), Some(1));
            book.take_back(address, 6);
            book.take_back(address, 5);
            assert_eq!(book.counts, before);
        }
        // None has room, however many positions are left for contracts; and those take none from accounts.
        let all: Vec<_> = (0..ACCOUNT_SHARDS).collect();
        assert_eq!(book(&ledger, &all).find_or_add(address, 5), None);
        let mut contracts = AddressBook { capacity: 1, ..book(&ledger, &[32, 63]) };
        assert_eq!(contracts.find_or_add(address, 5), Some(LeafIndex::new(2, 0)));
        assert_eq!(contracts.find_or_add(address, 6), None);
    }
}
