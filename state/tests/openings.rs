//! Receipts and account proofs: what they prove, and that nothing else passes.

use enfold_fixtures::world::{World, WorldSpec};
use enfold_state::account_proof::{AccountProof, AccountProofError};
use enfold_state::block::{Block, BlockData, Emitted, Place};
use enfold_state::chain::BlockId;
use enfold_state::chain::state_root;
use enfold_state::codec::{CodecError, HEADER_LEN, Record, decode, encode, encode_json, read};
use enfold_state::executor::{Accepted, Execution};
use enfold_state::field::{ONE, ORDER, ZERO};
use enfold_state::hash::{Digest, Tag, hash, node};
use enfold_state::keys::SignatureError;
use enfold_state::kind::KindId;
use enfold_state::leaf::LeafIndex;
use enfold_state::ledger::Ledger;
use enfold_state::message::{Message, MessageError, Op};
use enfold_state::nonce::{Nonce, NonceKey};
use enfold_state::owner::{L1Owner, OWNER_BYTES};
use enfold_state::receipt::{Authorization, IssueError, Receipt, ReceiptError, Search, SearchError};
use enfold_state::shards::Shards;
use enfold_state::transaction::{NO_END, Transaction};

const CHAIN: u64 = 7;

fn world() -> World {
    // Balances below 2^32: only then has a number of 64 bits a second form.
    let spec =
        WorldSpec { chain_id: CHAIN, accounts: 6, new_share: 0.2, fee_floor: 0, ..WorldSpec::default() };
    World::new(WorldSpec { balance: 1 << 28, max_amount: 1 << 20, ..spec })
}

/// A block of the chain, at a time at which all are valid.
fn block_at(number: u32) -> BlockId {
    BlockId { chain_id: CHAIN, number, time: 1 }
}

/// What a block publishes, in batches of four transactions, lane by lane, and an empty batch at its end.
fn published(execution: &Execution) -> BlockData {
    let mut debits = execution.debits.clone();
    debits.sort_by_key(|debit| (debit.from, debit.position));
    let messages = |debit: &Accepted| execution.credits[debit.messages.clone()].to_vec();
    let batch = |messages: Vec<Message>| Emitted { kind: KindId::Debit, messages };
    let batches = debits.chunks(4).map(|debits| debits.iter().flat_map(messages).collect());
    let emitted = batches.chain([Vec::new()]).map(batch).collect();
    BlockData { chain_id: CHAIN, number: execution.block.number, emitted }
}

/// Three blocks with their data, and the state after them.
fn chain() -> (World, Vec<(Block, BlockData)>) {
    let mut world = world();
    let blocks = (0..3).map(|_| {
        let block = world.block(15);
        let execution = world.advance(&block).expect("all are valid");
        (block, published(&execution))
    });
    let blocks = blocks.collect();
    (world, blocks)
}

/// `E` of a block, from all of its data.
fn emitted(data: &BlockData) -> Digest {
    let digest = |batch: &Emitted| {
        let mut sponge = enfold_state::hash::MessageSponge::new(2, enfold_state::hash::Side::Emit);
        batch.messages.iter().for_each(|message| sponge.absorb(message.elements()));
        sponge.digest()
    };
    data.emitted.iter().map(digest).fold(Digest::ZERO, enfold_state::chain::link_emitted)
}

/// The receipt for the last transaction of the second block that pays a fee, signed, and its block's `E`.
fn receipt() -> (Receipt, Digest) {
    let (world, blocks) = chain();
    let (block, data) = &blocks[1];
    let signed =
        block.transactions.iter().rev().find(|signed| signed.transaction.fee > 0).expect("one has a fee");
    let mut search = Search::new(world.ledger());
    let (id, valid_until) = (signed.transaction.id(), signed.transaction.valid_until);
    assert_eq!(search.block(&blocks[2].1, &id, valid_until), Ok(None));
    let (place, nonce) = search.block(data, &id, valid_until).expect("its data").expect("is in it");
    let receipt = Receipt::new(data, place, nonce, valid_until).expect("a transfer");
    (receipt.with_signed(signed).expect("is it"), emitted(data))
}

#[test]
fn every_transaction_has_a_receipt() {
    let (world, blocks) = chain();
    let mut fees = [0; 2];
    for (at, (block, data)) in blocks.iter().enumerate() {
        let commitment = emitted(data);
        assert_eq!(block.transactions.len(), 15);
        for signed in &block.transactions {
            let (id, valid_until) = (signed.transaction.id(), signed.transaction.valid_until);
            let mut search = Search::new(world.ledger());
            for (_, later) in blocks[at + 1..].iter().rev() {
                assert_eq!(search.block(later, &id, valid_until), Ok(None));
            }
            let (place, nonce) = search.block(data, &id, valid_until).expect("the next").expect("is in it");
            assert_eq!(search.number(), data.number - 1);
            let receipt = Receipt::new(data, place, nonce, valid_until).expect("a transfer");
            assert_eq!(receipt.digests.len() + 1, data.emitted.len());
            let executed = receipt.check(&block_at(data.number), commitment).expect("holds");
            assert_eq!(executed.transaction, signed.transaction);
            assert_eq!(executed.fee.map_or(0, |fee| fee.amount), signed.transaction.fee);
            fees[usize::from(executed.fee.is_some())] += 1;
            let receipt = receipt.with_signed(signed).expect("it is the one");
            assert_eq!(receipt.check(&block_at(data.number), commitment), Ok(executed));
            round_trip(&receipt);
        }
    }
    assert!(fees[0] > 5 && fees[1] > 5, "with a fee and without: {fees:?}");
}

/// What is said of a transaction's nonce: never anything else than it is, and from the data, exactly that.
#[test]
fn the_nonces_of_a_receipt() {
    let mut world = world();
    // A few leaves send all: each several in one batch, and in several batches, of both keys.
    let (block, before) = (world.block(60), world.ledger().clone());
    let execution = world.advance(&block).expect("all are valid");
    let (mut data, after) = (published(&execution), world.ledger());
    data.emitted.pop_if(|batch| batch.messages.is_empty());
    // Other transactions in other batches, in the same one, of the other key; in the first batch, in the last.
    let mut seen = [0; 5];
    for (place, transaction) in Search::new(after).transactions(&data).expect("the last block") {
        let Transaction { from, nonce: own, valid_until, .. } = transaction;
        let (key, own_number) = (own.key(), i64::from(own.number()));
        let nonce = |ledger: &Ledger, key| ledger.leaf(from).expect("it sends").nonces[key as usize];
        let receipt = Receipt::new(&data, place, own, valid_until).expect("a transfer");
        let sent = |key| i64::from(nonce(after, key) - nonce(&before, key));
        let (others, sent) = (sent(NonceKey::ALL[1 - key as usize]), sent(key));
        let (before, after) = (nonce(&before, key), nonce(after, key));
        let range = |before, after, data| {
            let (low, high) = receipt.nonces(before, after, data).into_inner();
            assert!(low <= own_number && own_number <= high, "{low} to {high}, {own}");
            (low, high)
        };
        for (before, after) in [(Some(before), None), (None, Some(after)), (Some(before), Some(after))] {
            assert_eq!(range(before, after, Some(&data)), (own_number, own_number));
        }
        let (first, last) = (place.batch == 0, place.batch == data.emitted.len() - 1);
        let (low, high) = range(Some(before), None, None);
        assert_eq!((low >= i64::from(before), low == high), (true, first));
        let (low, high) = range(None, Some(after), None);
        assert_eq!((high < i64::from(after), low == high), (true, last));
        // With both sides it is as open as there are others in other batches.
        let alike = |m: &&Message| m.op == Op::Transfer && m.from == from && m.nonce_key == key;
        let here = data.emitted[place.batch].messages.iter().filter(alike).count() as i64;
        let (low, high) = range(Some(before), Some(after), None);
        assert_eq!(high - low, if first || last { 0 } else { sent - here });
        for (count, is) in seen.iter_mut().zip([sent > here, here > 1, others > 0, first, last]) {
            *count += usize::from(is);
        }
    }
    assert!(seen.iter().all(|&count| count > 1), "{seen:?}");
}

fn round_trip<T: Record + PartialEq + std::fmt::Debug>(record: &T) {
    let bytes = encode(record).expect("a binary form");
    assert_eq!(&decode::<T>(&bytes).expect("its own form"), record);
    assert_eq!(
        &read::<T>(encode_json(record).expect("a JSON form").as_bytes()).expect("its own form"),
        record
    );
    for len in 0..bytes.len() {
        assert!(decode::<T>(&bytes[..len]).is_err(), "{len} of {} bytes", bytes.len());
    }
    let trailing = [&bytes[..], &[0]].concat();
    assert!(matches!(decode::<T>(&trailing), Err(CodecError::Body { .. } | CodecError::TooLong { .. })));
}

#[test]
fn a_changed_receipt_is_refused() {
    let (honest, commitment) = receipt();
    let number = honest.number;
    honest.check(&block_at(number), commitment).expect("holds");
    let check = |change: &dyn Fn(&mut Receipt)| {
        let mut receipt = honest.clone();
        change(&mut receipt);
        assert_ne!(receipt, honest);
        receipt.check(&block_at(number), commitment).expect_err("changed")
    };
    let at = honest.position as usize;
    assert_eq!(check(&|r| r.chain_id += 1), ReceiptError::ChainId { expected: CHAIN, got: CHAIN + 1 });
    assert_eq!(check(&|r| r.number += 1), ReceiptError::Number { expected: number, got: number + 1 });
    // The nonce's number and the end of the validity are in what was signed, and in nothing else.
    let mismatch =
        |error: ReceiptError| matches!(error, ReceiptError::Signature(SignatureError::Mismatch { .. }));
    let later = Nonce::new(honest.nonce.number() + 1, honest.nonce.key());
    assert!(mismatch(check(&|r| r.nonce = later)));
    assert!(mismatch(check(&|r| r.valid_until -= 1)));
    // The nonce's key is in the transfer too.
    let expected = honest.nonce.key();
    let got = Nonce::new(honest.nonce.number(), NonceKey::ALL[1 - expected as usize]);
    assert_eq!(check(&|r| r.nonce = got), ReceiptError::NonceKey { expected, got });
    assert!(matches!(check(&|r| r.batch ^= 1), ReceiptError::Emitted { .. }));
    let (expected, got) = (honest.digests.len(), honest.digests.len() as u32 + 1);
    assert_eq!(check(&|r| r.batch = got), ReceiptError::Batch { expected, got });
    let (expected, got) = (honest.messages.len(), honest.messages.len() as u32);
    assert_eq!(check(&|r| r.position = got), ReceiptError::Position { expected, got });
    let got = honest.position + 1;
    assert_eq!(check(&|r| r.position += 1), ReceiptError::Op { at: got, got: Op::Fee });
    let other = honest.messages.iter().enumerate().find(|&(i, m)| m.op == Op::Transfer && i != at);
    let (other, _) = other.expect("the batch has two transfers");
    assert!(matches!(check(&|r| r.position = other as u32), ReceiptError::Signature(_)));

    // Every field of every message, the order, what is left out and what is added.
    let changes: [&dyn Fn(&mut Message); 8] = [
        &|m| m.op = if m.op == Op::Fee { Op::Transfer } else { Op::Fee },
        &|m| m.asset ^= 1,
        &|m| m.from.0 ^= 1,
        &|m| m.nonce_key = NonceKey::ALL[1 - m.nonce_key as usize],
        &|m| m.to.0 ^= 1,
        &|m| m.amount ^= 1 << 40,
        &|m| m.memo ^= 1,
        &|m| m.to_address.0[3] += ONE,
    ];
    for i in 0..honest.messages.len() {
        for change in changes {
            let error = check(&|r| change(&mut r.messages[i]));
            let key = |at, source| at == i && source == MessageError::NonceKey;
            assert!(match error {
                ReceiptError::Emitted { .. } => true,
                // A fee message has no key; another has one, and is none of a fee.
                ReceiptError::Message { at, source } => key(at, source),
                _ => false,
            });
        }
    }
    assert!(matches!(check(&|r| r.messages.swap(0, 1)), ReceiptError::Emitted { .. }));
    assert!(matches!(
        check(&|r| _ = r.messages.pop()),
        ReceiptError::Position { .. } | ReceiptError::Emitted { .. }
    ));
    assert!(matches!(check(&|r| r.messages.push(r.messages[0])), ReceiptError::Emitted { .. }));
    for i in 0..honest.digests.len() {
        assert!(matches!(check(&|r| r.digests[i].0[0] += ONE), ReceiptError::Emitted { .. }));
    }
    assert!(matches!(check(&|r| r.digests.swap(0, 1)), ReceiptError::Emitted { .. }));
    assert!(matches!(
        check(&|r| _ = r.digests.pop()),
        ReceiptError::Emitted { .. } | ReceiptError::Batch { .. }
    ));
    assert!(matches!(check(&|r| r.digests.push(Digest::ZERO)), ReceiptError::Emitted { .. }));

    // A second form of a message has the same digest.
    let mut second = honest.clone();
    second.messages[at].amount += ORDER;
    assert_eq!(second.emitted(), Ok(commitment));
    let got = second.messages[at].amount;
    let error = ReceiptError::Message { at, source: MessageError::AmountRange { got } };
    assert_eq!(second.check(&block_at(number), commitment), Err(error));

    let signer = honest.authorization.expect("signed").public_key;
    let keys = world();
    let mut keys = keys.keys().iter().map(|signer| signer.public_key());
    let stranger = keys.find(|key| *key != signer).expect("there are others");
    for change in [
        &(|r: &mut Receipt| r.authorization.as_mut().expect("signed").public_key = stranger)
            as &dyn Fn(&mut Receipt),
        &|r| r.authorization.as_mut().expect("signed").signature.r.0[0] += ONE,
    ] {
        assert!(matches!(check(change), ReceiptError::Signature(_)));
    }

    // The owner is not signed: the address is what it makes of the key.
    let authorization = honest.authorization.expect("signed");
    let (world, _) = chain();
    let from = honest.messages[at].from;
    assert_eq!(Some(authorization.address()), world.ledger().leaf(from).map(|leaf| leaf.address));
    let owner = L1Owner::new([9; OWNER_BYTES]);
    assert_ne!(Authorization { owner, ..authorization }.address(), authorization.address());

    // Under another block's E.
    assert!(matches!(honest.check(&block_at(number), Digest::ZERO), Err(ReceiptError::Emitted { .. })));
    // Of a transaction that had expired by the block's time, which nothing but the receipt tells.
    let until = |valid_until| Receipt { authorization: None, valid_until, ..honest.clone() };
    let late = BlockId { time: 100, ..block_at(number) };
    until(100).check(&late, commitment).expect("still valid");
    assert_eq!(until(99).check(&late, commitment), Err(ReceiptError::Expired { expected: 100, got: 99 }));
    // Without the signature a changed nonce is another transaction, and that is all that can be said.
    let unsigned = Receipt { authorization: None, nonce: later, ..honest.clone() };
    let (a, b) = (unsigned.check(&block_at(number), commitment), honest.check(&block_at(number), commitment));
    let (a, b) = (a.expect("holds"), b.expect("holds"));
    assert!(a.transfer == b.transfer && a.transaction.id() != b.transaction.id());
}

#[test]
fn receipts_are_made_for_transfers_alone() {
    let (_, blocks) = chain();
    let (block, data) = &blocks[0];
    let fee =
        data.emitted[0].messages.iter().position(|message| message.op == Op::Fee).expect("one pays a fee");
    let place = |batch, message| Place { batch, message };
    let at = fee as u32;
    let new = |place| Receipt::new(data, place, Nonce::default(), NO_END);
    assert_eq!(new(place(0, fee)), Err(IssueError::Receipt(ReceiptError::Op { at, got: Op::Fee })));
    let (batches, messages) = (data.emitted.len(), data.emitted[0].messages.len());
    assert_eq!(new(place(batches, 0)), Err(IssueError::Place { got: place(batches, 0) }));
    let error = ReceiptError::Position { expected: messages, got: messages as u32 };
    assert_eq!(new(place(0, messages)), Err(IssueError::Receipt(error)));
    // Transactions are debits, whatever a batch of another kind would hold.
    let mut other = data.clone();
    other.emitted[0].kind = KindId::Credit;
    let nothing = Receipt::new(&other, place(0, 0), Nonce::default(), NO_END);
    assert_eq!(nothing, Err(IssueError::Place { got: place(0, 0) }));
    let key = data.emitted[0].messages[0].nonce_key;
    let nonce = Nonce::new(0, key);
    let receipt = Receipt::new(data, place(0, 0), nonce, NO_END).expect("a transfer");
    let id = |receipt: &Receipt| receipt.check(&block_at(1), emitted(data)).expect("holds").transaction.id();
    let other = block.transactions.iter().find(|signed| signed.transaction.id() != id(&receipt));
    let other = other.expect("there is more than one");
    let error = IssueError::Transaction { expected: id(&receipt), got: other.transaction.id() };
    assert_eq!(receipt.with_signed(other), Err(error));
}

#[test]
fn other_data_are_not_searched() {
    let (world, blocks) = chain();
    let data = &blocks[2].1;
    let search = |change: &dyn Fn(&mut BlockData)| {
        let mut data = data.clone();
        change(&mut data);
        Search::new(world.ledger()).block(&data, &Digest::ZERO, NO_END).expect_err("changed")
    };
    assert_eq!(search(&|d| d.chain_id += 1), SearchError::ChainId { expected: CHAIN, got: CHAIN + 1 });
    assert_eq!(search(&|d| d.number = 2), SearchError::Number { expected: 3, got: 2 });
    let unknown = LeafIndex(1 << 20);
    let error = SearchError::Nonce { leaf: unknown, number: 3, expected: 0, got: 1 };
    assert_eq!(search(&|d| d.emitted[0].messages[0].from = unknown), error);
    let mut search = Search::new(world.ledger());
    for (_, data) in blocks.iter().rev() {
        assert_eq!(search.block(data, &Digest::ZERO, NO_END), Ok(None));
    }
    let error = SearchError::Number { expected: 0, got: 0 };
    assert_eq!(
        search.block(&BlockData { chain_id: CHAIN, ..BlockData::default() }, &Digest::ZERO, NO_END),
        Err(error)
    );
}

#[test]
fn every_leaf_has_a_proof() {
    let (world, _) = chain();
    let ledger = world.ledger();
    for (index, _) in ledger.leaves().entries() {
        let proof = AccountProof::new(ledger, index).expect("a leaf");
        proof.check(CHAIN, 3, ledger.root()).expect("holds");
        assert_eq!(Some(&proof.leaf), ledger.leaf(index));
        round_trip(&proof);
        assert_eq!(encode(&proof).expect("a form").len(), HEADER_LEN + 16 + 56 + 30 * 32 + 32);
    }
    assert_eq!(AccountProof::new(ledger, LeafIndex(ledger.len() as u32)), None);
}

#[test]
fn a_changed_account_proof_is_refused() {
    let (world, _) = chain();
    let (ledger, root) = (world.ledger(), world.ledger().root());
    let honest = AccountProof::new(ledger, LeafIndex(2)).expect("a leaf");
    let check = |change: &dyn Fn(&mut AccountProof)| {
        let mut proof = honest.clone();
        change(&mut proof);
        assert_ne!(proof, honest);
        proof.check(CHAIN, 3, root).expect_err("changed")
    };
    assert_eq!(check(&|p| p.chain_id += 1), AccountProofError::ChainId { expected: CHAIN, got: CHAIN + 1 });
    assert_eq!(check(&|p| p.number = 2), AccountProofError::Number { expected: 3, got: 2 });
    let changes: [&dyn Fn(&mut AccountProof); 10] = [
        &|p| p.index.0 ^= 1,
        &|p| p.leaf.address.0[0] += ONE,
        &|p| p.leaf.nonces[0] += 1,
        &|p| p.leaf.nonces[1] += 1,
        &|p| p.counts.0[3] += ONE,
        &|p| p.leaf.asset ^= 1,
        &|p| p.leaf.balance ^= 1,
        &|p| p.siblings.swap(0, 1),
        &|p| p.siblings.rotate_left(1),
        &|p| p.leaf = *ledger.leaf(LeafIndex(3)).expect("a leaf"),
    ];
    for change in changes {
        assert!(matches!(check(change), AccountProofError::Root { .. }));
    }
    for level in 0..30 {
        assert!(matches!(check(&|p| p.siblings[level].0[1] += ONE), AccountProofError::Root { .. }));
    }
    // Other forms with the same hashes, and where contracts are.
    for bit in [29, 30, 31] {
        let got = LeafIndex(2 | 1 << bit);
        assert_eq!(check(&|p| p.index = got), AccountProofError::IndexRange { got });
    }
    let mut second = honest.clone();
    second.leaf.balance += ORDER;
    assert_eq!(second.root(), root);
    let counts = ledger.counts().digest();
    assert_eq!((honest.counts, state_root(ledger.tree().root(), counts)), (counts, root));
    let error = AccountProofError::BalanceRange { got: second.leaf.balance };
    assert_eq!(second.check(CHAIN, 3, root), Err(error));
    // Of the state before.
    assert!(matches!(honest.check(CHAIN, 3, Digest::ZERO), Err(AccountProofError::Root { .. })));
}

/// A node's two children are eight elements, as a leaf is.
#[test]
fn a_node_is_no_leaf() {
    let (world, _) = chain();
    let tree = world.ledger().tree();
    for level in 0..4 {
        let (left, right) = (tree.node(level, 0), tree.node(level, 1));
        let children = [left.0, right.0].concat();
        assert_eq!(node(left, right), tree.node(level + 1, 0));
        assert_ne!(hash(Tag::AccountLeaf, &children), node(left, right));
    }
    // Nor is a leaf a node: a path of an inner node, one level short, filled up at either end.
    let honest = AccountProof::new(world.ledger(), LeafIndex(0)).expect("a leaf");
    let mut short = honest.clone();
    short.siblings.copy_within(1.., 0);
    for last in [Digest::ZERO, honest.siblings[29], Digest([ZERO, ZERO, ZERO, ONE])] {
        short.siblings[29] = last;
        assert!(short.check(CHAIN, 3, world.ledger().root()).is_err());
    }
    let empty = Ledger::restore(world.ledger().chain(), 0, 1, Shards::default());
    assert_eq!(AccountProof::new(&empty, LeafIndex(0)), None);
}
