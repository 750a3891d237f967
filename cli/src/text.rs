//! How numbers, times and values are put into words, and what is escaped in them.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::fmt::{self, Display, Write as _};
use std::time::{Duration, UNIX_EPOCH};

use enfold_prover::job::Stage;
use enfold_state::leaf::Leaf;
use enfold_state::owner::L1Owner;
use serde_json::Value;

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
pub fn escape_values(fields: &Value, text: &mut String) {
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

/// A moment, in seconds since 1970, with its date.
#[derive(Clone, Copy, Debug)]
pub struct TimeText(pub u32);

impl Display for TimeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(self.0.into()));
        write!(f, "{} ({date})", self.0)
    }
}

/// An owner on L1, or what follows from there being none.
#[derive(Clone, Copy, Debug)]
pub struct OwnerText(pub L1Owner);

impl Display for OwnerText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            L1Owner::NONE => f.write_str("none: no forced exit and no escape for its leaves"),
            owner => write!(f, "{owner}"),
        }
    }
}

/// A count with its noun: `1 leaf`, `2 leaves`.
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number as u64), if number == 1 { one } else { many })
}

/// How many leaves and contracts: the latter only if there are any.
pub fn leaves_text(leaves: usize, contracts: usize) -> String {
    let leaves = count(leaves, "leaf", "leaves");
    match contracts {
        0 => leaves,
        contracts => format!("{leaves}, {}", count(contracts, "contract", "contracts")),
    }
}

/// The stages of a block's proofs, in order, with how many each has. A fold is named only if there is one: a small block has
/// none.
pub fn stages(proofs: [usize; 4]) -> impl Iterator<Item = (Stage, usize)> {
    Stage::ALL.into_iter().zip(proofs).filter(|&(stage, count)| stage != Stage::Fold || count > 0)
}

/// Proofs of a stage: `1 batch`, `2 folds`.
pub fn proofs_of(stage: Stage, number: usize) -> String {
    count(number, stage.name(), plural(stage))
}

/// The name of several proofs of a stage.
pub const fn plural(stage: Stage) -> &'static str {
    match stage {
        Stage::Batch => "batches",
        Stage::Lift => "lifts",
        Stage::Fold => "folds",
        Stage::Block => "blocks",
    }
}

/// The proofs of a block: `10 batches, 2 lifts, 1 block`.
pub fn proofs(counts: [usize; 4]) -> String {
    list(stages(counts).map(|(stage, count)| proofs_of(stage, count)))
}

/// Several, with commas between them.
pub fn list(all: impl Iterator<Item = String>) -> String {
    all.collect::<Vec<_>>().join(", ")
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

/// A time in the unit that suits it. The unit is that of the rounded time: never `1000 ms` or `60.0 s`.
pub fn duration(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    match seconds {
        _ if seconds < 999.5e-6 => format!("{:.0} us", seconds * 1e6),
        _ if seconds < 999.5e-3 => format!("{:.0} ms", seconds * 1e3),
        _ if seconds < 59.95 => format!("{seconds:.1} s"),
        _ => minutes(seconds.round() as u64),
    }
}

/// A time of a minute and more.
pub fn minutes(seconds: u64) -> String {
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    match minutes {
        0..60 => format!("{minutes} min {seconds:02} s"),
        _ => format!("{} h {:02} min", minutes / 60, minutes % 60),
    }
}

/// A time in milliseconds, for JSON.
pub fn milliseconds(elapsed: Duration) -> f64 {
    (elapsed.as_secs_f64() * 1e6).round() / 1e3
}

/// A number of bytes in the unit that suits it.
pub fn size(bytes: u64) -> String {
    match bytes as f64 / f64::from(1 << 30) {
        giga if giga >= 1.0 => format!("{giga:.1} GiB"),
        giga => format!("{:.0} MiB", giga * 1024.0),
    }
}

/// A leaf in plain words.
pub struct LeafText<'a>(pub &'a Leaf);

impl Display for LeafText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Leaf { address, nonces: [first, second], asset, balance } = self.0;
        writeln!(f, "address    {address}")?;
        writeln!(f, "balance    {} of asset {asset}", grouped(*balance))?;
        writeln!(f, "nonces     {first} of key 0, {second} of key 1")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn proofs_are_counted_by_stage() {
        assert_eq!(proofs([1, 1, 1, 1]), "1 batch, 1 lift, 1 fold, 1 block");
        assert_eq!(proofs([1_200, 0, 2, 1]), "1,200 batches, 0 lifts, 2 folds, 1 block");
        assert_eq!(proofs([10, 2, 0, 1]), "10 batches, 2 lifts, 1 block", "a small block has no fold");
        let shown: Vec<_> = stages([3, 1, 0, 1]).collect();
        assert_eq!(shown, [(Stage::Batch, 3), (Stage::Lift, 1), (Stage::Block, 1)]);
    }

    #[test]
    fn text_from_outside_stays_in_its_line() {
        let hostile = "a\nerror: b\r\x1b[2J\u{202e}c\u{2028}d\u{85}e\u{0}";
        let escaped = "a\\nerror: b\\r\\u{1b}[2J\\u{202e}c\\u{2028}d\\u{85}e\\u{0}";
        assert_eq!(Escaped(hostile).to_string(), escaped);
        assert_eq!(Escaped("plain, ümlaut, 数").to_string(), "plain, ümlaut, 数");
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
        assert_eq!(serde_json::from_str::<Value>(&escaped).unwrap(), hostile);
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(
            [0, 999, 1_000, 12_345, 123_456, 1_234_567].map(grouped),
            ["0", "999", "1,000", "12,345", "123,456", "1,234,567"]
        );
        assert_eq!(count(1, "leaf", "leaves"), "1 leaf");
        assert_eq!(count(1_000, "leaf", "leaves"), "1,000 leaves");
        assert_eq!([leaves_text(1, 0), leaves_text(2, 3)], ["1 leaf", "2 leaves, 3 contracts"]);
    }

    #[test]
    fn times_have_the_unit_that_suits_them() {
        let texts = [25, 4_200, 2_340_000, 61_000_000, 200_000_000].map(Duration::from_micros).map(duration);
        assert_eq!(texts, ["25 us", "4 ms", "2.3 s", "1 min 01 s", "3 min 20 s"]);
        let texts =
            [999_600, 59_960_000, 119_700_000, 3_599_600_000].map(Duration::from_micros).map(duration);
        assert_eq!(texts, ["1.0 s", "1 min 00 s", "2 min 00 s", "1 h 00 min"]);
        assert_eq!(duration(Duration::from_nanos(999_600)), "1 ms");
        assert_eq!(milliseconds(Duration::from_micros(1_234)), 1.234);
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!([size(3 << 30), size(5 << 20)], ["3.0 GiB", "5 MiB"]);
    }
}
