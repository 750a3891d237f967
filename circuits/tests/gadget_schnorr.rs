//! Signatures in circuits against the native specification.

use enfold_circuits::config::{Builder, CircuitData, EnfoldConfig, F};
use enfold_circuits::convert::{from_digest, from_native_array};
use enfold_circuits::gadgets::schnorr::{SignatureTargets, verify};
use enfold_circuits::params::Params;
use enfold_state::field::from_u32;
use enfold_state::hash::{Tag, hash};
use enfold_state::keys::{PublicKey, SecretKey, Signature};
use enfold_state::leaf::LeafIndex;
use enfold_state::message::Op;
use enfold_state::transaction::Transaction;
use enfold_witness::profile::ProfileId;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

/// A circuit that checks one signature.
struct One {
    data: CircuitData,
    signature: SignatureTargets,
    record: [Target; 12],
}

impl One {
    fn new(build: impl Fn(Builder) -> CircuitData) -> Self {
        let mut builder = Builder::new(Params::of(ProfileId::Test).batch);
        let signature = SignatureTargets::new(&mut builder);
        let record = builder.add_virtual_target_arr();
        let address = verify(&mut builder, &signature, record);
        builder.register_public_inputs(&address.elements);
        Self { data: build(builder), signature, record }
    }

    fn witness(
        &self,
        key: &PublicKey,
        transaction: &Transaction,
        signature: &Signature,
    ) -> PartialWitness<F> {
        let mut witness = PartialWitness::new();
        self.signature.set(&mut witness, key, signature).unwrap();
        witness.set_target_arr(&self.record, &from_native_array(transaction.elements())).unwrap();
        witness
    }
}

fn transaction(seed: u32) -> Transaction {
    let digest = hash(Tag::TransactionId, &[from_u32(seed); 12]);
    Transaction {
        op: Op::Transfer,
        chain_id: seed,
        from: LeafIndex(seed % 1000),
        nonce: 3,
        to_address: digest,
        asset: 7,
        amount: 1_000_000,
        fee: 2,
        memo: 99,
    }
}

#[test]
fn a_signature_is_proven() {
    let one = One::new(|builder| builder.build::<EnfoldConfig>());
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let secret = SecretKey::random(&mut rng);
    let transaction = transaction(1);
    let signature = secret.sign(&transaction);
    let key = secret.public_key();
    let proof = one.data.prove(one.witness(&key, &transaction, &signature)).unwrap();
    assert_eq!(proof.public_inputs, from_digest(key.address()).elements);
    one.data.verify(proof).unwrap();
}
