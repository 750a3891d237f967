#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (enfold_fuzzing::target("contract_proof").run)(bytes));
