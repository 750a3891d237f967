//! What a block's proofs are bound to, element by element.

use enfold_state::chain::{
    BlockId, ChainState, Commitments, Phase, context, empty_queue, link_consumed, link_emitted, no_exits,
    seed, state_root,
};
use enfold_state::field::{F, from_u32, reduce, to_u64};
use enfold_state::hash::{Digest, Tag, hash};
use enfold_state::shards::Counts;

const BLOCK: BlockId = BlockId { chain_id: (1 << 63) - 1, number: 5, time: 1_700_000_000 };

fn digest(first: u32) -> Digest {
    Digest([0, 1, 2, 3].map(|at| from_u32(first + at)))
}

fn elements(integers: &[u64]) -> Vec<F> {
    integers.iter().copied().map(reduce).collect()
}

fn commitments() -> Commitments {
    let [previous_root, emitted, consumed, queue, exits] = [100, 200, 300, 400, 500].map(digest);
    Commitments { previous_root, emitted, consumed, queue, exits }
}

#[test]
fn a_seed_and_a_context_hold_the_whole_block() {
    let mut record = elements(&[(1 << 63) - 1, 5, 1_700_000_000]);
    record.extend([100, 200, 300, 400, 500].map(digest).iter().flat_map(|digest| digest.0));
    let seed = seed(&BLOCK, &commitments());
    assert_eq!(seed, hash(Tag::Seed, &record));
    let record = [&record[..3], &seed.0].concat();
    assert_eq!(context(&BLOCK, seed), hash(Tag::Context, &record));
}

#[test]
fn another_block_is_another_seed_and_another_context() {
    let own = seed(&BLOCK, &commitments());
    let BlockId { chain_id, number, time } = BLOCK;
    for other in [
        BlockId { chain_id: chain_id - 1, ..BLOCK },
        BlockId { number: number + 1, ..BLOCK },
        BlockId { time: time - 1, ..BLOCK },
        BlockId { number: time, time: number, ..BLOCK },
    ] {
        assert_ne!(seed(&other, &commitments()), own);
        assert_ne!(context(&other, own), context(&BLOCK, own));
    }
}

#[test]
fn a_chain_state_is_thirty_elements() {
    let state = ChainState {
        tree_root: digest(10),
        emitted: digest(20),
        consumed: digest(30),
        sum: [40, 41].map(from_u32),
        transactions: 50,
        messages: 51,
        phase: Phase::Credit,
        queue: digest(60),
        exits: digest(70),
        counts: digest(80),
        created: 90,
    };
    let expected = [
        10, 11, 12, 13, 20, 21, 22, 23, 30, 31, 32, 33, 40, 41, 50, 51, 3, 60, 61, 62, 63, 70, 71, 72, 73,
        80, 81, 82, 83, 90,
    ];
    assert_eq!(state.elements().map(to_u64), expected);
    assert_eq!(Phase::ALL.map(|phase| phase as u8), [0, 1, 2, 3]);
}

#[test]
fn a_block_starts_with_nothing_in_it() {
    let start = ChainState::start(digest(10), empty_queue(), digest(20));
    let integers = start.elements().map(to_u64);
    assert_eq!(integers[..4], [10, 11, 12, 13]);
    assert_eq!(integers[4..17], [0; 13]);
    assert_eq!(integers[17..25], [32, 0, 0, 0, 33, 0, 0, 0]);
    assert_eq!(integers[25..], [20, 21, 22, 23, 0]);
    // Nothing was put in and nothing left: that is not zero.
    assert!(empty_queue() != Digest::ZERO && no_exits() != Digest::ZERO);
}

#[test]
fn roots_counts_and_links_are_hashes_of_their_parts() {
    let (a, b) = (digest(1), digest(9));
    let pair = [a.0, b.0].concat();
    assert_eq!(state_root(a, b), hash(Tag::StateRoot, &pair));
    assert_eq!(link_emitted(a, b), hash(Tag::EmittedChain, &pair));
    assert_eq!(link_consumed(a, b), hash(Tag::ConsumedChain, &pair));
    let mut counts = Counts::default();
    (counts.0[0], counts.0[31], counts.0[63]) = (7, 8, 1 << 24);
    let mut record = [reduce(0); 64];
    (record[0], record[31], record[63]) = (reduce(7), reduce(8), reduce(1 << 24));
    assert_eq!(counts.digest(), hash(Tag::Counts, &record));
    assert_eq!((counts.total(), counts.accounts()), (15 + (1 << 24), 15));
}
