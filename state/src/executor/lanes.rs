//! The lanes of a block: the legs of one leaf, in order of arrival. Lanes run side by side.

use rayon::prelude::*;

use super::{Check, ExecuteError, Sound};
use crate::leaf::{AMOUNT_LIMIT, Leaf, LeafIndex};
use crate::ledger::Ledger;
use crate::message::Message;
use crate::rule::Rule;
use crate::transaction::{SignedTransaction, Transaction};

/// Fewest legs that a thread takes at once.
pub(super) const MIN_LEGS: usize = 1 << 8;

/// A leaf's contents after a phase.
pub(super) type Entry = (LeafIndex, Leaf);

/// Legs sorted by leaf, then arrival. The upper half of a number is the leaf, the lower the leg.
fn by_leaf(legs: impl Iterator<Item = (LeafIndex, usize)>) -> Vec<u64> {
    let mut sorted: Vec<u64> = legs.map(|(index, leg)| (u64::from(index.0) << 32) | leg as u64).collect();
    sorted.par_sort_unstable();
    sorted
}

/// The lanes of sorted legs.
fn lanes(sorted: &[u64]) -> Vec<&[u64]> {
    sorted.chunk_by(|a, b| a >> 32 == b >> 32).collect()
}

/// The leaf of a sorted leg, and the leg.
fn leaf_and_leg(entry: u64) -> (LeafIndex, usize) {
    (LeafIndex((entry >> 32) as u32), (entry & u64::from(u32::MAX)) as usize)
}

/// Runs the debit lanes. Gives the senders' leaves, by index, and notes the rules that transactions break.
pub(super) fn run_debits(
    ledger: &Ledger,
    transactions: &[SignedTransaction],
    checks: &mut [Check],
) -> Vec<Entry> {
    let leg = |(at, check): (usize, &Check)| check.as_ref().ok().map(|&Sound { from, .. }| (from, at));
    let sorted = by_leaf(checks.iter().enumerate().filter_map(leg));
    let run_lane = |lane: &&[u64]| {
        let (index, _) = leaf_and_leg(lane[0]);
        let mut leaf = *ledger.leaf(index)?;
        let legs = lane.iter().map(|&entry| leaf_and_leg(entry).1);
        let refused: Vec<_> = legs
            .filter_map(|at| Some((at, debit(&mut leaf, &transactions[at].transaction).err()?)))
            .collect();
        Some(((index, leaf), refused))
    };
    let run: Vec<_> = lanes(&sorted).par_iter().with_min_len(MIN_LEGS).filter_map(run_lane).collect();
    let mut entries = Vec::with_capacity(run.len());
    for (entry, refused) in run {
        entries.push(entry);
        refused.into_iter().for_each(|(at, rule)| checks[at] = Err(Box::new(rule)));
    }
    entries
}

/// Runs the credit lanes. Gives the receivers' leaves, by index.
pub(super) fn run_credits(
    ledger: &Ledger,
    debited: &[Entry],
    credits: &[Message],
) -> Result<Vec<Entry>, ExecuteError> {
    let sorted = by_leaf(credits.iter().enumerate().map(|(at, message)| (message.to, at)));
    let run_lane = |lane: &[u64], debited: Option<&Entry>| {
        let (index, first) = leaf_and_leg(lane[0]);
        let Message { to_address: address, asset, .. } = credits[first];
        let new = Leaf { address, nonce: 0, asset, balance: 0 };
        let mut leaf = debited.map_or_else(|| ledger.leaf(index).copied().unwrap_or(new), |&(_, leaf)| leaf);
        for &entry in lane {
            let (_, at) = leaf_and_leg(entry);
            leaf.balance = leaf.balance.saturating_add(credits[at].amount);
            if leaf.balance >= AMOUNT_LIMIT {
                return Err((at, index, leaf.balance));
            }
        }
        Ok((index, leaf))
    };
    // Lanes and debited leaves are both sorted, so a task walks along both.
    let run_lanes = |lanes: &[&[u64]]| -> Vec<Result<Entry, _>> {
        let first = leaf_and_leg(lanes[0][0]).0;
        let mut debited = debited[debited.partition_point(|&(index, _)| index < first)..].iter().peekable();
        let run = |lane: &&[u64]| {
            let (index, _) = leaf_and_leg(lane[0]);
            while debited.next_if(|&&(other, _)| other < index).is_some() {}
            run_lane(lane, debited.next_if(|&&(other, _)| other == index))
        };
        lanes.iter().map(run).collect()
    };
    let run: Vec<_> = lanes(&sorted).par_chunks(MIN_LEGS).map(run_lanes).collect();
    // The first in order of arrival is reported, whatever its lane.
    let broken = run.iter().flatten().filter_map(|lane| lane.as_ref().err()).min();
    if let Some(&(_, index, got)) = broken {
        return Err(ExecuteError::BalanceRange { index, got });
    }
    Ok(run.into_iter().flatten().flatten().collect())
}

/// Debits a lane, or leaves it as it is. Amount and fee are in range.
fn debit(leaf: &mut Leaf, tx: &Transaction) -> Result<(), Rule> {
    if tx.nonce != leaf.nonce {
        return Err(Rule::Nonce { expected: leaf.nonce, got: tx.nonce });
    }
    let nonce = leaf.nonce.checked_add(1).ok_or(Rule::NonceExhausted { got: tx.nonce })?;
    let total = tx.amount + tx.fee;
    let balance =
        leaf.balance.checked_sub(total).ok_or(Rule::Overdraft { expected: leaf.balance, got: total })?;
    (leaf.nonce, leaf.balance) = (nonce, balance);
    Ok(())
}
