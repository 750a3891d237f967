//! Key files: a JSON object `{"secret_key", "owner", "public_key", "address"}`, all in hex; `owner` is `null` for a key
//! without an owner on L1.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::codec::Malformed;
use crate::ecgfp5::Fp5;
use crate::json;
use crate::keys::{PublicKey, SecretKeyError};
use crate::leaf::Address;
use crate::owner::L1Owner;
use crate::signer::Signer;

/// Longest key file, in bytes.
pub const LIMIT: u64 = 1 << 14;

/// A key as it is in a file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    /// The secret: 80 hex digits. Its memory is overwritten when it is dropped.
    pub secret_key: Zeroizing<String>,
    /// The owner on L1; in a file that is read it may be missing if there is none.
    #[serde(default)]
    pub owner: L1Owner,
    /// The public key; in a file that is read it may be missing.
    #[serde(default)]
    pub public_key: Option<PublicKey>,
    /// The address; in a file that is read it may be missing.
    #[serde(default)]
    pub address: Option<Address>,
}

/// A file that is not a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Not the JSON object of a key.
    #[error("malformed key: {0}")]
    Json(#[source] Malformed),
    /// The secret is out of range.
    #[error("malformed key: {0}")]
    Secret(#[source] SecretKeyError),
    /// The public key is not the secret's.
    #[error("expected the public key {expected}, got {got}")]
    PublicKey {
        /// The secret's.
        expected: Fp5,
        /// The file's.
        got: Fp5,
    },
    /// The address is not that of secret and owner.
    #[error("expected the address {expected}, got {got}")]
    Address {
        /// That of secret and owner.
        expected: Address,
        /// The file's.
        got: Address,
    },
}

impl From<&Signer> for KeyFile {
    fn from(signer: &Signer) -> Self {
        Self {
            secret_key: Zeroizing::new(hex::encode(signer.key.to_bytes())),
            owner: signer.owner,
            public_key: Some(signer.public_key()),
            address: Some(signer.address()),
        }
    }
}

impl KeyFile {
    /// The file's bytes.
    ///
    /// # Errors
    /// If the key does not serialise, which is a fault of the program.
    pub fn to_json(&self) -> serde_json::Result<Zeroizing<Vec<u8>>> {
        // With room for all of it: what grows leaves copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(LIMIT as usize));
        serde_json::to_writer_pretty(&mut *bytes, self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// Reads key and owner from a file's bytes.
///
/// # Errors
/// If they are not a key, or its parts do not belong together.
pub fn parse(bytes: &[u8]) -> Result<Signer, KeyFileError> {
    let file: KeyFile = json::from_slice(bytes).map_err(|error| KeyFileError::Json(Malformed::new(error)))?;
    let key = file.secret_key.parse().map_err(KeyFileError::Secret)?;
    let signer = Signer { key, owner: file.owner };
    let (public_key, address) = (signer.public_key(), signer.address());
    match (file.public_key, file.address) {
        (Some(got), _) if got != public_key => {
            Err(KeyFileError::PublicKey { expected: public_key.encoding(), got: got.encoding() })
        }
        (_, Some(got)) if got != address => Err(KeyFileError::Address { expected: address, got }),
        _ => Ok(signer),
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyFile, KeyFileError, parse};
    use crate::keys::SecretKey;
    use crate::owner::{L1Owner, OWNER_BYTES};
    use crate::signer::Signer;

    fn signer(secret: u8) -> Signer {
        let mut bytes = [0; 40];
        bytes[39] = secret;
        Signer { key: SecretKey::from_bytes(&bytes).unwrap(), owner: L1Owner::NONE }
    }

    #[test]
    fn a_key_is_read_back() {
        let owned = Signer { owner: L1Owner::new([9; OWNER_BYTES]), ..signer(7) };
        for signer in [signer(7), owned] {
            let file = KeyFile::from(&signer);
            let bare = KeyFile { public_key: None, address: None, ..file.clone() };
            for file in [file, bare] {
                let read = parse(&file.to_json().unwrap()).unwrap();
                assert_eq!(read.key.to_bytes(), signer.key.to_bytes());
                assert_eq!((read.owner, read.address()), (signer.owner, signer.address()));
            }
        }
        // Of a file that says nothing of an owner there is none.
        let text = String::from_utf8(KeyFile::from(&signer(7)).to_json().unwrap().to_vec()).unwrap();
        let without = text.replace("\n  \"owner\": null,", "");
        assert_ne!(without, text);
        assert_eq!(parse(without.as_bytes()).unwrap().owner, L1Owner::NONE);
    }

    #[test]
    fn parts_of_different_keys_are_refused() {
        let (file, other) = (KeyFile::from(&signer(7)), KeyFile::from(&signer(8)));
        let mixed = KeyFile { public_key: other.public_key, ..file.clone() };
        assert!(matches!(parse(&mixed.to_json().unwrap()), Err(KeyFileError::PublicKey { .. })));
        let mixed = KeyFile { address: other.address, ..file.clone() };
        assert!(matches!(parse(&mixed.to_json().unwrap()), Err(KeyFileError::Address { .. })));
        let mixed = KeyFile { owner: L1Owner::new([9; OWNER_BYTES]), ..file };
        assert!(matches!(parse(&mixed.to_json().unwrap()), Err(KeyFileError::Address { .. })));
        assert!(matches!(parse(b"{}"), Err(KeyFileError::Json(_))));
        let list = format!("[\"{}\"]", *KeyFile::from(&signer(7)).secret_key);
        assert!(matches!(parse(list.as_bytes()), Err(KeyFileError::Json(_))));
        assert!(matches!(parse(br#"{"secret_key":"00"}"#), Err(KeyFileError::Secret(_))));
    }

    /// See the test of [`SecretKey`].
    #[test]
    fn what_holds_the_secret_is_overwritten() {
        fn assert_zeroized<T: zeroize::ZeroizeOnDrop>(_: &T) {}
        let file = KeyFile::from(&signer(7));
        let KeyFile { secret_key, owner: _, public_key: _, address: _ } = &file;
        assert_zeroized(secret_key);
        assert_zeroized(&file.to_json().unwrap());
    }
}
