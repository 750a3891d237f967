//! The record of a pool: two assets, each of which can be bought with the other, and shares in both.

use super::{Amount, ContractRecord, Field, RecordError, RecordKind};
use crate::contracts::ints::LIMBS_LIMIT;
use crate::contracts::pool::{HALVING, LOCKED, PARTS, ROOM, UNIT_BITS};
use crate::leaf::{AMOUNT_LIMIT, Asset, RESTRICTED_ASSETS, issued_asset};

const ASSET_0: Field = Field::part("asset_0", 0, 0, 32);
const ASSET_1: Field = Field::part("asset_1", 0, 32, 32);
const KEPT: Field = Field::part("kept", 1, 0, 16);
const WEIGHT: Field = Field::part("weight", 1, 16, 16);
const RESERVE_0: Field = Field::whole("reserve_0", 2);
const RESERVE_1: Field = Field::whole("reserve_1", 3);
const SUPPLY: Field = Field::whole("supply", 4);
const UNIT: Field = Field::whole("unit", 5);
const TIME: Field = Field::part("time", 7, 0, 32);
const NUMBER: Field = Field::part("number", 7, 32, 32);

/// The fields; element 6 has none.
pub(super) const FIELDS: &[Field] =
    &[ASSET_0, ASSET_1, KEPT, WEIGHT, RESERVE_0, RESERVE_1, SUPPLY, UNIT, TIME, NUMBER];

/// A pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// The two assets, the lower number first. Neither is the pool's own share.
    pub assets: [Asset; 2],
    /// What is left of 10,000 of an input after the fee.
    pub kept: u32,
    /// How much a block's orders move the price at which they trade: 1, half of the way that they move the pool's; 2, all of it.
    pub weight: u32,
    /// What it holds of each asset, in its smallest unit: 1 or more.
    pub reserves: [u64; 2],
    /// All shares, [`LOCKED`] of nobody included.
    pub supply: u64,
    /// The unit of the price: a power of two up to `2^20`.
    pub unit: u64,
    /// Time of the last block that changed it.
    pub time: u32,
    /// Number of that block; 0 is genesis.
    pub number: u32,
}

impl Pool {
    /// The pool of a record; `None` if it is of another kind.
    pub fn of(record: &ContractRecord) -> Option<Self> {
        (record.kind() == RecordKind::Pool).then(|| Self::read(record))
    }

    fn read(record: &ContractRecord) -> Self {
        let wide = |field| record.get(field);
        let narrow = |field| record.get(field) as u32;
        Self {
            assets: [ASSET_0, ASSET_1].map(narrow),
            kept: narrow(KEPT),
            weight: narrow(WEIGHT),
            reserves: [RESERVE_0, RESERVE_1].map(wide),
            supply: wide(SUPPLY),
            unit: wide(UNIT),
            time: narrow(TIME),
            number: narrow(NUMBER),
        }
    }
}

impl TryFrom<Pool> for ContractRecord {
    type Error = RecordError;

    fn try_from(pool: Pool) -> Result<Self, RecordError> {
        let Pool { assets, kept, weight, reserves, supply, unit, time, number } = pool;
        let [asset_0, asset_1] = assets.map(u64::from);
        let [reserve_0, reserve_1] = reserves;
        let numbers = [asset_0, asset_1, kept.into(), weight.into(), reserve_0, reserve_1, supply, unit];
        let numbers = [&numbers[..], &[time, number].map(u64::from)].concat();
        Self::of_fields(RecordKind::Pool, &numbers)
    }
}

/// Checks the ranges of the fields.
pub(super) fn check(record: &ContractRecord) -> Result<(), RecordError> {
    let Pool { assets, kept, weight, reserves, supply, unit, time, .. } = Pool::read(record);
    for (field, asset) in [(ASSET_0, assets[0]), (ASSET_1, assets[1])] {
        // Neither is restricted, and the two halves of the element have one reading in a circuit too.
        record.expect(field.name, asset < RESTRICTED_ASSETS, "below 3 2^30", asset)?;
    }
    let above = format!("above asset_0, which is {}", assets[0]);
    record.expect(ASSET_1.name, assets[0] < assets[1], above, assets[1])?;
    record.expect(KEPT.name, u64::from(kept) <= PARTS, "of at most 10000", kept)?;
    record.expect(WEIGHT.name, matches!(weight, 1 | 2), "1 or 2", weight)?;
    for (field, reserve) in [(RESERVE_0, reserves[0]), (RESERVE_1, reserves[1])] {
        let fits = (1..AMOUNT_LIMIT).contains(&reserve);
        record.expect(field.name, fits, "of 1 to 2^62 - 1", reserve)?;
    }
    let fits = (LOCKED..LIMBS_LIMIT).contains(&supply);
    record.expect(SUPPLY.name, fits, "of 1024 to 2^61 - 1", supply)?;
    let fits = unit.is_power_of_two() && unit <= 1 << UNIT_BITS;
    record.expect(UNIT.name, fits, "a power of two up to 2^20", unit)?;
    let scaled = u128::from(reserves[0].max(reserves[1])) * u128::from(unit);
    let (most, expected) = match unit {
        1 => (ROOM, "of at most 2^60 where unit is 1"),
        _ => (HALVING, "of at most 2^59"),
    };
    record.expect("the greater reserve times unit", scaled <= most.into(), expected, scaled)?;
    record.expect(TIME.name, time > 0, "of at least 1", time)
}

/// Checks that the pool with this number does not deal in its own shares.
pub(super) fn check_at(record: &ContractRecord, number: u32) -> Result<(), RecordError> {
    let assets = Pool::read(record).assets;
    let own = [0, 1].map(|j| issued_asset(number, j));
    for (field, asset) in [(ASSET_0, assets[0]), (ASSET_1, assets[1])] {
        let expected = format!("other than {} and {}, which the pool issues itself", own[0], own[1]);
        record.expect(field.name, !own.contains(&asset), expected, asset)?;
    }
    Ok(())
}

pub(super) fn holdings(record: &ContractRecord) -> Vec<Amount> {
    let Pool { assets, reserves, .. } = Pool::read(record);
    assets.into_iter().zip(reserves).collect()
}

/// The shares that belong to somebody.
pub(super) fn issued(record: &ContractRecord, number: u32) -> Option<Amount> {
    Some((issued_asset(number, 0), Pool::read(record).supply - LOCKED))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::contracts::pool::Pool as LawPool;
    use crate::leaf::NATIVE_ASSETS;

    /// Numbers at and around the bounds of some field, and others.
    fn number() -> impl Strategy<Value = u64> {
        let bounds =
            [0, 1, 2, 3, PARTS, LOCKED, 3 << 30, u64::from(NATIVE_ASSETS) + 8, LIMBS_LIMIT, HALVING, ROOM];
        let near = (prop::sample::select(bounds.to_vec()), -1..=1_i64);
        prop_oneof![
            near.prop_map(|(bound, step)| bound.saturating_add_signed(step)),
            (0..62_u32).prop_map(|bits| 1 << bits),
            (0..62_u32, any::<u64>()).prop_map(|(bits, number)| number >> (63 - bits)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        /// Who reads a genesis and who runs the law accept the same records, under one digest.
        #[test]
        fn the_law_accepts_the_same_records(
            assets in prop::array::uniform2(number()),
            terms in prop::array::uniform2(number()),
            reserves in prop::array::uniform2(number()),
            supply in number(),
            unit in 0..22_u32,
            touched in prop::array::uniform2(0..3_u32),
            contract in 0..8_u32,
        ) {
            let [kept, weight] = [terms[0] & 0xffff, terms[1] & 3];
            let pool = Pool {
                assets: assets.map(|asset| asset as Asset),
                kept: kept as u32,
                weight: weight as u32,
                reserves,
                supply,
                unit: 1 << unit,
                time: touched[0],
                number: touched[1],
            };
            let numbers = [
                pool.assets.map(u64::from),
                [kept, weight],
                reserves,
                [supply, pool.unit],
                touched.map(u64::from),
            ];
            let record = ContractRecord::try_from(pool);
            let placed = record.clone().and_then(|record| check_at(&record, contract).map(|()| record));
            let [assets, terms, reserves, [supply, unit], touched] = numbers;
            let elements = [
                assets[0] + (assets[1] << 32),
                terms[0] + (terms[1] << 16),
                reserves[0],
                reserves[1],
                supply,
                unit,
                0,
                touched[0] + (touched[1] << 32),
            ];
            let read = LawPool::from_elements(elements.map(crate::field::reduce), issued_asset(contract, 0));
            prop_assert_eq!(placed.is_ok(), read.is_ok(), "{:?}: {:?}", placed, read);
            if let (Ok(record), Ok(pool)) = (placed, read) {
                prop_assert_eq!(record.digest(), pool.digest());
            }
        }
    }
}
