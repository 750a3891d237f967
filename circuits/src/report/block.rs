//! What a block costs in rows.

use enfold_state::kind::{FamilyId, KindId, PerBatch, PerKind};
use enfold_state::message::Op;
use enfold_state::profile::{BatchId, ProfileId};
use enfold_witness::plan::Plan;
use serde::Serialize;

use super::batch_rows;
use crate::params::Params;
use crate::rows::RowCount;

/// Rows of a kind's circuits: of a path and of a leg. What is packed, such as ranges, counts by its share.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Marginal {
    path: f64,
    leg: f64,
}

/// Rows that paths and legs take in a profile's batch circuits.
#[derive(Clone, Debug)]
pub struct RowCosts {
    params: Params,
    /// Rows of each batch circuit that do not grow with its size.
    fixed: PerBatch<usize>,
    marginal: PerKind<Marginal>,
}

/// What a block costs in rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BlockCost {
    /// Batch proofs.
    pub batches: usize,
    /// Lift proofs.
    pub lifts: usize,
    /// Fold proofs.
    pub folds: usize,
    /// Rows of batch circuits that the block's legs and their paths take, and what each batch has besides. Padding
    /// is not counted.
    pub rows_used: u64,
    /// All rows of all circuits that are proven: batches, lifts, folds and the block.
    pub rows_paid: u64,
    /// Share of the rows paid that are of lifts, folds and the block, 0 to 1.
    pub recursion_share: f64,
    /// Rows used for each transaction.
    pub rows_used_per_transfer: f64,
    /// Rows paid for each transaction.
    pub rows_paid_per_transfer: f64,
}

impl Marginal {
    /// From the rows of two circuits of a kind: `paths path + legs leg = rows - fixed` for both.
    fn solve(id: ProfileId, kind: KindId, rows: &PerBatch<RowCount>) -> Self {
        let mut circuits = kind.of_family(FamilyId::FIRST);
        let [a, b] = [circuits.next(), circuits.next_back()].map(|batch| {
            let batch = batch.expect("a kind has a wide and a deep circuit of the first family");
            let (shape, rows) = (id.profile().shape(batch), &rows[batch]);
            let all = (rows.total() - rows.fixed()) as f64;
            (shape.paths() as f64, shape.capacity() as f64, all)
        });
        let determinant = a.0 * b.1 - b.0 * a.1;
        Self { path: (a.2 * b.1 - b.2 * a.1) / determinant, leg: (a.0 * b.2 - b.0 * a.2) / determinant }
    }
}

impl RowCosts {
    /// Of a profile, counted in its circuits without building them.
    pub fn of(id: ProfileId) -> Self {
        let rows = batch_rows(id);
        Self {
            params: Params::of(id),
            marginal: PerKind::from_fn(|kind| Marginal::solve(id, kind, &rows)),
            fixed: rows.map(|_, rows| rows.fixed()),
        }
    }

    /// Rows in use in a batch with this many live paths and legs.
    pub fn batch(&self, batch: BatchId, paths: usize, legs: usize) -> f64 {
        let Marginal { path, leg } = self.marginal[batch.kind()];
        self.fixed[batch] as f64 + paths as f64 * path + legs as f64 * leg
    }

    /// The cost of a block with this plan.
    pub fn block(&self, plan: &Plan) -> BlockCost {
        let signs = |kind: &KindId| Op::emitted_by(*kind).any(Op::is_signed);
        let transactions = KindId::ALL.iter().filter(|kind| signs(kind)).map(|&kind| plan[kind].order.len());
        let transfers = transactions.sum::<usize>() as f64;
        let (mut batches, mut used, mut paid) = (0, 0.0, 0_usize);
        for (_, batch) in plan.batches() {
            let legs = batch.paths.iter().map(|path| path.legs.len()).sum();
            batches += 1;
            paid += 1 << self.params.of_batch(batch.batch).degree_bits;
            used += self.batch(batch.batch, batch.paths.len(), legs);
        }
        let tree = self.params.id.profile().tree;
        let lifts = tree.lifts(plan.batches().map(|(_, batch)| batch.batch.family()));
        let folds = tree.folds(lifts);
        let Params { recursion_degree_bits, block_degree_bits, .. } = self.params;
        let recursion = ((lifts + folds) << recursion_degree_bits) + (1 << block_degree_bits);
        paid += recursion;
        BlockCost {
            batches,
            lifts,
            folds,
            rows_used: used.round() as u64,
            rows_paid: paid as u64,
            recursion_share: recursion as f64 / paid as f64,
            rows_used_per_transfer: used / transfers,
            rows_paid_per_transfer: paid as f64 / transfers,
        }
    }
}
