//! How few batches the lanes of a window could need, wherever each of them goes.
//!
//! For each number of `deep` batches, their paths are given to the lanes that save most by it, the last one in part. What
//! is left costs what it costs at prices of single and long paths at which no `wide` batch holds more than its own
//! worth; so no plan needs fewer of these batches than all that is left is worth: weak duality of linear programs. Every
//! choice of prices gives a bound, and for each number of `deep` batches the best one counts.
//!
//! As in a plan, a lane has paths of one instance only. Plans that divide lanes between both might need fewer batches.

use enfold_state::profile::BatchShape;

/// A bound for two instances, `wide` and `deep`.
#[derive(Debug)]
pub(super) struct Bound {
    deep: BatchShape,
    prices: Vec<Prices>,
}

impl Bound {
    pub(super) fn new([wide, deep]: [BatchShape; 2]) -> Self {
        Self { deep, prices: Prices::all(wide) }
    }

    /// No plan has fewer batches for lanes of these lengths.
    pub(super) fn batches(&self, lengths: &[usize]) -> usize {
        let mut lengths = lengths.to_vec();
        lengths.sort_unstable();
        let Some(longest) = lengths.pop() else { return 0 };
        let lanes: Vec<_> = lengths.chunk_by(|a, b| a == b).map(|same| (same[0], same.len())).collect();
        let paths: usize = lanes.iter().map(|(legs, count)| count * legs.div_ceil(self.deep.legs)).sum();
        // The longest lane can weigh more than all others, so it is not taken in part.
        let own = longest.div_ceil(self.deep.legs);
        let in_deep = self.fewest(&lanes, 0, paths, own.next_multiple_of(self.deep.long) - own);
        let in_wide = self.fewest(&lanes, longest, paths, 0);
        (own.div_ceil(self.deep.long) + in_deep).min(in_wide)
    }

    /// Fewest batches of lanes of different lengths, how many there are of each, that have this many paths in `deep`
    /// batches if all are there; and of one that is not. `free` are paths of `deep` batches that are there anyway.
    fn fewest(&self, lanes: &[(usize, usize)], other: usize, paths: usize, free: usize) -> usize {
        // For each number of `deep` batches the fewest of the others.
        let mut wide = vec![0; paths.saturating_sub(free).div_ceil(self.deep.long) + 1];
        for prices in &self.prices {
            prices.raise(&mut wide, self.deep, lanes, other, free);
        }
        (0..).zip(wide).map(|(deep, wide)| deep + wide).min().unwrap_or(0)
    }
}

/// Prices of paths at which no `wide` batch holds more than its own worth.
#[derive(Clone, Copy, Debug)]
struct Prices {
    shape: BatchShape,
    /// Of a batch.
    batch: usize,
    /// Of a single path.
    single: usize,
    /// Of a long path.
    long: usize,
}

impl Prices {
    /// In how many steps the worth of a batch moves from its paths to the length of its long ones.
    const STEPS: usize = 1 << 10;

    fn all(shape: BatchShape) -> Vec<Self> {
        let (paths, long_paths) = (shape.paths(), shape.long.max(1));
        // `paths * single + long_paths * (long - single) = batch`, exactly.
        let prices = |step: usize| {
            let single = step * long_paths;
            Self {
                shape,
                batch: Self::STEPS * long_paths * paths,
                single,
                long: single + (Self::STEPS - step) * paths,
            }
        };
        let first = if shape.long == 0 { Self::STEPS } else { 0 };
        (first..=Self::STEPS).map(prices).collect()
    }

    /// The least that a lane costs.
    fn cost(&self, legs: usize) -> usize {
        let Self { shape, single, long, .. } = *self;
        if shape.long == 0 {
            return legs * single;
        }
        let path = |legs: usize| long.min(legs * single);
        legs / shape.legs * path(shape.legs) + path(legs % shape.legs)
    }

    /// Raises the least numbers of `wide` batches, one for each number of `deep` batches from none; see [`Bound::fewest`].
    fn raise(
        &self,
        wide: &mut [usize],
        deep: BatchShape,
        lanes: &[(usize, usize)],
        other: usize,
        free: usize,
    ) {
        let all = lanes.iter().map(|&(legs, count)| count * self.cost(legs)).sum::<usize>();
        let mut left = all + self.cost(other);
        // What is saved where a lane goes to the other instance, for how many paths there; the most for a path first.
        let saving = |&(legs, count): &(usize, usize)| (self.cost(legs), legs.div_ceil(deep.legs), count);
        let mut savings: Vec<_> = lanes.iter().map(saving).collect();
        savings.sort_unstable_by(|a, b| (b.0 * a.1).cmp(&(a.0 * b.1)));
        // The last lane may go there in part.
        let mut savings = savings.into_iter();
        let (mut saved, mut paths, mut room) = (0, 0, free);
        for fewest in wide {
            while room > 0 {
                if paths == 0 {
                    let Some((saving, each, count)) = savings.next() else { break };
                    (saved, paths) = (saving * count, each * count);
                }
                let taken = room.min(paths);
                let share = (saved * taken).div_ceil(paths);
                (room, paths, saved, left) = (room - taken, paths - taken, saved - share, left - share);
            }
            *fewest = left.div_ceil(self.batch).max(*fewest);
            room = deep.long;
        }
    }
}
