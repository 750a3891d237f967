//! Files: a binary form and a JSON form, read by one path.
//!
//! Binary: a header of 16 bytes, then the body. Integers are little-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | [`MAGIC`] |
//! | 8..12 | format version, [`FORMAT_VERSION`] |
//! | 12..16 | kind, see [`Kind`] |
//! | 16.. | the record in bincode 1.3: integers of fixed width, lengths as `u64`, enum variants as `u32` |
//!
//! Records have one encoding: every element and integer is checked to be canonical and nothing may follow.
//! A JSON file is the record alone; it is told by its first byte that is not white space, `{`.
//!
//! This module is the only one that uses bincode, and nothing of it shows outside: RUSTSEC-2025-0141 says that it is
//! unmaintained (`docs/formats.md`).

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use bincode::Options;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::account_proof::{AccountProof, ContractProof};
use crate::block::{Block, BlockData, Genesis};
use crate::json;
use crate::receipt::Receipt;
use crate::system::words;
use crate::transaction::SignedTransaction;

/// The first bytes of every binary file. Neither text nor UTF-8, and changed by a transfer in text mode.
pub const MAGIC: [u8; 8] = *b"\x89enfold\n";

/// The version of the binary form.
pub const FORMAT_VERSION: u32 = 2;

/// Bytes of the header.
pub const HEADER_LEN: usize = 16;

/// What a binary file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// A [`Genesis`].
    Genesis = 1,
    /// A [`Block`].
    Block = 2,
    /// A [`SignedTransaction`].
    Transaction = 3,
    /// A [`BlockData`].
    BlockData = 4,
    /// A block proof.
    Proof = 5,
    /// A proving job's journal.
    Journal = 6,
    /// A [`Receipt`].
    Receipt = 7,
    /// An [`AccountProof`].
    AccountProof = 8,
    /// A [`ContractProof`].
    ContractProof = 9,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Genesis,
        Self::Block,
        Self::Transaction,
        Self::BlockData,
        Self::Proof,
        Self::Journal,
        Self::Receipt,
        Self::AccountProof,
        Self::ContractProof,
    ];

    /// The kind with this number.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|&kind| kind as u32 == number)
    }

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Genesis => "genesis",
            Self::Block => "block",
            Self::Transaction => "transaction",
            Self::BlockData => "block data",
            Self::Proof => "proof",
            Self::Journal => "journal",
            Self::Receipt => "receipt",
            Self::AccountProof => "account proof",
            Self::ContractProof => "contract proof",
        }
    }
}

/// Something that has a file form.
pub trait Record: Serialize + DeserializeOwned {
    /// Its kind.
    const KIND: Kind;
    /// The most bytes that a file of it may have, in either form.
    const MAX_LEN: u64;

    /// What a file of it alone may not hold. A record that it is a part of may: there another reads what is wrong with it.
    ///
    /// # Errors
    /// If it holds that, in words.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

impl Record for Genesis {
    const KIND: Kind = Kind::Genesis;
    const MAX_LEN: u64 = 1 << 36;
}

impl Record for Block {
    const KIND: Kind = Kind::Block;
    const MAX_LEN: u64 = 1 << 30;
}

impl Record for SignedTransaction {
    const KIND: Kind = Kind::Transaction;
    const MAX_LEN: u64 = 1 << 14;

    fn check(&self) -> Result<(), String> {
        self.transaction.check_ranges()
    }
}

impl Record for BlockData {
    const KIND: Kind = Kind::BlockData;
    const MAX_LEN: u64 = 1 << 30;
}

impl Record for Receipt {
    const KIND: Kind = Kind::Receipt;
    const MAX_LEN: u64 = 1 << 24;
}

impl Record for AccountProof {
    const KIND: Kind = Kind::AccountProof;
    const MAX_LEN: u64 = 1 << 13;
}

impl Record for ContractProof {
    const KIND: Kind = Kind::ContractProof;
    const MAX_LEN: u64 = 1 << 13;
}

/// Bytes that are not a record of the expected kind.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The file cannot be read.
    #[error("cannot read {path}: {}", words(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// More bytes than a file of the kind may have.
    #[error("expected a {} of at most {expected} bytes, got {got} or more", kind.name())]
    TooLong {
        /// The expected kind.
        kind: Kind,
        /// The bound.
        expected: u64,
        /// The length, or one more than the bound where reading stopped there.
        got: u64,
    },
    /// Too short for a header.
    #[error("expected a {} file: a header of {expected} bytes or JSON, got {got} bytes", kind.name())]
    Truncated {
        /// The expected kind.
        kind: Kind,
        /// Bytes of a header.
        expected: usize,
        /// Bytes of the file.
        got: usize,
    },
    /// Not a file of this project.
    #[error("expected a {} file: JSON, or {} in front, got {}", kind.name(), hex::encode(MAGIC), hex::encode(got))]
    Magic {
        /// The expected kind.
        kind: Kind,
        /// The first bytes.
        got: [u8; 8],
    },
    /// Another version of the format.
    #[error("expected format version {expected}, got {got}: {}", version_advice(*kind, *got))]
    Version {
        /// The expected kind.
        kind: Kind,
        /// The version that is understood.
        expected: u32,
        /// The file's.
        got: u32,
    },
    /// A file of another kind.
    #[error("expected a {} file, got a {} file", expected.name(), Kind::from_number(*got).map_or("foreign", Kind::name))]
    Kind {
        /// The kind that was asked for.
        expected: Kind,
        /// The file's kind, which may be unknown.
        got: u32,
    },
    /// The body is malformed: truncated, too long, or with a value out of its range.
    #[error("malformed {}: {source}", kind.name())]
    Body {
        /// The expected kind.
        kind: Kind,
        /// What is wrong.
        source: Malformed,
    },
    /// The JSON is malformed, or not one of the expected kind.
    #[error("malformed {} in JSON: {source}", kind.name())]
    Json {
        /// The expected kind.
        kind: Kind,
        /// What is wrong and where.
        source: Malformed,
    },
}

/// What is to be done about a file of another version.
fn version_advice(kind: Kind, got: u32) -> String {
    if got > FORMAT_VERSION {
        return "it is newer; use the version of the program that wrote it".to_owned();
    }
    let commands = match kind {
        Kind::Genesis => "enfold gen` or `enfold import",
        Kind::Block => "enfold bundle`, `enfold gen` or `enfold import",
        Kind::Transaction => "enfold sign",
        Kind::BlockData | Kind::Proof | Kind::Journal => "enfold prove",
        Kind::Receipt => "enfold receipt",
        Kind::AccountProof | Kind::ContractProof => "enfold account",
    };
    format!("it is older, of chains that cannot be continued; make a new one with `{commands}`")
}

/// What a parser says about its input: one line of bounded length, although parsers repeat what they read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(String);

impl Malformed {
    /// The longest message in bytes, but for the dots at its end.
    pub const MAX_LEN: usize = 300;

    /// What a parser says. Control characters are escaped, and what is too long is cut.
    pub fn new(error: impl fmt::Display) -> Self {
        let said = error.to_string();
        let mut text = String::new();
        for c in said.chars() {
            let (at, control) = (text.len(), c.is_control());
            if control {
                text.extend(c.escape_default())
            } else {
                text.push(c)
            }
            if text.len() > Self::MAX_LEN {
                text.truncate(at);
                text.push_str(" ...");
                break;
            }
        }
        Self(text)
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Malformed {}

/// The one bincode configuration of the project.
fn options(limit: u64) -> impl Options {
    bincode::DefaultOptions::new()
        .with_fixint_encoding()
        .with_little_endian()
        .with_limit(limit)
        .reject_trailing_bytes()
}

/// The binary form.
///
/// # Errors
/// If the record is longer than [`Record::MAX_LEN`].
pub fn encode<T: Record>(record: &T) -> Result<Vec<u8>, CodecError> {
    let kind = T::KIND;
    let mut bytes = Vec::new();
    bytes.extend(MAGIC);
    bytes.extend(FORMAT_VERSION.to_le_bytes());
    bytes.extend((kind as u32).to_le_bytes());
    options(T::MAX_LEN - HEADER_LEN as u64)
        .serialize_into(&mut bytes, record)
        .map_err(|error| body_error::<T>(&error))?;
    Ok(bytes)
}

/// A value as it is written in the body of a binary file, without a header.
///
/// # Errors
/// If the value does not serialise.
pub fn to_body<T: Serialize>(value: &T) -> Result<Vec<u8>, Malformed> {
    options(u64::MAX).serialize(value).map_err(Malformed::new)
}

/// Reads [`to_body`].
///
/// # Errors
/// If the bytes are not exactly one such value.
pub fn from_body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Malformed> {
    options(u64::MAX).deserialize(bytes).map_err(Malformed::new)
}

/// The JSON form, indented, with a line break at its end.
///
/// # Errors
/// If a value has no JSON form.
pub fn encode_json<T: Record>(record: &T) -> Result<String, CodecError> {
    let mut text = serde_json::to_string_pretty(record).map_err(|error| json_error::<T>(&error))?;
    text.push('\n');
    Ok(text)
}

/// The kind that a binary file's header names; `None` if it has no such header.
pub fn peek_kind(bytes: &[u8]) -> Option<Kind> {
    let rest = bytes.strip_prefix(&MAGIC)?;
    let (_, rest) = rest.split_first_chunk::<4>()?;
    Kind::from_number(u32::from_le_bytes(*rest.first_chunk()?))
}

/// Reads the binary form.
///
/// # Errors
/// If the bytes are not exactly one record of this kind.
pub fn decode<T: Record>(bytes: &[u8]) -> Result<T, CodecError> {
    check_len::<T>(bytes.len() as u64)?;
    let body = check_header(T::KIND, bytes)?;
    let record = options(T::MAX_LEN).deserialize(body).map_err(|error| body_error::<T>(&error))?;
    checked(record, body_error::<T>)
}

/// The record, if a file of it may hold what it does.
fn checked<T: Record>(record: T, error: impl Fn(&dyn fmt::Display) -> CodecError) -> Result<T, CodecError> {
    record.check().map_err(|got| error(&got)).map(|()| record)
}

/// Checks a header, and gives what follows it.
fn check_header(kind: Kind, bytes: &[u8]) -> Result<&[u8], CodecError> {
    let truncated = CodecError::Truncated { kind, expected: HEADER_LEN, got: bytes.len() };
    let Some((magic, rest)) = bytes.split_first_chunk::<8>() else { return Err(truncated) };
    if *magic != MAGIC {
        return Err(CodecError::Magic { kind, got: *magic });
    }
    let Some((version, rest)) = rest.split_first_chunk::<4>() else { return Err(truncated) };
    let Some((number, body)) = rest.split_first_chunk::<4>() else { return Err(truncated) };
    let got = u32::from_le_bytes(*version);
    if got != FORMAT_VERSION {
        return Err(CodecError::Version { kind, expected: FORMAT_VERSION, got });
    }
    let got = u32::from_le_bytes(*number);
    if got != kind as u32 {
        return Err(CodecError::Kind { expected: kind, got });
    }
    Ok(body)
}

/// Reads either form.
///
/// # Errors
/// If the bytes are not exactly one record of this kind in one of the forms.
pub fn read<T: Record>(bytes: &[u8]) -> Result<T, CodecError> {
    check_len::<T>(bytes.len() as u64)?;
    if is_json(bytes) {
        let record = json::from_slice(bytes).map_err(|error| json_error::<T>(&error))?;
        return checked(record, json_error::<T>);
    }
    decode(bytes)
}

/// Whether a file that starts like this is taken for JSON.
fn is_json(start: &[u8]) -> bool {
    let space = start.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    start.get(space).map_or(space > 0, |&byte| byte == b'{')
}

/// Reads a file in either form, and never more of it than the kind allows. Nothing is held in memory but the record,
/// so a file that ends in an error costs what came before the error.
///
/// # Errors
/// If it cannot be read, or is not exactly one record of this kind.
pub fn read_file<T: Record>(path: &Path) -> Result<T, CodecError> {
    let failed = |source| CodecError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    // A pipe or a device has no length, and a file may grow: the bound holds while reading too.
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_file() {
        check_len::<T>(metadata.len())?;
    }
    let mut reader = BufReader::with_capacity(1 << 16, file).take(T::MAX_LEN);
    let read = read_from(&mut reader).map_err(failed)?;
    let more = reader.limit() == 0 && !reader.into_inner().fill_buf().map_err(failed)?.is_empty();
    if more {
        check_len::<T>(T::MAX_LEN + 1)?;
    }
    read
}

/// Reads either form to the end, and nothing behind an error.
///
/// # Errors
/// If the reader fails; the inner one if its bytes are not exactly one record of this kind.
pub fn read_from<T: Record>(reader: &mut impl BufRead) -> io::Result<Result<T, CodecError>> {
    let kind = T::KIND;
    if is_json(reader.fill_buf()?) {
        return match json::from_reader(reader) {
            Err(error) if error.is_io() => Err(error.into()),
            Err(error) => Ok(Err(json_error::<T>(&error))),
            Ok(record) => Ok(checked(record, json_error::<T>)),
        };
    }
    let mut header = Vec::with_capacity(HEADER_LEN);
    reader.take(HEADER_LEN as u64).read_to_end(&mut header)?;
    if let Err(error) = check_header(kind, &header) {
        return Ok(Err(error));
    }
    let body = options(T::MAX_LEN).deserialize_from(&mut *reader);
    Ok(match body.map_err(|error| *error) {
        Err(bincode::ErrorKind::Io(error)) if error.kind() != ErrorKind::UnexpectedEof => return Err(error),
        Ok(_) if !reader.fill_buf()?.is_empty() => Err(body_error::<T>(&"bytes follow the record")),
        Ok(record) => checked(record, body_error::<T>),
        Err(error) => Err(body_error::<T>(&error)),
    })
}

fn body_error<T: Record>(error: &dyn fmt::Display) -> CodecError {
    CodecError::Body { kind: T::KIND, source: Malformed::new(error) }
}

fn json_error<T: Record>(error: &dyn fmt::Display) -> CodecError {
    CodecError::Json { kind: T::KIND, source: Malformed::new(error) }
}

fn check_len<T: Record>(got: u64) -> Result<(), CodecError> {
    if got > T::MAX_LEN {
        return Err(CodecError::TooLong { kind: T::KIND, expected: T::MAX_LEN, got });
    }
    Ok(())
}
