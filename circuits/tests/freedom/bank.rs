//! A small block that has a batch of each kind.

use enfold_fixtures::accounts::secret_keys;
use enfold_state::block::{Block, FeePolicy, Genesis, GenesisLeaf};
use enfold_state::executor::execute;
use enfold_state::field::from_u32;
use enfold_state::hash::{Digest, Tag, hash};
use enfold_state::leaf::LeafIndex;
use enfold_state::ledger::Ledger;
use enfold_state::message::Op;
use enfold_state::nonce::{Nonce, NonceKey};
use enfold_state::profile::Profile;
use enfold_state::transaction::Transaction;
use enfold_witness::witness::{BlockWitness, witness_block};

const CHAIN: u64 = 7;
const TIME: u32 = 1_700_000_000;
const ASSET: u32 = 3;

/// Any digest: `set` is free in a batch.
pub const SET: Digest = Digest::ZERO;

/// Four of six accounts pay, one of them four times, mostly with fees; one receiver is new.
pub fn block(profile: &Profile) -> BlockWitness {
    let keys = secret_keys(1, 6);
    let leaves = keys
        .iter()
        .map(|key| GenesisLeaf { address: key.address(), asset: ASSET, balance: 1_000_003 })
        .collect();
    let ledger =
        Ledger::from_genesis(&Genesis { chain_id: CHAIN, time: TIME, shards: 1, leaves, contracts: vec![] })
            .unwrap();
    let pay = |from: usize, nonce: u32, fee: u64| {
        let to_address = match from {
            3 => hash(Tag::Address, &[from_u32(from as u32); 8]),
            _ => keys[(from + 1) % keys.len()].address(),
        };
        let transaction = Transaction {
            op: Op::Transfer,
            chain_id: CHAIN,
            from: LeafIndex(from as u32),
            nonce: Nonce::new(nonce, NonceKey::First),
            to_address,
            asset: ASSET,
            amount: 11 + from as u64,
            fee,
            memo: 40 + u64::from(nonce),
            target: 0,
            valid_until: TIME + 100,
        };
        keys[from].sign_transaction(transaction)
    };
    let transactions = vec![
        pay(1, 0, 2),
        pay(1, 1, 3),
        pay(1, 2, 1),
        pay(1, 3, 4),
        pay(2, 0, 1),
        pay(3, 0, 1),
        pay(4, 0, 0),
    ];
    let fees = vec![FeePolicy { asset: ASSET, floor: 0, collector: keys[0].address() }];
    let block = Block { chain_id: CHAIN, number: 1, time: TIME + 12, fees, transactions };
    let execution = execute(&ledger, &block).unwrap();
    assert_eq!(execution.rejections, []);
    witness_block(profile, &ledger, &block, &execution).unwrap()
}
