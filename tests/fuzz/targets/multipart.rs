#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| hedgeschool_inputs::multipart(input));
