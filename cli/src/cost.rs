//! What `enfold inspect block` says: a block's plan and its cost in rows.

use std::fmt;

use enfold_circuits::report::{BlockCost, RowCosts, rows_per_transfer};
use enfold_state::block::Block;
use enfold_state::executor::{Execution, Rejection};
use enfold_state::kind::{KindId, PerKind};
use enfold_state::profile::ProfileId;
use enfold_witness::plan::{KindReport, Plan, PlanReport};
use enfold_witness::whole::{self, WholeReport};
use serde::Serialize;

use crate::text::{count, grouped, list, proofs_of, stages};

/// A block's cost in a profile.
#[derive(Debug, Serialize)]
pub struct CostReport {
    kind: &'static str,
    profile: ProfileId,
    #[serde(with = "enfold_state::wide")]
    chain_id: u64,
    number: u32,
    /// Transactions that were accepted.
    transactions: usize,
    rejections: Vec<Rejection>,
    plan: PlanReport,
    /// Share of the paths of all batches that are in use, 0 to 1.
    fill: PerKind<f64>,
    /// Fewest batches that any plan could need.
    lower_bound: usize,
    /// Batches of whole transactions that it would need instead.
    whole_transactions: WholeReport,
    #[serde(flatten)]
    cost: BlockCost,
    /// The rows of batch circuits that a transfer takes whose leaves have no other leg in the block.
    cold_rows_per_transfer: f64,
}

impl CostReport {
    /// Plans an executed block. Nothing is proven.
    pub fn of(profile: ProfileId, block: &Block, execution: &Execution) -> Self {
        let plan = Plan::new(profile.profile(), execution);
        let report = plan.report(profile.profile());
        Self {
            kind: "block_cost",
            profile,
            chain_id: block.chain_id,
            number: block.number,
            transactions: execution.debits.len(),
            rejections: execution.rejections.clone(),
            plan: report,
            fill: PerKind::from_fn(|kind| report[kind].fill()),
            lower_bound: report.lower_bound(),
            whole_transactions: WholeReport::of(execution, whole::capacity(profile.profile())),
            cost: RowCosts::of(profile).block(&plan),
            cold_rows_per_transfer: rows_per_transfer(profile),
        }
    }
}

impl fmt::Display for CostReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { profile, number, chain_id, plan, cost, .. } = self;
        let transactions = count(self.transactions, "transaction", "transactions");
        writeln!(f, "block {number} of chain {chain_id}: {transactions}, profile {profile}")?;
        for rejection in &self.rejections {
            writeln!(f, "  left out: {rejection}")?;
        }
        plan.kinds().try_for_each(|(kind, report)| write_kind(f, kind, report))?;
        writeln!(
            f,
            "batches      {} (no plan has fewer than {})",
            grouped(cost.batches as u64),
            self.lower_bound
        )?;
        let WholeReport { capacity, strict, commutative, .. } = self.whole_transactions;
        writeln!(
            f,
            "whole        {} of up to {capacity} whole transactions with no account twice, {} if credits commute",
            count(strict, "batch", "batches"),
            grouped(commutative as u64)
        )?;
        let above = stages([cost.batches, cost.lifts, cost.folds, 1]).skip(1);
        let above = list(above.map(|(stage, count)| proofs_of(stage, count)));
        writeln!(f, "above them   {above}")?;
        let (used, paid) = (grouped(cost.rows_used), grouped(cost.rows_paid));
        writeln!(
            f,
            "rows used    {used}, {:.1} for each transaction (cold: {:.1})",
            cost.rows_used_per_transfer, self.cold_rows_per_transfer
        )?;
        writeln!(
            f,
            "rows paid    {paid}, {:.1} for each transaction; lift, fold and block are {:.1}%",
            cost.rows_paid_per_transfer,
            100.0 * cost.recursion_share
        )
    }
}

fn write_kind(f: &mut fmt::Formatter<'_>, kind: KindId, report: &KindReport) -> fmt::Result {
    let (legs, lanes) = (count(report.legs, "leg", "legs"), count(report.lanes, "lane", "lanes"));
    writeln!(
        f,
        "{:<12} {legs} in {lanes}, the longest of {}; {} wide, {} deep and {} small, {:.1}% full",
        kind.name(),
        grouped(report.longest_lane as u64),
        count(report.wide_batches, "batch", "batches"),
        report.deep_batches,
        report.small_batches,
        100.0 * report.fill()
    )
}
