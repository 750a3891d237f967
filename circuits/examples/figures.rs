//! Writes the circuits' figures to `fixtures/figures`, where a test compares them.
//!
//! ```text
//! cargo run --release -p enfold-circuits --example figures
//! ```

use std::error::Error;
use std::path::Path;

use enfold_circuits::report::ProfileReport;
use enfold_state::profile::ProfileId;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/figures");
    std::fs::create_dir_all(&folder)?;
    for id in ProfileId::ALL {
        let report = ProfileReport::measure(id)?;
        std::fs::write(folder.join(format!("{id}.json")), serde_json::to_string_pretty(&report)? + "\n")?;
    }
    Ok(())
}
