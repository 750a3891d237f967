//! The siblings of a batch's paths, stored once each.
//!
//! Paths of a batch are in the order of their leaves, mostly, so a path has most siblings in common with the one
//! before it: all above the level where the two meet, unless an update between has changed them. Of each path only
//! the levels up to the highest one that differs are kept.

use enfold_state::hash::Digest;

/// For each path of a batch the siblings on the way from its leaf up to the window's root at that moment, lowest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Siblings {
    depth: usize,
    /// For each path how many levels are kept of it.
    kept: Vec<u8>,
    /// Those of all paths, one path after the other.
    digests: Vec<Digest>,
    /// The last path.
    last: Vec<Digest>,
}

impl Siblings {
    /// No path yet; paths will have `depth` levels, at most 255.
    pub fn new(depth: usize) -> Self {
        Self::with_capacity(depth, 0, 0)
    }

    /// [`Self::new`] with room for this many paths, and for this many digests that are kept.
    pub fn with_capacity(depth: usize, paths: usize, digests: usize) -> Self {
        assert!(depth <= u8::MAX.into(), "a path has at most 255 levels, got {depth}");
        Self {
            depth,
            kept: Vec::with_capacity(paths),
            digests: Vec::with_capacity(digests),
            last: vec![Digest::ZERO; depth],
        }
    }

    /// Adds the siblings of the next path.
    ///
    /// # Panics
    /// If they are not as many as a path has levels.
    pub fn push(&mut self, path: &[Digest]) {
        self.push_fresh(path, self.depth);
    }

    /// [`Self::push`] of a path that differs from the one before it below level `fresh` only.
    ///
    /// # Panics
    /// If a path has fewer levels, or the siblings are not as many as it has levels.
    pub fn push_fresh(&mut self, path: &[Digest], fresh: usize) {
        assert_eq!(path.len(), self.depth, "a sibling for each level");
        debug_assert_eq!(path[fresh..], self.last[fresh..], "the levels above are those of the path before");
        let differ = path[..fresh].iter().zip(&self.last).rposition(|(new, last)| new != last);
        let kept = differ.map_or(0, |level| level + 1);
        self.kept.push(kept as u8);
        self.digests.extend(&path[..kept]);
        self.last[..kept].copy_from_slice(&path[..kept]);
    }

    /// Adds the siblings of the last path again, this many times.
    pub fn repeat_last(&mut self, times: usize) {
        self.kept.resize(self.kept.len() + times, 0);
    }

    /// Number of paths.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether there is no path.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Levels of a path.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Goes along the paths, in their order.
    pub fn walk(&self) -> SiblingsWalk<'_> {
        SiblingsWalk { kept: &self.kept, digests: &self.digests, path: vec![Digest::ZERO; self.depth] }
    }

    /// The siblings of a path, which may then be changed: what the others have stays as it is.
    ///
    /// # Panics
    /// If there is no such path.
    pub fn change(&mut self, path: usize, change: impl FnOnce(&mut [Digest])) {
        let mut changed = Self::new(self.depth);
        let (mut walk, mut change) = (self.walk(), Some(change));
        while let Some(siblings) = walk.step() {
            let mut siblings = siblings.to_vec();
            if let Some(change) = change.take_if(|_| changed.len() == path) {
                change(&mut siblings);
            }
            changed.push(&siblings);
        }
        assert!(change.is_none(), "expected one of {} paths, got path {path}", changed.len());
        *self = changed;
    }
}

/// A walk along the paths of a batch.
#[derive(Clone, Debug)]
pub struct SiblingsWalk<'a> {
    kept: &'a [u8],
    digests: &'a [Digest],
    path: Vec<Digest>,
}

impl SiblingsWalk<'_> {
    /// The siblings of the path that the last step came to.
    pub fn path(&self) -> &[Digest] {
        &self.path
    }

    /// The siblings of the next path, lowest first; `None` after the last.
    pub fn step(&mut self) -> Option<&[Digest]> {
        let (&kept, rest) = self.kept.split_first()?;
        let (new, digests) = self.digests.split_at(kept.into());
        self.path[..new.len()].copy_from_slice(new);
        (self.kept, self.digests) = (rest, digests);
        Some(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use enfold_state::field::from_u32;
    use proptest::prelude::*;

    use super::*;

    fn digest(number: u32) -> Digest {
        Digest([from_u32(number); 4])
    }

    fn collected(siblings: &Siblings) -> Vec<Vec<Digest>> {
        let mut walk = siblings.walk();
        std::iter::from_fn(|| walk.step().map(<[Digest]>::to_vec)).collect()
    }

    #[test]
    fn levels_in_common_are_stored_once() {
        let mut siblings = Siblings::new(3);
        for path in [[1, 2, 3], [4, 2, 3], [4, 2, 3], [4, 2, 5]] {
            siblings.push(&path.map(digest));
        }
        assert_eq!((siblings.len(), siblings.kept.as_slice()), (4, [3, 1, 0, 3].as_slice()));
        siblings.change(1, |path| path[1] = digest(9));
        assert_eq!(siblings.kept, [3, 2, 2, 3]);
        assert_eq!(collected(&siblings)[1..3], [[4, 9, 3], [4, 2, 3]].map(|path| path.map(digest).to_vec()));
    }

    proptest! {
        #[test]
        fn what_was_pushed_comes_back(
            paths in prop::collection::vec(prop::collection::vec((0..3u32).prop_map(digest), 4), 0..20)
        ) {
            let mut siblings = Siblings::new(4);
            paths.iter().for_each(|path| siblings.push(path));
            prop_assert_eq!(collected(&siblings), paths);
        }
    }
}
