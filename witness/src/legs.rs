//! Legs, run in the plan's order: the values of all leaves, before anything is hashed.
//!
//! Every leg is held against its circuit's rules on the way, by the code of the circuit's native twin ([`crate::debit`],
//! [`crate::credit`]): a row that cannot be proven would cost the whole block, so it has to be found before the seed is
//! fixed. Two rules hash and are not repeated: that a signature holds, and that its key is the owner's. The executor's
//! signature stage has checked both.
//!
//! All batches run side by side. A path continues another if its legs follow in the lane; where that one lies in a batch
//! before, at a cut, the leaf's value at the cut is found first.

use std::collections::HashMap;

use enfold_state::chain::Phase;
use enfold_state::executor::Execution;
use enfold_state::leaf::{Leaf, LeafIndex};
use enfold_state::ledger::Ledger;
use enfold_state::message::Message;
use enfold_state::transaction::SignedTransaction;
use enfold_state::writes::{self, Entry};
use rayon::prelude::*;

use crate::plan::{PhasePlan, Plan, PlannedBatch, PlannedPath};
use crate::step::StepError;
use crate::witness::WitnessError;
use crate::{credit, debit};

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

/// Writes that a task checks.
const WRITES: usize = 1 << 8;

/// Runs all legs in the plan's order.
pub(crate) fn draft<'a>(
    ledger: &Ledger,
    transactions: &[SignedTransaction],
    execution: &Execution,
    plan: &'a Plan,
) -> Result<Vec<Draft<'a>>, WitnessError> {
    let chain_id = ledger.chain_id();
    let debits = PhaseRun {
        plan: &plan.debit,
        phase: Phase::Debit,
        first_batch: 0,
        start: |index| ledger.leaf(index).copied(),
        leg: |leaf: Option<Leaf>, leg: Leg, messages: &mut Vec<Message>| {
            let leaf = leaf.ok_or(WitnessError::MissingLeaf { index: leg.index })?;
            let debit = &execution.debits[leg.position];
            let position = debit.position;
            let signed = transactions.get(position).ok_or(WitnessError::Position { position })?;
            let at = debit::At { path: leg.path, leg: leg.number, index: leg.index };
            let leaf = debit::check_record(chain_id, &leaf, &signed.transaction, at)
                .and_then(|()| debit::new_leaf(&leaf, &signed.transaction, true, at))
                .map_err(leg.breaks())?;
            let (transfer, fee) = execution.messages(debit).ok_or(WitnessError::Messages { position })?;
            let (fee_to, collector) = fee.map_or_else(Default::default, |fee| (fee.to, fee.to_address));
            let expected = debit::messages(leg.index, &signed.transaction, transfer.to, fee_to, collector);
            let expected_fee = Some(&expected[1]).filter(|fee| fee.amount != 0);
            if (transfer, fee) != (&expected[0], expected_fee) {
                return Err(WitnessError::Messages { position });
            }
            messages.push(*transfer);
            messages.extend(fee);
            Ok(leaf)
        },
    };
    let (mut drafts, debited) = debits.run()?;
    let after_debits = |index: LeafIndex| match debited.binary_search_by_key(&index, |&(index, _)| index) {
        Ok(at) => Some(debited[at].1),
        Err(_) => ledger.leaf(index).copied(),
    };
    let credits = PhaseRun {
        plan: &plan.credit,
        phase: Phase::Credit,
        first_batch: drafts.len(),
        start: after_debits,
        leg: |leaf: Option<Leaf>, leg: Leg, messages: &mut Vec<Message>| {
            let message = &execution.credits[leg.position];
            let mut leaf = leaf.unwrap_or_else(|| credit::empty_leaf(message));
            leaf.balance = credit::check_message(leg.index, &leaf, message, leg.path, leg.number)
                .and_then(|()| credit::new_balance(leaf.balance, message.amount, leg.path, leg.number))
                .map_err(leg.breaks())?;
            messages.push(*message);
            Ok(leaf)
        },
    };
    let (credit_drafts, credited) = credits.run()?;
    drafts.extend(credit_drafts);
    check_writes(ledger, execution, &debited, &credited)?;
    Ok(drafts)
}

/// Where a leg stands.
#[derive(Clone, Copy)]
struct Leg {
    batch: usize,
    path: usize,
    number: usize,
    index: LeafIndex,
    /// In the execution's list of debits or credits.
    position: usize,
}

impl Leg {
    /// It breaks a rule of its circuit.
    fn breaks(self) -> impl Fn(StepError) -> WitnessError {
        move |source| WitnessError::Rule { batch: self.batch, source: Box::new(source) }
    }
}

/// How the legs of a phase run.
struct PhaseRun<'a, S, L> {
    plan: &'a PhasePlan,
    phase: Phase,
    /// Number of the phase's first batch in the block.
    first_batch: usize,
    /// The leaf before its first leg.
    start: S,
    /// The leaf after a leg, whose messages are added to the list.
    leg: L,
}

/// No path.
const NONE: u32 = u32::MAX;

impl<'a, S, L> PhaseRun<'a, S, L>
where
    S: Fn(LeafIndex) -> Option<Leaf> + Sync,
    L: Fn(Option<Leaf>, Leg, &mut Vec<Message>) -> Result<Leaf, WitnessError> + Sync,
{
    /// The phase's batches, and what becomes of its leaves.
    fn run(&self) -> Result<(Vec<Draft<'a>>, Vec<Entry>), WitnessError> {
        let links = Links::new(self.plan);
        let cuts = self.cuts(&links)?;
        let batches = self.plan.batches.par_iter().enumerate();
        let drafts: Vec<_> = batches
            .map(|(batch, planned)| self.batch(batch, planned, &links, &cuts))
            .collect::<Result<_, _>>()?;
        let last = |&(index, number): &(LeafIndex, usize)| {
            let batch = links.paths[number].1 as usize;
            (index, drafts[batch].paths[number - links.firsts[batch]].after)
        };
        let finals = links.ends().par_iter().map(last).collect();
        Ok((drafts, finals))
    }

    fn batch(
        &self,
        batch: usize,
        planned: &'a PlannedBatch,
        links: &Links<'a>,
        cuts: &HashMap<u32, Leaf>,
    ) -> Result<Draft<'a>, WitnessError> {
        assert_eq!(planned.batch.phase(), self.phase, "the plan's batches stand under their phase");
        let legs: usize = planned.paths.iter().map(|path| path.legs.len()).sum();
        let debits = self.phase == Phase::Debit;
        let mut messages = Vec::with_capacity(if debits { 2 * legs } else { legs });
        let mut paths: Vec<DraftPath> = Vec::with_capacity(planned.paths.len());
        let first = links.firsts[batch];
        for number in first..first + planned.paths.len() {
            let index = links.paths[number].0.index;
            let before = match links.before[number] {
                NONE => (self.start)(index),
                other if other as usize >= first => Some(paths[other as usize - first].after),
                _ => cuts.get(&(number as u32)).copied(),
            };
            let after = self.path(links, number, before, &mut messages)?;
            paths.push(DraftPath { index, before, after });
        }
        let transactions = if debits { legs } else { 0 };
        Ok(Draft { plan: planned, order: &self.plan.order, phase: self.phase, paths, messages, transactions })
    }

    /// Runs a path's legs.
    fn path(
        &self,
        links: &Links<'a>,
        number: usize,
        before: Option<Leaf>,
        messages: &mut Vec<Message>,
    ) -> Result<Leaf, WitnessError> {
        let (PlannedPath { index, legs }, batch) = &links.paths[number];
        let (index, batch) = (*index, *batch as usize);
        let path = number - links.firsts[batch];
        let mut leaf = before;
        for (number, &position) in self.plan.order[legs.clone()].iter().enumerate() {
            let leg = Leg { batch: self.first_batch + batch, path, number, index, position };
            leaf = Some((self.leg)(leaf, leg, messages)?);
        }
        leaf.ok_or(WitnessError::MissingLeaf { index })
    }

    /// The leaves' values before the paths that continue one of another batch.
    fn cuts(&self, links: &Links<'a>) -> Result<HashMap<u32, Leaf>, WitnessError> {
        // Only looked up by the path's number.
        let mut cuts = HashMap::new();
        let mut discarded = Vec::new();
        for (number, &before) in links.before.iter().enumerate() {
            if before == NONE || before as usize >= links.firsts[links.paths[number].1 as usize] {
                continue;
            }
            // Back to the lane's start or to its last cut, whose value is known.
            let mut way = vec![before];
            while let &at = &way[way.len() - 1]
                && links.before[at as usize] != NONE
                && !cuts.contains_key(&at)
            {
                way.push(links.before[at as usize]);
            }
            let mut leaf = None;
            for &at in way.iter().rev() {
                let known = leaf.or_else(|| cuts.get(&at).copied());
                let known = known.or_else(|| (self.start)(links.paths[at as usize].0.index));
                leaf = Some(self.path(links, at as usize, known, &mut discarded)?);
                discarded.clear();
            }
            cuts.insert(number as u32, leaf.expect("the way has a path"));
        }
        Ok(cuts)
    }
}

/// How the paths of a phase's lanes hang together. Paths are numbered through, batch after batch.
struct Links<'a> {
    /// The paths with the numbers of their batches.
    paths: Vec<(&'a PlannedPath, u32)>,
    /// For each batch its first path.
    firsts: Vec<usize>,
    /// For each path the one that it continues; [`NONE`] at the start of a lane.
    before: Vec<u32>,
    /// For each path whether another continues it.
    continued: Vec<bool>,
}

impl<'a> Links<'a> {
    fn new(plan: &'a PhasePlan) -> Self {
        let batches = (0..).zip(&plan.batches);
        let paths: Vec<_> = batches
            .flat_map(|(batch, planned)| planned.paths.iter().map(move |path| (path, batch)))
            .collect();
        let first = |sum: &mut usize, planned: &PlannedBatch| {
            let first = *sum;
            *sum += planned.paths.len();
            Some(first)
        };
        let firsts = plan.batches.iter().scan(0, first).collect();
        // For each leg the path that ends with it.
        let mut ends = vec![NONE; plan.order.len()];
        for (number, (path, _)) in (0..).zip(&paths) {
            ends[path.legs.end - 1] = number;
        }
        let mut continued = vec![false; paths.len()];
        let link = |(number, (path, _)): (u32, &(&PlannedPath, u32))| {
            let before = path.legs.start.checked_sub(1).map_or(NONE, |leg| ends[leg]);
            match paths.get(before as usize) {
                Some((other, _)) if other.index == path.index => {
                    assert!(before < number, "a lane's paths stand in the order of their legs");
                    continued[before as usize] = true;
                    before
                }
                _ => NONE,
            }
        };
        let before = (0..).zip(&paths).map(link).collect();
        Self { before, continued, firsts, paths }
    }

    /// The leaves of all lanes, in their order, with the paths that end them.
    fn ends(&self) -> Vec<(LeafIndex, usize)> {
        let paths = self.paths.par_iter().zip(&self.continued).enumerate();
        let ends = paths.filter(|(_, (_, continued))| !**continued);
        let mut ends: Vec<_> = ends.map(|(number, ((path, _), _))| (path.index, number)).collect();
        // Sorted runs, one a batch, which this sort makes use of.
        ends.par_sort_by_key(|&(index, _)| index);
        ends
    }
}

/// The batches leave every leaf as the execution says.
fn check_writes(
    ledger: &Ledger,
    execution: &Execution,
    debited: &[Entry],
    credited: &[Entry],
) -> Result<(), WitnessError> {
    // All lists stand by leaf, so tasks share out the leaves: each has those from its first write, or the start, to the
    // next one's first write, or the end.
    let starts: Vec<LeafIndex> =
        execution.writes.iter().step_by(WRITES).skip(1).map(|&(index, _)| index).collect();
    let part = |entries: &'_ [Entry], task: usize| {
        let start = |task: usize| match task.checked_sub(1).map(|before| starts.get(before)) {
            None => 0,
            Some(Some(&start)) => entries.partition_point(|&(index, _)| index < start),
            Some(None) => entries.len(),
        };
        start(task)..start(task + 1)
    };
    let check = |task: usize| {
        let [writes, debited, credited] =
            [&execution.writes, debited, credited].map(|entries| &entries[part(entries, task)]);
        let mut writes = writes.iter().copied().peekable();
        for (index, leaf) in writes::merge(debited, credited) {
            if let Some((index, expected)) = writes.next_if(|&(written, _)| written < index) {
                return Err(WitnessError::Write { index, expected: Some(expected), got: None });
            }
            let expected = writes.next_if(|&(written, _)| written == index).map(|(_, expected)| expected);
            if expected.as_ref().or_else(|| ledger.leaf(index)) != Some(&leaf) {
                return Err(WitnessError::Write { index, expected, got: Some(leaf) });
            }
        }
        match writes.next() {
            Some((index, expected)) => {
                Err(WitnessError::Write { index, expected: Some(expected), got: None })
            }
            None => Ok(()),
        }
    };
    // The first leaf is reported.
    let checks: Vec<_> = (0..=starts.len()).into_par_iter().map(check).collect();
    checks.into_iter().collect()
}
