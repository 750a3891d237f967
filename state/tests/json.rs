//! The JSON forms take the documented fields and nothing else, in every object of every form.

mod records;

use enfold_state::block::Genesis;
use enfold_state::codec::{CodecError, Record, encode, encode_json, read};
use enfold_state::transaction::SignedTransaction;
use serde_json::Value;

use records::{Records, records};

/// Pointers to all objects in a value.
fn objects(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.push(at.to_owned());
            fields.iter().for_each(|(name, value)| objects(value, &format!("{at}/{name}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, value)| objects(value, &format!("{at}/{i}"), found));
        }
        _ => {}
    }
}

fn refused<T: Record>(json: &str) -> String {
    match read::<T>(json.as_bytes()) {
        Err(CodecError::Json { source, .. }) => source.to_string(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("accepted: {json}"),
    }
}

/// Puts a strange field, and each field a second time, into every object, and a list in its place; gives the number of
/// objects.
fn walk<T: Record>(record: &T) -> usize {
    const STRANGE: &str = "\"strange\":null";
    let good: Value = serde_json::to_value(record).expect("it has a JSON form");
    let mut found = Vec::new();
    objects(&good, "", &mut found);
    for at in &found {
        let mut changed = good.clone();
        let fields = changed.pointer_mut(at).and_then(Value::as_object_mut).expect("an object");
        let names: Vec<String> = fields.keys().cloned().collect();
        // What is a list as a whole is taken for no JSON at all.
        if !at.is_empty() {
            let mut list = good.clone();
            *list.pointer_mut(at).expect("an object") = fields.values().cloned().collect();
            let error = refused::<T>(&list.to_string());
            assert!(error.contains("invalid type: sequence, expected struct"), "{at}: {error}");
        }
        fields.insert("strange".to_owned(), Value::Null);
        let text = changed.to_string();
        let error = refused::<T>(&text);
        assert!(error.contains("unknown field `strange`"), "{at}: {error}");
        for name in names {
            let value = &good.pointer(at).expect("an object")[&name];
            let twice = text.replace(STRANGE, &format!("\"{name}\":{value}"));
            let error = refused::<T>(&twice);
            assert!(error.contains(&format!("duplicate field `{name}`")), "{at}: {error}");
            // And none is optional, but for those that the document names.
            let mut missing = good.clone();
            missing.pointer_mut(at).and_then(Value::as_object_mut).expect("an object").remove(&name);
            let optional = ["fees", "contracts"].contains(&name.as_str()) && at.is_empty();
            assert_eq!(read::<T>(missing.to_string().as_bytes()).is_ok(), optional, "{at}/{name}");
        }
    }
    found.len()
}

#[test]
fn no_object_takes_a_strange_field_or_one_twice() {
    let Records { genesis, block, signed, data, receipt, account, contract } = records();
    assert_eq!(walk(&genesis), 1 + genesis.leaves.len() + genesis.contracts.len());
    // Transaction, signature and what holds them.
    assert_eq!(walk(&signed), 3);
    assert_eq!(walk(&block), 1 + block.fees.len() + 3 * block.transactions.len());
    let messages = data.emitted[0].messages.len();
    assert!(messages > 3 && !block.fees.is_empty(), "there are fees");
    assert_eq!(walk(&data), 1 + 1 + messages);
    assert_eq!(walk(&receipt), 1 + messages + 2);
    assert_eq!(walk(&account), 2);
    assert_eq!(walk(&contract), 2);
}

/// Pointers to all ops and kinds in a value.
fn names(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let at = format!("{at}/{name}");
                if name == "op" || name == "kind" {
                    found.push(at);
                } else {
                    names(value, &at, found);
                }
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, value)| names(value, &format!("{at}/{i}"), found));
        }
        _ => {}
    }
}

/// Writes each name of an op or a kind in serde's other form of an enum.
fn with_names_as_objects<T: Record>(record: &T) {
    let good: Value = serde_json::to_value(record).expect("it has a JSON form");
    let mut found = Vec::new();
    names(&good, "", &mut found);
    assert!(!found.is_empty());
    for at in found {
        let mut changed = good.clone();
        let name = changed.pointer_mut(&at).expect("a name");
        *name =
            Value::Object([(name.as_str().expect("a name").to_owned(), Value::Null)].into_iter().collect());
        assert!(refused::<T>(&changed.to_string()).contains("expected a string"), "{at}");
    }
}

#[test]
fn an_op_and_a_kind_have_one_form() {
    let Records { block, signed, data, receipt, .. } = records();
    with_names_as_objects(&signed);
    with_names_as_objects(&block);
    with_names_as_objects(&data);
    with_names_as_objects(&receipt);
}

/// Turns every number into its text, or back.
fn as_texts(value: &mut Value, count: &mut usize) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                const WIDE: [&str; 8] =
                    ["balance", "amount", "fee", "memo", "floor", "reserve_0", "reserve_1", "supply"];
                if WIDE.contains(&name.as_str()) {
                    *value = match &*value {
                        Value::String(text) => text.parse::<u64>().expect("a number").into(),
                        number => number.to_string().into(),
                    };
                    *count += 1;
                } else {
                    as_texts(value, count);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|value| as_texts(value, count)),
        _ => {}
    }
}

fn amounts<T: Record + PartialEq + std::fmt::Debug>(record: &T) {
    let mut value = serde_json::to_value(record).expect("it has a JSON form");
    let mut count = 0;
    as_texts(&mut value, &mut count);
    assert!(count > 0);
    assert_eq!(&read::<T>(value.to_string().as_bytes()).expect("texts are numbers too"), record);
}

#[test]
fn amounts_are_numbers_or_texts() {
    let Records { genesis, block, signed, data, receipt, account, contract } = records();
    amounts(&genesis);
    amounts(&block);
    amounts(&signed);
    amounts(&data);
    amounts(&receipt);
    amounts(&account);
    amounts(&contract);
}

#[test]
fn amounts_that_doubles_lose_are_written_as_texts() {
    let Records { mut genesis, mut signed, .. } = records();
    let great = (1 << 53) + 1;
    genesis.leaves[0].balance = great;
    let transaction = &mut signed.transaction;
    (transaction.amount, transaction.fee, transaction.memo) = (great, great + 1, 1 << 53);
    let text = encode_json(&genesis).expect("it has a JSON form");
    assert!(text.contains("\"balance\": \"9007199254740993\""), "{text}");
    assert_eq!(read::<Genesis>(text.as_bytes()).expect("its own form"), genesis);
    let text = encode_json(&signed).expect("it has a JSON form");
    assert!(text.contains("\"amount\": \"9007199254740993\"") && text.contains("\"memo\": 9007199254740992"));
    assert_eq!(read::<SignedTransaction>(text.as_bytes()).expect("its own form"), signed);
    // The binary form is as it was.
    let bytes = encode(&signed).expect("it has a binary form");
    assert_eq!((bytes.len(), read::<SignedTransaction>(&bytes).expect("its own form")), (16 + 236, signed));
}
