//! Blocks that follow one another: what their statements say together.

use enfold_state::hash::Digest;
use enfold_state::profile::ProfileId;
use serde::Serialize;

use super::BlockStatement;

/// What consecutive blocks state together: that the first root leads to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ChainStatement {
    /// The chain.
    #[serde(with = "enfold_state::wide")]
    pub chain_id: u64,
    /// Number of the first block.
    pub first_block: u32,
    /// Number of the last block.
    pub last_block: u32,
    /// Time of the first block.
    pub first_time: u32,
    /// Time of the last block.
    pub last_time: u32,
    /// State root before the first block.
    pub first_root: Digest,
    /// State root after the last block.
    pub last_root: Digest,
    /// L1 queue before the first block.
    pub queue_before: Digest,
    /// L1 queue after the last block.
    pub queue_after: Digest,
    /// Transactions of all blocks.
    pub transactions: u64,
    /// Messages of all blocks.
    pub messages: u64,
    /// Profile whose circuits prove the blocks.
    pub profile: ProfileId,
}

/// Statements that do not follow one another. `at` is the place, from 0, of the statement that does not follow the
/// one in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// No statement.
    #[error("expected at least one block, got none")]
    Empty,
    /// Another chain.
    #[error("block {number}: expected chain {expected}, got chain {got}")]
    ChainId {
        /// Place.
        at: usize,
        /// Block number.
        number: u32,
        /// Chain of the block before.
        expected: u64,
        /// This block's.
        got: u64,
    },
    /// Another profile.
    #[error("block {number}: expected profile {expected}, got profile {got}")]
    Profile {
        /// Place.
        at: usize,
        /// Block number.
        number: u32,
        /// Profile of the block before.
        expected: ProfileId,
        /// This block's.
        got: ProfileId,
    },
    /// The same statement twice.
    #[error("expected one proof of block {number}, got two that state the same")]
    Duplicate {
        /// Place.
        at: usize,
        /// Block number.
        number: u32,
    },
    /// Two statements of one number.
    #[error("expected one proof of block {number}, got two that lead to {expected} and {got}: a fork")]
    Fork {
        /// Place.
        at: usize,
        /// Block number.
        number: u32,
        /// New root of the one in front.
        expected: Digest,
        /// New root of this one.
        got: Digest,
    },
    /// Numbers that are not consecutive.
    #[error("expected block {expected}, got block {got}: {} missing", missing(*expected, *got))]
    Gap {
        /// Place.
        at: usize,
        /// One more than the block before.
        expected: u64,
        /// This block's number.
        got: u32,
    },
    /// A block that starts from another state than the one before led to.
    #[error("block {number}: expected the previous root {expected}, got {got}")]
    PreviousRoot {
        /// Place.
        at: usize,
        /// Block number.
        number: u32,
        /// New root of the block before.
        expected: Digest,
        /// This block's previous root.
        got: Digest,
    },
    /// A block that is earlier than the one before.
    #[error("block {number}: expected a time of at least {expected}, got {got}")]
    Time {
        /// Place.
        at: usize,
        /// Block number.
        number: u32,
        /// Time of the block before.
        expected: u32,
        /// This block's.
        got: u32,
    },
    /// A block that starts from another queue than the one before led to.
    #[error("block {number}: expected the queue {expected}, got {got}")]
    Queue {
        /// Place.
        at: usize,
        /// Block number.
        number: u32,
        /// Deposit queue after the block before.
        expected: Digest,
        /// This block's, before it.
        got: Digest,
    },
}

impl ChainError {
    /// Place of the statement that does not follow.
    pub const fn at(&self) -> usize {
        match *self {
            Self::Empty => 0,
            Self::ChainId { at, .. }
            | Self::Profile { at, .. }
            | Self::Duplicate { at, .. }
            | Self::Fork { at, .. }
            | Self::Gap { at, .. }
            | Self::PreviousRoot { at, .. }
            | Self::Time { at, .. }
            | Self::Queue { at, .. } => at,
        }
    }
}

fn missing(expected: u64, got: u32) -> String {
    match u64::from(got).saturating_sub(expected) {
        0 => "the order is wrong, or blocks are".to_owned(),
        1 => format!("block {expected} is"),
        _ => format!("blocks {expected} to {} are", u64::from(got) - 1),
    }
}

/// Checks that blocks follow one another, in the order given. Their proofs must have been verified.
///
/// # Errors
/// If there is none, or one does not follow the one in front.
pub fn link(statements: &[BlockStatement]) -> Result<ChainStatement, ChainError> {
    let (Some(first), Some(last)) = (statements.first(), statements.last()) else {
        return Err(ChainError::Empty);
    };
    for (before, (at, next)) in statements.iter().zip(statements.iter().enumerate().skip(1)) {
        follow(before, next, at)?;
    }
    let sum = |of: fn(&BlockStatement) -> u32| statements.iter().map(|block| u64::from(of(block))).sum();
    Ok(ChainStatement {
        chain_id: first.chain_id,
        first_block: first.block_number,
        last_block: last.block_number,
        first_time: first.time,
        last_time: last.time,
        first_root: first.previous_root,
        last_root: last.new_root,
        queue_before: first.queue_before,
        queue_after: last.queue_after,
        transactions: sum(|block| block.transactions),
        messages: sum(|block| block.messages),
        profile: first.profile,
    })
}

fn follow(before: &BlockStatement, next: &BlockStatement, at: usize) -> Result<(), ChainError> {
    let number = next.block_number;
    if next.chain_id != before.chain_id {
        return Err(ChainError::ChainId { at, number, expected: before.chain_id, got: next.chain_id });
    }
    if next.profile != before.profile {
        return Err(ChainError::Profile { at, number, expected: before.profile, got: next.profile });
    }
    if next == before {
        return Err(ChainError::Duplicate { at, number });
    }
    if number == before.block_number {
        return Err(ChainError::Fork { at, number, expected: before.new_root, got: next.new_root });
    }
    let expected = u64::from(before.block_number) + 1;
    if u64::from(number) != expected {
        return Err(ChainError::Gap { at, expected, got: number });
    }
    let (expected, got) = (before.new_root, next.previous_root);
    if got != expected {
        return Err(ChainError::PreviousRoot { at, number, expected, got });
    }
    let (expected, got) = (before.time, next.time);
    if got < expected {
        return Err(ChainError::Time { at, number, expected, got });
    }
    let (expected, got) = (before.queue_after, next.queue_before);
    if got != expected {
        return Err(ChainError::Queue { at, number, expected, got });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use enfold_state::field::reduce;

    use super::*;

    fn digest(number: u64) -> Digest {
        Digest([number; 4].map(reduce))
    }

    fn blocks() -> Vec<BlockStatement> {
        let block = |number: u32| BlockStatement {
            chain_id: 7,
            block_number: number,
            time: 1000 + 10 * number,
            previous_root: digest(number.into()),
            new_root: digest(u64::from(number) + 1),
            emitted: digest(100),
            transactions: number,
            messages: 2 * number,
            queue_before: digest(200 + u64::from(number)),
            queue_after: digest(201 + u64::from(number)),
            exits: Digest::ZERO,
            profile: ProfileId::Test,
        };
        (4..8).map(block).collect()
    }

    #[test]
    fn blocks_that_follow_are_one_statement() {
        let chain = link(&blocks()).unwrap();
        assert_eq!((chain.first_block, chain.last_block, chain.chain_id), (4, 7, 7));
        assert_eq!((chain.first_root, chain.last_root), (digest(4), digest(8)));
        assert_eq!((chain.queue_before, chain.queue_after), (digest(204), digest(208)));
        assert_eq!((chain.transactions, chain.messages), (22, 44));
        assert_eq!(link(&blocks()[..1]).unwrap().last_root, digest(5));
        assert_eq!((chain.first_time, chain.last_time), (1040, 1070));
        assert_eq!(link(&[]), Err(ChainError::Empty));
        // Several blocks can be of one time.
        let mut blocks = blocks();
        blocks[2].time = blocks[1].time;
        assert!(link(&blocks).is_ok());
    }

    #[test]
    fn every_break_is_found() {
        let check = |change: &dyn Fn(&mut Vec<BlockStatement>)| {
            let mut blocks = blocks();
            change(&mut blocks);
            link(&blocks).unwrap_err()
        };
        let (at, number) = (2, 6);
        assert_eq!(check(&|b| b[2].chain_id = 8), ChainError::ChainId { at, number, expected: 7, got: 8 });
        let (expected, got) = (ProfileId::Test, ProfileId::Standard);
        assert_eq!(check(&|b| b[2].profile = got), ChainError::Profile { at, number, expected, got });
        assert_eq!(check(&|b| b.insert(2, b[2])), ChainError::Duplicate { at: 3, number });
        let fork = |b: &mut Vec<BlockStatement>| b.insert(3, BlockStatement { new_root: digest(50), ..b[2] });
        let (expected, got) = (digest(7), digest(50));
        assert_eq!(check(&fork), ChainError::Fork { at: 3, number, expected, got });
        let error = check(&|b| _ = b.remove(2));
        assert_eq!(error, ChainError::Gap { at, expected: 6, got: 7 });
        assert_eq!(error.to_string(), "expected block 6, got block 7: block 6 is missing");
        let error = check(&|b| _ = b.drain(1..3));
        assert_eq!(error.to_string(), "expected block 5, got block 7: blocks 5 to 6 are missing");
        assert_eq!(check(&|b| b.swap(0, 1)), ChainError::Gap { at: 1, expected: 6, got: 4 });
        let (expected, got) = (digest(6), digest(50));
        assert_eq!(
            check(&|b| b[2].previous_root = got),
            ChainError::PreviousRoot { at, number, expected, got }
        );
        let (expected, got) = (1050, 1049);
        assert_eq!(check(&|b| b[2].time = got), ChainError::Time { at, number, expected, got });
        let (expected, got) = (digest(206), digest(50));
        assert_eq!(check(&|b| b[2].queue_before = got), ChainError::Queue { at, number, expected, got });
        assert_eq!(check(&|b| b[3].chain_id = 9).at(), 3);
    }
}
