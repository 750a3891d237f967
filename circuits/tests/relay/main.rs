//! A contract from executor to rebuilt state, its circuits, and a block proof of a set of circuits that has them.

mod lies;
mod world;

use enfold_circuits::block::BlockOpening;
use enfold_circuits::circuit_set::CircuitSet;
use enfold_circuits::fold::Child;
use enfold_prover::plonk::Kernels;
use enfold_state::block::{Block, BlockData, Place};
use enfold_state::executor::{ExecuteError, Execution, Rule, execute};
use enfold_state::hash::Digest;
use enfold_state::kind::{FamilyId, KindId};
use enfold_state::leaf::LeafIndex;
use enfold_state::ledger::Ledger;
use enfold_state::message::{Message, Op};
use enfold_state::nonce::NonceKey;
use enfold_state::profile::{BatchId, ProfileId};
use enfold_state::rebuild::{RebuildError, rebuild};
use enfold_state::relay::ADDRESS;
use enfold_verifier::verify::{encode, verify_block};
use enfold_witness::check_block;
use enfold_witness::witness::{BlockWitness, witness_block};

use world::{ASSET, LIMIT, RELAY, World, stranger};

/// Payments, puts to old and new receivers, one of them with a fee, and refusals in between.
fn mixed(world: &mut World) -> (Block, Execution) {
    let (one, two) = (world.address(1), world.address(2));
    let transactions = vec![
        world.transfer(1, two, 5, 1),
        world.put(1, two, 7, 0),
        world.put(2, stranger(1), 9, 2),
        world.put(3, one, LIMIT, 0),
        world.transfer(3, stranger(2), 11, 0),
        world.put(4, one, LIMIT + 1, 3),
        world.transfer(5, one, 4, 0),
    ];
    let block = world.block(transactions);
    let execution = execute(&world.ledger, &block).expect("a block");
    (block, execution)
}

/// The witness of an executed block, of which each batch breaks no constraint; and the ledger after it, to which its data
/// alone lead as well.
fn follow(world: &World, block: &Block, execution: &Execution) -> (BlockWitness, Ledger) {
    let profile = ProfileId::Test.profile();
    let witness = witness_block(profile, &world.ledger, block, execution).expect("a witness");
    check_block(profile, &witness).expect("the native twin agrees");
    assert_eq!(witness.after.messages as usize, execution.emitted());
    for batch in &witness.batches {
        assert_eq!(lies::broken(batch), [] as [&str; 0], "{}", batch.batch.name());
    }
    let mut after = world.ledger.clone();
    let hashed = witness.prepared().expect("it follows");
    let root = after.apply(execution).expect("it follows");
    assert_eq!((hashed.root(), hashed.counts()), (root, after.counts()));
    after = world.ledger.clone();
    after.adopt(hashed);
    assert_eq!(rebuilt(world, block, &data(block, &witness), &after), Ok(root));
    (witness, after)
}

fn data(block: &Block, witness: &BlockWitness) -> BlockData {
    BlockData { chain_id: block.chain_id, number: block.number, emitted: witness.emitted.clone() }
}

/// The root to which data lead, which is that of a ledger.
fn rebuilt(world: &World, block: &Block, data: &BlockData, after: &Ledger) -> Result<Digest, RebuildError> {
    let mut ledger = world.ledger.clone();
    let before = ledger.root();
    rebuild(&mut ledger, data, block.time, before, after.root()).map(|()| ledger.root())
}

#[test]
fn a_block_with_calls_is_executed_witnessed_and_rebuilt() {
    let mut world = World::new();
    let (block, execution) = mixed(&mut world);
    let refused: Vec<_> = execution.rejections.iter().map(|r| (r.position, r.rule.clone())).collect();
    let (contract, demand) = (KindId::Relay, "an amount of at most");
    let rule = Rule::Contract { contract, demand, expected: LIMIT, got: LIMIT + 1 };
    assert_eq!(refused, [(5, rule.clone())]);
    assert_eq!(
        rule.to_string(),
        format!("contract: expected by relay, an amount of at most {LIMIT}, got 1001")
    );
    let calls = &execution.calls[KindId::Relay];
    let amounts: Vec<_> = calls.iter().map(|call| (call.position, call.message.amount)).collect();
    assert_eq!(amounts, [(1, 7), (2, 9), (3, LIMIT)]);
    assert!(calls.iter().all(|call| call.leaf == RELAY && call.message.op == Op::Put));
    assert_eq!(execution.emitted(), execution.credits.len() + 3);

    let (_, after) = follow(&world, &block, &execution);
    let relay = after.leaf(RELAY).expect("the relay's leaf");
    assert_eq!((relay.nonces, relay.balance), ([3, 0], LIMIT));
    let balance =
        |address| after.find(&address, ASSET).and_then(|at| after.leaf(at)).map(|leaf| leaf.balance);
    assert_eq!((balance(stranger(1)), balance(stranger(2))), (Some(9), Some(11)));
    assert_eq!(balance(world.address(4)), Some(world::BALANCE), "who was refused has paid nothing");
}

#[test]
fn data_that_no_legs_emitted_are_refused() {
    let mut world = World::new();
    let (block, execution) = mixed(&mut world);
    let (witness, after) = follow(&world, &block, &execution);
    let honest = data(&block, &witness);
    let batch_of =
        |kind| honest.emitted.iter().position(|batch| batch.kind == kind).expect("a batch of the kind");
    let (debits, relays) = (batch_of(KindId::Debit), batch_of(KindId::Relay));
    let message = |batch: usize| honest.emitted[batch].messages[0];
    let with = |batch: usize, change: &dyn Fn(&mut Vec<Message>)| {
        let mut wrong = honest.clone();
        change(&mut wrong.emitted[batch].messages);
        rebuilt(&world, &block, &wrong, &after).expect_err("no legs emitted them")
    };

    // A leg is left out: the data lead elsewhere.
    let error = with(relays, &|messages| messages.truncate(messages.len() - 1));
    assert!(
        matches!(error, RebuildError::Root { expected, got } if expected == after.root() && got != expected),
        "{error}"
    );
    // Messages with which no leg of the batch's kind begins.
    let (payout, transfer) = (message(relays), message(debits));
    assert_eq!((payout.op, transfer.op), (Op::Payout, Op::Transfer));
    for (batch, stray) in [(debits, payout), (relays, transfer)] {
        let place = Place { batch, message: 0 };
        let error = with(batch, &|messages| messages.insert(0, stray));
        assert_eq!(error, RebuildError::Stray { place, got: stray.op });
    }
    // More than the relay lets pass.
    let (contract, demand, got) = (KindId::Relay, "an amount of at most", LIMIT + 1);
    let place = Place { batch: relays, message: 0 };
    let rule = Rule::Contract { contract, demand, expected: LIMIT, got };
    let error = with(relays, &|messages| messages[0].amount = got);
    assert_eq!(error, RebuildError::Rule { place, rule });
}

/// What the relay is paid in a block raises its limit from the next block on.
#[test]
fn a_contract_is_called_and_credited_in_one_block() {
    let mut world = World::new();
    let two = world.address(2);
    let transactions = vec![
        world.put(1, two, LIMIT, 0),
        world.transfer(5, ADDRESS, 50, 0),
        world.put_by(NonceKey::Second, 1, stranger(1), 7, 1),
        world.put(3, stranger(1), LIMIT + 1, 0),
        world.put(4, ADDRESS, 20, 0),
        world.put_by(NonceKey::Second, 1, two, 8, 0),
    ];
    let block = world.block(transactions);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| {
            let execution = execute(&world.ledger, &block).expect("a block");
            let (witness, after) = follow(&world, &block, &execution);
            (execution, witness, after.root())
        })
    };
    let (execution, witness, root) = run(1);
    assert_eq!(run(4), (execution.clone(), witness, root));

    let refused: Vec<_> = execution.rejections.iter().map(|r| (r.position, r.rule.name())).collect();
    assert_eq!(refused, [(3, "contract")]);
    let keys: Vec<_> = execution.calls[KindId::Relay].iter().map(|call| call.message.nonce_key).collect();
    let (first, second) = (NonceKey::First, NonceKey::Second);
    assert_eq!(keys, [first, second, first, second]);
    assert!(execution.credits.iter().all(|message| message.nonce_key == first));
    let mut after = world.ledger.clone();
    after.apply(&execution).expect("it follows");
    let relay = after.leaf(RELAY).expect("the relay's leaf");
    assert_eq!((relay.nonces, relay.balance), ([4, 0], LIMIT + 70));
    let sender = after.leaf(LeafIndex(2)).expect("account 1");
    assert_eq!((sender.nonces, sender.balance), ([1, 2], world::BALANCE - LIMIT - 16));
}

#[test]
fn a_refused_call_opens_no_leaf_and_its_senders_next_is_refused_too() {
    let mut world = World::new();
    let two = world.address(2);
    let transactions = vec![
        world.put(1, stranger(1), LIMIT + 1, 0),
        world.put(1, two, 1, 0),
        world.put(2, two, 1, 0),
        world.put(3, stranger(2), 1, 0),
    ];
    let block = world.block(transactions);
    let execution = execute(&world.ledger, &block).expect("a block");
    let names: Vec<_> = execution.rejections.iter().map(|r| (r.position, r.rule.name())).collect();
    assert_eq!(names, [(0, "contract"), (1, "nonce")]);
    // The relay and six accounts have leaves: the next is the one that the refused call let go.
    let payees: Vec<_> = execution.calls[KindId::Relay].iter().map(|call| call.payee).collect();
    assert_eq!(payees, [LeafIndex(3), LeafIndex(7)]);
    let (_, after) = follow(&world, &block, &execution);
    let find = |address| after.find(&address, ASSET);
    assert_eq!((find(stranger(1)), find(stranger(2))), (None, Some(LeafIndex(7))));
}

#[test]
fn a_contract_without_a_leaf_is_not_called() {
    let mut world = World::without_relay();
    let put = world.put(1, ADDRESS, 1, 0);
    let block = world.block(vec![put]);
    let Err(ExecuteError::Empty { rejections }) = execute(&world.ledger, &block) else {
        panic!("it is refused")
    };
    assert_eq!(rejections[0].rule, Rule::NoContract { contract: KindId::Relay, asset: ASSET });
}

#[test]
fn calls_of_one_leaf_go_into_deep_batches() {
    let mut world = World::new();
    let transactions = (0..25).map(|i| world.put(1 + i % 5, stranger(i as u32), 1 + i as u64, 0)).collect();
    let block = world.block(transactions);
    let execution = execute(&world.ledger, &block).expect("a block");
    let witness =
        witness_block(ProfileId::Test.profile(), &world.ledger, &block, &execution).expect("a witness");
    check_block(ProfileId::Test.profile(), &witness).expect("the native twin agrees");
    let relays = witness.batches.iter().filter(|batch| batch.batch == BatchId::RelayDeep);
    assert!(relays.clone().count() >= 1);
    relays.for_each(|batch| assert_eq!(lies::broken(batch), [] as [&str; 0]));
    world.ledger.clone().apply(&execution).expect("it follows");
}

#[test]
fn a_block_with_calls_is_proven() {
    let circuits =
        CircuitSet::build_with(Kernels::default(), ProfileId::Test).expect("the test profile fits");
    let mut world = World::new();
    let (block, execution) = mixed(&mut world);
    let witness = witness_block(circuits.profile(), &world.ledger, &block, &execution).expect("a witness");
    let prove = |batch: &enfold_witness::batch::BatchWitness| {
        (batch.batch, circuits.prove_batch(batch).expect("a batch proof"))
    };
    let batches: Vec<_> = witness.batches.iter().map(prove).collect();
    let kinds: Vec<_> = batches.iter().map(|(batch, _)| batch.kind()).collect();
    assert_eq!(kinds, [KindId::Debit, KindId::Relay, KindId::Credit]);
    let lift = circuits.prove_lift(&batches).expect("a lift proof");
    let opening = BlockOpening::from(&witness);
    let proof =
        circuits.prove_block(&[(Child::Lift(FamilyId::FIRST), lift)], &opening).expect("a block proof");
    // The key of this set: the pinned one is that of a set without the relay.
    let file = encode(ProfileId::Test, &proof);
    let statement = verify_block(&circuits.verifier_key().expect("it is built"), &file).expect("it verifies");
    assert_eq!(statement, opening.statement(ProfileId::Test));
    assert_eq!((statement.transactions, statement.messages as usize), (6, execution.emitted()));
    assert_eq!(execution.debits[0].from, LeafIndex(2));
}
