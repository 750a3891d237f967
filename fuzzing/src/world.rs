//! A chain of one block, from which the seeds are made.

use std::sync::LazyLock;

use enfold_fixtures::world::{World, WorldSpec};
use enfold_prover::options::ProveOptions;
use enfold_prover::prove::{PreparedBlock, prepare_block};
use enfold_state::block::{Block, BlockData, Genesis, GenesisLeaf};
use enfold_state::contracts::pool::LOCKED;
use enfold_state::leaf::issued_asset;
use enfold_state::ledger::Ledger;
use enfold_state::profile::ProfileId;
use enfold_state::record::pool::Pool;
use enfold_verifier::statement::BlockStatement;
use enfold_verifier::verify::{VerifierKey, verify_block};

/// The golden block proof of the profile `test`.
pub const GOLDEN: &[u8] = include_bytes!("../../fixtures/golden/test.proof");

/// What the golden proof says.
pub static GOLDEN_STATEMENT: LazyLock<BlockStatement> = LazyLock::new(|| {
    verify_block(VerifierKey::pinned(ProfileId::Test), GOLDEN).expect("the golden proof holds")
});

/// A chain before and after its first block.
pub struct Chain {
    pub genesis: Genesis,
    pub before: Ledger,
    pub after: Ledger,
    pub block: Block,
    pub data: BlockData,
    pub prepared: PreparedBlock,
}

/// The chain.
pub static CHAIN: LazyLock<Chain> = LazyLock::new(|| {
    let mut world = World::new(WorldSpec { seed: 14, accounts: 6, new_share: 0.2, ..WorldSpec::default() });
    let (genesis, before) = (world.genesis().clone(), world.ledger().clone());
    let block = world.block(8);
    let prepared = prepare_block(ProfileId::Test, &before, &block, &ProveOptions::default(), &|_| {})
        .expect("the block is valid");
    world.advance(&block).expect("the block is valid");
    let after = world.ledger().clone();
    Chain { genesis, before, after, block, data: prepared.data(), prepared }
});

/// The chain's genesis with two contracts: a pool, and one in which the first one's shares are traded.
pub static CONTRACTS: LazyLock<Genesis> = LazyLock::new(|| {
    let mut genesis = CHAIN.genesis.clone();
    let first = Pool {
        assets: [0, 9],
        kept: 9_970,
        weight: 2,
        reserves: [1 << 30, 1 << 39],
        supply: 1 << 35,
        unit: 1 << 20,
        time: genesis.time,
        number: 0,
    };
    let shares = issued_asset(0, 0);
    let (assets, supply) = ([9, shares], LOCKED);
    let second = Pool { assets, kept: 10_000, weight: 1, reserves: [5, 7], supply, unit: 1, ..first };
    genesis.contracts = [first, second].map(|pool| pool.try_into().expect("a pool")).to_vec();
    let (address, balance) = (genesis.leaves[0].address, first.supply - LOCKED - 7);
    genesis.leaves.push(GenesisLeaf { address, asset: shares, balance });
    genesis
});
