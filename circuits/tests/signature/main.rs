//! Signatures in circuits: the gates on rows that are filled natively, and the gadget in a circuit.

mod curve_gate;
mod forgery;
mod gadget;
mod signature_gate;
mod support;
