//! A record of each form.

use enfold_fixtures::world::{World, WorldSpec};
use enfold_state::account_proof::{AccountProof, ContractProof};
use enfold_state::block::{Block, BlockData, Emitted, Genesis, Place};
use enfold_state::contracts::pool::LOCKED;
use enfold_state::kind::KindId;
use enfold_state::leaf::LeafIndex;
use enfold_state::ledger::Ledger;
use enfold_state::receipt::Receipt;
use enfold_state::record::pool::Pool;
use enfold_state::transaction::SignedTransaction;

/// One of each, with everything in it that the form can have.
pub struct Records {
    pub genesis: Genesis,
    pub block: Block,
    pub signed: SignedTransaction,
    pub data: BlockData,
    pub receipt: Receipt,
    pub account: AccountProof,
    pub contract: ContractProof,
}

pub fn records() -> Records {
    let mut world = World::new(WorldSpec { seed: 1, accounts: 3, fee_floor: 1, ..WorldSpec::default() });
    let mut genesis = world.genesis().clone();
    let (assets, reserves, time) = ([0, 1], [1_000, 2_000], genesis.time);
    let pool = Pool { assets, kept: 9_970, weight: 2, reserves, supply: LOCKED, unit: 1, time, number: 0 };
    genesis.contracts.push(pool.try_into().expect("a pool"));
    let start = Ledger::from_genesis(&genesis).expect("a genesis");
    let contract = ContractProof::new(&start, LeafIndex::of_contract(0)).expect("a contract");
    let mut block = world.block(3);
    block.fees = world.fees();
    let execution = world.advance(&block).expect("all are valid");
    let emitted = vec![Emitted { kind: KindId::Debit, messages: execution.credits.clone() }];
    let data = BlockData { chain_id: block.chain_id, number: 1, emitted };
    let signed = block.transactions[0];
    let place = Place { batch: 0, message: 0 };
    let receipt = Receipt::new(&data, place, signed.transaction.nonce, signed.transaction.valid_until)
        .expect("a transfer");
    let by = |signed: &&SignedTransaction| receipt.clone().with_signed(signed).is_ok();
    let of = *block.transactions.iter().find(by).expect("one of them is first");
    let receipt = receipt.with_signed(&of).expect("it is of this one");
    let account = AccountProof::new(world.ledger(), LeafIndex(1)).expect("a leaf");
    Records { genesis, block, signed, data, receipt, account, contract }
}
