//! Any bytes, split at a NUL into two policies: parse, canonical form, evaluate, compare, confirm the witnesses.
//!
//!     cargo +nightly fuzz run compare -- -dict=fuzz/policy.dict -max_len=6144 -timeout=60 -rss_limit_mb=1024
#![no_main]

#[path = "../../tests/common/hostile.rs"]
#[allow(dead_code)]
mod hostile;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let (old, new) = hostile::split_input(&text);
    hostile::exercise_pair(old, new);
});
