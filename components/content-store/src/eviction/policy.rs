//! How much is given up when space is short, and how much comes back.

/// Once something is given up, so much of what is allowed is left in use: what comes back soon
/// would not be worth having gone.
const LOW: (u64, u64) = (7, 8);

/// A package that is to arrive.
#[derive(Clone, Copy, Debug)]
pub struct NextArrival {
    /// Bytes of it that are not here.
    pub missing: u64,
    /// Bytes of packages that could be given up, since the node above has them.
    pub dispensable: u64,
}

/// How many bytes are left in use once something is given up, of those that are allowed.
pub fn low_water(high: u64) -> u64 {
    high / LOW.1 * LOW.0
}

/// How many bytes may stay in use, of `high` that are allowed and `live` that there are: past the
/// limit, less than is allowed; before it, so much less that the next package fits, if giving up
/// others can make room for it.
pub fn bytes_to_keep(high: u64, live: u64, next: Option<NextArrival>) -> u64 {
    if live > high {
        return low_water(high);
    }
    let Some(NextArrival { missing, dispensable }) = next else { return high };
    let fits = live.saturating_sub(dispensable).saturating_add(missing) <= high;
    if fits { high.saturating_sub(missing) } else { high }
}

/// How many bytes may come back that were given up.
pub fn spare_bytes(low: u64, live: u64) -> u64 {
    low.saturating_sub(live)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn next(missing: u64, dispensable: u64) -> Option<NextArrival> {
        Some(NextArrival { missing, dispensable })
    }

    #[test]
    fn past_the_limit_an_eighth_of_it_is_made_free() {
        assert_eq!(bytes_to_keep(800, 801, None), 700);
        assert_eq!(bytes_to_keep(800, 801, next(10, 0)), 700);
        assert_eq!(bytes_to_keep(800, 800, None), 800);
    }

    #[test]
    fn the_next_package_gets_the_place_that_it_needs_or_none() {
        assert_eq!(bytes_to_keep(800, 700, next(100, 0)), 700);
        assert_eq!(bytes_to_keep(800, 700, next(300, 200)), 500);
        // In vain: others are not given up for it.
        assert_eq!(bytes_to_keep(800, 700, next(301, 200)), 800);
    }

    proptest! {
        #[test]
        fn what_may_stay_is_never_more_than_is_allowed(
            high: u64, live: u64, missing: u64, dispensable: u64,
        ) {
            prop_assert!(bytes_to_keep(high, live, next(missing, dispensable)) <= high);
            prop_assert!(bytes_to_keep(high, live, None) <= high);
        }

        #[test]
        fn whatever_is_given_up_for_a_package_makes_it_fit(
            high in 0..1_000_u64, live in 0..1_000_u64, missing in 0..1_000_u64,
            dispensable in 0..1_000_u64,
        ) {
            let keep = bytes_to_keep(high, live, next(missing, dispensable));
            if live <= high && keep < high {
                prop_assert!(keep + missing <= high);
                prop_assert!(live.saturating_sub(dispensable) <= keep, "it cannot be reached");
            }
        }

        #[test]
        fn what_comes_back_does_not_go_again(high: u64, live: u64, taken: u64) {
            let low = low_water(high);
            let taken = taken.min(spare_bytes(low, live));
            let live = live.min(low) + taken;
            prop_assert_eq!(bytes_to_keep(high, live, None), high);
        }
    }
}
