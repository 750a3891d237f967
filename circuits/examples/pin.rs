//! Writes what is pinned of the named profiles to `fixtures/pinned`: the block circuit's key, which the
//! program embeds, and the list of all circuits. With `--golden`, a proof and its statement too.
//!
//! ```text
//! cargo run --release -p enfold-circuits --example pin -- [--golden] test standard
//! ```
//!
//! A changed file is a changed protocol: proofs of before do not verify any more.

use std::error::Error;
use std::path::Path;

use enfold_circuits::block::BlockOpening;
use enfold_circuits::circuit_set::CircuitSet;
use enfold_circuits::fold::Child;
use enfold_circuits::verify::encode;
use enfold_fixtures::world::{World, WorldSpec};
use enfold_state::executor::execute;
use enfold_witness::profile::ProfileId;
use enfold_witness::witness::witness_block;

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
        let circuits = CircuitSet::build(profile)?;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/pinned");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(format!("{profile}.key")), circuits.verifier_key().to_bytes())?;
        std::fs::write(folder.join(format!("{profile}.json")), json(&circuits.pinned())?)?;
        if golden {
            let folder = folder.join("../golden");
            std::fs::create_dir_all(&folder)?;
            let (file, opening) = golden_proof(&circuits)?;
            std::fs::write(folder.join(format!("{profile}.proof")), file)?;
            std::fs::write(folder.join(format!("{profile}.json")), json(&opening.statement(profile))?)?;
        }
    }
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// The proof file of a small block of transfers.
fn golden_proof(circuits: &CircuitSet) -> Result<(Vec<u8>, BlockOpening), Box<dyn Error>> {
    let mut world = World::new(WorldSpec { new_share: 0.2, hot_share: 0.2, ..WorldSpec::default() });
    let block = world.block(8);
    let execution = execute(world.ledger(), &block)?;
    let witness = witness_block(circuits.profile(), world.ledger(), &block, &execution)?;
    let mut level = Vec::new();
    for batch in &witness.batches {
        level.push((batch.batch, circuits.prove_batch(batch)?));
    }
    let params = circuits.params();
    let lift = |group: &[_]| circuits.prove_lift(group).map(|proof| (Child::Lift, proof));
    let mut level: Vec<_> = level.chunks(params.lift_arity).map(lift).collect::<Result<_, _>>()?;
    while level.len() > 1 || level[0].0 == Child::Lift {
        let fold = |group: &[_]| circuits.prove_fold(group).map(|proof| (Child::Fold, proof));
        level = level.chunks(params.fold_arity).map(fold).collect::<Result<_, _>>()?;
    }
    let opening = BlockOpening {
        chain_id: witness.chain_id,
        block_number: witness.number,
        before: witness.before,
        after: witness.after,
    };
    let proof = circuits.prove_block(&level[0].1, &opening)?;
    Ok((encode(circuits.id(), &proof), opening))
}
