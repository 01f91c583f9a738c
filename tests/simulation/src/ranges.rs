/// Sequences that have been applied, as ranges.
#[derive(Clone, Debug, Default)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// All through a sequence.
    pub fn through(sequence: u64) -> Self {
        Self(if sequence > 0 { vec![(0, sequence)] } else { Vec::new() })
    }

    /// Adds those after one sequence and through another, and hands each part that is new to
    /// `new`.
    pub fn add(&mut self, after: u64, through: u64, mut new: impl FnMut(u64, u64)) {
        let first = self.0.partition_point(|(_, end)| *end < after);
        let (mut start, mut end, mut from, mut last) = (after, through, after, first);
        while let Some((a, b)) = self.0.get(last).copied().filter(|(a, _)| *a <= through) {
            if from < a {
                new(from, a);
            }
            from = from.max(b);
            (start, end) = (start.min(a), end.max(b));
            last += 1;
        }
        if from < through {
            new(from, through);
        }
        self.0.splice(first..last, [(start, end)]);
    }

    /// Through which sequence there is no gap.
    pub fn gapless(&self) -> u64 {
        self.0.first().filter(|(after, _)| *after == 0).map_or(0, |(_, through)| *through)
    }

    /// Those through a sequence that are not among them.
    pub fn missing(&self, through: u64) -> Vec<u64> {
        let ends = self.0.iter().map(|(_, end)| *end);
        let starts = self.0.iter().map(|(start, _)| *start).chain([u64::MAX]);
        let gaps = [0].into_iter().chain(ends).zip(starts);
        gaps.flat_map(|(from, to)| from + 1..=to.min(through)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn they_are_sets(spans in prop::collection::vec((0u64..60, 1u64..20), 0..40)) {
            let (mut ranges, mut set) = (Ranges::default(), BTreeSet::new());
            for (after, length) in spans {
                let mut new = BTreeSet::new();
                ranges.add(after, after + length, |a, b| new.extend(a + 1..=b));
                let all: BTreeSet<_> = (after + 1..=after + length).collect();
                prop_assert_eq!(new, all.difference(&set).copied().collect::<BTreeSet<_>>());
                set.extend(all);
                let gapless = (1..).take_while(|at| set.contains(at)).count();
                prop_assert_eq!(ranges.gapless(), gapless as u64);
            }
            let missing: Vec<_> = (1..=70).filter(|at| !set.contains(at)).collect();
            prop_assert_eq!(ranges.missing(70), missing);
        }
    }
}
