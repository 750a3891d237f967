//! Reading the CSV file: columns `block, index, kind, from, to, asset, amount`.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use csv::StringRecord;
use num_bigint::BigUint;

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
        text.strip_prefix("0x")
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
    /// A line that is not one of a CSV file, or has too few or too many fields, or is not UTF-8.
    #[error("expected {} comma-separated fields a line, got: {source}", COLUMNS.len())]
    Line {
        /// What the CSV reader says, with the line's number.
        source: csv::Error,
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

/// A reader that refuses lines which are no rows, so that no line has to be held that fills the memory.
struct ShortLines<R> {
    input: R,
    /// Bytes of the line so far.
    length: usize,
}

impl<R: Read> Read for ShortLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        for line in buffer[..count].split_inclusive(|&byte| byte == b'\n') {
            self.length += line.len();
            if self.length > LINE {
                let text = format!("expected lines of at most {LINE} bytes, got a longer one");
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
            if line.ends_with(b"\n") {
                self.length = 0;
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
    let input = ShortLines { input, length: 0 };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(input);
    let header = reader.headers().map_err(|source| RowError::Line { source })?;
    if header != COLUMNS.as_slice() {
        let got = quoted(&header.iter().collect::<Vec<_>>().join(","));
        return Err(RowError::Header { expected: COLUMNS.join(","), got });
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        rows.push(row(&record.map_err(|source| RowError::Line { source })?)?);
    }
    Ok(rows)
}

fn row(record: &StringRecord) -> Result<Row, RowError> {
    let line = record.position().map_or(0, csv::Position::line);
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
        return Ok(Row { block, index, content: Content::Other(quoted(text(2))) });
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
    Ok(Row { block, index, content: Content::Transfer(transfer) })
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
    fn lines_and_headers_of_another_shape_are_refused() {
        assert!(matches!(with("7,0,transfer"), Err(RowError::Line { .. })));
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
