//! Bringing an asset's amounts into range: 256-bit amounts are divided by a power of ten.

use enfold_state::leaf::AMOUNT_LIMIT;
use num_bigint::BigUint;

/// The greatest exponent that can be needed: `10^78 > 2^256`.
const MAX_EXPONENT: u32 = 78;

/// The amounts of one asset, in units of `10^exponent` base units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scaled {
    /// The power of ten that all amounts were divided by: the least with which the supply fits.
    pub exponent: u32,
    /// The amounts, in the order of the input. One that would become 0 is raised to 1.
    pub amounts: Vec<u64>,
    /// What was done to each amount.
    pub rounding: Vec<Rounding>,
    /// Sum of all amounts and fees, below `2^62`.
    pub supply: u64,
}

/// What dividing did to an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// It was a multiple.
    Exact,
    /// The remainder was dropped.
    Down,
    /// It would have become 0 and was raised to 1.
    Raised,
}

/// The fees alone use up the asset's range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected amounts and fees of an asset to sum below 2^62, got {transfers} fees of {fee}")]
pub struct ScaleError {
    /// Transfers of the asset.
    pub transfers: usize,
    /// The fee of each.
    pub fee: u64,
}

/// Divides amounts, none of them 0, by the least power of ten with which they and a fee for each sum
/// below `2^62`.
///
/// # Errors
/// If the fees alone, with amounts of 1, do not fit.
pub fn scale(amounts: &[&BigUint], fee: u64) -> Result<Scaled, ScaleError> {
    let too_much = ScaleError { transfers: amounts.len(), fee };
    let fees = u64::try_from(amounts.len())
        .ok()
        .and_then(|transfers| transfers.checked_mul(fee))
        .filter(|&fees| fees < AMOUNT_LIMIT)
        .ok_or(too_much)?;
    (0..=MAX_EXPONENT).find_map(|exponent| at(amounts, fees, exponent)).ok_or(too_much)
}

fn at(amounts: &[&BigUint], fees: u64, exponent: u32) -> Option<Scaled> {
    let unit = BigUint::from(10_u32).pow(exponent);
    let mut scaled = Scaled { exponent, amounts: Vec::new(), rounding: Vec::new(), supply: fees };
    for &amount in amounts {
        let quotient = u64::try_from(amount / &unit).ok()?;
        let rounding = match quotient {
            0 => Rounding::Raised,
            _ if (amount % &unit).bits() == 0 => Rounding::Exact,
            _ => Rounding::Down,
        };
        let units = quotient.max(1);
        scaled.supply = scaled.supply.checked_add(units).filter(|&supply| supply < AMOUNT_LIMIT)?;
        scaled.amounts.push(units);
        scaled.rounding.push(rounding);
    }
    Some(scaled)
}

#[cfg(test)]
mod tests {
    use enfold_state::leaf::AMOUNT_LIMIT;
    use num_bigint::BigUint;

    use super::{Rounding, scale};

    fn scaled(amounts: &[&str], fee: u64) -> Result<super::Scaled, super::ScaleError> {
        let amounts: Vec<BigUint> = amounts.iter().map(|a| a.parse().unwrap()).collect();
        scale(&amounts.iter().collect::<Vec<_>>(), fee)
    }

    #[test]
    fn amounts_that_fit_stay_as_they_are() {
        let result = scaled(&["1", "31337"], 1).unwrap();
        assert_eq!((result.exponent, result.amounts, result.supply), (0, vec![1, 31337], 31340));
        assert_eq!(result.rounding, [Rounding::Exact; 2]);
    }

    #[test]
    fn the_exponent_is_the_least_that_fits() {
        let limit = AMOUNT_LIMIT.to_string();
        let below = (AMOUNT_LIMIT - 1).to_string();
        assert_eq!(scaled(&[&below], 0).unwrap().exponent, 0);
        assert_eq!(scaled(&[&below], 1).unwrap().exponent, 1);
        assert_eq!(scaled(&[&limit], 0).unwrap().exponent, 1);
        let greatest = (BigUint::from(1_u32) << 256_u32) - 1_u32;
        let result = scaled(&[&greatest.to_string()], 0).unwrap();
        assert_eq!(result.exponent, 59);
    }

    #[test]
    fn what_would_vanish_becomes_one_unit() {
        let result = scaled(&["9", "25", "10000000000000000000"], 0).unwrap();
        assert_eq!((result.exponent, result.amounts), (1, vec![1, 2, 1_000_000_000_000_000_000]));
        assert_eq!(result.rounding, [Rounding::Raised, Rounding::Down, Rounding::Exact]);
    }

    #[test]
    fn fees_beyond_the_range_are_refused() {
        assert!(scaled(&["1", "1"], AMOUNT_LIMIT / 2).is_err());
        assert!(scaled(&["1"], u64::MAX).is_err());
        assert!(scaled(&["1"], AMOUNT_LIMIT - 1).is_err());
        assert_eq!(scaled(&["1"], AMOUNT_LIMIT - 2).unwrap().supply, AMOUNT_LIMIT - 1);
    }
}
