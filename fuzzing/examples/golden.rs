//! Writes the golden bytes of every kind of record to `fixtures/golden/records`.

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/golden/records");
    std::fs::create_dir_all(&folder)?;
    for name in ["genesis", "block", "transaction", "data", "receipt", "account_proof", "journal"] {
        let seeds = (enfold_fuzzing::target(name).seeds)();
        // Binary and JSON in turn; of several records the last, which has all optional parts.
        let [.., binary, json] = &seeds[..] else { return Err(format!("{name}: expected two forms").into()) };
        std::fs::write(folder.join(format!("{name}.bin")), binary)?;
        std::fs::write(folder.join(format!("{name}.json")), json)?;
    }
    Ok(())
}
