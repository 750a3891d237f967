//! Keys, addresses and Schnorr signatures over EcGFp5.

use serde::{Deserialize, Serialize};

/// A public key: the encoding `w` of a group element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PublicKey(pub [u64; 5]);

/// A signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Signature(pub [u64; 10]);

/// The key that signs padding legs. Its secret is published, so its address must hold nothing.
pub fn padding_key() {}
