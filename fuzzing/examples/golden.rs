//! Writes the golden bytes of every kind of record to `fixtures/golden/records`.

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/golden/records");
    std::fs::create_dir_all(&folder)?;
    let write = |name: &str, binary: &[u8], json: &[u8]| {
        std::fs::write(folder.join(format!("{name}.bin")), binary)?;
        std::fs::write(folder.join(format!("{name}.json")), json)
    };
    let names =
        ["genesis", "block", "transaction", "data", "receipt", "account_proof", "contract_proof", "journal"];
    for name in names {
        let seeds = (enfold_fuzzing::target(name).seeds)();
        // Binary and JSON in turn; of several records the last, which has all optional parts.
        let [.., binary, json] = &seeds[..] else { return Err(format!("{name}: expected two forms").into()) };
        write(name, binary, json)?;
    }
    // But of a genesis the last has no contracts: that is the form of before there were any.
    let seeds = (enfold_fuzzing::target("genesis").seeds)();
    let [binary, json, ..] = &seeds[..] else { return Err("genesis: expected two forms".into()) };
    write("genesis_contracts", binary, json)?;
    Ok(())
}
