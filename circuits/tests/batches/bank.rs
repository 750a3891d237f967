//! Batch circuits of the test profile, and honest witnesses for them.

use std::sync::{LazyLock, OnceLock};

use enfold_circuits::batch::BatchCircuit;
use enfold_circuits::params::{FamilyParams, Params, stock};
use enfold_circuits::removal::{self, Opened};
use enfold_fixtures::accounts::secret_keys;
use enfold_state::block::{Block, FeePolicy, Genesis, GenesisLeaf};
use enfold_state::executor::{Execution, execute};
use enfold_state::hash::{Digest, Tag, hash};
use enfold_state::keys::SecretKey;
use enfold_state::kind::{FamilyId, PerBatch};
use enfold_state::leaf::{Address, Leaf, LeafIndex};
use enfold_state::ledger::Ledger;
use enfold_state::message::Op;
use enfold_state::nonce::{Nonce, NonceKey};
use enfold_state::profile::{BatchId, Profile, ProfileId};
use enfold_state::transaction::{NO_END, SignedTransaction, Transaction};
use enfold_witness::batch::BatchWitness;
use enfold_witness::witness::{BlockWitness, witness_block};

pub const CHAIN: u64 = 7;
pub const TIME: u32 = 1_700_000_000;
pub const ASSET: u32 = 3;
pub const BALANCE: u64 = 1_000_000;
/// Any digest: `set` is free in a batch.
pub const SET: Digest = Digest::ZERO;

pub fn profile() -> &'static Profile {
    ProfileId::Test.profile()
}

/// The test profile's batch circuits, built once a test binary.
pub fn circuit(batch: BatchId) -> &'static BatchCircuit {
    static CIRCUITS: LazyLock<PerBatch<OnceLock<BatchCircuit>>> = LazyLock::new(Default::default);
    CIRCUITS[batch].get_or_init(|| build(batch))
}

/// The same with all named constraints out.
pub fn opened(batch: BatchId) -> &'static Opened<'static> {
    static OPENED: LazyLock<PerBatch<OnceLock<Opened<'static>>>> = LazyLock::new(Default::default);
    OPENED[batch].get_or_init(|| open(batch))
}

fn open(batch: BatchId) -> Opened<'static> {
    let (circuit, names) = removal::opened(|| build(batch));
    Opened::new(&Box::leak(Box::new(circuit)).data, names)
}

fn build(batch: BatchId) -> BatchCircuit {
    let params = Params::of(ProfileId::Test);
    // At a rate that plonky2 can prove at: some of the tests have it prove.
    let FamilyParams { config, degree_bits, .. } = params.of_batch(batch);
    BatchCircuit::build(profile(), batch, &stock(config), *degree_bits).unwrap()
}

/// Accounts whose leaf index is their number; each owns one leaf of [`ASSET`], which holds [`BALANCE`].
#[derive(Clone)]
pub struct Bank {
    pub keys: Vec<SecretKey>,
    pub ledger: Ledger,
    nonces: Vec<[u32; 2]>,
}

impl Bank {
    pub fn new(accounts: usize) -> Self {
        let keys = secret_keys(accounts as u64, accounts);
        let leaf = |key: &SecretKey| GenesisLeaf { address: key.address(), asset: ASSET, balance: BALANCE };
        let leaves = keys.iter().map(leaf).collect();
        let ledger = Ledger::from_genesis(&Genesis {
            chain_id: CHAIN,
            time: TIME,
            shards: 1,
            leaves,
            contracts: vec![],
        })
        .unwrap();
        Self { nonces: vec![[0; 2]; keys.len()], keys, ledger }
    }

    pub fn address(&self, account: usize) -> Address {
        self.keys[account].address()
    }

    /// Puts a leaf in the place of an account's, by a state that no genesis leads to.
    pub fn put_leaf(&mut self, account: usize, leaf: Leaf) {
        let mut leaves = self.ledger.leaves().clone();
        *leaves.get_mut(LeafIndex(account as u32)).unwrap() = leaf;
        self.nonces[account] = leaf.nonces;
        self.ledger = Ledger::restore(self.ledger.chain(), self.ledger.height(), TIME, leaves);
    }

    /// A payment with the sender's next nonce.
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
        let nonce = self.nonces[from][key as usize];
        self.nonces[from][key as usize] += 1;
        let transaction = Transaction {
            op: Op::Transfer,
            chain_id: CHAIN,
            from: LeafIndex(from as u32),
            nonce: Nonce::new(nonce, key),
            to_address: to,
            asset: ASSET,
            amount,
            fee,
            memo: 40 + u64::from(nonce),
            target: 0,
            valid_until: NO_END,
        };
        self.keys[from].sign_transaction(transaction)
    }

    /// Executes a block that is valid in all its transactions; account 0 collects the fees.
    pub fn execute(&self, transactions: Vec<SignedTransaction>) -> (Block, Execution) {
        let fees = vec![FeePolicy { asset: ASSET, floor: 0, collector: self.address(0) }];
        let (number, time) = (self.ledger.height() + 1, TIME + 12);
        let block = Block { chain_id: CHAIN, number, time, fees, transactions };
        let execution = execute(&self.ledger, &block).unwrap();
        assert_eq!(execution.rejections, []);
        (block, execution)
    }

    /// In batches of the first family.
    pub fn witness(&self, transactions: Vec<SignedTransaction>) -> BlockWitness {
        self.witness_of(FamilyId::FIRST, transactions)
    }

    /// In batches of a family.
    pub fn witness_of(&self, family: FamilyId, transactions: Vec<SignedTransaction>) -> BlockWitness {
        let (block, execution) = self.execute(transactions);
        let others = FamilyId::ALL.into_iter().filter(|&other| other != family);
        let profile = others.fold(*profile(), Profile::without);
        witness_block(&profile, &self.ledger, &block, &execution).unwrap()
    }
}

/// A leaf of [`ASSET`] with this nonce of key 0.
pub fn leaf(address: Address, nonce: u32, balance: u64) -> Leaf {
    Leaf { nonces: [nonce, 0], balance, ..Leaf::new(address, ASSET) }
}

/// An address that nobody has the key of.
pub fn stranger(number: u32) -> Address {
    use enfold_state::field::from_u32;
    hash(Tag::Address, &[from_u32(number); 8])
}

/// The only batch of a kind.
pub fn only(block: &BlockWitness, batch: BatchId) -> BatchWitness {
    let mut batches = block.batches.iter().filter(|witness| witness.batch == batch);
    let found = batches.next().unwrap_or_else(|| panic!("expected a {} batch", batch.name()));
    assert!(batches.next().is_none(), "expected one {} batch", batch.name());
    found.clone()
}
