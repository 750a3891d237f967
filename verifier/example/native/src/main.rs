//! Verifies a block proof, and what else is known of the block: its published data, receipts, account proofs.
//!
//! ```text
//! verify-block PROFILE PROOF [--data FILE] [--receipt FILE]... [--account FILE]...
//! ```

use std::error::Error;
use std::fs;

use enfold_state::codec;
use enfold_verifier::account::check_account;
use enfold_verifier::data::check_data;
use enfold_verifier::profile::ProfileId;
use enfold_verifier::receipt::check_receipt;
use enfold_verifier::verify::{VerifierKey, verify_block};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(profile), Some(proof)) = (args.next(), args.next()) else {
        return Err("expected a profile and a proof file".into());
    };
    let profile: ProfileId = profile.parse()?;
    // The key comes from the crate: never from whoever sends the proof.
    let statement = verify_block(VerifierKey::pinned(profile), &fs::read(proof)?)?;
    println!("{}", serde_json::to_string_pretty(&statement)?);
    while let (Some(option), Some(file)) = (args.next(), args.next()) {
        let bytes = fs::read(&file)?;
        match option.as_str() {
            "--data" => {
                check_data(&codec::read(&bytes)?, &statement)?;
                println!("{file}: the block's messages");
            }
            "--receipt" => {
                let executed = check_receipt(&codec::read(&bytes)?, &statement)?;
                println!("{file}: executed {}", serde_json::to_string(&executed.transaction)?);
            }
            "--account" => {
                let root = check_account(&codec::read(&bytes)?, &statement)?;
                println!("{file}: a leaf under {root}");
            }
            other => return Err(format!("expected --data, --receipt or --account, got {other}").into()),
        }
    }
    Ok(())
}
