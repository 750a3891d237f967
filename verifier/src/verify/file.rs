//! The proof file's header.

use enfold_state::profile::ProfileId;

use super::VerifyError;
use crate::config::Proof;

/// Bytes before the proof.
pub const HEADER_LEN: usize = 24;
const MAGIC: [u8; 8] = *b"ENFOLDPF";
const VERSION: u32 = 2;

/// What a proof file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Profile of the circuits that made the proof.
    pub profile: ProfileId,
    /// Length of the proof in bytes.
    pub proof_len: u64,
}

/// Reads the header; the bytes after it are not looked at.
///
/// # Errors
/// If there is no header of a known version and profile.
pub fn read_header(bytes: &[u8]) -> Result<Header, VerifyError> {
    let Some((header, _)) = bytes.split_first_chunk::<HEADER_LEN>() else {
        return Err(VerifyError::Header { expected: HEADER_LEN, got: bytes.len() });
    };
    let (magic, rest) = split::<8>(header);
    let (version, rest) = split::<4>(rest);
    let (profile, rest) = split::<4>(rest);
    let (proof_len, _) = split::<8>(rest);
    if magic != MAGIC {
        return Err(VerifyError::Magic { got: magic });
    }
    let version = u32::from_le_bytes(version);
    if version != VERSION {
        return Err(VerifyError::Version { expected: VERSION, got: version });
    }
    let got = u32::from_le_bytes(profile);
    let profile = ProfileId::from_number(u64::from(got)).ok_or(VerifyError::UnknownProfile { got })?;
    Ok(Header { profile, proof_len: u64::from_le_bytes(proof_len) })
}

/// The proof file of a proof.
pub fn encode(profile: ProfileId, proof: &Proof) -> Vec<u8> {
    let proof = proof.to_bytes();
    let mut bytes = Vec::with_capacity(HEADER_LEN + proof.len());
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend((profile as u32).to_le_bytes());
    bytes.extend((proof.len() as u64).to_le_bytes());
    bytes.extend(proof);
    bytes
}

/// The first `N` bytes, and the rest. The header is long enough for all of its fields.
fn split<const N: usize>(bytes: &[u8]) -> ([u8; N], &[u8]) {
    let (first, rest) = bytes.split_first_chunk::<N>().expect("fields fill the header");
    (*first, rest)
}
