//! Searches proof parameters that have at least so many bits proven by a published theorem, and prints what they cost.
//!
//! ```text
//! cargo run --release -p enfold-circuits --example parameters -- 80
//! ```

use std::error::Error;
use std::io::Write;

use enfold_circuits::security::search::{Goal, table};

fn main() -> Result<(), Box<dyn Error>> {
    let goal = match std::env::args().nth(1) {
        None => Goal::PROVEN,
        Some(bits) => {
            Goal { bits: bits.parse().map_err(|_| format!("expected a number of bits, got {bits}"))? }
        }
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", table(goal))?;
    writeln!(out, "LogUp has {} bits up to 2^{:.1} messages a block.", goal.bits, goal.messages_log2())?;
    Ok(())
}
