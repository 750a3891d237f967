//! `enfold config`: the settings that are in force, and where they come from.

use std::fmt;
use std::path::Path;

use clap::{ArgMatches, Args};
use serde::Serialize;

use crate::error::CliError;
use crate::kernels::Kernels;
use crate::output::Outcome;
use crate::settings::{FILE_NAME, InForce, KEYS, Settings, Source};

/// Options of `enfold config`.
#[derive(Debug, Args)]
#[command(after_help = "\
A setting comes from its option, or else its environment variable (ENFOLD_ and the name in
capitals), or else the settings file, or else it has its default. The file is enfold.toml in the
working directory, unless --config or ENFOLD_CONFIG names another. It has one line per setting:

  data = \"state\"
  profile = \"standard\"
  threads = 8

Examples:
  enfold config
  ENFOLD_THREADS=4 enfold config --format json
  enfold config --config /etc/enfold.toml")]
pub struct ConfigArgs {}

#[derive(Serialize)]
struct Report<'a> {
    file: Option<&'a Path>,
    kernels: Kernels,
    settings: Vec<InForce>,
    unknown_variables: &'a [String],
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.file {
            Some(path) => writeln!(f, "settings from {}", path.display())?,
            None => writeln!(f, "no {FILE_NAME} here")?,
        }
        for InForce { key, value, source } in &self.settings {
            let value = value.as_deref().unwrap_or("-");
            let place = match source {
                Source::Flag(place) | Source::Environment(place) | Source::File(place) => place,
                Source::Default => "default",
            };
            writeln!(f, "  {key:<12} {value:<24} {place}")?;
        }
        writeln!(f, "kernels: {}", self.kernels)?;
        for name in self.unknown_variables {
            writeln!(f, "  {name} is set, but is not a setting")?;
        }
        let names: Vec<_> = KEYS.iter().filter(|key| !key.commands.is_empty()).collect();
        let of = |key: &&crate::settings::Key| format!("{} for {}", key.name, key.commands.join(", "));
        writeln!(f, "only for some commands: {}", names.iter().map(of).collect::<Vec<_>>().join("; "))
    }
}

impl ConfigArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the report does not serialise, which is a fault of the program.
    pub fn run(&self, settings: &Settings, matches: &ArgMatches) -> Result<Outcome, CliError> {
        Outcome::of(&Report {
            file: settings.path.as_deref(),
            kernels: Kernels::IN_USE,
            settings: settings.in_force(matches),
            unknown_variables: &settings.unknown_variables,
        })
    }
}
