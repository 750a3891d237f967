//! The lanes of a block: the legs of one leaf, in order of arrival. Lanes run side by side.

use rayon::prelude::*;

use super::{Check, ExecuteError, Sound};
use crate::credit::{opened, receive};
use crate::debit::spend;
use crate::leaf::LeafIndex;
use crate::ledger::Ledger;
use crate::message::Message;
use crate::rule::Rule;
use crate::transaction::SignedTransaction;
use crate::writes::{Entry, Writes};

/// Fewest legs that a thread takes at once.
pub(super) const MIN_LEGS: usize = 1 << 8;

/// Legs sorted by leaf, then arrival. The upper half of a number is the leaf, the lower the leg.
fn by_leaf(legs: impl ParallelIterator<Item = (LeafIndex, usize)>) -> Vec<u64> {
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
    let sorted = by_leaf(checks.par_iter().enumerate().with_min_len(MIN_LEGS).filter_map(leg));
    let run_lanes = |lanes: &[&[u64]]| {
        let (mut entries, mut refused) = (Vec::with_capacity(lanes.len()), Vec::new());
        for lane in lanes {
            let (index, _) = leaf_and_leg(lane[0]);
            let Some(&(mut leaf)) = ledger.leaf(index) else { continue };
            for &entry in *lane {
                let (_, at) = leaf_and_leg(entry);
                let rule = spend(&mut leaf, &transactions[at].transaction).err();
                refused.extend(rule.map(|rule| (at, rule)));
            }
            entries.push((index, leaf));
        }
        (entries, refused)
    };
    let (entries, refused): (Vec<_>, Vec<_>) = lanes(&sorted).par_chunks(MIN_LEGS).map(run_lanes).unzip();
    refused.into_iter().flatten().for_each(|(at, rule)| checks[at] = Err(Box::new(rule)));
    entries.concat()
}

/// Runs the credit lanes. Gives all leaves that change, those that were only debited, or are contracts', among them.
pub(super) fn run_credits(
    ledger: &Ledger,
    debited: &[Entry],
    credits: &[Message],
) -> Result<Writes, ExecuteError> {
    let to = |(at, message): (usize, &Message)| (message.to, at);
    let sorted = by_leaf(credits.par_iter().enumerate().with_min_len(MIN_LEGS).map(to));
    let lanes = lanes(&sorted);
    let run_lane = |lane: &[u64], debited: Option<&Entry>| {
        let (index, first) = leaf_and_leg(lane[0]);
        let opened = || ledger.leaf(index).copied().unwrap_or_else(|| opened(&credits[first]));
        let mut leaf = debited.map_or_else(opened, |&(_, leaf)| leaf);
        for &entry in lane {
            let (_, at) = leaf_and_leg(entry);
            receive(&mut leaf, &credits[at]).map_err(|rule| (at, index, rule))?;
        }
        Ok((index, leaf))
    };
    // A lane of which every transaction was refused has not changed.
    let has_changed = |entry: &&Entry| ledger.leaf(entry.0) != Some(&entry.1);
    // Lanes and debited leaves are both sorted, so a task walks along both: from its first lane, or the start, to the
    // next task's first lane, or the end.
    let start = |lane: usize| match lanes.get(lane) {
        Some(_) if lane == 0 => 0,
        Some(lane) => debited.partition_point(|&(index, _)| index < leaf_and_leg(lane[0]).0),
        None => debited.len(),
    };
    let run_lanes = |(task, lanes): (usize, &[&[u64]])| {
        let mut debited = &debited[start(task * MIN_LEGS)..start((task + 1) * MIN_LEGS)];
        let mut entries = Vec::with_capacity(lanes.len() + debited.len());
        let mut broken: Vec<(usize, LeafIndex, Rule)> = Vec::new();
        for lane in lanes {
            let (index, _) = leaf_and_leg(lane[0]);
            let before = debited.iter().take_while(|&&(other, _)| other < index).count();
            let (alone, rest) = debited.split_at(before);
            entries.extend(alone.iter().filter(has_changed));
            let own = rest.first().filter(|&&(other, _)| other == index);
            debited = &rest[own.iter().len()..];
            match run_lane(lane, own) {
                Ok(entry) => entries.push(entry),
                Err(at) => broken.push(at),
            }
        }
        entries.extend(debited.iter().filter(has_changed));
        (entries, broken)
    };
    let (entries, broken): (Vec<_>, Vec<_>) = lanes.par_chunks(MIN_LEGS).enumerate().map(run_lanes).unzip();
    // The first in order of arrival is reported, whatever its lane.
    match broken.into_iter().flatten().min_by_key(|&(at, ..)| at) {
        Some((_, index, rule)) => Err(ExecuteError::Credit { index, rule }),
        None => Ok(Writes::sorted(entries.concat())),
    }
}
