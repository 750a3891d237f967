//! What a block proof says: the public inputs of the block circuit, in order.

use enfold_state::chain::BlockId;
use enfold_state::field::{F, ZERO, reduce, to_u64};
use enfold_state::hash::Digest;
use enfold_state::profile::ProfileId;
use serde::{Deserialize, Serialize};

pub mod chain;
mod fields;

pub use fields::{FIELDS, FieldKind, StatementField};

/// The version of the protocol, the last element of every statement. It grows with each change of the circuits' keys.
pub const PROTOCOL_VERSION: u32 = 2;

/// The statement of one block. Its record has the [`FIELDS`], 31 elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockStatement {
    /// The chain.
    #[serde(with = "enfold_state::wide")]
    pub chain_id: u64,
    /// The block's number; the first block is 1.
    pub block_number: u32,
    /// Its time, in seconds since 1970: no transaction in it was void before.
    pub time: u32,
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
    /// L1 queue before the block.
    pub queue_before: Digest,
    /// L1 queue after it.
    pub queue_after: Digest,
    /// Digest of the block's exits.
    pub exits: Digest,
    /// Profile whose circuits prove it.
    pub profile: ProfileId,
}

/// Elements were not a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// A number is out of its range. The circuits count in the field, so this is where counts end.
    #[error("expected {field} of {least} to {most}, got {got}")]
    Range {
        /// Which one.
        field: &'static str,
        /// The least that it can be.
        least: u64,
        /// The most.
        most: u64,
        /// Its canonical integer.
        got: u64,
    },
    /// No profile has the number.
    #[error("expected a profile number, got {got}")]
    UnknownProfile {
        /// The number.
        got: u64,
    },
    /// Of another version of the protocol.
    #[error("expected protocol version {}, got {got}", PROTOCOL_VERSION)]
    Version {
        /// The number.
        got: u64,
    },
}

impl BlockStatement {
    /// Elements of the record.
    pub const LEN: usize = FIELDS[FIELDS.len() - 1].end();

    /// Which block.
    pub fn block(&self) -> BlockId {
        BlockId { chain_id: self.chain_id, number: self.block_number, time: self.time }
    }

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
        let mut record = [ZERO; Self::LEN];
        for (field, number) in [
            (StatementField::CHAIN_ID, self.chain_id),
            (StatementField::BLOCK_NUMBER, self.block_number.into()),
            (StatementField::TIME, self.time.into()),
            (StatementField::TRANSACTIONS, self.transactions.into()),
            (StatementField::MESSAGES, self.messages.into()),
            (StatementField::PROFILE, self.profile as u64),
            (StatementField::VERSION, PROTOCOL_VERSION.into()),
        ] {
            record[field.offset] = reduce(number);
        }
        for (field, digest) in [
            (StatementField::PREVIOUS_ROOT, self.previous_root),
            (StatementField::NEW_ROOT, self.new_root),
            (StatementField::EMITTED, self.emitted),
            (StatementField::QUEUE_BEFORE, self.queue_before),
            (StatementField::QUEUE_AFTER, self.queue_after),
            (StatementField::EXITS, self.exits),
        ] {
            record[field.range()].copy_from_slice(&digest.0);
        }
        record
    }

    /// Reads the record back.
    ///
    /// # Errors
    /// If a number is out of its range, the profile is unknown or the version is another.
    pub fn from_elements(record: &[F; Self::LEN]) -> Result<Self, StatementError> {
        let version = to_u64(record[StatementField::VERSION.offset]);
        if version != u64::from(PROTOCOL_VERSION) {
            return Err(StatementError::Version { got: version });
        }
        let number = |field: StatementField| field.number(record);
        let narrow = |field| number(field).map(|number| number as u32);
        let digest = |field: StatementField| Digest(field.digest(record));
        let got = to_u64(record[StatementField::PROFILE.offset]);
        Ok(Self {
            chain_id: number(StatementField::CHAIN_ID)?,
            block_number: narrow(StatementField::BLOCK_NUMBER)?,
            time: narrow(StatementField::TIME)?,
            previous_root: digest(StatementField::PREVIOUS_ROOT),
            new_root: digest(StatementField::NEW_ROOT),
            emitted: digest(StatementField::EMITTED),
            transactions: narrow(StatementField::TRANSACTIONS)?,
            messages: narrow(StatementField::MESSAGES)?,
            queue_before: digest(StatementField::QUEUE_BEFORE),
            queue_after: digest(StatementField::QUEUE_AFTER),
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
            time: 1_700_000_000,
            previous_root: digest(100),
            new_root: digest(200),
            emitted: digest(300),
            transactions: 64,
            messages: 120,
            queue_before: digest(400),
            queue_after: digest(500),
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
    fn numbers_out_of_their_ranges_are_refused() {
        let with = |at: usize, number: u64| {
            let mut record = statement().elements();
            record[at] = reduce(number);
            BlockStatement::from_elements(&record)
        };
        for (at, field, least, most) in [
            (0, "chain id", 1, (1 << 63) - 1),
            (1, "block number", 1, (1 << 31) - 1),
            (2, "time", 1, (1 << 32) - 1),
            (15, "transactions", 0, (1 << 32) - 1),
            (16, "messages", 0, (1 << 32) - 1),
        ] {
            let below = (least > 0).then(|| least - 1);
            for got in [most + 1].into_iter().chain(below) {
                assert_eq!(with(at, got), Err(StatementError::Range { field, least, most, got }));
            }
            for number in [least, most] {
                assert!(with(at, number).is_ok(), "{field} {number}");
            }
        }
        assert_eq!(with(29, 99), Err(StatementError::UnknownProfile { got: 99 }));
        for got in [0, 1, 3] {
            assert_eq!(with(30, got), Err(StatementError::Version { got }));
        }
    }
}
