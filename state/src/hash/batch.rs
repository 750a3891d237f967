//! Many independent hashes at once: one in each lane of the target's vectors, and chunks of them on all threads (with
//! the feature `node`).
//!
//! The digests are those of the functions for one record, in the same order, whatever the target's vector width (1
//! where it has none) and the number of threads.

use p3_field::PackedValue;

use super::permutation::{LANES, Packed, PackedState, permute_packed};
use super::{DIGEST_LEN, Digest, MessageSponge, RATE, Tag, hash, node};
use crate::field::{F, ZERO};
use crate::threads::{each_chunk, map_chunks};

/// Hashes of one task: enough that handing it to a thread does not count. A multiple of [`LANES`].
const TASK: usize = 32 * LANES;

/// With no more lanes in use than this, one permutation after the other is faster than all lanes at once.
const FEW_LANES: usize = LANES / 4;

/// The parents of `out.len()` pairs of nodes; `pair` gives the children by number, left first.
pub fn nodes_into(out: &mut [Digest], pair: impl Fn(usize) -> [Digest; 2] + Sync) {
    let record = |at| {
        let [left, right] = pair(at);
        let mut record = [ZERO; RATE];
        record[..DIGEST_LEN].copy_from_slice(&left.0);
        record[DIGEST_LEN..].copy_from_slice(&right.0);
        record
    };
    let single = |at| {
        let [left, right] = pair(at);
        node(left, right)
    };
    fill(out, ZERO, record, single);
}

/// The hashes of `out.len()` records of one tag and length; `record` gives them by number.
///
/// # Panics
/// If `N` is 0.
pub fn hashes_into<const N: usize>(tag: Tag, out: &mut [Digest], record: impl Fn(usize) -> [F; N] + Sync) {
    assert!(N > 0, "a record has at least one element");
    let single = |at| hash(tag, &record(at));
    fill(out, tag.element(), &record, single);
}

/// The digests of lists of messages, each absorbed by its sponge. A list is a chain of permutations; the lists run side by
/// side, those of like length together.
pub fn message_digests<T: Sync>(
    lists: &[(MessageSponge, &[T])],
    elements: impl Fn(&T) -> [F; RATE] + Sync,
) -> Vec<Digest> {
    let mut order: Vec<usize> = (0..lists.len()).collect();
    order.sort_by_key(|&list| std::cmp::Reverse(lists[list].1.len()));
    // The long groups stand together, so a task that took several would take more than its share.
    let groups: Vec<Vec<Digest>> = map_chunks(&order, LANES, |group| {
        let group: Vec<(MessageSponge, &[T])> = group.iter().map(|&list| lists[list]).collect();
        absorb_side_by_side(&group, &elements)
    });
    let mut digests = vec![Digest::ZERO; lists.len()];
    for (&list, digest) in order.iter().zip(groups.into_iter().flatten()) {
        digests[list] = digest;
    }
    digests
}

/// Fills `out`, on all threads if that pays.
fn fill<const N: usize>(
    out: &mut [Digest],
    tag: F,
    record: impl Fn(usize) -> [F; N] + Sync,
    single: impl Fn(usize) -> Digest + Sync,
) {
    let task = |start: usize, out: &mut [Digest]| {
        for (group, out) in out.chunks_mut(LANES).enumerate() {
            let first = start + group * LANES;
            if LANES == 1 || out.len() <= FEW_LANES {
                out.iter_mut().zip(first..).for_each(|(out, at)| *out = single(at));
            } else {
                side_by_side(out, tag, |lane| record(first + lane));
            }
        }
    };
    if out.len() <= TASK {
        task(0, out);
    } else {
        each_chunk(out, TASK, |number, out| task(number * TASK, out));
    }
}

/// Fills up to [`LANES`] digests. Lanes without a record repeat the last one.
fn side_by_side<const N: usize>(out: &mut [Digest], tag: F, record: impl Fn(usize) -> [F; N]) {
    let records: [[F; N]; LANES] = std::array::from_fn(|lane| record(lane.min(out.len() - 1)));
    let mut state = PackedState::ZERO;
    state.0[RATE] = Packed::broadcast(tag);
    for block in (0..N).step_by(RATE) {
        for (place, element) in state.0[..RATE].iter_mut().zip(block..) {
            *place = Packed::from_fn(|lane| records[lane].get(element).copied().unwrap_or(ZERO));
        }
        permute_packed(&mut state);
    }
    for (lane, out) in out.iter_mut().enumerate() {
        *out = Digest(std::array::from_fn(|element| state.0[element].extract(lane)));
    }
}

/// The digests of up to [`LANES`] lists, the longest first.
fn absorb_side_by_side<T>(
    lists: &[(MessageSponge, &[T])],
    elements: &impl Fn(&T) -> [F; RATE],
) -> Vec<Digest> {
    let (mut sponges, lists): (Vec<_>, Vec<_>) = lists.iter().copied().unzip();
    let live = |step: usize| lists.partition_point(|list| list.len() > step);
    let mut step = 0;
    while LANES > 1 && live(step) > FEW_LANES {
        // As long as these lanes are live, the state stays in vectors.
        let lanes = live(step);
        let end = lists[lanes - 1].len();
        let mut state = PackedState::ZERO;
        for (element, place) in state.0[RATE..].iter_mut().enumerate() {
            *place = Packed::from_fn(|lane| sponges[lane.min(lanes - 1)].0.0[element]);
        }
        (step..end).for_each(|at| {
            let messages: [[F; RATE]; LANES] =
                std::array::from_fn(|lane| elements(&lists[lane.min(lanes - 1)][at]));
            for (element, place) in state.0[..RATE].iter_mut().enumerate() {
                *place = Packed::from_fn(|lane| messages[lane][element]);
            }
            permute_packed(&mut state);
        });
        for (lane, sponge) in sponges[..lanes].iter_mut().enumerate() {
            sponge.0 = Digest(std::array::from_fn(|element| state.0[RATE + element].extract(lane)));
        }
        step = end;
    }
    for (sponge, list) in sponges.iter_mut().zip(&lists) {
        list.iter().skip(step).for_each(|message| sponge.absorb(elements(message)));
    }
    sponges.into_iter().map(MessageSponge::digest).collect()
}
