//! What goes to stdout: plain words or one JSON object.

use std::fmt::Display;
use std::io::{self, Write};

use enfold_state::codec::Record;
use enfold_state::wide::EXACT;
use serde::Serialize;
use serde_json::{Value, json};

use crate::args::Format;
use crate::error::CliError;
use crate::records;

/// A command's result in both forms.
#[derive(Clone, Debug)]
pub struct Outcome {
    fields: Value,
    text: String,
}

impl Outcome {
    /// The result of a command from its report, whose JSON form is an object and whose text form is a
    /// few lines of plain words.
    ///
    /// # Errors
    /// If the report does not serialise, which is a fault of the program.
    pub fn of<R: Serialize + Display>(report: &R) -> Result<Self, CliError> {
        Ok(Self { fields: to_value(report)?, text: report.to_string() })
    }

    /// A whole record: its JSON form, or `{"record": ...}`.
    ///
    /// # Errors
    /// If it does not serialise, which is a fault of the program.
    pub fn of_record<T: Record>(record: &T) -> Result<Self, CliError> {
        Ok(Self { fields: json!({ "record": to_value(record)? }), text: records::to_json(record)? })
    }
}

/// A report's JSON form, in which integers that a double does not hold exactly are texts.
///
/// # Errors
/// If it does not serialise, which is a fault of the program.
pub fn to_value<R: Serialize + ?Sized>(report: &R) -> Result<Value, CliError> {
    let mut value = serde_json::to_value(report).map_err(CliError::Report)?;
    keep_digits(&mut value);
    Ok(value)
}

fn keep_digits(value: &mut Value) {
    match value {
        Value::Number(number) if number.as_u64().is_some_and(|number| number > EXACT) => {
            *value = Value::String(number.to_string());
        }
        Value::Array(items) => items.iter_mut().for_each(keep_digits),
        Value::Object(fields) => fields.values_mut().for_each(keep_digits),
        _ => {}
    }
}

/// Prints a result: `{"ok": true, "command": ..., ...the report's fields}` or its words.
///
/// # Errors
/// If stdout cannot be written to. A reader that left is not an error.
pub fn print_outcome(format: Format, command: &str, outcome: &Outcome) -> Result<(), CliError> {
    match format {
        Format::Human => print_line(outcome.text.trim_end()),
        Format::Json => {
            let mut object = json!({ "ok": true, "command": command });
            if let (Value::Object(object), Value::Object(fields)) = (&mut object, &outcome.fields) {
                object.extend(fields.clone());
            }
            print_line(&object.to_string())
        }
    }
}

/// Prints an error: one line on stderr, and in JSON format also
/// `{"ok": false, "command": ..., "error": {"kind", "exit_code", "message"}}` on stdout, with `rejections`
/// where transactions are what is wrong.
///
/// Nothing is left to do if that fails, so it cannot.
pub fn print_error(format: Format, command: Option<&str>, error: &CliError) {
    let message = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    let _ = writeln!(io::stderr().lock(), "error: {message}");
    if format == Format::Json {
        let mut fields = json!({ "kind": error.kind(), "exit_code": error.exit() as u8, "message": message });
        if !error.rejections().is_empty() {
            fields["rejections"] = json!(error.rejections());
        }
        let _ = print_line(&json!({ "ok": false, "command": command, "error": fields }).to_string());
    }
}

fn print_line(text: &str) -> Result<(), CliError> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => Err(CliError::Stdout { source }),
        _ => Ok(()),
    }
}

/// A count with its noun: `1 leaf`, `2 leaves`.
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number as u64), if number == 1 { one } else { many })
}

/// A number with a comma between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{count, grouped, to_value};

    #[test]
    fn numbers_that_doubles_lose_are_texts() {
        let (exact, more) = (1_u64 << 53, (1_u64 << 53) + 1);
        let value =
            to_value(&json!({ "a": [exact, { "b": more }], "c": u64::MAX, "d": -1, "e": 0.5 })).unwrap();
        assert_eq!(
            value,
            json!({ "a": [exact, { "b": more.to_string() }], "c": u64::MAX.to_string(), "d": -1, "e": 0.5 })
        );
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(
            [0, 999, 1_000, 12_345, 123_456, 1_234_567].map(grouped),
            ["0", "999", "1,000", "12,345", "123,456", "1,234,567"]
        );
        assert_eq!(count(1, "leaf", "leaves"), "1 leaf");
        assert_eq!(count(1_000, "leaf", "leaves"), "1,000 leaves");
    }
}
