//! Contracts in plain words: what their records hold, and what follows from that.

use std::fmt;
use std::path::Path;

use enfold_state::contracts::pool::{LOCKED, PARTS};
use enfold_state::hash::Digest;
use enfold_state::leaf::{Asset, LeafIndex, issued_asset};
use enfold_state::ledger::Ledger;
use enfold_state::record::pool::Pool;
use enfold_state::record::{ContractRecord, RecordKind};
use serde::Serialize;

use crate::reading::UnknownLeafError;
use crate::text::{TimeText, grouped};

/// What follows from a pool's record. Ratios are rounded.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct PoolFigures {
    /// The asset that its shares are.
    share_asset: Asset,
    /// Units of the second asset for one of the first: the ratio of the reserves.
    price: f64,
    /// Units of each asset that a share stands for.
    share_value: [f64; 2],
}

impl PoolFigures {
    fn of(index: LeafIndex, pool: &Pool) -> Self {
        let [first, second] = pool.reserves.map(|reserve| reserve as f64);
        let supply = pool.supply as f64;
        let share_asset = issued_asset(index.contract().unwrap_or_default(), 0);
        Self { share_asset, price: second / first, share_value: [first / supply, second / supply] }
    }
}

/// A number of nine digits, without an exponent.
fn rounded(number: f64) -> f64 {
    format!("{number:.8e}").parse().unwrap_or(number)
}

/// A contract's record in plain words, at an index.
pub struct ContractText<'a>(pub LeafIndex, pub &'a ContractRecord);

impl fmt::Display for ContractText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(index, record) = self;
        writeln!(f, "contract   {}, number {}", record.kind(), index.contract().unwrap_or_default())?;
        match Pool::of(record) {
            Some(pool) => write_pool(f, *index, &pool)?,
            // What has no words of its own yet.
            None => {
                record.fields().try_for_each(|(field, number)| writeln!(f, "{:<10} {number}", field.name))?
            }
        }
        let (time, number) = record.touched();
        writeln!(f, "changed    by block {number}, time {}", TimeText(time))
    }
}

fn write_pool(f: &mut fmt::Formatter<'_>, index: LeafIndex, pool: &Pool) -> fmt::Result {
    let &Pool { assets: [first, second], kept, weight, reserves, supply, unit, .. } = pool;
    let PoolFigures { share_asset, price, share_value } = PoolFigures::of(index, pool);
    let [price, one, other] = [price, share_value[0], share_value[1]].map(rounded);
    writeln!(f, "reserves   {} of asset {first}", grouped(reserves[0]))?;
    writeln!(f, "           {} of asset {second}", grouped(reserves[1]))?;
    writeln!(f, "price      {price} of asset {second} for 1 of asset {first}")?;
    let (fee, scale) = (PARTS as u32 - kept, grouped(PARTS));
    writeln!(
        f,
        "fee        {}% of an input: {} of {scale} count",
        f64::from(fee) / 100.0,
        grouped(kept.into())
    )?;
    let meant = if weight == 2 { "after the block's orders" } else { "between those before and after them" };
    writeln!(f, "orders     trade at the price {meant} (weight {weight})")?;
    writeln!(
        f,
        "shares     {} of asset {share_asset}, {} of them nobody's",
        grouped(supply),
        grouped(LOCKED)
    )?;
    writeln!(f, "a share is {one} of asset {first} and {other} of asset {second}")?;
    writeln!(f, "unit       {} for the price", grouped(unit))
}

/// A contract of a data directory.
#[derive(Debug, Serialize)]
pub struct ContractReport {
    kind: &'static str,
    #[serde(with = "enfold_state::wide")]
    chain_id: u64,
    /// The block after which it is so.
    number: u32,
    index: LeafIndex,
    contract_number: u32,
    contract: ContractRecord,
    #[serde(skip_serializing_if = "Option::is_none")]
    figures: Option<PoolFigures>,
    root: Digest,
}

impl ContractReport {
    /// Of the contract at an index, in the state of a data directory.
    ///
    /// # Errors
    /// If there is none.
    pub fn of(path: &Path, ledger: &Ledger, index: LeafIndex) -> Result<Self, UnknownLeafError> {
        let unknown = || UnknownLeafError::contract(path, ledger, index);
        let (record, number) = ledger.record(index).zip(index.contract()).ok_or_else(unknown)?;
        let figures = match record.kind() {
            RecordKind::Pool => Pool::of(record).map(|pool| PoolFigures::of(index, &pool)),
        };
        Ok(Self {
            kind: "contract",
            chain_id: ledger.chain_id(),
            number: ledger.height(),
            index,
            contract_number: number,
            contract: record.clone(),
            figures,
            root: ledger.root(),
        })
    }
}

impl fmt::Display for ContractReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "leaf {} after block {} of chain {}", self.index, self.number, self.chain_id)?;
        write!(f, "{}", ContractText(self.index, &self.contract))?;
        writeln!(f, "state root {}", self.root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_have_nine_digits() {
        let texts = [2.0 / 3.0, 5.0, 1e-12, 123_456_789_012.0, 0.1 + 0.2].map(|n| rounded(n).to_string());
        assert_eq!(texts, ["0.666666667", "5", "0.000000000001", "123456789000", "0.3"]);
    }

    #[test]
    fn a_pool_in_words() {
        let pool = Pool {
            assets: [3, 7],
            kept: 9_970,
            weight: 2,
            reserves: [1_000_000, 5_000_000],
            supply: 3_000_000,
            unit: 1_024,
            time: 1_700_000_000,
            number: 4,
        };
        let text = ContractText(LeafIndex::of_contract(2), &pool.try_into().unwrap()).to_string();
        let expected = "\
contract   pool, number 2
reserves   1,000,000 of asset 3
           5,000,000 of asset 7
price      5 of asset 7 for 1 of asset 3
fee        0.3% of an input: 9,970 of 10,000 count
orders     trade at the price after the block's orders (weight 2)
shares     3,000,000 of asset 2147483652, 1,024 of them nobody's
a share is 0.333333333 of asset 3 and 1.66666667 of asset 7
unit       1,024 for the price
changed    by block 4, time 1700000000 (2023-11-14T22:13:20Z)
";
        assert_eq!(text, expected);
    }
}
