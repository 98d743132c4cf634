//! Changed copies of an input, the same ones in every run.

/// A small deterministic source of chance.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// A source that always gives the same numbers for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound.max(1) as u64).unwrap()
    }
}

/// Bytes that mean something to more than one format: ends of varints, lengths, tags, quotes, brackets.
const TELLING: [u8; 24] = [
    0, 1, 2, 5, 0x0a, 0x0b, 0x0d, 0x12, 0x1a, 0x22, 0x4a, 0x5b, 0x5c, 0x5d, 0x7b, 0x7d, 0x7f, 0x80, 0x81,
    0xc0, 0xed, 0xfe, 0xff, b'-',
];
const LENGTH_MAX: usize = 64 * 1024;

/// Makes one to four changes; `other` is an input of the same kind.
pub fn mutate(bytes: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..=chance.below(4) {
        change(&mut out, other, chance);
    }
    out.truncate(LENGTH_MAX);
    out
}

fn change(out: &mut Vec<u8>, other: &[u8], chance: &mut Chance) {
    let at = chance.below(out.len());
    let end = (at + 1 + chance.below(32)).min(out.len());
    match chance.below(8) {
        _ if out.is_empty() => out.extend_from_slice(other),
        0 => out[at] ^= 1 << chance.below(8),
        1 => out[at] = TELLING[chance.below(TELLING.len())],
        2 => out.insert(at, TELLING[chance.below(TELLING.len())]),
        3 => {
            out.drain(at..end);
        }
        4 => out.truncate(at),
        5 => {
            let copy = out[at..end].to_vec();
            let to = chance.below(out.len());
            out.splice(to..to, copy);
        }
        6 => {
            let from = chance.below(other.len());
            out.truncate(at);
            out.extend_from_slice(&other[from..]);
        }
        _ => out[at..end].reverse(),
    }
}
