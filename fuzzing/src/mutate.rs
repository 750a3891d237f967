//! Changes of valid inputs: what a file that is damaged, cut off, or made to harm looks like.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// p, the order of the field.
const ORDER: u64 = 0xffff_ffff_0000_0001;

/// Numbers at which something changes.
const NUMBERS: [u64; 22] = [
    0,
    1,
    2,
    3,
    7,
    8,
    31,
    32,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    (1 << 30) - 1,
    1 << 30,
    (1 << 62) - 1,
    1 << 62,
    1 << 63,
    ORDER - 1,
    ORDER,
    ORDER + 1,
    u64::MAX - 1,
    u64::MAX,
];

/// Any change of `base`, with pieces of `other`; or, rarely, any bytes at all.
pub fn mutate(rng: &mut ChaCha8Rng, base: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = base.to_vec();
    if rng.gen_ratio(1, 50) {
        bytes = vec![0; rng.gen_range(0..200)];
        rng.fill(bytes.as_mut_slice());
        return bytes;
    }
    let text = std::str::from_utf8(base).is_ok();
    for _ in 0..rng.gen_range(1..4) {
        if text && rng.gen_ratio(2, 3) {
            bytes = replace_token(rng, &bytes);
        } else {
            change_bytes(rng, &mut bytes, other);
        }
    }
    bytes
}

fn number(rng: &mut ChaCha8Rng) -> u64 {
    NUMBERS[rng.gen_range(0..NUMBERS.len())]
}

/// Writes over what is there, as far as there is something.
fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    for (byte, with) in bytes.iter_mut().skip(at).zip(with) {
        *byte = *with;
    }
}

fn piece<'a>(rng: &mut ChaCha8Rng, bytes: &'a [u8], longest: usize) -> &'a [u8] {
    let start = rng.gen_range(0..=bytes.len());
    let len = rng.gen_range(0..=longest.min(bytes.len() - start));
    &bytes[start..start + len]
}

fn change_bytes(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>, other: &[u8]) {
    let at = rng.gen_range(0..=bytes.len());
    match rng.gen_range(0..10) {
        0 => overwrite(bytes, at, &[rng.r#gen()]),
        1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << rng.gen_range(0..8);
            }
        }
        2 => overwrite(bytes, at, &number(rng).to_le_bytes()),
        3 => overwrite(bytes, at / 8 * 8, &number(rng).to_le_bytes()),
        4 => overwrite(bytes, at / 4 * 4, &(number(rng) as u32).to_le_bytes()),
        5 => bytes.truncate(at),
        6 => {
            let end = bytes.len().min(at + rng.gen_range(1..64));
            bytes.drain(at..end);
        }
        7 => {
            let inserted: Vec<u8> = (0..rng.gen_range(1..64)).map(|_| rng.r#gen()).collect();
            bytes.splice(at..at, inserted);
        }
        8 => {
            let copied = piece(rng, other, 256).to_vec();
            overwrite(bytes, at, &copied);
        }
        _ => {
            let copied = piece(rng, &bytes.clone(), 512).to_vec();
            bytes.splice(at..at, copied);
        }
    }
}

/// Replaces a number, string or mark of a text by another value.
fn replace_token(rng: &mut ChaCha8Rng, text: &[u8]) -> Vec<u8> {
    let tokens = tokens(text);
    if tokens.is_empty() {
        return text.to_vec();
    }
    let range = tokens[rng.gen_range(0..tokens.len())].clone();
    let with: Vec<u8> = match rng.gen_range(0..18) {
        0 => number(rng).to_string().into(),
        1 => b"-1".into(),
        2 => b"1e400".into(),
        3 => b"18446744073709551616".into(),
        4 => b"null".into(),
        5 => b"[]".into(),
        6 => b"{}".into(),
        7 => b"\"\"".into(),
        8 => format!("\"{}\"", "f".repeat(rng.gen_range(0..200))).into(),
        9 => b"1.5".into(),
        10 => b"true".into(),
        11 => format!("\"{}\"", "0".repeat(64)).into(),
        12 => "[".repeat(rng.gen_range(1..2000)).into(),
        13 => format!("\"{}\"", "\u{e9}".repeat(40)).into(),
        14 => br#""\u0000\n\u001b[31m""#.into(),
        15 => format!("\"{}\"", "x\\n".repeat(rng.gen_range(1..2000))).into(),
        16 => b"\xff\xfe".into(),
        _ => text[tokens[rng.gen_range(0..tokens.len())].clone()].into(),
    };
    [&text[..range.start], &with, &text[range.end..]].concat()
}

/// Where numbers, words, strings and marks stand.
fn tokens(text: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let start = at;
        if text[at] == b'"' {
            at += 1;
            while at < text.len() && text[at] != b'"' {
                at += 1;
            }
            at = text.len().min(at + 1);
        } else if text[at].is_ascii_alphanumeric() || text[at] == b'-' {
            while at < text.len() && (text[at].is_ascii_alphanumeric() || b"-._".contains(&text[at])) {
                at += 1;
            }
        } else {
            at += 1;
            if text[start].is_ascii_whitespace() {
                continue;
            }
        }
        tokens.push(start..at);
    }
    tokens
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn tokens_of_json() {
        let text = br#"{"a b": [1, -2.5e3], "c": null}"#;
        let found: Vec<_> = tokens(text).into_iter().map(|range| &text[range]).collect();
        let expected: [&[u8]; 13] =
            [b"{", b"\"a b\"", b":", b"[", b"1", b",", b"-2.5e3", b"]", b",", b"\"c\"", b":", b"null", b"}"];
        assert_eq!(found, expected);
    }

    #[test]
    fn mutations_differ_and_repeat_with_their_seed() {
        let base: Vec<u8> = (0..200).collect();
        let all = |seed| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            (0..1000).map(|_| mutate(&mut rng, &base, b"other")).collect::<Vec<_>>()
        };
        assert_eq!(all(1), all(1));
        let changed = all(1).iter().filter(|bytes| **bytes != base).count();
        assert!(changed > 900, "{changed}");
        let kept = all(1).iter().filter(|bytes| bytes.len() > 100 && bytes[..8] == base[..8]).count();
        assert!(kept > 300, "{kept}");
    }
}
