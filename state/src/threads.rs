//! Work on all threads, in a build that has more than the caller's.

#[cfg(feature = "node")]
use rayon::prelude::*;

/// What `f` makes of each chunk of `len` items, in order. No task has more than one chunk.
#[cfg(feature = "node")]
pub(crate) fn map_chunks<T: Sync, R: Send>(items: &[T], len: usize, f: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
    items.par_chunks(len).with_max_len(1).map(&f).collect()
}

/// What `f` makes of each chunk of `len` items, in order.
#[cfg(not(feature = "node"))]
pub(crate) fn map_chunks<T, R>(items: &[T], len: usize, f: impl Fn(&[T]) -> R) -> Vec<R> {
    items.chunks(len).map(f).collect()
}

/// Gives each chunk of `len` items to `f`, with its number.
#[cfg(feature = "node")]
pub(crate) fn each_chunk<T: Send>(items: &mut [T], len: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    items.par_chunks_mut(len).enumerate().for_each(|(number, chunk)| f(number, chunk));
}

/// Gives each chunk of `len` items to `f`, with its number.
#[cfg(not(feature = "node"))]
pub(crate) fn each_chunk<T>(items: &mut [T], len: usize, f: impl Fn(usize, &mut [T])) {
    items.chunks_mut(len).enumerate().for_each(|(number, chunk)| f(number, chunk));
}
