//! What the executor accepts, refuses and leaves behind.

use std::collections::BTreeMap;

use enfold_fixtures::invalid::{Case, INVALID};
use enfold_fixtures::workload::Workload;
use enfold_fixtures::world::{World, WorldSpec};
use enfold_state::block::{Block, FeePolicy};
use enfold_state::chain::BlockId;
use enfold_state::executor::{ExecuteError, Rejection, Rule, execute};
use enfold_state::hash::{Tag, hash};
use enfold_state::leaf::{AMOUNT_LIMIT, Address, Asset, Leaf, LeafIndex};
use enfold_state::ledger::{ApplyError, Ledger};
use enfold_state::message::Op;
use enfold_state::nonce::{Nonce, NonceKey};
use enfold_state::owner::L1Owner;
use enfold_state::transaction::{NO_END, SignedTransaction, Transaction};
use proptest::prelude::*;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

fn spec(seed: u64) -> WorldSpec {
    let (skew, hot_share, new_share) = ([0.0, 0.8, 1.5][seed as usize % 3], 0.3, 0.2);
    WorldSpec { seed, accounts: 9, assets: 3, skew, hot_share, new_share, ..WorldSpec::default() }
}

/// A world whose second leaf can never be debited again.
fn world_with_exhausted_leaf(seed: u64) -> World {
    let mut world = World::new(spec(seed));
    let index = LeafIndex(1);
    let mut leaf = *world.ledger().leaf(index).expect("it is there");
    leaf.nonces[seed as usize % 2] = u32::MAX;
    world.put_leaf(index, leaf);
    world
}

fn supplies(ledger: &Ledger) -> BTreeMap<Asset, u64> {
    let mut supplies = BTreeMap::new();
    for leaf in ledger.leaves().iter() {
        *supplies.entry(leaf.asset).or_default() += leaf.balance;
    }
    supplies
}

fn books(ledger: &Ledger) -> BTreeMap<(Address, Asset), ([u32; 2], u64)> {
    ledger.leaves().iter().map(|leaf| ((leaf.address, leaf.asset), (leaf.nonces, leaf.balance))).collect()
}

/// Shuffles, but keeps each sender's transactions in their order.
fn shuffle_senders(transactions: &[SignedTransaction], rng: &mut ChaCha20Rng) -> Vec<SignedTransaction> {
    let mut senders: Vec<LeafIndex> = transactions.iter().map(|signed| signed.transaction.from).collect();
    let mut lanes: BTreeMap<LeafIndex, Vec<SignedTransaction>> = BTreeMap::new();
    for signed in transactions.iter().rev() {
        lanes.entry(signed.transaction.from).or_default().push(*signed);
    }
    senders.shuffle(rng);
    senders
        .iter()
        .map(|from| lanes.get_mut(from).and_then(Vec::pop).expect("as many as there were"))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn rejects_what_was_planted_and_keeps_every_supply(seed in any::<u64>()) {
        let mut world = world_with_exhausted_leaf(seed);
        let supply = supplies(world.ledger());
        for _ in 0..3 {
            let (block, planted) = world.mixed_block(40, 0.4);
            let before = world.ledger().clone();
            let execution = world.advance(&block).expect("some are valid");
            let found: Vec<_> = execution.rejections.iter().map(|r| (r.position, &r.rule)).collect();
            let planted: Vec<_> = planted.iter().map(|p| (p.position, &p.rule)).collect();
            prop_assert_eq!(found, planted);
            prop_assert_eq!(execution.debits.len() + execution.rejections.len(), block.transactions.len());
            prop_assert_eq!(&supplies(world.ledger()), &supply);
            prop_assert_eq!(execution.previous_root, before.root());
            // The updated tree is the tree of the leaves.
            let ledger = world.ledger();
            let again = Ledger::restore(ledger.chain(), ledger.height(), ledger.time(), ledger.leaves().clone());
            prop_assert_eq!(again.root(), ledger.root());
            prop_assert_eq!(again.tree(), ledger.tree());
            for (index, leaf) in ledger.leaves().entries() {
                prop_assert_eq!(ledger.find(&leaf.address, leaf.asset), Some(index));
                prop_assert_eq!(before.leaf(index) != Some(leaf), execution.writes.leaves.get(index).is_some());
            }
        }
    }

    #[test]
    fn messages_are_those_of_the_accepted_transactions(seed in any::<u64>()) {
        let mut world = World::new(spec(seed));
        let (block, _) = world.mixed_block(30, 0.2);
        let collector = world.fees()[0].collector;
        let execution = world.advance(&block).expect("some are valid");
        let mut credits = Vec::new();
        for debit in &execution.debits {
            let tx = &block.transactions[debit.position].transaction;
            prop_assert_eq!(debit.from, tx.from);
            let (&message, fee) = execution.messages(debit).expect("its own");
            prop_assert_eq!((message.op, message.asset, message.from), (Op::Transfer, tx.asset, tx.from));
            prop_assert_eq!(message.nonce_key, tx.nonce.key());
            prop_assert_eq!((message.amount, message.memo), (tx.amount, tx.memo));
            prop_assert_eq!(message.to_address, tx.to_address);
            prop_assert_eq!(world.ledger().find(&tx.to_address, tx.asset), Some(message.to));
            credits.push(message);
            let fee = *fee.expect("the floor is above 0");
            prop_assert_eq!((fee.op, fee.asset, fee.from), (Op::Fee, tx.asset, tx.from));
            prop_assert_eq!(fee.nonce_key, NonceKey::First);
            prop_assert_eq!((fee.amount, fee.memo, fee.to_address), (tx.fee, 0, collector));
            prop_assert_eq!(world.ledger().find(&collector, tx.asset), Some(fee.to));
            credits.push(fee);
        }
        prop_assert_eq!(credits, execution.credits);
    }

    #[test]
    fn the_order_of_different_senders_changes_no_balance(seed in any::<u64>()) {
        let mut world = world_with_exhausted_leaf(seed);
        let (block, planted) = world.mixed_block(40, 0.3);
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let transactions = shuffle_senders(&block.transactions, &mut rng);
        let shuffled = Block { transactions, ..block.clone() };
        let (mut one, mut other) = (world.ledger().clone(), world.ledger().clone());
        one.apply(&execute(&one, &block).expect("some are valid")).expect("it follows");
        let execution = execute(&other, &shuffled).expect("some are valid");
        other.apply(&execution).expect("it follows");
        prop_assert_eq!(execution.rejections.len(), planted.len());
        prop_assert_eq!(books(&one), books(&other));
    }
}

#[test]
fn the_same_block_gives_the_same_execution_on_any_number_of_threads() {
    let mut world = World::new(spec(5));
    let (block, _) = world.mixed_block(60, 0.3);
    let ledger = world.ledger();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| execute(ledger, &block))
    };
    assert_eq!(run(1), run(2));
    assert_eq!(run(2), run(7));
}

/// Each transaction for itself, where the executor shares lanes out among tasks.
#[test]
fn many_lanes_run_as_one_transaction_after_the_other() {
    for workload in [Workload::Uniform, Workload::Zipf(0.9), Workload::Bursts, Workload::Star] {
        let (ledger, mut block) = workload.make(2000, 1500, 3);
        // What is missing leaves gaps between nonces, so parts of lanes, and whole lanes, are refused.
        let mut position = 0;
        block.transactions.retain(|_| (position % 9 != 0, position += 1).0);
        let execution = execute(&ledger, &block).expect("most are valid");

        let mut leaves = ledger.leaves().to_vec();
        let mut refused = 0;
        for signed in &block.transactions {
            let Transaction { from, nonce, to_address, amount, fee, .. } = signed.transaction;
            let sender = &mut leaves[from.0 as usize];
            let next = &mut sender.nonces[nonce.key() as usize];
            if *next != nonce.number() {
                refused += 1;
                continue;
            }
            (*next, sender.balance) = (*next + 1, sender.balance - amount - fee);
            let to = ledger.find(&to_address, 0).expect("everyone has a leaf");
            leaves[to.0 as usize].balance += amount;
            leaves[0].balance += fee;
        }
        assert!(refused > 0, "{workload}: lanes are cut");
        assert_eq!(execution.rejections.len(), refused, "{workload}");
        let changed =
            (0..).map(LeafIndex).zip(leaves).filter(|(index, leaf)| ledger.leaf(*index) != Some(leaf));
        assert_eq!(execution.writes.leaves.to_vec(), changed.collect::<Vec<_>>(), "{workload}");
    }
}

#[test]
fn each_rule_has_a_generator_and_refuses_exactly_that() {
    for (i, make) in INVALID.into_iter().enumerate() {
        let mut rng = ChaCha20Rng::seed_from_u64(i as u64);
        for seed in 0..8 {
            let mut world = world_with_exhausted_leaf(seed);
            let block = world.block(12);
            let (fees, ledger, keys) = (&block.fees, world.ledger(), world.keys());
            let alone = execute(ledger, &block).expect("all are valid");
            assert_eq!(alone.rejections, []);
            let place = rng.gen_range(0..block.transactions.len());
            let valid = block.transactions[place].transaction;
            let start = *ledger.leaf(valid.from).expect("the sender has a leaf");
            let lane = block.transactions[..place].iter().map(|signed| &signed.transaction);
            let lane = lane.filter(|tx| tx.from == valid.from).fold(start, |mut leaf, tx| {
                leaf.nonces[tx.nonce.key() as usize] += 1;
                Leaf { balance: leaf.balance - tx.amount - tx.fee, ..leaf }
            });
            let key = keys.iter().position(|key| key.address() == lane.address).expect("its key is known");
            let case = Case { ledger, time: block.time, fees, keys, key, lane, valid };
            let (signed, rule) = make(&case, &mut rng).expect("this world has room for every rule");
            assert_eq!(rule.name(), Rule::NAMES[i]);
            let mut planted = block.clone();
            planted.transactions.insert(place, signed);
            let execution = execute(ledger, &planted).expect("the others are valid");
            let id = signed.transaction.id();
            assert_eq!(execution.rejections, [Rejection { position: place, id, rule }]);
            assert_eq!(execution.writes, alone.writes);
            assert_eq!(execution.credits, alone.credits);
        }
    }
}

/// A nonce of the first key.
fn first(number: u32) -> Nonce {
    Nonce::new(number, NonceKey::First)
}

/// A world of three accounts without fees, and transfers between them.
struct Small(World);

impl Small {
    fn new() -> Self {
        Self(World::new(WorldSpec {
            accounts: 3,
            shards: 1,
            balance: 100,
            fee_floor: 0,
            ..WorldSpec::default()
        }))
    }

    fn pay(&self, from: usize, nonce: u32, to: usize, amount: u64) -> SignedTransaction {
        self.pay_with_fee(from, nonce, to, amount, 0)
    }

    fn pay_with_fee(&self, from: usize, nonce: u32, to: usize, amount: u64, fee: u64) -> SignedTransaction {
        let (keys, chain_id) = (self.0.keys(), self.0.ledger().chain_id());
        let (from_index, to_address) = (LeafIndex(from as u32), keys[to].address());
        let transaction = Transaction {
            op: Op::Transfer,
            chain_id,
            from: from_index,
            nonce: first(nonce),
            to_address,
            asset: 0,
            amount,
            fee,
            memo: 0,
            target: 0,
            valid_until: NO_END,
        };
        keys[from].sign_transaction(transaction)
    }

    fn block(&self, transactions: Vec<SignedTransaction>) -> Block {
        let ledger = self.0.ledger();
        let (chain_id, number, time) = (ledger.chain_id(), ledger.height() + 1, ledger.time() + 1);
        Block { chain_id, number, time, fees: self.0.fees(), transactions }
    }

    fn balances(&self) -> Vec<u64> {
        self.0.ledger().leaves().iter().map(|leaf| leaf.balance).collect()
    }
}

#[test]
fn income_is_spendable_from_the_next_block() {
    let mut small = Small::new();
    let block = small.block(vec![small.pay(0, 0, 1, 60), small.pay(1, 0, 2, 101)]);
    let execution = small.0.advance(&block).expect("the first is valid");
    assert_eq!(execution.rejections[0].rule, Rule::Overdraft { expected: 100, got: 101 });
    assert_eq!(small.balances(), [40, 160, 100]);
    let block = small.block(vec![small.pay(1, 0, 2, 160)]);
    small.0.advance(&block).expect("now it is there");
    assert_eq!(small.balances(), [40, 0, 260]);
}

#[test]
fn a_lane_spends_its_balance_to_the_last_unit_fee_included() {
    let mut small = Small::new();
    let block = small.block(vec![
        small.pay_with_fee(1, 0, 2, 90, 8),
        small.pay_with_fee(1, 1, 2, 2, 1),
        small.pay_with_fee(1, 1, 2, 1, 1),
        small.pay(1, 2, 2, 1),
    ]);
    let execution = small.0.advance(&block).expect("two are valid");
    let rules: Vec<_> = execution.rejections.iter().map(|r| (r.position, r.rule.clone())).collect();
    assert_eq!(
        rules,
        [(1, Rule::Overdraft { expected: 2, got: 3 }), (3, Rule::Overdraft { expected: 0, got: 1 })]
    );
    assert_eq!(small.balances(), [109, 0, 191]);
    assert_eq!(small.0.ledger().leaves()[LeafIndex(1)].nonces, [2, 0]);
}

#[test]
fn a_transfer_to_oneself_costs_the_fee() {
    let mut small = Small::new();
    let block = small.block(vec![small.pay_with_fee(1, 0, 1, 50, 3), small.pay(1, 1, 1, 48)]);
    let execution = small.0.advance(&block).expect("the first is valid");
    assert_eq!(execution.rejections[0].rule, Rule::Overdraft { expected: 47, got: 48 });
    assert_eq!(small.balances(), [103, 97, 100]);
}

#[test]
fn a_zero_fee_emits_no_message() {
    let small = Small::new();
    let block = small.block(vec![small.pay(0, 0, 1, 1), small.pay_with_fee(0, 1, 1, 1, 5)]);
    let execution = execute(small.0.ledger(), &block).expect("both are valid");
    let fee = |debit| execution.messages(debit).expect("its own").1;
    assert_eq!(fee(&execution.debits[0]), None);
    assert_eq!(fee(&execution.debits[1]).map(|fee| fee.amount), Some(5));
    assert_eq!(execution.credits.len(), 3);
}

#[test]
fn a_transaction_counts_once() {
    let mut small = Small::new();
    let signed = small.pay(0, 0, 1, 10);
    let block = small.block(vec![signed, signed]);
    let execution = small.0.advance(&block).expect("the first is valid");
    assert_eq!(execution.rejections[0].rule, Rule::Nonce { expected: first(1), got: first(0) });
    let again = small.block(vec![signed, small.pay(0, 1, 1, 1)]);
    let execution = small.0.advance(&again).expect("the second is valid");
    assert_eq!(execution.rejections[0].rule, Rule::Nonce { expected: first(1), got: first(0) });
    assert_eq!(small.balances(), [89, 111, 100]);
}

#[test]
fn nonce_keys_count_apart_and_each_nonce_once() {
    let mut small = Small::new();
    let [one, two] = NonceKey::ALL.map(|key| move |number| Nonce::new(number, key));
    let by = |small: &Small, nonce: Nonce, amount| {
        let transaction = Transaction { nonce, ..small.pay(0, 0, 1, amount).transaction };
        small.0.keys()[0].sign_transaction(transaction)
    };
    let nonces = [one(0), two(0), two(1), two(1), one(2), one(1), two(0)];
    let transactions: Vec<_> = nonces.iter().map(|&nonce| by(&small, nonce, 1)).collect();
    let block = small.block(transactions.clone());
    let execution = small.0.advance(&block).expect("four are valid");
    let rules: Vec<_> = execution.rejections.iter().map(|r| (r.position, r.rule.clone())).collect();
    let refused = |position, expected, got| (position, Rule::Nonce { expected, got });
    assert_eq!(rules, [refused(3, two(2), two(1)), refused(4, one(1), one(2)), refused(6, two(2), two(0))]);
    assert_eq!(small.0.ledger().leaves()[LeafIndex(0)].nonces, [2, 2]);
    let keys: Vec<_> = execution.credits.iter().map(|message| message.nonce_key).collect();
    assert_eq!(keys, [NonceKey::First, NonceKey::Second, NonceKey::Second, NonceKey::First]);
    // In a later block neither key takes what it took, and the other's number is not its own.
    let more = vec![by(&small, two(2), 1), by(&small, two(3), 1)];
    let block = small.block([transactions, more, vec![by(&small, one(4), 1)]].concat());
    let execution = small.0.advance(&block).expect("two are valid");
    let accepted: Vec<_> = execution.debits.iter().map(|debit| debit.position).collect();
    // one(2) is next now, and was signed before.
    assert_eq!(accepted, [4, 7, 8]);
    assert_eq!(small.0.ledger().leaves()[LeafIndex(0)].nonces, [3, 4]);
}

#[test]
fn a_transaction_is_valid_to_its_last_second() {
    let small = Small::new();
    // In version 1 the record ended before target and end: as zeros fill it up, such a signature is one with the end 0.
    let old = Transaction { valid_until: 0, ..small.pay(0, 0, 1, 1).transaction };
    assert_eq!(old.id(), hash(Tag::TransactionId, &old.elements()[..12]));
    let time = small.block(vec![]).time;
    for (valid_until, valid) in
        [(0, false), (1, false), (time - 1, false), (time, true), (time + 1, true), (NO_END, true)]
    {
        let transaction = Transaction { valid_until, ..small.pay(0, 0, 1, 1).transaction };
        let block = small.block(vec![small.0.keys()[0].sign_transaction(transaction)]);
        match execute(small.0.ledger(), &block) {
            Ok(execution) => assert!(valid && execution.rejections.is_empty(), "{valid_until}"),
            Err(ExecuteError::Empty { rejections }) => {
                assert!(!valid, "{valid_until}");
                assert_eq!(rejections[0].rule, Rule::Expired { expected: time, got: valid_until });
                let text = format!(
                    "expired: expected a transaction that is valid at {time} or later, got {valid_until}"
                );
                assert!(rejections[0].to_string().ends_with(&text), "{}", rejections[0]);
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn another_owner_is_another_address() {
    let small = Small::new();
    let signed = small.pay(1, 0, 0, 1);
    let expected = small.0.ledger().leaves()[LeafIndex(1)].address;
    assert!(!signed.owner.is_none() && signed.address() == expected);
    let mut bytes = signed.owner.bytes();
    bytes[19] ^= 1;
    for owner in [L1Owner::NONE, L1Owner::new(bytes)] {
        let wrong = SignedTransaction { owner, ..signed };
        assert_eq!(wrong.verify(), Ok(()), "the owner is not signed, the address is the leaf's");
        let got = wrong.address();
        let Err(ExecuteError::Empty { rejections }) = execute(small.0.ledger(), &small.block(vec![wrong]))
        else {
            panic!("expected a block without a transaction")
        };
        assert_eq!(rejections[0].rule, Rule::Owner { expected, got });
    }
}

#[test]
fn new_leaves_get_the_next_indices_in_order_of_arrival() {
    let small = Small::new();
    let (keys, chain_id) = (small.0.keys(), 7);
    let stranger = |n| enfold_fixtures::accounts::secret_key(99, n).address();
    let pay = |from: usize, nonce, to_address| {
        let mut signed = small.pay(from, nonce, 0, 1).transaction;
        signed.to_address = to_address;
        keys[from].sign_transaction(signed)
    };
    let mut block = small.block(vec![
        pay(2, 0, stranger(0)),
        pay(2, 7, stranger(1)),
        small.pay_with_fee(0, 0, 1, 1, 2),
        pay(0, 1, stranger(3)),
        pay(2, 1, stranger(0)),
    ]);
    block.fees[0].collector = stranger(2);
    assert_eq!(block.chain_id, chain_id);
    let mut ledger = small.0.ledger().clone();
    let execution = execute(&ledger, &block).expect("most are valid");
    assert_eq!(execution.rejections.len(), 1);
    ledger.apply(&execution).expect("it follows");
    let expected = [(3, stranger(0), 2), (4, stranger(2), 2), (5, stranger(3), 1)];
    assert_eq!(ledger.len(), 6);
    for (index, address, balance) in expected {
        let leaf = Leaf { balance, ..Leaf::new(address, 0) };
        assert_eq!(ledger.leaf(LeafIndex(index)), Some(&leaf));
    }
    assert_eq!(ledger.find(&stranger(1), 0), None);
}

#[test]
fn blocks_that_cannot_be_executed() {
    let mut small = Small::new();
    let block = small.block(vec![small.pay(0, 0, 1, 1)]);
    let ledger = small.0.ledger().clone();
    let run = |block: &Block| execute(&ledger, block).expect_err("it cannot be executed");

    let foreign = Block { chain_id: 8, ..block.clone() };
    assert_eq!(run(&foreign), ExecuteError::ChainId { expected: 7, got: 8 });
    let late = Block { number: 2, ..block.clone() };
    assert_eq!(run(&late), ExecuteError::Number { expected: 1, got: 2 });
    let early = Block { time: ledger.time() - 1, ..block.clone() };
    assert_eq!(run(&early), ExecuteError::Time { expected: ledger.time(), got: ledger.time() - 1 });
    assert!(execute(&ledger, &Block { time: ledger.time(), ..block.clone() }).is_ok());
    let policy = |asset, floor| FeePolicy { asset, floor, collector: Address::ZERO };
    let twice = Block { fees: vec![policy(4, 0), policy(5, 0), policy(4, 1)], ..block.clone() };
    assert_eq!(run(&twice), ExecuteError::DuplicateFeePolicy { asset: 4, first: 0, got: 2 });
    let floor = Block { fees: vec![policy(4, AMOUNT_LIMIT)], ..block.clone() };
    assert_eq!(run(&floor), ExecuteError::FloorRange { asset: 4, got: AMOUNT_LIMIT });
    let none = Block { transactions: vec![], ..block.clone() };
    assert_eq!(run(&none), ExecuteError::Empty { rejections: vec![] });
    let bad = Block { transactions: vec![small.pay(0, 0, 1, 0)], ..block.clone() };
    let id = bad.transactions[0].transaction.id();
    let rejections = vec![Rejection { position: 0, id, rule: Rule::AmountZero }];
    assert_eq!(run(&bad), ExecuteError::Empty { rejections });

    // The last block there can be.
    let last = Ledger::restore(ledger.chain(), u32::MAX, ledger.time(), ledger.leaves().clone());
    let expected = 1 << 32;
    assert_eq!(execute(&last, &block), Err(ExecuteError::Number { expected, got: 1 }));
    small.0.advance(&block).expect("the block itself is fine");
}

#[test]
fn a_balance_that_leaves_its_range_is_an_error() {
    let mut small = Small::new();
    let full = Leaf { balance: AMOUNT_LIMIT - 1, ..small.0.ledger().leaves()[LeafIndex(1)] };
    small.0.put_leaf(LeafIndex(1), full);
    let block = small.block(vec![small.pay(0, 0, 1, 1)]);
    let rule = Rule::BalanceRange { got: AMOUNT_LIMIT };
    let expected = ExecuteError::Credit { index: LeafIndex(1), rule: Box::new(rule) };
    assert_eq!(execute(small.0.ledger(), &block), Err(expected));
}

#[test]
fn an_execution_applies_once_and_where_it_was_made() {
    let mut world = World::new(spec(3));
    let block = world.block(5);
    let mut ledger = world.ledger().clone();
    let execution = execute(&ledger, &block).expect("all are valid");
    let root = ledger.apply(&execution).expect("it follows");
    assert_eq!(root, ledger.root());
    assert_eq!(ledger.apply(&execution), Err(ApplyError::Number { expected: 2, got: 1 }));
    let got = execution.previous_root;
    let id = BlockId { number: 2, ..execution.block };
    let early = BlockId { time: execution.block.time - 1, ..id };
    let (expected, before) = (execution.block.time, early.time);
    let earlier = enfold_state::executor::Execution { block: early, ..execution.clone() };
    assert_eq!(ledger.apply(&earlier), Err(ApplyError::Time { expected, got: before }));
    let second = enfold_state::executor::Execution { block: id, ..execution };
    assert_eq!(ledger.apply(&second), Err(ApplyError::PreviousRoot { expected: root, got }));
    assert_eq!((ledger.root(), ledger.height()), (root, 1));
}

#[test]
fn nodes_that_were_hashed_before_are_taken_over_if_they_are_of_the_leaves_that_change() {
    let mut world = World::new(spec(3));
    let block = world.block(9);
    let ledger = world.ledger();
    let execution = execute(ledger, &block).expect("all are valid");
    let BlockId { number, time, .. } = execution.block;
    let anew = ledger.prepare(number, time, execution.previous_root, &execution.writes).expect("it follows");
    assert_eq!(ledger.prepare_hashed(&execution, anew.update().clone()), Ok(anew.clone()));
    let leaves: Vec<LeafIndex> = execution.writes.indices().collect();
    let (first, rest) = (ledger.tree().update(&[]), anew.update().over(leaves[1..].iter().copied()));
    for other in [first, rest] {
        assert_eq!(ledger.prepare_hashed(&execution, other), Err(ApplyError::Nodes));
    }
    let second =
        enfold_state::executor::Execution { block: BlockId { number: 2, ..execution.block }, ..execution };
    let number = ApplyError::Number { expected: 1, got: 2 };
    assert_eq!(ledger.prepare_hashed(&second, anew.update().clone()), Err(number));
}

#[test]
fn writes_leave_no_gap() {
    let world = World::new(spec(3));
    let ledger = world.ledger();
    let leaf = |i: u32| *ledger.leaf(LeafIndex(i)).unwrap_or(&ledger.leaves()[LeafIndex(0)]);
    let prepare = |indices: &[u32]| {
        let writes = indices.iter().map(|&i| (LeafIndex(i), leaf(i))).collect();
        ledger.prepare(1, ledger.time(), ledger.root(), &writes).map(|prepared| prepared.root())
    };
    assert!(prepare(&[3, 27, 28]).is_ok());
    assert_eq!(prepare(&[]), Ok(ledger.root()));
    let gap = |expected, got| Err(ApplyError::NotDense { expected, got: LeafIndex(got) });
    assert_eq!(prepare(&[28]), gap(LeafIndex(27), 28));
    assert_eq!(prepare(&[0, 27, 29]), gap(LeafIndex(28), 29));
    // Of no shard of accounts: one of contracts, and none at all.
    for index in [1 << 29, 1 << 30] {
        let shard = ApplyError::Shard { expected: 32, got: LeafIndex(index) };
        assert_eq!(prepare(&[27, index]), Err(shard));
    }
}

#[test]
fn leaves_do_not_change_hands() {
    let world = World::new(spec(3));
    let ledger = world.ledger();
    let [index, other] = [LeafIndex(4), LeafIndex(9)];
    let leaf = ledger.leaves()[LeafIndex(4)];
    let expected = (leaf.address, leaf.asset);
    for (address, asset) in
        [(leaf.address, leaf.asset + 1), (ledger.leaves()[LeafIndex(9)].address, leaf.asset)]
    {
        let writes = [(index, Leaf { address, asset, ..leaf }), (other, ledger.leaves()[LeafIndex(9)])];
        let writes = writes.into_iter().collect();
        let error = ledger.prepare(1, ledger.time(), ledger.root(), &writes).map(|prepared| prepared.root());
        assert_eq!(error, Err(ApplyError::Identity { index, expected, got: (address, asset) }));
    }
}

#[test]
fn a_report_names_rule_expected_and_got() {
    let rejection =
        Rejection { position: 3, id: Address::ZERO, rule: Rule::Overdraft { expected: 5, got: 6 } };
    let text = "overdraft: expected amount plus fee of at most 5, got 6";
    assert!(rejection.to_string().ends_with(text), "{rejection}");
    let json = serde_json::to_value(&rejection).expect("it has a JSON form");
    assert_eq!(json["position"], 3);
    assert_eq!(json["rule"], "overdraft");
    assert_eq!(json["expected"], "amount plus fee of at most 5");
    assert_eq!(json["got"], "6");
}
