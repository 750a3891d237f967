use proptest::prelude::*;

use super::*;
use crate::profile::ProfileId;

const INSTANCES: [BatchId; 2] = [BatchId::DebitMany, BatchId::DebitFew];

/// A profile with windows of 4 leaves and the given debit shapes.
fn profile(many: (usize, usize), few: (usize, usize)) -> Profile {
    let [many, few] = [many, few].map(|(paths, legs)| BatchShape { paths, legs });
    Profile { id: ProfileId::Test, window_depth: 2, shapes: [many, few, many, few] }
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
fn check(profile: &Profile, lanes: &Lanes) -> PhaseReport {
    let plan = PhasePlan::new(profile, INSTANCES, lanes.clone());
    assert_eq!(plan, PhasePlan::new(profile, INSTANCES, lanes.clone()), "deterministic");
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
        // Conflict-free: it lies in one batch, or goes from the end of one to the start of the next.
        for pair in homes.windows(2) {
            assert_eq!(pair[0] + 1, pair[1]);
            let (one, next) = (&plan.batches[pair[0]], &plan.batches[pair[1]]);
            assert_eq!(one.batch, next.batch);
            assert_eq!(one.paths.last().unwrap().index, lane.index);
            assert_eq!(next.paths.first().unwrap().index, lane.index);
        }
    }

    // Capacity, windows, fill.
    let mut partly = std::collections::BTreeSet::new();
    for batch in &plan.batches {
        let shape = profile.shape(batch.batch);
        assert!((1..=shape.paths).contains(&batch.paths.len()));
        if batch.paths.len() < shape.paths {
            assert!(
                partly.insert((batch.window, batch.batch)),
                "one partly filled batch a window and instance"
            );
        }
        for path in &batch.paths {
            assert!((1..=shape.legs).contains(&path.legs.len()));
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
    let batches = |choice: usize| {
        let paths = |few: usize| -> usize {
            let chosen = lengths.iter().enumerate().filter(|&(i, _)| choice >> i & 1 == few);
            chosen.map(|(_, length)| length.div_ceil(shapes[few].legs)).sum()
        };
        paths(0).div_ceil(shapes[0].paths) + paths(1).div_ceil(shapes[1].paths)
    };
    (0..1 << lengths.len()).map(batches).min().unwrap_or_default()
}

fn arb_lanes() -> impl Strategy<Value = Lanes> {
    let length = prop_oneof![4 => 1..4usize, 2 => 1..20usize, 1 => 1..90usize];
    proptest::collection::btree_map(0..14u32, length, 0..14)
        .prop_map(|lengths| lanes(&lengths.into_iter().collect::<Vec<_>>()))
}

fn arb_profile() -> impl Strategy<Value = Profile> {
    ((1..15usize, 1..3usize), (1..5usize, 1..12usize)).prop_map(|(many, few)| profile(many, few))
}

proptest! {
    #[test]
    fn plans_keep_their_promises(profile in arb_profile(), lanes in arb_lanes()) {
        check(&profile, &lanes);
    }

    #[test]
    fn choice_is_near_the_optimum(
        profile in arb_profile(),
        lengths in proptest::collection::vec(1..60usize, 0..11),
    ) {
        let wide = Profile { window_depth: 4, ..profile };
        let numbered: Vec<_> = (0..).zip(lengths.iter().copied()).collect();
        let found = check(&wide, &lanes(&numbered)).batches();
        let shapes = INSTANCES.map(|batch| wide.shape(batch));
        let best = optimum(shapes, &lengths);
        let many: usize = lengths.iter().map(|length| length.div_ceil(shapes[0].legs)).sum();
        prop_assert!(found <= best + 1, "found {} with {} possible", found, best);
        prop_assert!(found <= many.div_ceil(shapes[0].paths));
    }
}

#[test]
fn few_takes_the_long_lane_and_its_room_is_filled() {
    // One lane of 32 legs fills four paths of eight, and twelve strangers fill one batch of the other instance.
    let profile = Profile { window_depth: 5, ..profile((12, 1), (2, 8)) };
    let mut lengths: Vec<_> = (0..12).map(|i| (i, 1)).collect();
    lengths.push((20, 32));
    let report = check(&profile, &lanes(&lengths));
    assert_eq!((report.many_batches, report.few_batches), (1, 2));
    // A path less, and one stranger more: he gets the free path.
    lengths[12].1 = 24;
    lengths.push((21, 1));
    let report = check(&profile, &lanes(&lengths));
    assert_eq!((report.many_batches, report.few_batches, report.lower_bound), (1, 2, 3));
}

/// Both instances need one batch; the one with long paths opens fewer.
#[test]
fn among_equals_the_fewest_paths_are_opened() {
    let profile = Profile { window_depth: 5, ..profile((12, 1), (3, 8)) };
    let report = check(&profile, &lanes(&[(3, 9), (7, 1)]));
    assert_eq!((report.many_batches, report.few_batches, report.paths), (0, 1, 3));
    let report = check(&profile, &lanes(&[(3, 1), (7, 1)]));
    assert_eq!((report.many_batches, report.few_batches, report.paths), (1, 0, 2));
}

#[test]
fn one_sender_of_75_costs_no_more_than_78_strangers() {
    for profile in ProfileId::ALL.map(ProfileId::profile) {
        for instances in [INSTANCES, [BatchId::CreditMany, BatchId::CreditFew]] {
            let batches = |lanes: Lanes| PhasePlan::new(profile, instances, lanes).batches.len();
            let strangers: Vec<_> = (0..78).map(|i| (i, 1)).collect();
            let skewed = [(0, 75), (1, 1), (2, 1), (3, 1)];
            assert!(batches(lanes(&skewed)) <= batches(lanes(&strangers)));
        }
    }
}

#[test]
fn large_plans_are_near_the_lower_bound() {
    // A Zipf-like block in one window of the standard profile.
    let profile = ProfileId::Standard.profile();
    let lengths: Vec<_> = (0..30_000u32).map(|i| (i, 1 + 40_000 / (i as usize + 1))).collect();
    let report = PhasePlan::new(profile, INSTANCES, lanes(&lengths)).report(profile, INSTANCES);
    assert!(report.batches() <= report.lower_bound + 2, "{report:?}");
}
