//! Signatures in circuits: the gates on rows that are filled natively, and the gadget in a circuit.

mod curve_gate;
mod forged;
mod forgery;
mod gadget;
#[path = "../removal/record.rs"]
mod record;
mod signature_gate;
mod support;
