//! Honest batches: the checker passes them, their proofs verify, and the circuits fit their profiles.

use enfold_circuits::check::Checker;
use enfold_circuits::config::CircuitData;
use enfold_circuits::serialization::{Gates, Generators};
use enfold_state::nonce::NonceKey;
use enfold_state::profile::BatchId;
use enfold_witness::witness::BlockWitness;

use crate::bank::{Bank, SET, circuit, only, opened, stranger};
use crate::lie::Lie;

/// A block with a batch of each kind: accounts 1 and 2 pay often, with fees, and account 3 receives
/// often, account 2 by both nonce keys; others pay each other, themselves and strangers. Account 0 collects the fees. Most of the
/// batches have padding.
pub fn block() -> BlockWitness {
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
    bank.witness(transactions)
}

#[test]
fn honest_batches_pass() {
    let block = block();
    let mut kinds = Vec::new();
    for witness in &block.batches {
        Lie::new(Bank::new(1), witness.clone()).holds();
        kinds.push(witness.batch);
    }
    assert_eq!(kinds, BatchId::ALL);
}

#[test]
fn proofs_of_honest_batches_verify() {
    let block = block();
    for batch in BatchId::ALL {
        let circuit = circuit(batch);
        let proof = circuit.prove(&only(&block, batch), SET).unwrap();
        circuit.data.verify(proof).unwrap();
    }
}

#[test]
fn batch_circuits_share_their_common_data() {
    let [first, others @ ..] = BatchId::ALL.map(circuit);
    for other in others {
        assert_eq!(first.data.common, other.data.common);
        assert_ne!(first.data.verifier_only.circuit_digest, other.data.verifier_only.circuit_digest);
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
