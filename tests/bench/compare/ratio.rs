//! How much better one of two sides is.

use std::time::Duration;

use crate::report::milliseconds;

/// What a figure is, which says which of two is the better one.
#[derive(Clone, Copy)]
pub enum Figure {
    /// Things a second: the more, the better.
    Rate,
    /// Seconds: the fewer, the better.
    Time,
    /// Bytes: the fewer, the better.
    Memory,
}

impl Figure {
    /// The figure with its unit.
    pub fn shown(self, value: f64) -> String {
        match self {
            Self::Rate => format!("{value:.0}/s"),
            Self::Time if value < 1e-3 => format!("{:.0} µs", value * 1e6),
            Self::Time if value < 1.0 => milliseconds(Duration::from_secs_f64(value)),
            Self::Time => format!("{value:.2} s"),
            Self::Memory => format!("{:.1} MiB", value / f64::from(1 << 20)),
        }
    }

    /// How many times better one is than the other.
    fn ratio(self, one: f64, other: f64) -> f64 {
        match self {
            Self::Rate => one / other,
            Self::Time | Self::Memory => other / one,
        }
    }
}

/// How many times better one side is, over all rounds.
#[derive(Debug, PartialEq)]
pub struct Ratios {
    /// In the middle one of the rounds.
    pub median: f64,
    /// In the round that was worst for it.
    pub lowest: f64,
    /// In the round that was best for it.
    pub highest: f64,
}

impl Ratios {
    /// Of the figures of one side and of the other, round by round.
    pub fn of(figure: Figure, one: &[f64], other: &[f64]) -> Self {
        let ratios = one.iter().zip(other).map(|(one, other)| figure.ratio(*one, *other));
        let ratios: Vec<_> = ratios.collect();
        Self {
            lowest: ratios.iter().copied().fold(f64::INFINITY, f64::min),
            highest: ratios.iter().copied().fold(0.0, f64::max),
            median: middle(ratios),
        }
    }
}

/// The median; between two, their geometric mean, so that it does not matter which side is divided
/// by which. 0 of nothing.
pub fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    let at = |index: usize| values.get(index).copied().unwrap_or_default();
    let (lower, upper) = (at(last / 2), at(last.div_ceil(2)));
    if lower == upper { lower } else { (lower * upper).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_is_better_of_rates_and_less_of_the_rest() {
        let of = |figure| Ratios::of(figure, &[10.0], &[5.0]).median;
        assert_eq!([Figure::Rate, Figure::Time, Figure::Memory].map(of), [2.0, 0.5, 0.5]);
    }

    #[test]
    fn ratios_are_of_figures_of_the_same_round() {
        // Twice as fast whatever the machine is like; the medians' ratio would say 20.
        let ratios = Ratios::of(Figure::Rate, &[2.0, 200.0, 20.0], &[1.0, 100.0, 10.0]);
        assert_eq!(ratios, Ratios { median: 2.0, lowest: 2.0, highest: 2.0 });
        let ratios = Ratios::of(Figure::Time, &[1.0, 2.0, 4.0], &[2.0, 2.0, 2.0]);
        assert_eq!(ratios, Ratios { median: 1.0, lowest: 0.5, highest: 2.0 });
    }

    #[test]
    fn the_other_way_round_is_the_inverse() {
        let (one, other) = ([1.0, 4.0], [1.0, 1.0]);
        assert_eq!(Ratios::of(Figure::Rate, &one, &other).median, 2.0);
        assert_eq!(Ratios::of(Figure::Rate, &other, &one).median, 0.5);
    }

    #[test]
    fn the_middle_needs_no_order() {
        assert_eq!(middle(vec![9.0, 1.0, 5.0]), 5.0);
        assert_eq!(middle(Vec::new()), 0.0);
    }

    #[test]
    fn figures_have_units() {
        assert_eq!(Figure::Rate.shown(3409.4), "3409/s");
        assert_eq!(Figure::Time.shown(0.000_118), "118 µs");
        assert_eq!(Figure::Time.shown(0.00407), "4.07 ms");
        assert_eq!(Figure::Time.shown(12.345), "12.35 s");
        assert_eq!(Figure::Memory.shown(1_572_864.0), "1.5 MiB");
    }
}
