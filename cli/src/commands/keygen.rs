//! `enfold keygen`: makes a key.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use enfold_fixtures::accounts::signer;
use enfold_prover::files::Access;
use enfold_state::key_file::KeyFile;
use enfold_state::keys::{PublicKey, SecretKey};
use enfold_state::leaf::Address;
use enfold_state::owner::L1Owner;
use enfold_state::signer::Signer;
use rand::rngs::OsRng;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::error::CliError;
use crate::files::write;
use crate::import::keys::{DEFAULT_SEED, Purpose, derive};
use crate::import::rows::ForeignAddress;
use crate::output::{Outcome, ReportError};
use crate::text::OwnerText;

/// Options of `enfold keygen`.
#[derive(Debug, Args)]
#[command(after_help = "\
The address is made of the key and its owner on L1, so it has one owner, or none, for ever. A leaf
without an owner has no forced exit and no escape: if the operator stops, its funds stay with it.
Of the accounts of enfold gen, every second one has an owner; those of enfold import have none.

Examples:
  enfold keygen --out alice.json --l1-owner 0xa1e4380a3b1f749673e270229993ee55f35663b4
  enfold keygen --out bob.json
  enfold keygen --import-address 0xa1e4380a3b1f749673e270229993ee55f35663b4 --out key.json
  enfold keygen --gen-account 0 --seed 7 --out key.json")]
pub struct KeygenArgs {
    /// Output file, readable by its owner only. Without it, the key is printed, including the secret.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace FILE if it exists.
    #[arg(long, requires = "out")]
    force: bool,
    /// The account on L1 that owns the key's leaves: 40 hex digits [default: none].
    #[arg(long, value_name = "0xADDRESS", conflicts_with = "derived")]
    l1_owner: Option<L1Owner>,
    /// Derive the key that `enfold import` gives this address, instead of a random one.
    #[arg(long, value_name = "0xADDRESS", group = "derived")]
    import_address: Option<ForeignAddress>,
    /// Derive the key of this account of `enfold gen`, with its owner, instead of a random one.
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
    owner: L1Owner,
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
        writeln!(f, "L1 owner    {}", OwnerText(self.owner))?;
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
        let without_owner = |key| Signer { key, owner: L1Owner::NONE };
        let signer = match (self.import_address, self.gen_account) {
            (Some(address), _) => without_owner(derive(self.seed, Purpose::Owner(address))),
            (_, Some(index)) => signer(self.seed, index),
            _ => Signer { key: SecretKey::random(&mut OsRng), owner: self.l1_owner.unwrap_or_default() },
        };
        let file = KeyFile::from(&signer);
        if let Some(path) = &self.out {
            write(path, &file.to_json().map_err(ReportError)?, Access::Private, self.force)?;
        }
        Outcome::of(&Report {
            secret_key: self.out.is_none().then(|| file.secret_key.clone()),
            public_key: signer.public_key(),
            owner: signer.owner,
            address: signer.address(),
            file: self.out.as_deref(),
        })
    }
}
