//! A state with a relay, and blocks on it.

use enfold_fixtures::accounts::secret_keys;
use enfold_state::block::{Block, FeePolicy, Genesis, GenesisLeaf};
use enfold_state::field::from_u32;
use enfold_state::hash::{Tag, hash};
use enfold_state::keys::{Record, SecretKey, Signature};
use enfold_state::leaf::{Address, LeafIndex};
use enfold_state::ledger::Ledger;
use enfold_state::message::Op;
use enfold_state::nonce::{Nonce, NonceKey};
use enfold_state::relay::ADDRESS;
use enfold_state::transaction::{NO_END, SignedTransaction, Transaction};

const CHAIN: u64 = 7;
const TIME: u32 = 1_700_000_000;
pub const ASSET: u32 = 3;
pub const BALANCE: u64 = 10_000;
/// The relay's balance.
pub const LIMIT: u64 = 1_000;
/// The relay's leaf.
pub const RELAY: LeafIndex = LeafIndex(0);

/// Leaf 0 is the relay's; then come the accounts, account `i` at leaf `i + 1`. Account 0 collects fees.
pub struct World {
    pub ledger: Ledger,
    keys: Vec<SecretKey>,
    nonces: Vec<[u32; 2]>,
    first: u32,
}

impl World {
    pub fn new() -> Self {
        Self::with(&[GenesisLeaf { address: ADDRESS, asset: ASSET, balance: LIMIT }])
    }

    pub fn without_relay() -> Self {
        Self::with(&[])
    }

    fn with(first: &[GenesisLeaf]) -> Self {
        let keys = secret_keys(1, 6);
        let account =
            |key: &SecretKey| GenesisLeaf { address: key.address(), asset: ASSET, balance: BALANCE };
        let leaves = first.iter().copied().chain(keys.iter().map(account)).collect();
        let genesis = Genesis { chain_id: CHAIN, time: TIME, shards: 1, leaves, contracts: vec![] };
        let ledger = Ledger::from_genesis(&genesis).expect("a genesis");
        Self { ledger, nonces: vec![[0; 2]; keys.len()], keys, first: first.len() as u32 }
    }

    pub fn address(&self, account: usize) -> Address {
        self.keys[account].address()
    }

    pub fn transfer(&mut self, from: usize, to: Address, amount: u64, fee: u64) -> SignedTransaction {
        self.sign(Op::Transfer, from, NonceKey::First, to, amount, fee)
    }

    /// An amount that is to go to somebody through the relay.
    pub fn put(&mut self, from: usize, to: Address, amount: u64, fee: u64) -> SignedTransaction {
        self.put_by(NonceKey::First, from, to, amount, fee)
    }

    /// The same, by a nonce of this key.
    pub fn put_by(
        &mut self,
        key: NonceKey,
        from: usize,
        to: Address,
        amount: u64,
        fee: u64,
    ) -> SignedTransaction {
        self.sign(Op::Put, from, key, to, amount, fee)
    }

    /// A signature by a leaf's owner, whatever the record says.
    pub fn sign_record(&self, leaf: LeafIndex, record: &Record) -> Signature {
        self.keys[(leaf.0 - self.first) as usize].sign(record)
    }

    fn sign(
        &mut self,
        op: Op,
        from: usize,
        key: NonceKey,
        to: Address,
        amount: u64,
        fee: u64,
    ) -> SignedTransaction {
        let next = &mut self.nonces[from][key as usize];
        let nonce = *next;
        *next += 1;
        self.keys[from].sign_transaction(Transaction {
            op,
            chain_id: CHAIN,
            from: LeafIndex(self.first + from as u32),
            nonce: Nonce::new(nonce, key),
            to_address: to,
            asset: ASSET,
            amount,
            fee,
            memo: 40 + u64::from(nonce),
            target: 0,
            valid_until: NO_END,
        })
    }

    pub fn block(&self, transactions: Vec<SignedTransaction>) -> Block {
        let fees = vec![FeePolicy { asset: ASSET, floor: 0, collector: self.address(0) }];
        Block { chain_id: CHAIN, number: self.ledger.height() + 1, time: TIME + 12, fees, transactions }
    }
}

/// An address that nobody has the key of.
pub fn stranger(number: u32) -> Address {
    hash(Tag::Address, &[from_u32(1000 + number); 8])
}
