//! Parts of circuits, each named as its native twin. A gadget's documentation says what it constrains and
//! what it leaves to its caller.

pub mod chain;
pub mod counts;
pub mod hash;
pub mod leaf;
pub mod logup;
pub mod merkle;
pub mod message;
pub mod op;
pub mod range;
pub mod schnorr;
pub mod select;
