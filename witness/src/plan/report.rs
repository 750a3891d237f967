//! Figures of a plan.

use std::ops::Index;

use enfold_state::kind::{FamilyId, KindId, PerKind};
use serde::{Deserialize, Serialize};

use super::bound::Bound;
use super::{Instances, KindPlan, Plan};
use enfold_state::profile::Profile;

/// Figures of a plan, kind by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlanReport(PerKind<KindReport>);

impl PlanReport {
    /// Batches of all kinds.
    pub fn batches(&self) -> usize {
        self.0.values().iter().map(KindReport::batches).sum()
    }

    /// Fewest batches that a plan of the same lanes could need, by the bound of [`KindReport::lower_bound`].
    pub fn lower_bound(&self) -> usize {
        self.0.values().iter().map(|report| report.lower_bound).sum()
    }

    /// The kinds with their figures.
    pub fn kinds(&self) -> impl Iterator<Item = (KindId, &KindReport)> {
        self.0.iter()
    }
}

impl Index<KindId> for PlanReport {
    type Output = KindReport;

    fn index(&self, kind: KindId) -> &KindReport {
        &self.0[kind]
    }
}

/// Figures of a kind's plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindReport {
    /// Legs planned.
    pub legs: usize,
    /// Lanes: leaves that have legs.
    pub lanes: usize,
    /// Legs of the longest lane.
    pub longest_lane: usize,
    /// Windows that have lanes.
    pub windows: usize,
    /// Batches of the `wide` instance of the first family.
    pub wide_batches: usize,
    /// Batches of its `deep` instance.
    pub deep_batches: usize,
    /// Batches of other families, which are smaller.
    pub small_batches: usize,
    /// Fewest batches that a plan could need in which a lane has paths of one instance only, were each lane free to take
    /// a fraction of a batch in the place that suits it best; rounded up in each window. Of batches of the first family,
    /// which hold what those of others do.
    pub lower_bound: usize,
    /// Live paths.
    pub paths: usize,
    /// Paths of all batches, padding included.
    pub path_slots: usize,
    /// Legs of all batches, padding included.
    pub leg_slots: usize,
}

impl KindReport {
    /// Batches of all instances.
    pub fn batches(&self) -> usize {
        self.wide_batches + self.deep_batches + self.small_batches
    }

    /// Share of the paths that are live, 0 to 1; 1 if there is no batch.
    pub fn fill(&self) -> f64 {
        if self.path_slots == 0 { 1.0 } else { self.paths as f64 / self.path_slots as f64 }
    }
}

impl Plan {
    /// Figures of the plan.
    pub fn report(&self, profile: &Profile) -> PlanReport {
        PlanReport(PerKind::from_fn(|kind| {
            let instances =
                Instances::of(kind, FamilyId::FIRST).expect("a kind has circuits of the first family");
            self[kind].report(profile, instances)
        }))
    }
}

impl KindPlan {
    pub(super) fn report(&self, profile: &Profile, instances: Instances) -> KindReport {
        let mut report = KindReport::default();
        let bound = Bound::new(instances.shapes(profile));
        let mut paths: Vec<_> = self.batches.iter().flat_map(|b| b.paths.iter()).collect();
        for batch in &self.batches {
            let shape = profile.shape(batch.batch);
            *match batch.batch {
                circuit if circuit == instances.wide => &mut report.wide_batches,
                circuit if Some(circuit) == instances.deep => &mut report.deep_batches,
                _ => &mut report.small_batches,
            } += 1;
            report.paths += batch.paths.len();
            report.path_slots += shape.paths();
            report.leg_slots += shape.capacity();
        }
        report.legs = self.order.len();
        // A leaf's paths may be in two batches; by leaf, windows come in order too.
        paths.sort_by_key(|path| path.index);
        for window in
            paths.chunk_by(|a, b| a.index.0 >> profile.window_depth == b.index.0 >> profile.window_depth)
        {
            report.windows += 1;
            let lanes: Vec<usize> = window
                .chunk_by(|a, b| a.index == b.index)
                .map(|lane| lane.iter().map(|path| path.legs.len()).sum())
                .collect();
            report.lanes += lanes.len();
            report.longest_lane = lanes.iter().copied().fold(report.longest_lane, usize::max);
            report.lower_bound += bound.batches(&lanes);
        }
        report
    }
}
