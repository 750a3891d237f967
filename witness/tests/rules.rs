//! Every rule of the batch circuits, broken on its own, is found by name. The block rules too.

mod common;

use common::{SMALL, World, stranger};
use enfold_state::chain::{BlockId, ChainState, Commitments, Phase, state_root};
use enfold_state::field::{ONE, ZERO};
use enfold_state::hash::{Digest, MessageSponge, Side};
use enfold_state::kind::{FamilyId, KindId};
use enfold_state::leaf::{Leaf, LeafIndex};
use enfold_state::ledger::ApplyError;
use enfold_state::message::Op;
use enfold_state::nonce::{Nonce, NonceKey};
use enfold_state::owner::{L1Owner, OWNER_BYTES};
use enfold_state::profile::{BatchId, Profile};
use enfold_state::rule::Rule;
use enfold_state::shards::Counts;
use enfold_witness::batch::{BatchWitness, CreditPath, DebitPath, Paths};
use enfold_witness::check::{CheckError, check_block};
use enfold_witness::siblings::Siblings;
use enfold_witness::step::{StepError, check_batch, step};
use enfold_witness::witness::{BlockWitness, witness_block};

/// A nonce of the first key.
fn first(number: u32) -> Nonce {
    Nonce::new(number, NonceKey::First)
}

/// A block with batches of all circuits of the first family, all with padding. Its first two windows are in use.
fn block() -> (World, BlockWitness) {
    block_of(FamilyId::Large)
}

/// The same in batches of a family.
fn block_of(family: FamilyId) -> (World, BlockWitness) {
    let others = FamilyId::ALL.into_iter().filter(|&other| other != family);
    let profile = others.fold(SMALL, Profile::without);
    let mut world = World::new(12);
    let mut payments: Vec<_> = (0..10).map(|_| world.pay(2, world.address(3), 10, 1)).collect();
    payments.extend([3, 4, 5].map(|i| world.pay(i, stranger(i as u32), 10, 0)));
    payments.extend([8, 9].map(|i| world.pay(i, world.address(i + 1), 10, 1)));
    let (block, execution) = world.execute(payments);
    let witness = witness_block(&profile, &world.ledger, &block, &execution).unwrap();
    check_block(&SMALL, &witness).unwrap();
    (world, witness)
}

fn find(witness: &BlockWitness, id: BatchId) -> BatchWitness {
    witness.batches.iter().find(|batch| batch.batch == id).unwrap().clone()
}

/// A batch that creates a leaf, and the path that does.
fn fresh(witness: &BlockWitness) -> (BatchWitness, usize) {
    let fresh = witness.batches.iter().find_map(|batch| match &batch.paths {
        Paths::Credit(paths) => paths.iter().position(|p| p.leaf.is_none()).map(|at| (batch.clone(), at)),
        Paths::Debit(_) => None,
    });
    fresh.unwrap()
}

fn debit(batch: &mut BatchWitness) -> &mut Vec<DebitPath> {
    match &mut batch.paths {
        Paths::Debit(paths) => paths,
        Paths::Credit(_) => panic!("a debit batch"),
    }
}

fn credit(batch: &mut BatchWitness) -> &mut Vec<CreditPath> {
    match &mut batch.paths {
        Paths::Credit(paths) => paths,
        Paths::Debit(_) => panic!("a credit batch"),
    }
}

/// What a batch does after a change.
fn broken(batch: &BatchWitness, change: impl FnOnce(&mut BatchWitness)) -> StepError {
    let mut batch = batch.clone();
    assert_eq!(check_batch(&SMALL, &batch), Ok(()));
    change(&mut batch);
    check_batch(&SMALL, &batch).unwrap_err()
}

/// A broken rule of a leg.
macro_rules! rule {
    ($path:pat, $leg:pat, $rule:pat) => {
        StepError::Rule { path: $path, leg: $leg, rule: $rule }
    };
}

macro_rules! assert_breaks {
    ($batch:expr, $change:expr, $pattern:pat) => {{
        let error = broken(&$batch, $change);
        assert!(matches!(error, $pattern), "{error}");
    }};
}

#[test]
fn all_kinds_are_there() {
    for family in FamilyId::ALL {
        let ids: Vec<_> = block_of(family).1.batches.iter().map(|batch| batch.batch).collect();
        assert!(family.batches().all(|id| ids.contains(&id)), "{ids:?}");
        assert!(ids.iter().all(|id| id.family() == family), "{ids:?}");
    }
}

#[test]
fn shape() {
    let (_, witness) = block();
    for id in BatchId::ALL {
        let (_, witness) = block_of(id.family());
        let batch = find(&witness, id);
        let other = witness.batches.iter().find(|other| other.batch.kind() != id.kind()).unwrap().batch;
        assert_breaks!(batch, |b| b.paths = find(&witness, other).paths, StepError::Kind { .. });
        assert_breaks!(batch, |b| b.window ^= 1, StepError::Window { path: 0, .. });
        assert_breaks!(batch, |b| b.top_siblings.clear(), StepError::TopSiblings { expected: 27, got: 0 });
    }
    let batch = find(&witness, BatchId::DebitDeep);
    assert_breaks!(batch, |b| debit(b).truncate(1), StepError::Paths { expected: 2, got: 1 });
    assert_breaks!(batch, |b| debit(b).clear(), StepError::Paths { expected: 2, got: 0 });
    assert_breaks!(batch, |b| debit(b)[1].legs.truncate(2), StepError::Legs { path: 1, expected: 3, got: 2 });
    assert_breaks!(
        batch,
        |b| b.siblings = Siblings::new(3),
        StepError::Siblings { expected: (2, 3), got: (0, 3) }
    );
    let batch = find(&witness, BatchId::CreditDeep);
    assert_breaks!(batch, |b| credit(b).truncate(1), StepError::Paths { expected: 2, got: 1 });
    assert_breaks!(
        batch,
        |b| credit(b)[1].messages.truncate(2),
        StepError::Legs { path: 1, expected: 4, got: 2 }
    );
    let short = |b: &mut BatchWitness| {
        b.siblings = Siblings::new(2);
        (0..2).for_each(|_| b.siblings.push(&[Digest::ZERO; 2]));
    };
    assert_breaks!(batch, short, StepError::Siblings { expected: (2, 3), got: (2, 2) });
    let far = |b: &mut BatchWitness| {
        b.window = 1 << 27;
        credit(b).iter_mut().for_each(|path| path.index = LeafIndex(1 << 30));
    };
    assert_breaks!(batch, far, StepError::WindowRange { expected_bits: 27, .. });
}

#[test]
fn phase() {
    let (_, witness) = block();
    let batch = find(&witness, BatchId::DebitWide);
    for phase in [Phase::Contract, Phase::Credit] {
        let error = broken(&batch, |b| b.before.phase = phase);
        assert_eq!(error, StepError::Phase { expected: Phase::Debit, got: phase });
    }
    // A credit may follow every phase and always ends in its own.
    let mut batch = find(&witness, BatchId::CreditWide);
    for phase in [Phase::Debit, Phase::Contract, Phase::Credit] {
        batch.before.phase = phase;
        assert_eq!(step(&SMALL, &batch).unwrap().phase, Phase::Credit);
    }
}

#[test]
fn openings() {
    let (_, witness) = block();
    for id in BatchId::ALL {
        let (_, witness) = block_of(id.family());
        let batch = find(&witness, id);
        assert_breaks!(batch, |b| b.before.tree_root = Digest::ZERO, StepError::RootBefore { .. });
        assert_breaks!(batch, |b| b.top_siblings[3] = Digest([ONE; 4]), StepError::RootBefore { .. });
    }
    let batch = find(&witness, BatchId::DebitWide);
    assert_breaks!(batch, |b| debit(b)[0].leaf.balance += 1, StepError::RootBefore { .. });
    assert_breaks!(batch, |b| debit(b)[1].leaf.balance += 1, StepError::Opening { path: 1, .. });
    assert_breaks!(
        batch,
        |b| b.siblings.change(1, |path| path[2].0[0] += ONE),
        StepError::Opening { path: 1, .. }
    );
    // The path of another leaf, and padding over a leaf in an older state.
    assert_breaks!(batch, |b| debit(b)[1].index.0 ^= 1, StepError::Opening { path: 1, .. });
    assert_breaks!(batch, |b| debit(b)[3].leaf.nonces[0] -= 1, StepError::Opening { path: 3, .. });
    let batch = find(&witness, BatchId::CreditWide);
    // An occupied leaf credited as if empty.
    let occupied = |path: &CreditPath| path.leaf.is_some() && path.messages[0].is_some();
    let full = witness.batches.iter().find_map(|batch| match &batch.paths {
        Paths::Credit(paths) => paths.iter().skip(1).position(occupied).map(|at| (batch.clone(), at + 1)),
        Paths::Debit(_) => None,
    });
    let (occupied, at) = full.unwrap();
    assert_breaks!(occupied, |b| credit(b)[at].leaf = None, StepError::Opening { .. });
    assert_breaks!(batch, |b| credit(b)[1].index.0 ^= 1, StepError::Opening { path: 1, .. });
}

#[test]
fn debit_rules() {
    let (world, witness) = block();
    let batch = find(&witness, BatchId::DebitDeep);
    let sign = |b: &mut BatchWitness, key: usize| {
        let signed = &mut debit(b)[0].legs[0].signed;
        *signed = world.keys[key].sign_transaction(signed.transaction);
    };
    let transaction = |b: &mut BatchWitness, change: fn(&mut enfold_state::transaction::Transaction)| {
        let signed = &mut debit(b)[0].legs[1].signed;
        change(&mut signed.transaction);
        *signed = world.keys[2].sign_transaction(signed.transaction);
    };
    assert_breaks!(batch, |b| transaction(b, |t| t.op = Op::Fee), rule!(0, 1, Rule::Op { .. }));
    assert_breaks!(batch, |b| transaction(b, |t| t.chain_id += 1), rule!(0, 1, Rule::ChainId { .. }));
    assert_breaks!(batch, |b| transaction(b, |t| t.from.0 += 1), rule!(0, 1, Rule::Index { .. }));
    // Skipped, reused, wrapped nonce.
    for nonce in [0, 2, u32::MAX] {
        let [expected, got] = [1, nonce].map(first);
        let error = broken(&batch, |b| {
            let signed = &mut debit(b)[0].legs[1].signed;
            signed.transaction.nonce = got;
            *signed = world.keys[2].sign_transaction(signed.transaction);
        });
        let rule = Rule::Nonce { expected, got };
        assert_eq!(error, StepError::Rule { path: 0, leg: 1, rule });
    }
    // The nonce of the other key, which is 0.
    assert_breaks!(
        batch,
        |b| transaction(b, |t| t.nonce = Nonce::new(1, NonceKey::Second)),
        rule!(0, 1, Rule::Nonce { .. })
    );
    assert_breaks!(batch, |b| transaction(b, |t| t.target = 1), rule!(0, 1, Rule::Target { got: 1 }));
    let time = batch.block.time;
    let error = broken(&batch, |b| {
        let signed = &mut debit(b)[0].legs[1].signed;
        signed.transaction.valid_until = time - 1;
        *signed = world.keys[2].sign_transaction(signed.transaction);
    });
    let rule = Rule::Expired { expected: time, got: time - 1 };
    assert_eq!(error, StepError::Rule { path: 0, leg: 1, rule });
    // Padding is checked in the same way.
    let wide = find(&witness, BatchId::DebitWide);
    assert_breaks!(
        wide,
        |b| debit(b)[3].legs[0].signed.transaction.valid_until = 1,
        rule!(3, 0, Rule::Expired { got: 1, .. })
    );
    // An L1 owner that is not the address's.
    assert_breaks!(
        batch,
        |b| debit(b)[0].legs[0].signed.owner = L1Owner::new([1; OWNER_BYTES]),
        rule!(0, 0, Rule::Owner { .. })
    );
    assert_breaks!(batch, |b| transaction(b, |t| t.asset += 1), rule!(0, 1, Rule::Asset { .. }));
    assert_breaks!(batch, |b| transaction(b, |t| t.amount = 0), StepError::Amount { got: 0, .. });
    assert_breaks!(batch, |b| transaction(b, |t| t.amount = (1 << 62) + 1), StepError::Amount { .. });
    assert_breaks!(batch, |b| transaction(b, |t| t.amount = 1 << 62), rule!(0, 1, Rule::AmountRange { .. }));
    assert_breaks!(batch, |b| transaction(b, |t| t.fee = 1 << 62), StepError::Fee { .. });
    assert_breaks!(
        batch,
        |b| transaction(b, |t| t.amount = 2_000_000),
        rule!(0, 1, Rule::Overdraft { got: 2_000_000.., .. })
    );
    // A stranger's key, and a signature of something else.
    assert_breaks!(batch, |b| sign(b, 3), rule!(0, 0, Rule::Owner { .. }));
    let unsigned = |b: &mut BatchWitness| debit(b)[0].legs[0].signed.transaction.memo += 1;
    assert_breaks!(batch, unsigned, rule!(0, 0, Rule::Signature { .. }));
    // Padding made live: the padding key owns nothing. Live made padding: the rest of the path follows.
    assert_breaks!(wide, |b| debit(b)[3].legs[0].live = true, rule!(3, 0, Rule::Owner { .. }));
    assert_breaks!(batch, |b| debit(b)[0].legs[0].live = false, StepError::LiveOrder { path: 0, leg: 1 });
    assert_breaks!(batch, |b| debit(b)[0].legs.swap(0, 1), rule!(0, 0, Rule::Nonce { .. }));
}

#[test]
fn a_nonce_never_wraps() {
    for key in NonceKey::ALL {
        let mut world = World::new(3);
        let payment = world.pay(1, world.address(2), 1, 0);
        let (block, execution) = world.execute(vec![payment]);
        let mut witness = witness_block(&SMALL, &world.ledger, &block, &execution).unwrap();
        let mut leaves = world.ledger.leaves().clone();
        let leaf = leaves.get_mut(LeafIndex(1)).unwrap();
        leaf.nonces[key as usize] = u32::MAX;
        let leaf = *leaf;
        let ledger = enfold_state::ledger::Ledger::restore(world.ledger.chain(), 0, common::TIME, leaves);
        let batch = &mut witness.batches[0];
        batch.before.tree_root = ledger.tree().root();
        let path = &mut debit(batch)[0];
        path.leaf = leaf;
        let got = Nonce::new(u32::MAX, key);
        path.legs[0].signed.transaction.nonce = got;
        path.legs[0].signed = world.keys[1].sign_transaction(path.legs[0].signed.transaction);
        let rule = Rule::NonceExhausted { got };
        assert_eq!(step(&SMALL, batch), Err(StepError::Rule { path: 0, leg: 0, rule }));
    }
}

/// A balance out of its range, which no genesis leads to, stays out of it.
#[test]
fn a_balance_out_of_its_range_is_refused() {
    let mut world = World::new(3);
    let payment = world.pay(1, world.address(2), 5, 0);
    let (block, execution) = world.execute(vec![payment]);
    let honest = witness_block(&SMALL, &world.ledger, &block, &execution).unwrap();
    let mut leaves = world.ledger.leaves().clone();
    leaves.get_mut(LeafIndex(1)).unwrap().balance = (1 << 62) + 100;
    let ledger = enfold_state::ledger::Ledger::restore(world.ledger.chain(), 0, common::TIME, leaves);
    for live in [true, false] {
        let mut batch = honest.batches[0].clone();
        batch.before.tree_root = ledger.tree().root();
        let path = &mut debit(&mut batch)[0];
        path.leaf.balance = (1 << 62) + 100;
        path.legs[0].live = live;
        let result = step(&SMALL, &batch);
        assert!(matches!(result, Err(rule!(0, 0, Rule::BalanceRange { .. }))), "{result:?}");
    }
    // Found before there is a seed.
    let block = enfold_state::block::Block { transactions: block.transactions, ..block };
    let error = enfold_state::executor::execute(&ledger, &block).unwrap_err();
    let enfold_state::executor::ExecuteError::Empty { rejections } = error else { panic!("{error}") };
    assert_eq!(rejections[0].rule, Rule::BalanceRange { got: (1 << 62) + 95 });
}

#[test]
fn credit_rules() {
    let (_, witness) = block();
    let batch = find(&witness, BatchId::CreditDeep);
    let message = |b: &mut BatchWitness, change: fn(&mut enfold_state::message::Message)| {
        change(credit(b)[0].messages[1].as_mut().unwrap());
    };
    assert_breaks!(batch, |b| message(b, |m| m.to.0 += 1), rule!(0, 1, Rule::Index { .. }));
    assert_breaks!(batch, |b| message(b, |m| m.asset += 1), rule!(0, 1, Rule::Asset { .. }));
    assert_breaks!(batch, |b| message(b, |m| m.to_address = stranger(9)), rule!(0, 1, Rule::Receiver { .. }));
    assert_breaks!(batch, |b| message(b, |m| m.amount = 1 << 62), rule!(0, 1, Rule::BalanceRange { .. }));
    assert_breaks!(batch, |b| message(b, |m| m.amount = u64::MAX), rule!(0, 1, Rule::BalanceRange { .. }));
    assert_breaks!(batch, |b| credit(b)[0].messages[0] = None, StepError::LiveOrder { path: 0, leg: 1 });
    // The next path opens the leaf as it is then.
    assert_breaks!(batch, |b| message(b, |m| m.amount += 1), StepError::Opening { path: 1, .. });
    // Changes that the batch alone allows show in the state after it: memo, op, sender.
    assert_breaks!(batch, |b| message(b, |m| m.memo += 1), StepError::After { .. });
    assert_breaks!(batch, |b| message(b, |m| m.op = Op::Transfer), StepError::After { .. });
    assert_breaks!(batch, |b| message(b, |m| m.from.0 += 1), StepError::After { .. });
    assert_breaks!(batch, |b| message(b, |m| m.nonce_key = NonceKey::Second), StepError::After { .. });
    // An empty position without a message would become a leaf of nobody.
    let (batch, at) = fresh(&witness);
    let silent = |b: &mut BatchWitness| credit(b)[at].messages.iter_mut().for_each(|m| *m = None);
    assert_breaks!(batch, silent, StepError::EmptyPadding { .. });
}

#[test]
fn counters_stay_in_range() {
    let (_, witness) = block();
    let batch = find(&witness, BatchId::DebitWide);
    assert_breaks!(batch, |b| b.before.transactions = u32::MAX, StepError::Counter);
    assert_breaks!(batch, |b| b.before.messages = u32::MAX, StepError::Counter);
    let (batch, _) = fresh(&witness);
    assert_breaks!(batch, |b| b.before.created = u32::MAX, StepError::Counter);
}

#[test]
fn padding_changes_nothing() {
    let (_, witness) = block();
    let mut batch = find(&witness, BatchId::DebitWide);
    debit(&mut batch).iter_mut().flat_map(|path| &mut path.legs).for_each(|leg| leg.live = false);
    // All paths opened the leaves of a moment; take the first one's for all.
    let first = debit(&mut batch)[0].clone();
    debit(&mut batch).fill(first);
    let (paths, siblings) = (batch.siblings.len(), batch.siblings.walk().step().unwrap().to_vec());
    batch.siblings = Siblings::new(siblings.len());
    (0..paths).for_each(|_| batch.siblings.push(&siblings));
    let after = step(&SMALL, &batch).unwrap();
    let empty = MessageSponge::new(KindId::Debit.number(), Side::Emit).digest();
    let emitted = enfold_state::chain::link_emitted(batch.before.emitted, empty);
    assert_eq!(after, ChainState { emitted, phase: Phase::Debit, ..batch.before });
}

#[test]
fn block_rules() {
    let (_, witness) = block();
    let check = |change: &dyn Fn(&mut BlockWitness)| {
        let mut witness = witness.clone();
        change(&mut witness);
        check_block(&SMALL, &witness).unwrap_err()
    };
    let last = witness.batches.len();
    assert!(matches!(check(&|w| w.block.chain_id += 1), CheckError::Block { batch: 0, .. }));
    for change in [
        |id: &mut BlockId| id.chain_id += 1,
        |id: &mut BlockId| id.number += 1,
        |id: &mut BlockId| id.time += 1,
    ] {
        // One batch, and all of them: then the seed is of another block.
        assert!(matches!(check(&|w| change(&mut w.batches[1].block)), CheckError::Block { batch: 1, .. }));
        let all = |w: &mut BlockWitness| {
            change(&mut w.block);
            w.batches.iter_mut().for_each(|batch| change(&mut batch.block));
        };
        assert!(matches!(check(&all), CheckError::Batch { .. } | CheckError::Seed { .. }));
    }
    let renamed = |w: &mut BlockWitness| {
        w.block.number += 1;
        w.batches.iter_mut().for_each(|batch| batch.block.number += 1);
    };
    assert!(matches!(check(&renamed), CheckError::Seed { batch, .. } if batch == last));
    assert!(matches!(check(&|w| w.seed = Digest::ZERO), CheckError::Seed { batch: 0, .. }));
    assert!(matches!(check(&|w| w.batches[1].seed = Digest::ZERO), CheckError::Seed { batch: 1, .. }));
    assert!(matches!(check(&|w| w.before.transactions = 1), CheckError::Link { batch: 0, .. }));
    assert!(
        matches!(check(&|w| w.after.tree_root = Digest::ZERO), CheckError::Link { batch, .. } if batch == last)
    );
    assert!(matches!(check(&|w| w.batches.swap(0, 1)), CheckError::Link { batch: 0, .. }));
    assert!(matches!(check(&|w| drop(w.batches.remove(1))), CheckError::Link { batch: 1, .. }));
    assert!(matches!(check(&|w| w.batches.truncate(1)), CheckError::Link { batch: 1, .. }));
    let wrong = |w: &mut BlockWitness| w.batches[0].siblings.change(0, |path| path[0] = Digest([ONE; 4]));
    assert!(matches!(check(&wrong), CheckError::Batch { batch: 0, .. }));
    assert!(matches!(check(&|w| w.emitted[0].messages.swap(0, 1)), CheckError::Emitted { .. }));
    assert!(matches!(check(&|w| w.emitted[0].messages.clear()), CheckError::Emitted { .. }));
    assert!(matches!(check(&|w| w.emitted[0].kind = KindId::Credit), CheckError::Emitted { .. }));
}

/// Replays the batches of a block from its start, so that all states fit whatever was changed in between.
fn relink(witness: &mut BlockWitness) {
    let mut seed = witness.seed;
    for _ in 0..2 {
        let mut state = witness.before;
        for batch in &mut witness.batches {
            (batch.before, batch.seed) = (state, seed);
            state = step(&SMALL, batch).unwrap();
            batch.after = state;
        }
        (witness.after, witness.seed) = (state, seed);
        let previous_root = state_root(witness.before.tree_root, witness.counts_before.digest());
        let ChainState { emitted, consumed, queue, exits, .. } = state;
        let commitments = Commitments { previous_root, emitted, consumed, queue, exits };
        seed = enfold_state::chain::seed(&witness.block, &commitments);
    }
    let mut state = witness.before;
    witness.seed = seed;
    for batch in &mut witness.batches {
        (batch.before, batch.seed) = (state, seed);
        state = step(&SMALL, batch).unwrap();
        batch.after = state;
    }
    witness.after = state;
}

/// Every batch keeps its rules, the seed is right, and still the books do not balance.
#[test]
fn messages_must_balance() {
    let (_, honest) = block();
    let mut relinked = honest.clone();
    relink(&mut relinked);
    assert_eq!(relinked, honest);

    type Change = fn(&mut enfold_state::message::Message);
    let changes: [Change; 5] = [
        |m| m.amount += 1,
        |m| m.memo += 1,
        // A transfer as a fee, or the reverse.
        |m| m.op = if m.op == Op::Fee { Op::Transfer } else { Op::Fee },
        |m| m.from.0 ^= 1,
        |m| m.nonce_key = NonceKey::ALL[1 - m.nonce_key as usize],
    ];
    for change in changes {
        let mut witness = honest.clone();
        let last = witness.batches.len() - 1;
        let paths = credit(&mut witness.batches[last]);
        let at = paths.iter().rposition(|path| path.messages[0].is_some()).unwrap();
        let leaf = paths[at].leaf;
        change(paths[at].messages[0].as_mut().unwrap());
        // Padding after it opens the leaf as it now is.
        let balance = leaf.map_or(0, |leaf: Leaf| leaf.balance);
        let sum: u64 = paths[at].messages.iter().flatten().map(|m| m.amount).sum();
        for path in &mut paths[at + 1..] {
            path.leaf.as_mut().unwrap().balance = balance + sum;
        }
        relink(&mut witness);
        let error = check_block(&SMALL, &witness).unwrap_err();
        assert!(matches!(error, CheckError::Sum { got } if got != [ZERO; 2]), "{error}");
    }
}

/// A block whose new leaf `from` is at `to` instead, in debits, credits and writes.
fn moved(from: LeafIndex, to: LeafIndex) -> BlockWitness {
    let mut world = World::new(12);
    let payments = [3, 4, 5].map(|i| world.pay(i, stranger(i as u32), 10, 0));
    let (block, mut execution) = world.execute(payments.to_vec());
    assert_eq!(execution.credits.iter().filter(|message| message.to == from).count(), 1);
    for message in execution.credits.iter_mut().filter(|message| message.to == from) {
        message.to = to;
    }
    let place = |index| if index == from { to } else { index };
    execution.writes = execution.writes.leaves.iter().map(|&(index, leaf)| (place(index), leaf)).collect();
    witness_block(&SMALL, &world.ledger, &block, &execution).unwrap()
}

/// Other counts after the block, in all that has them, and all states as they follow.
fn recount(witness: &mut BlockWitness, change: impl Fn(&mut Counts)) {
    change(&mut witness.counts);
    witness.before.counts = witness.counts.digest();
    for batch in &mut witness.batches {
        batch.counts = witness.counts;
    }
    relink(witness);
}

#[test]
fn new_leaves_stand_below_the_counts_of_account_shards() {
    let last = LeafIndex(14);
    for honest in [last, LeafIndex::new(1, 0), LeafIndex::new(31, 0)] {
        let witness = moved(last, honest);
        check_block(&SMALL, &witness).unwrap();
        assert_eq!((witness.counts.total(), witness.after.created), (15, 3));
        assert!(witness.counts.holds(honest));
    }
    // Gaps: the counts do not reach so far.
    for gap in [LeafIndex(15), LeafIndex(1 << 23), LeafIndex::new(1, 1), LeafIndex::new(31, 7)] {
        let witness = moved(last, gap);
        let refused = witness.prepared().map(drop);
        assert!(matches!(refused, Err(ApplyError::NotDense { got, .. }) if got == gap), "{refused:?}");
        let error = check_block(&SMALL, &witness).unwrap_err();
        let CheckError::Batch { source, .. } = error else { panic!("{error}") };
        assert!(matches!(source, StepError::Beyond { index, .. } if index == gap), "{source}");
    }
    // If they do, they grow by more than what is new.
    let mut witness = moved(last, LeafIndex(15));
    recount(&mut witness, |counts| counts.0[0] = 16);
    assert_eq!(check_block(&SMALL, &witness), Err(CheckError::Created { expected: 4, got: 3 }));
    // The upper shards are not for accounts, whatever their counts.
    for far in [LeafIndex::new(32, 0), LeafIndex::new(63, 0)] {
        let error = check_block(&SMALL, &moved(last, far)).unwrap_err();
        let CheckError::Batch { source, .. } = error else { panic!("{error}") };
        assert_eq!(source, StepError::Shard { expected: 32, got: far.shard() });
    }
}

#[test]
fn counts_of_a_batch() {
    let (_, witness) = block();
    let (batch, at) = fresh(&witness);
    assert_breaks!(batch, |b| b.counts.0[5] += 1, StepError::Counts { .. });
    assert_breaks!(batch, |b| b.before.counts = Digest::ZERO, StepError::Counts { .. });
    let index = credit(&mut batch.clone())[at].index;
    let error = broken(&batch, |b| {
        b.counts.0[index.shard()] = index.position();
        b.before.counts = b.counts.digest();
    });
    assert_eq!(error, StepError::Beyond { path: at, index });
    // A batch that creates nothing is bound to the counts too; a debit copies their digest.
    let deep = find(&witness, BatchId::CreditDeep);
    assert_breaks!(deep, |b| b.counts.0[5] += 1, StepError::Counts { .. });
}

#[test]
fn counts_of_a_block() {
    let (_, witness) = block();
    let check = |change: &dyn Fn(&mut BlockWitness)| {
        let mut witness = witness.clone();
        change(&mut witness);
        check_block(&SMALL, &witness).unwrap_err()
    };
    let last = witness.batches.len();
    assert_eq!((witness.counts_before.total(), witness.counts.total(), witness.after.created), (12, 15, 3));
    assert!(matches!(check(&|w| w.counts.0[3] += 1), CheckError::Counts { .. }));
    for created in [2, 4] {
        let changed = check(&|w| w.after.created = created);
        assert!(matches!(changed, CheckError::Link { batch, .. } if batch == last));
    }
    assert!(matches!(check(&|w| w.before.created = 1), CheckError::Link { batch: 0, .. }));
    // Room that nothing is put in, in any shard.
    for shard in [0, 3, 31, 32, 63] {
        let more = check(&|w| recount(w, |counts| counts.0[shard] += 1));
        assert_eq!(more, CheckError::Created { expected: 4, got: 3 });
    }
    // Fewer than before, and more than a shard takes.
    let fell = check(&|w| {
        w.counts_before.0[7] = 1;
        relink(w);
    });
    assert_eq!(fell, CheckError::Count { shard: 7, expected: 1, got: 0 });
    let got = (1 << 24) + 1;
    let over = check(&|w| recount(w, |counts| counts.0[7] = got));
    assert_eq!(over, CheckError::Count { shard: 7, expected: 0, got });
}

#[test]
fn a_batch_passes_on_what_is_not_its_own() {
    for id in BatchId::ALL {
        let (_, witness) = block_of(id.family());
        let batch = find(&witness, id);
        let changes: [fn(&mut ChainState); 4] = [
            |after| after.queue = Digest::ZERO,
            |after| after.exits = Digest::ZERO,
            |after| after.counts = Digest::ZERO,
            |after| after.created += 1,
        ];
        for change in changes {
            assert_breaks!(batch, |b| change(&mut b.after), StepError::After { .. });
        }
        let other: fn(&mut ChainState) = match id.kind() {
            KindId::Debit => |after| after.consumed = Digest([ONE; 4]),
            KindId::Credit => |after| after.emitted = Digest([ONE; 4]),
        };
        assert_breaks!(batch, |b| other(&mut b.after), StepError::After { .. });
    }
}

/// A list of messages gives one digest for each kind and side: a debit's is no credit's.
#[test]
fn links_are_of_a_kind_and_a_side() {
    let (_, witness) = block();
    let batch = &witness.emitted[0];
    let digest = |kind: KindId, side| {
        let mut sponge = MessageSponge::new(kind.number(), side);
        batch.messages.iter().for_each(|message| sponge.absorb(message.elements()));
        sponge.digest()
    };
    let own = digest(KindId::Debit, Side::Emit);
    assert_eq!(own, batch.digest());
    for (kind, side) in
        [(KindId::Credit, Side::Emit), (KindId::Debit, Side::Consume), (KindId::Credit, Side::Consume)]
    {
        assert_ne!(digest(kind, side), own);
        let at = witness.batches.iter().position(|batch| batch.batch.kind() == KindId::Debit).unwrap();
        let mut batch = witness.batches[at].clone();
        batch.after.emitted = enfold_state::chain::link_emitted(batch.before.emitted, digest(kind, side));
        let error = check_batch(&SMALL, &batch).unwrap_err();
        assert!(matches!(error, StepError::After { .. }), "{error}");
    }
}
