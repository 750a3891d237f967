//! A tree that fills up: a transaction that finds no leaf is left out, and the others of its block are not.

use std::collections::BTreeMap;

use enfold_fixtures::accounts::{secret_key, secret_keys};
use enfold_fixtures::world::{Planted, World, WorldSpec};
use enfold_state::block::{Block, FeePolicy, Genesis, GenesisLeaf};
use enfold_state::executor::{ExecuteError, Execution, Rule, execute, execute_within};
use enfold_state::field::to_u64;
use enfold_state::keys::SecretKey;
use enfold_state::leaf::{Address, Asset, Leaf, LeafIndex};
use enfold_state::ledger::Ledger;
use enfold_state::message::Op;
use enfold_state::nonce::{Nonce, NonceKey};
use enfold_state::transaction::{NO_END, SignedTransaction, Transaction};
use proptest::prelude::*;

/// Accounts with a leaf of 100 each.
struct Small {
    keys: Vec<SecretKey>,
    ledger: Ledger,
}

impl Small {
    fn new() -> Self {
        let keys = secret_keys(1, 3);
        let leaf = |key: &SecretKey| GenesisLeaf { address: key.address(), asset: 0, balance: 100 };
        let genesis = Genesis {
            chain_id: 7,
            time: 1,
            shards: 1,
            leaves: keys.iter().map(leaf).collect(),
            contracts: vec![],
        };
        Self { ledger: Ledger::from_genesis(&genesis).expect("it is valid"), keys }
    }

    fn address(&self, account: usize) -> Address {
        self.keys[account].address()
    }

    fn pay(&self, from: usize, nonce: u32, to_address: Address, fee: u64) -> SignedTransaction {
        let (op, from_index) = (Op::Transfer, LeafIndex(from as u32));
        self.keys[from].sign_transaction(Transaction {
            op,
            chain_id: 7,
            from: from_index,
            nonce: first(nonce),
            to_address,
            asset: 0,
            amount: 10,
            fee,
            memo: 0,
            target: 0,
            valid_until: NO_END,
        })
    }

    /// Executes transactions, the fees of which go to `collector`, on a tree with room for so many new leaves.
    fn run(
        &self,
        room: usize,
        collector: Address,
        transactions: Vec<SignedTransaction>,
    ) -> Result<Execution, ExecuteError> {
        let fees = vec![FeePolicy { asset: 0, floor: 0, collector }];
        let block = Block { chain_id: 7, number: 1, time: 1, fees, transactions };
        execute_within(&self.ledger, &block, self.ledger.len() + room)
    }
}

/// A nonce of the first key.
fn first(number: u32) -> Nonce {
    Nonce::new(number, NonceKey::First)
}

fn stranger(number: u64) -> Address {
    secret_key(99, number).address()
}

fn rules(execution: &Execution) -> Vec<(usize, Rule)> {
    execution.rejections.iter().map(|rejection| (rejection.position, rejection.rule.clone())).collect()
}

fn accepted(execution: &Execution) -> Vec<usize> {
    execution.debits.iter().map(|debit| debit.position).collect()
}

#[test]
fn receivers_with_a_leaf_are_paid_and_others_are_not() {
    let small = Small::new();
    let transactions = vec![
        small.pay(0, 0, stranger(0), 0),
        small.pay(1, 0, small.address(2), 1),
        small.pay(2, 0, stranger(1), 1),
        small.pay(2, 0, small.address(0), 0),
    ];
    let execution = small.run(0, small.address(0), transactions).expect("two are valid");
    let full = Rule::Full { expected: 3 };
    assert_eq!(rules(&execution), [(0, full.clone()), (2, full)]);
    assert_eq!(accepted(&execution), [1, 3]);
    let balances: Vec<_> = execution.writes.leaves.to_vec().iter().map(|(_, leaf)| leaf.balance).collect();
    assert_eq!(balances, [111, 89, 100]);
}

/// A refused transaction uses neither its nonce nor its amount: the sender's next one has the same nonce.
#[test]
fn a_refused_transaction_debits_nothing() {
    let small = Small::new();
    let transactions = vec![
        small.pay(0, 0, small.address(1), 0),
        small.pay(0, 1, stranger(0), 0),
        small.pay(0, 2, small.address(1), 0),
        small.pay(0, 1, small.address(2), 0),
    ];
    let execution = small.run(0, Address::ZERO, transactions.clone()).expect("two are valid");
    let expected = [(1, Rule::Full { expected: 3 }), (2, Rule::Nonce { expected: first(1), got: first(2) })];
    assert_eq!(rules(&execution), expected);
    assert_eq!(accepted(&execution), [0, 3]);

    let execution = small.run(1, Address::ZERO, transactions).expect("three are valid");
    assert_eq!(rules(&execution), [(3, Rule::Nonce { expected: first(3), got: first(1) })]);
}

/// A transfer whose receiver could have the last leaf, and whose fee then finds none, leaves the leaf to the next one.
#[test]
fn a_leaf_is_given_to_who_is_accepted() {
    let small = Small::new();
    let transactions = vec![
        small.pay(0, 0, stranger(0), 1),
        small.pay(1, 0, stranger(1), 0),
        small.pay(2, 0, stranger(0), 0),
    ];
    let execution = small.run(1, stranger(9), transactions.clone()).expect("one is valid");
    let full = |room: usize| Rule::Full { expected: 3 + room };
    assert_eq!(rules(&execution), [(0, full(1)), (2, full(1))]);
    let new = execution.writes.leaves.get(LeafIndex(3)).expect("the last leaf is taken");
    assert_eq!(new.address, stranger(1));

    let execution = small.run(2, stranger(9), transactions.clone()).expect("two are valid");
    assert_eq!(rules(&execution), [(1, full(2))]);
    assert_eq!(small.run(3, stranger(9), transactions).map(|execution| rules(&execution)), Ok(vec![]));
}

/// The collector is the receiver: one leaf is enough for both, and for what follows.
#[test]
fn a_receiver_who_collects_the_fee_needs_one_leaf() {
    let small = Small::new();
    let transactions = vec![small.pay(0, 0, stranger(0), 1), small.pay(1, 0, stranger(0), 1)];
    let execution = small.run(1, stranger(0), transactions.clone()).expect("both are valid");
    assert_eq!(rules(&execution), []);
    let Err(ExecuteError::Empty { rejections }) = small.run(0, stranger(0), transactions) else {
        panic!("expected a block without a transaction")
    };
    assert!(rejections.iter().all(|rejection| rejection.rule == Rule::Full { expected: 3 }));
    let text =
        "full: expected a receiver and a fee collector with leaves, as all 3 are taken, got one without";
    assert!(rejections[0].to_string().ends_with(text), "{}", rejections[0]);
}

/// No capacity is more than a tree has.
#[test]
fn capacity_ends_at_the_tree() {
    let mut world = World::new(WorldSpec { new_share: 0.5, ..WorldSpec::default() });
    let block = world.block(20);
    assert_eq!(execute_within(world.ledger(), &block, usize::MAX), execute(world.ledger(), &block));
}

/// The rules as a list of steps, one transaction after the other. `planted` says what is wrong with single ones.
struct Model<'a> {
    ledger: &'a Ledger,
    leaves: BTreeMap<LeafIndex, Leaf>,
    places: BTreeMap<(Address, Asset), LeafIndex>,
    capacity: usize,
    rejected: Vec<(usize, Rule)>,
    credits: Vec<(LeafIndex, Address, Asset, u64)>,
}

impl<'a> Model<'a> {
    fn run(ledger: &'a Ledger, block: &Block, planted: &[Planted], capacity: usize) -> Self {
        let indexed = ledger.leaves().entries().map(|(index, leaf)| (index, *leaf));
        let leaves: BTreeMap<_, _> = indexed.collect();
        let places = leaves.iter().map(|(&index, leaf)| ((leaf.address, leaf.asset), index)).collect();
        let mut model = Self { ledger, leaves, places, capacity, rejected: vec![], credits: vec![] };
        for (position, signed) in block.transactions.iter().enumerate() {
            let planted = planted.iter().find(|planted| planted.position == position);
            let of_a_lane = |rule: &Rule| {
                matches!(rule, Rule::Nonce { .. } | Rule::NonceExhausted { .. } | Rule::Overdraft { .. })
            };
            let alone = planted.map(|planted| planted.rule.clone()).filter(|rule| !of_a_lane(rule));
            let collector =
                block.fees[signed.transaction.asset.min(block.fees.len() as u32 - 1) as usize].collector;
            let outcome = alone.map_or_else(|| model.step(&signed.transaction, collector), Err);
            model.rejected.extend(outcome.err().map(|rule| (position, rule)));
        }
        for (index, address, asset, amount) in std::mem::take(&mut model.credits) {
            model.leaves.entry(index).or_insert(Leaf::new(address, asset)).balance += amount;
        }
        model
    }

    fn step(&mut self, tx: &Transaction, collector: Address) -> Result<(), Rule> {
        let leaf = self.leaves.get_mut(&tx.from).expect("it is a sender's");
        let key = tx.nonce.key();
        let next = Nonce::new(leaf.nonces[key as usize], key);
        if tx.nonce != next {
            return Err(Rule::Nonce { expected: next, got: tx.nonce });
        }
        if tx.amount + tx.fee > leaf.balance {
            return Err(Rule::Overdraft { expected: leaf.balance, got: tx.amount + tx.fee });
        }
        let mut places = self.places.clone();
        for (address, amount) in [(tx.to_address, tx.amount), (collector, tx.fee)] {
            // Four shards, chosen by the address; none of them is ever full here.
            let shard = (to_u64(address.0[0]) % 4) as usize;
            let next = places.values().filter(|index| index.shard() == shard).count() as u32;
            if amount > 0 {
                places.entry((address, tx.asset)).or_insert(LeafIndex::new(shard, next));
            }
        }
        if places.len() > self.places.len() && places.len() > self.capacity {
            return Err(Rule::Full { expected: self.capacity });
        }
        leaf.nonces[key as usize] += 1;
        leaf.balance -= tx.amount + tx.fee;
        for (address, amount) in [(tx.to_address, tx.amount), (collector, tx.fee)] {
            if amount > 0 {
                self.credits.push((places[&(address, tx.asset)], address, tx.asset, amount));
            }
        }
        self.places = places;
        Ok(())
    }

    fn changed(&self) -> Vec<(LeafIndex, Leaf)> {
        let changed = self.leaves.iter().filter(|&(&index, leaf)| self.ledger.leaf(index) != Some(leaf));
        changed.map(|(&index, &leaf)| (index, leaf)).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_block_on_any_tree_is_one_transaction_after_the_other(seed in any::<u64>(), room in 0usize..12) {
        let spec = WorldSpec { seed, accounts: 6, assets: 2, new_share: 0.4, skew: 1.0, ..WorldSpec::default() };
        let mut world = World::new(spec);
        let (block, planted) = world.mixed_block(40, 0.2);
        let ledger = world.ledger();
        let model = Model::run(ledger, &block, &planted, ledger.len() + room);
        let execution = execute_within(ledger, &block, ledger.len() + room).expect("some are valid");
        prop_assert_eq!(rules(&execution), model.rejected.clone());
        prop_assert_eq!(execution.writes.leaves.to_vec(), model.changed());
        prop_assert_eq!(execution.debits.len() + execution.rejections.len(), block.transactions.len());
        let mut after = ledger.clone();
        prop_assert!(after.apply(&execution).is_ok(), "new leaves follow without a gap");
    }
}
