//! What many rounds come to.

use serde::{Deserialize, Serialize};

/// Minimum, median and maximum of one figure.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Spread {
    /// The least.
    pub(crate) minimum: f64,
    /// The middle one; of an even number, the mean of the middle two.
    pub(crate) median: f64,
    /// The most.
    pub(crate) maximum: f64,
}

impl Spread {
    /// Of no figures, zeros.
    pub(crate) fn of(figures: &[f64]) -> Self {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (Some(minimum), Some(maximum)) = (sorted.first(), sorted.last()) else {
            return Self::default();
        };
        let middle = sorted.len() / 2;
        let upper = sorted[middle];
        let lower = sorted[middle - usize::from(sorted.len().is_multiple_of(2))];
        Self {
            minimum: *minimum,
            median: f64::midpoint(lower, upper),
            maximum: *maximum,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn takes_the_middle_whatever_the_order() {
        for (figures, median) in [
            (vec![3.0, 1.0, 2.0], 2.0),
            (vec![4.0, 1.0, 3.0, 2.0], 2.5),
            (vec![7.0], 7.0),
            (vec![], 0.0),
        ] {
            assert_eq!(Spread::of(&figures).median, median, "{figures:?}");
        }
    }
}
