//! Runs every example. They are compiled into one test, so that the circuits are built only once.

#[path = "../prove_block.rs"]
mod prove_block;
#[path = "../receipt.rs"]
mod receipt;
#[path = "../verify_proof.rs"]
mod verify_proof;
#[path = "../watch_events.rs"]
mod watch_events;

use std::error::Error;
use std::path::Path;

type Main = fn() -> Result<(), Box<dyn Error>>;

const EXAMPLES: [(&str, Main); 4] = [
    ("prove_block", prove_block::main),
    ("receipt", receipt::main),
    ("verify_proof", verify_proof::main),
    ("watch_events", watch_events::main),
];

#[test]
fn examples_run() {
    for (name, main) in EXAMPLES {
        main().unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn every_example_is_run() {
    let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the folder is there");
    let names = files.map(|file| file.expect("an entry").file_name().into_string().expect("UTF-8"));
    let mut names: Vec<_> = names.filter_map(|name| Some(name.strip_suffix(".rs")?.to_owned())).collect();
    names.retain(|name| name != "lib");
    names.sort();
    assert_eq!(names, EXAMPLES.map(|(name, _)| name));
}
