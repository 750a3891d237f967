//! Poseidon2 and the hashes on it, against an implementation of the paper's text and pinned values.

use std::collections::BTreeSet;

use enfold_state::codec::{from_body, to_body};
use enfold_state::field::{F, ONE, ORDER, reduce, to_u64};
use enfold_state::hash::{
    DIGEST_LEN, Digest, DigestError, MessageSponge, RATE, Side, Tag, WIDTH, hash, node, permute,
};
use enfold_state::kind::KindId;
use enfold_state::record::{ContractRecord, RecordKind};
use p3_goldilocks::{
    GOLDILOCKS_POSEIDON2_RC_12_EXTERNAL_FINAL, GOLDILOCKS_POSEIDON2_RC_12_EXTERNAL_INITIAL,
    GOLDILOCKS_POSEIDON2_RC_12_INTERNAL, MATRIX_DIAG_12_GOLDILOCKS,
};
use proptest::prelude::*;

type Integers = [u64; WIDTH];

fn add(a: u64, b: u64) -> u64 {
    ((u128::from(a) + u128::from(b)) % u128::from(ORDER)) as u64
}

fn mul(a: u64, b: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(ORDER)) as u64
}

fn seventh_power(a: u64) -> u64 {
    (0..6).fold(a, |power, _| mul(power, a))
}

/// The external matrix: circ(2 M4, M4, M4), section 5.1 of the paper.
fn external(state: Integers) -> Integers {
    const M4: [[u64; 4]; 4] = [[2, 3, 1, 1], [1, 2, 3, 1], [1, 1, 2, 3], [3, 1, 1, 2]];
    std::array::from_fn(|row| {
        (0..WIDTH).fold(0, |sum, column| {
            let factor = if row / 4 == column / 4 { 2 } else { 1 };
            add(sum, mul(factor * M4[row % 4][column % 4], state[column]))
        })
    })
}

/// The internal matrix: all ones, plus a diagonal.
fn internal(state: Integers) -> Integers {
    let sum = state.into_iter().fold(0, add);
    std::array::from_fn(|i| add(sum, mul(to_u64(MATRIX_DIAG_12_GOLDILOCKS[i]), state[i])))
}

/// Poseidon2, section 6 of the paper: 4 full rounds, 22 partial ones, 4 full ones.
fn permutation(input: Integers) -> Integers {
    let full = |state: Integers, constants: &[F; WIDTH]| {
        external(std::array::from_fn(|i| seventh_power(add(state[i], to_u64(constants[i])))))
    };
    let mut state = external(input);
    for constants in &GOLDILOCKS_POSEIDON2_RC_12_EXTERNAL_INITIAL {
        state = full(state, constants);
    }
    for constant in GOLDILOCKS_POSEIDON2_RC_12_INTERNAL {
        state[0] = seventh_power(add(state[0], to_u64(constant)));
        state = internal(state);
    }
    for constants in &GOLDILOCKS_POSEIDON2_RC_12_EXTERNAL_FINAL {
        state = full(state, constants);
    }
    state
}

/// The sponge as `hash` documents it.
fn sponge(tag: u64, record: &[u64]) -> [u64; DIGEST_LEN] {
    let mut state = [0; WIDTH];
    state[RATE] = tag;
    for block in record.chunks(RATE) {
        state[..RATE].fill(0);
        state[..block.len()].copy_from_slice(block);
        state = permutation(state);
    }
    [state[0], state[1], state[2], state[3]]
}

fn elements(integers: &[u64]) -> Vec<F> {
    integers.iter().copied().map(reduce).collect()
}

fn numbers(digest: Digest) -> [u64; DIGEST_LEN] {
    digest.into()
}

fn arb_integers<const N: usize>() -> impl Strategy<Value = [u64; N]> {
    any::<[u64; N]>().prop_map(|integers| integers.map(|integer| integer % ORDER))
}

proptest! {
    #[test]
    fn permutation_is_the_papers(input in arb_integers::<WIDTH>()) {
        let mut state = input.map(reduce);
        permute(&mut state);
        prop_assert_eq!(state.map(to_u64), permutation(input));
    }

    #[test]
    fn nodes(input in arb_integers::<8>()) {
        let (left, right) = input.split_at(4);
        let digest = |half: &[u64]| Digest::try_from(<[u64; 4]>::try_from(half).expect("four")).expect("canonical");
        prop_assert_eq!(numbers(node(digest(left), digest(right))), sponge(0, &input));
    }

    #[test]
    fn records(input in arb_integers::<64>(), length in 1usize..=64) {
        let record = &input[..length];
        prop_assert_eq!(numbers(hash(Tag::Challenge, &elements(record))), sponge(3, record));
    }

    #[test]
    fn messages(
        kind in 0..7u8,
        side in prop::sample::select(vec![Side::Emit, Side::Consume]),
        first in arb_integers::<8>(),
        second in arb_integers::<8>(),
    ) {
        let start = 64 + 2 * u64::from(kind) + side as u64;
        let mut state: Integers = [0, 0, 0, 0, 0, 0, 0, 0, start, 0, 0, 0];
        let mut sponge = MessageSponge::new(kind, side);
        prop_assert_eq!(numbers(sponge.digest()), [start, 0, 0, 0]);
        for message in [first, second] {
            state[..RATE].copy_from_slice(&message);
            state = permutation(state);
            sponge.absorb(message.map(reduce));
            prop_assert_eq!(&numbers(sponge.digest())[..], &state[RATE..]);
        }
    }

    #[test]
    fn digests_read_back(input in arb_integers::<4>()) {
        let digest = Digest::try_from(input).expect("canonical");
        prop_assert_eq!(digest.to_string().parse(), Ok(digest));
        prop_assert_eq!(numbers(digest), input);
    }
}

/// A change to one of these is a change of protocol version.
#[test]
fn pinned_values() {
    let mut state = std::array::from_fn(|i| reduce(i as u64));
    permute(&mut state);
    let record = elements(&(0..64).collect::<Vec<_>>());
    let got = [
        Digest([state[0], state[1], state[2], state[3]]),
        node(Digest::ZERO, Digest::ZERO),
        hash(Tag::AccountLeaf, &record[..8]),
        hash(Tag::Address, &record[..8]),
        hash(Tag::Challenge, &record[..24]),
        hash(Tag::TransactionId, &record[..14]),
        hash(Tag::ChainState, &record[..30]),
        hash(Tag::Context, &record[..7]),
        hash(Tag::Seed, &record[..23]),
        hash(Tag::KeySet, &record[..16]),
        hash(Tag::Counts, &record),
        hash(Tag::StateRoot, &record[..8]),
        hash(Tag::Pool, &record[..8]),
    ];
    let expected = [
        "f292ab67c0f14b030a32f1b37656544c053c61ab895498de02ff92e55b196ffb",
        "5b31a8b9799ff836e385174fe60f4b08e82c6be88d50767c2778f3b6a18981e2",
        "1a7f8730f5be381e651942418b718fea6f5edabfd01175e5dcc65f406638b82d",
        "043644d5f6291abdf5a48b8e1d1c8c34ccd606d7298b2b9578729e551a144de7",
        "943e6348fcf9d49b1110675e11ae55e55c887d29253619858f53445d697e821c",
        "3919bb4c326c0215c7ab55c1cbdc353433e6b7d653dc912ff59c510097a0c3c5",
        "f6706c06dbe524b6c94e91ae657e4516947d8a9b77041eb9204d87c9ef81a107",
        "be262fe7a39f188275096e0d930461754eb02a1cdeb5f8f27a414c36957d9e0a",
        "107f71230bcc1038c330d52d081344860090142b5cf42e3aeaa0c69da9a23c86",
        "e548b7ffdbc871bcacf49806b5108c5a2a2e98fd81173ee147cd0fd7d2742086",
        "fcb3091f043bc5457a1be2dabc6b7d3cb33b4453ea48f09f9cc3e9904fc48da8",
        "58942e3cda0cf13c344271765ef2eb0adc57938b23f6a315172b64c755ab7be3",
        "17402be044be2a1991564da5327ff21ec971bccee274fca529b23378c3bc0b16",
    ];
    assert_eq!(got.map(|digest| digest.to_string()), expected);
}

/// A record's digest is the sponge over its tag and elements, as the second implementation has it, and as pinned.
#[test]
fn records_of_contracts() {
    let pool = [
        3 + (7 << 32),
        9_970 + (2 << 16),
        1_000_000,
        5_000_000,
        2_000_000,
        1 << 20,
        0,
        1_700_000_000 + (9 << 32),
    ];
    let record = ContractRecord::new(RecordKind::Pool, &pool).expect("a pool");
    assert_eq!(numbers(record.digest()), sponge(18, &pool));
    assert_eq!(
        record.digest().to_string(),
        "405b690d9ecdc054040e752055fbd1fbc8d661dc4d11450ef3805e9169941fe5"
    );
}

#[test]
fn tags_are_the_published_numbers() {
    // 5 started the messages of a batch, whatever its kind, in version 1: it is not used again.
    let tags = [
        (Tag::AccountLeaf, 1),
        (Tag::Address, 2),
        (Tag::Challenge, 3),
        (Tag::TransactionId, 4),
        (Tag::EmittedChain, 6),
        (Tag::ConsumedChain, 7),
        (Tag::ChainState, 8),
        (Tag::Context, 9),
        (Tag::Seed, 10),
        (Tag::LogUp, 11),
        (Tag::VerifierKey, 12),
        (Tag::KeySet, 13),
        (Tag::Nonce, 14),
        (Tag::Point, 15),
        (Tag::KeyFile, 16),
        (Tag::Counts, 17),
        (Tag::Pool, 18),
        (Tag::Queue, 32),
        (Tag::Exits, 33),
        (Tag::StateRoot, 37),
    ];
    for (tag, number) in tags {
        assert_eq!(to_u64(tag.element()), number);
    }
}

/// SECURITY: a record never passes for another of another kind, nor for a tree node.
#[test]
fn kinds_of_records_do_not_mix() {
    let record = elements(&[1, 2, 3, 4, 5, 6, 7, 8]);
    let digest = |half: &[F]| Digest(half.try_into().expect("four"));
    let leaf = hash(Tag::AccountLeaf, &record);
    assert_ne!(leaf, node(digest(&record[..4]), digest(&record[4..])));
    assert_ne!(leaf, hash(Tag::EmittedChain, &record));
    for kind in RecordKind::ALL {
        let record = elements(&(1..=kind.len() as u64).collect::<Vec<_>>());
        for other in [Tag::AccountLeaf, Tag::EmittedChain, Tag::StateRoot] {
            assert_ne!(hash(kind.tag(), &record), hash(other, &record));
        }
    }
    assert_ne!(hash(Tag::EmittedChain, &record), hash(Tag::ConsumedChain, &record));
    // Nor does a list of messages for one of another kind or side, whether it has messages or not.
    let kinds = KindId::ALL.map(|kind| [Side::Emit, Side::Consume].map(|side| (kind.number(), side)));
    let sponges = kinds.concat().into_iter().map(|(kind, side)| MessageSponge::new(kind, side));
    let digests = |messages: usize| {
        let sponges = sponges.clone();
        sponges.map(move |mut sponge| {
            (0..messages).for_each(|_| sponge.absorb([ONE; RATE]));
            sponge.digest()
        })
    };
    let all: Vec<_> = (0..3).flat_map(digests).collect();
    assert_eq!(all.len(), 3 * 2 * KindId::ALL.len());
    assert_eq!(all.iter().copied().map(numbers).collect::<BTreeSet<_>>().len(), all.len());
    assert_eq!(numbers(MessageSponge::new(KindId::Debit.number(), Side::Emit).digest()), [68, 0, 0, 0]);
    assert_eq!(numbers(MessageSponge::new(KindId::Credit.number(), Side::Consume).digest()), [73, 0, 0, 0]);
    assert!(!all.contains(&leaf));
}

#[test]
fn text_that_is_no_digest() {
    for text in ["", "00", &"0".repeat(63), &"0".repeat(66), &"g".repeat(64)] {
        assert!(matches!(text.parse::<Digest>(), Err(DigestError::NotHex { .. })), "{text}");
    }
    let text = format!("{}{ORDER:016x}", "0".repeat(48));
    assert_eq!(text.parse::<Digest>(), Err(DigestError::NotCanonical { got: ORDER }));
    assert!(serde_json::from_str::<Digest>(&format!("\"{text}\"")).is_err());
    let bytes = to_body(&[0, 0, 0, ORDER]).expect("serialises");
    assert!(from_body::<Digest>(&bytes).is_err());
}

mod batches {
    use enfold_state::field::{F, reduce};
    use enfold_state::hash::batch::{hashes_into, message_digests, nodes_into};
    use enfold_state::hash::permutation::LANES;
    use enfold_state::hash::{Digest, MessageSponge, RATE, Side, Tag, hash, node};
    use proptest::prelude::*;

    /// Elements that differ for each seed, place and list.
    fn element(seed: u64, list: usize, at: usize) -> F {
        reduce(
            seed.wrapping_add((list as u64) << 20)
                .wrapping_add(at as u64)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15),
        )
    }

    fn record<const N: usize>(seed: u64, at: usize) -> [F; N] {
        std::array::from_fn(|i| element(seed, at, i))
    }

    fn check_records<const N: usize>(seed: u64, count: usize) {
        let mut got = vec![Digest::ZERO; count];
        hashes_into(Tag::TransactionId, &mut got, |at| record::<N>(seed, at));
        let expected: Vec<_> =
            (0..count).map(|at| hash(Tag::TransactionId, &record::<N>(seed, at))).collect();
        assert_eq!(got, expected, "{count} records of {N}");
    }

    #[test]
    fn every_count_around_a_task() {
        for count in (0..=2 * LANES + 1).chain(32 * LANES - 1..=32 * LANES + 3).chain([67 * LANES + 2]) {
            check_records::<8>(1, count);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn records_and_nodes_hash_as_one_by_one(seed: u64, count in 0..600usize) {
            check_records::<1>(seed, count);
            check_records::<5>(seed, count);
            check_records::<14>(seed, count);
            check_records::<24>(seed, count);
            let pair = |at| [Digest(record(seed, at)), Digest(record(!seed, at))];
            let mut got = vec![Digest::ZERO; count];
            nodes_into(&mut got, pair);
            let expected: Vec<_> = (0..count).map(pair).map(|[left, right]| node(left, right)).collect();
            prop_assert_eq!(got, expected);
        }

        #[test]
        fn lists_digest_as_one_by_one(seed: u64, lengths in proptest::collection::vec(0..20usize, 0..40)) {
            let lists: Vec<Vec<[F; RATE]>> = lengths
                .iter()
                .enumerate()
                .map(|(list, &length)| (0..length).map(|at| record(seed, 100 * list + at)).collect())
                .collect();
            let start = |list: usize| {
                MessageSponge::new((list % 7) as u8, [Side::Emit, Side::Consume][list / 7 % 2])
            };
            let slices: Vec<_> =
                lists.iter().enumerate().map(|(list, messages)| (start(list), messages.as_slice())).collect();
            let expected: Vec<_> = lists
                .iter()
                .enumerate()
                .map(|(list, messages)| {
                    let mut sponge = start(list);
                    messages.iter().for_each(|&message| sponge.absorb(message));
                    sponge.digest()
                })
                .collect();
            prop_assert_eq!(message_digests(&slices, |&message| message), expected);
        }
    }
}
