//! Blocks that were executed and are not final yet, on top of a state that is.
//!
//! Proving a block takes far longer than executing it. So the state in memory runs ahead: each executed block is
//! written into the dense arrays at once, and what it replaced is kept beside them. The next block is executed on the
//! last one's state at full speed, whatever is being proven. The oldest block becomes final when its proof is there:
//! its way back is dropped. If a proof fails, that block and those after it are taken back, the latest first.

use std::collections::VecDeque;

use crate::hash::Digest;
use crate::ledger::{Ledger, Prepared, Undo};

/// A ledger and the ways back from its latest blocks.
#[derive(Clone, Debug)]
pub struct Overlay {
    ledger: Ledger,
    /// The blocks that can be taken back, the oldest first.
    blocks: VecDeque<Layer>,
}

/// A block that can be taken back.
#[derive(Clone, Debug)]
struct Layer {
    prepared: Prepared,
    undo: Undo,
    /// Root of the state before it.
    previous_root: Digest,
}

/// A height that an overlay cannot go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a height of {base} to {head} to go back to, got {got}")]
pub struct RollBackError {
    /// Height of the final state.
    pub base: u32,
    /// Height of the state in memory.
    pub head: u32,
    /// The height that was asked for.
    pub got: u32,
}

impl Overlay {
    /// A final state and nothing on top of it.
    pub fn new(ledger: Ledger) -> Self {
        Self { ledger, blocks: VecDeque::new() }
    }

    /// The state after the latest block, final or not.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Count of blocks that are not final.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether all blocks are final.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Number of the last final block; 0 after genesis.
    pub fn base_height(&self) -> u32 {
        self.ledger.height() - self.blocks.len() as u32
    }

    /// Root after the last final block.
    pub fn base_root(&self) -> Digest {
        self.blocks.front().map_or_else(|| self.ledger.root(), |oldest| oldest.previous_root)
    }

    /// The oldest block that is not final.
    pub fn oldest(&self) -> Option<&Prepared> {
        self.blocks.front().map(|oldest| &oldest.prepared)
    }

    /// Puts a block on top, one that [`Ledger::prepare`] made from the ledger as it is now.
    ///
    /// # Panics
    /// If the ledger has moved on since.
    pub fn push(&mut self, prepared: Prepared) {
        let (undo, previous_root) = (self.ledger.undo(&prepared), self.ledger.root());
        self.ledger.adopt(&prepared);
        self.blocks.push_back(Layer { prepared, undo, previous_root });
    }

    /// The oldest block becomes final. Gives it, or `None` if there is none.
    pub fn settle(&mut self) -> Option<Prepared> {
        self.blocks.pop_front().map(|oldest| oldest.prepared)
    }

    /// Takes back all blocks above `height`, and gives their count.
    ///
    /// # Errors
    /// If the block after `height` is final, or `height` was never reached. Then nothing has changed.
    pub fn roll_back(&mut self, height: u32) -> Result<usize, RollBackError> {
        let (base, head) = (self.base_height(), self.ledger.height());
        if height < base || height > head {
            return Err(RollBackError { base, head, got: height });
        }
        let kept = (height - base) as usize;
        let dropped = self.blocks.split_off(kept);
        dropped.iter().rev().for_each(|block| self.ledger.revert(&block.undo));
        Ok(dropped.len())
    }
}
