//! Every target on its seeds and on some thousand mutations of them: the part of fuzzing that fits into a test.
//! `ENFOLD_FUZZ_RUNS=N` multiplies the runs, `ENFOLD_FUZZ_SEED=N` takes other mutations.

use std::panic::{AssertUnwindSafe, catch_unwind};

use enfold_fuzzing::mutate::mutate;
use enfold_fuzzing::{TARGETS, Target, memory_bound};
use peak_alloc::PeakAlloc;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Runs a target and checks what it takes of memory.
fn run(target: Target, input: &[u8]) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    (target.run)(input);
    let (took, bound) =
        (MEMORY.peak_usage().saturating_sub(before), memory_bound(input.len()) + target.extra_memory);
    assert!(took <= bound, "{took} bytes of memory for {} bytes, expected at most {bound}", input.len());
}

/// One test for all: memory is counted for the whole process.
#[test]
fn targets_keep_their_properties() {
    let (factor, seed) = (setting("ENFOLD_FUZZ_RUNS", 1), setting("ENFOLD_FUZZ_SEED", 14));
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{}: no seeds", target.name);
        // The first run builds what the target needs.
        seeds.iter().for_each(|seed| (target.run)(seed));
        seeds.iter().for_each(|seed| run(target, seed));
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for number in 0..u64::from(target.runs) * factor {
            let base = &seeds[rng.gen_range(0..seeds.len())];
            let other = &seeds[rng.gen_range(0..seeds.len())];
            let input = mutate(&mut rng, base, other);
            if catch_unwind(AssertUnwindSafe(|| run(target, &input))).is_err() {
                let path = std::env::temp_dir().join(format!("enfold-{}-{number}", target.name));
                std::fs::write(&path, &input).expect("a temporary folder takes files");
                panic!("{}: run {number} fails; its input is in {}", target.name, path.display());
            }
        }
    }
}
