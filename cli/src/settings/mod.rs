//! Settings: an option on the command line, else the environment, else `enfold.toml`, else the default.
//!
//! The values of the file become the defaults of the options, and the options learn the names of their variables, so
//! clap does the rest. All values are checked first, so that an error names where a wrong one comes from.

mod file;
mod keys;

use std::env;
use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgMatches, Command};
use serde::Serialize;

use self::file::FileValue;
use self::keys::VERDICTS;
pub use self::keys::{FILE_NAME, FILE_VARIABLE, KEYS, Key};
use crate::error::CliError;

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
    fn unknown<'a>(got: &str, known: impl Iterator<Item = &'a str> + Clone) -> Self {
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

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "source", content = "place", rename_all = "snake_case")]
pub enum Source {
    /// An option on the command line.
    Flag(String),
    /// A variable.
    Environment(String),
    /// The file and the line.
    File(String),
    /// The program.
    Default,
}

/// A setting that is in force.
#[derive(Clone, Debug, Serialize)]
pub struct InForce {
    /// Its name.
    pub key: &'static str,
    /// Its value; `None` if it has none.
    pub value: Option<String>,
    /// Where that comes from.
    #[serde(flatten)]
    pub source: Source,
}

/// The settings of environment and file.
#[derive(Debug)]
pub struct Settings {
    /// The file that was read.
    pub path: Option<PathBuf>,
    /// Variables that look like settings and are none.
    pub unknown_variables: Vec<String>,
    file: Vec<FileValue>,
    command: Command,
}

impl Settings {
    /// Reads environment and file for a command line.
    ///
    /// # Errors
    /// If the file is missing though it is named, or something in it or in the environment is wrong.
    pub fn load(command: Command, arguments: &[OsString]) -> Result<Self, CliError> {
        let path = named_file(arguments).or_else(|| file_here(&command, arguments));
        let file = path.as_deref().map(file::read).transpose()?.unwrap_or_default();
        for FileValue { key, value, line } in &file {
            let place = || format!("{}:{line}", path.as_deref().unwrap_or(Path::new(FILE_NAME)).display());
            check(&command, key, value).map_err(|source| CliError::Setting {
                place: place(),
                source,
                file: true,
            })?;
        }
        for key in KEYS {
            if let Some(value) = env::var_os(key.variable) {
                let place = key.variable.to_owned();
                check(&command, key, &value.to_string_lossy()).map_err(|source| CliError::Setting {
                    place,
                    source,
                    file: false,
                })?;
            }
        }
        let known = |name: &str| name == FILE_VARIABLE || KEYS.iter().any(|key| key.variable == name);
        let variables = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        let unknown_variables =
            variables.filter(|name| name.starts_with("ENFOLD_") && !known(name)).collect();
        Ok(Self { path, unknown_variables, file, command })
    }

    /// The command with variables and the file's values in place.
    pub fn command(&self) -> Command {
        let mut command = self.command.clone();
        for key in KEYS {
            let value = self.file.iter().find(|value| value.key == key).map(|found| found.value.clone());
            let set = |arg: Arg| {
                let arg = arg.env(key.variable).hide_env_values(true);
                match &value {
                    Some(value) => arg.required(false).default_value(value.clone()),
                    None => arg,
                }
            };
            if key.commands.is_empty() {
                command = command.mut_arg(key.name, set);
            }
            for name in key.commands {
                command = match name.split_once(' ') {
                    Some((parent, name)) => command.mut_subcommand(parent, |parent| {
                        parent.mut_subcommand(name, |command| command.mut_arg(key.name, set))
                    }),
                    None => command.mut_subcommand(name, |command| command.mut_arg(key.name, set)),
                };
            }
        }
        command
    }

    /// All settings, for a command line that was parsed.
    pub fn in_force(&self, matches: &ArgMatches) -> Vec<InForce> {
        KEYS.iter().map(|key| self.one(key, matches)).collect()
    }

    fn one(&self, key: &'static Key, matches: &ArgMatches) -> InForce {
        let arg = argument(&self.command, key);
        let given = key.commands.is_empty().then(|| matches.get_raw(key.name)).flatten();
        let flag =
            given.filter(|_| matches.value_source(key.name) == Some(clap::parser::ValueSource::CommandLine));
        let text = |value: &OsStr| value.to_string_lossy().into_owned();
        let (value, source) = if let Some(value) = flag.and_then(|mut values| values.next_back()) {
            (Some(text(value)), Source::Flag(format!("--{}", key.name.replace('_', "-"))))
        } else if let Some(value) = env::var_os(key.variable) {
            (Some(text(&value)), Source::Environment(key.variable.to_owned()))
        } else if let Some(FileValue { value, line, .. }) = self.file.iter().find(|value| value.key == key) {
            let path = self.path.as_deref().unwrap_or(Path::new(FILE_NAME));
            (Some(value.clone()), Source::File(format!("{}:{line}", path.display())))
        } else {
            let default = arg.and_then(|arg| arg.get_default_values().first());
            (default.map(|value| text(value.as_os_str())), Source::Default)
        };
        InForce { key: key.name, value, source }
    }
}

/// The file that the command line names, or else the environment. (Clap knows the option too, for its help; here it
/// is needed before clap can parse.)
fn named_file(arguments: &[OsString]) -> Option<PathBuf> {
    let mut arguments = arguments.iter().take_while(|argument| *argument != "--");
    while let Some(argument) = arguments.next() {
        if argument == "--config" {
            return arguments.next().map(PathBuf::from);
        }
        if let Some(path) = argument.to_str().and_then(|text| text.strip_prefix("--config=")) {
            return Some(path.into());
        }
    }
    env::var_os(FILE_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The file in the working directory, unless the command is one of [`VERDICTS`].
fn file_here(command: &Command, arguments: &[OsString]) -> Option<PathBuf> {
    let verdict = named_command(command, arguments).is_some_and(|name| VERDICTS.contains(&name.as_str()));
    Some(PathBuf::from(FILE_NAME)).filter(|path| !verdict && path.exists())
}

/// The command that a line names. What else is wrong with the line is left to the parser proper.
fn named_command(command: &Command, arguments: &[OsString]) -> Option<String> {
    let matches = command.clone().ignore_errors(true).try_get_matches_from(arguments).ok()?;
    matches.subcommand_name().map(str::to_owned)
}

/// The option of a setting, in the first command that has it.
fn argument<'a>(command: &'a Command, key: &Key) -> Option<&'a Arg> {
    let owner = match key.commands.first() {
        Some(name) => command.find_subcommand(name)?,
        None => command,
    };
    owner.get_arguments().find(|arg| arg.get_id() == key.name)
}

/// Checks a value as its option would.
fn check(command: &Command, key: &'static Key, value: &str) -> Result<(), SettingError> {
    let Some(arg) = argument(command, key) else { return Ok(()) };
    let probe = Arg::new(key.name).long(key.name).value_parser(arg.get_value_parser().clone());
    let probe = Command::new("setting").no_binary_name(true).disable_help_flag(true).arg(probe);
    let error = match probe.try_get_matches_from([format!("--{}={value}", key.name)]) {
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    let expected = match (error.get(ContextKind::ValidValue), error.source()) {
        (Some(ContextValue::Strings(values)), _) if !values.is_empty() => {
            format!("one of {}", values.join(", "))
        }
        (_, Some(source)) => format!("a valid value ({source})"),
        _ => "a value".to_owned(),
    };
    Err(SettingError::Value { key: key.name, expected, got: value.to_owned() })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::args::Cli;

    #[test]
    fn every_setting_is_an_option_of_all_its_commands() {
        let command = Cli::command();
        for key in KEYS {
            assert!(argument(&command, key).is_some(), "{key:?}");
            let name = key.variable.strip_prefix("ENFOLD_").expect("all begin like this");
            assert!(key.name.starts_with(&name.to_lowercase()), "{key:?}");
            for name in key.commands {
                let find = |command: &'_ Command, name| command.find_subcommand(name).cloned();
                let command = name.split(' ').try_fold(command.clone(), |command, name| find(&command, name));
                let command = command.expect("the command is there");
                let arg =
                    command.get_arguments().find(|arg| arg.get_id() == key.name).expect("so is the option");
                assert_eq!(arg.get_long(), Some(key.name.replace('_', "-").as_str()));
            }
        }
    }

    /// All that the environment and a file can say to a command that gives a verdict is how it is to print, log, and
    /// use the machine.
    #[test]
    fn no_setting_reaches_a_verdict() {
        let command = Cli::command();
        for name in VERDICTS {
            assert!(command.find_subcommand(name).is_some(), "{name}");
            let reach = KEYS.iter().filter(|key| key.commands.is_empty() || key.commands.contains(name));
            let reach: Vec<_> = reach.map(|key| key.name).collect();
            assert_eq!(reach, ["format", "threads", "log", "log_format", "cache_dir"], "{name}");
        }
    }

    #[test]
    fn the_command_is_known_before_parsing() {
        let command = Cli::command();
        let find =
            |line: &str| named_command(&command, &line.split(' ').map(OsString::from).collect::<Vec<_>>());
        for (line, expected) in [
            ("enfold verify x.proof", Some("verify")),
            ("enfold verify", Some("verify")),
            ("enfold --format json --threads 2 verify --chain .", Some("verify")),
            ("enfold -q --config verify prove", Some("prove")),
            ("enfold verify --no-such-option", Some("verify")),
            ("enfold --threads many inspect x", Some("inspect")),
            ("enfold", None),
        ] {
            assert_eq!(find(line).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn values_are_checked_as_options_are() {
        let command = Cli::command();
        let error = |name: &str, value: &str| {
            check(&command, Key::find(name).unwrap(), value).err().map(|error| error.to_string())
        };
        assert_eq!(error("threads", "4"), None);
        assert_eq!(error("profile", "standard"), None);
        assert_eq!(
            error("threads", "0").unwrap(),
            "threads: expected a valid value (0 is not in 1..=1024), got \"0\""
        );
        assert_eq!(error("format", "xml").unwrap(), "format: expected one of human, json, got \"xml\"");
        assert!(error("profile", "big").unwrap().contains("expected one of test, standard"));
        assert!(error("log", "enfold=loud=quiet").is_some());
    }

    #[test]
    fn the_file_on_the_command_line_is_found_before_parsing() {
        let find = |arguments: &[&str]| named_file(&arguments.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(find(&["enfold", "prove", "--config", "a.toml"]), Some("a.toml".into()));
        assert_eq!(find(&["enfold", "--config=b.toml", "prove"]), Some("b.toml".into()));
        assert_eq!(find(&["enfold", "prove", "--", "--config", "a.toml"]), None);
    }

    #[test]
    fn near_names_are_near() {
        assert_eq!(["thread", "log-format", "frobnicate"].map(|name| distance("threads", name)), [1, 9, 9]);
        assert_eq!((distance("", "abc"), distance("abc", "abc")), (3, 0));
    }
}
