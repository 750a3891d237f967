//! Settings: an option on the command line, else the environment, else `enfold.toml`, else the default.
//!
//! The values of the file become the defaults of the options, and the options learn the names of their variables, so
//! clap does the rest. All values are checked first, so that an error names where a wrong one comes from.

mod error;
mod file;
mod keys;

use std::env;
use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgMatches, Command};
use serde::Serialize;

pub use self::error::{SettingError, WrongSetting};
use self::file::FileValue;
use self::keys::{CACHE_VARIABLE, VERDICTS};
pub use self::keys::{FILE_NAME, FILE_VARIABLE, KERNELS_VARIABLE, KEYS, Key};
use crate::error::CliError;

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
            check(&command, key, value).map_err(|source| WrongSetting {
                place: place(),
                source,
                file: true,
            })?;
        }
        let subcommand = subcommand(&command, arguments);
        for key in KEYS.iter().filter(|key| matters(key, &subcommand)) {
            if let Some(value) = variable(key.variable) {
                let place = key.variable.to_owned();
                check(&command, key, &value.to_string_lossy()).map_err(|source| WrongSetting {
                    place,
                    source,
                    file: false,
                })?;
            }
        }
        let known = |name: &str| {
            [FILE_VARIABLE, KERNELS_VARIABLE].contains(&name) || KEYS.iter().any(|key| key.variable == name)
        };
        let named = |(name, value): (OsString, OsString)| {
            let (name, value) = (name.into_string().ok()?, value.to_string_lossy().into_owned());
            let ours = name.starts_with("ENFOLD_") && !value.is_empty();
            (ours && !known(&name) && !is_service_variable(&name, &value)).then_some(name)
        };
        let unknown_variables = env::vars_os().filter_map(named).collect();
        Ok(Self { path, unknown_variables, file, command })
    }

    /// The command with variables and the file's values in place.
    pub fn command(&self) -> Command {
        let mut command = self.command.clone();
        if env::var_os(FILE_VARIABLE).is_some_and(|path| path.is_empty()) {
            command = command.mut_arg("config", |arg| arg.env(Resettable::Reset));
        }
        for key in KEYS {
            let value = self.file.iter().find(|value| value.key == key).map(|found| found.value.clone());
            let set = |arg: Arg| {
                let arg = match env::var_os(key.variable) {
                    // Empty is not set; help names the variable all the same.
                    Some(empty) if empty.is_empty() && key.variable != CACHE_VARIABLE => {
                        let help = format!(
                            "{} [env: {}]",
                            arg.get_help().cloned().unwrap_or_default(),
                            key.variable
                        );
                        arg.help(help)
                    }
                    _ => arg.env(key.variable).hide_env_values(true),
                };
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
        } else if let Some(value) = variable(key.variable) {
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

/// The value of a setting of all commands where the command line does not parse: that of its option, else of its
/// variable, else of the file, if that was read.
pub fn before_parsing(name: &str, arguments: &[OsString], settings: Option<&Settings>) -> Option<String> {
    let key = Key::find(name)?;
    let option = format!("--{}", name.replace('_', "-"));
    let value = option_value(&option, arguments).or_else(|| variable(key.variable));
    let file = || settings?.file.iter().find(|value| value.key == key).map(|found| found.value.clone());
    value.map(|value| value.to_string_lossy().into_owned()).or_else(file)
}

/// The value of an option as it stands on a command line, the last if there are several.
fn option_value(option: &str, arguments: &[OsString]) -> Option<OsString> {
    let mut arguments = arguments.iter().take_while(|argument| *argument != "--");
    let mut value = None;
    while let Some(argument) = arguments.next() {
        if argument == option {
            value = arguments.next().cloned();
        } else if let Some(after) =
            argument.to_str().and_then(|text| text.strip_prefix(option)?.strip_prefix('='))
        {
            value = Some(after.into());
        }
    }
    value
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
    variable(FILE_VARIABLE).map(PathBuf::from)
}

/// A variable that is set. An empty one is not, as where a template has nothing to put in; only the folder for caches
/// has an empty name for none.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty() || name == CACHE_VARIABLE)
}

/// Whether a variable is one that Kubernetes, or Docker before it, sets for a service of a name that begins with
/// `enfold`: `ENFOLD_SERVICE_HOST`, `ENFOLD_SERVICE_PORT`, `ENFOLD_SERVICE_PORT_NAME`, `ENFOLD_PORT` with an address,
/// `ENFOLD_PORT_9464_TCP`, `ENFOLD_PORT_9464_TCP_ADDR` and so on.
fn is_service_variable(name: &str, value: &str) -> bool {
    let is_port = |rest: &str| {
        let mut parts = rest.split('_');
        let number = parts.next().is_some_and(|port| port.parse::<u16>().is_ok());
        number && matches!(parts.next(), Some("TCP" | "UDP" | "SCTP"))
    };
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || name.ends_with("_PORT") && value.contains("://")
        || name.match_indices("_PORT_").any(|(at, port)| is_port(&name[at + port.len()..]))
}

/// The words that name the subcommand of a command line, as far as it can be told before it is parsed.
fn subcommand(command: &Command, arguments: &[OsString]) -> String {
    let lenient = command.clone().ignore_errors(true).try_get_matches_from(arguments);
    let (mut words, mut matches) = (Vec::new(), lenient.ok());
    while let Some((name, below)) = matches.as_ref().and_then(ArgMatches::subcommand) {
        words.push(name.to_owned());
        matches = Some(below.clone());
    }
    words.join(" ")
}

/// Whether a setting is an option of a subcommand. `config` shows all of them.
fn matters(key: &Key, subcommand: &str) -> bool {
    key.commands.is_empty() || subcommand == "config" || key.commands.contains(&subcommand)
}

/// The file in the working directory, unless the command is one of [`VERDICTS`].
fn file_here(command: &Command, arguments: &[OsString]) -> Option<PathBuf> {
    let verdict = VERDICTS.contains(&subcommand(command, arguments).as_str());
    Some(PathBuf::from(FILE_NAME)).filter(|path| !verdict && path.exists())
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
            |line: &str| subcommand(&command, &line.split(' ').map(OsString::from).collect::<Vec<_>>());
        for (line, expected) in [
            ("enfold verify x.proof", "verify"),
            ("enfold verify", "verify"),
            ("enfold --format json --threads 2 verify --chain .", "verify"),
            ("enfold -q --config verify prove", "prove"),
            ("enfold verify --no-such-option", "verify"),
            ("enfold --threads many inspect x", "inspect"),
            ("enfold", ""),
        ] {
            assert_eq!(find(line), expected, "{line}");
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
        assert!(error("profile", "big").unwrap().contains("expected one of test, standard, proven"));
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
    fn variables_of_services_are_no_settings() {
        for (name, value) in [
            ("ENFOLD_SERVICE_HOST", "10.0.0.1"),
            ("ENFOLD_SERVICE_PORT", "9464"),
            ("ENFOLD_SERVICE_PORT_METRICS", "9464"),
            ("ENFOLD_PORT", "tcp://10.0.0.1:9464"),
            ("ENFOLD_PORT_9464_TCP", "tcp://10.0.0.1:9464"),
            ("ENFOLD_PORT_9464_TCP_PROTO", "tcp"),
            ("ENFOLD_PROVER_2_PORT_53_UDP_ADDR", "10.0.0.1"),
        ] {
            assert!(is_service_variable(name, value), "{name}");
        }
        for (name, value) in [("ENFOLD_PORT", "9464"), ("ENFOLD_PORTS", "x"), ("ENFOLD_PORT_X_TCP", "x")] {
            assert!(!is_service_variable(name, value), "{name}");
        }
    }

    #[test]
    fn the_subcommand_is_known_before_parsing() {
        let of = |line: &str| {
            let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            subcommand(&Cli::command(), &arguments)
        };
        assert_eq!(of("enfold verify proof"), "verify");
        assert_eq!(of("enfold --format json verify --nonsense"), "verify");
        assert_eq!(of("enfold bench calibrate --out x"), "bench calibrate");
        assert_eq!(of("enfold"), "");
        let metrics = Key::find("metrics").unwrap();
        assert!(matters(metrics, "run") && matters(metrics, "config") && !matters(metrics, "verify"));
    }
}
