//! Criterion benchmarks of enfold; see the targets beside this file, one for each layer.
