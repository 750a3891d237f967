//! A contract from executor to rebuilt state, its circuits, and a block proof of a set of circuits that has them.

mod lies;
mod world;

use enfold_circuits::block::BlockOpening;
use enfold_circuits::circuit_set::CircuitSet;
use enfold_circuits::fold::Child;
use enfold_prover::plonk::Kernels;
use enfold_state::block::BlockData;
use enfold_state::executor::{ExecuteError, Rule, execute};
use enfold_state::kind::KindId;
use enfold_state::leaf::LeafIndex;
use enfold_state::message::Op;
use enfold_state::rebuild::rebuild;
use enfold_state::relay::ADDRESS;
use enfold_verifier::verify::{encode, verify_block};
use enfold_witness::check_block;
use enfold_witness::profile::{BatchId, ProfileId};
use enfold_witness::witness::witness_block;

use world::{ASSET, LIMIT, RELAY, World, stranger};

/// Payments, puts to old and new receivers, one of them with a fee, and refusals in between.
fn mixed(world: &mut World) -> (enfold_state::block::Block, enfold_state::executor::Execution) {
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

    let profile = ProfileId::Test.profile();
    let witness = witness_block(profile, &world.ledger, &block, &execution).expect("a witness");
    check_block(profile, &witness).expect("the native twin agrees");
    assert_eq!(witness.after.messages as usize, execution.emitted());
    for batch in &witness.batches {
        assert_eq!(lies::broken(batch), [] as [&str; 0], "{}", batch.batch.name());
    }

    let mut after = world.ledger.clone();
    let root = after.apply(&execution).expect("it follows");
    let relay = after.leaf(RELAY).expect("the relay's leaf");
    assert_eq!((relay.nonces, relay.balance), ([3, 0], LIMIT));
    let balance =
        |address| after.find(&address, ASSET).and_then(|at| after.leaf(at)).map(|leaf| leaf.balance);
    assert_eq!((balance(stranger(1)), balance(stranger(2))), (Some(9), Some(11)));
    assert_eq!(balance(world.address(4)), Some(world::BALANCE), "who was refused has paid nothing");

    let data = BlockData { chain_id: block.chain_id, number: block.number, emitted: witness.emitted.clone() };
    let mut rebuilt = world.ledger.clone();
    rebuild(&mut rebuilt, &data, block.time, world.ledger.root(), root).expect("the data lead to the root");
    assert_eq!(rebuilt.root(), after.root());
    let mut wrong = data;
    let payouts = wrong.emitted.iter_mut().find(|batch| batch.kind == KindId::Relay).expect("payouts");
    payouts.messages.pop();
    assert!(rebuild(&mut world.ledger.clone(), &wrong, block.time, world.ledger.root(), root).is_err());
}

#[test]
fn a_refused_call_opens_no_leaf_and_its_senders_next_is_refused_too() {
    let mut world = World::new();
    let two = world.address(2);
    let transactions =
        vec![world.put(1, stranger(1), LIMIT + 1, 0), world.put(1, two, 1, 0), world.put(2, two, 1, 0)];
    let block = world.block(transactions);
    let execution = execute(&world.ledger, &block).expect("a block");
    let names: Vec<_> = execution.rejections.iter().map(|r| (r.position, r.rule.name())).collect();
    assert_eq!(names, [(0, "contract"), (1, "nonce")]);
    assert!(execution.writes.iter().all(|&(index, _)| world.ledger.leaf(index).is_some()));
    let witness =
        witness_block(ProfileId::Test.profile(), &world.ledger, &block, &execution).expect("a witness");
    check_block(ProfileId::Test.profile(), &witness).expect("the native twin agrees");
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
fn many_calls_go_into_batches_of_few_leaves() {
    let mut world = World::new();
    let transactions = (0..25).map(|i| world.put(1 + i % 5, stranger(i as u32), 1 + i as u64, 0)).collect();
    let block = world.block(transactions);
    let execution = execute(&world.ledger, &block).expect("a block");
    let witness =
        witness_block(ProfileId::Test.profile(), &world.ledger, &block, &execution).expect("a witness");
    check_block(ProfileId::Test.profile(), &witness).expect("the native twin agrees");
    let relays = witness.batches.iter().filter(|batch| batch.batch == BatchId::RelayFew);
    assert!(relays.clone().count() >= 1);
    relays.for_each(|batch| assert_eq!(lies::broken(batch), [] as [&str; 0]));
    world.ledger.clone().apply(&execution).expect("it follows");
}

#[test]
fn a_block_with_calls_is_proven() {
    let circuits =
        CircuitSet::build_with(&Kernels::default(), ProfileId::Test).expect("the test profile fits");
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
    let fold = circuits.prove_fold(&[(Child::Lift, lift)]).expect("a fold proof");
    let opening = BlockOpening::from(&witness);
    let proof = circuits.prove_block(&fold, &opening).expect("a block proof");
    // The key of this set: the pinned one is that of a set without the relay.
    let file = encode(ProfileId::Test, &proof);
    let statement = verify_block(&circuits.verifier_key(), &file).expect("it verifies");
    assert_eq!(statement, opening.statement(ProfileId::Test));
    assert_eq!((statement.transactions, statement.messages as usize), (6, execution.emitted()));
    assert_eq!(execution.debits[0].from, LeafIndex(2));
}
