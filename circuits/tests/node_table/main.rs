//! A prototype of the node table, row by row and without proofs: whose rows are enough, and which
//! check each lie needs.

mod bus;
mod honest;
mod lies;
mod table;
