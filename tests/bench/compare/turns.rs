//! Whose turn it is.

use anyhow::{Context, Result};

/// What the sides are called when one fails.
const NAMES: [&str; 3] = ["today's build", "the other build", "nginx"];

/// Measures every side in each of so many rounds: in their order, the next time in the opposite
/// one, since the first may find the machine in another state than the last. Answers what was
/// taken, by sides.
pub fn in_turns<S, T, const SIDES: usize>(
    rounds: u32,
    sides: &mut [S; SIDES],
    mut measure: impl FnMut(&mut S) -> Result<T>,
) -> Result<[Vec<T>; SIDES]> {
    let mut taken = [const { Vec::new() }; SIDES];
    for round in 0..rounds {
        let mut turns: Vec<_> = sides.iter_mut().zip(&mut taken).zip(NAMES).collect();
        if !round.is_multiple_of(2) {
            turns.reverse();
        }
        for ((side, taken), name) in turns {
            taken.push(measure(side).with_context(|| format!("{name}, round {}", round + 1))?);
        }
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_first_every_other_time() {
        let mut turns = String::new();
        let taken = in_turns(3, &mut ['a', 'b', 'c'], |side| {
            turns.push(*side);
            Ok(turns.len())
        });
        assert_eq!(taken.unwrap(), [vec![1, 6, 7], vec![2, 5, 8], vec![3, 4, 9]]);
        assert_eq!(turns, "abccbaabc");
    }

    #[test]
    fn a_failure_says_whose_it_is() {
        let error = in_turns(1, &mut [1, 0], |side| 1_i32.checked_div(*side).context("no"));
        assert_eq!(format!("{:#}", error.unwrap_err()), "the other build, round 1: no");
    }
}
