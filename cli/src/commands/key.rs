//! `enfold key`: the key that proofs are verified with.

use std::fmt;

use clap::Args;
use enfold_circuits::circuit_set::CircuitSet;
use enfold_state::hash::Digest;
use enfold_state::profile::ProfileId;
use enfold_verifier::verify::{PinnedCircuit, PinnedSet, VerifierKey};
use serde::Serialize;
use tracing::info;

use crate::error::{CliError, Failure};
use crate::exit::Exit;
use crate::options::profile_parser;
use crate::output::Outcome;
use crate::proofs::{Bits, ProfileText};
use crate::text::grouped;

/// Options of `enfold key`.
#[derive(Debug, Args)]
#[command(after_help = "\
The key is part of the program. --rebuild derives it from the circuits, without anything that is
stored, which takes seconds (test) to minutes (proven) and gigabytes of memory. Exit code 1 if
the result differs.

Examples:
  enfold key
  enfold key --profile test --format json
  enfold key --rebuild")]
pub struct KeyArgs {
    /// The profile.
    #[arg(long, default_value_t = ProfileId::Standard, value_parser = profile_parser())]
    profile: ProfileId,
    /// Build the circuits and compare.
    #[arg(long)]
    rebuild: bool,
}

#[derive(Serialize)]
struct Report {
    profile: ProfileId,
    /// Digest of the block circuit's key.
    key: Digest,
    proof_file_bytes: u64,
    security_bits: Bits,
    /// Whether anybody can make a proof that holds under it.
    forgeable: bool,
    circuits: Vec<PinnedCircuit>,
    rebuilt: bool,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "profile     {}", ProfileText(self.profile))?;
        writeln!(f, "key         {}", self.key)?;
        writeln!(f, "proof file  {} bytes\n", grouped(self.proof_file_bytes))?;
        writeln!(f, "{:<11} {:>6}  digest of its key", "circuit", "rows")?;
        for PinnedCircuit { name, entry, degree_bits } in &self.circuits {
            writeln!(f, "{name:<11} {:>6}  {entry}", format!("2^{degree_bits}"))?;
        }
        if self.rebuilt {
            writeln!(f, "\nThe circuits were rebuilt and give the same key and digests.")?;
        }
        Ok(())
    }
}

/// The circuits give another key than the program has.
#[derive(Debug, thiserror::Error)]
#[error("profile {profile}, {part}: expected {expected}, got {got}")]
struct KeyDiffersError {
    profile: ProfileId,
    part: String,
    expected: String,
    got: String,
}

impl Failure for KeyDiffersError {
    fn exit(&self) -> Exit {
        Exit::ProofInvalid
    }

    fn kind(&self) -> &'static str {
        "key_differs"
    }
}

impl KeyArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the circuits give another key.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let (key, pinned) = (VerifierKey::pinned(self.profile), PinnedSet::of(self.profile));
        self.same("the key in the program", pinned.key, key.digest())?;
        if self.rebuild {
            info!("building the circuits of profile {}", self.profile);
            let rebuilt = CircuitSet::build(self.profile)?.pinned()?;
            self.same("number of circuits", pinned.circuits.len(), rebuilt.circuits.len())?;
            for (expected, got) in pinned.circuits.iter().zip(&rebuilt.circuits) {
                self.same("name of a circuit", &expected.name, &got.name)?;
                self.same(&expected.name, expected.entry, got.entry)?;
                self.same("log2 of rows", expected.degree_bits, got.degree_bits)?;
            }
            self.same("key", pinned.key, rebuilt.key)?;
            self.same("bytes of a proof", pinned.proof_bytes, rebuilt.proof_bytes)?;
        }
        Outcome::of(&Report {
            profile: self.profile,
            key: pinned.key,
            proof_file_bytes: key.file_len(),
            security_bits: Bits::of(self.profile),
            forgeable: self.profile.forgeable(),
            circuits: pinned.circuits,
            rebuilt: self.rebuild,
        })
    }

    fn same<T: PartialEq + fmt::Display>(&self, part: &str, pinned: T, got: T) -> Result<(), CliError> {
        if pinned == got {
            return Ok(());
        }
        let (expected, got) = (pinned.to_string(), got.to_string());
        Err(KeyDiffersError { profile: self.profile, part: part.to_owned(), expected, got }.into())
    }
}

#[cfg(test)]
mod tests {
    use enfold_state::profile::ProfileId;

    use super::KeyArgs;
    use crate::exit::Exit;

    #[test]
    fn a_difference_is_an_invalid_proof() {
        let args = KeyArgs { profile: ProfileId::Test, rebuild: true };
        assert!(args.same("key", 1, 1).is_ok());
        let error = args.same("lift", 1, 2).unwrap_err();
        assert_eq!(error.to_string(), "profile test, lift: expected 1, got 2");
        assert!(matches!(error.exit(), Exit::ProofInvalid));
    }
}
