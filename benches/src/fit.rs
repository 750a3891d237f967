//! Medians, spreads, and Amdahl's law fitted to measured times.

/// Middle and ends of some measurements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The median; the mean of the middle two of an even number.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// Of these values; `None` of none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            (sorted[middle - 1] + sorted[middle]) / 2.0
        } else {
            sorted[middle]
        };
        Some(Self { median, min, max })
    }

    /// What comes of the values when a falling function is applied to each, as a rate comes of a time.
    pub fn falling(self, of: impl Fn(f64) -> f64) -> Self {
        Self { median: of(self.median), min: of(self.max), max: of(self.min) }
    }

    /// The distance between the ends, as a share of the median.
    pub fn relative(self) -> f64 {
        (self.max - self.min) / self.median
    }
}

/// Amdahl's law: on `c` cores a job takes `serial + parallel / c` seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Amdahl {
    /// Seconds that more cores do not shorten.
    pub serial: f64,
    /// Seconds on one core that all cores share.
    pub parallel: f64,
}

impl Amdahl {
    /// The least squares fit to `(cores, seconds)`, with neither part below zero; `None` for fewer than two different
    /// numbers of cores. (Amdahl, "Validity of the single processor approach", AFIPS 1967.)
    pub fn fit(times: &[(usize, f64)]) -> Option<Self> {
        let count = times.len() as f64;
        let inverse = |&(cores, _): &(usize, f64)| 1.0 / cores as f64;
        let mean_x = times.iter().map(inverse).sum::<f64>() / count;
        let mean_y = times.iter().map(|time| time.1).sum::<f64>() / count;
        let variance: f64 = times.iter().map(|time| (inverse(time) - mean_x).powi(2)).sum();
        if times.is_empty() || variance < 1e-12 {
            return None;
        }
        let covariance: f64 = times.iter().map(|time| (inverse(time) - mean_x) * (time.1 - mean_y)).sum();
        let parallel = (covariance / variance).max(0.0);
        let serial = mean_y - parallel * mean_x;
        if serial >= 0.0 {
            return Some(Self { serial, parallel });
        }
        // More than ideal: the best line through zero.
        let squares: f64 = times.iter().map(|time| inverse(time).powi(2)).sum();
        let products: f64 = times.iter().map(|time| inverse(time) * time.1).sum();
        Some(Self { serial: 0.0, parallel: products / squares })
    }

    /// Seconds on so many cores.
    pub fn seconds(self, cores: f64) -> f64 {
        self.serial + self.parallel / cores
    }

    /// The share of the work that more cores do not shorten, 0 to 1.
    pub fn serial_share(self) -> f64 {
        self.serial / (self.serial + self.parallel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads() {
        assert_eq!(Spread::of([]), None);
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        let even = Spread::of([4.0, 1.0, 2.0, 8.0]).unwrap();
        assert_eq!(even, Spread { median: 3.0, min: 1.0, max: 8.0 });
        assert_eq!(even.falling(|time| 8.0 / time), Spread { median: 8.0 / 3.0, min: 1.0, max: 8.0 });
        assert_eq!(Spread::of([1.0, 2.0, 3.0]).unwrap().relative(), 1.0);
    }

    #[test]
    fn amdahls_law_is_found_again() {
        let law = Amdahl { serial: 2.0, parallel: 12.0 };
        let times: Vec<_> = [1, 2, 4, 8].map(|cores| (cores, law.seconds(cores as f64))).into();
        let fit = Amdahl::fit(&times).unwrap();
        assert!((fit.serial - 2.0).abs() < 1e-9 && (fit.parallel - 12.0).abs() < 1e-9, "{fit:?}");
        assert!((fit.serial_share() - 1.0 / 7.0).abs() < 1e-9);
        assert_eq!(Amdahl::fit(&times[..1]), None);
        assert_eq!(Amdahl::fit(&[]), None);
        assert_eq!(Amdahl::fit(&[(2, 1.0), (2, 2.0)]), None);
    }

    #[test]
    fn parts_are_not_negative() {
        let better = Amdahl::fit(&[(1, 10.0), (2, 4.0)]).unwrap();
        assert_eq!(better.serial, 0.0);
        assert!(better.parallel > 8.0 && better.parallel < 10.0);
        let worse = Amdahl::fit(&[(1, 10.0), (2, 11.0)]).unwrap();
        assert_eq!((worse.serial, worse.parallel), (10.5, 0.0));
    }
}
