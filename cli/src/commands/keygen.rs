//! `enfold keygen`: makes a key.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use enfold_fixtures::accounts::secret_key;
use enfold_prover::files::Access;
use enfold_state::key_file::KeyFile;
use enfold_state::keys::{PublicKey, SecretKey};
use enfold_state::leaf::Address;
use rand::rngs::OsRng;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::error::CliError;
use crate::files::write;
use crate::import::keys::{DEFAULT_SEED, Purpose, derive};
use crate::import::rows::ForeignAddress;
use crate::output::{Outcome, ReportError};

/// Options of `enfold keygen`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  enfold keygen --out alice.json
  enfold keygen --import-address 0xa1e4380a3b1f749673e270229993ee55f35663b4 --out key.json
  enfold keygen --gen-account 0 --seed 7 --out key.json")]
pub struct KeygenArgs {
    /// Output file, readable by its owner only. Without it, the key is printed, including the secret.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace FILE if it exists.
    #[arg(long, requires = "out")]
    force: bool,
    /// Derive the key that `enfold import` gives this address, instead of a random one.
    #[arg(long, value_name = "0xADDRESS", group = "derived")]
    import_address: Option<ForeignAddress>,
    /// Derive the key of this account of `enfold gen`, instead of a random one.
    #[arg(long, value_name = "I", group = "derived")]
    gen_account: Option<u64>,
    /// Seed that `enfold import` or `enfold gen` was given.
    #[arg(long, value_name = "SEED", requires = "derived", default_value_t = DEFAULT_SEED)]
    seed: u64,
}

#[derive(Serialize)]
struct Report<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_key: Option<Zeroizing<String>>,
    public_key: PublicKey,
    address: Address,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a std::path::Path>,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(secret_key) = &self.secret_key {
            writeln!(f, "secret key  {}", **secret_key)?;
        }
        writeln!(f, "public key  {}", self.public_key)?;
        writeln!(f, "address     {}", self.address)?;
        match self.file {
            Some(file) => writeln!(f, "written to  {} (keep it secret)", file.display()),
            None => Ok(()),
        }
    }
}

impl KeygenArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let key = match (self.import_address, self.gen_account) {
            (Some(address), _) => derive(self.seed, Purpose::Owner(address)),
            (_, Some(index)) => secret_key(self.seed, index),
            _ => SecretKey::random(&mut OsRng),
        };
        let file = KeyFile::from(&key);
        if let Some(path) = &self.out {
            write(path, &file.to_json().map_err(ReportError)?, Access::Private, self.force)?;
        }
        Outcome::of(&Report {
            secret_key: self.out.is_none().then(|| file.secret_key.clone()),
            public_key: key.public_key(),
            address: key.address(),
            file: self.out.as_deref(),
        })
    }
}
