//! What a batch circuit is given.
//!
//! Rows are complete: padding is filled in here, so that circuits only copy values into wires. A padding
//! path opens a leaf that exists at that moment and leaves it as it is; a padding leg carries a
//! transaction that is signed with the published padding key ([`enfold_state::keys::padding_key`]) and
//! whose live flag is off.

use enfold_state::chain::{BlockId, ChainState};
use enfold_state::hash::Digest;
use enfold_state::shards::Counts;

pub use crate::credit::CreditPath;
pub use crate::debit::{DebitPath, DebitSlot};
pub use crate::paths::Paths;
use crate::siblings::Siblings;
use enfold_state::profile::BatchId;

/// Everything that one batch circuit needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchWitness {
    /// Which circuit it is for.
    pub batch: BatchId,
    /// The block.
    pub block: BlockId,
    /// The block's seed.
    pub seed: Digest,
    /// How many leaves each shard has after the block.
    pub counts: Counts,
    /// Chain state before the batch.
    pub before: ChainState,
    /// Chain state after it.
    pub after: ChainState,
    /// Number of the window: leaf index divided by `2^window_depth`.
    pub window: u32,
    /// Siblings on the way from the window's root to the state root, lowest first
    /// (`top_depth` of them). They are the same before and after the batch.
    pub top_siblings: Vec<Digest>,
    /// Siblings of the paths inside the window (`window_depth` of each). They are the same before and after the path.
    pub siblings: Siblings,
    /// The paths, exactly as many as the circuit has.
    pub paths: Paths,
}
