//! Measurements of proof throughput: sweeps over cores, block and batch sizes, workloads by ways of batching, and
//! plots of the results. The criterion benchmarks of single operations are in `benches/benches`.

pub mod batch_size;
pub mod error;
pub mod fit;
pub mod plot;
pub mod results;
pub mod sweep;
pub mod workload;
