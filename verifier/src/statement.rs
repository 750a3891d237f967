//! What a block proof says: the public inputs of the block circuit, in order.

use enfold_state::field::{F, from_u32, to_u64};
use enfold_state::hash::Digest;
use enfold_state::profile::ProfileId;
use serde::{Deserialize, Serialize};

pub mod chain;
mod fields;

pub use fields::{FIELDS, FieldKind, StatementField};

/// The statement of one block. Its record has the [`FIELDS`], 29 elements.
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
    pub const LEN: usize = FIELDS[FIELDS.len() - 1].end();

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
        for (field, number) in [
            (StatementField::CHAIN_ID, self.chain_id),
            (StatementField::BLOCK_NUMBER, self.block_number),
            (StatementField::TRANSACTIONS, self.transactions),
            (StatementField::MESSAGES, self.messages),
            (StatementField::PROFILE, self.profile as u32),
        ] {
            record[field.offset] = from_u32(number);
        }
        for (field, digest) in [
            (StatementField::PREVIOUS_ROOT, self.previous_root),
            (StatementField::NEW_ROOT, self.new_root),
            (StatementField::EMITTED, self.emitted),
            (StatementField::DEPOSIT_QUEUE_BEFORE, self.deposit_queue_before),
            (StatementField::DEPOSIT_QUEUE_AFTER, self.deposit_queue_after),
            (StatementField::EXITS, self.exits),
        ] {
            record[field.range()].copy_from_slice(&digest.0);
        }
        record
    }

    /// Reads the record back.
    ///
    /// # Errors
    /// If a number is out of its range or the profile is unknown.
    pub fn from_elements(record: &[F; Self::LEN]) -> Result<Self, StatementError> {
        let number = |field: StatementField| {
            let got = to_u64(record[field.offset]);
            u32::try_from(got).map_err(|_| StatementError::Range { field: field.name, got })
        };
        let digest = |field: StatementField| Digest(field.digest(record));
        let got = to_u64(record[StatementField::PROFILE.offset]);
        Ok(Self {
            chain_id: number(StatementField::CHAIN_ID)?,
            block_number: number(StatementField::BLOCK_NUMBER)?,
            previous_root: digest(StatementField::PREVIOUS_ROOT),
            new_root: digest(StatementField::NEW_ROOT),
            emitted: digest(StatementField::EMITTED),
            transactions: number(StatementField::TRANSACTIONS)?,
            messages: number(StatementField::MESSAGES)?,
            deposit_queue_before: digest(StatementField::DEPOSIT_QUEUE_BEFORE),
            deposit_queue_after: digest(StatementField::DEPOSIT_QUEUE_AFTER),
            exits: digest(StatementField::EXITS),
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
