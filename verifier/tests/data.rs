//! Published data against the statement that commits to them.

use enfold_fixtures::world::{World, WorldSpec};
use enfold_state::block::{BlockData, Emitted, emitted_chain};
use enfold_state::chain::{BlockId, state_root};
use enfold_state::codec;
use enfold_state::executor::execute;
use enfold_state::field::ORDER;
use enfold_state::kind::KindId;
use enfold_state::message::MessageError;
use enfold_state::profile::ProfileId;
use enfold_verifier::data::{DataError, check_data};
use enfold_verifier::statement::BlockStatement;
use enfold_witness::witness::{BlockWitness, witness_block};

/// A block's data, with one message of memo 5 and one of amount 9, and what its proof would say.
fn published() -> (BlockData, BlockStatement) {
    let mut world = World::new(WorldSpec::default());
    let block = world.block(30);
    let execution = execute(world.ledger(), &block).unwrap();
    let profile = ProfileId::Test;
    let witness = witness_block(profile.profile(), world.ledger(), &block, &execution).unwrap();
    let BlockWitness { block, counts_before, counts, emitted, before, after, .. } = witness;
    let BlockId { chain_id, number, time } = block;
    let mut data = BlockData { chain_id, number, emitted };
    let messages = &mut data.emitted[1].messages;
    (messages[0].memo, messages[2].amount) = (5, 9);
    let statement = BlockStatement {
        chain_id,
        block_number: number,
        time,
        previous_root: state_root(before.tree_root, counts_before.digest()),
        new_root: state_root(after.tree_root, counts.digest()),
        emitted: emitted_chain(&data.emitted),
        transactions: after.transactions,
        messages: after.messages,
        queue_before: before.queue,
        queue_after: after.queue,
        exits: after.exits,
        profile,
    };
    (data, statement)
}

#[test]
fn data_are_those_of_the_statement() {
    let (data, statement) = published();
    assert!(data.emitted.len() > 1);
    check_data(&data, &statement).unwrap();
    let file = codec::encode(&data).unwrap();
    assert_eq!(codec::read::<BlockData>(&file).unwrap(), data);
    let json = codec::encode_json(&data).unwrap();
    assert_eq!(codec::read::<BlockData>(json.as_bytes()).unwrap(), data);
}

#[test]
fn other_data_are_refused() {
    let (honest, statement) = published();
    let check = |change: &dyn Fn(&mut BlockData)| {
        let mut data = honest.clone();
        change(&mut data);
        check_data(&data, &statement).unwrap_err()
    };
    assert_eq!(check(&|d| d.chain_id += 1), DataError::ChainId { expected: 7, got: 8 });
    assert_eq!(check(&|d| d.number += 1), DataError::Number { expected: 1, got: 2 });
    let count = statement.messages;
    let error = DataError::Count { expected: count, got: count as usize - 1 };
    let short = |d: &mut BlockData| {
        d.emitted[0].messages.pop();
    };
    assert_eq!(check(&short), error);
    // The right messages in other batches or in another order are other data.
    let moved = |d: &mut BlockData| {
        let message = d.emitted[0].messages.pop().unwrap();
        d.emitted[1].messages.insert(0, message);
    };
    assert!(matches!(check(&moved), DataError::Emitted { .. }));
    assert!(matches!(check(&|d| d.emitted[0].messages.swap(0, 1)), DataError::Emitted { .. }));
    assert!(matches!(
        check(&|d| d.emitted.push(Emitted { kind: KindId::Debit, messages: vec![] })),
        DataError::Emitted { .. }
    ));
    // A batch of another kind has another digest.
    assert!(matches!(check(&|d| d.emitted[0].kind = KindId::Credit), DataError::Emitted { .. }));
    assert!(matches!(check(&|d| d.emitted[0].messages[0].amount += 1), DataError::Emitted { .. }));
}

/// Numbers are packed mod p, so a second form of a message has the same commitment. It is refused all the same.
#[test]
fn second_forms_are_refused() {
    let (honest, statement) = published();
    let mut data = honest.clone();
    data.emitted[1].messages[0].memo += ORDER;
    assert_eq!(emitted_chain(&data.emitted), statement.emitted);
    let error = check_data(&data, &statement).unwrap_err();
    let source = MessageError::MemoRange { got: 5 + ORDER };
    assert!(matches!(error, DataError::Message { source: s, .. } if s == source), "{error}");

    let mut data = honest;
    data.emitted[1].messages[2].amount += ORDER;
    assert_eq!(emitted_chain(&data.emitted), statement.emitted);
    let error = check_data(&data, &statement).unwrap_err();
    let source = MessageError::AmountRange { got: 9 + ORDER };
    assert!(matches!(error, DataError::Message { source: s, .. } if s == source), "{error}");
}
