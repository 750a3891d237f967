//! Transcripts of the command line. `TRYCMD=overwrite cargo test -p enfold-cli --test transcripts` writes them anew;
//! put `[..]` for times and the like afterwards.

#[test]
fn transcripts() {
    let cases = trycmd::TestCases::new();
    for name in
        ["CONFIG", "FORMAT", "THREADS", "LOG", "LOG_FORMAT", "DATA", "PROFILE", "IN_FLIGHT", "METRICS"]
    {
        // A variable of the caller's must not change them; an empty one would be an error.
        assert!(std::env::var_os(format!("ENFOLD_{name}")).is_none(), "ENFOLD_{name} is set");
    }
    cases.env("ENFOLD_CACHE", "").default_bin_name("enfold").case("tests/cmd/*.trycmd");
}
