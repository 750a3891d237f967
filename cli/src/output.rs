//! What goes to stdout: plain words or one JSON object.

use std::fmt::Display;
use std::io::{self, Write};

use enfold_state::codec::Record;
use enfold_state::system::words;
use enfold_state::wide::EXACT;
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::{CliError, Failure};
use crate::exit::Exit;
use crate::logging::print_error_line;
use crate::options::Format;
use crate::records;
use crate::text::{Escaped, escape_json, escape_values};

/// A report does not serialise.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the report as JSON: {0}")]
pub struct ReportError(#[source] pub serde_json::Error);

impl Failure for ReportError {
    fn exit(&self) -> Exit {
        Exit::Internal
    }

    fn kind(&self) -> &'static str {
        "report"
    }
}

/// Stdout cannot be written to.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to stdout: {}", words(.0))]
pub struct StdoutError(#[source] pub io::Error);

impl Failure for StdoutError {
    fn exit(&self) -> Exit {
        Exit::Internal
    }

    fn kind(&self) -> &'static str {
        "stdout"
    }
}

/// A command's result in both forms.
#[derive(Clone, Debug)]
pub struct Outcome {
    fields: Value,
    text: String,
    shortfall: Option<Shortfall>,
}

/// Why a command that did all that it could has not done all that was wanted: an error, but one with a result.
#[derive(Clone, Debug)]
struct Shortfall {
    kind: &'static str,
    exit: Exit,
    message: String,
}

impl Outcome {
    /// The result of a command from its report, whose JSON form is an object and whose text form is a
    /// few lines of plain words.
    ///
    /// # Errors
    /// If the report does not serialise, which is a fault of the program.
    pub fn of<R: Serialize + Display>(report: &R) -> Result<Self, CliError> {
        let fields = to_value(report)?;
        let mut text = report.to_string();
        escape_values(&fields, &mut text);
        Ok(Self { fields, text, shortfall: None })
    }

    /// The result of a command whose words are a script, which is printed as it is.
    ///
    /// # Errors
    /// As [`Outcome::of`].
    pub fn of_script<R: Serialize + Display>(report: &R) -> Result<Self, CliError> {
        let fields = to_value(report)?;
        Ok(Self { fields, text: report.to_string(), shortfall: None })
    }

    /// The same result, which falls short of what was wanted.
    #[must_use]
    pub fn short_of(self, error: &CliError) -> Self {
        let (kind, exit, message) = (error.kind(), error.exit(), one_line(error));
        Self { shortfall: Some(Shortfall { kind, exit, message }), ..self }
    }

    /// How the program ends.
    pub fn exit(&self) -> Exit {
        self.shortfall.as_ref().map_or(Exit::Fine, |shortfall| shortfall.exit)
    }

    /// A whole record: its JSON form, or `{"record": ...}`.
    ///
    /// # Errors
    /// If it does not serialise, which is a fault of the program.
    pub fn of_record<T: Record>(record: &T) -> Result<Self, CliError> {
        Ok(Self {
            fields: json!({ "record": to_value(record)? }),
            text: records::to_json(record)?,
            shortfall: None,
        })
    }
}

/// A report's JSON form, in which integers that a double does not hold exactly are texts.
///
/// # Errors
/// If it does not serialise, which is a fault of the program.
pub fn to_value<R: Serialize + ?Sized>(report: &R) -> Result<Value, ReportError> {
    let mut value = serde_json::to_value(report).map_err(ReportError)?;
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

/// Prints a result: `{"ok": true, "command": ..., ...the report's fields}` or its words. One that falls short has `ok`
/// false and an `error` as [`print_error`] has it, and its line on stderr.
///
/// # Errors
/// If stdout cannot be written to. A reader that left is not an error.
pub fn print_outcome(format: Format, command: &str, outcome: &Outcome) -> Result<(), StdoutError> {
    let shortfall = outcome.shortfall.as_ref();
    if let Some(Shortfall { message, .. }) = shortfall {
        print_error_line(message);
    }
    match format {
        Format::Human => print_line(outcome.text.trim_end()),
        Format::Json => {
            let mut object = json!({ "ok": shortfall.is_none(), "command": command });
            if let Some(Shortfall { kind, exit, message }) = shortfall {
                object["error"] = json!({ "kind": kind, "exit_code": *exit as u8, "message": message });
            }
            if let (Value::Object(object), Value::Object(fields)) = (&mut object, &outcome.fields) {
                object.extend(fields.clone());
            }
            print_line(&escape_json(&object.to_string()))
        }
    }
}

/// Prints an error: one line on stderr, and in JSON format also
/// `{"ok": false, "command": ..., "error": {"kind", "exit_code", "message"}}` on stdout, with `rejections`
/// where transactions are what is wrong.
///
/// Nothing is left to do if that fails, so it cannot.
pub fn print_error(format: Format, command: Option<&str>, error: &CliError) {
    let message = one_line(error);
    print_error_line(&message);
    if format == Format::Json {
        let mut fields = json!({ "kind": error.kind(), "exit_code": error.exit() as u8, "message": message });
        if !error.rejections().is_empty() {
            fields["rejections"] = json!(error.rejections());
        }
        let object = json!({ "ok": false, "command": command, "error": fields });
        let _ = print_line(&escape_json(&object.to_string()));
    }
}

/// An error's message without line ends, and nothing in it that steers a terminal.
fn one_line(error: &CliError) -> String {
    Escaped(&error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")).to_string()
}

fn print_line(text: &str) -> Result<(), StdoutError> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => Err(StdoutError(source)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{one_line, to_value};
    use crate::error::CliError;

    #[test]
    fn an_error_is_one_line() {
        assert_eq!(one_line(&CliError::usage("x\n  y\tz\x1b")), "x y z\\u{1b}");
    }

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
}
