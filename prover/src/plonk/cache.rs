//! Circuit set-ups on disk.
//!
//! Hashing the tree over a circuit's constants and sigmas takes a good part of a set-up's time. A file keeps the
//! tree's digests. It is named by a hash of what the tree, and with it the circuit's digest, is a function of, the
//! polynomials and the commitment's parameters, and of the program's version. So a circuit that has changed has
//! another file.
//!
//! | bytes | |
//! |---|---|
//! | 16 | `enfold circuit 1` |
//! | 32 | the key, which is also the file's name |
//! | 32 | BLAKE3 of the 48 bytes before and of all digests |
//! | 32 each | digests, four little-endian canonical elements each, level by level from the leaves to the cap |
//!
//! The cache is the operator's own, but a file in it may be damaged or somebody else's. Nothing is parsed before
//! length, name and hash are right; what is not right is built anew and replaced.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use enfold_circuits::config::{CommonCircuitData, F};
use enfold_state::hash::DIGEST_LEN;
use p3_field::{PrimeCharacteristicRing, PrimeField64 as _};
use plonky2::field::polynomial::PolynomialCoeffs;
use plonky2::field::types::{Field64, PrimeField64};
use rayon::prelude::*;
use tracing::{debug, warn};

use super::field::G;
use super::merkle::{Digest, Tree};
use crate::files::{FileError, Staged};

const MAGIC: &[u8; 16] = b"enfold circuit 1";
const KEY_LEN: usize = blake3::OUT_LEN;
const HEADER_LEN: usize = MAGIC.len() + KEY_LEN + blake3::OUT_LEN;
const DIGEST_BYTES: usize = 8 * DIGEST_LEN;

/// A folder with set-ups of circuits.
#[derive(Debug)]
pub struct CircuitCache {
    folder: PathBuf,
    /// Whether files are read; if not, they are only written.
    read: bool,
    loaded: AtomicUsize,
}

/// A file is not the set-up that its name says.
#[derive(Debug, thiserror::Error)]
enum Damage {
    #[error("expected {expected} bytes, got {got}")]
    Length { expected: u64, got: u64 },
    #[error("not a set-up of this circuit")]
    Foreign,
    #[error("its hash does not match its contents")]
    Hash,
    #[error("an element is not below the field's order")]
    Element,
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// What a tree is a function of, hashed, and the tree's shape.
#[derive(Clone, Debug)]
pub(super) struct Key {
    hash: blake3::Hash,
    /// log2 of the leaves, and of the cap.
    bits: [usize; 2],
}

impl Key {
    pub(super) fn new(common: &CommonCircuitData, polynomials: &[PolynomialCoeffs<F>]) -> Self {
        let fri = &common.config.fri_config;
        let bits = [common.degree_bits() + fri.rate_bits, fri.cap_height];
        let mut hasher = blake3::Hasher::new();
        hasher.update(MAGIC).update(env!("CARGO_PKG_VERSION").as_bytes()).update(&[0]);
        for number in [common.degree_bits(), fri.rate_bits, fri.cap_height, polynomials.len()] {
            hasher.update(&(number as u64).to_le_bytes());
        }
        let bytes = |polynomial: &PolynomialCoeffs<F>| -> Vec<u8> {
            polynomial.coeffs.iter().flat_map(|c| c.to_canonical_u64().to_le_bytes()).collect()
        };
        let columns: Vec<blake3::Hash> =
            polynomials.par_iter().map(|polynomial| blake3::hash(&bytes(polynomial))).collect();
        columns.iter().for_each(|column| {
            hasher.update(column.as_bytes());
        });
        Self { hash: hasher.finalize(), bits }
    }

    /// Numbers of digests, from the leaves to the cap.
    fn levels(&self) -> impl Iterator<Item = usize> {
        let [leaves, cap] = self.bits;
        (cap..=leaves).rev().map(|bits| 1 << bits)
    }

    fn file_len(&self) -> usize {
        HEADER_LEN + DIGEST_BYTES * self.levels().sum::<usize>()
    }
}

impl CircuitCache {
    /// A cache in a folder, which is made when there is something to be kept.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), read: true, loaded: AtomicUsize::new(0) }
    }

    /// The same folder, but nothing in it is used, and everything is written anew.
    #[must_use]
    pub fn renewed(&self) -> Self {
        Self { folder: self.folder.clone(), read: false, loaded: AtomicUsize::new(0) }
    }

    /// Set-ups that were loaded.
    pub fn loaded(&self) -> usize {
        self.loaded.load(Ordering::Relaxed)
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.folder.join(format!("{}.circuit", key.hash.to_hex()))
    }

    /// The tree of this key, if it is there and whole.
    pub(super) fn load(&self, key: &Key) -> Option<Tree> {
        if !self.read {
            return None;
        }
        let path = self.path(key);
        match read(&path, key) {
            Ok(tree) => {
                debug!("set-up of a circuit loaded from {}", path.display());
                self.loaded.fetch_add(1, Ordering::Relaxed);
                Some(tree)
            }
            Err(Damage::Io(error)) if error.kind() == io::ErrorKind::NotFound => None,
            Err(damage) => {
                warn!("{}: {damage}; the circuit is built anew", path.display());
                None
            }
        }
    }

    /// Keeps a tree. A cache that cannot be written to is no reason not to prove.
    pub(super) fn save(&self, key: &Key, tree: &Tree) {
        let path = self.path(key);
        if let Err(error) = self.write(&path, key, tree) {
            warn!("{error}; the circuit's set-up is not kept");
        }
    }

    fn write(&self, path: &Path, key: &Key, tree: &Tree) -> Result<(), FileError> {
        let failed = |source| FileError::Io { path: self.folder.clone(), source };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let mut bytes = Vec::with_capacity(key.file_len());
        bytes.extend(MAGIC);
        bytes.extend(key.hash.as_bytes());
        bytes.extend([0; blake3::OUT_LEN]);
        let elements = tree.levels().iter().flatten().flatten();
        elements.for_each(|element| bytes.extend(element.as_canonical_u64().to_le_bytes()));
        let hash = hash(&bytes);
        bytes[MAGIC.len() + KEY_LEN..HEADER_LEN].copy_from_slice(hash.as_bytes());
        Staged::write(path, &bytes)?.publish(true)
    }
}

/// The hash of a file but for the place where it stands.
fn hash(file: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&file[..MAGIC.len() + KEY_LEN]).update(&file[HEADER_LEN..]);
    hasher.finalize()
}

fn read(path: &Path, key: &Key) -> Result<Tree, Damage> {
    let file = File::open(path)?;
    let (expected, got) = (key.file_len() as u64, file.metadata()?.len());
    if got != expected {
        return Err(Damage::Length { expected, got });
    }
    let mut bytes = Vec::with_capacity(key.file_len());
    file.take(expected).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != expected {
        return Err(Damage::Length { expected, got: bytes.len() as u64 });
    }
    let (magic, rest) = bytes.split_at(MAGIC.len());
    let (name, rest) = rest.split_at(KEY_LEN);
    if magic != MAGIC || name != key.hash.as_bytes() {
        return Err(Damage::Foreign);
    }
    let (said, digests) = rest.split_at(blake3::OUT_LEN);
    // A comparison in constant time; nothing here is secret, but it is the hash's own.
    if hash(&bytes) != blake3::Hash::from_slice(said).map_err(|_| Damage::Hash)? {
        return Err(Damage::Hash);
    }
    let mut digests = digests.as_chunks::<DIGEST_BYTES>().0;
    let mut levels = Vec::new();
    for length in key.levels() {
        let (level, rest) = digests.split_at(length);
        digests = rest;
        levels.push(
            level
                .par_iter()
                .with_min_len(1 << 10)
                .map(digest)
                .collect::<Option<_>>()
                .ok_or(Damage::Element)?,
        );
    }
    Ok(Tree::from_levels(levels))
}

fn digest(bytes: &[u8; DIGEST_BYTES]) -> Option<Digest> {
    let mut digest = [G::ZERO; DIGEST_LEN];
    for (element, bytes) in digest.iter_mut().zip(bytes.as_chunks::<8>().0) {
        let number = u64::from_le_bytes(*bytes);
        if number >= F::ORDER {
            return None;
        }
        *element = G::new(number);
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use enfold_circuits::backend::{Backend, Built};
    use enfold_circuits::config::{Builder, EnfoldConfig};
    use enfold_circuits::params::{Params, stock};
    use enfold_state::profile::ProfileId;
    use plonky2::iop::witness::PartialWitness;

    use super::*;
    use crate::plonk::Kernels;

    /// A circuit with as many constants.
    fn circuit(constants: u32) -> Builder {
        let mut builder = Builder::new(stock(&Params::of(ProfileId::Test).recursion));
        for constant in 0..constants {
            let constant = builder.constant(plonky2::field::types::Field::from_canonical_u32(constant + 7));
            builder.register_public_input(constant);
        }
        builder
    }

    /// Builds with the cache in a folder. The circuit is always plonky2's; gives the number of set-ups loaded.
    fn build(folder: &Path, constants: u32) -> usize {
        let stock = circuit(constants).build::<EnfoldConfig>();
        let kernels = Kernels::with_cache(CircuitCache::new(folder));
        let Built { data, prover } = kernels.build(circuit(constants)).unwrap();
        assert_eq!((&data.common, &data.verifier_only), (&stock.common, &stock.verifier_only));
        stock.verify(prover.prove(&data, PartialWitness::new()).unwrap()).unwrap();
        kernels.loaded()
    }

    fn only_file(folder: &Path) -> PathBuf {
        let files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        files.into_iter().next().unwrap()
    }

    #[test]
    fn second_builds_load() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("made/when/needed");
        assert_eq!(build(&folder, 5), 0);
        assert_eq!(build(&folder, 5), 1);
        assert_eq!(build(&folder, 6), 0, "another circuit has another file");
        assert_eq!((build(&folder, 5), build(&folder, 6)), (1, 1));
    }

    /// The same circuit at another rate has another tree, and another file.
    #[test]
    fn rates_have_files_of_their_own() {
        let dir = tempfile::tempdir().unwrap();
        let build = |rate_bits: usize| {
            let mut builder = circuit(5);
            builder.config.fri_config.rate_bits = rate_bits;
            builder.config.security_bits = 0;
            let kernels = Kernels::with_cache(CircuitCache::new(dir.path()));
            let Built { data, prover } = kernels.build(builder).unwrap();
            data.verify(prover.prove(&data, PartialWitness::new()).unwrap()).unwrap();
            (kernels.loaded(), data.verifier_only)
        };
        let built = [1, 2, 3].map(build);
        let again = [1, 2, 3].map(build);
        for ((first, second), files) in built.iter().zip(&again).zip(1..) {
            assert_eq!((first.0, second.0), (0, 1), "rate {files}");
            assert_eq!(first.1, second.1, "rate {files}");
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
    }

    #[test]
    fn damaged_files_are_noticed_and_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path();
        build(folder, 5);
        let path = only_file(folder);
        let whole = fs::read(&path).unwrap();
        let mut damaged: Vec<Vec<u8>> = Vec::new();
        // Every part of the header, the first and the last digest.
        for place in [0, 15, 16, 47, 48, 79, 80, 111, whole.len() / 2, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[place] ^= 1;
            damaged.push(bytes);
        }
        for length in [0, 1, HEADER_LEN, whole.len() - 1] {
            damaged.push(whole[..length].to_vec());
        }
        damaged.push([&whole[..], &[0]].concat());
        // A right hash over an element that is none.
        let mut bytes = whole.clone();
        bytes[HEADER_LEN..HEADER_LEN + 8].fill(0xff);
        let hash = hash(&bytes);
        bytes[HEADER_LEN - blake3::OUT_LEN..HEADER_LEN].copy_from_slice(hash.as_bytes());
        damaged.push(bytes);
        for (case, bytes) in damaged.into_iter().enumerate() {
            fs::write(&path, bytes).unwrap();
            assert_eq!(build(folder, 5), 0, "case {case}");
            assert!(fs::read(&path).unwrap() == whole, "case {case}");
        }
        assert_eq!(build(folder, 5), 1);
    }

    #[test]
    fn foreign_files_are_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let [ours, theirs] = ["ours", "theirs"].map(|name| dir.path().join(name));
        build(&ours, 5);
        build(&theirs, 6);
        let path = only_file(&ours);
        let whole = fs::read(&path).unwrap();
        fs::copy(only_file(&theirs), &path).unwrap();
        assert_eq!(build(&ours, 5), 0);
        assert!(fs::read(&path).unwrap() == whole);
    }

    #[test]
    fn circuits_are_built_where_nothing_can_be_kept() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, b"").unwrap();
        assert_eq!(build(&file.join("folder"), 5), 0);
        // A folder in the place of a file.
        let folder = dir.path().join("folder");
        build(&folder, 5);
        let path = only_file(&folder);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(build(&folder, 5), 0);
    }

    #[test]
    fn renewed_caches_do_not_read() {
        let dir = tempfile::tempdir().unwrap();
        build(dir.path(), 5);
        let kernels = Kernels::with_cache(CircuitCache::new(dir.path()).renewed());
        kernels.build(circuit(5)).unwrap();
        assert_eq!(kernels.loaded(), 0);
    }
}
