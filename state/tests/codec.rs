//! Files, in both forms, whole and damaged.

use std::fmt::Debug;
use std::io::{BufReader, Read};
use std::mem::discriminant;

use enfold_fixtures::world::{World, WorldSpec};
use enfold_state::block::{Block, BlockData, Emitted, Genesis};
use enfold_state::codec::{
    self, CodecError, FORMAT_VERSION, HEADER_LEN, Kind, MAGIC, Malformed, Record, decode, encode,
    encode_json, from_body, peek_kind, read_file, read_from, to_body,
};
use enfold_state::field::ORDER;
use enfold_state::kind::KindId;
use enfold_state::message::Message;
use enfold_state::transaction::SignedTransaction;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

fn records(seed: u64) -> (Genesis, Block, BlockData, SignedTransaction) {
    let mut world = World::new(WorldSpec { seed, accounts: 3, new_share: 0.2, ..WorldSpec::default() });
    let genesis = world.genesis().clone();
    let block = world.block(6);
    let execution = world.advance(&block).expect("all are valid");
    let (first, rest) = execution.credits.split_at(5);
    let batch = |messages: &[Message]| Emitted { kind: KindId::Debit, messages: messages.to_vec() };
    let data = BlockData { chain_id: 7, number: 1, emitted: [first, &[], rest].map(batch).to_vec() };
    let signed = block.transactions[0];
    (genesis, block, data, signed)
}

/// Reads bytes, all at once and one after the other, with one outcome.
fn read<T: Record + Debug>(bytes: &[u8]) -> Result<T, CodecError> {
    let whole = codec::read(bytes);
    if bytes.len() as u64 <= T::MAX_LEN {
        let parts = read_from::<T>(&mut BufReader::with_capacity(64, bytes)).expect("memory can be read");
        match (&whole, &parts) {
            (Ok(whole), Ok(parts)) => assert_eq!(format!("{whole:?}"), format!("{parts:?}")),
            (Err(whole), Err(parts)) => {
                assert_eq!(discriminant(whole), discriminant(parts), "{whole} / {parts}")
            }
            _ => panic!("expected the same, got {whole:?} and {parts:?}"),
        }
    }
    whole
}

fn round_trip<T: Record + PartialEq + Debug>(record: &T) {
    let bytes = encode(record).expect("it has a binary form");
    assert_eq!(&bytes[..8], MAGIC);
    assert_eq!(peek_kind(&bytes), Some(T::KIND));
    assert_eq!(&decode::<T>(&bytes).expect("its own form"), record);
    assert_eq!(&read::<T>(&bytes).expect("its own form"), record);
    let json = encode_json(record).expect("it has a JSON form");
    assert_eq!(&read::<T>(json.as_bytes()).expect("its own form"), record);
    assert_eq!(&read::<T>(format!(" \r\n\t{json}\n").as_bytes()).expect("its own form"), record);
}

#[test]
fn both_forms_give_the_record_back() {
    for seed in 0..5 {
        let (genesis, block, data, signed) = records(seed);
        round_trip(&genesis);
        round_trip(&block);
        round_trip(&data);
        round_trip(&signed);
    }
    round_trip(&Genesis { chain_id: 1, time: 1, shards: 1, leaves: vec![], contracts: vec![] });
    round_trip(&Block { chain_id: 1, ..Block::default() });
}

#[test]
fn the_binary_form_is_as_documented() {
    let (genesis, ..) = records(1);
    let bytes = encode(&genesis).expect("it has a binary form");
    assert_eq!(bytes.len(), HEADER_LEN + 8 + 4 + 4 + 8 + 3 * (32 + 4 + 8) + 8);
    assert_eq!(bytes[8..12], 2u32.to_le_bytes());
    assert_eq!(bytes[12..16], 1u32.to_le_bytes());
    assert_eq!(bytes[16..24], genesis.chain_id.to_le_bytes());
    assert_eq!(bytes[24..28], genesis.time.to_le_bytes());
    assert_eq!(bytes[28..32], 4u32.to_le_bytes());
    assert_eq!(bytes[32..40], 3u64.to_le_bytes());
    assert_eq!(bytes[40..72], <[u64; 4]>::from(genesis.leaves[0].address).map(u64::to_le_bytes).concat());
    assert_eq!(bytes[72..76], 0u32.to_le_bytes());
    assert_eq!(bytes[76..84], genesis.leaves[0].balance.to_le_bytes());
    // Contracts.
    assert_eq!(bytes[bytes.len() - 8..], [0; 8]);
}

#[test]
fn every_truncation_and_every_extension_is_refused() {
    let (_, block, ..) = records(1);
    let bytes = encode(&block).expect("it has a binary form");
    for len in 0..bytes.len() {
        let error = read::<Block>(&bytes[..len]).expect_err("a part is no block");
        match len {
            0..HEADER_LEN => assert!(
                matches!(error, CodecError::Truncated { kind: Kind::Block, expected: HEADER_LEN, got } if got == len)
            ),
            _ => assert!(matches!(error, CodecError::Body { kind: Kind::Block, .. })),
        }
    }
    let mut long = bytes;
    long.push(0);
    assert!(matches!(read::<Block>(&long), Err(CodecError::Body { .. })));
}

#[test]
fn headers_are_checked() {
    let (genesis, block, ..) = records(1);
    let bytes = encode(&block).expect("it has a binary form");
    let mut other = bytes.clone();
    other[0] ^= 1;
    assert!(
        matches!(read::<Block>(&other), Err(CodecError::Magic { kind: Kind::Block, got }) if got == other[..8])
    );
    let mut newer = bytes.clone();
    newer[8] += 1;
    let (e, g) = (FORMAT_VERSION, FORMAT_VERSION + 1);
    assert!(
        matches!(read::<Block>(&newer), Err(CodecError::Version { expected, got, .. }) if (expected, got) == (e, g))
    );
    let mut older = bytes.clone();
    older[8] = 1;
    let message = read::<Block>(&older).expect_err("of version 1").to_string();
    assert!(message.starts_with("expected format version 2, got 1: it is older"), "{message}");
    assert!(message.contains("make a new one with `enfold bundle`"), "{message}");
    let foreign = encode(&genesis).expect("it has a binary form");
    let error = read::<Block>(&foreign).expect_err("a genesis is no block");
    assert!(matches!(error, CodecError::Kind { expected: Kind::Block, got: 1 }));
    assert_eq!(error.to_string(), "expected a block file, got a genesis file");
    let mut unknown = bytes;
    unknown[15] = 9;
    assert!(matches!(read::<Block>(&unknown), Err(CodecError::Kind { expected: Kind::Block, .. })));
    assert_eq!(peek_kind(&unknown), None);
    assert_eq!(peek_kind(b"{}"), None);
}

#[test]
fn a_length_that_the_bytes_do_not_pay_for() {
    let (genesis, ..) = records(1);
    let mut bytes = encode(&genesis).expect("it has a binary form");
    for len in [4, 10 << 30, u64::MAX] {
        bytes[32..40].copy_from_slice(&u64::to_le_bytes(len));
        assert!(matches!(read::<Genesis>(&bytes), Err(CodecError::Body { .. })));
    }
}

#[test]
fn elements_have_one_form() {
    let (genesis, ..) = records(1);
    let mut bytes = encode(&genesis).expect("it has a binary form");
    bytes[40..48].copy_from_slice(&0u64.to_le_bytes());
    assert!(decode::<Genesis>(&bytes).is_ok());
    bytes[40..48].copy_from_slice(&ORDER.to_le_bytes());
    assert!(matches!(decode::<Genesis>(&bytes), Err(CodecError::Body { .. })));
    let text = encode_json(&genesis).expect("it has a JSON form");
    let first = genesis.leaves[0].address.to_string();
    let above = format!("{ORDER:016x}{}", &first[16..]);
    let error = read::<Genesis>(text.replace(&first, &above).as_bytes()).expect_err("not canonical");
    assert!(error.to_string().contains("expected an element below"), "{error}");
}

#[test]
fn json_that_is_not_the_record() {
    let bad = |text: &str| match read::<Genesis>(text.as_bytes()) {
        Err(CodecError::Json { kind: Kind::Genesis, source }) => source.to_string(),
        other => panic!("expected a JSON error, got {other:?}"),
    };
    assert!(bad("{").contains("EOF"));
    assert!(bad("{}").contains("missing field `chain_id`"));
    assert!(
        bad(r#"{"chain_id": 1, "time": 1, "shards": 1, "leaves": [], "more": 1}"#)
            .contains("unknown field `more`")
    );
    assert!(bad(r#"{"chain_id": 1, "time": 4294967296, "shards": 1, "leaves": []}"#).contains("4294967296"));
    assert!(bad(r#"{"chain_id": -1, "leaves": []}"#).contains("-1"));
    assert!(bad(r#"{"chain_id": 1, "time": 1, "shards": 1, "leaves": []} x"#).contains("trailing"));
    assert!(bad(r#"{"chain_id": 1, "chain_id": 1, "leaves": []}"#).contains("duplicate"));
    // Anything else is taken for the binary form.
    assert!(matches!(read::<Genesis>(b"[]"), Err(CodecError::Truncated { .. })));
    assert!(matches!(read::<Genesis>(b"a text of some length"), Err(CodecError::Magic { .. })));
    assert!(matches!(read::<Genesis>(b""), Err(CodecError::Truncated { got: 0, .. })));
    assert!(matches!(read::<Genesis>(b"  a text of some length"), Err(CodecError::Magic { .. })));
    assert!(bad(&" ".repeat(20)).contains("EOF"));
}

/// A record with a small bound.
#[derive(Debug, Serialize, Deserialize)]
struct Short {
    bytes: Vec<u8>,
}

impl Record for Short {
    const KIND: Kind = Kind::Journal;
    const MAX_LEN: u64 = 64;
}

#[test]
fn a_bound_holds_for_writing_and_for_reading() {
    let fits = Short { bytes: vec![1; 64 - HEADER_LEN - 8] };
    let bytes = encode(&fits).expect("it fits");
    assert_eq!(bytes.len(), 64);
    assert_eq!(decode::<Short>(&bytes).expect("it fits").bytes, fits.bytes);
    let over = Short { bytes: vec![1; 64 - HEADER_LEN - 7] };
    assert!(matches!(encode(&over), Err(CodecError::Body { kind: Kind::Journal, .. })));
    let error = read::<Short>(&[b'{'; 65]).expect_err("too long");
    assert!(matches!(error, CodecError::TooLong { expected: 64, got: 65, .. }));
}

#[test]
fn files_are_read_within_their_bound() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("file");
    let missing = read_file::<Short>(&path).expect_err("there is no file");
    assert!(matches!(missing, CodecError::Io { path: p, .. } if p == path));
    assert!(matches!(read_file::<Short>(dir.path()), Err(CodecError::Io { .. })));
    std::fs::write(&path, br#"{"bytes": [1, 2]}"#).expect("written");
    assert_eq!(read_file::<Short>(&path).expect("it is one").bytes, [1, 2]);
    // A sparse file of a gigabyte: no more than the bound is read.
    let file = std::fs::File::create(&path).expect("made");
    file.set_len(1 << 30).expect("sized");
    let error = read_file::<Short>(&path).expect_err("too long");
    assert!(matches!(error, CodecError::TooLong { expected: 64, got: 0x4000_0000, .. }));
    // A device has no length.
    #[cfg(target_os = "linux")]
    assert!(matches!(read_file::<Short>("/dev/zero".as_ref()), Err(CodecError::Magic { .. })));
}

#[test]
fn nothing_is_read_behind_an_error() {
    let (genesis, block, ..) = records(1);
    let whole = encode(&genesis).expect("it has a binary form");
    let json = encode_json(&genesis).expect("it has a JSON form");
    let other = encode(&block).expect("it has a binary form");
    let mut counted = whole.clone();
    counted[32..40].copy_from_slice(&[0; 8]);
    // A record that ends, of another kind, without leaves, with a leaf that is none, and JSON of all sorts.
    let starts = [whole, other, counted, [&MAGIC[..], &[2, 0, 0, 0, 1, 0, 0, 0], &[0xff; 64]].concat()];
    let texts = [json.as_str(), "{", "{\"chain_id\": 1, \"leaves\": [", "text", ""]
        .map(|text| text.as_bytes().to_vec());
    for start in starts.into_iter().chain(texts) {
        let (mut rest, all) = (std::io::repeat(0).take(1 << 30), start.len() as u64 + (1 << 30));
        let mut reader = BufReader::with_capacity(4096, start.as_slice().chain(&mut rest));
        assert!(read_from::<Genesis>(&mut reader).expect("memory can be read").is_err());
        drop(reader);
        assert!(all - rest.limit() < 1 << 20, "{} bytes read of {all}", all - rest.limit());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// What damaged bytes are read as, if anything, has exactly these bytes as its form.
    #[test]
    fn damaged_bytes_are_refused_or_canonical(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let (_, _, data, _) = records(1);
        let mut bytes = encode(&data).expect("it has a binary form");
        for (index, value) in changes {
            let i = index.index(bytes.len());
            bytes[i] = value;
        }
        if let Ok(read) = decode::<BlockData>(&bytes) {
            prop_assert_eq!(encode(&read).expect("it was read"), bytes);
        }
    }

    #[test]
    fn any_bytes_are_an_error_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read::<Block>(&bytes).is_err());
        let framed = [&encode(&Block::default()).expect("it has a binary form")[..HEADER_LEN], &bytes].concat();
        if let Ok(block) = decode::<Block>(&framed) {
            prop_assert_eq!(encode(&block).expect("it was read"), framed);
        }
    }
}

/// Parsers repeat what they read; an error stays one line of bounded length.
#[test]
fn errors_are_short_and_of_one_line() {
    let name = "line\\n\\u001b[31m".repeat(10_000);
    let text = format!("{{\"chain_id\": 1, \"leaves\": [], \"{name}\": 1}}");
    let error = read::<Genesis>(text.as_bytes()).expect_err("an unknown field").to_string();
    assert!(error.contains("unknown field") && error.ends_with(" ..."), "{error}");
    assert!(error.len() < Malformed::MAX_LEN + 100 && !error.contains(char::is_control), "{error:?}");
    assert_eq!(Malformed::new("a\nb\t\u{7f}").to_string(), r"a\nb\t\u{7f}");
    assert_eq!(Malformed::new("plain").to_string(), "plain");
}

#[test]
fn bodies_are_what_stands_behind_a_header() {
    let (genesis, ..) = records(1);
    let (file, body) = (encode(&genesis).unwrap(), to_body(&genesis).unwrap());
    assert_eq!(body, file[HEADER_LEN..]);
    assert_eq!(from_body::<Genesis>(&body).unwrap(), genesis);
    assert!(from_body::<Genesis>(&file[HEADER_LEN - 1..]).is_err());
}
