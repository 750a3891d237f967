//! A prototype of the node table of `docs/next.md`, row by row and without proofs: which rows are enough, and which
//! check each lie needs.

mod bus;
mod figures;
mod honest;
mod lies;
mod table;
