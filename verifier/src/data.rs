//! What a block publishes beside its proof: every emitted message, as [`BlockData`].
//!
//! Its file forms are those of [`enfold_state::codec`]. With the state before the block it gives the state
//! after, see `enfold_state::rebuild`; here it is held against the statement that commits to it.

use enfold_state::block::{BlockData, Place, emitted_chain};
use enfold_state::hash::Digest;
use enfold_state::message::MessageError;

use crate::statement::BlockStatement;

/// Published data are not those that a statement commits to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// The data are of another chain.
    #[error("expected data of chain {expected}, got chain {got}")]
    ChainId {
        /// The statement's chain.
        expected: u64,
        /// The data's.
        got: u64,
    },
    /// The data are of another block.
    #[error("expected data of block {expected}, got block {got}")]
    Number {
        /// The statement's block.
        expected: u32,
        /// The data's.
        got: u32,
    },
    /// The number of messages is another.
    #[error("expected {expected} messages, got {got}")]
    Count {
        /// By the statement.
        expected: u32,
        /// In the data.
        got: usize,
    },
    /// A message is none that a circuit emits.
    #[error("{place}: {source}")]
    Message {
        /// Which message.
        place: Place,
        /// What is wrong with it.
        source: MessageError,
    },
    /// The commitment to the messages is another.
    #[error("expected E {expected}, got {got}")]
    Emitted {
        /// The statement's.
        expected: Digest,
        /// The data's.
        got: Digest,
    },
}

/// Checks that these are the messages that a block's statement commits to, each in its one form.
///
/// # Errors
/// If they are not.
pub fn check_data(data: &BlockData, statement: &BlockStatement) -> Result<(), DataError> {
    let &BlockStatement { chain_id, block_number, messages, emitted, .. } = statement;
    if data.chain_id != chain_id {
        return Err(DataError::ChainId { expected: chain_id, got: data.chain_id });
    }
    if data.number != block_number {
        return Err(DataError::Number { expected: block_number, got: data.number });
    }
    let got = data.emitted.iter().map(|batch| batch.messages.len()).sum();
    if messages as usize != got {
        return Err(DataError::Count { expected: messages, got });
    }
    data.emitted.iter().enumerate().try_for_each(|(batch, emitted)| {
        emitted.messages.iter().enumerate().try_for_each(|(i, message)| {
            let place = Place { batch, message: i };
            message.check().map_err(|source| DataError::Message { place, source })
        })
    })?;
    let got = emitted_chain(&data.emitted);
    if got != emitted {
        return Err(DataError::Emitted { expected: emitted, got });
    }
    Ok(())
}
