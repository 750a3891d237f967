//! Honest batches: the checker passes them, their proofs verify, and the circuits fit their profiles.

mod common;

use common::{Bank, SET, circuit, only, profile, stranger, violations};
use enfold_circuits::batch::BatchCircuit;
use enfold_circuits::params::Params;
use enfold_witness::profile::{BatchId, ProfileId};
use enfold_witness::witness::BlockWitness;

/// A block with a batch of each kind: accounts 1 and 2 pay often, with fees, and account 3 receives
/// often; others pay each other and strangers. Account 0 collects the fees.
fn block() -> BlockWitness {
    let mut bank = Bank::new(20);
    let mut transactions = Vec::new();
    for i in 0..12 {
        let to = bank.address(3);
        transactions.push(bank.pay(1, to, 5 + i, 1 + i % 3));
        transactions.push(bank.pay(2, to, 1, 2));
    }
    for i in 4..18 {
        let to = if i % 2 == 0 { stranger(i as u32) } else { bank.address(i + 1) };
        transactions.push(bank.pay(i, to, 100, 1));
    }
    bank.witness(transactions)
}

#[test]
fn honest_batches_pass() {
    let block = block();
    let mut kinds = Vec::new();
    for witness in &block.batches {
        let circuit = circuit(witness.batch);
        let inputs = circuit.fill(witness, SET).unwrap();
        let found = violations(circuit, inputs);
        assert!(found.is_empty(), "{}: {found:?}", witness.batch.name());
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

/// Rows of each batch circuit, in the order of [`BatchId::ALL`].
#[test]
fn batches_fill_their_rows() {
    for (id, expected) in
        [(ProfileId::Test, [971, 1014, 1011, 988]), (ProfileId::Standard, [65471, 65213, 65531, 65516])]
    {
        let params = Params::of(id);
        let count = |batch| BatchCircuit::count_rows(id.profile(), batch, &params.batch);
        let rows = BatchId::ALL.map(count);
        assert_eq!(rows, expected, "{id}");
        let capacity = 1 << params.batch_degree_bits;
        let least = if id == ProfileId::Standard { capacity * 97 / 100 } else { capacity * 9 / 10 };
        assert!(rows.iter().all(|rows| (least..=capacity).contains(rows)), "{id}: {rows:?} of {capacity}");
    }
    assert_eq!(circuit(BatchId::DebitMany).rows_used(), {
        let params = Params::of(ProfileId::Test);
        BatchCircuit::count_rows(profile(), BatchId::DebitMany, &params.batch)
    });
}
