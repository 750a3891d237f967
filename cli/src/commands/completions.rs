//! `enfold completions` and `enfold man`: what shells and readers want to know of the command line.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_complete::Shell;
use serde::Serialize;

use crate::error::CliError;
use crate::files::{CreateFolderError, write_all};
use crate::output::Outcome;
use crate::text::count;

/// Options of `enfold completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  enfold completions bash > /etc/bash_completion.d/enfold
  enfold completions zsh > \"${fpath[1]}/_enfold\"
  enfold completions fish > ~/.config/fish/completions/enfold.fish")]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Serialize)]
struct Script {
    shell: String,
    script: String,
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.script)
    }
}

impl CompletionsArgs {
    /// Runs the command: the script goes to stdout.
    ///
    /// # Errors
    /// If the script is not text, which is a fault of the program.
    pub fn run(&self, mut command: Command) -> Result<Outcome, CliError> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "enfold", &mut script);
        Outcome::of_script(&Script {
            shell: self.shell.to_string(),
            script: String::from_utf8_lossy(&script).into_owned(),
        })
    }
}

/// Options of `enfold man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Writes one page for enfold and one for each command: enfold.1, enfold-prove.1,
enfold-bench-engine.1, ...

Examples:
  enfold man man1
  enfold man ~/.local/share/man/man1 --force")]
pub struct ManArgs {
    /// Folder for the pages; created if it does not exist.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Replace existing files.
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct Pages<'a> {
    folder: &'a Path,
    pages: Vec<String>,
}

impl fmt::Display for Pages<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pages = count(self.pages.len(), "page", "pages");
        writeln!(f, "{pages} written to {}", self.folder.display())
    }
}

impl ManArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If a page cannot be written.
    pub fn run(&self, mut command: Command) -> Result<Outcome, CliError> {
        command = command.disable_help_subcommand(true);
        command.build();
        let mut files = Vec::new();
        pages(&command, &mut files)
            .map_err(|source| CreateFolderError { path: self.folder.clone(), source })?;
        write_all(&self.folder, &files, self.force)?;
        let pages = files.into_iter().map(|(name, _)| name).collect();
        Outcome::of(&Pages { folder: &self.folder, pages })
    }
}

/// The page of a command, and those of its subcommands.
fn pages(command: &Command, files: &mut Vec<(String, Vec<u8>)>) -> std::io::Result<()> {
    let man = clap_mangen::Man::new(command.clone());
    let mut page = Vec::new();
    man.render(&mut page)?;
    files.push((man.get_filename(), page));
    command.get_subcommands().filter(|sub| !sub.is_hide_set()).try_for_each(|sub| pages(sub, files))
}
