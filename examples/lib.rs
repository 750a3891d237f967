//! What the examples share: a genesis, and a block in which Alice pays Bob.

use enfold_state::block::{Block, Genesis, GenesisLeaf};
use enfold_state::keys::SecretKey;
use enfold_state::leaf::LeafIndex;
use enfold_state::message::Op;
use enfold_state::nonce::{Nonce, NonceKey};
use enfold_state::transaction::{NO_END, Transaction};
use rand::rngs::OsRng;

/// A chain on which Alice has 100 of asset 0 and Bob nothing, and its first block: Alice pays Bob 30.
pub fn payment() -> (Genesis, Block) {
    let [alice, bob] = [SecretKey::random(&mut OsRng), SecretKey::random(&mut OsRng)];
    let chain_id = 1;
    let time = 1_700_000_000;
    let leaf = GenesisLeaf { address: alice.address(), asset: 0, balance: 100 };
    let genesis = Genesis { chain_id, time, shards: 1, leaves: vec![leaf], contracts: vec![] };
    // She has leaf 0, and has sent nothing so far. Bob gets a leaf with his first payment.
    let transfer = Transaction {
        op: Op::Transfer,
        chain_id,
        from: LeafIndex(0),
        nonce: Nonce::new(0, NonceKey::First),
        to_address: bob.address(),
        asset: 0,
        amount: 30,
        fee: 0,
        memo: 0,
        target: 0,
        valid_until: NO_END,
    };
    let transactions = vec![alice.sign_transaction(transfer)];
    (genesis, Block { chain_id, number: 1, time: time + 12, fees: vec![], transactions })
}
