//! Blocks of different patterns, batched by lanes and by whole transactions: how many batch proofs, and what they would
//! cost.

use enfold_circuits::circuit_set::CircuitSet;
use enfold_fixtures::workload::Workload;
use enfold_prover::events::Observer;
use enfold_prover::measure::measure_block;
use enfold_prover::options::ProveOptions;
use enfold_state::block::Block;
use enfold_state::executor::execute;
use enfold_state::kind::FamilyId;
use enfold_state::ledger::Ledger;
use enfold_state::profile::{BatchId, ProfileId};
use enfold_witness::plan::Plan;
use enfold_witness::whole::{self, WholeReport};
use serde::{Deserialize, Serialize};

use crate::error::BenchError;

/// Seconds of one proof of each kind that is made alone, on all threads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProofCosts {
    /// Of a batch of the first family, whose circuits all have the same rows. Those of others count by what they cost beside it.
    pub batch: f64,
    /// Of a lift.
    pub lift: f64,
    /// Of a fold; where none was made, of a lift, which has the same shape.
    pub fold: f64,
    /// Of the block proof.
    pub block: f64,
}

impl ProofCosts {
    /// Measures them on a block of a few large batches, proven `runs` times one proof after the other; the median run counts.
    ///
    /// # Errors
    /// If the block cannot be proven.
    pub fn measure(
        circuits: &CircuitSet,
        runs: usize,
        seed: u64,
        observer: Observer<'_>,
    ) -> Result<Self, BenchError> {
        let legs = circuits.profile().shape(BatchId::DebitWide).paths();
        let (ledger, block) = Workload::Uniform.make(4 * legs as u32, 2 * legs, seed);
        let options = ProveOptions { in_flight: Some(1), ..ProveOptions::default() };
        let measured = measure_block(circuits, &ledger, &block, &options, runs, observer)?;
        let cost = |name: &str| {
            measured.stages.iter().find(|stage| stage.stage == name).map_or(0.0, |stage| stage.proof_s)
        };
        // A small block has no fold. One has as many rows and columns as a lift.
        let (lift, fold) = (cost("lift"), cost("fold"));
        let fold = if fold > 0.0 { fold } else { lift };
        Ok(Self { batch: cost("batch"), lift, fold, block: cost("block") })
    }

    /// Seconds of all proofs of a block, one after the other.
    pub fn of(&self, proofs: &Proofs) -> f64 {
        let Proofs { batches: _, weight, lifts, folds } = *proofs;
        let count = |number: usize| number as f64;
        weight * self.batch + count(lifts) * self.lift + count(folds) * self.fold + self.block
    }
}

/// The proofs of a block, besides the block proof.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proofs {
    /// Batch proofs.
    pub batches: usize,
    /// What they cost together, counted in batches of the first family.
    pub weight: f64,
    /// Lift proofs.
    pub lifts: usize,
    /// Fold proofs.
    pub folds: usize,
}

impl Proofs {
    /// The proofs over so many batches of the first family, at least one.
    pub fn over(batches: usize, profile: ProfileId) -> Self {
        Self::of(vec![FamilyId::FIRST; batches], profile)
    }

    /// The proofs over batches of these families.
    pub fn of(batches: Vec<FamilyId>, profile: ProfileId) -> Self {
        let tree = profile.profile().tree;
        let lifts = tree.lifts(batches.iter().copied());
        let cost = |family| tree.batch_cost[family] as f64 / tree.batch_cost[FamilyId::FIRST] as f64;
        let weight = batches.iter().map(|&family| cost(family)).sum();
        Self { batches: batches.len(), weight, lifts, folds: tree.folds(lifts) }
    }
}

/// A way of batching a block.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batching {
    /// The proofs.
    pub proofs: Proofs,
    /// Seconds of all of them, one after the other, at the measured cost of each kind.
    pub proven_s: f64,
}

/// A block under each way of batching.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkloadReport {
    /// Name of the block.
    pub name: String,
    /// Transfers that are valid.
    pub transfers: usize,
    /// Transfers that were left out.
    pub rejected: usize,
    /// By lanes, as enfold batches: debits and credits in batches of their own.
    pub lanes: Batching,
    /// Batches by lanes, at least.
    pub lanes_lower_bound: usize,
    /// Whole transactions to a batch.
    pub whole_capacity: usize,
    /// Whole transactions, no account twice in a batch. Fees are left out of account.
    pub strict: Batching,
    /// The same, but for credits, which commute.
    pub commutative: Batching,
}

impl WorkloadReport {
    /// Executes a block and batches it, without proving it.
    ///
    /// # Errors
    /// If it cannot be executed.
    pub fn of(
        name: String,
        profile: ProfileId,
        costs: &ProofCosts,
        ledger: &Ledger,
        block: &Block,
    ) -> Result<Self, BenchError> {
        let execution = execute(ledger, block)?;
        let sizes = profile.profile();
        let plan = Plan::new(sizes, &execution);
        let families = plan.batches().map(|(_, batch)| batch.batch.family()).collect();
        let lanes = Proofs::of(families, profile);
        let whole = WholeReport::of(&execution, whole::capacity(sizes));
        let batching = |proofs: Proofs| Batching { proofs, proven_s: costs.of(&proofs) };
        let over = |batches: usize| batching(Proofs::over(batches, profile));
        Ok(Self {
            name,
            transfers: execution.debits.len(),
            rejected: execution.rejections.len(),
            lanes: batching(lanes),
            lanes_lower_bound: plan.report(sizes).lower_bound(),
            whole_capacity: whole.capacity,
            strict: over(whole.strict),
            commutative: over(whole.commutative),
        })
    }
}

#[cfg(test)]
mod tests {
    use enfold_prover::cache::circuits;
    use enfold_prover::events::ignore;

    use super::*;

    const COSTS: ProofCosts = ProofCosts { batch: 10.0, lift: 2.0, fold: 1.0, block: 0.5 };

    #[test]
    fn proofs_over_batches() {
        let over = |batches| {
            let Proofs { lifts, folds, .. } = Proofs::over(batches, ProfileId::Test);
            (lifts, folds)
        };
        assert_eq!(
            [1, 3, 4, 9, 10, 27, 28].map(over),
            [(1, 0), (1, 0), (2, 0), (3, 1), (4, 1), (9, 4), (10, 4)]
        );
        assert_eq!(COSTS.of(&Proofs::over(4, ProfileId::Test)), 40.0 + 4.0 + 0.5);
        assert_eq!(COSTS.of(&Proofs::over(7, ProfileId::Test)), 70.0 + 6.0 + 1.0 + 0.5);
        // Small batches have half of the rows in this profile, and lifts of their own.
        let mixed = Proofs::of(vec![FamilyId::Large, FamilyId::Small, FamilyId::Small], ProfileId::Test);
        assert_eq!(COSTS.of(&mixed), 20.0 + 4.0 + 0.5);
    }

    #[test]
    fn lanes_take_what_whole_transactions_cannot() {
        let report = |workload: Workload| {
            let (ledger, block) = workload.make(500, 300, 1);
            WorkloadReport::of(workload.to_string(), ProfileId::Test, &COSTS, &ledger, &block).unwrap()
        };
        let star = report(Workload::Star);
        assert_eq!(star.transfers + star.rejected, 300);
        // Every transfer credits the merchant.
        assert!(star.strict.proofs.batches >= star.transfers - 1);
        assert!(star.lanes.proofs.batches < star.strict.proofs.batches / 4, "{star:?}");
        assert!(star.commutative.proofs.batches <= star.strict.proofs.batches);
        assert!(star.lanes.proven_s < star.strict.proven_s);
        let sender = report(Workload::OneSender);
        assert_eq!((sender.strict.proofs.batches, sender.commutative.proofs.batches), (300, 300));
        let uniform = report(Workload::Uniform);
        assert!(uniform.lanes.proofs.batches >= uniform.lanes_lower_bound);
    }

    #[test]
    fn costs_are_measured() {
        let circuits = circuits(ProfileId::Test);
        let costs = ProofCosts::measure(circuits, 1, 1, &ignore).unwrap();
        assert!(
            [costs.batch, costs.lift, costs.fold, costs.block].iter().all(|&cost| cost > 0.0),
            "{costs:?}"
        );
    }
}
