//! Which orders a pool serves, in one pass.
//!
//! An order (a, m) *holds* at a rate n/d if `a n >= (m + 1) d`: if the rate is at least its *threshold* (m + 1)/a. Then its whole
//! amount gets more than m. A lane's rate falls with what is given into it, and rises with what is given into the other. The two
//! rates are one price: but for rounding, `n/d = g ρ` in lane 0 and `g / ρ` in lane 1, with
//! `ρ = (R1 + H g A1) / (R0 + H g A0)`. So an order of lane 0 holds from a price ρ upwards, one of lane 1 up to a price, and
//! **all of them stand in one line**, by that price, however many there are.
//!
//! 1. *Prune.* An order is left out that would not hold with all of the other lane served and nothing else of its own.
//! 2. *Scan.* Nothing of lane 0 is served, and all of lane 1: the price is at its highest. Along the line, lowest first, an order
//!    of lane 0 is added if it holds then, and one of lane 1 that does not hold is removed. Either lowers the price, and the
//!    bound that it is compared with rises, so they meet. There, at one order, a part of it may hold: the most that does is
//!    served. An order that must be served whole and does not hold is passed over, and the scan goes on.
//! 3. *Settle.* Passing over a large order may take the price past orders that were served because of it, and rounding may: what does
//!    not hold now is removed, the highest threshold of its lane first, until all that is left holds.
//! 4. *Fill up.* Each order that is left is tried by itself, in lane 0, 1 and 0 again: one that does not fit does not stand
//!    in the way of a smaller one behind it.
//!
//! Every step looks at an order a bounded number of times, whoever sends what; there is no search for the price, and no
//! restart. Orders of a lane stand by threshold, and by id if that is the same.
//!
//! Inflow is bounded as [`law`](super::super::pool::law) says under *Headroom*, and besides, so that the other reserve stays at least
//! `2^24`: `R1' >= R0 R1 / R0'` by the law's theorem, so `R0 + A0 <= R0 R1 / 2^24` is enough.

use std::cmp::Ordering;

use super::super::ints::INT_BITS;
use super::super::pool::{LEAST_RESERVE, PARTS, Pool, ROOM};
use super::super::refusal::Refusal;
use super::{Order, lane, wrong_lane};

/// Of each order, how much is served, or why it is left out.
pub fn choose(pool: &Pool, orders: &[Order]) -> Vec<Result<u64, Refusal>> {
    let market = Market::new(pool);
    let mut queues = [vec![], vec![]];
    let mut chosen: Vec<_> = (orders.iter().enumerate())
        .map(|(at, order)| {
            let lane = market.admit(order)?;
            queues[lane].push(Entry { at, order: *order });
            Err(Refusal::Limit { expected: order.limit, got: 0 })
        })
        .collect();
    market.prune(&mut queues, &mut chosen);
    queues.iter_mut().for_each(|queue| queue.sort_unstable_by(Entry::order));
    let mut book = Book::scan(&market, &queues);
    book.settle();
    for lane in [0, 1, 0] {
        book.fill_up(lane, &mut chosen);
    }
    book.write(&mut chosen);
    chosen
}

/// An order, and its place among all.
#[derive(Clone, Copy)]
struct Entry {
    at: usize,
    order: Order,
}

impl Entry {
    /// By threshold, then by id.
    fn order(&self, other: &Self) -> Ordering {
        let cross = |a: &Order, b: &Order| u128::from(a.limit + 1) * u128::from(b.amount);
        let (a, b) = (&self.order, &other.order);
        cross(a, b).cmp(&cross(b, a)).then_with(|| (a.id, self.at).cmp(&(b.id, other.at)))
    }
}

/// What the pool is before the block.
struct Market<'a> {
    pool: &'a Pool,
    /// The reserves times the unit.
    in_units: [u64; 2],
    /// G U.
    factor: u64,
    /// The most that may come in, by lane.
    most: [u64; 2],
}

/// A lane's rate.
#[derive(Clone, Copy)]
struct Price {
    n: u64,
    d: u64,
}

impl Price {
    /// `floor(a n / d)`.
    fn answer(self, amount: u64) -> u128 {
        u128::from(amount) * u128::from(self.n) / u128::from(self.d)
    }

    /// Whether it is at least the order's threshold.
    fn holds(self, order: &Order) -> bool {
        u128::from(order.amount) * u128::from(self.n) >= u128::from(order.limit + 1) * u128::from(self.d)
    }

    /// Whether a part may be served: `q a >= (m + 1) f`, and f and q are not 0.
    fn holds_part(self, order: &Order, filled: u64) -> bool {
        let answer = self.answer(filled);
        filled > 0
            && answer > 0
            && answer * u128::from(order.amount) >= u128::from(order.limit + 1) * u128::from(filled)
    }
}

impl<'a> Market<'a> {
    fn new(pool: &'a Pool) -> Self {
        let reserves @ [reserve0, reserve1] = pool.reserves();
        let least = u128::from(reserve0) * u128::from(reserve1) / u128::from(LEAST_RESERVE);
        let bound = least.min((ROOM / pool.unit).into()) as u64;
        Self {
            pool,
            in_units: reserves.map(|reserve| reserve * pool.unit),
            factor: pool.kept * pool.unit,
            most: reserves.map(|reserve| bound.saturating_sub(reserve)),
        }
    }

    /// The order's lane, if it could be served in some block.
    fn admit(&self, order: &Order) -> Result<usize, Refusal> {
        let lane = lane(self.pool, order.asset).ok_or_else(|| wrong_lane(self.pool, order.asset))?;
        let [reserve0, reserve1] = self.pool.reserves();
        if reserve0.min(reserve1) < LEAST_RESERVE {
            return Err(Refusal::Closed { got: reserve0.min(reserve1) });
        }
        if order.limit >> INT_BITS != 0 {
            return Err(Refusal::Memo { got: order.limit });
        }
        if order.amount > self.most[lane] && !order.partial {
            return Err(Refusal::Inflow { expected: self.most[lane], got: order.amount });
        }
        Ok(lane)
    }

    /// Whether an order of lane 0 holds from a price that one of lane 1 does: whether both can, at some price.
    fn stands_first(&self, order: &Order, other: &Order) -> bool {
        // The product of the two thresholds is at most g^2.
        let thresholds = u128::from(order.limit + 1) * u128::from(other.limit + 1);
        let amounts = u128::from(order.amount) * u128::from(other.amount);
        widened(thresholds, PARTS * PARTS) <= widened(amounts, self.pool.kept * self.pool.kept)
    }

    fn scaled(&self, amount: u64) -> u128 {
        u128::from(amount) * u128::from(self.factor)
    }

    /// A lane's numerator, from what is given into the other lane; in range if that is at most [`Self::most`].
    fn numerator(&self, lane: usize, other: u64) -> u64 {
        let inflow = self.scaled(other) / u128::from(PARTS) * u128::from(self.pool.weight);
        let sum = u128::from(self.in_units[1 - lane]) + inflow;
        (sum * u128::from(self.pool.kept) / u128::from(PARTS)) as u64
    }

    /// A lane's divisor, from what is given into it.
    fn divisor(&self, lane: usize, paid: u64) -> u64 {
        let inflow = self.scaled(paid).div_ceil(PARTS.into()) * u128::from(self.pool.weight);
        (u128::from(self.in_units[lane]) + inflow) as u64
    }

    fn price(&self, lane: usize, paid: [u64; 2]) -> Price {
        Price { n: self.numerator(lane, paid[1 - lane]), d: self.divisor(lane, paid[lane]) }
    }

    /// Leaves out what would not hold with all of the other lane served and nothing of its own. Takes the mark off orders a part of
    /// which could be served at a price at which the whole has no answer below `2^62`.
    fn prune(&self, queues: &mut [Vec<Entry>; 2], chosen: &mut [Result<u64, Refusal>]) {
        for lane in 0..2 {
            let other: u128 = queues[1 - lane].iter().map(|entry| u128::from(entry.order.amount)).sum();
            let n = self.numerator(lane, other.min(self.most[1 - lane].into()) as u64);
            let best = Price { n, d: self.divisor(lane, 0) };
            queues[lane].retain_mut(|Entry { at, order }| {
                let refusal = self.hopeless(lane, order, best);
                if let Some(refusal) = refusal {
                    chosen[*at] = Err(refusal);
                }
                refusal.is_none()
            });
        }
    }

    /// Why an order holds at no price that a block could have, the best of its lane's being given.
    fn hopeless(&self, lane: usize, order: &mut Order, best: Price) -> Option<Refusal> {
        if !best.holds(order) {
            return Some(limit(order, best));
        }
        order.partial &= u128::from(order.amount) * u128::from(best.n) < u128::from(best.d) << INT_BITS;
        if order.amount > self.most[lane] && !order.partial {
            return Some(Refusal::Inflow { expected: self.most[lane], got: order.amount });
        }
        let least = if order.partial { 1 } else { order.amount };
        let alone = Price { d: self.divisor(lane, least), ..best };
        (!alone.holds(order)).then(|| limit(order, alone))
    }

    /// The most of an order that can be served beside what is given already, if answers were not rounded, at a price that
    /// `bound` holds too: the numerator stands, so the threshold bounds the divisor, and that the inflow.
    fn most_of(&self, lane: usize, paid: [u64; 2], order: &Order, bound: &Order) -> Option<u64> {
        let n = self.numerator(lane, paid[1 - lane]);
        let d = u128::from(bound.amount) * u128::from(n) / u128::from(bound.limit + 1);
        let inflow = d.checked_sub(self.in_units[lane].into())? / u128::from(self.pool.weight);
        let most = (inflow.min(1 << INT_BITS) * u128::from(PARTS)).checked_div(self.factor.into())?;
        let most = most.min(self.most[lane].into()) as u64;
        Some(most.checked_sub(paid[lane])?.min(order.amount)).filter(|&most| most > 0)
    }

    /// The most of an order, up to `most`, that holds its limit: an answer is rounded down, and the order bears no rounding. Less
    /// is tried in steps that double, and then what lies between the last two.
    fn part(&self, lane: usize, paid: [u64; 2], order: &Order, most: u64) -> Option<u64> {
        let n = self.numerator(lane, paid[1 - lane]);
        let holds =
            |filled: u64| Price { n, d: self.divisor(lane, paid[lane] + filled) }.holds_part(order, filled);
        if holds(most) {
            return Some(most);
        }
        let mut steps = (0..u64::BITS).map(|step| 1 << step).take_while(|&step| step < most);
        let step = steps.find(|step| holds(most - step))?;
        let (mut fits, mut beyond) = (most - step, most - step / 2);
        while beyond - fits > 1 {
            let middle = fits + (beyond - fits) / 2;
            *if holds(middle) { &mut fits } else { &mut beyond } = middle;
        }
        Some(fits)
    }
}

fn limit(order: &Order, price: Price) -> Refusal {
    Refusal::Limit { expected: order.limit, got: price.answer(order.amount) as u64 }
}

/// `factor a` as a number of 192 bits: the upper 128 and the lower 64.
const fn widened(a: u128, factor: u64) -> (u128, u64) {
    let low = (a as u64 as u128) * factor as u128;
    ((a >> 64) * factor as u128 + (low >> 64), low as u64)
}

/// What is served of a lane.
struct Lane {
    /// Of each order of the queue, how much.
    filled: Vec<u64>,
    /// The served order with the highest threshold.
    highest: Option<usize>,
    /// The order that is served in part.
    part: Option<usize>,
}

struct Book<'a> {
    market: &'a Market<'a>,
    queues: &'a [Vec<Entry>; 2],
    lanes: [Lane; 2],
    paid: [u64; 2],
}

impl<'a> Book<'a> {
    fn empty(market: &'a Market<'a>, queues: &'a [Vec<Entry>; 2]) -> Self {
        let lane = |queue: &Vec<Entry>| Lane { filled: vec![0; queue.len()], highest: None, part: None };
        Self { market, queues, lanes: [lane(&queues[0]), lane(&queues[1])], paid: [0; 2] }
    }

    fn order(&self, lane: usize, place: usize) -> &'a Order {
        &self.queues[lane][place].order
    }

    fn room(&self, lane: usize) -> u64 {
        self.market.most[lane] - self.paid[lane]
    }

    /// A lane's rate if so much more is given into it.
    fn price(&self, lane: usize, more: u64) -> Price {
        let mut paid = self.paid;
        paid[lane] += more;
        self.market.price(lane, paid)
    }

    /// Goes along the line of all orders, lowest price first.
    fn scan(market: &'a Market<'a>, queues: &'a [Vec<Entry>; 2]) -> Self {
        let mut book = Self::empty(market, queues);
        for (place, entry) in queues[1].iter().enumerate() {
            if entry.order.amount <= book.room(1) {
                book.add(1, place, entry.order.amount);
            }
        }
        let (mut next, mut last) = (0, queues[1].len());
        loop {
            let met = match (queues[0].get(next), queues[1][..last].last()) {
                (None, None) => break,
                (Some(entry), other)
                    if other.is_none_or(|other| market.stands_first(&entry.order, &other.order)) =>
                {
                    next += 1;
                    book.scan_sale(next - 1)
                }
                _ => {
                    last -= 1;
                    book.scan_purchase(last)
                }
            };
            if met {
                break;
            }
        }
        book
    }

    /// An order of lane 0 in the scan: is the price met?
    fn scan_sale(&mut self, place: usize) -> bool {
        let order = self.order(0, place);
        if !self.price(0, 0).holds(order) {
            return true;
        }
        if order.amount <= self.room(0) && self.price(0, order.amount).holds(order) {
            self.add(0, place, order.amount);
            return false;
        }
        self.add_part(0, place)
    }

    /// An order of lane 1 in the scan, which is served so far unless there was no room: is the price met?
    fn scan_purchase(&mut self, place: usize) -> bool {
        let order = self.order(1, place);
        if self.price(1, 0).holds(order) {
            return true;
        }
        self.remove(1, place);
        self.add_part(1, place)
    }

    /// Serves the most of an order that holds, beside all that is served and holds too.
    fn add_part(&mut self, lane: usize, place: usize) -> bool {
        let (side, order) = (&self.lanes[lane], self.order(lane, place));
        if !order.partial || side.part.is_some() {
            return false;
        }
        let bound = self.order(lane, side.highest.map_or(place, |highest| highest.max(place)));
        let most = self.market.most_of(lane, self.paid, order, bound);
        let part = most.and_then(|most| self.market.part(lane, self.paid, order, most));
        if let Some(filled) = part {
            self.add(lane, place, filled);
        }
        part.is_some()
    }

    fn add(&mut self, lane: usize, place: usize, filled: u64) {
        let order = self.order(lane, place);
        let side = &mut self.lanes[lane];
        side.filled[place] = filled;
        side.highest = side.highest.max(Some(place));
        if filled < order.amount {
            side.part = Some(place);
        }
        self.paid[lane] += filled;
    }

    fn remove(&mut self, lane: usize, place: usize) {
        let side = &mut self.lanes[lane];
        self.paid[lane] -= side.filled[place];
        side.filled[place] = 0;
        if side.part == Some(place) {
            side.part = None;
        }
        if side.highest == Some(place) {
            side.highest = side.filled[..place].iter().rposition(|&filled| filled > 0);
        }
    }

    /// Removes what does not hold.
    fn settle(&mut self) {
        while let Some((lane, place)) =
            [0, 1].into_iter().find_map(|lane| Some((lane, self.broken(lane, 0)?)))
        {
            self.remove(lane, place);
        }
    }

    /// An order of a lane that would not hold if so much more were given into it.
    fn broken(&self, lane: usize, more: u64) -> Option<usize> {
        let (side, price) = (&self.lanes[lane], self.price(lane, more));
        let whole = side.highest.filter(|&place| side.part != Some(place));
        let part = side.part.filter(|&place| !price.holds_part(self.order(lane, place), side.filled[place]));
        part.or_else(|| whole.filter(|&place| !price.holds(self.order(lane, place))))
    }

    /// Tries each order of a lane that is not served.
    fn fill_up(&mut self, lane: usize, chosen: &mut [Result<u64, Refusal>]) {
        for place in 0..self.queues[lane].len() {
            if self.lanes[lane].filled[place] > 0 {
                continue;
            }
            let order = self.order(lane, place);
            let whole = self.check(lane, order, order.amount);
            if whole.is_ok() {
                self.add(lane, place, order.amount);
            } else if !self.add_part(lane, place) {
                let refusal = if order.partial { self.check(lane, order, 1).and(whole) } else { whole };
                chosen[self.queues[lane][place].at] = refusal.map(|()| 0);
            }
        }
    }

    /// Whether limits and bounds hold if so much of the order is served too.
    fn check(&self, lane: usize, order: &Order, filled: u64) -> Result<(), Refusal> {
        let expected = self.room(lane);
        if filled > expected {
            return Err(Refusal::Inflow { expected, got: filled });
        }
        let price = self.price(lane, filled);
        if !price.holds(order) {
            return Err(limit(order, price));
        }
        let Some(place) = self.broken(lane, filled) else { return Ok(()) };
        let (other, filled) = (self.order(lane, place), self.lanes[lane].filled[place]);
        let whole = price.answer(filled) * u128::from(other.amount) / u128::from(filled);
        Err(Refusal::Others { expected: other.limit, got: whole as u64 })
    }

    fn write(&self, chosen: &mut [Result<u64, Refusal>]) {
        for (queue, side) in self.queues.iter().zip(&self.lanes) {
            for (entry, &filled) in queue.iter().zip(&side.filled).filter(|&(_, &filled)| filled > 0) {
                chosen[entry.at] = Ok(filled);
            }
        }
    }
}
