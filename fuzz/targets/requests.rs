//! cargo-fuzz's program for [`pillion_fuzz::requests`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| pillion_fuzz::requests(input));
