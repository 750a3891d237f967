//! The lanes of a block: the legs of one leaf, in order of arrival. Lanes run side by side.

use rayon::prelude::*;

use super::{Check, ExecuteError, Sound};
use crate::by_leaf::{ByLeaf, LegsOf};
use crate::credit::{opened, receive};
use crate::debit::spend;
use crate::leaf::LeafIndex;
use crate::ledger::Ledger;
use crate::message::Message;
use crate::rule::Rule;
use crate::transaction::SignedTransaction;
use crate::writes::{Entries, Entry, Writes};

/// Fewest legs that a thread takes at once.
pub(super) const MIN_LEGS: usize = 1 << 8;

/// Runs the debit lanes. Gives the senders' leaves, by index, and notes the rules that transactions break.
pub(super) fn run_debits(
    ledger: &Ledger,
    transactions: &[SignedTransaction],
    checks: &mut [Check],
) -> Vec<Entry> {
    let leg = |(at, check): (usize, &Check)| check.as_ref().ok().map(|&Sound { from, .. }| (from, at));
    let sorted = ByLeaf::new(checks.par_iter().enumerate().with_min_len(MIN_LEGS).filter_map(leg));
    let lanes: Vec<_> = sorted.lanes().collect();
    let run_lanes = |lanes: &[LegsOf<'_>]| {
        let (mut entries, mut refused) = (Vec::with_capacity(lanes.len()), Vec::new());
        for lane in lanes {
            let index = lane.index();
            let Some(&(mut leaf)) = ledger.leaf(index) else { continue };
            for at in lane.legs() {
                let rule = spend(&mut leaf, &transactions[at].transaction).err();
                refused.extend(rule.map(|rule| (at, rule)));
            }
            entries.push((index, leaf));
        }
        (entries, refused)
    };
    let (entries, refused): (Vec<_>, Vec<_>) = lanes.par_chunks(MIN_LEGS).map(run_lanes).unzip();
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
    let sorted = ByLeaf::new(credits.par_iter().enumerate().with_min_len(MIN_LEGS).map(to));
    let lanes: Vec<_> = sorted.lanes().collect();
    let run_lane = |lane: &LegsOf<'_>, debited: Option<&Entry>| {
        let index = lane.index();
        let first = || lane.legs().map(|at| opened(&credits[at])).next();
        let opened = || ledger.leaf(index).copied().or_else(first);
        let known = debited.map(|&(_, leaf)| leaf).or_else(opened);
        let mut leaf = known.expect("a lane has a leg");
        for at in lane.legs() {
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
        Some(lane) => debited.partition_point(|&(index, _)| index < lane.index()),
        None => debited.len(),
    };
    let run_lanes = |(task, lanes): (usize, &[LegsOf<'_>])| {
        let mut debited = &debited[start(task * MIN_LEGS)..start((task + 1) * MIN_LEGS)];
        let mut entries = Vec::with_capacity(lanes.len() + debited.len());
        let mut broken: Vec<(usize, LeafIndex, Rule)> = Vec::new();
        for lane in lanes {
            let index = lane.index();
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
        Some((_, index, rule)) => Err(ExecuteError::Credit { index, rule: Box::new(rule) }),
        None => Ok(Writes { leaves: Entries::sorted(entries.concat()), records: Entries::default() }),
    }
}
