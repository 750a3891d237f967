//! Where each field is in a statement's record. The circuit, the verifier and the documents have it from here.

use std::ops::Range;

use enfold_state::hash::DIGEST_LEN;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// One element, an integer below 2^32.
    Number,
    /// Four elements.
    Digest,
}

impl FieldKind {
    /// Elements of a field.
    pub const fn elements(self) -> usize {
        match self {
            Self::Number => 1,
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

/// All fields, in the order of the record.
pub const FIELDS: [StatementField; 11] = [
    StatementField::CHAIN_ID,
    StatementField::BLOCK_NUMBER,
    StatementField::PREVIOUS_ROOT,
    StatementField::NEW_ROOT,
    StatementField::EMITTED,
    StatementField::TRANSACTIONS,
    StatementField::MESSAGES,
    StatementField::DEPOSIT_QUEUE_BEFORE,
    StatementField::DEPOSIT_QUEUE_AFTER,
    StatementField::EXITS,
    StatementField::PROFILE,
];

impl StatementField {
    /// The chain.
    pub const CHAIN_ID: Self = Self { name: "chain id", kind: FieldKind::Number, offset: 0 };
    /// The block's number.
    pub const BLOCK_NUMBER: Self = Self::CHAIN_ID.then("block number", FieldKind::Number);
    /// State root before the block.
    pub const PREVIOUS_ROOT: Self = Self::BLOCK_NUMBER.then("previous state root", FieldKind::Digest);
    /// State root after it.
    pub const NEW_ROOT: Self = Self::PREVIOUS_ROOT.then("new state root", FieldKind::Digest);
    /// `E`, the chain over the emitted messages.
    pub const EMITTED: Self = Self::NEW_ROOT.then("E", FieldKind::Digest);
    /// Count of the transactions.
    pub const TRANSACTIONS: Self = Self::EMITTED.then("transactions", FieldKind::Number);
    /// Count of the messages.
    pub const MESSAGES: Self = Self::TRANSACTIONS.then("messages", FieldKind::Number);
    /// L1 deposit queue before the block.
    pub const DEPOSIT_QUEUE_BEFORE: Self =
        Self::MESSAGES.then("deposit queue before the block", FieldKind::Digest);
    /// L1 deposit queue after it.
    pub const DEPOSIT_QUEUE_AFTER: Self =
        Self::DEPOSIT_QUEUE_BEFORE.then("deposit queue after the block", FieldKind::Digest);
    /// Digest of the exits.
    pub const EXITS: Self = Self::DEPOSIT_QUEUE_AFTER.then("exits", FieldKind::Digest);
    /// The profile's number.
    pub const PROFILE: Self = Self::EXITS.then("profile", FieldKind::Number);

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
        assert_eq!((end, BlockStatement::LEN), (29, 29), "another record is another protocol version");
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
            FieldKind::Number => format!("{offset}: {name}"),
            FieldKind::Digest => format!("{offset}..{}: {name}", offset + DIGEST_LEN),
        });
        assert_eq!(rows, expected);
    }
}
