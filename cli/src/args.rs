//! The command line as a whole: the list of subcommands.

use clap::{Parser, Subcommand};

use crate::commands::{
    account, bench, bundle, completions, config, demo, generate, ids, import, init, inspect, key, keygen,
    plan, prove, rebuild, receipt, run, sign, status, verify, verify_account, verify_receipt,
};
use crate::kernels::Kernels;
use crate::options::{Cache, Global};

/// A zk-rollup prover: turns a block of signed transfers into one proof that anyone can check.
#[derive(Debug, Parser)]
#[command(name = "enfold", version = version(), max_term_width = 100, subcommand_required = true)]
#[command(after_help = "\
Results go to stdout, logs to stderr.
Exit codes: 0 success, 1 invalid proof, 2 usage, 3 bad input, 4 internal error, 5 blocks left,
130 stopped.

Start with: enfold demo")]
pub struct Cli {
    /// Options that every subcommand takes.
    #[command(flatten)]
    pub global: Global,
    /// Where circuits are kept.
    #[command(flatten)]
    pub cache: Cache,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The program's version and what it computes with.
fn version() -> String {
    format!("{} (kernels: {})", env!("CARGO_PKG_VERSION"), Kernels::IN_USE)
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Generate a block, prove it, verify the proof, and show what happened.
    Demo(demo::DemoArgs),
    /// Generate a key.
    Keygen(keygen::KeygenArgs),
    /// Sign a transaction.
    Sign(sign::SignArgs),
    /// Bundle signed transactions into a block file.
    Bundle(bundle::BundleArgs),
    /// Generate a genesis and blocks from a seed.
    Gen(generate::GenerateArgs),
    /// Import a real chain's transfers from a CSV file.
    Import(import::ImportArgs),
    /// Create a data directory from a genesis.
    Init(init::InitArgs),
    /// Prove a block and apply it to a data directory.
    Prove(prove::ProveArgs),
    /// Prove the blocks of a folder as they arrive.
    Run(run::RunArgs),
    /// Show the state of a data directory and what its prover is doing.
    Status(status::StatusArgs),
    /// Estimate the proofs, memory and time that a block takes.
    Plan(plan::PlanArgs),
    /// Verify a block proof, or a chain of them.
    Verify(verify::VerifyArgs),
    /// Show the key that proofs are verified with, or derive it from the circuits.
    Key(key::KeyArgs),
    /// List transaction ids.
    Ids(ids::IdsArgs),
    /// Make a receipt: a proof that a block executed a transaction.
    Receipt(receipt::ReceiptArgs),
    /// Verify a receipt against a block proof.
    VerifyReceipt(verify_receipt::VerifyReceiptArgs),
    /// Make an account proof: a proof of what a leaf holds.
    Account(account::AccountArgs),
    /// Verify an account proof against a block proof.
    VerifyAccount(verify_account::VerifyAccountArgs),
    /// Rebuild the state from a genesis and published data alone.
    Rebuild(rebuild::RebuildArgs),
    /// Show what is in a file, a data directory, or the circuits.
    Inspect(inspect::InspectArgs),
    /// Measure this machine.
    Bench(bench::BenchArgs),
    /// Print the settings in force and where each comes from.
    Config(config::ConfigArgs),
    /// Print a completion script for a shell.
    Completions(completions::CompletionsArgs),
    /// Write manual pages.
    Man(completions::ManArgs),
}

impl Command {
    /// The name on the command line, for reports.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Demo(_) => "demo",
            Self::Keygen(_) => "keygen",
            Self::Sign(_) => "sign",
            Self::Bundle(_) => "bundle",
            Self::Gen(_) => "gen",
            Self::Import(_) => "import",
            Self::Init(_) => "init",
            Self::Prove(_) => "prove",
            Self::Run(_) => "run",
            Self::Status(_) => "status",
            Self::Plan(_) => "plan",
            Self::Verify(_) => "verify",
            Self::Key(_) => "key",
            Self::Ids(_) => "ids",
            Self::Receipt(_) => "receipt",
            Self::VerifyReceipt(_) => "verify-receipt",
            Self::Account(_) => "account",
            Self::VerifyAccount(_) => "verify-account",
            Self::Rebuild(_) => "rebuild",
            Self::Inspect(_) => "inspect",
            Self::Bench(_) => "bench",
            Self::Config(_) => "config",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    use super::*;
    use crate::documents::{Document, documents};

    /// The examples in the help of a command and of those below it.
    fn examples(command: &clap::Command) -> Vec<String> {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let lines = help.split("Examples:").nth(1).unwrap_or_default().lines();
        let own = lines.filter_map(|line| line.find("enfold ").map(|at| line[at..].to_owned()));
        own.chain(command.get_subcommands().flat_map(examples)).collect()
    }

    /// A command line that a document or the help shows, with something for what it leaves open.
    fn assert_parses(line: &str) {
        for call in line.split(" && ").flat_map(|line| line.split(" > ").next()) {
            let filled = call.split_whitespace().map(|word| match word.strip_suffix("...") {
                // Digests are cut short in the help, to four digits.
                Some(cut) => format!("{}{}", &cut[..cut.len() - 4], "0".repeat(64)),
                None => match word {
                    "ID" => "0".repeat(64),
                    "N" => "1".to_owned(),
                    "NAME" => "test".to_owned(),
                    "COMMAND" => "verify".to_owned(),
                    _ => word.trim_matches('"').to_owned(),
                },
            });
            match Cli::try_parse_from(filled) {
                Err(error) if error.kind() != ErrorKind::DisplayHelp => panic!("{call}: {error}"),
                _ => {}
            }
        }
    }

    /// What the help shows is accepted by the parser, so it cannot rot.
    #[test]
    fn every_example_parses() {
        let all = examples(&Cli::command());
        assert!(all.len() > 30, "{all:?}");
        all.iter().for_each(|line| assert_parses(line));
    }

    /// So is what README and docs show; and what they name is there.
    #[test]
    fn every_documented_command_parses() {
        let mut cli = Cli::command();
        cli.build();
        for Document { name: document, lines, names } in documents() {
            lines.iter().filter(|line| line.starts_with("enfold ")).for_each(|line| assert_parses(line));
            for name in names {
                let mut command = &cli;
                for word in name.split(' ').skip(1) {
                    let found = match word.strip_prefix("--") {
                        Some(option) => {
                            command.get_arguments().any(|argument| argument.get_long() == Some(option))
                        }
                        None => match command.find_subcommand(word) {
                            Some(below) => {
                                command = below;
                                true
                            }
                            // As the circuits of `enfold inspect circuits`.
                            None => command.get_positionals().next().is_some(),
                        },
                    };
                    assert!(found, "{document}: {name}");
                }
            }
        }
    }
}
