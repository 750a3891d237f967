//! Not a measurement but a search: honest witnesses of all circuits of the test profile with one value changed, or
//! two of a row together, 100,000 times in all. None may be accepted. `--test` tries 2,000.
//!
//! Half of a circuit's mutations are drawn from all of its wires, half from the rows of each of its gates in equal
//! parts, so that rare gates have their share. The circuits of all profiles have the same gates, and the batch
//! circuits differ in counts only.

use std::collections::{BTreeMap, HashSet};
use std::error::Error;

use enfold_circuits::block::BlockOpening;
use enfold_circuits::check::Checker;
use enfold_circuits::circuit_set::CircuitSet;
use enfold_circuits::config::{CircuitData, F, Proof};
use enfold_circuits::fold::Child;
use enfold_circuits::kind::PathsTargets;
use enfold_circuits::mutate::{Harness, Report};
use enfold_circuits::recursion::{SlotWitness, fill_dead};
use enfold_fixtures::world::{World, WorldSpec};
use enfold_prover::plonk::Kernels;
use enfold_state::executor::execute;
use enfold_state::kind::{FamilyId, PerFamily};
use enfold_state::profile::{BatchId, Profile, ProfileId};
use enfold_witness::batch::{BatchWitness, Paths};
use enfold_witness::witness::{BlockWitness, witness_block};
use plonky2::field::types::Field;
use plonky2::iop::generator::generate_partial_witness;
use plonky2::iop::target::Target;
use plonky2::iop::witness::PartialWitness;
use rayon::prelude::*;

/// An honest witness of a circuit, and its wires that are free by design.
struct Case<'c> {
    name: &'static str,
    data: &'c CircuitData,
    inputs: PartialWitness<F>,
    free: Vec<Target>,
}

/// What was tried on a circuit.
struct Tried {
    all: usize,
    by_gate: BTreeMap<String, usize>,
    accepted: Vec<String>,
}

impl Case<'_> {
    fn run(&self, count: usize, seed: u64) -> Result<Tried, Box<dyn Error + Send + Sync>> {
        let witness =
            generate_partial_witness(self.inputs.clone(), &self.data.prover_only, &self.data.common)?;
        let checker = Checker::new(self.data);
        let mut harness = Harness::new(&checker, witness)?;
        let free: HashSet<usize> = self.free.iter().map(|&target| checker.class_of(target)).collect();
        let unexcused = |report: &Report| -> Vec<String> {
            let bad = report.unexcused(|site| free.contains(&checker.class(site.row, site.column)));
            bad.into_iter().map(|mutation| format!("{}: {mutation}", self.name)).collect()
        };

        let sampled = harness.sample(count / 2, seed);
        let (mut all, mut accepted) = (sampled.tried, unexcused(&sampled));

        // Rows by gate, in an order that mixes early and late ones.
        let mut rows: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for step in 0..checker.num_rows() {
            let row = (step * 0x9e37 + seed as usize) % checker.num_rows();
            if checker.gate_wires(row) > 0 {
                rows.entry(short(checker.gate_name(row)).to_owned()).or_default().push(row);
            }
        }
        let share = (count - count / 2).div_ceil(rows.len());
        let mut by_gate = BTreeMap::new();
        for (gate, rows) in rows {
            let mut tried = 0;
            for row in rows {
                if tried >= share {
                    break;
                }
                let classes = harness.classes_on([row]);
                let report = harness.each(&classes, seed + row as u64);
                tried += report.tried;
                accepted.extend(unexcused(&report));
            }
            all += tried;
            by_gate.insert(gate, tried);
        }
        Ok(Tried { all, by_gate, accepted })
    }
}

/// A gate's name without its parameters.
fn short(gate: &str) -> &str {
    gate.split([' ', '<', '(']).next().unwrap_or(gate)
}

/// The inverse of a fee that is zero is free: `charged = fee inverse` is zero whatever it is.
fn free(targets: &PathsTargets, witness: &BatchWitness) -> Vec<Target> {
    let (PathsTargets::Debit(targets), Paths::Debit(paths)) = (targets, &witness.paths) else {
        return Vec::new();
    };
    let legs = targets.iter().flat_map(|path| &path.legs).zip(paths.iter().flat_map(|path| &path.legs));
    legs.filter(|(_, leg)| leg.signed.transaction.fee == 0).map(|(target, _)| target.fee_inverse).collect()
}

/// A block in batches of a family, of all of its circuits.
fn block(circuits: &CircuitSet, family: FamilyId) -> Result<BlockWitness, Box<dyn Error>> {
    let others = FamilyId::ALL.into_iter().filter(|&other| other != family);
    let profile = others.fold(*circuits.profile(), Profile::without);
    let spec = WorldSpec { accounts: 40, skew: 1.2, hot_share: 0.3, new_share: 0.1, ..WorldSpec::default() };
    let mut world = World::new(spec);
    let block = world.block(60);
    let execution = execute(world.ledger(), &block)?;
    Ok(witness_block(&profile, world.ledger(), &block, &execution)?)
}

fn slot<'a>(proof: &'a Proof, key: &'a CircuitData, which: usize) -> SlotWitness<'a> {
    SlotWitness { proof, key: &key.verifier_only, live: F::ONE, which }
}

#[allow(clippy::print_stdout, reason = "a program that reports")]
fn main() -> Result<(), Box<dyn Error>> {
    let count: usize = if std::env::args().any(|argument| argument == "--test") { 2_000 } else { 100_000 };
    let circuits = CircuitSet::build_with(Kernels::default(), ProfileId::Test)?;
    let set = circuits.set();
    let mut cases = Vec::new();
    let blocks = FamilyId::ALL.into_iter().map(|family| block(&circuits, family));
    let blocks = blocks.collect::<Result<Vec<_>, _>>()?;
    for batch in BatchId::ALL {
        let block = &blocks[batch.family() as usize];
        let witness = block.batches.iter().find(|witness| witness.batch == batch);
        let witness = witness.ok_or_else(|| format!("the block has no {} batch", batch.name()))?;
        let circuit = circuits.batch(batch)?;
        cases.push(Case {
            name: batch.name(),
            data: &circuit.data,
            inputs: circuit.fill(witness, set)?,
            free: free(&circuit.targets().paths, witness),
        });
    }

    // The tree above them; the last lifts, the fold over two and the block over one have dead slots.
    let (fold, top) = (circuits.fold()?, circuits.block()?);
    let mut batches = PerFamily::<Vec<_>>::default();
    for witness in blocks.iter().flat_map(|block| &block.batches) {
        batches[witness.batch.family()].push((witness.batch, circuits.prove_batch(witness)?));
    }
    let mut lifts = Vec::new();
    for (family, batches) in batches.iter() {
        let lift = circuits.lift(family)?;
        let groups: Vec<_> = circuits.params().lift_groups(batches).collect();
        let mut slots = Vec::new();
        for (batch, proof) in *groups.last().ok_or("a block has a batch")? {
            slots.push(slot(proof, &circuits.batch(*batch)?.data, batch.place()));
        }
        let inputs = lift.fill(&fill_dead(slots, circuits.params().families[family].lift_arity), set)?;
        cases.push(Case { name: family.lift(), data: &lift.data, inputs, free: Vec::new() });
        if family == FamilyId::FIRST {
            for group in groups {
                lifts.push((Child::Lift(family), circuits.prove_lift(group)?));
            }
        }
    }
    let block = &blocks[FamilyId::FIRST as usize];

    let arity = circuits.params().fold_arity;
    let mut level = lifts;
    while level.len() > arity {
        let fold = |group: &[_]| circuits.prove_fold(group).map(|proof| (Child::Fold, proof));
        level = level.chunks(arity).map(fold).collect::<Result<_, _>>()?;
    }
    let slots = level.iter().map(|(child, proof)| SlotWitness {
        proof,
        key: fold.key(*child),
        live: F::ONE,
        which: child.place(),
    });
    let inputs = fold.fill(&fill_dead(slots.collect(), arity), fold.list())?;
    cases.push(Case { name: "fold", data: &fold.data, inputs, free: Vec::new() });

    let root = circuits.prove_fold(&level)?;
    let slots = fill_dead(vec![slot(&root, &fold.data, Child::Fold.place())], circuits.params().block_arity);
    let opening = BlockOpening::from(block);
    let inputs = top.fill(&slots, &opening.statement(circuits.id()), &opening)?;
    cases.push(Case { name: "block", data: &top.data, inputs, free: Vec::new() });

    let share = count.div_ceil(cases.len());
    let tried: Vec<_> = cases.par_iter().map(|case| case.run(share, 1)).collect();
    let (mut all, mut accepted) = (0, Vec::new());
    for (case, tried) in cases.iter().zip(tried) {
        let tried = tried.map_err(|error| format!("{}: {error}", case.name))?;
        let gates: Vec<_> = tried.by_gate.iter().map(|(gate, tried)| format!("{gate} {tried}")).collect();
        println!("{:<12} {:>7} mutations; by gate, besides: {}", case.name, tried.all, gates.join(", "));
        all += tried.all;
        accepted.extend(tried.accepted);
    }
    assert!(all >= count, "{all} of {count}");
    let shown = accepted.iter().take(20).map(|mutation| format!("\n  {mutation}")).collect::<String>();
    assert!(accepted.is_empty(), "{} of {all} mutations were accepted:{shown}", accepted.len());
    println!("{all} mutations: none accepted");
    Ok(())
}
