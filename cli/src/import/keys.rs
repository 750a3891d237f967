//! Keys for foreign addresses, derived from a seed.

use enfold_state::keys::SecretKey;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::rows::ForeignAddress;

/// Seed of the keys where none is named.
pub const DEFAULT_SEED: u64 = 1;

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The owner of a foreign address.
    Owner(ForeignAddress),
    /// The fee collector.
    Collector,
}

/// The key: the first that a ChaCha20 generator gives whose 32-byte key is the seed (8 bytes,
/// little-endian), a label (4 bytes) and the address (20 bytes).
pub fn derive(seed: u64, purpose: Purpose) -> SecretKey {
    let (label, address) = match purpose {
        Purpose::Owner(ForeignAddress(address)) => (*b"addr", address),
        Purpose::Collector => (*b"fees", [0; 20]),
    };
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..12].copy_from_slice(&label);
    key[12..].copy_from_slice(&address);
    SecretKey::random(&mut ChaCha20Rng::from_seed(key))
}
