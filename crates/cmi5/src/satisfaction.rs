//! When blocks and the course are satisfied (9.3.9): when all that is in them is.

/// Which blocks are satisfied, by their positions, those inside before those around them; and
/// whether the course is.
///
/// `parents`: the block that each block stands in, which comes before it. `units`: for each unit
/// the block that it stands in, and whether it is done.
pub fn find_satisfied(
    parents: &[Option<usize>],
    units: impl IntoIterator<Item = (Option<usize>, bool)>,
) -> (Vec<usize>, bool) {
    let mut is_open = vec![false; parents.len()];
    let mut whole = true;
    for (block, _) in units.into_iter().filter(|(_, is_done)| !is_done) {
        whole = false;
        let mut around = block;
        while let Some(position) = around {
            match is_open.get_mut(position) {
                Some(open) if !*open => *open = true,
                // The rest is known.
                _ => break,
            }
            around = parents.get(position).copied().flatten();
        }
    }
    let done = is_open.iter().enumerate().rev().filter(|(_, is_open)| !**is_open);
    (done.map(|(position, _)| position).collect(), whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_waits_for_all_that_is_in_it() {
        // 0 [ 1 [ a ] b ], 2 [ c ], d
        let parents = [None, Some(0), None];
        let units = |done: [bool; 4]| [Some(1), Some(0), Some(2), None].into_iter().zip(done);
        assert_eq!(find_satisfied(&parents, units([false; 4])), (vec![], false));
        assert_eq!(
            find_satisfied(&parents, units([true, false, true, false])),
            (vec![2, 1], false)
        );
        assert_eq!(
            find_satisfied(&parents, units([true, true, true, false])),
            (vec![2, 1, 0], false)
        );
        assert_eq!(find_satisfied(&parents, units([true; 4])), (vec![2, 1, 0], true));
    }
}
