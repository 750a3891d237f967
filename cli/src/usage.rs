//! Help and version, as results and as what a file's name asks for by mistake.
//!
//! A pattern such as `*.proof` puts names of files on the command line, and one that begins with `-` reads as an option.
//! `-h.proof` must not end `enfold verify *.proof` with success, as if something had been verified.

use std::ffi::{OsStr, OsString};

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

/// The words that ask for help or for the version.
const WORDS: [&str; 4] = ["-h", "--help", "-V", "--version"];

/// Checks that a command line that clap answers with help or the version asks for nothing else.
///
/// # Errors
/// If a word is only in part an option (`-h.proof`), or files are named besides.
pub fn check_help(command: &Command, arguments: &[OsString]) -> Result<(), clap::Error> {
    let fail = |message: String| Err(command.clone().error(ErrorKind::ArgumentConflict, message));
    let options = || arguments.iter().take_while(|argument| *argument != "--");
    let advice = "write a file name that begins with - as ./-NAME, or after --";
    if let Some(word) = options().find(|word| is_cluster(word)) {
        return fail(format!("unexpected argument '{}': {advice}", word.display()));
    }
    let rest = options().filter(|word| !WORDS.iter().any(|asking| word == asking));
    let beside = arguments.iter().skip_while(|argument| *argument != "--");
    // What is still answered with help is `enfold help COMMAND`.
    let lenient = command.clone().ignore_errors(true).try_get_matches_from(rest.chain(beside));
    match lenient.ok().and_then(|matches| positional(command, &matches)) {
        Some(file) => fail(format!("help and version take no files, got {}: {advice}", file.display())),
        None => Ok(()),
    }
}

/// Whether a word is several short options in one, other than `-v` and `-q`.
fn is_cluster(word: &OsStr) -> bool {
    let letters = word.as_encoded_bytes().strip_prefix(b"-").unwrap_or_default();
    letters.len() > 1 && letters[0] != b'-' && !letters.iter().all(|letter| b"vq".contains(letter))
}

/// Something that a command line names without an option.
fn positional(command: &Command, matches: &ArgMatches) -> Option<OsString> {
    let given = command.get_positionals().map(|argument| argument.get_id().as_str());
    let mut given = given.filter(|id| matches.value_source(id) == Some(ValueSource::CommandLine));
    let value = given.find_map(|id| matches.get_raw(id)?.next().map(OsStr::to_owned));
    value.or_else(|| {
        let (name, below) = matches.subcommand()?;
        positional(command.find_subcommand(name)?, below)
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::args::Cli;

    #[test]
    fn help_is_asked_for_alone() {
        let command = Cli::command();
        let alone = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let error = command.clone().try_get_matches_from(&words).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion), "{line}");
            check_help(&command, &words).is_ok()
        };
        for line in [
            "enfold --help",
            "enfold -V",
            "enfold help verify",
            "enfold verify -h",
            "enfold --format json verify --profile test --help",
            "enfold -vv verify -q --chain . --help",
            "enfold bench block --help",
        ] {
            assert!(alone(line), "{line}");
        }
        for line in [
            "enfold verify -h.proof",
            "enfold verify -vh",
            "enfold verify a.proof -h",
            "enfold verify -h a.proof",
            "enfold verify --help -- -h.proof",
            "enfold rebuild --genesis g -q -h.proof b.proof",
            "enfold -V.proof",
        ] {
            assert!(!alone(line), "{line}");
        }
    }
}
