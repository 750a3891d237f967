//! What an x86-64 processor says that it can do.
//!
//! `is_x86_feature_detected!` would not do: it takes for granted what the program is compiled for.

use std::io::{self, Write};
use std::{env, process};

use raw_cpuid::CpuIdResult;
use raw_cpuid::native_cpuid::cpuid_count;
use x86_64::registers::xcontrol::XCr0;

use crate::exit::Exit;

/// Where the processor says that it has a feature.
#[derive(Clone, Copy)]
struct Bit {
    leaf: u32,
    subleaf: u32,
    register: fn(&CpuIdResult) -> u32,
    bit: u32,
    /// Registers that the system must save for it, bits of XCR0.
    state: u64,
}

const fn bit(leaf: u32, subleaf: u32, register: fn(&CpuIdResult) -> u32, bit: u32, state: u64) -> Bit {
    Bit { leaf, subleaf, register, bit, state }
}

const EAX: fn(&CpuIdResult) -> u32 = |result| result.eax;
const EBX: fn(&CpuIdResult) -> u32 = |result| result.ebx;
const ECX: fn(&CpuIdResult) -> u32 = |result| result.ecx;
const EDX: fn(&CpuIdResult) -> u32 = |result| result.edx;

/// Vectors of 16 and 32 bytes.
const YMM: u64 = 0b110;
/// Those, of 64 bytes, and masks.
const ZMM: u64 = 0b1110_0110;

/// Features by the compiler's names: Intel's manual, volume 2A, CPUID; AMD's, volume 3, appendix E.
const FEATURES: &[(&str, Bit)] = &[
    ("fxsr", bit(1, 0, EDX, 24, 0)),
    ("sse", bit(1, 0, EDX, 25, 0)),
    ("sse2", bit(1, 0, EDX, 26, 0)),
    ("sse3", bit(1, 0, ECX, 0, 0)),
    ("pclmulqdq", bit(1, 0, ECX, 1, 0)),
    ("ssse3", bit(1, 0, ECX, 9, 0)),
    ("fma", bit(1, 0, ECX, 12, YMM)),
    ("cmpxchg16b", bit(1, 0, ECX, 13, 0)),
    ("sse4.1", bit(1, 0, ECX, 19, 0)),
    ("sse4.2", bit(1, 0, ECX, 20, 0)),
    ("movbe", bit(1, 0, ECX, 22, 0)),
    ("popcnt", bit(1, 0, ECX, 23, 0)),
    ("aes", bit(1, 0, ECX, 25, 0)),
    ("xsave", bit(1, 0, ECX, 26, 0)),
    ("avx", bit(1, 0, ECX, 28, YMM)),
    ("f16c", bit(1, 0, ECX, 29, YMM)),
    ("rdrand", bit(1, 0, ECX, 30, 0)),
    ("bmi1", bit(7, 0, EBX, 3, 0)),
    ("avx2", bit(7, 0, EBX, 5, YMM)),
    ("bmi2", bit(7, 0, EBX, 8, 0)),
    ("avx512f", bit(7, 0, EBX, 16, ZMM)),
    ("avx512dq", bit(7, 0, EBX, 17, ZMM)),
    ("rdseed", bit(7, 0, EBX, 18, 0)),
    ("adx", bit(7, 0, EBX, 19, 0)),
    ("avx512ifma", bit(7, 0, EBX, 21, ZMM)),
    ("avx512cd", bit(7, 0, EBX, 28, ZMM)),
    ("sha", bit(7, 0, EBX, 29, 0)),
    ("avx512bw", bit(7, 0, EBX, 30, ZMM)),
    ("avx512vl", bit(7, 0, EBX, 31, ZMM)),
    ("avx512vbmi", bit(7, 0, ECX, 1, ZMM)),
    ("avx512vbmi2", bit(7, 0, ECX, 6, ZMM)),
    ("gfni", bit(7, 0, ECX, 8, 0)),
    ("vaes", bit(7, 0, ECX, 9, YMM)),
    ("vpclmulqdq", bit(7, 0, ECX, 10, YMM)),
    ("avx512vnni", bit(7, 0, ECX, 11, ZMM)),
    ("avx512bitalg", bit(7, 0, ECX, 12, ZMM)),
    ("avx512vpopcntdq", bit(7, 0, ECX, 14, ZMM)),
    ("kl", bit(7, 0, ECX, 23, 0)),
    ("avx512vp2intersect", bit(7, 0, EDX, 8, ZMM)),
    ("avx512fp16", bit(7, 0, EDX, 23, ZMM)),
    ("sha512", bit(7, 1, EAX, 0, YMM)),
    ("sm3", bit(7, 1, EAX, 1, YMM)),
    ("sm4", bit(7, 1, EAX, 2, YMM)),
    ("avxvnni", bit(7, 1, EAX, 4, YMM)),
    ("avx512bf16", bit(7, 1, EAX, 5, ZMM)),
    ("avxifma", bit(7, 1, EAX, 23, YMM)),
    ("avxvnniint8", bit(7, 1, EDX, 4, YMM)),
    ("avxneconvert", bit(7, 1, EDX, 5, YMM)),
    ("avxvnniint16", bit(7, 1, EDX, 10, YMM)),
    ("xsaveopt", bit(0xd, 1, EAX, 0, 0)),
    ("xsavec", bit(0xd, 1, EAX, 1, 0)),
    ("xsaves", bit(0xd, 1, EAX, 3, 0)),
    ("widekl", bit(0x19, 0, EBX, 2, 0)),
    ("lzcnt", bit(0x8000_0001, 0, ECX, 5, 0)),
    ("sse4a", bit(0x8000_0001, 0, ECX, 6, 0)),
    ("tbm", bit(0x8000_0001, 0, ECX, 21, 0)),
];

impl Bit {
    fn is_set(self) -> bool {
        let last = cpuid_count(self.leaf & 0x8000_0000, 0).eax;
        // The first part of leaf 7 says how many there are.
        let parted = self.leaf != 7 || self.subleaf <= cpuid_count(7, 0).eax;
        // A leaf that is not there would read as another.
        self.leaf <= last
            && parted
            && (self.register)(&cpuid_count(self.leaf, self.subleaf)) >> self.bit & 1 == 1
            && (self.state == 0 || saved() & self.state == self.state)
    }
}

/// The bit of leaf 1, ECX, that says that the system saves more than the oldest registers.
const OSXSAVE: u32 = 1 << 27;

/// The registers that the system saves: XCR0.
fn saved() -> u64 {
    if cpuid_count(1, 0).ecx & OSXSAVE == 0 { 0 } else { XCr0::read_raw() }
}

/// Whether the processor has a feature, by the compiler's name; `None` if it is not known where it says so.
fn has(name: &str) -> Option<bool> {
    FEATURES.iter().find(|(known, _)| *known == name).map(|(_, bit)| bit.is_set())
}

/// Whether the processor has all features of a list, comma between.
pub fn has_all(features: &str) -> bool {
    features.split(',').all(|feature| has(feature) == Some(true))
}

/// Ends the program if the processor lacks what it is compiled for.
///
/// That has to be found by code which may itself be compiled with what is missing. So first come those features that the
/// compiler uses everywhere, in the plainest code there is; what comes after them may use them.
pub fn check() {
    if !has_basics() {
        let _ = io::stderr().write_all(REFUSAL.as_bytes());
        process::exit(Exit::Internal as i32);
    }
    check_all();
}

/// What is said where the processor lacks something, and as JSON. Both are texts of the compiler: code that puts texts
/// together may itself need what is missing.
macro_rules! refusal {
    ($start:literal, $end:literal) => {
        concat!(
            $start,
            "expected a processor with ",
            env!("BUILD_TARGET_FEATURES"),
            ", which this build was compiled for, got one without some of them; build enfold on this machine, or use a \
             released program, which runs on all",
            $end
        )
    };
}
const REFUSAL: &str = refusal!("error: ", "\n");
const REFUSAL_JSON: &str = refusal!(
    "{\"command\":null,\"error\":{\"exit_code\":4,\"kind\":\"processor\",\"message\":\"",
    "\"},\"ok\":false}\n"
);

/// Whether the processor has AVX, AVX2, BMI1 and BMI2, as far as the program is compiled for them.
#[inline(never)]
fn has_basics() -> bool {
    const AVX: u32 = 1 << 28;
    const PARTS: u32 = (cfg!(target_feature = "bmi1") as u32) << 3
        | (cfg!(target_feature = "avx2") as u32) << 5
        | (cfg!(target_feature = "bmi2") as u32) << 8;
    if !cfg!(target_feature = "avx") {
        return true;
    }
    // Several bits at a time, and one return after the other: for a single bit as a value there is an instruction of BMI1.
    if cpuid_count(1, 0).ecx & (AVX | OSXSAVE) != AVX | OSXSAVE || XCr0::read_raw() & YMM != YMM {
        return false;
    }
    if PARTS == 0 {
        return true;
    }
    cpuid_count(0, 0).eax >= 7 && cpuid_count(7, 0).ebx & PARTS == PARTS
}

#[inline(never)]
fn check_all() {
    let missing = || env!("BUILD_TARGET_FEATURES").split(',').filter(|name| has(name) == Some(false));
    if missing().next().is_none() {
        return;
    }
    let _ = io::stderr().write_all(REFUSAL.as_bytes());
    if wants_json() {
        let _ = io::stdout().write_all(REFUSAL_JSON.as_bytes());
    }
    process::exit(Exit::Internal as i32);
}

/// Whether the command line asks for JSON.
fn wants_json() -> bool {
    let mut format = false;
    env::args_os().any(|argument| {
        let word = argument.as_encoded_bytes();
        let json = word == b"--format=json" || (format && word == b"json");
        format = word == b"--format";
        json
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The standard library's word, where it is not the compiler's.
    macro_rules! assert_as_detected {
        ($($name:tt)*) => {
            $(assert_eq!(has($name), Some(is_x86_feature_detected!($name)), $name);)*
        };
    }

    #[test]
    fn features_are_those_that_the_standard_library_finds() {
        assert_as_detected!(
            "fxsr" "sse" "sse2" "sse3" "pclmulqdq" "ssse3" "fma" "cmpxchg16b" "sse4.1" "sse4.2" "movbe"
            "popcnt" "aes" "xsave" "avx" "f16c" "rdrand" "bmi1" "avx2" "bmi2" "avx512f" "avx512dq" "rdseed"
            "adx" "avx512ifma" "avx512cd" "sha" "avx512bw" "avx512vl" "avx512vbmi" "avx512vbmi2" "gfni" "vaes"
            "vpclmulqdq" "avx512vnni" "avx512bitalg" "avx512vpopcntdq" "kl" "avx512vp2intersect" "avx512fp16"
            "sha512" "sm3" "sm4" "avxvnni" "avx512bf16" "avxifma" "avxvnniint8" "avxneconvert" "avxvnniint16"
            "xsaveopt" "xsavec" "xsaves" "widekl" "lzcnt" "sse4a" "tbm"
        );
    }

    #[test]
    fn every_feature_of_this_build_can_be_checked() {
        for name in env!("BUILD_TARGET_FEATURES").split(',') {
            assert_eq!(has(name), Some(true), "{name}");
        }
        assert!(has_all("sse,sse2") && !has_all("sse,unheard-of"));
    }

    #[test]
    fn the_refusal_is_one_line_in_either_form() {
        assert!(REFUSAL.starts_with("error: expected a processor with ") && REFUSAL.lines().count() == 1);
        let json: serde_json::Value = serde_json::from_str(REFUSAL_JSON).unwrap();
        assert_eq!(json["error"]["kind"], "processor");
    }
}
