//! The pool: its law, its answers, its creation, and what is served in a block.

mod attacks;
mod cases;
mod clearing;
mod creation;
mod law;
mod lies;
mod probe;
mod random;
mod settling;
