//! The verifier: bytes in, statement or error out. It never panics, whatever the bytes are, and allocates
//! no more than a proof of the profile needs.
//!
//! A proof file is
//!
//! | bytes | content |
//! |---|---|
//! | 0..8 | `ENFOLDPF` |
//! | 8..12 | format version, 2 |
//! | 12..16 | profile number |
//! | 16..24 | length of the proof in bytes |
//! | 24.. | plonky2's uncompressed proof with its public inputs |
//!
//! All numbers are little-endian. A profile's proofs have one length, which its key knows, so lengths are
//! compared before anything is read. Then every limb must be below p and every inner length must be what
//! the circuit's shape says, so a proof has exactly one encoding. Compressed proofs are not supported:
//! plonky2 1.1.0 does not check their shape.
//!
//! One panic is left, which nobody can bring about: plonky2 divides by the difference of a queried point of
//! the FRI domain and a hashed challenge from GF(p^2), which is zero in about one of 2^120 proofs.

mod circuit;
mod file;
mod inner;
mod key;
mod layout;

pub use circuit::CircuitKey;
pub use file::{HEADER_LEN, Header, encode, read_header};
pub use inner::{InnerCircuit, InnerKeys, verify_inner};
pub use key::{PinnedCircuit, PinnedSet, VerifierKey};
pub use layout::Layout;

use enfold_state::profile::ProfileId;

use crate::config::Proof;
use crate::convert::to_native_array;
use crate::statement::{BlockStatement, StatementError};

/// Bytes were not a valid proof: of a block, or of a batch, a lift or a fold.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Shorter than the header.
    #[error("expected a header of {expected} bytes, got {got} bytes")]
    Header {
        /// Length of a header.
        expected: usize,
        /// Bytes given.
        got: usize,
    },
    /// Not a proof file.
    #[error("expected a file that starts with ENFOLDPF, got {got:02x?}")]
    Magic {
        /// The first bytes.
        got: [u8; 8],
    },
    /// A format that this program does not read.
    #[error("expected format version {expected}, got {got}{}", if got < expected { ": it is older, of a chain that cannot be continued" } else { "" })]
    Version {
        /// The version this program reads.
        expected: u32,
        /// The file's.
        got: u32,
    },
    /// The header names no profile.
    #[error("expected a profile number, got {got}")]
    UnknownProfile {
        /// The number.
        got: u32,
    },
    /// A proof of another profile.
    #[error("expected a proof of profile {expected}, got one of profile {got}")]
    Profile {
        /// The key's profile.
        expected: ProfileId,
        /// The file's.
        got: ProfileId,
    },
    /// The header states a length that no proof of the profile has.
    #[error("expected a proof of {expected} bytes, the header states {got}")]
    StatedLength {
        /// Length of the profile's proofs.
        expected: u64,
        /// The header's.
        got: u64,
    },
    /// The file is truncated or has trailing bytes.
    #[error("expected a file of {expected} bytes, got {got}")]
    FileLength {
        /// Header and proof; of an inner proof, which has no header, the proof alone.
        expected: u64,
        /// Bytes given.
        got: u64,
    },
    /// A limb is not below p.
    #[error("expected a field element below p at byte {at} of the proof, got {got:#018x}")]
    NotCanonical {
        /// Offset inside the proof.
        at: usize,
        /// The limb.
        got: u64,
    },
    /// A length inside the proof is not the circuit's.
    #[error("expected length {expected} at byte {at} of the proof, got {got}")]
    InnerLength {
        /// Offset inside the proof.
        at: usize,
        /// What the circuit's shape says.
        expected: u64,
        /// The proof's.
        got: u64,
    },
    /// The bytes do not decode, or encode to other bytes again.
    #[error("the proof is not in the one form that plonky2 writes")]
    Encoding,
    /// The public inputs are no statement.
    #[error("public inputs: {0}")]
    Statement(#[from] StatementError),
    /// The statement is about another profile than the key.
    #[error("expected a statement of profile {expected}, got {got}")]
    StatementProfile {
        /// The key's.
        expected: ProfileId,
        /// The statement's.
        got: ProfileId,
    },
    /// A batch, lift or fold proof has other public inputs than its place in the block.
    #[error("expected the public inputs of this place in this block, got others")]
    Place,
    /// The proof does not prove its statement.
    #[error("the proof does not hold: {source}")]
    Invalid {
        /// plonky2's reason.
        source: anyhow::Error,
    },
}

/// Verifies a proof file and returns what it proves.
///
/// # Errors
/// If the bytes are not a proof file of the key's profile in canonical form, or the proof is not valid.
pub fn verify_block(key: &VerifierKey, bytes: &[u8]) -> Result<BlockStatement, VerifyError> {
    let header = read_header(bytes)?;
    if header.profile != key.profile() {
        return Err(VerifyError::Profile { expected: key.profile(), got: header.profile });
    }
    let expected = key.proof_len() as u64;
    if header.proof_len != expected {
        return Err(VerifyError::StatedLength { expected, got: header.proof_len });
    }
    let (expected, got) = (key.file_len(), bytes.len() as u64);
    if got != expected {
        return Err(VerifyError::FileLength { expected, got });
    }

    let bytes = &bytes[HEADER_LEN..];
    let proof = read_canonical(key.circuit(), bytes)?;
    let record = <[_; BlockStatement::LEN]>::try_from(&proof.public_inputs[..]);
    let record = record.map_err(|_| VerifyError::Encoding)?;
    let statement = BlockStatement::from_elements(&to_native_array(record))?;
    if statement.profile != key.profile() {
        return Err(VerifyError::StatementProfile { expected: key.profile(), got: statement.profile });
    }
    key.circuit().verify(proof).map_err(|source| VerifyError::Invalid { source })?;
    Ok(statement)
}

/// Decodes a proof of the circuit's length, if the bytes are its one encoding.
fn read_canonical(key: &CircuitKey, bytes: &[u8]) -> Result<Proof, VerifyError> {
    key.layout().check(bytes)?;
    let proof = Proof::from_bytes(bytes.to_vec(), key.common()).map_err(|_| VerifyError::Encoding)?;
    if proof.to_bytes() == bytes { Ok(proof) } else { Err(VerifyError::Encoding) }
}
