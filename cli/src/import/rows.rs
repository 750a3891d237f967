//! Reading the CSV file: columns `block, index, kind, from, to, asset, amount`.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use csv::StringRecord;
use enfold_state::hash::without_0x;
use num_bigint::BigUint;

use crate::error::Failure;

/// The columns, in order.
pub const COLUMNS: [&str; 7] = ["block", "index", "kind", "from", "to", "asset", "amount"];

/// Longest amount: digits of `2^256`.
const AMOUNT_DIGITS: usize = 78;

/// Longest line, in bytes.
const LINE: usize = 1 << 16;

/// Longest text of a field that is repeated in an error.
const QUOTED: usize = 80;

/// An address of the foreign chain: 20 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ForeignAddress(pub [u8; 20]);

/// Text that is not `0x` and 40 hex digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 0x and 40 hex digits, got {got:?}")]
pub struct AddressError {
    /// The text.
    pub got: String,
}

impl FromStr for ForeignAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let mut bytes = [0; 20];
        let prefixed = text.starts_with("0x") || text.starts_with("0X");
        prefixed
            .then(|| without_0x(text))
            .and_then(|digits| hex::decode_to_slice(digits, &mut bytes).ok())
            .ok_or_else(|| AddressError { got: quoted(text) })?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for ForeignAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", hex::encode(self.0))
    }
}

/// A row that moves value from one address to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignTransfer {
    /// Who pays.
    pub from: ForeignAddress,
    /// Who is paid.
    pub to: ForeignAddress,
    /// `ETH` or the token's address, in lower case.
    pub asset: String,
    /// In the asset's base unit.
    pub amount: BigUint,
}

/// What a row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A transfer.
    Transfer(ForeignTransfer),
    /// Something else, by its kind.
    Other(String),
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its line in the file, counted from 1.
    pub line: u64,
    /// The foreign chain's block number.
    pub block: u64,
    /// Position in that block.
    pub index: u64,
    /// What it says.
    pub content: Content,
}

/// The file is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// The first line does not name the columns.
    #[error("line 1: expected the columns {expected:?}, got {got:?}")]
    Header {
        /// The columns.
        expected: String,
        /// The line.
        got: String,
    },
    /// A line that has too few or too many fields.
    #[error("line {line}: expected {} comma-separated fields, got {got}", COLUMNS.len())]
    Fields {
        /// Counted from 1.
        line: u64,
        /// How many it has.
        got: u64,
    },
    /// A line that is not one of a CSV file, or is not UTF-8.
    #[error("expected {} comma-separated fields a line, got: {source}", COLUMNS.len())]
    Line {
        /// What the CSV reader says, with the line's number.
        source: csv::Error,
    },
    /// Two rows of one place.
    #[error("line {line}: block {block}, index {index} is already in line {first}")]
    Repeated {
        /// The second row's line.
        line: u64,
        /// The first row's.
        first: u64,
        /// The foreign block.
        block: u64,
        /// Position in it.
        index: u64,
    },
    /// A field that is not what its column holds.
    #[error("line {line}, column {column}: expected {expected}, got {got:?}")]
    Field {
        /// Counted from 1.
        line: u64,
        /// The column's name.
        column: &'static str,
        /// What the column holds.
        expected: &'static str,
        /// The field's text, cut if it is long.
        got: String,
    },
}

impl Failure for RowError {
    fn kind(&self) -> &'static str {
        "malformed_csv"
    }
}

/// A reader that knows where lines begin, and refuses lines which are no rows, so that no line has to be held that fills
/// the memory.
///
/// The CSV reader's own count of lines is of the end of the record before, where empty lines and half of a CRLF are still
/// ahead.
struct Lines<R> {
    input: R,
    /// Bytes read so far.
    read: u64,
    /// Bytes of the line so far.
    length: usize,
    /// The line at which the input is, counted from 1.
    line: u64,
    /// Offset and number of the lines that are not empty, from the last on that was asked for.
    starts: VecDeque<(u64, u64)>,
}

impl<R: Read> Lines<R> {
    const fn new(input: R) -> Self {
        Self { input, read: 0, length: 0, line: 1, starts: VecDeque::new() }
    }

    /// The line of a record, of which none before the last that was asked for.
    fn of(&mut self, position: &csv::Position) -> u64 {
        while self.starts.front().is_some_and(|&(at, _)| at < position.byte()) {
            self.starts.pop_front();
        }
        self.starts.front().map_or(self.line, |&(_, line)| line)
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        for line in buffer[..count].split_inclusive(|&byte| byte == b'\n') {
            if self.length == 0 && !matches!(line[0], b'\r' | b'\n') {
                self.starts.push_back((self.read, self.line));
            }
            self.read += line.len() as u64;
            self.length += line.len();
            if self.length > LINE {
                let text = format!("expected lines of at most {LINE} bytes, got a longer one");
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
            if line.ends_with(b"\n") {
                self.length = 0;
                self.line += 1;
            }
        }
        Ok(count)
    }
}

/// Reads all rows.
///
/// # Errors
/// At the first row that is not as it should be.
pub fn read(input: impl Read) -> Result<Vec<Row>, RowError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(Lines::new(input));
    let header = reader.headers().map_err(|source| RowError::Line { source })?;
    if header != COLUMNS.as_slice() {
        let got = quoted(&header.iter().collect::<Vec<_>>().join(","));
        return Err(RowError::Header { expected: COLUMNS.join(","), got });
    }
    let mut rows = Vec::new();
    let mut places = HashMap::new();
    let mut record = StringRecord::new();
    loop {
        let read = reader.read_record(&mut record);
        let lines = reader.get_mut();
        let more = read.map_err(|source| match (source.kind(), source.position()) {
            (&csv::ErrorKind::UnequalLengths { len: got, .. }, Some(position)) => {
                RowError::Fields { line: lines.of(position), got }
            }
            _ => RowError::Line { source },
        })?;
        if !more {
            return Ok(rows);
        }
        let line = record.position().map_or(0, |position| lines.of(position));
        let row = row(&record, line)?;
        let Row { block, index, .. } = row;
        if let Some(first) = places.insert((block, index), line) {
            return Err(RowError::Repeated { line, first, block, index });
        }
        rows.push(row);
    }
}

fn row(record: &StringRecord, line: u64) -> Result<Row, RowError> {
    // The reader has checked that there are as many fields as columns.
    let text = |column: usize| record.get(column).unwrap_or_default();
    let field = |column: usize, expected| RowError::Field {
        line,
        column: COLUMNS[column],
        expected,
        got: quoted(text(column)),
    };
    let number = |column| text(column).parse().map_err(|_| field(column, "a number below 2^64"));
    let address = |column| text(column).parse().map_err(|_| field(column, "0x and 40 hex digits"));
    let (block, index) = (number(0)?, number(1)?);
    if text(2) != "transfer" {
        return Ok(Row { line, block, index, content: Content::Other(quoted(text(2))) });
    }
    let asset = match text(5) {
        "ETH" => "ETH".to_owned(),
        token => {
            token.parse::<ForeignAddress>().map_err(|_| field(5, "ETH or 0x and 40 hex digits"))?.to_string()
        }
    };
    let amount = Some(text(6))
        .filter(|digits| digits.len() <= AMOUNT_DIGITS && digits.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|digits| BigUint::parse_bytes(digits.as_bytes(), 10))
        .filter(|amount| amount.bits() <= 256)
        .ok_or_else(|| field(6, "a decimal number below 2^256"))?;
    let transfer = ForeignTransfer { from: address(3)?, to: address(4)?, asset, amount };
    Ok(Row { line, block, index, content: Content::Transfer(transfer) })
}

fn quoted(text: &str) -> String {
    text.chars().take(QUOTED).collect()
}

#[cfg(test)]
mod tests {
    use super::{Content, RowError, read};

    const HEADER: &str = "block,index,kind,from,to,asset,amount\n";
    const A: &str = "0xa1e4380a3b1f749673e270229993ee55f35663b4";
    const B: &str = "0x5df9b87991262f6ba471f09758cde1c0fc1de734";

    fn with(row: &str) -> Result<Vec<super::Row>, RowError> {
        read(format!("{HEADER}{row}\n").as_bytes())
    }

    #[test]
    fn a_transfer_and_a_swap_are_read() {
        let rows = with(&format!("7,0,transfer,{A},{B},ETH,31337\n7,1,swap,{A},{A}>{B},{A},1")).unwrap();
        let Content::Transfer(transfer) = &rows[0].content else { panic!("{rows:?}") };
        assert_eq!((rows[0].block, rows[0].index, transfer.amount.to_string()), (7, 0, "31337".to_owned()));
        assert_eq!((transfer.from.to_string(), transfer.to.to_string()), (A.to_owned(), B.to_owned()));
        assert_eq!(rows[1].content, Content::Other("swap".to_owned()));
    }

    #[test]
    fn a_bad_field_is_named_with_its_line() {
        for (row, column) in [
            (format!("x,0,transfer,{A},{B},ETH,1"), "block"),
            (format!("7,-1,transfer,{A},{B},ETH,1"), "index"),
            (format!("7,0,transfer,a1,{B},ETH,1"), "from"),
            (format!("7,0,transfer,{A},{B}0,ETH,1"), "to"),
            (format!("7,0,transfer,{A},{B},BTC,1"), "asset"),
            (format!("7,0,transfer,{A},{B},ETH,1e18"), "amount"),
            (format!("7,0,transfer,{A},{B},ETH,"), "amount"),
            (format!("7,0,transfer,{A},{B},ETH,{}", "9".repeat(78)), "amount"),
        ] {
            match with(&row) {
                Err(RowError::Field { line: 2, column: got, .. }) => assert_eq!(got, column),
                other => panic!("{row}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_repeated_place_is_named_with_both_lines() {
        for second in [
            format!("7,0,transfer,{A},{B},ETH,1"),
            format!("7,0,transfer,{B},{A},ETH,2"),
            "7,0,swap,,,,".to_owned(),
        ] {
            let error = with(&format!("7,0,transfer,{A},{B},ETH,1\n8,0,swap,,,,\n{second}")).unwrap_err();
            assert_eq!(error.to_string(), "line 4: block 7, index 0 is already in line 2");
        }
    }

    #[test]
    fn lines_are_counted_with_whatever_ends_them() {
        let rows = [HEADER.trim(), "", "7,0,swap,,,,", "7,1,swap,,,,", "", "7,2,swap,,,,"];
        for end in ["\n", "\r\n"] {
            let lines: Vec<_> = read(rows.join(end).as_bytes()).unwrap().iter().map(|row| row.line).collect();
            assert_eq!(lines, [3, 4, 6]);
            let error = read([&rows[..], &["", "7,3"]].concat().join(end).as_bytes()).unwrap_err();
            assert!(matches!(error, RowError::Fields { line: 8, got: 2 }), "{error}");
        }
    }

    #[test]
    fn hex_may_begin_with_either_x_and_have_either_case() {
        let upper = |text: &str| text.to_uppercase();
        let rows = with(&format!("7,0,transfer,{},{B},{},1", upper(A), upper(B))).unwrap();
        let Content::Transfer(transfer) = &rows[0].content else { panic!("{rows:?}") };
        assert_eq!((transfer.from.to_string(), transfer.asset.as_str()), (A.to_owned(), B));
        assert!(matches!(with(&format!("7,0,transfer,0x{A},{B},ETH,1")), Err(RowError::Field { .. })));
    }

    #[test]
    fn lines_and_headers_of_another_shape_are_refused() {
        assert!(matches!(with("7,0,transfer"), Err(RowError::Fields { line: 2, got: 3 })));
        assert!(matches!(read("block,index\n".as_bytes()), Err(RowError::Header { .. })));
        assert!(matches!(read("".as_bytes()), Err(RowError::Header { .. })));
        assert!(matches!(
            read([0xff, 0xfe, b'\n'].as_slice()),
            Err(RowError::Line { .. } | RowError::Header { .. })
        ));
    }

    #[test]
    fn damaged_files_are_read_or_refused_in_one_line() {
        let seed = format!("{HEADER}7,0,transfer,{A},{B},ETH,31337\n7,1,swap,{A},{A}>{B},{A},1\n");
        enfold_fuzzing::bounded(&[seed.as_bytes()], 3000, |bytes| match read(bytes) {
            Ok(rows) => assert!(rows.len() <= bytes.len()),
            Err(error) => enfold_fuzzing::check_error(&error),
        });
    }
}
