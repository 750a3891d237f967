//! Files that are no records: set-ups of circuits, calibrations, keys.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use enfold_circuits::backend::Backend;
use enfold_circuits::config::{Builder, EnfoldConfig, VerifierOnlyCircuitData};
use enfold_circuits::params::{Params, stock};
use enfold_fixtures::accounts::signer;
use enfold_prover::calibration::Calibration;
use enfold_prover::plonk::{CircuitCache, Kernels};
use enfold_state::key_file::{self, KeyFile};
use enfold_state::owner::L1Owner;
use enfold_state::profile::ProfileId;
use enfold_state::signer::Signer;
use enfold_verifier::verify::VerifierKey;
use tempfile::TempDir;

use crate::check_error;

/// A small circuit.
fn circuit() -> Builder {
    let mut builder = Builder::new(stock(&Params::of(ProfileId::Test).recursion));
    for _ in 0..4 {
        let input = builder.add_virtual_target();
        let square = builder.mul(input, input);
        builder.register_public_input(square);
    }
    builder
}

/// A folder with the set-up of [`circuit`].
struct Cache {
    folder: TempDir,
    file: PathBuf,
    bytes: Vec<u8>,
    key: VerifierOnlyCircuitData,
}

static CACHE: LazyLock<Cache> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    Kernels::with_cache(CircuitCache::new(folder.path())).build(circuit()).expect("the circuit is provable");
    let mut files = fs::read_dir(folder.path()).expect("a folder");
    let file = files.next().expect("the set-up is kept").expect("an entry").path();
    let bytes = fs::read(&file).expect("the set-up is there");
    let key = circuit().build::<EnfoldConfig>().verifier_only;
    Cache { folder, file, bytes, key }
});

pub fn cache_seeds() -> Vec<Vec<u8>> {
    vec![CACHE.bytes.clone()]
}

/// A set-up is loaded only as it was kept; whatever stands in its file, the circuit comes out right.
pub fn cache(bytes: &[u8]) {
    fs::write(&CACHE.file, bytes).expect("a temporary folder takes files");
    let kernels = Kernels::with_cache(CircuitCache::new(CACHE.folder.path()));
    let built = kernels.build(circuit()).expect("the circuit is provable");
    assert_eq!(
        kernels.loaded() == 1,
        bytes == CACHE.bytes,
        "a damaged set-up is loaded, or a whole one is not"
    );
    assert_eq!(built.data.verifier_only, CACHE.key);
}

pub fn calibration_seeds() -> Vec<Vec<u8>> {
    let calibration = Calibration {
        version: 2,
        profile: ProfileId::Test,
        key: VerifierKey::pinned(ProfileId::Test).digest(),
        cores: 2,
        in_flight: 1,
        circuits_s: 1.5,
        transaction_s: 0.001,
        batch_s: 0.4,
        lift_s: 0.5,
        fold_s: 0.5,
        block_s: 0.25,
        base_bytes: 100 << 20,
    };
    vec![serde_json::to_vec_pretty(&calibration).expect("a calibration has a JSON form")]
}

/// A calibration is read from its file.
pub fn calibration(bytes: &[u8]) {
    static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a temporary folder"));
    let path = FOLDER.path().join("calibration.json");
    fs::write(&path, bytes).expect("a temporary folder takes files");
    match Calibration::read(&path, ProfileId::Test) {
        Ok(calibration) => {
            let again = serde_json::to_vec(&calibration).expect("a calibration has a JSON form");
            fs::write(&path, again).expect("a temporary folder takes files");
            assert_eq!(Calibration::read(&path, ProfileId::Test).expect("its own form"), calibration);
        }
        Err(error) => check_error(&error),
    }
}

pub fn key_seeds() -> Vec<Vec<u8>> {
    let signer = signer(1, 1);
    assert!(!signer.owner.is_none());
    let file = KeyFile::from(&signer);
    let bare = KeyFile { public_key: None, address: None, ..file.clone() };
    let without_owner = KeyFile::from(&Signer { owner: L1Owner::NONE, ..signer });
    [file, bare, without_owner].map(|file| file.to_json().expect("a key has a JSON form").to_vec()).into()
}

/// A key file is read; what is accepted is written as a file of the same key and owner.
pub fn key(bytes: &[u8]) {
    match key_file::parse(bytes) {
        Ok(signer) => {
            let again = KeyFile::from(&signer).to_json().expect("a key has a JSON form");
            let again = key_file::parse(&again).expect("its own form");
            assert_eq!((again.key.to_bytes(), again.owner), (signer.key.to_bytes(), signer.owner));
        }
        Err(error) => check_error(&error),
    }
}
