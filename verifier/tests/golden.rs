//! The golden block of each profile: its proof, data, receipt and account proof hold, and with a byte changed none does.

use std::error::Error;
use std::io;

use enfold_state::codec::{self, Record};
use enfold_state::profile::ProfileId;
use enfold_verifier::account::{AccountProof, check_account};
use enfold_verifier::data::check_data;
use enfold_verifier::receipt::{Receipt, check_receipt};
use enfold_verifier::statement::BlockStatement;
use enfold_verifier::verify::{VerifierKey, verify_block};

const COMMAND: &str = "cargo run --release -p enfold-circuits --example pin -- --golden test standard proven";

/// A golden file of a profile.
fn golden(profile: ProfileId, kind: &str) -> Vec<u8> {
    let path = format!("{}/../fixtures/golden/{profile}.{kind}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn statement(profile: ProfileId) -> BlockStatement {
    verify_block(VerifierKey::pinned(profile), &golden(profile, "proof")).unwrap_or_else(|error| {
        panic!("{profile}: {error}; if the protocol changed on purpose: {COMMAND}");
    })
}

/// A file holds, and with any of its bytes changed it does not.
fn check_every_byte<T: Record, E: Error + 'static>(
    profile: ProfileId,
    kind: &str,
    holds: impl Fn(&T, &BlockStatement) -> Result<(), E>,
) {
    let statement = statement(profile);
    let check = |bytes: &[u8]| -> Result<(), Box<dyn Error>> {
        let record = codec::read(bytes)?;
        Ok(holds(&record, &statement)?)
    };
    let mut bytes = golden(profile, kind);
    check(&bytes).unwrap_or_else(|error| panic!("{profile}.{kind}: {error}"));
    for at in 0..bytes.len() {
        bytes[at] ^= 1 << (at % 8);
        assert!(check(&bytes).is_err(), "{profile}.{kind}: byte {at}");
        bytes[at] ^= 1 << (at % 8);
    }
}

#[test]
fn golden_proofs_verify() {
    for profile in ProfileId::ALL {
        let expected: BlockStatement = serde_json::from_slice(&golden(profile, "json")).expect("a statement");
        assert_eq!(statement(profile), expected);
    }
}

/// Bytes from the first to the last: all of a proof of `test` are searched in `enfold-benches`.
#[test]
fn golden_proofs_with_a_byte_changed_do_not() {
    const PLACES: usize = 24;
    for profile in ProfileId::ALL {
        let mut bytes = golden(profile, "proof");
        for place in 0..PLACES {
            let at = place * (bytes.len() - 1) / (PLACES - 1);
            bytes[at] ^= 1 << (place % 8);
            assert!(verify_block(VerifierKey::pinned(profile), &bytes).is_err(), "{profile}: byte {at}");
            bytes[at] ^= 1 << (place % 8);
        }
    }
}

/// Whatever the file's length: a reader is told which profile it is of.
#[test]
fn golden_proofs_are_of_one_profile() {
    for got in ProfileId::ALL {
        let bytes = golden(got, "proof");
        for expected in ProfileId::ALL.into_iter().filter(|&other| other != got) {
            let refused = verify_block(VerifierKey::pinned(expected), &bytes).expect_err("another profile's");
            assert_eq!(
                refused.to_string(),
                format!("expected a proof of profile {expected}, got one of profile {got}")
            );
        }
    }
}

#[test]
fn golden_data_are_the_blocks() {
    ProfileId::ALL.into_iter().for_each(|profile| check_every_byte(profile, "data", check_data));
}

/// With the golden account proof, which says who the signer has to be: a receipt alone takes any owner beside the key.
#[test]
fn golden_receipts_hold() {
    for profile in ProfileId::ALL {
        let account: AccountProof = codec::read(&golden(profile, "account")).expect("an account proof");
        check_every_byte(profile, "receipt", |receipt: &Receipt, statement: &_| {
            check_receipt(receipt, statement).map_err(io::Error::other)?;
            match receipt.authorization.map(|signer| signer.address()) {
                Some(address) if address == account.leaf.address => Ok(()),
                _ => Err(io::Error::other("expected the owner of the leaf to have signed")),
            }
        });
    }
}

#[test]
fn golden_account_proofs_hold() {
    let check = |proof: &_, statement: &_| check_account(proof, statement).map(drop);
    ProfileId::ALL.into_iter().for_each(|profile| check_every_byte(profile, "account", check));
}
