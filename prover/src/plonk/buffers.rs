//! Memory that goes from one proof to the next.
//!
//! A proof's large matrices take a gigabyte. Fresh from the system each page of it is cleared first; here it is
//! kept. All proofs of a process share what is kept, of whatever circuits they are, and what is in use and kept
//! together is at most the most that was ever in use at a time.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use p3_field::PrimeCharacteristicRing;

use super::field::G;

/// Memory that waits for its next use.
#[derive(Debug, Default)]
pub(super) struct Buffers(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    free: Vec<Vec<G>>,
    /// Elements that there is room for in buffers that are in use.
    used: usize,
    /// The most that this was.
    most: usize,
}

impl Kept {
    /// Drops what is free until `more` elements can be used without more memory than was ever used at a time, if
    /// that is possible.
    fn make_room(&mut self, more: usize) {
        let limit = self.most.max(self.used + more);
        let mut free: usize = self.free.iter().map(Vec::capacity).sum();
        while self.used + more + free > limit {
            let Some(buffer) = self.free.pop() else { return };
            free -= buffer.capacity();
        }
    }
}

impl Buffers {
    /// `length` zeros, with room for `capacity` elements.
    pub(super) fn zeros(self: &Arc<Self>, length: usize, capacity: usize) -> Buffer {
        let mut elements = self.take(capacity);
        let room = elements.capacity();
        elements.resize(length, G::ZERO);
        Buffer { elements, home: Some((self.clone(), room)) }
    }

    fn take(&self, capacity: usize) -> Vec<G> {
        let mut kept = self.lock();
        let fits = kept.free.iter().enumerate().filter(|(_, elements)| elements.capacity() >= capacity);
        let best = fits.min_by_key(|(_, elements)| elements.capacity()).map(|(place, _)| place);
        let elements = match best {
            Some(place) => kept.free.swap_remove(place),
            None => {
                kept.make_room(capacity);
                Vec::with_capacity(capacity)
            }
        };
        kept.used += elements.capacity();
        kept.most = kept.most.max(kept.used);
        elements
    }

    fn give(&self, mut elements: Vec<G>, room: usize) {
        elements.clear();
        let mut kept = self.lock();
        kept.used -= room;
        kept.free.push(elements);
        kept.make_room(0);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Elements whose memory goes back to where it is from.
#[derive(Debug)]
pub(super) struct Buffer {
    elements: Vec<G>,
    /// Where the memory is from, and how many elements it had room for.
    home: Option<(Arc<Buffers>, usize)>,
}

impl Buffer {
    /// Has the elements replaced by others, in the same memory if there is room.
    pub(super) fn replace(&mut self, with: impl FnOnce(Vec<G>) -> Vec<G>) {
        self.elements = with(std::mem::take(&mut self.elements));
    }
}

impl From<Vec<G>> for Buffer {
    /// Memory that is nobody's else.
    fn from(elements: Vec<G>) -> Self {
        Self { elements, home: None }
    }
}

impl Deref for Buffer {
    type Target = [G];

    #[inline(always)]
    fn deref(&self) -> &[G] {
        &self.elements
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [G] {
        &mut self.elements
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some((home, room)) = self.home.take() {
            home.give(std::mem::take(&mut self.elements), room);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(buffers: &Buffers) -> Vec<usize> {
        let mut capacities: Vec<_> = buffers.lock().free.iter().map(Vec::capacity).collect();
        capacities.sort_unstable();
        capacities
    }

    #[test]
    fn buffers_come_back_as_zeros() {
        let buffers = Arc::new(Buffers::default());
        let mut buffer = buffers.zeros(5, 64);
        assert_eq!(*buffer, G::zero_vec(5));
        buffer.iter_mut().for_each(|element| *element = G::ONE);
        let place = buffer.as_ptr();
        buffer.replace(|mut elements| {
            elements.resize(64, G::TWO);
            elements
        });
        assert_eq!((buffer.as_ptr(), buffer.len()), (place, 64));
        drop(buffer);
        let again = buffers.zeros(7, 50);
        assert_eq!((again.as_ptr(), &*again), (place, &*G::zero_vec(7)));
        drop(Buffer::from(vec![G::ONE]));
        assert!(free(&buffers).is_empty());
    }

    #[test]
    fn no_more_is_kept_than_was_used() {
        let buffers = Arc::new(Buffers::default());
        let [small, large] = [100, 1000].map(|capacity| buffers.zeros(1, capacity));
        drop(small);
        drop(large);
        assert_eq!(free(&buffers), [100, 1000]);
        // The smallest that fits.
        let taken = buffers.zeros(1, 90);
        assert_eq!(free(&buffers), [1000]);
        // What none fits makes others go.
        let huge = buffers.zeros(1, 1001);
        assert!(free(&buffers).is_empty());
        drop(taken);
        drop(huge);
        assert_eq!(free(&buffers), [100, 1001]);
    }
}
