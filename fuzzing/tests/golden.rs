//! The bytes of every kind of record, as they were when the format was fixed. `cargo run --release -p enfold-fuzzing
//! --example golden` writes them anew, which is a change of format.

use std::fmt::Debug;
use std::path::PathBuf;

use enfold_prover::journal::Journal;
use enfold_state::account_proof::{AccountProof, ContractProof};
use enfold_state::block::{Block, BlockData, Genesis};
use enfold_state::codec::{Record, decode, encode, encode_json, read};
use enfold_state::receipt::Receipt;
use enfold_state::transaction::SignedTransaction;

fn check<T: Record + PartialEq + Debug>(name: &str) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/golden/records");
    let file =
        |end: &str| std::fs::read(folder.join(format!("{name}.{end}"))).expect("the golden file is there");
    let (binary, json) = (file("bin"), file("json"));
    let record: T = decode(&binary).expect("the golden bytes are a record");
    assert_eq!(encode(&record).unwrap(), binary, "{name}: other bytes");
    assert_eq!(read::<T>(&json).unwrap(), record, "{name}: the forms differ");
    assert_eq!(encode_json(&record).unwrap().into_bytes(), json, "{name}: other JSON");
}

#[test]
fn records_have_their_golden_bytes() {
    check::<Genesis>("genesis");
    check::<Genesis>("genesis_contracts");
    check::<Block>("block");
    check::<SignedTransaction>("transaction");
    check::<BlockData>("data");
    check::<Receipt>("receipt");
    check::<AccountProof>("account_proof");
    check::<ContractProof>("contract_proof");
    check::<Journal>("journal");
}
