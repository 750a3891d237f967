//! The money of a contract's leaf, and its only writer.
//!
//! A law never writes a holding. Whatever it decides,
//!
//! ```text
//! holding' = holding + what tallies say came in - what they say went out        (62 bits)
//! supply'  = supply  + what they say was minted - what was burned               (62 bits)
//! ```
//!
//! from the same numbers that the tallies' messages hold. Each number of a tally has one meaning, its [`Entry`], which a
//! table of the contract declares once. So a law can be unfair, but it cannot make money: for each asset, what all leaves hold
//! together changes only by deposits, exits and what the asset's issuer mints and burns.
//!
//! The segments that emit tallies check that each number is below `2^62`, see [`super::settle`].

use super::ints::Ints;

/// What a number of a tally does to the leaf's money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It came in: the holding of this number grows.
    Receive(usize),
    /// It went out: the holding shrinks.
    Pay(usize),
    /// It was issued: the supply of this number grows.
    Mint(usize),
    /// It was taken back: the supply shrinks.
    Burn(usize),
}

/// A number of a tally: what it does, and the name of the constraint on the result.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Name of the constraint.
    pub name: &'static str,
    /// What it does.
    pub effect: Effect,
}

/// What a leaf holds of each of its assets, and what it issued of each of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Books<V, const HOLDINGS: usize, const SUPPLIES: usize> {
    holdings: [V; HOLDINGS],
    supplies: [V; SUPPLIES],
}

impl<V: Copy, const HOLDINGS: usize, const SUPPLIES: usize> Books<V, HOLDINGS, SUPPLIES> {
    /// The books of a record that was read, or is new.
    pub const fn new(holdings: [V; HOLDINGS], supplies: [V; SUPPLIES]) -> Self {
        Self { holdings, supplies }
    }

    /// What the leaf holds.
    pub const fn holdings(&self) -> [V; HOLDINGS] {
        self.holdings
    }

    /// What it issued.
    pub const fn supplies(&self) -> [V; SUPPLIES] {
        self.supplies
    }

    /// The books after tallies: first all that comes in, then all that goes out, so it does not matter in which order the
    /// tallies stand. The entries of a tally are those of its numbers, one for each.
    pub fn post<'a, I: Ints<V = V>>(
        &self,
        i: &mut I,
        tallies: impl IntoIterator<Item = (&'a [Entry], &'a [V])>,
    ) -> Self
    where
        V: 'a,
    {
        let mut books = *self;
        let (mut outgoing, lines) = (
            vec![],
            tallies.into_iter().flat_map(|(entries, numbers)| {
                assert_eq!(entries.len(), numbers.len(), "an entry for each number of a tally");
                entries.iter().zip(numbers)
            }),
        );
        for (entry, &number) in lines {
            match entry.effect {
                Effect::Receive(at) => books.holdings[at] = i.add(entry.name, books.holdings[at], number),
                Effect::Mint(at) => books.supplies[at] = i.add(entry.name, books.supplies[at], number),
                Effect::Pay(_) | Effect::Burn(_) => outgoing.push((entry, number)),
            }
        }
        for (entry, number) in outgoing {
            match entry.effect {
                Effect::Pay(at) => books.holdings[at] = i.sub(entry.name, books.holdings[at], number),
                Effect::Burn(at) => books.supplies[at] = i.sub(entry.name, books.supplies[at], number),
                Effect::Receive(_) | Effect::Mint(_) => {}
            }
        }
        books
    }
}
