//! Legs, run in the plan's order: the values of all leaves, before anything is hashed.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use enfold_state::chain::Phase;
use enfold_state::executor::Execution;
use enfold_state::leaf::{AMOUNT_LIMIT, Leaf, LeafIndex};
use enfold_state::ledger::Ledger;
use enfold_state::message::Message;
use enfold_state::transaction::Transaction;

use crate::plan::{PhasePlan, Plan, PlannedBatch, PlannedPath};
use crate::profile::Profile;
use crate::witness::WitnessError;

/// A batch before anything is hashed.
pub(crate) struct Draft<'a> {
    pub plan: &'a PlannedBatch,
    /// Positions of the legs in the execution, for the paths' ranges.
    pub order: &'a [usize],
    pub phase: Phase,
    pub paths: Vec<DraftPath>,
    /// The messages that it emits or consumes, in the order of its digest.
    pub messages: Vec<Message>,
    /// Its transactions; 0 in a credit batch.
    pub transactions: usize,
}

/// A live path with the leaf's values.
pub(crate) struct DraftPath {
    pub index: LeafIndex,
    pub before: Option<Leaf>,
    pub after: Leaf,
}

/// Leaves by index.
type Leaves = HashMap<LeafIndex, Leaf, BuildHasherDefault<IndexHasher>>;

/// Spreads leaf indices. They are dense and chosen by nobody, so nobody can make them collide.
#[derive(Clone, Copy, Debug, Default)]
struct IndexHasher(u64);

impl Hasher for IndexHasher {
    fn write_u32(&mut self, index: u32) {
        self.0 = (self.0 ^ u64::from(index)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u32(byte.into()));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Runs all legs in the plan's order.
pub(crate) fn draft<'a>(
    profile: &Profile,
    ledger: &Ledger,
    execution: &Execution,
    plan: &'a Plan,
) -> Result<Vec<Draft<'a>>, WitnessError> {
    let phases: [(&'a PhasePlan, Phase); 2] = [(&plan.debit, Phase::Debit), (&plan.credit, Phase::Credit)];
    // Only looked up by index, so its order does not matter.
    let mut leaves = Leaves::with_capacity_and_hasher(execution.writes.len(), Default::default());
    let mut drafts = Vec::new();
    for (phase_plan, phase) in phases {
        for planned in &phase_plan.batches {
            assert_eq!(planned.batch.phase(), phase, "the plan's batches stand under their phase");
            let mut paths = Vec::with_capacity(planned.paths.len());
            let mut messages = Vec::with_capacity(2 * profile.shape(planned.batch).capacity());
            let mut transactions = 0;
            for &PlannedPath { index, ref legs } in &planned.paths {
                let before = leaves.get(&index).or_else(|| ledger.leaf(index)).copied();
                let mut leaf = before;
                for &at in &phase_plan.order[legs.clone()] {
                    leaf = Some(match phase {
                        Phase::Debit => {
                            let debit = &execution.debits[at];
                            transactions += 1;
                            messages.push(debit.transfer);
                            messages.extend(debit.fee);
                            let leaf = leaf.ok_or(WitnessError::MissingLeaf { index })?;
                            debited(leaf, &debit.signed.transaction).ok_or(WitnessError::Range { index })?
                        }
                        _ => {
                            let message = &execution.credits[at];
                            messages.push(*message);
                            credited(leaf, message).ok_or(WitnessError::Range { index })?
                        }
                    });
                }
                let after = leaf.ok_or(WitnessError::MissingLeaf { index })?;
                leaves.insert(index, after);
                paths.push(DraftPath { index, before, after });
            }
            let order = &phase_plan.order;
            drafts.push(Draft { plan: planned, order, phase, paths, messages, transactions });
        }
    }
    check_writes(ledger, execution, &leaves)?;
    Ok(drafts)
}

/// The leaf after a debit; `None` if it leaves its range.
fn debited(leaf: Leaf, transaction: &Transaction) -> Option<Leaf> {
    let nonce = leaf.nonce.checked_add(1)?;
    let balance = leaf.balance.checked_sub(transaction.amount)?.checked_sub(transaction.fee)?;
    Some(Leaf { nonce, balance, ..leaf })
}

/// The leaf after a credit, which may create it; `None` if it leaves its range.
fn credited(leaf: Option<Leaf>, message: &Message) -> Option<Leaf> {
    let fresh = Leaf { address: message.to_address, nonce: 0, asset: message.asset, balance: 0 };
    let leaf = leaf.unwrap_or(fresh);
    let balance = leaf.balance.checked_add(message.amount).filter(|&balance| balance < AMOUNT_LIMIT)?;
    Some(Leaf { balance, ..leaf })
}

/// The batches leave every leaf as the execution says.
fn check_writes(ledger: &Ledger, execution: &Execution, leaves: &Leaves) -> Result<(), WitnessError> {
    let wrong = |index: LeafIndex| {
        let (expected, got) = (execution.writes.get(&index).copied(), leaves.get(&index).copied());
        WitnessError::Write { index, expected, got }
    };
    // The smallest index is named, whatever the map's order.
    let unlike = |&(index, leaf): &(&LeafIndex, &Leaf)| {
        execution.writes.get(index).or_else(|| ledger.leaf(*index)) != Some(leaf)
    };
    if let Some(index) = leaves.iter().filter(unlike).map(|(&index, _)| index).min() {
        return Err(wrong(index));
    }
    match execution.writes.keys().find(|index| !leaves.contains_key(index)) {
        Some(&index) => Err(wrong(index)),
        None => Ok(()),
    }
}
