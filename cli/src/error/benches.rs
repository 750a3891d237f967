//! How the program ends with an error of a benchmark.

use enfold_benches::error::BenchError;

use crate::error::Failure;
use crate::exit::Exit;

impl Failure for BenchError {
    fn exit(&self) -> Exit {
        Exit::Internal
    }

    fn kind(&self) -> &'static str {
        "benchmark"
    }
}
