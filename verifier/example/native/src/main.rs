//! Verifies a block proof, and what else there is of the block: its published data, receipts, account and contract proofs.
//!
//! ```text
//! verify-block PROFILE ROOT PROOF [--data FILE] [--receipt FILE]... [--account FILE]... [--contract FILE]...
//! ```

use std::error::Error;
use std::fs;

use enfold_verifier::account::{check_account, check_contract};
use enfold_verifier::data::check_data;
use enfold_verifier::profile::ProfileId;
use enfold_verifier::receipt::check_receipt;
use enfold_verifier::verify::{VerifierKey, verify_block};
use enfold_verifier::{Digest, codec};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(profile), Some(root), Some(proof)) = (args.next(), args.next(), args.next()) else {
        return Err("expected a profile, the state root before the block and a proof file".into());
    };
    // The key is part of the crate, and you choose the profile: neither comes from whoever sends the proof.
    let key = VerifierKey::pinned(profile.parse::<ProfileId>()?);
    let statement = verify_block(key, &fs::read(proof)?)?;
    // The proof says that some state leads to some other. That the first is your chain's, only you know.
    let known: Digest = root.parse()?;
    if statement.previous_root != known {
        return Err(format!("expected the previous root {known}, got {}", statement.previous_root).into());
    }
    println!("{}", serde_json::to_string_pretty(&statement)?);

    while let Some(option) = args.next() {
        let file = args.next().ok_or_else(|| format!("expected a file behind {option}"))?;
        let bytes = fs::read(&file)?;
        match option.as_str() {
            "--data" => {
                check_data(&codec::read(&bytes)?, &statement)?;
                println!("{file}: the block's messages");
            }
            "--receipt" => {
                let executed = check_receipt(&codec::read(&bytes)?, &statement)?;
                println!("{file}: executed {}", serde_json::to_string(&executed.transfer)?);
            }
            "--account" => {
                let root = check_account(&codec::read(&bytes)?, &statement)?;
                println!("{file}: a leaf under {root}");
            }
            "--contract" => {
                let root = check_contract(&codec::read(&bytes)?, &statement)?;
                println!("{file}: a contract under {root}");
            }
            other => {
                let expected = "expected --data, --receipt, --account or --contract";
                return Err(format!("{expected}, got {other}").into());
            }
        }
    }
    Ok(())
}
