//! Writes what is pinned of the named profiles to `verifier/keys`, from where the verifier embeds it: the block
//! circuit's key, the keys of batch, lift and fold circuits, and the list of all circuits. And to `fixtures/golden` the
//! data, a receipt and an account proof of the block that the golden proofs are of; with `--golden`, the proof and its
//! statement too.
//!
//! ```text
//! cargo run --release -p enfold-circuits --example pin -- [--golden] test standard proven
//! ```
//!
//! A changed file is a changed protocol: proofs of before do not verify any more.

use std::error::Error;
use std::path::Path;

use enfold_circuits::block::BlockOpening;
use enfold_circuits::circuit_set::CircuitSet;
use enfold_circuits::fold::Child;
use enfold_fixtures::world::{World, WorldSpec};
use enfold_prover::plonk::Kernels;
use enfold_state::account_proof::AccountProof;
use enfold_state::block::{Block, BlockData, Place};
use enfold_state::chain::BlockId;
use enfold_state::codec;
use enfold_state::executor::execute;
use enfold_state::ledger::Ledger;
use enfold_state::profile::{BatchId, ProfileId};
use enfold_state::receipt::Receipt;
use enfold_state::transaction::Transaction;
use enfold_verifier::verify::encode;
use enfold_witness::witness::{BlockWitness, witness_block};

fn main() -> Result<(), Box<dyn Error>> {
    let (flags, names): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let golden = match &flags[..] {
        [] => false,
        [flag] if flag == "--golden" => true,
        _ => return Err(format!("expected --golden or no flag, got {flags:?}").into()),
    };
    for name in names {
        let profile: ProfileId = name.parse()?;
        let circuits = CircuitSet::build_with(Kernels::default(), profile)?;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let keys = root.join("verifier/keys");
        std::fs::create_dir_all(&keys)?;
        std::fs::write(keys.join(format!("{profile}.key")), circuits.verifier_key()?.to_bytes())?;
        std::fs::write(keys.join(format!("{profile}.inner")), circuits.inner_keys().to_bytes())?;
        std::fs::write(keys.join(format!("{profile}.json")), json(&circuits.pinned()?)?)?;

        let folder = root.join("fixtures/golden");
        std::fs::create_dir_all(&folder)?;
        let block = GoldenBlock::new(profile)?;
        std::fs::write(folder.join(format!("{profile}.data")), codec::encode(&block.data())?)?;
        std::fs::write(folder.join(format!("{profile}.receipt")), codec::encode(&block.receipt()?)?)?;
        std::fs::write(folder.join(format!("{profile}.account")), codec::encode(&block.account()?)?)?;
        if golden {
            let (file, opening) = prove(&circuits, &block.witness)?;
            std::fs::write(folder.join(format!("{profile}.proof")), file)?;
            std::fs::write(folder.join(format!("{profile}.json")), json(&opening.statement(profile))?)?;
        }
    }
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// A small block of transfers, and the state after it.
struct GoldenBlock {
    block: Block,
    witness: BlockWitness,
    after: Ledger,
}

impl GoldenBlock {
    fn new(profile: ProfileId) -> Result<Self, Box<dyn Error>> {
        let mut world = World::new(WorldSpec { new_share: 0.2, hot_share: 0.2, ..WorldSpec::default() });
        let block = world.block(8);
        let execution = execute(world.ledger(), &block)?;
        let witness = witness_block(profile.profile(), world.ledger(), &block, &execution)?;
        world.advance(&block)?;
        Ok(Self { block, witness, after: world.ledger().clone() })
    }

    /// What the block publishes.
    fn data(&self) -> BlockData {
        let BlockWitness { block: BlockId { chain_id, number, .. }, ref emitted, .. } = self.witness;
        BlockData { chain_id, number, emitted: emitted.clone() }
    }

    /// The signed receipt for the first message's transaction.
    fn receipt(&self) -> Result<Receipt, Box<dyn Error>> {
        let data = self.data();
        let first = data.emitted[0].messages[0];
        let signed = self.block.transactions.iter().find(|signed| {
            let Transaction { from, amount, memo, .. } = signed.transaction;
            (from, amount, memo) == (first.from, first.amount, first.memo)
        });
        let signed = signed.ok_or("expected the first message's transaction in the block")?;
        let place = Place { batch: 0, message: 0 };
        let Transaction { nonce, valid_until, .. } = signed.transaction;
        Ok(Receipt::new(&data, place, nonce, valid_until)?.with_signed(signed)?)
    }

    /// The account proof of the leaf that the receipt's transaction debited.
    fn account(&self) -> Result<AccountProof, Box<dyn Error>> {
        let leaf = self.witness.emitted[0].messages[0].from;
        Ok(AccountProof::new(&self.after, leaf).ok_or("expected a leaf that sent, got none")?)
    }
}

/// The proof file of a block.
fn prove(circuits: &CircuitSet, witness: &BlockWitness) -> Result<(Vec<u8>, BlockOpening), Box<dyn Error>> {
    let mut level = Vec::new();
    for batch in &witness.batches {
        level.push((batch.batch, circuits.prove_batch(batch)?));
    }
    let params = circuits.params();
    let lift = |group: &[(BatchId, _)]| {
        circuits.prove_lift(group).map(|proof| (Child::Lift(group[0].0.family()), proof))
    };
    let mut level: Vec<_> = params.lift_groups(&level).map(lift).collect::<Result<_, _>>()?;
    while level.len() > params.block_arity {
        let fold = |group: &[_]| circuits.prove_fold(group).map(|proof| (Child::Fold, proof));
        level = level.chunks(params.fold_arity).map(fold).collect::<Result<_, _>>()?;
    }
    let opening = BlockOpening::from(witness);
    let proof = circuits.prove_block(&level, &opening)?;
    Ok((encode(circuits.id(), &proof), opening))
}
