use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use enfold_state::profile::ProfileId;

const INSTANCES: Instances = Instances { wide: BatchId::DebitWide, deep: Some(BatchId::DebitDeep) };

/// A profile with windows of 4 leaves and the given shapes.
fn profile(wide: BatchShape, deep: BatchShape) -> Profile {
    let mut profile = Profile { window_depth: 2, ..*ProfileId::Test.profile() };
    for kind in [KindId::Debit, KindId::Credit] {
        let instances = Instances::of(kind, FamilyId::FIRST).unwrap();
        profile.shapes[instances.wide] = wide;
        profile.shapes[instances.deep.unwrap()] = deep;
    }
    profile
}

/// Lanes of the given lengths at the given leaves; the legs are numbered backwards, so that order shows.
fn lanes(lengths: &[(u32, usize)]) -> Lanes {
    let total: usize = lengths.iter().map(|&(_, length)| length).sum();
    let mut start = 0;
    let lanes = lengths
        .iter()
        .map(|&(index, length)| {
            let legs = start..start + length;
            start = legs.end;
            Lane { index: LeafIndex(index), legs }
        })
        .collect();
    Lanes { order: (0..total).rev().collect(), lanes }
}

/// Everything that a plan promises.
fn check(profile: &Profile, lanes: &Lanes) -> KindReport {
    let plan = KindPlan::new(profile, INSTANCES, lanes.clone());
    assert_eq!(plan, KindPlan::new(profile, INSTANCES, lanes.clone()), "deterministic");
    let report = plan.report(profile, INSTANCES);

    // Every lane is laid down whole and in order, in batches of one instance.
    for lane in &lanes.lanes {
        let mut next = lane.legs.start;
        let mut homes = Vec::new();
        for (number, batch) in plan.batches.iter().enumerate() {
            for path in batch.paths.iter().filter(|path| path.index == lane.index) {
                assert_eq!(path.legs.start, next);
                next = path.legs.end;
                homes.push(number);
            }
        }
        assert_eq!(next, lane.legs.end);
        homes.dedup();
        // Conflict-free: it lies in one batch, or goes on from one to the next.
        for pair in homes.windows(2) {
            assert_eq!(pair[0] + 1, pair[1]);
            assert_eq!(plan.batches[pair[0]].batch, plan.batches[pair[1]].batch);
        }
    }

    // A cut falls into one lane of long paths and one of single paths at most.
    for pair in plan.batches.windows(2) {
        let leaves =
            |batch: &PlannedBatch| -> BTreeSet<_> { batch.paths.iter().map(|path| path.index).collect() };
        let shared = leaves(&pair[0]).intersection(&leaves(&pair[1])).count();
        let long = profile.shape(pair[0].batch).long > 0;
        let single = profile.shape(pair[0].batch).singles > 0;
        assert!(shared <= usize::from(long) + usize::from(single));
    }

    // Capacity, windows, fill.
    // In front of another of its window and instance, a batch has no path to spare, or but single ones.
    let mut last = BTreeMap::new();
    for batch in &plan.batches {
        let shape = profile.shape(batch.batch);
        assert!((1..=shape.paths()).contains(&batch.paths.len()));
        let before = last.insert((batch.window, batch.batch), batch.paths.len());
        let filled = if shape.long > 0 { shape.long } else { shape.paths() };
        assert!(before.is_none_or(|paths| paths >= filled), "{before:?}");
        for (path, legs) in batch.paths.iter().zip(shape.legs()) {
            assert!((1..=legs).contains(&path.legs.len()));
            assert_eq!(path.index.0 >> profile.window_depth, batch.window);
        }
    }

    // Figures.
    assert_eq!(report.batches(), plan.batches.len());
    assert_eq!(report.legs, lanes.order.len());
    assert_eq!(report.lanes, lanes.lanes.len());
    assert_eq!(report.longest_lane, lanes.lanes.iter().map(|lane| lane.legs.len()).max().unwrap_or(0));
    assert!(report.lower_bound <= report.batches());
    assert!(report.fill() <= 1.0);
    report
}

/// Fewest batches for one window, by trying all choices.
fn optimum(shapes: [BatchShape; 2], lengths: &[usize]) -> usize {
    let [wide, deep] = shapes;
    let batches = |choice: usize| {
        let paths = |place: usize, legs: usize| -> usize {
            let there =
                lengths.iter().enumerate().filter(|&(i, _)| choice / 3_usize.pow(i as u32) % 3 == place);
            there.map(|(_, length)| length.div_ceil(legs)).sum()
        };
        let (single, in_deep) = (paths(0, 1), paths(2, deep.legs));
        let long = if wide.long == 0 { lengths.len() * paths(1, 1) } else { paths(1, wide.legs) };
        let by_long =
            long.checked_div(wide.long).unwrap_or(long) + usize::from(wide.long > 0 && long % wide.long > 0);
        by_long.max((single + long).div_ceil(wide.paths())) + in_deep.div_ceil(deep.long)
    };
    (0..3_usize.pow(lengths.len() as u32)).map(batches).min().unwrap_or_default()
}

fn arb_lanes() -> impl Strategy<Value = Lanes> {
    let length = prop_oneof![4 => 1..4usize, 2 => 1..20usize, 1 => 1..90usize];
    proptest::collection::btree_map(0..14u32, length, 0..14)
        .prop_map(|lengths| lanes(&lengths.into_iter().collect::<Vec<_>>()))
}

fn arb_profile() -> impl Strategy<Value = Profile> {
    // Long paths of `deep` hold as many legs as those of `wide`, or more.
    let wide = prop_oneof![
        (1..15usize).prop_map(BatchShape::singles),
        (1..15usize, 1..4usize, 2..6usize).prop_map(|(singles, long, legs)| BatchShape {
            long,
            legs,
            singles
        }),
    ];
    let shapes = (wide, 1..5usize, 1..12usize).prop_map(|(wide, long, legs)| {
        profile(wide, BatchShape::long(long.max(wide.long), legs.max(wide.legs)))
    });
    shapes.boxed()
}

proptest! {
    #[test]
    fn plans_keep_their_promises(profile in arb_profile(), lanes in arb_lanes()) {
        check(&profile, &lanes);
    }

    #[test]
    fn choice_is_near_the_optimum(
        profile in arb_profile(),
        lengths in proptest::collection::vec(1..60usize, 0..8),
    ) {
        let wide = Profile { window_depth: 4, ..profile };
        let numbered: Vec<_> = (0..).zip(lengths.iter().copied()).collect();
        let report = check(&wide, &lanes(&numbered));
        let found = report.batches();
        let shapes = INSTANCES.shapes(&wide);
        let best = optimum(shapes, &lengths);
        let many: usize = lengths.iter().sum();
        prop_assert!(report.lower_bound <= best, "bound {} with {} possible", report.lower_bound, best);
        // Lanes of many batches each are hard to pack.
        prop_assert!(found <= best + 1 + best / 5, "found {} with {} possible", found, best);
        prop_assert!(found <= many.div_ceil(shapes[0].paths()));
    }
}

#[test]
fn deep_takes_the_long_lane_and_its_room_is_filled() {
    // One lane of 32 legs fills four paths of eight, and twelve strangers fill one batch of the other instance.
    let profile = Profile { window_depth: 5, ..profile(BatchShape::singles(12), BatchShape::long(2, 8)) };
    let mut lengths: Vec<_> = (0..12).map(|i| (i, 1)).collect();
    lengths.push((20, 32));
    let report = check(&profile, &lanes(&lengths));
    assert_eq!((report.wide_batches, report.deep_batches), (1, 2));
    // A path less, and one stranger more: he gets the free path.
    lengths[12].1 = 24;
    lengths.push((21, 1));
    let report = check(&profile, &lanes(&lengths));
    assert_eq!((report.wide_batches, report.deep_batches, report.lower_bound), (1, 2, 3));
}

/// Both instances need one batch; the one with long paths opens fewer.
#[test]
fn among_equals_the_fewest_paths_are_opened() {
    let profile = Profile { window_depth: 5, ..profile(BatchShape::singles(12), BatchShape::long(3, 8)) };
    let report = check(&profile, &lanes(&[(3, 9), (7, 1)]));
    assert_eq!((report.wide_batches, report.deep_batches, report.paths), (0, 1, 3));
    let report = check(&profile, &lanes(&[(3, 1), (7, 1)]));
    assert_eq!((report.wide_batches, report.deep_batches, report.paths), (1, 0, 2));
}

/// A collector's lane takes long paths beside the strangers, and a batch less.
#[test]
fn long_paths_take_the_collector() {
    let wide = BatchShape { long: 2, legs: 8, singles: 12 };
    let profile = Profile { window_depth: 5, ..profile(wide, BatchShape::long(2, 30)) };
    let mut lengths: Vec<_> = (0..12).map(|i| (i, 1)).collect();
    lengths.push((20, 12));
    let report = check(&profile, &lanes(&lengths));
    assert_eq!((report.wide_batches, report.deep_batches, report.paths, report.lower_bound), (1, 0, 14, 1));
    // Without it two more strangers find room.
    lengths[12].1 = 1;
    lengths.push((21, 1));
    let report = check(&profile, &lanes(&lengths));
    assert_eq!((report.wide_batches, report.deep_batches, report.paths), (1, 0, 14));
    // A lane that is longer than the long paths has the rest in single ones.
    let lengths = [(1, 1), (2, 1), (20, 26)];
    let report = check(&profile, &lanes(&lengths));
    assert_eq!((report.wide_batches, report.deep_batches, report.paths, report.lower_bound), (1, 0, 14, 1));
    // Its lane goes on in the long paths of the next batch.
    let mut lengths: Vec<_> = (0..23).map(|i| (i, 1)).collect();
    lengths.push((24, 23));
    let report = check(&profile, &lanes(&lengths));
    assert_eq!((report.wide_batches, report.deep_batches, report.paths), (2, 0, 26));
}

#[test]
fn one_sender_of_75_costs_no_more_than_78_strangers() {
    for profile in ProfileId::ALL.map(ProfileId::profile) {
        for instances in KindId::ALL.iter().flat_map(|&kind| Instances::of(kind, FamilyId::FIRST)) {
            let batches = |lanes: Lanes| KindPlan::new(profile, instances, lanes).batches.len();
            let strangers: Vec<_> = (0..78).map(|i| (i, 1)).collect();
            let skewed = [(0, 75), (1, 1), (2, 1), (3, 1)];
            assert!(batches(lanes(&skewed)) <= batches(lanes(&strangers)));
        }
    }
}

/// By fractions of batches one would be enough: half a `deep` batch for the lane, half of the other for the strangers.
#[test]
fn the_bound_counts_whole_batches() {
    let profile = Profile { window_depth: 5, ..profile(BatchShape::singles(8), BatchShape::long(2, 20)) };
    let report = check(&profile, &lanes(&[(0, 1), (1, 1), (2, 1), (3, 1), (20, 8)]));
    assert_eq!((report.batches(), report.lower_bound), (2, 2));
    let report = check(&profile, &lanes(&[(0, 1), (20, 8)]));
    assert_eq!((report.batches(), report.lower_bound), (1, 1));
}

#[test]
fn large_plans_are_near_the_lower_bound() {
    // A Zipf-like block in one window of the standard profile.
    let profile = ProfileId::Standard.profile();
    let lengths: Vec<_> = (0..30_000u32).map(|i| (i, 1 + 40_000 / (i as usize + 1))).collect();
    let report = KindPlan::new(profile, INSTANCES, lanes(&lengths)).report(profile, INSTANCES);
    assert!(report.batches() <= report.lower_bound + 2, "{report:?}");
}

/// Lanes as they are laid down in a family that has one circuit: with long paths, and without.
#[test]
fn one_circuit_is_enough() {
    let mut profile = Profile { window_depth: 5, ..profile(BatchShape::singles(4), BatchShape::long(1, 1)) };
    let instances = Instances { wide: BatchId::DebitSmall, deep: None };
    let batches = |profile: &Profile, lengths: &[(u32, usize)]| {
        let plan = KindPlan::new(profile, instances, lanes(lengths));
        let paths = plan.batches.iter().map(|batch| {
            assert_eq!(batch.batch, BatchId::DebitSmall);
            batch.paths.iter().map(|path| (path.index.0, path.legs.len())).collect::<Vec<_>>()
        });
        paths.collect::<Vec<_>>()
    };
    profile.shapes[BatchId::DebitSmall] = BatchShape::singles(3);
    assert_eq!(batches(&profile, &[(1, 2), (4, 2)]), [vec![(1, 1), (1, 1), (4, 1)], vec![(4, 1)]]);
    profile.shapes[BatchId::DebitSmall] = BatchShape { long: 1, legs: 4, singles: 2 };
    assert_eq!(batches(&profile, &[(1, 1), (4, 4), (9, 1)]), [vec![(4, 4), (1, 1), (9, 1)]]);
    assert_eq!(batches(&profile, &[]), Vec::<Vec<_>>::new());
}

/// The plan of debits and credits alone, batches of all families.
fn settled(profile: &Profile, debits: &Lanes, credits: &Lanes) -> PerKind<KindPlan> {
    let mut plans = PerKind::from_fn(|kind| {
        let instances = Instances::of(kind, FamilyId::FIRST).unwrap();
        match kind {
            KindId::Debit => KindPlan::new(profile, instances, debits.clone()),
            KindId::Credit => KindPlan::new(profile, instances, credits.clone()),
            #[cfg(feature = "toy")]
            _ => KindPlan::default(),
        }
    });
    family::settle(profile, &mut plans);
    plans
}

fn families(plans: &PerKind<KindPlan>) -> Vec<FamilyId> {
    let kinds = KindId::in_order().into_iter().flat_map(|kind| &plans[kind].batches);
    kinds.map(|batch| batch.batch.family()).collect()
}

proptest! {
    /// Whatever a batch is given up for holds the same legs, in the same order and window, and fits its circuit.
    #[test]
    fn batches_of_other_families_hold_the_same_legs(
        debits in arb_lanes(), credits in arb_lanes(), dear in 0..4usize, profile in arb_profile(),
    ) {
        let mut profile = profile;
        profile.shapes[BatchId::DebitSmall] = BatchShape::singles(3);
        profile.shapes[BatchId::CreditSmall] = BatchShape { long: 1, legs: 3, singles: 2 };
        // Lift proofs that count for more and for less; and no large batches at all.
        profile.tree.recursion_cost = profile.tree.batch_cost[FamilyId::FIRST] * [0, 1, 20, 20][dear];
        if dear == 3 {
            profile = profile.without(FamilyId::FIRST);
        }
        let plans = settled(&profile, &debits, &credits);
        prop_assert_eq!(&plans, &settled(&profile, &debits, &credits));
        for (kind, lanes) in [(KindId::Debit, &debits), (KindId::Credit, &credits)] {
            let plan = &plans[kind];
            let mut next: BTreeMap<_, _> = lanes.lanes.iter().map(|lane| (lane.index, lane.legs.clone())).collect();
            for batch in &plan.batches {
                let shape = profile.shape(batch.batch);
                prop_assert_eq!(batch.batch.kind(), kind);
                prop_assert!((1..=shape.paths()).contains(&batch.paths.len()));
                for (path, legs) in batch.paths.iter().zip(shape.legs()) {
                    prop_assert!((1..=legs).contains(&path.legs.len()));
                    prop_assert_eq!(path.index.0 >> profile.window_depth, batch.window);
                    let left = next.get_mut(&path.index).unwrap();
                    prop_assert_eq!(path.legs.start, left.start);
                    left.start = path.legs.end;
                }
            }
            prop_assert!(next.values().all(|left| left.is_empty()));
        }
        let (all, large) = (families(&plans), families(&settled(&profile.without(FamilyId::Small), &debits, &credits)));
        prop_assert!(profile.tree.cost(all.iter().copied()) <= profile.tree.cost(large.iter().copied()));
        prop_assert!(dear != 3 || all.iter().all(|&family| family == FamilyId::Small));
    }
}

/// A block's circuits by name, of so many debits and credits of a leaf each.
fn circuits(profile: ProfileId, debits: u32, credits: u32) -> Vec<&'static str> {
    let each = |count: u32| lanes(&(0..count).map(|leaf| (leaf, 1)).collect::<Vec<_>>());
    let plans = settled(profile.profile(), &each(debits), &each(credits));
    let kinds = KindId::in_order().into_iter().flat_map(|kind| plans[kind].batches.clone());
    kinds.map(|batch| batch.batch.name()).collect()
}

#[test]
fn small_blocks_have_small_batches() {
    for id in ProfileId::ALL {
        let shape = |batch| id.profile().shape(batch).paths() as u32;
        let (small, wide) = (shape(BatchId::DebitSmall), shape(BatchId::DebitWide));
        assert_eq!(circuits(id, 1, 1), ["debit_small", "credit_small"]);
        assert_eq!(circuits(id, small, 2), ["debit_small", "credit_small"]);
        // Where a lift proof takes batches of one family, a small batch beside large ones would cost one more.
        assert_eq!(circuits(id, wide, 1), ["debit_wide", "credit_wide"]);
        assert_eq!(
            circuits(id, wide + 1, shape(BatchId::CreditWide)),
            ["debit_wide", "debit_wide", "credit_wide"]
        );
    }
    let standard = ProfileId::Standard;
    assert_eq!(circuits(standard, 100, 100), ["debit_small", "debit_small", "credit_small"]);
    assert!(circuits(standard, 4096, 4096).iter().all(|batch| !batch.ends_with("_small")));
}

/// Behind as many large batches as fill their lift proofs, the last one is small: the lift proof that it needs is needed anyway.
#[test]
fn a_small_batch_takes_the_lift_proof_that_a_large_one_would() {
    let id = ProfileId::Standard;
    let wide = id.profile().shape(BatchId::DebitWide).paths() as u32;
    let arity = id.profile().tree.lift_arity[FamilyId::Large] as u32;
    let got = circuits(id, arity * wide, 1);
    assert_eq!(got[..arity as usize], vec!["debit_wide"; arity as usize]);
    assert_eq!(got[arity as usize..], ["credit_small"]);
}

/// Compared with all choices there are. Fold proofs count by shares, so up to one of them may be off.
#[test]
fn no_choice_is_cheaper() {
    let mut tree = ProfileId::Standard.profile().tree;
    tree.lift_arity[FamilyId::Large] = 2;
    let (mut cheaper, mut seed) = (0, 7_u64);
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    for _ in 0..300 {
        tree.recursion_cost = tree.batch_cost[FamilyId::Large] * (1 + random(8)) / 4;
        let offers: Vec<Vec<_>> = (0..1 + random(8))
            .map(|_| match random(8) {
                0 | 1 => vec![(FamilyId::Large, 1)],
                count => vec![(FamilyId::Large, 1), (FamilyId::Small, count as usize)],
            })
            .collect();
        let cost = |taken: &dyn Fn(usize) -> usize| {
            let chosen = offers.iter().enumerate().map(|(at, own)| own[taken(at).min(own.len() - 1)]);
            let all: Vec<_> = chosen.flat_map(|(family, count)| std::iter::repeat_n(family, count)).collect();
            tree.cost(all)
        };
        let taken = family::cheapest(&tree, &offers);
        assert_eq!(taken.len(), offers.len());
        let (got, large) = (cost(&|at| taken[at]), cost(&|_| 0));
        let least = (0..1 << offers.len()).map(|bits: usize| cost(&|at| bits >> at & 1)).min().unwrap();
        assert!(got < least + tree.recursion_cost && got <= large, "{offers:?}: {got}, {least}, {large}");
        cheaper += usize::from(got < large);
    }
    assert!(cheaper > 100, "{cheaper}");
}
