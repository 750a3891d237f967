//! Honest batches: the checker passes them, their proofs verify, and the circuits fit their profiles.

use enfold_circuits::check::Checker;
use enfold_circuits::config::CircuitData;
use enfold_circuits::serialization::{Gates, Generators};
use enfold_state::kind::FamilyId;
use enfold_state::nonce::NonceKey;
use enfold_state::profile::BatchId;
use enfold_state::transaction::SignedTransaction;
use enfold_witness::batch::BatchWitness;
use enfold_witness::witness::BlockWitness;

use crate::bank::{Bank, SET, circuit, only, opened, stranger};
use crate::lie::Lie;

/// A block with a batch of each circuit of the first family: accounts 1 and 2 pay often, with fees, and account 3 receives
/// often, account 2 by both nonce keys; others pay each other, themselves and strangers. Account 0 collects the fees. Most of the
/// batches have padding.
pub fn block() -> BlockWitness {
    let (bank, transactions) = payments();
    bank.witness(transactions)
}

/// A batch of a circuit from that block, or from the same block in batches of another family.
pub fn one(batch: BatchId) -> BatchWitness {
    if batch.family() == FamilyId::FIRST {
        return only(&block(), batch);
    }
    let (bank, transactions) = payments();
    let block = bank.witness_of(batch.family(), transactions);
    block.batches.into_iter().find(|witness| witness.batch == batch).unwrap()
}

fn payments() -> (Bank, Vec<SignedTransaction>) {
    let mut bank = Bank::new(20);
    let mut transactions = Vec::new();
    for i in 0..12 {
        let to = bank.address(3);
        transactions.push(bank.pay(1, to, 5 + i, 1 + i % 3));
        transactions.push(bank.pay_by(NonceKey::ALL[i as usize % 2], 2, to, 1, 2));
    }
    for i in 4..18 {
        let to = match i % 3 {
            0 => stranger(i as u32),
            1 => bank.address(i + 1),
            _ => bank.address(i),
        };
        transactions.push(bank.pay(i, to, 100, 1));
    }
    (bank, transactions)
}

#[test]
fn honest_batches_pass() {
    let kinds: Vec<_> = block().batches.iter().map(|witness| witness.batch).collect();
    assert_eq!(kinds, FamilyId::FIRST.batches().collect::<Vec<_>>());
    for batch in BatchId::ALL {
        Lie::new(Bank::new(1), one(batch)).holds();
    }
}

#[test]
fn proofs_of_honest_batches_verify() {
    for batch in BatchId::ALL {
        let circuit = circuit(batch);
        let proof = circuit.prove(&one(batch), SET).unwrap();
        circuit.data.verify(proof).unwrap();
    }
}

#[test]
fn batch_circuits_share_their_common_data() {
    for (a, b) in BatchId::ALL.iter().flat_map(|&a| BatchId::ALL.map(|b| (a, b))) {
        let [first, other] = [a, b].map(|batch| &circuit(batch).data);
        assert_eq!(first.common == other.common, a.family() == b.family(), "{a:?} {b:?}");
        assert_eq!(first.verifier_only.circuit_digest == other.verifier_only.circuit_digest, a == b);
    }
}

#[test]
fn batch_circuits_survive_serialization() {
    for batch in BatchId::ALL {
        let data = &circuit(batch).data;
        let bytes = data.to_bytes(&Gates, &Generators).unwrap();
        assert_eq!(CircuitData::from_bytes(&bytes, &Gates, &Generators).unwrap(), *data);
    }
}

/// With all named copies put back, wires are connected as in the circuit itself: what is opened is what is named.
#[test]
fn opened_circuits_are_the_circuits() {
    for batch in BatchId::ALL {
        assert!(opened(batch).closes_to(&Checker::new(&circuit(batch).data)), "{}", batch.name());
    }
}
