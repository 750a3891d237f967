//! What goes to stdout: plain words or one JSON object.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::fmt::{self, Display, Write as _};
use std::io::{self, Write};

use enfold_state::codec::Record;
use enfold_state::wide::EXACT;
use serde::Serialize;
use serde_json::{Value, json};

use crate::args::Format;
use crate::error::CliError;
use crate::exit::Exit;
use crate::logging::print_error_line;
use crate::records;

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

/// Text from outside (names of files, keys in JSON) that must not break a line or steer a terminal: control characters,
/// line separators and marks that turn the direction of text are written as Rust writes them in strings.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| {
            if is_unprintable(c) {
                c.escape_default().try_for_each(|c| f.write_char(c))
            } else {
                f.write_char(c)
            }
        })
    }
}

/// JSON in which characters that a terminal or a reader of lines takes for more than text are escaped: the same JSON.
pub fn escape_json(json: &str) -> Cow<'_, str> {
    // Line ends of indented JSON stand between its texts; in them, JSON has none.
    let escaped = |c: char| c != '\n' && is_unprintable(c);
    if !json.contains(escaped) {
        return Cow::Borrowed(json);
    }
    let mut text = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if escaped(c) {
            text.extend(["\\u", &format!("{:04x}", u32::from(c))]);
        } else {
            text.push(c);
        }
    }
    Cow::Owned(text)
}

fn is_unprintable(c: char) -> bool {
    // Separators of lines and paragraphs; marks, embeddings, overrides and isolates of direction.
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{61c}' | '\u{200e}' | '\u{200f}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Escapes the report's values where they stand in its words. What a report shows of the outside is among them; line
/// ends that are the report's own are not. The longest first, for one value may be a part of another.
fn escape_values(fields: &Value, text: &mut String) {
    let mut values = Vec::new();
    collect_unprintable(fields, &mut values);
    values.sort_by_key(|value| Reverse(value.len()));
    for value in values {
        *text = text.replace(value, &Escaped(value).to_string());
    }
    // Whatever is left, a report has no other control characters of its own.
    if text.contains(|c| c != '\n' && is_unprintable(c)) {
        *text = text.split('\n').map(|line| Escaped(line).to_string()).collect::<Vec<_>>().join("\n");
    }
}

fn collect_unprintable<'a>(fields: &'a Value, into: &mut Vec<&'a str>) {
    match fields {
        Value::String(value) if value.contains(is_unprintable) => into.push(value),
        Value::Array(values) => values.iter().for_each(|value| collect_unprintable(value, into)),
        Value::Object(fields) => fields.values().for_each(|value| collect_unprintable(value, into)),
        _ => {}
    }
}

/// Prints a result: `{"ok": true, "command": ..., ...the report's fields}` or its words. One that falls short has `ok`
/// false and an `error` as [`print_error`] has it, and its line on stderr.
///
/// # Errors
/// If stdout cannot be written to. A reader that left is not an error.
pub fn print_outcome(format: Format, command: &str, outcome: &Outcome) -> Result<(), CliError> {
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

    use super::{Escaped, count, escape_json, escape_values, grouped, one_line, to_value};
    use crate::error::CliError;

    #[test]
    fn text_from_outside_stays_in_its_line() {
        let hostile = "a\nerror: b\r\x1b[2J\u{202e}c\u{2028}d\u{85}e\u{0}";
        let escaped = "a\\nerror: b\\r\\u{1b}[2J\\u{202e}c\\u{2028}d\\u{85}e\\u{0}";
        assert_eq!(Escaped(hostile).to_string(), escaped);
        assert_eq!(Escaped("plain, ümlaut, 数").to_string(), "plain, ümlaut, 数");
        let error = CliError::Usage { message: "x\n  y\tz\x1b".to_owned() };
        assert_eq!(one_line(&error), "x y z\\u{1b}");
        let mut text = format!("wrote {hostile}\nto 1 place\n");
        escape_values(&json!({ "files": [{ "path": hostile }], "n": 1 }), &mut text);
        assert_eq!(text, format!("wrote {escaped}\nto 1 place\n"));
        // One value that begins another.
        let (short, long) = ("r\x1b", "r\x1b [8m\x1b[8m\nok");
        let mut text = format!("{long} by {short}\n");
        escape_values(&json!({ "a": short, "b": long }), &mut text);
        assert_eq!(text, "r\\u{1b} [8m\\u{1b}[8m\\nok by r\\u{1b}\n");
    }

    #[test]
    fn json_stays_the_same_and_steers_nothing() {
        let hostile = json!({ "a": "x\u{2028}\u{9b}2J\u{202e}\u{7f}\u{85}\n\u{1b}ü", "b": 1 });
        let escaped = escape_json(&hostile.to_string()).into_owned();
        assert_eq!(escaped, r#"{"a":"x\u2028\u009b2J\u202e\u007f\u0085\n\u001bü","b":1}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), hostile);
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
