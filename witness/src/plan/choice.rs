//! Where each lane of a window goes.
//!
//! All batch circuits of a family cost the same rows, so the choice that needs the fewest batches is taken; among equals, one that
//! opens the fewest paths. Choosing is a knapsack problem with two sorts of long paths, and answered greedily: not always
//! at the optimum, but never worse than single paths alone.

use std::cmp::Ordering;

use enfold_state::profile::BatchShape;

/// Where a lane goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Single paths of the `wide` instance, one for each leg.
    Single,
    /// Long paths of the `wide` instance.
    Long,
    /// This many long paths of the `wide` instance, and single paths for the rest. At most one lane is divided.
    Divided {
        /// At least one, and fewer than the whole lane takes.
        long: usize,
    },
    /// Long paths of the `deep` instance.
    Deep,
}

/// For each lane of a window, given by its length, where it goes. `shapes` are those of `wide` and `deep`; to a `deep` instance
/// without paths nothing goes.
///
/// For each number of `deep` batches that can pay, their paths are given to the lanes that save the most single paths
/// for a `deep` path, first come first served; of what is left, the long paths of as many `wide` batches as it takes are
/// given away in the same manner, and the lane that does not fit any more gets what is left of them. Of the numbers that
/// need the fewest batches together, the one that opens the fewest paths is taken, and the least of those.
pub(super) fn choose(shapes: [BatchShape; 2], lengths: &[usize]) -> Vec<Place> {
    let [wide, deep] = shapes;
    let total = lengths.iter().sum();
    let by_deep = Queue::new(lengths, deep.legs, Candidate::by_share);
    // What is best for lanes of some paths is not always best for those that go through many batches.
    let by_long =
        [Candidate::by_share, Candidate::by_saved].map(|order| Queue::new(lengths, wide.legs, order));
    let chooser = Chooser { wide, deep, total, by_deep, by_long };
    let mut best: Option<(Cost, Choice)> = None;
    for batches in 0..=chooser.deep_worth() + 1 {
        let deep = chooser.by_deep.fill(batches * deep.long);
        let at_least = chooser.deep_batches(deep.spent) + chooser.fewest_wide(&deep);
        if best.as_ref().is_some_and(|(cost, _)| cost.batches < at_least) {
            continue;
        }
        for by_long in &chooser.by_long {
            let (cost, choice) = chooser.complete(&deep, by_long);
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, choice));
            }
        }
    }
    best.map_or_else(Vec::new, |(_, choice)| chooser.places(&choice, lengths.len()))
}

/// What a choice costs, the weightiest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Cost {
    batches: usize,
    /// Live paths.
    paths: usize,
    /// `wide` batches beyond those that the number of paths asks for: what has only long paths in use.
    loose: usize,
}

/// Lanes with paths of their own in the `deep` instance, and lanes with long paths in the `wide` instance.
struct Choice {
    deep: Taken,
    long: Vec<usize>,
    /// A lane that has this many long paths but not all that it could use.
    divided: Option<(usize, usize)>,
}

struct Chooser {
    wide: BatchShape,
    deep: BatchShape,
    /// Total number of legs.
    total: usize,
    by_deep: Queue,
    by_long: [Queue; 2],
}

impl Chooser {
    /// The largest number of `deep` batches that can pay.
    fn deep_worth(&self) -> usize {
        let pays = |lane: &&Candidate| lane.legs * self.deep.long > lane.paths * self.wide.paths();
        let paths: usize = self.by_deep.lanes.iter().take_while(pays).map(|lane| lane.paths).sum();
        self.deep_batches(paths)
    }

    /// `deep` batches that hold so many paths.
    fn deep_batches(&self, paths: usize) -> usize {
        if paths == 0 { 0 } else { paths.div_ceil(self.deep.long) }
    }

    /// No fewer `wide` batches than this hold what `deep` leaves over.
    fn fewest_wide(&self, deep: &Taken) -> usize {
        (self.total - deep.legs).saturating_sub(self.by_long[0].saved).div_ceil(self.wide.paths())
    }

    /// Gives the long paths of `wide` batches to the lanes that are left.
    fn complete(&self, deep: &Taken, by_long: &Queue) -> (Cost, Choice) {
        let left = self.total - deep.legs;
        let deep_batches = self.deep_batches(deep.spent);
        let cost = |batches: usize, long_saved: usize| {
            let paths = left - long_saved;
            let loose = batches - paths.div_ceil(self.wide.paths());
            Cost { batches: deep_batches + batches, paths: paths + deep.spent, loose }
        };
        if self.wide.long == 0 {
            let cost = cost(left.div_ceil(self.wide.paths()), 0);
            return (cost, Choice { deep: deep.clone(), long: Vec::new(), divided: None });
        }
        let rest = by_long.without(&self.by_deep, deep);
        // Paths that are left over if this many batches give their long paths away.
        let holds = |batches: usize, long: &Taken| left - long.saved() <= batches * self.wide.paths();
        let (mut low, mut high) = (self.fewest_wide(deep), left.div_ceil(self.wide.paths()));
        while low < high {
            let middle = low + (high - low) / 2;
            let long = rest.divide(middle * self.wide.long, self.wide.legs);
            if holds(middle, &long) { high = middle } else { low = middle + 1 }
        }
        let long = rest.divide(low * self.wide.long, self.wide.legs);
        let divided = long.divided.map(|paths| (rest.lanes[long.first].lane, paths));
        (cost(low, long.saved()), Choice { deep: deep.clone(), long: rest.taken(&long).collect(), divided })
    }

    fn places(&self, choice: &Choice, lanes: usize) -> Vec<Place> {
        let mut places = vec![Place::Single; lanes];
        self.by_deep.taken(&choice.deep).for_each(|lane| places[lane] = Place::Deep);
        choice.long.iter().for_each(|&lane| places[lane] = Place::Long);
        if let Some((lane, long)) = choice.divided {
            places[lane] = Place::Divided { long };
        }
        places
    }
}

/// A lane that could have long paths.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    lane: usize,
    legs: usize,
    /// Long paths that it takes.
    paths: usize,
}

impl Candidate {
    /// Single paths less long paths.
    fn saved(&self) -> usize {
        self.legs - self.paths
    }

    /// Most legs on a path first, compared exactly; then most legs.
    fn by_share(&self, other: &Self) -> Ordering {
        let shares = (other.legs * self.paths).cmp(&(self.legs * other.paths));
        shares.then(other.legs.cmp(&self.legs)).then(self.lane.cmp(&other.lane))
    }

    /// Most paths saved first.
    fn by_saved(&self, other: &Self) -> Ordering {
        other.saved().cmp(&self.saved()).then(self.lane.cmp(&other.lane))
    }
}

/// Lanes in the order in which they get long paths.
struct Queue {
    lanes: Vec<Candidate>,
    /// Legs and long paths of the first lanes.
    sums: Vec<(usize, usize)>,
    /// Paths that all lanes together save.
    saved: usize,
}

/// Lanes of a queue that have got long paths: the first ones, and some smaller ones that still found room, or the next
/// one in part.
#[derive(Clone)]
struct Taken {
    first: usize,
    /// Places in the queue.
    others: Vec<usize>,
    /// Paths of the lane behind the first ones.
    divided: Option<usize>,
    legs: usize,
    /// Long paths.
    spent: usize,
}

impl Taken {
    /// Single paths less long paths.
    fn saved(&self) -> usize {
        self.legs - self.spent
    }
}

impl Queue {
    /// For long paths of this many legs; no lane, if there are no such paths.
    fn new(lengths: &[usize], path_legs: usize, order: fn(&Candidate, &Candidate) -> Ordering) -> Self {
        if path_legs == 0 {
            return Self::of(Vec::new());
        }
        let candidate =
            |(lane, &legs): (usize, &usize)| Candidate { lane, legs, paths: legs.div_ceil(path_legs) };
        // Most lanes have one leg; they save least and need no sorting.
        let (mut lanes, ones): (Vec<_>, Vec<_>) =
            lengths.iter().enumerate().map(candidate).partition(|lane| lane.legs > 1);
        lanes.sort_by(order);
        lanes.extend(ones);
        Self::of(lanes)
    }

    fn of(lanes: Vec<Candidate>) -> Self {
        let mut sums = Vec::with_capacity(lanes.len() + 1);
        sums.push((0, 0));
        let (mut legs, mut paths) = (0, 0);
        for lane in &lanes {
            (legs, paths) = (legs + lane.legs, paths + lane.paths);
            sums.push((legs, paths));
        }
        Self { lanes, sums, saved: legs - paths }
    }

    /// Gives away this many long paths, first come first served; what the first lanes leave goes to the next one.
    fn divide(&self, room: usize, path_legs: usize) -> Taken {
        let first = self.sums.partition_point(|&(_, paths)| paths <= room) - 1;
        let (legs, spent) = self.sums[first];
        let left = if first < self.lanes.len() { room - spent } else { 0 };
        let divided = (left > 0).then_some(left);
        Taken { first, others: Vec::new(), divided, legs: legs + left * path_legs, spent: spent + left }
    }

    /// Gives away this many long paths, first come first served, to whole lanes.
    fn fill(&self, room: usize) -> Taken {
        let first = self.sums.partition_point(|&(_, paths)| paths <= room) - 1;
        let (legs, spent) = self.sums[first];
        let mut taken = Taken { first, others: Vec::new(), divided: None, legs, spent };
        for (place, lane) in self.lanes.iter().enumerate().skip(first) {
            if taken.spent == room {
                break;
            }
            if taken.spent + lane.paths <= room {
                taken.others.push(place);
                taken.legs += lane.legs;
                taken.spent += lane.paths;
            }
        }
        taken
    }

    /// The lanes that have got all of their paths.
    fn taken<'a>(&'a self, taken: &'a Taken) -> impl Iterator<Item = usize> {
        (0..taken.first).chain(taken.others.iter().copied()).map(|place| self.lanes[place].lane)
    }

    /// The lanes that save a path, but those that have got paths of another queue.
    fn without(&self, other: &Self, taken: &Taken) -> Self {
        let mut gone = vec![false; self.lanes.len()];
        other.taken(taken).for_each(|lane| gone[lane] = true);
        let kept = self.lanes.iter().filter(|lane| lane.saved() > 0 && !gone[lane.lane]);
        Self::of(kept.copied().collect())
    }
}
