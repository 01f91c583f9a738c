/// Fresh random bytes, fit for secrets.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    for chunk in bytes.chunks_mut(8) {
        let random = spin_sdk::wasip3::random::random::get_random_u64().to_le_bytes();
        chunk.iter_mut().zip(random).for_each(|(byte, fresh)| *byte = fresh);
    }
    bytes
}
