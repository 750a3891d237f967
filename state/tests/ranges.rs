//! Numbers that are out of their range are refused where a record is read, in both forms.

mod records;

use enfold_state::block::{Block, BlockData};
use enfold_state::codec::{HEADER_LEN, Record, decode, encode, read};
use enfold_state::executor::execute;
use enfold_state::field::ORDER;
use enfold_state::kind::KindId;
use enfold_state::ledger::Ledger;
use serde_json::{Value, json};

use records::{Records, records};

/// What reading says of a record with one value of its JSON form changed.
fn with_json<T: Record>(record: &T, at: &str, value: Value) -> Result<T, String> {
    let mut json = serde_json::to_value(record).expect("it has a JSON form");
    *json.pointer_mut(at).unwrap_or_else(|| panic!("{at} is in it")) = value;
    read::<T>(json.to_string().as_bytes()).map_err(|error| error.to_string())
}

/// What reading says of a record with some bytes of its body changed.
fn with_bytes<T: Record>(record: &T, at: usize, bytes: &[u8]) -> Result<T, String> {
    let mut form = encode(record).expect("it has a binary form");
    form[HEADER_LEN + at..][..bytes.len()].copy_from_slice(bytes);
    decode::<T>(&form).map_err(|error| error.to_string())
}

fn refused<T>(read: Result<T, String>, says: &str) {
    let error = read.err().unwrap_or_else(|| panic!("expected an error: {says}"));
    assert!(error.contains(says), "{error}");
}

fn chain_ids<T: Record>(record: &T, pointer: &str, at: usize) {
    for id in [0, 1 << 63, u64::MAX] {
        let says = format!("expected a chain id of 1 to 2^63 - 1, got {id}");
        refused(with_json(record, pointer, json!(id)), &says);
        refused(with_json(record, pointer, json!(id.to_string())), &says);
        refused(with_bytes(record, at, &id.to_le_bytes()), &says);
    }
    for id in [1_u64, (1 << 63) - 1] {
        assert!(with_json(record, pointer, json!(id.to_string())).is_ok());
        assert!(with_bytes(record, at, &id.to_le_bytes()).is_ok());
    }
}

#[test]
fn chain_ids_are_in_their_range_in_every_record() {
    let Records { genesis, block, signed, data, receipt, account, contract } = records();
    chain_ids(&genesis, "/chain_id", 0);
    chain_ids(&block, "/chain_id", 0);
    chain_ids(&data, "/chain_id", 0);
    chain_ids(&receipt, "/chain_id", 0);
    chain_ids(&account, "/chain_id", 0);
    chain_ids(&contract, "/chain_id", 0);
    chain_ids(&signed, "/transaction/chain_id", 4);
}

/// A block is read whatever its transactions say; the executor tells what is wrong with one, and takes the others.
#[test]
fn one_transaction_does_not_make_a_block_unreadable() {
    let Records { genesis, block, .. } = records();
    let ledger = Ledger::from_genesis(&genesis).expect("a genesis");
    for (field, value, rule) in [
        ("chain_id", json!(0), "chain_id"),
        ("chain_id", json!("9223372036854775808"), "chain_id"),
        ("target", json!(1), "target"),
        ("target", json!("18446744073709551615"), "target"),
        ("valid_until", json!(0), "expired"),
    ] {
        let pointer = format!("/transactions/2/transaction/{field}");
        let read = with_json(&block, &pointer, value).expect("a block");
        assert_eq!(decode::<Block>(&encode(&read).expect("a form")).expect("a block"), read);
        let execution = execute(&ledger, &read).expect("the others are valid");
        let rejected: Vec<_> =
            execution.rejections.iter().map(|got| (got.position, got.rule.name())).collect();
        assert_eq!(rejected, [(2, rule)]);
    }
}

#[test]
fn a_genesis_has_a_time_and_a_power_of_two_of_shards() {
    let Records { genesis, .. } = records();
    refused(with_json(&genesis, "/time", json!(0)), "expected a time of at least 1, got 0");
    refused(with_bytes(&genesis, 8, &[0; 4]), "expected a time of at least 1, got 0");
    for shards in [0_u32, 3, 33, 64, u32::MAX] {
        let says = format!("expected 1, 2, 4, 8, 16 or 32 shards, got {shards}");
        refused(with_json(&genesis, "/shards", json!(shards)), &says);
        refused(with_bytes(&genesis, 12, &shards.to_le_bytes()), &says);
    }
    for shards in [1_u32, 2, 4, 8, 16, 32] {
        assert_eq!(with_json(&genesis, "/shards", json!(shards)).map(|read| read.shards), Ok(shards));
    }
}

#[test]
fn transactions_have_a_nonce_of_two_keys_no_target_and_an_end() {
    let Records { signed, receipt, .. } = records();
    let too_large = (33..u64::BITS).flat_map(|bit| [1 << bit, 1 << bit | 7]);
    for nonce in too_large.chain([u64::MAX]) {
        let says = format!("expected a nonce below 2^33, got {nonce}");
        refused(with_json(&signed, "/transaction/nonce", json!(nonce)), &says);
        refused(with_bytes(&signed, 16, &nonce.to_le_bytes()), &says);
        refused(with_json(&receipt, "/nonce", json!(nonce)), &says);
    }
    // Every bit of it is read: 32 of the number, and the key's.
    for nonce in (0..33).map(|bit| 1_u64 << bit).chain([0, (1 << 33) - 1]) {
        let read = with_bytes(&signed, 16, &nonce.to_le_bytes()).expect("below 2^33").transaction.nonce;
        assert_eq!(with_json(&signed, "/transaction/nonce", json!(nonce)).unwrap().transaction.nonce, read);
        assert_eq!((read.to_u64(), u64::from(read.number())), (nonce, nonce % (1 << 32)));
        assert_eq!(read.key() as u64, nonce >> 32);
    }
    for target in [1_u64, 1 << 32, u64::MAX] {
        let says = format!("expected target 0, got {target}");
        refused(with_json(&signed, "/transaction/target", json!(target)), &says);
        refused(with_bytes(&signed, 84, &target.to_le_bytes()), &says);
    }
    let says = "expected a time of at least 1, got 0";
    refused(with_json(&signed, "/transaction/valid_until", json!(0)), says);
    refused(with_bytes(&signed, 92, &[0; 4]), says);
    refused(with_json(&receipt, "/valid_until", json!(0)), says);
    let read = with_bytes(&signed, 92, &[1, 0, 0, 0]).expect("one second");
    assert_eq!(read.transaction.valid_until, 1);
}

#[test]
fn an_owner_has_one_form() {
    let Records { signed, receipt, .. } = records();
    let zero = format!("0x{}", "0".repeat(40));
    refused(with_json(&signed, "/owner", json!(zero)), "expected an owner that is not zero");
    refused(with_json(&receipt, "/authorization/owner", json!("0x12")), "expected 40 hex digits");
    assert!(with_json(&signed, "/owner", Value::Null).expect("none").owner.is_none());
}

/// Where the first message of block data stands: behind chain id, number, count of batches, kind, count of messages.
const MESSAGE: usize = 8 + 4 + 8 + 4 + 8;

#[test]
fn messages_are_canonical_and_in_range() {
    let Records { data, .. } = records();
    assert!(with_bytes(&data, 0, &[]).is_ok());
    for element in 0..8 {
        for value in [ORDER, u64::MAX] {
            let read = with_bytes(&data, MESSAGE + 8 * element, &value.to_le_bytes());
            refused(read, "expected canonical elements");
        }
    }
    let [head, route, ..] = data.emitted[0].messages[0].elements().map(enfold_state::field::to_u64);
    for (element, value, says) in [
        (0, head & !0xff, "expected a known op, got 0"),
        (0, head | 1 << 40, "expected kind 0, got 1"),
        (0, head | 1 << 61, "expected kind 0"),
        (1, route | 1 << 31, "expected a leaf index below 2^30"),
        (1, route | 1 << 62, "expected a leaf index below 2^30"),
        (2, 0, "amount"),
        (2, 1 << 62, "amount"),
    ] {
        let read = with_bytes(&data, MESSAGE + 8 * element, &u64::to_le_bytes(value));
        refused(read, says);
    }
    // A fee message has no nonce key, a transfer has one.
    let fee = MESSAGE + 64 + 8;
    let [_, route, ..] = data.emitted[0].messages[1].elements().map(enfold_state::field::to_u64);
    refused(
        with_bytes(&data, fee, &(route | 1 << 30).to_le_bytes()),
        "expected a message without a nonce key",
    );
    for (field, value, says) in [
        ("amount", json!(0), "amount"),
        ("memo", json!(ORDER), "memo"),
        ("from", json!(1 << 30), "expected a leaf index below 2^30"),
        ("to", json!(1 << 30), "expected a leaf index below 2^30"),
        ("nonce_key", json!(2), "expected nonce key 0 or 1, got 2"),
        ("op", json!("fly"), "expected an op"),
    ] {
        refused(with_json(&data, &format!("/emitted/0/messages/0/{field}"), value), says);
    }
    refused(with_json(&data, "/emitted/0/messages/1/nonce_key", json!(1)), "without a nonce key");
}

#[test]
fn data_are_of_known_kinds() {
    let Records { data, .. } = records();
    for kind in [0_u32, 1, 3, 5, 7, u32::MAX] {
        refused(
            with_bytes(&data, MESSAGE - 12, &kind.to_le_bytes()),
            &format!("expected the number of a kind, got {kind}"),
        );
    }
    assert_eq!(
        with_bytes(&data, MESSAGE - 12, &4_u32.to_le_bytes()).expect("credit").emitted[0].kind,
        KindId::Credit
    );
    refused(with_json(&data, "/emitted/0/kind", json!("mint")), "expected a kind, got \"mint\"");
}

/// What is defined and not built yet has its room in the binary forms, and nothing may stand in it.
#[test]
fn what_is_reserved_is_empty() {
    let Records { data, account, .. } = records();
    let end = |bytes: Vec<u8>, room: usize| bytes.len() - HEADER_LEN - room;
    let one = [1, 0, 0, 0, 0, 0, 0, 0];
    let filled = |bytes: Vec<u8>| {
        let room = bytes.len() - 8;
        [&bytes[..room], &one, &[0; 8]].concat()
    };
    let says = "expected an empty list in what is reserved";
    let multiplicities = filled(encode(&data).expect("a form"));
    refused(decode::<BlockData>(&multiplicities).map_err(|error| error.to_string()), says);
    // Behind the leaf's guard are thirty siblings and the counts.
    let guard = end(encode(&account).expect("a form"), 31 * 32 + 4);
    refused(with_bytes(&account, guard, &[1, 0, 0, 0]), "expected 0 in what is reserved");
}
