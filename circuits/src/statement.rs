//! What a block proof says: the public inputs of the block circuit, in order.

use enfold_state::field::{F, from_u32, to_u64};
use enfold_state::hash::{DIGEST_LEN, Digest};
use enfold_witness::profile::ProfileId;
use serde::{Deserialize, Serialize};

pub mod chain;

/// The statement of one block. The record, 29 elements:
///
/// | elements | field |
/// |---|---|
/// | 0 | chain id |
/// | 1 | block number |
/// | 2..6 | previous root |
/// | 6..10 | new root |
/// | 10..14 | `E`, the chain over the emitted messages |
/// | 14 | transactions |
/// | 15 | messages |
/// | 16..20 | deposit queue before |
/// | 20..24 | deposit queue after |
/// | 24..28 | exits |
/// | 28 | profile number |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockStatement {
    /// The chain.
    pub chain_id: u32,
    /// The block's number; the first block is 1.
    pub block_number: u32,
    /// State root before the block.
    pub previous_root: Digest,
    /// State root after it.
    pub new_root: Digest,
    /// Commitment to the messages that the block emits, in order; published, they rebuild the state.
    pub emitted: Digest,
    /// Transactions of the block.
    pub transactions: u32,
    /// Messages that the block emits and consumes.
    pub messages: u32,
    /// L1 deposit queue before the block.
    pub deposit_queue_before: Digest,
    /// L1 deposit queue after it.
    pub deposit_queue_after: Digest,
    /// Digest of the block's exits.
    pub exits: Digest,
    /// Profile whose circuits prove it.
    pub profile: ProfileId,
}

/// Elements were not a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// A number does not fit 32 bits. The circuits count in the field, so this is where counts end.
    #[error("expected {field} below 2^32, got {got}")]
    Range {
        /// Which one.
        field: &'static str,
        /// Its canonical integer.
        got: u64,
    },
    /// No profile has the number.
    #[error("expected a profile number, got {got}")]
    UnknownProfile {
        /// The number.
        got: u64,
    },
}

impl BlockStatement {
    /// Elements of the record.
    pub const LEN: usize = 29;

    /// The state root after a block, as far as this statement tells: after its own and after the one before.
    pub fn root_after(&self, number: u32) -> Option<Digest> {
        if number == self.block_number {
            Some(self.new_root)
        } else if number.checked_add(1) == Some(self.block_number) {
            Some(self.previous_root)
        } else {
            None
        }
    }

    /// The record.
    pub fn elements(&self) -> [F; Self::LEN] {
        let mut record = [from_u32(0); Self::LEN];
        let mut put = |at: usize, digest: Digest| record[at..at + DIGEST_LEN].copy_from_slice(&digest.0);
        put(2, self.previous_root);
        put(6, self.new_root);
        put(10, self.emitted);
        put(16, self.deposit_queue_before);
        put(20, self.deposit_queue_after);
        put(24, self.exits);
        record[0] = from_u32(self.chain_id);
        record[1] = from_u32(self.block_number);
        record[14] = from_u32(self.transactions);
        record[15] = from_u32(self.messages);
        record[28] = from_u32(self.profile as u32);
        record
    }

    /// Reads the record back.
    ///
    /// # Errors
    /// If a number is out of its range or the profile is unknown.
    pub fn from_elements(record: &[F; Self::LEN]) -> Result<Self, StatementError> {
        let number = |field, at: usize| {
            let got = to_u64(record[at]);
            u32::try_from(got).map_err(|_| StatementError::Range { field, got })
        };
        let digest = |at: usize| Digest([record[at], record[at + 1], record[at + 2], record[at + 3]]);
        let got = to_u64(record[28]);
        Ok(Self {
            chain_id: number("chain id", 0)?,
            block_number: number("block number", 1)?,
            previous_root: digest(2),
            new_root: digest(6),
            emitted: digest(10),
            transactions: number("transactions", 14)?,
            messages: number("messages", 15)?,
            deposit_queue_before: digest(16),
            deposit_queue_after: digest(20),
            exits: digest(24),
            profile: ProfileId::from_number(got).ok_or(StatementError::UnknownProfile { got })?,
        })
    }
}

#[cfg(test)]
mod tests {
    use enfold_state::field::reduce;

    use super::*;

    fn statement() -> BlockStatement {
        let digest = |first: u64| Digest([first, first + 1, first + 2, first + 3].map(reduce));
        BlockStatement {
            chain_id: 7,
            block_number: 12,
            previous_root: digest(100),
            new_root: digest(200),
            emitted: digest(300),
            transactions: 64,
            messages: 120,
            deposit_queue_before: digest(400),
            deposit_queue_after: digest(500),
            exits: digest(600),
            profile: ProfileId::Test,
        }
    }

    #[test]
    fn elements_round_trip_and_every_element_counts() {
        let record = statement().elements();
        assert_eq!(BlockStatement::from_elements(&record), Ok(statement()));
        for at in 0..BlockStatement::LEN {
            let mut other = record;
            other[at] += reduce(1);
            assert_ne!(BlockStatement::from_elements(&other), Ok(statement()), "element {at}");
        }
    }

    #[test]
    fn a_statement_tells_of_two_roots() {
        let statement = statement();
        assert_eq!(statement.root_after(12), Some(statement.new_root));
        assert_eq!(statement.root_after(11), Some(statement.previous_root));
        for number in [0, 10, 13, u32::MAX] {
            assert_eq!(statement.root_after(number), None);
        }
    }

    #[test]
    fn numbers_of_more_than_32_bits_are_refused() {
        for (at, field) in [(0, "chain id"), (1, "block number"), (14, "transactions"), (15, "messages")] {
            let mut record = statement().elements();
            record[at] = reduce(1 << 32);
            let error = BlockStatement::from_elements(&record).unwrap_err();
            assert_eq!(error, StatementError::Range { field, got: 1 << 32 });
        }
        let mut record = statement().elements();
        record[28] = reduce(99);
        let error = BlockStatement::from_elements(&record).unwrap_err();
        assert_eq!(error, StatementError::UnknownProfile { got: 99 });
    }
}
