//! A small chain with keys at hand.
#![allow(dead_code, reason = "each test file uses a part")]

use std::collections::HashMap;

use enfold_state::block::{Block, FeePolicy, Genesis, GenesisLeaf};
use enfold_state::chain::{BlockId, state_root};
use enfold_state::executor::{Execution, execute};
use enfold_state::keys::SecretKey;
use enfold_state::kind::PerBatch;
use enfold_state::leaf::{Address, LeafIndex};
use enfold_state::ledger::Ledger;
use enfold_state::message::Op;
use enfold_state::nonce::{Nonce, NonceKey};
use enfold_state::owner::L1Owner;
use enfold_state::profile::{BatchShape, Profile, ProfileId};
use enfold_state::transaction::{NO_END, SignedTransaction, Transaction};
use enfold_witness::check::check_block;
use enfold_witness::witness::{BlockWitness, witness_block};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub const CHAIN: u64 = 7;
pub const TIME: u32 = 1_700_000_000;
pub const ASSET: u32 = 3;
pub const BALANCE: u64 = 1_000_000;

/// Small batches and windows of 8 leaves.
pub const SMALL: Profile = Profile {
    id: ProfileId::Test,
    window_depth: 3,
    shapes: PerBatch::new([
        BatchShape::singles(4),
        BatchShape::long(2, 3),
        BatchShape::singles(2),
        BatchShape { long: 1, legs: 3, singles: 4 },
        BatchShape::long(2, 4),
        BatchShape { long: 1, legs: 2, singles: 2 },
    ]),
    tree: ProfileId::Test.profile().tree,
};

pub fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Accounts whose leaf index is their number; each owns one leaf.
pub struct World {
    pub keys: Vec<SecretKey>,
    pub ledger: Ledger,
    nonces: HashMap<(usize, NonceKey), u32>,
}

impl World {
    pub fn new(accounts: usize) -> Self {
        let mut rng = rng(accounts as u64);
        let keys: Vec<_> = (0..accounts).map(|_| SecretKey::random(&mut rng)).collect();
        let leaf = |key: &SecretKey| GenesisLeaf { address: key.address(), asset: ASSET, balance: BALANCE };
        let genesis = Genesis {
            chain_id: CHAIN,
            time: TIME,
            shards: 1,
            leaves: keys.iter().map(leaf).collect(),
            contracts: vec![],
        };
        Self { ledger: Ledger::from_genesis(&genesis).unwrap(), keys, nonces: HashMap::new() }
    }

    pub fn address(&self, account: usize) -> Address {
        self.keys[account].public_key().address(L1Owner::NONE)
    }

    /// A payment with the sender's next nonce of the first key.
    pub fn pay(&mut self, from: usize, to: Address, amount: u64, fee: u64) -> SignedTransaction {
        self.pay_by(NonceKey::First, from, to, amount, fee)
    }

    /// A payment with the sender's next nonce of a key.
    pub fn pay_by(
        &mut self,
        key: NonceKey,
        from: usize,
        to: Address,
        amount: u64,
        fee: u64,
    ) -> SignedTransaction {
        let nonce = self.nonces.entry((from, key)).or_default();
        let transaction = Transaction {
            op: Op::Transfer,
            chain_id: CHAIN,
            from: LeafIndex(from as u32),
            nonce: Nonce::new(*nonce, key),
            to_address: to,
            asset: ASSET,
            amount,
            fee,
            memo: u64::from(*nonce) << 40,
            target: 0,
            valid_until: NO_END,
        };
        *nonce += 1;
        self.keys[from].sign_transaction(transaction)
    }

    /// A block on the ledger, with account 0 as the collector of fees.
    pub fn block(&self, transactions: Vec<SignedTransaction>) -> Block {
        let fees = vec![FeePolicy { asset: ASSET, floor: 0, collector: self.address(0) }];
        let (number, time) = (self.ledger.height() + 1, self.ledger.time() + 12);
        Block { chain_id: CHAIN, number, time, fees, transactions }
    }

    /// Executes a block that must be valid in all its transactions.
    pub fn execute(&self, transactions: Vec<SignedTransaction>) -> (Block, Execution) {
        let block = self.block(transactions);
        let execution = execute(&self.ledger, &block).unwrap();
        assert_eq!(execution.rejections, []);
        (block, execution)
    }

    /// Witnesses a block, checks it, applies it, and compares the roots.
    pub fn step(&mut self, profile: &Profile, transactions: Vec<SignedTransaction>) -> BlockWitness {
        let (block, execution) = self.execute(transactions);
        let witness = witness_block(profile, &self.ledger, &block, &execution).unwrap();
        check_block(profile, &witness).unwrap();
        assert_eq!(witness.before.tree_root, self.ledger.tree().root());
        assert_eq!(witness.counts_before, self.ledger.counts());
        let BlockId { number, time, .. } = execution.block;
        let anew = self.ledger.prepare(number, time, execution.previous_root, &execution.writes).unwrap();
        assert_eq!(witness.prepared(), Ok(&anew), "the witness has hashed the nodes of the ledger");
        let (len, root) = (self.ledger.len(), self.ledger.apply(&execution).unwrap());
        assert_eq!(witness.after.tree_root, self.ledger.tree().root());
        assert_eq!(state_root(witness.after.tree_root, witness.after.counts), root);
        assert_eq!(witness.counts, self.ledger.counts());
        assert_eq!(witness.after.created as usize, self.ledger.len() - len);
        assert_eq!(witness.after.transactions as usize, execution.debits.len());
        assert_eq!(witness.after.messages as usize, execution.credits.len());
        assert_eq!(
            witness.emitted.iter().map(|batch| batch.messages.len()).sum::<usize>(),
            execution.credits.len()
        );
        witness
    }

    /// A random payment: senders and receivers skewed to small numbers, some receivers new, some payments with a fee.
    pub fn random_payment(&mut self, rng: &mut impl Rng, strangers: u32) -> SignedTransaction {
        let skewed =
            |rng: &mut dyn rand::RngCore, n: usize| (rng.gen_range(0.0..1.0f64).powi(3) * n as f64) as usize;
        let from = skewed(rng, self.keys.len());
        let to = match rng.gen_range(0..4) {
            0 => stranger(rng.gen_range(0..strangers)),
            _ => self.address(skewed(rng, self.keys.len())),
        };
        let (amount, fee) = (rng.gen_range(1..1000), rng.gen_range(0..3));
        self.pay_by(NonceKey::ALL[rng.gen_range(0..2)], from, to, amount, fee)
    }
}

/// An address that nobody has the key of.
pub fn stranger(number: u32) -> Address {
    use enfold_state::field::from_u32;
    use enfold_state::hash::{Tag, hash};
    hash(Tag::Address, &[from_u32(number); 5])
}
