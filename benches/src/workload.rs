//! Blocks of different patterns, batched by lanes and by whole transactions: how many batch proofs, and what they would
//! cost.

use enfold_circuits::circuit_set::CircuitSet;
use enfold_circuits::params::Params;
use enfold_fixtures::workload::Workload;
use enfold_prover::events::Observer;
use enfold_prover::measure::measure_block;
use enfold_prover::options::ProveOptions;
use enfold_state::block::Block;
use enfold_state::executor::execute;
use enfold_state::ledger::Ledger;
use enfold_state::profile::ProfileId;
use enfold_witness::plan::Plan;
use enfold_witness::whole::{self, WholeReport};
use serde::{Deserialize, Serialize};

use crate::error::BenchError;

/// Seconds of one proof of each kind that is made alone, on all threads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProofCosts {
    /// Of a batch; all batch circuits of a profile have the same rows.
    pub batch: f64,
    /// Of a lift.
    pub lift: f64,
    /// Of a fold; where none was made, of a lift, which has the same shape.
    pub fold: f64,
    /// Of the block proof.
    pub block: f64,
}

impl ProofCosts {
    /// Measures them on a block of a few batches, proven `runs` times one proof after the other; the median run counts.
    ///
    /// # Errors
    /// If the block cannot be proven.
    pub fn measure(
        circuits: &CircuitSet,
        runs: usize,
        seed: u64,
        observer: Observer<'_>,
    ) -> Result<Self, BenchError> {
        let (ledger, block) = Workload::Uniform.make(1024, 32, seed);
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

    /// Seconds of all proofs of a block with so many batches, one after the other.
    pub fn of(&self, proofs: &Proofs) -> f64 {
        let Proofs { batches, lifts, folds } = *proofs;
        let count = |number: usize| number as f64;
        count(batches) * self.batch + count(lifts) * self.lift + count(folds) * self.fold + self.block
    }
}

/// The proofs of a block, besides the block proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proofs {
    /// Batch proofs.
    pub batches: usize,
    /// Lift proofs.
    pub lifts: usize,
    /// Fold proofs.
    pub folds: usize,
}

impl Proofs {
    /// The proofs over so many batches, at least one, by the profile's arities.
    pub fn over(batches: usize, profile: ProfileId) -> Self {
        let params = Params::of(profile);
        let lifts = batches.div_ceil(params.lift_arity);
        // Each fold takes away one less than its arity, until the block takes those that are left.
        let folds = lifts.saturating_sub(params.block_arity).div_ceil(params.fold_arity - 1);
        Self { batches, lifts, folds }
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
        let plan = Plan::new(sizes, &execution).report(sizes);
        let whole = WholeReport::of(&execution, whole::capacity(sizes));
        let batching = |batches: usize| {
            let proofs = Proofs::over(batches, profile);
            Batching { proofs, proven_s: costs.of(&proofs) }
        };
        Ok(Self {
            name,
            transfers: execution.debits.len(),
            rejected: execution.rejections.len(),
            lanes: batching(plan.batches()),
            lanes_lower_bound: plan.lower_bound(),
            whole_capacity: whole.capacity,
            strict: batching(whole.strict),
            commutative: batching(whole.commutative),
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
            let Proofs { batches: _, lifts, folds } = Proofs::over(batches, ProfileId::Test);
            (lifts, folds)
        };
        assert_eq!(
            [1, 3, 4, 9, 10, 27, 28].map(over),
            [(1, 0), (1, 0), (2, 0), (3, 1), (4, 1), (9, 4), (10, 4)]
        );
        assert_eq!(COSTS.of(&Proofs::over(4, ProfileId::Test)), 40.0 + 4.0 + 0.5);
        assert_eq!(COSTS.of(&Proofs::over(7, ProfileId::Test)), 70.0 + 6.0 + 1.0 + 0.5);
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
