//! cargo-fuzz's program for [`pillion_fuzz::streams`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| pillion_fuzz::streams(input));
