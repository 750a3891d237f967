//! The verifier as a WebAssembly module that calls nothing outside of itself.
//!
//! The caller asks for room ([`input`]), writes a file's bytes there and calls a check. It returns 1 if the file holds and
//! 0 if not; [`answer`] then is what it says, in JSON, or what is wrong. `verifier.mjs` does that in JavaScript.

use std::cell::{Cell, RefCell};
use std::fmt::Display;

use enfold_verifier::account::{
    AccountProof, AccountProofError, ContractProof, check_account, check_contract,
};
use enfold_verifier::codec::{self, Record};
use enfold_verifier::data::check_data;
use enfold_verifier::profile::ProfileId;
use enfold_verifier::receipt::{Authorization, Receipt, ReceiptError, check_receipt};
use enfold_verifier::statement::BlockStatement;
use enfold_verifier::verify::{VerifierKey, verify_block};
use serde_json::json;

thread_local! {
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static ANSWER: RefCell<String> = const { RefCell::new(String::new()) };
    static STATEMENT: Cell<Option<BlockStatement>> = const { Cell::new(None) };
}

/// Room for a file of `len` bytes. It stays there until the next call.
#[unsafe(no_mangle)]
pub extern "C" fn input(len: usize) -> *mut u8 {
    INPUT.with_borrow_mut(|input| {
        input.clear();
        input.resize(len, 0);
        input.as_mut_ptr()
    })
}

/// Where the answer to the last check begins: UTF-8.
#[unsafe(no_mangle)]
pub extern "C" fn answer() -> *const u8 {
    ANSWER.with_borrow(|answer| answer.as_ptr())
}

/// Bytes of the answer.
#[unsafe(no_mangle)]
pub extern "C" fn answer_len() -> usize {
    ANSWER.with_borrow(String::len)
}

/// Verifies the proof file in the input under the key of a profile, by its number. Later checks are against what it
/// says.
#[unsafe(no_mangle)]
pub extern "C" fn verify_proof(profile: u32) -> i32 {
    let verify = || {
        let profile = ProfileId::from_number(profile.into()).ok_or("expected a profile's number")?;
        let statement = INPUT.with_borrow(|file| verify_block(VerifierKey::pinned(profile), file));
        statement.map_err(|error| error.to_string())
    };
    let verified = verify();
    STATEMENT.set(verified.as_ref().ok().copied());
    reply(verified.map(|statement| json!(statement).to_string()))
}

/// Checks the data file in the input. The answer is `null`.
#[unsafe(no_mangle)]
pub extern "C" fn check_data_file() -> i32 {
    check(|data, statement| check_data(&data, statement).map(|()| "null".to_owned()))
}

/// Checks the receipt in the input. The answer has the `transaction` and the `signer`: the address of the key and the owner
/// that signed it, `null` if nobody did. Whoever that is, an account proof says whether it is the leaf's.
#[unsafe(no_mangle)]
pub extern "C" fn check_receipt_file() -> i32 {
    check(|receipt: Receipt, statement| {
        let executed = check_receipt(&receipt, statement)?;
        let signer = receipt.authorization.as_ref().map(Authorization::address);
        Ok::<_, ReceiptError>(json!({ "transaction": executed.transaction, "signer": signer }).to_string())
    })
}

/// Checks the account proof in the input. The answer has the `root` that the leaf is under, its `index` and the `leaf`.
#[unsafe(no_mangle)]
pub extern "C" fn check_account_file() -> i32 {
    check(|proof: AccountProof, statement| {
        let root = check_account(&proof, statement)?;
        let AccountProof { index, leaf, .. } = proof;
        Ok::<_, AccountProofError>(json!({ "root": root, "index": index, "leaf": leaf }).to_string())
    })
}

/// Checks the contract proof in the input. The answer has the `root` that the record is under, its `index` and the record, as
/// `contract`.
#[unsafe(no_mangle)]
pub extern "C" fn check_contract_file() -> i32 {
    check(|proof: ContractProof, statement| {
        let root = check_contract(&proof, statement)?;
        let ContractProof { index, contract, .. } = proof;
        Ok::<_, AccountProofError>(json!({ "root": root, "index": index, "contract": contract }).to_string())
    })
}

/// Reads a record from the input and checks it against the last proof that held.
fn check<T: Record, E: Display>(holds: impl Fn(T, &BlockStatement) -> Result<String, E>) -> i32 {
    let read = || {
        let statement = STATEMENT.get().ok_or("expected a verified proof before, got none")?;
        let record = INPUT.with_borrow(|file| codec::read(file)).map_err(|error| error.to_string())?;
        holds(record, &statement).map_err(|error| error.to_string())
    };
    reply(read())
}

fn reply(answer: Result<String, String>) -> i32 {
    let holds = answer.is_ok();
    ANSWER.set(answer.unwrap_or_else(|error| error));
    i32::from(holds)
}
