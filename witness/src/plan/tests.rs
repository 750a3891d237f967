use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use enfold_state::kind::PerBatch;

use enfold_state::profile::ProfileId;

const INSTANCES: [BatchId; 2] = [BatchId::DebitWide, BatchId::DebitDeep];

/// A profile with windows of 4 leaves and the given shapes.
fn profile(wide: BatchShape, deep: BatchShape) -> Profile {
    Profile { id: ProfileId::Test, window_depth: 2, shapes: PerBatch::new([wide, deep, wide, deep]) }
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
        let shapes = INSTANCES.map(|batch| wide.shape(batch));
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
        for instances in [INSTANCES, [BatchId::CreditWide, BatchId::CreditDeep]] {
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
