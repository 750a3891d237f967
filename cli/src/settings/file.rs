//! Reading `enfold.toml`: a flat table of known keys.

use std::path::Path;

use enfold_state::codec::Malformed;
use toml::de::{DeTable, DeValue};

use super::keys::{KEYS, Key};
use super::{SettingError, WrongSetting};
use crate::error::CliError;
use crate::files::read_bounded;

/// Longest file that is read, in bytes.
const LIMIT: u64 = 1 << 20;

/// A value in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileValue {
    /// Its key.
    pub key: &'static Key,
    /// The value as it would stand on the command line.
    pub value: String,
    /// The line that it is in, from 1.
    pub line: usize,
}

/// Reads a file.
///
/// # Errors
/// If it cannot be read, is no TOML, has a key that is not known, or a value that is neither text nor number.
pub fn read(path: &Path) -> Result<Vec<FileValue>, CliError> {
    let bytes = read_bounded(path, LIMIT)?;
    let text = String::from_utf8_lossy(&bytes);
    let place = |line: usize| format!("{}:{line}", path.display());
    Ok(parse(&text).map_err(|(line, source)| WrongSetting { place: place(line), source, file: true })?)
}

/// Reads the text; errors come with their line.
fn parse(text: &str) -> Result<Vec<FileValue>, (usize, SettingError)> {
    let line = |at: usize| 1 + text.bytes().take(at).filter(|&byte| byte == b'\n').count();
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let message = Malformed::new(error.message().replace('\n', ", ")).to_string();
        (line(at), SettingError::Syntax { message })
    })?;
    let mut values = Vec::new();
    for (name, value) in table.into_inner() {
        let line = line(name.span().start);
        let name = name.into_inner().into_owned();
        let Some(key) = Key::find(&name) else {
            let name = Malformed::new(name).to_string();
            return Err((line, SettingError::unknown(&name, KEYS.iter().map(|key| key.name))));
        };
        let value = match value.into_inner() {
            DeValue::String(text) => text.into_owned(),
            DeValue::Integer(number) => number.as_str().replace('_', ""),
            other => return Err((line, SettingError::Type { key: key.name, got: other.type_str() })),
        };
        values.push(FileValue { key, value, line });
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn values_have_their_line() {
        let values = parse("# operator\ndata = \"state\"\n\nthreads = 1_0\n").unwrap();
        let mut found: Vec<_> = values.iter().map(|v| (v.key.name, v.value.as_str(), v.line)).collect();
        found.sort();
        assert_eq!(found, [("data", "state", 2), ("threads", "10", 4)]);
        assert!(parse("").unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let error = |text: &str| {
            let (line, error) = parse(text).unwrap_err();
            format!("{line}: {error}")
        };
        assert!(
            error("data = \"x\"\nthread = 2").starts_with("2: unknown key \"thread\", did you mean threads?")
        );
        assert!(
            error("frobnicate = 2").contains("expected one of format, threads"),
            "{}",
            error("frobnicate = 2")
        );
        assert_eq!(error("\ndata = true"), "2: data: expected a string or a number, got boolean");
        assert_eq!(error("[data]\nx = 1"), "1: data: expected a string or a number, got table");
        assert!(
            error("data = \"x\"\ndata = \"y\"").starts_with("2: "),
            "{}",
            error("data = \"x\"\ndata = \"y\"")
        );
        assert!(error("data = ").starts_with("1: "));
    }

    #[test]
    fn damaged_files_are_read_or_refused_in_one_line() {
        let seed = b"# operator\ndata = \"state\"\n\nthreads = 1_0\nlog_format = 'json'\n";
        enfold_fuzzing::bounded(&[seed], 3000, |bytes| match parse(&String::from_utf8_lossy(bytes)) {
            Ok(values) => assert!(values.iter().all(|value| value.line <= bytes.len())),
            Err((_, error)) => enfold_fuzzing::check_error(&error),
        });
    }
}
