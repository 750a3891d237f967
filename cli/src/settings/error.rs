//! What can be wrong with a setting.

use crate::error::Failure;
use crate::exit::Exit;

/// A setting in the environment or in the file is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {source}")]
pub struct WrongSetting {
    /// The variable, or the file and line.
    pub place: String,
    /// What is wrong.
    pub source: SettingError,
    /// Whether it is in the file.
    pub file: bool,
}

impl Failure for WrongSetting {
    fn exit(&self) -> Exit {
        if self.file { Exit::BadInput } else { Exit::Usage }
    }

    fn kind(&self) -> &'static str {
        "setting"
    }
}

/// What is wrong with a setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// The file is no TOML.
    #[error("expected TOML: {message}")]
    Syntax {
        /// What the parser says.
        message: String,
    },
    /// No setting has this name.
    #[error("unknown key {got:?}, {hint}")]
    Unknown {
        /// The name.
        got: String,
        /// What it could be.
        hint: String,
    },
    /// A value that no option takes.
    #[error("{key}: expected a string or a number, got {got}")]
    Type {
        /// The setting.
        key: &'static str,
        /// The value's type.
        got: &'static str,
    },
    /// A value that this option does not take.
    #[error("{key}: expected {expected}, got {got:?}")]
    Value {
        /// The setting.
        key: &'static str,
        /// What it takes.
        expected: String,
        /// The value.
        got: String,
    },
}

impl SettingError {
    /// A name that is not among the known ones.
    pub(super) fn unknown<'a>(got: &str, known: impl Iterator<Item = &'a str> + Clone) -> Self {
        let near = known.clone().find(|name| distance(name, &got.replace('-', "_")) <= 2);
        let hint = match near {
            Some(name) => format!("did you mean {name}?"),
            None => format!("expected one of {}", known.collect::<Vec<_>>().join(", ")),
        };
        Self::Unknown { got: got.to_owned(), hint }
    }
}

/// Letters to change, put in or leave out to get from one name to another.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, to) in b.chars().enumerate() {
            let cost = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[row.len() - 1]
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn near_names_are_near() {
        assert_eq!(["thread", "log-format", "frobnicate"].map(|name| distance("threads", name)), [1, 9, 9]);
        assert_eq!((distance("", "abc"), distance("abc", "abc")), (3, 0));
    }
}
