//! Where transactions lead: the leaves of receivers and fee collectors, new ones among them, and the contracts that they call.

use std::collections::{BTreeMap, HashMap};

use super::{Accepted, Call, CallAt, Check, Emitted, Sound};
use crate::block::FeePolicy;
use crate::chain::{BlockId, Phase};
use crate::debit::{DebitLeg, spend};
use crate::kind::{KindId, PerKind};
use crate::leaf::{ACCOUNT_SHARDS, Address, Asset, Leaf, LeafIndex, SHARD_DEPTH};
use crate::ledger::Ledger;
use crate::legs::Legs;
use crate::message::Message;
use crate::registry::{Visitor, visit};
use crate::rule::{PaidError, Rule};
use crate::shards::Counts;
use crate::transaction::{SignedTransaction, Transaction};
use crate::writes::Entry;

/// Where the accepted transactions lead.
pub(super) struct Routes {
    pub debits: Vec<Accepted>,
    pub calls: PerKind<Vec<Call>>,
    /// The messages that are credited, in order.
    pub emitted: Vec<Emitted>,
    /// The messages of contracts.
    pub paid: Vec<Message>,
    /// The leaves of contracts after their legs.
    pub contracts: BTreeMap<LeafIndex, Leaf>,
}

/// Finds the leaves that transactions lead to, in order of arrival.
pub(super) struct Router<'a> {
    block: BlockId,
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
        block: BlockId,
        policies: &'a BTreeMap<Asset, FeePolicy>,
        transactions: &'a [SignedTransaction],
        capacity: usize,
    ) -> Self {
        let count = transactions.len();
        Self {
            block,
            policies,
            transactions,
            book: AddressBook::new(ledger, ledger.leaves().counts(), capacity),
            collectors: BTreeMap::new(),
            routes: Routes {
                debits: Vec::with_capacity(count),
                calls: PerKind::default(),
                emitted: Vec::with_capacity(2 * count),
                paid: Vec::new(),
                contracts: BTreeMap::new(),
            },
        }
    }

    /// The routes of the transactions whose debits went well; `None` if one of them finds no leaf, or a contract
    /// refuses it.
    pub fn route_all(mut self, checks: &[Check]) -> Option<Routes> {
        for (position, check) in checks.iter().enumerate() {
            let Ok(sound) = check else { continue };
            self.route(position, sound).ok()?;
        }
        Some(self.routes)
    }

    /// Runs the debits one after the other, on transactions that are sound alone. One that finds no leaf, or that a
    /// contract refuses, debits nothing. Gives the senders' leaves, by index, and notes the rules that transactions break.
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

    /// Adds what a transaction and the contract that it calls emit. If it is refused, all stays as it was.
    fn route(&mut self, position: usize, sound: &Sound) -> Result<(), Rule> {
        let before = self.book.order.len();
        let routed = self.find_route(position, sound);
        if routed.is_err() {
            self.book.take_back(before);
        }
        routed
    }

    /// [`Self::route`], but for the leaves that a refused transaction has added to the book.
    fn find_route(&mut self, position: usize, sound: &Sound) -> Result<(), Rule> {
        let Sound { from, to, fee } = *sound;
        let Transaction { op, to_address, asset, .. } = self.transactions[position].transaction;
        let full = Rule::Full { expected: self.book.capacity };
        let to = match to.or_else(|| self.book.find_or_add(to_address, asset)) {
            Some(to) => to,
            None => return Err(full),
        };
        let contract = Some(op.consumer()).filter(|kind| kind.phase() == Phase::Contract);
        let called = contract.map(|kind| self.call(kind, position, to)).transpose()?;
        let collector = match fee.and_then(|asset| Some((asset, self.policies.get(&asset)?))) {
            Some((asset, policy)) => Some(self.collector(asset, policy.collector).ok_or(full)?),
            None => None,
        };
        // Nothing refuses it any more.
        let emitted = &mut self.routes.emitted;
        let first = emitted.len();
        if called.is_none() {
            emitted.push(Emitted::Transfer { position, to });
        }
        emitted.extend(collector.map(|to| Emitted::Fee { position, to }));
        let messages = first..emitted.len();
        let call = called.map(|called| self.routes.add(called, position, to));
        self.routes.debits.push(Accepted { position, from, messages, call });
        Ok(())
    }

    /// What a contract makes of a transaction that pays out to a leaf.
    fn call(&self, kind: KindId, position: usize, payee: LeafIndex) -> Result<Called, Rule> {
        let (ledger, contracts) = (self.book.ledger, &self.routes.contracts);
        let transaction = self.transactions[position].transaction;
        let run = Run { block: self.block, ledger, contracts, transaction, payee };
        visit(kind, run)
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

/// What a contract makes of a call.
struct Called {
    kind: KindId,
    index: LeafIndex,
    /// The contract's leaf after it.
    leaf: Leaf,
    /// The message that is consumed.
    message: Message,
    /// Those that are emitted.
    paid: Vec<Message>,
}

impl Routes {
    /// Adds a leg of a contract.
    fn add(&mut self, called: Called, transaction: usize, payee: LeafIndex) -> CallAt {
        let Called { kind, index, leaf, message, paid } = called;
        let first = self.emitted.len();
        let new = self.paid.len()..self.paid.len() + paid.len();
        self.emitted.extend(new.map(Emitted::Paid));
        self.paid.extend(paid);
        self.contracts.insert(index, leaf);
        let calls = &mut self.calls[kind];
        let position = calls.len() as u32;
        calls.push(Call {
            position: transaction,
            leaf: index,
            message,
            payee,
            messages: first..self.emitted.len(),
        });
        CallAt { kind, position }
    }
}

/// Runs a leg of a contract.
struct Run<'a> {
    block: BlockId,
    ledger: &'a Ledger,
    contracts: &'a BTreeMap<LeafIndex, Leaf>,
    transaction: Transaction,
    payee: LeafIndex,
}

impl Visitor for Run<'_> {
    type Output = Result<Called, Rule>;

    fn visit<K: Legs>(self) -> Self::Output {
        let Self { block, ledger, contracts, transaction, payee } = self;
        let asset = transaction.asset;
        let index = K::ADDRESS.and_then(|address| ledger.find(&address, asset));
        let index = index.ok_or(Rule::NoContract { contract: K::ID, asset })?;
        let leg = DebitLeg { transaction, to: index, fee_to: LeafIndex(0), collector: Address::ZERO };
        let message = leg.transfer();
        let leg = K::call(&message, payee).ok_or(Rule::Op { got: message.op })?;
        let before = contracts.get(&index).or_else(|| ledger.leaf(index));
        let leaf = K::apply(&block, index, before, &leg)?;
        let mut paid = Vec::new();
        K::emit(&leg, &mut paid);
        check_paid(K::ID, ledger, &transaction, payee, &paid)
            .map_err(|got| Rule::Paid { contract: K::ID, got })?;
        Ok(Called { kind: K::ID, index, leaf, message, paid })
    }
}

/// What all that follows relies on: the payee's leaf, which may be new, is written; each message is credited to the leaf
/// that it names; and the leg can be read back out of what it emits.
fn check_paid(
    contract: KindId,
    ledger: &Ledger,
    call: &Transaction,
    payee: LeafIndex,
    paid: &[Message],
) -> Result<(), PaidError> {
    let owner = |index| match ledger.leaf(index) {
        None if index == payee => Some((call.to_address, call.asset)),
        leaf => leaf.map(|leaf| (leaf.address, leaf.asset)),
    };
    for message in paid {
        let &Message { op, to, to_address, asset, .. } = message;
        if op.emitter() != contract {
            return Err(PaidError::Op { got: op });
        }
        message.check()?;
        if owner(to) != Some((to_address, asset)) {
            return Err(PaidError::Leaf { got: to });
        }
    }
    match paid.iter().any(|message| message.to == payee) {
        true => Ok(()),
        false => Err(PaidError::Nothing { payee }),
    }
}

/// Finds receivers' leaves and gives new ones the next free index.
struct AddressBook<'a> {
    ledger: &'a Ledger,
    /// Only looked up, never iterated.
    added: HashMap<(Address, Asset), LeafIndex>,
    /// What was added, in order.
    order: Vec<(Address, Asset)>,
    counts: Counts,
    /// Leaves of accounts in a full tree.
    capacity: usize,
}

impl<'a> AddressBook<'a> {
    fn new(ledger: &'a Ledger, counts: Counts, capacity: usize) -> Self {
        Self { ledger, added: HashMap::new(), order: Vec::new(), counts, capacity }
    }

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
        self.order.push((address, asset));
        self.counts.0[shard] += 1;
        Some(index)
    }

    /// Takes back all leaves that were added but the first so many.
    fn take_back(&mut self, kept: usize) {
        for key in self.order.drain(kept..) {
            if let Some(index) = self.added.remove(&key) {
                self.counts.0[index.shard()] -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::block::{Genesis, GenesisLeaf};
    use crate::field::{from_u32, reduce};
    use crate::hash::Digest;
    use crate::leaf::AMOUNT_LIMIT;
    use crate::ledger::MAX_ACCOUNTS;
    use crate::message::{MessageError, Op};
    use crate::nonce::{Nonce, NonceKey};
    use crate::transaction::NO_END;

    /// A book over shards of which some are full. A full shard is too large for a test: the counts alone say that it is.
    fn book<'a>(ledger: &'a Ledger, full: &[usize]) -> AddressBook<'a> {
        let mut counts = Counts::default();
        for &shard in full {
            counts.0[shard] = 1 << SHARD_DEPTH;
        }
        AddressBook::new(ledger, counts, MAX_ACCOUNTS)
    }

    /// A contract of which the memo of a call says what it pays, under a kind that emits an op that nobody signs.
    struct Odd;

    impl Legs for Odd {
        const ID: KindId = KindId::Debit;
        const ADDRESS: Option<Address> = Some(Digest([from_u32(1); 4]));

        type Leg = Vec<Message>;

        fn apply(_: &BlockId, index: LeafIndex, leaf: Option<&Leaf>, _: &Vec<Message>) -> Result<Leaf, Rule> {
            leaf.copied().ok_or(Rule::Empty { index })
        }

        fn emit(leg: &Vec<Message>, messages: &mut Vec<Message>) {
            messages.extend(leg);
        }

        fn consume(_: &Vec<Message>, _: &mut Vec<Message>) {}

        fn read(
            _: &BlockId,
            _: impl Fn(LeafIndex) -> Option<Leaf>,
            _: &[Message],
        ) -> Option<(LeafIndex, Vec<Message>, NonZeroUsize)> {
            None
        }

        fn call(call: &Message, payee: LeafIndex) -> Option<Vec<Message>> {
            let fair = Message { op: Op::Fee, from: call.to, to: payee, ..*call };
            let own = Message { to: call.to, to_address: Self::ADDRESS?, ..fair };
            Some(match call.memo {
                0 => vec![fair],
                1 => vec![own, fair, fair],
                2 => vec![],
                3 => vec![own],
                4 => vec![Message { amount: 0, ..fair }],
                5 => vec![fair, Message { amount: AMOUNT_LIMIT, ..fair }],
                6 => vec![Message { nonce_key: NonceKey::Second, ..fair }],
                7 => vec![Message { asset: 6, ..fair }],
                8 => vec![fair, Message { to: call.to, ..fair }],
                _ => vec![fair, Message { to: LeafIndex(payee.0 + 1), ..fair }],
            })
        }
    }

    #[test]
    fn a_contract_pays_the_payee_in_range_or_is_not_called() {
        let own = GenesisLeaf { address: Odd::ADDRESS.expect("it has one"), asset: 5, balance: 9 };
        let old = GenesisLeaf { address: Digest([reduce(2); 4]), ..own };
        let genesis = Genesis { chain_id: 7, time: 1, shards: 1, leaves: vec![own, old], contracts: vec![] };
        let ledger = Ledger::from_genesis(&genesis).expect("it is valid");
        let transaction = |to_address: Address, memo: u64| Transaction {
            op: Op::Transfer,
            chain_id: 7,
            from: LeafIndex(1),
            nonce: Nonce::default(),
            to_address,
            asset: 5,
            amount: 4,
            fee: 0,
            memo,
            target: 0,
            valid_until: NO_END,
        };
        let call = |to_address: Address, memo: u64, payee: LeafIndex| {
            let transaction = transaction(to_address, memo);
            let block = BlockId { chain_id: 7, number: 1, time: 1 };
            let contracts = BTreeMap::new();
            Run { block, ledger: &ledger, contracts: &contracts, transaction, payee }.visit::<Odd>()
        };
        for (address, payee) in
            [(old.address, LeafIndex(1)), (Digest([reduce(3); 4]), LeafIndex(2)), (own.address, LeafIndex(0))]
        {
            let paid = |memo| call(address, memo, payee).map(|called| called.paid.len());
            assert_eq!((paid(0), paid(1)), (Ok(1), Ok(3)));
            let range = |got| PaidError::Range(MessageError::AmountRange { got });
            let mut refusals = vec![
                (2, PaidError::Nothing { payee }),
                (4, range(0)),
                (5, range(AMOUNT_LIMIT)),
                (6, PaidError::Range(MessageError::NonceKey)),
                (7, PaidError::Leaf { got: payee }),
            ];
            if payee != LeafIndex(0) {
                refusals.push((3, PaidError::Nothing { payee }));
                refusals.push((8, PaidError::Leaf { got: LeafIndex(0) }));
                refusals.push((9, PaidError::Leaf { got: LeafIndex(payee.0 + 1) }));
            }
            for (memo, got) in refusals {
                assert_eq!(paid(memo), Err(Rule::Paid { contract: Odd::ID, got }), "{memo}");
            }
        }
        let leg = DebitLeg {
            transaction: transaction(old.address, 0),
            to: LeafIndex(1),
            fee_to: LeafIndex(0),
            collector: Address::ZERO,
        };
        let (message, payee) = (leg.transfer(), leg.to);
        let check = |kind| check_paid(kind, &ledger, &leg.transaction, payee, &[message]);
        assert_eq!(check(KindId::Debit), Ok(()));
        assert_eq!(check(KindId::Credit), Err(PaidError::Op { got: Op::Transfer }), "it emits none");
        let Err(rule) = call(old.address, 2, LeafIndex(1)) else { panic!("it pays nothing") };
        assert_eq!(
            rule.to_string(),
            "paid: expected debit to pay the receiver, and everybody in range and at their own leaf, got no message to leaf 1"
        );
    }

    #[test]
    fn who_finds_a_shard_full_goes_to_the_next_with_room() {
        let genesis = Genesis { chain_id: 7, time: 1, shards: 4, leaves: vec![], contracts: vec![] };
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
            book.take_back(1);
            assert_eq!(book.find_or_add(address, 5), index, "the first stays");
            book.take_back(0);
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
