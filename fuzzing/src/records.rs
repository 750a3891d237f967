//! Records of the codec, in both forms, and what is done with them before anything is trusted.

use std::fmt::Debug;

use enfold_prover::journal::Journal;
use enfold_state::account_proof::{AccountProof, ContractProof};
use enfold_state::block::{Block, BlockData, Genesis, Place};
use enfold_state::codec::{self, Record};
use enfold_state::executor::execute;
use enfold_state::leaf::LeafIndex;
use enfold_state::ledger::Ledger;
use enfold_state::nonce::Nonce;
use enfold_state::rebuild::rebuild;
use enfold_state::receipt::{Receipt, Search};
use enfold_state::transaction::{NO_END, SignedTransaction};
use enfold_verifier::data::check_data;

use crate::check_error;
use crate::world::{CHAIN, CONTRACTS};

/// Both forms of a record.
fn forms<T: Record>(record: &T) -> Vec<Vec<u8>> {
    let json = codec::encode_json(record).expect("a record has a JSON form");
    vec![codec::encode(record).expect("a record has a binary form"), json.into_bytes()]
}

/// Reads a record. What is accepted has one binary form, and a JSON form that gives the same record.
fn read<T: Record + PartialEq + Debug>(bytes: &[u8]) -> Option<T> {
    let record: T = match codec::read(bytes) {
        Ok(record) => record,
        Err(error) => {
            check_error(&error);
            return None;
        }
    };
    let [binary, json] = &forms(&record)[..] else { unreachable!("there are two forms") };
    if bytes.starts_with(&codec::MAGIC) {
        assert_eq!(bytes, binary, "a record with two encodings");
    }
    assert_eq!(codec::read::<T>(binary).expect("its own form"), record);
    assert_eq!(codec::read::<T>(json).expect("its own form"), record);
    Some(record)
}

pub fn genesis_seeds() -> Vec<Vec<u8>> {
    [forms(&*CONTRACTS), forms(&CHAIN.genesis)].concat()
}

/// A genesis is read and opened.
pub fn genesis(bytes: &[u8]) {
    if let Some(genesis) = read::<Genesis>(bytes)
        && let Err(error) = Ledger::from_genesis(&genesis)
    {
        check_error(&error);
    }
}

pub fn block_seeds() -> Vec<Vec<u8>> {
    forms(&CHAIN.block)
}

/// A block is read and executed.
pub fn block(bytes: &[u8]) {
    let Some(block) = read::<Block>(bytes) else { return };
    match execute(&CHAIN.before, &block) {
        Ok(execution) => {
            let mut ledger = CHAIN.before.clone();
            ledger.apply(&execution).expect("what was executed can be applied");
        }
        Err(error) => check_error(&error),
    }
}

pub fn transaction_seeds() -> Vec<Vec<u8>> {
    forms(&CHAIN.block.transactions[0])
}

/// A transaction is read and its signature verified: none but the signed one's holds.
pub fn transaction(bytes: &[u8]) {
    let Some(signed) = read::<SignedTransaction>(bytes) else { return };
    let holds = signed.verify().is_ok();
    let seed = &CHAIN.block.transactions[0];
    assert!(!holds || signed.transaction.id() == seed.transaction.id(), "a forged signature");
}

pub fn data_seeds() -> Vec<Vec<u8>> {
    forms(&CHAIN.data)
}

/// A data file is read, held against the proof's commitment, replayed and searched: only the block's own hold.
pub fn data(bytes: &[u8]) {
    let Some(data) = read::<BlockData>(bytes) else { return };
    match check_data(&data, &CHAIN.prepared.statement()) {
        Ok(()) => assert_eq!(data, CHAIN.data, "foreign data have the commitment"),
        Err(error) => check_error(&error),
    }
    let mut ledger = CHAIN.before.clone();
    match rebuild(&mut ledger, &data, CHAIN.block.time, CHAIN.before.root(), CHAIN.after.root()) {
        Ok(()) => assert_eq!(ledger.root(), CHAIN.after.root()),
        Err(error) => {
            check_error(&error);
            assert_eq!(ledger.root(), CHAIN.before.root(), "a failed rebuild changes the ledger");
        }
    }
    let id = CHAIN.block.transactions[0].transaction.id();
    if let Err(error) = Search::new(&CHAIN.before).block(&data, &id, NO_END) {
        check_error(&error);
    }
}

fn receipt_of(message: usize) -> Receipt {
    let mut batches = CHAIN.data.emitted.iter();
    let batch = batches.position(|batch| batch.messages.len() > message).expect("a batch has messages");
    let key = CHAIN.data.emitted[batch].messages[message].nonce_key;
    Receipt::new(&CHAIN.data, Place { batch, message }, Nonce::new(0, key), NO_END)
        .expect("the message is there")
}

pub fn receipt_seeds() -> Vec<Vec<u8>> {
    let receipt = receipt_of(0);
    let signed = CHAIN.block.transactions.iter();
    let with_signed = signed.filter_map(|signed| receipt.clone().with_signed(signed).ok()).map(|r| forms(&r));
    [forms(&receipt)].into_iter().chain(with_signed).flatten().collect()
}

/// A receipt is read and checked against its block: what it says was executed was.
pub fn receipt(bytes: &[u8]) {
    let Some(receipt) = read::<Receipt>(bytes) else { return };
    if let Err(error) = receipt.emitted() {
        check_error(&error);
    }
    let emitted = CHAIN.prepared.statement().emitted;
    match receipt.check(&CHAIN.block.id(), emitted) {
        Ok(executed) => {
            let said = &executed.transaction;
            let matches = |t: &SignedTransaction| {
                let t = &t.transaction;
                (t.to_address, t.amount, t.memo, t.asset)
                    == (said.to_address, said.amount, said.memo, said.asset)
            };
            assert!(CHAIN.block.transactions.iter().any(matches), "a receipt of nothing: {said:?}");
        }
        Err(error) => check_error(&error),
    }
}

pub fn account_proof_seeds() -> Vec<Vec<u8>> {
    forms(&AccountProof::new(&CHAIN.after, LeafIndex(1)).expect("the leaf is there"))
}

/// An account proof is read and checked against the root: only what the state holds is proven.
pub fn account_proof(bytes: &[u8]) {
    let Some(proof) = read::<AccountProof>(bytes) else { return };
    match proof.check(CHAIN.data.chain_id, CHAIN.data.number, CHAIN.after.root()) {
        Ok(()) => {
            let seed = AccountProof::new(&CHAIN.after, LeafIndex(1)).expect("the leaf is there");
            assert_eq!(proof, seed, "another account proof holds");
        }
        Err(error) => check_error(&error),
    }
}

pub fn contract_proof_seeds() -> Vec<Vec<u8>> {
    let ledger = Ledger::from_genesis(&CONTRACTS).expect("a genesis");
    forms(&ContractProof::new(&ledger, LeafIndex::of_contract(1)).expect("the contract is there"))
}

/// A contract proof is read and checked against the root: only what the state holds is proven.
pub fn contract_proof(bytes: &[u8]) {
    let Some(proof) = read::<ContractProof>(bytes) else { return };
    let ledger = Ledger::from_genesis(&CONTRACTS).expect("a genesis");
    match proof.check(CONTRACTS.chain_id, 0, ledger.root()) {
        Ok(()) => {
            let seed = ContractProof::new(&ledger, LeafIndex::of_contract(1)).expect("the contract is there");
            assert_eq!(proof, seed, "another contract proof holds");
        }
        Err(error) => check_error(&error),
    }
}

pub fn journal_seeds() -> Vec<Vec<u8>> {
    forms(&Journal::of(&CHAIN.prepared))
}

/// A journal is read.
pub fn journal(bytes: &[u8]) {
    read::<Journal>(bytes);
}
