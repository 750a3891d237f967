//! Memory that goes from one proof to the next.
//!
//! A proof's large matrices take a gigabyte. Fresh from the system each page of it is cleared first; here it is
//! kept. All proofs of a process share what is kept, of whatever circuits they are, and what is in use and kept
//! together is at most the most that was ever in use at a time. Values of witnesses and outputs of generators are kept
//! as well, no more lists of them than were in use at a time.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enfold_circuits::config::F;
use p3_field::PrimeCharacteristicRing;
use rayon::prelude::*;

use super::field::G;
use super::output::Output;

/// Elements that one task resets.
const CHUNK: usize = 1 << 16;

/// Memory that waits for its next use.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    kept: Mutex<Kept>,
    values: Mutex<Vec<Values>>,
    outputs: Mutex<Vec<Vec<Output>>>,
}

/// A witness's values, by class of connected targets.
pub(super) type Values = Vec<Option<F>>;

#[derive(Debug, Default)]
struct Kept {
    free: Vec<Vec<G>>,
    /// Elements of buffers that are in use.
    used: usize,
    /// The most that this was.
    most: usize,
}

impl Kept {
    /// Drops what is free until `more` elements can be used without more memory than was ever used at a time, if
    /// that is possible.
    fn make_room(&mut self, more: usize) {
        let limit = self.most.max(self.used + more);
        let mut free: usize = self.free.iter().map(Vec::len).sum();
        while self.used + more + free > limit {
            let Some(buffer) = self.free.pop() else { return };
            free -= buffer.len();
        }
    }
}

impl Buffers {
    /// So many elements, whatever they are. Memory for more than twice as many is left to whom it suits better.
    pub(super) fn take(self: &Arc<Self>, length: usize) -> Buffer {
        let mut kept = self.lock();
        let fits = kept
            .free
            .iter()
            .enumerate()
            .filter(|(_, elements)| (length..=2 * length).contains(&elements.len()));
        let best = fits.min_by_key(|(_, elements)| elements.len()).map(|(place, _)| place);
        let elements = match best {
            Some(place) => kept.free.swap_remove(place),
            None => {
                kept.make_room(length);
                G::zero_vec(length)
            }
        };
        kept.used += elements.len();
        kept.most = kept.most.max(kept.used);
        Buffer { elements, length, home: Some(self.clone()) }
    }

    fn give(&self, elements: Vec<G>) {
        let mut kept = self.lock();
        kept.used -= elements.len();
        kept.free.push(elements);
        kept.make_room(0);
    }

    /// So many values, none of them known.
    pub(super) fn values(&self, length: usize) -> Values {
        let mut kept = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = kept.iter().enumerate().filter(|(_, values)| values.capacity() >= length);
        let best = fits.min_by_key(|(_, values)| values.capacity()).map(|(place, _)| place);
        let mut values = match best {
            Some(place) => kept.swap_remove(place),
            None => {
                // The new list takes the place of one that is too short.
                drop(kept.pop());
                Vec::new()
            }
        };
        drop(kept);
        // What the list holds already is written by all threads, since that is as much as memory takes.
        values.truncate(length);
        values.par_chunks_mut(CHUNK).for_each(|chunk| chunk.fill(None));
        values.resize(length, None);
        values
    }

    /// Keeps what [`Self::values`] gave, for its next use.
    pub(super) fn give_values(&self, values: Values) {
        self.values.lock().unwrap_or_else(PoisonError::into_inner).push(values);
    }

    /// Calls `with` with a list of outputs, that had other ones before.
    pub(super) fn with_outputs<R>(&self, with: impl FnOnce(&mut Vec<Output>) -> R) -> R {
        let kept = || self.outputs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut outputs = kept().pop().unwrap_or_default();
        let result = with(&mut outputs);
        kept().push(outputs);
        result
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Elements whose memory goes back to where it is from.
#[derive(Debug)]
pub(super) struct Buffer {
    elements: Vec<G>,
    /// Of these, as many as were asked for.
    length: usize,
    /// Where the memory is from.
    home: Option<Arc<Buffers>>,
}

impl From<Vec<G>> for Buffer {
    /// Memory that is nobody's else.
    fn from(elements: Vec<G>) -> Self {
        Self { length: elements.len(), elements, home: None }
    }
}

impl Deref for Buffer {
    type Target = [G];

    #[inline(always)]
    fn deref(&self) -> &[G] {
        &self.elements[..self.length]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [G] {
        &mut self.elements[..self.length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            home.give(std::mem::take(&mut self.elements));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(buffers: &Buffers) -> Vec<usize> {
        let mut lengths: Vec<_> = buffers.lock().free.iter().map(Vec::len).collect();
        lengths.sort_unstable();
        lengths
    }

    #[test]
    fn buffers_come_back() {
        let buffers = Arc::new(Buffers::default());
        let buffer = buffers.take(64);
        let place = buffer.as_ptr();
        drop(buffer);
        for length in [32, 64] {
            let again = buffers.take(length);
            assert_eq!((again.as_ptr(), again.len()), (place, length));
        }
        assert_eq!(buffers.take(31).elements.len(), 31, "what is more than twice as long is left");
        drop(Buffer::from(vec![G::ONE]));
        assert_eq!(free(&buffers), [31]);
    }

    #[test]
    fn values_come_back_unknown() {
        let buffers = Buffers::default();
        let [mut small, large] = [10, 1000].map(|length| buffers.values(length));
        small.fill(Some(F::default()));
        let places = [&small, &large].map(|values| values.as_ptr());
        buffers.give_values(small);
        buffers.give_values(large);
        let [again, other] = [8, 8].map(|length| buffers.values(length));
        assert_eq!([again.as_ptr(), other.as_ptr()], places, "the smallest that fits");
        assert_eq!((again, other.len()), (vec![None; 8], 8));
        buffers.give_values(other);
        buffers.values(2000);
        assert!(buffers.values.lock().unwrap().is_empty(), "what is too short makes room");
    }

    #[test]
    fn no_more_is_kept_than_was_used() {
        let buffers = Arc::new(Buffers::default());
        let [small, large] = [100, 1000].map(|length| buffers.take(length));
        drop(small);
        drop(large);
        assert_eq!(free(&buffers), [100, 1000]);
        // The smallest that fits.
        let taken = buffers.take(90);
        assert_eq!(free(&buffers), [1000]);
        // What none fits makes others go.
        let huge = buffers.take(1001);
        assert!(free(&buffers).is_empty());
        drop(taken);
        drop(huge);
        assert_eq!(free(&buffers), [100, 1001]);
    }
}
