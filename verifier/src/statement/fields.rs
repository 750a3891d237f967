//! Where each field is in a statement's record. The circuit, the verifier and the documents have it from here.

use std::ops::Range;

use enfold_state::field::{F, to_u64};
use enfold_state::hash::DIGEST_LEN;

use super::StatementError;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// One element, an integer in a range.
    Number {
        /// The least that a reader takes.
        least: u64,
        /// The most.
        most: u64,
    },
    /// Four elements.
    Digest,
}

impl FieldKind {
    /// Elements of a field.
    pub const fn elements(self) -> usize {
        match self {
            Self::Number { .. } => 1,
            Self::Digest => DIGEST_LEN,
        }
    }
}

/// A field of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementField {
    /// Its name in documents and messages.
    pub name: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// Its first element.
    pub offset: usize,
}

/// Counts and times: 32 bits.
const WIDE: u64 = u32::MAX as u64;

/// All fields, in the order of the record.
pub const FIELDS: [StatementField; 13] = [
    StatementField::CHAIN_ID,
    StatementField::BLOCK_NUMBER,
    StatementField::TIME,
    StatementField::PREVIOUS_ROOT,
    StatementField::NEW_ROOT,
    StatementField::EMITTED,
    StatementField::TRANSACTIONS,
    StatementField::MESSAGES,
    StatementField::QUEUE_BEFORE,
    StatementField::QUEUE_AFTER,
    StatementField::EXITS,
    StatementField::PROFILE,
    StatementField::VERSION,
];

const fn number(least: u64, most: u64) -> FieldKind {
    FieldKind::Number { least, most }
}

impl StatementField {
    /// The chain.
    pub const CHAIN_ID: Self = Self { name: "chain id", kind: number(1, u64::MAX >> 1), offset: 0 };
    /// The block's number.
    pub const BLOCK_NUMBER: Self = Self::CHAIN_ID.then("block number", number(1, WIDE >> 1));
    /// The block's time, in seconds since 1970.
    pub const TIME: Self = Self::BLOCK_NUMBER.then("time", number(1, WIDE));
    /// State root before the block.
    pub const PREVIOUS_ROOT: Self = Self::TIME.then("previous state root", FieldKind::Digest);
    /// State root after it.
    pub const NEW_ROOT: Self = Self::PREVIOUS_ROOT.then("new state root", FieldKind::Digest);
    /// `E`, the chain over the emitted messages.
    pub const EMITTED: Self = Self::NEW_ROOT.then("E", FieldKind::Digest);
    /// Count of the transactions.
    pub const TRANSACTIONS: Self = Self::EMITTED.then("transactions", number(0, WIDE));
    /// Count of the messages.
    pub const MESSAGES: Self = Self::TRANSACTIONS.then("messages", number(0, WIDE));
    /// L1 queue before the block.
    pub const QUEUE_BEFORE: Self = Self::MESSAGES.then("queue before the block", FieldKind::Digest);
    /// L1 queue after it.
    pub const QUEUE_AFTER: Self = Self::QUEUE_BEFORE.then("queue after the block", FieldKind::Digest);
    /// Digest of the exits.
    pub const EXITS: Self = Self::QUEUE_AFTER.then("exits", FieldKind::Digest);
    /// The profile's number.
    pub const PROFILE: Self = Self::EXITS.then("profile", number(1, WIDE));
    /// The protocol's version.
    pub const VERSION: Self = Self::PROFILE.then("version", number(1, WIDE));

    /// The field behind this one.
    const fn then(self, name: &'static str, kind: FieldKind) -> Self {
        Self { name, kind, offset: self.end() }
    }

    /// The element behind its last.
    pub const fn end(self) -> usize {
        self.offset + self.kind.elements()
    }

    /// Its elements.
    pub const fn range(self) -> Range<usize> {
        self.offset..self.end()
    }

    /// A number of a record, if it is in the field's range.
    ///
    /// # Errors
    /// If it is not.
    ///
    /// # Panics
    /// If the record is too short or the field holds a digest.
    pub(super) fn number(self, record: &[F]) -> Result<u64, StatementError> {
        let FieldKind::Number { least, most } = self.kind else { panic!("{} is no number", self.name) };
        match to_u64(record[self.offset]) {
            got if (least..=most).contains(&got) => Ok(got),
            got => Err(StatementError::Range { field: self.name, least, most, got }),
        }
    }

    /// A digest's elements in a record of values or of a circuit's targets.
    ///
    /// # Panics
    /// If the record is too short.
    pub fn digest<T: Copy>(self, record: &[T]) -> [T; DIGEST_LEN] {
        std::array::from_fn(|i| record[self.offset + i])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::BlockStatement;

    #[test]
    fn fields_fill_the_record_in_order() {
        let mut end = 0;
        for field in FIELDS {
            assert_eq!(field.offset, end, "{}", field.name);
            end = field.end();
        }
        assert_eq!((end, BlockStatement::LEN), (31, 31), "another record is another protocol version");
    }

    /// The protocol's table of the public inputs has just these rows.
    #[test]
    fn the_protocol_has_the_same_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/protocol.md");
        let text = std::fs::read_to_string(path).unwrap();
        let table = text.split("| position | field |").nth(1).expect("a table of positions");
        let rows: Vec<_> = table
            .lines()
            .skip(2)
            .map_while(|line| line.strip_prefix("| "))
            .map(|row| row.split(" |").take(2).map(str::trim).collect::<Vec<_>>().join(": "))
            .collect();
        let expected = FIELDS.map(|StatementField { name, kind, offset }| match kind {
            FieldKind::Number { .. } => format!("{offset}: {name}"),
            FieldKind::Digest => format!("{offset}..{}: {name}", offset + DIGEST_LEN),
        });
        assert_eq!(rows, expected);
    }
}
