#!/usr/bin/env python3
"""The pool a second time, from the formulas of docs/protocol.md, and cases of it as JSON.

    python3 models/pool.py [SEED [CASES]] > cases.json

It shares no text with the Rust code and needs nothing but Python, whose integers have no ranges: each range is said. What a
block serves is found the long way, with fractions and sums from scratch, and compared with the best of all pairs of queues'
heads. The Rust tests read the cases (state/tests/pool/cases.rs) and compare.
"""
import json
import random
import sys
from fractions import Fraction
from itertools import product

PARTS = 10_000
LEAST, LOCKED = 2**24, 1024
ROOM, HALVING = 2**60, 2**59
INT, RATE = 2**62, 2**61


class Refused(Exception):
    """The law has no result."""


def demand(met):
    if not met:
        raise Refused


def up(a, n, d):
    return -(-a * n // d)


class Pool:
    """A record; what it holds by asset is a pair."""

    def __init__(self, assets, kept, weight, reserves, supply, unit, time, number):
        self.assets, self.kept, self.weight, self.reserves = list(assets), kept, weight, list(reserves)
        self.supply, self.unit, self.time, self.number = supply, unit, time, number

    def numbers(self):
        return [*self.assets, self.kept, self.weight, *self.reserves, self.supply, self.unit, self.time, self.number]

    def open(self):
        return min(self.reserves) >= LEAST

    def price(self, lane, paid):
        """Numerator and divisor for those who give asset `lane`, when so much of both is given."""
        factor, other = self.kept * self.unit, 1 - lane
        inflow = paid[other] * factor // PARTS
        n = (self.reserves[other] * self.unit + self.weight * inflow) * self.kept // PARTS
        d = self.reserves[lane] * self.unit + self.weight * up(paid[lane], factor, PARTS)
        return (n if self.open() else 0), d

    def law(self, time, number, lanes, exits, joins):
        """The record after a block, and its rates. Lanes: paid, answered, gifts; exits and joins: shares, amounts."""
        demand(number > self.number)
        paid = [lane[0] for lane in lanes]
        rates = [self.price(lane, paid) for lane in (0, 1)]
        reserves = []
        for lane in (0, 1):
            (n, d), (amount, answered, _) = rates[lane], lanes[lane]
            demand(n < RATE and d < RATE and amount * n // d < INT and answered <= amount * n // d)
        for lane in (0, 1):
            reserve = self.reserves[lane] + lanes[lane][0] + lanes[lane][2]
            demand(reserve < INT)
            reserve -= lanes[1 - lane][1]
            demand(reserve >= (LEAST if self.open() else 0) and reserve < RATE)
            reserves.append(reserve)
        baskets = [(reserve, self.supply) for reserve in reserves]
        (gone, got), (come, due) = exits, joins
        for j, (n, d) in enumerate(baskets):
            demand(got[j] <= gone * n // d < INT and due[j] >= up(come, n, d))
            demand(reserves[j] + due[j] < INT)
            reserves[j] += due[j] - got[j]
            demand(reserves[j] * self.unit <= ROOM)
        demand(self.supply + come < INT)
        supply = self.supply + come - gone
        demand(LOCKED <= supply < RATE)
        unit = self.unit
        if max(reserves) * unit > HALVING and unit > 1:
            unit //= 2
        after = Pool(self.assets, self.kept, self.weight, reserves, supply, unit, time, number)
        return after, rates, baskets

    def most(self, lane):
        """How much can be given in so that rates stay in range, and the other reserve above the least one."""
        bound = min(self.reserves[0] * self.reserves[1] // LEAST, ROOM // self.unit)
        return max(0, bound - self.reserves[lane])


def create(share, assets, amounts, kept, weight):
    demand(assets[0] < assets[1] < 3 * 2**30 and share not in assets and share + 1 not in assets)
    demand(0 <= kept <= PARTS and weight in (1, 2))
    demand(all(LEAST <= amount <= ROOM for amount in amounts))
    fitting = [2**k for k in range(21) if max(amounts) * 2**k <= HALVING]
    return Pool(assets, kept, weight, amounts, amounts[0], max(fitting, default=1), 1, 1)


def part(amount, limit, partial, filled, n, d):
    """Answer and change of an order of which so much is filled."""
    demand(0 <= limit < INT and 1 <= filled <= amount and (filled == amount or partial))
    answer = filled * n // d
    demand(answer * amount >= (limit + 1) * filled)
    demand(answer < RATE and filled < RATE and amount * answer // filled < INT)
    return answer, amount - filled


# What a block serves. An order: lane, amount, limit, partial.


def holds(order, rate):
    return order[1] * rate[0] >= (order[2] + 1) * rate[1]


def part_holds(order, filled, rate):
    answer = filled * rate[0] // rate[1]
    return filled > 0 and answer > 0 and answer * order[1] >= (order[2] + 1) * filled


class Book:
    """What is served so far: of each order of the two queues how much."""

    def __init__(self, pool, queues, filled):
        self.pool, self.queues, self.filled = pool, queues, [list(side) for side in filled]

    def paid(self):
        return [sum(side) for side in self.filled]

    def feasible(self):
        """Every limit holds, and nothing is out of its bounds: looked at order by order."""
        paid = self.paid()
        for lane, (queue, filled) in enumerate(zip(self.queues, self.filled)):
            if paid[lane] > self.pool.most(lane):
                return False
            rate = self.pool.price(lane, paid)
            for order, amount in zip(queue, filled):
                if amount == order[1] and not holds(order, rate):
                    return False
                if 0 < amount < order[1] and not part_holds(order, amount, rate):
                    return False
        return True

    def with_fill(self, lane, place, amount):
        book = Book(self.pool, self.queues, self.filled)
        book.filled[lane][place] = amount
        return book

    def with_part(self, lane, place):
        """The same with a part of an order, or None if there is one in its lane, or nothing of it holds."""
        order = self.queues[lane][place]
        if not order[3] or any(0 < f < o[1] for f, o in zip(self.filled[lane], self.queues[lane])):
            return None
        bound = max([at for at, f in enumerate(self.filled[lane]) if f] + [place])
        part = self.part(lane, place, self.queues[lane][bound])
        return self.with_fill(lane, place, part) if part else None

    def part(self, lane, place, bound):
        """The most of an order at which `bound` holds beside what is served, or a little less."""
        pool, paid, order = self.pool, self.paid(), self.queues[lane][place]

        def at(filled):
            given = list(paid)
            given[lane] += filled
            return pool.price(lane, given)

        low, high = 0, min(order[1], pool.most(lane) - paid[lane])
        while low < high:  # the price falls with what is given: bisection
            middle = (low + high + 1) // 2
            low, high = (middle, high) if holds(bound, at(middle)) else (low, middle - 1)
        if low < 1:
            return 0
        if part_holds(order, low, at(low)):
            return low
        step = 1
        while step < low and not part_holds(order, low - step, at(low - step)):
            step *= 2
        if step >= low:
            return 0
        fits, beyond = low - step, low - step // 2
        while beyond - fits > 1:
            middle = (fits + beyond) // 2
            fits, beyond = (middle, beyond) if part_holds(order, middle, at(middle)) else (fits, middle)
        return fits


def threshold(pool, order):
    """The price of asset 0 in asset 1, without the fee, at which an order is content: from there up, or down."""
    lane, amount, limit, _ = order
    after_fee = Fraction(amount * pool.kept, PARTS)
    return (limit + 1) / after_fee if lane == 0 else after_fee / (limit + 1)


def choose(pool, orders):
    """What is filled of each order."""
    if not pool.open() or not pool.kept:
        return [0] * len(orders)
    lanes = [[], []]
    for at, order in enumerate(orders):
        if order[2] < INT and (order[3] or order[1] <= pool.most(order[0])):
            lanes[order[0]].append((at, order))
    for lane in (0, 1):  # what could not be served with all of the other lane
        paid = [0, 0]
        paid[1 - lane] = min(pool.most(1 - lane), sum(order[1] for _, order in lanes[1 - lane]))
        able = []
        for at, (_, amount, limit, partial) in lanes[lane]:
            n, d = pool.price(lane, paid)
            order = (lane, amount, limit, partial and amount * n // d < INT)
            alone = list(paid)
            alone[lane] = 1 if order[3] else amount
            if (order[3] or amount <= pool.most(lane)) and holds(order, pool.price(lane, alone)):
                able.append((at, order))
        lanes[lane] = sorted(able, key=lambda one: (Fraction(one[1][2] + 1, one[1][1]), one[0]))
    queues = [[order for _, order in able] for able in lanes]
    book = settle(scan(pool, queues))
    for lane in (0, 1, 0):
        for place, order in enumerate(queues[lane]):
            if not book.filled[lane][place]:
                whole = book.with_fill(lane, place, order[1])
                book = whole if whole.feasible() else book.with_part(lane, place) or book
    assert book.feasible()
    greatest = largest_heads(pool, queues)
    if not any(order[3] for queue in queues for order in queue):
        assert all(a >= b for a, b in zip(book.paid(), greatest.paid())), "no less than the greatest heads"
    result = [0] * len(orders)
    for able, filled in zip(lanes, book.filled):
        for (at, _), amount in zip(able, filled):
            result[at] = amount
    return result


def scan(pool, queues):
    """From the highest price down, along all thresholds from the lowest up, until they meet."""
    book = Book(pool, queues, [[0] * len(queue) for queue in queues])
    for place, order in enumerate(queues[1]):
        if book.paid()[1] + order[1] <= pool.most(1):
            book = book.with_fill(1, place, order[1])
    line = [(threshold(pool, order), lane, place if lane == 0 else -place)
            for lane in (0, 1) for place, order in enumerate(queues[lane])]
    for _, lane, place in sorted(line):
        place = abs(place)
        order = queues[lane][place]
        content = holds(order, pool.price(lane, book.paid()))
        if content != (lane == 0):
            return book
        book = book.with_fill(lane, place, 0)
        whole = book.with_fill(lane, place, order[1])
        if lane == 0 and whole.paid()[0] <= pool.most(0) and holds(order, pool.price(0, whole.paid())):
            book = whole
            continue
        part = book.with_part(lane, place)
        if part:
            return part
    return book


def settle(book):
    """Removes what does not hold, lane 0 first, a part before others, and the highest threshold first."""
    while True:
        for lane in (0, 1):
            rate = book.pool.price(lane, book.paid())
            served = [(place, f, o) for place, (f, o) in enumerate(zip(book.filled[lane], book.queues[lane])) if f]
            wrong = [place for place, f, o in served if f < o[1] and not part_holds(o, f, rate)]
            last = served[-1:]
            wrong += [place for place, f, o in last if f == o[1] and not holds(o, rate)]
            if wrong:
                book = book.with_fill(lane, wrong[0], 0)
                break
        else:
            return book


def largest_heads(pool, queues):
    """The most that can be served whole from the heads of both queues: found by trying all pairs."""
    feasible = {}
    for heads in product(range(len(queues[0]) + 1), range(len(queues[1]) + 1)):
        filled = [[o[1] if at < head else 0 for at, o in enumerate(queue)] for queue, head in zip(queues, heads)]
        book = Book(pool, queues, filled)
        if book.feasible():
            feasible[heads] = book
    top = tuple(max(heads[lane] for heads in feasible) for lane in (0, 1))
    return feasible[top]  # there is one: feasible pairs are closed under taking the greater of each


def block(pool, orders, gifts, exits, joins):
    """All of a block: what is filled and answered, and the record after it."""
    filled = choose(pool, orders)
    paid = [sum(f for f, order in zip(filled, orders) if order[0] == lane) for lane in (0, 1)]
    rates = [pool.price(lane, paid) for lane in (0, 1)]
    answers = [f * rates[order[0]][0] // rates[order[0]][1] for f, order in zip(filled, orders)]
    lanes = [[paid[lane], sum(q for q, order in zip(answers, orders) if order[0] == lane), 0] for lane in (0, 1)]
    room = [ROOM // pool.unit - pool.reserves[lane] - paid[lane] for lane in (0, 1)]
    given = []
    for lane, amount in gifts:
        given.append(int(amount <= room[lane]))
        if given[-1]:
            room[lane] -= amount
            lanes[lane][2] += amount
    reserves = [pool.reserves[j] + lanes[j][0] + lanes[j][2] - lanes[1 - j][1] for j in (0, 1)]
    gone, got, left = 0, [0, 0], []
    for shares in exits:
        amounts = [shares * reserve // pool.supply for reserve in reserves]
        served = shares <= pool.supply - LOCKED - gone and sum(amounts) > 0
        left.append(amounts if served else None)
        if served:
            gone += shares
            got = [a + b for a, b in zip(got, amounts)]
    come, due, entered = 0, [0, 0], []
    for shares, most in joins:
        amounts = [up(shares, reserve, pool.supply) for reserve in reserves]
        served = 0 < shares < INT and shares <= RATE - 1 - pool.supply - come
        served = served and all(a <= min(m, r) for a, m, r in zip(amounts, most, room))
        entered.append(amounts if served else None)
        if served:
            come += shares
            due = [a + b for a, b in zip(due, amounts)]
            room = [r - a for r, a in zip(room, amounts)]
    after, *_ = pool.law(pool.time, pool.number + 1, lanes, (gone, got), (come, due))
    assert after.reserves[0] > 0 and after.reserves[1] > 0
    before = pool.reserves[0] * pool.reserves[1]
    assert (reserves[0] - lanes[0][2]) * (reserves[1] - lanes[1][2]) >= before, "the product never falls"
    return {"filled": filled, "answers": answers, "given": given, "left": left, "entered": entered,
            "after": after.numbers()}


# Cases.


def size(rng, least, most):
    """A number of random length."""
    if rng.random() < 0.1:
        return rng.choice((least, most))
    return min(most, max(least, rng.getrandbits(rng.randint(1, most.bit_length()))))


def any_pool(rng):
    unit = 2**rng.randint(0, 20)
    most = ROOM if unit == 1 else HALVING // unit
    least = LEAST if rng.random() < 0.8 else 1
    reserves = [size(rng, least, most) for _ in range(2)]
    kept = rng.choice((9970, 9995, 10_000, rng.randint(0, 10_000)))
    return Pool((3, 8), kept, rng.choice((1, 2)), reserves, size(rng, LOCKED, RATE - 1), unit, 7, 5)


def usual_pool(rng):
    reserves = [rng.randint(LEAST, 2**40) for _ in range(2)]
    pool = create(2**31, (3, 8), reserves, rng.choice((9970, 9995, 10_000)), rng.choice((1, 2)))
    pool.number = 5
    return pool


def law_case(rng):
    pool = rng.choice((any_pool, usual_pool))(rng)
    paid = [rng.choice((0, size(rng, 1, min(INT - 1, 2 * pool.most(j) + 2)))) for j in (0, 1)]
    lanes, reserves = [], list(pool.reserves)
    for j in (0, 1):
        n, d = pool.price(j, paid)
        answered = min(INT - 1, max(0, paid[j] * n // d - rng.choice((0, 0, 0, 1, -1 if rng.random() < 0.2 else 0))))
        gifts = rng.choice((0, 0, size(rng, 1, pool.reserves[j])))
        lanes.append([paid[j], answered, gifts])
    for j in (0, 1):
        reserves[j] += lanes[j][0] + lanes[j][2] - lanes[1 - j][1]
    exits, joins = [0, [0, 0]], [0, [0, 0]]
    if min(reserves) > 0 and rng.random() < 0.6:
        gone, come = size(rng, 1, pool.supply), size(rng, 1, RATE)
        wrong = [rng.choice((0, 0, 0, 0, 0, 1)) for _ in range(4)]
        exits = [gone, [min(INT - 1, gone * r // pool.supply + w) for r, w in zip(reserves, wrong)]]
        joins = [come, [min(INT - 1, max(0, up(come, r, pool.supply) - w)) for r, w in zip(reserves, wrong[2:])]]
        exits, joins = rng.choice(((exits, joins), (exits, [0, [0, 0]]), ([0, [0, 0]], joins)))
    number = rng.choice((6, 6, 6, 6, 5, 2**31 - 1))
    try:
        after, rates, baskets = pool.law(9, number, lanes, exits, joins)
        result = [after.numbers(), rates + baskets]
    except Refused:
        result = None
    return [pool.numbers(), number, lanes, exits, joins, result]


def part_case(rng):
    n, d = size(rng, 1, RATE - 1), size(rng, 1, RATE - 1)
    amount = size(rng, 1, RATE - 1)
    if rng.random() < 0.8:
        n, d, amount = (number >> 20 for number in (n, d, amount))
        n, d, amount = n, d + 1, amount + 1
    limit = max(0, min(INT + 5, int(amount * n // d * rng.choice((0.5, 0.99, 1, 1, 1.1))) + rng.randint(-2, 1)))
    filled = rng.choice((amount, max(1, amount // 2), size(rng, 1, amount), amount + 1, 0))
    partial = rng.random() < 0.7
    try:
        demand(filled > 0 and filled * n // d < INT)
        result = part(amount, limit, partial, filled, n, d)
    except Refused:
        result = None
    return [n, d, amount, limit, partial, filled, result]


def create_case(rng):
    share = 2**31 + 2 * rng.randint(0, 2**29 - 1)
    assets = [rng.getrandbits(31), rng.choice((rng.getrandbits(31), share + rng.randint(-1, 2), rng.getrandbits(32)))]
    if rng.random() < 0.9:
        assets = sorted(assets)
    amounts = [max(size(rng, LEAST - 1, ROOM + 1), rng.getrandbits(rng.randint(25, 60))) for _ in range(2)]
    kept, weight = rng.choice((9970, 9995, 0, 10_000, 10_000, 10_001)), rng.choice((1, 1, 1, 2, 2, 2, 0, 3))
    try:
        result = create(share, assets, amounts, kept, weight).numbers()
    except Refused:
        result = None
    return [share, assets, amounts, kept, weight, result]


def block_case(rng):
    pool = rng.choice((any_pool, usual_pool, usual_pool))(rng)
    spread, parts = rng.choice((0.01, 0.3, 3.0)), rng.choice((0, 0.5, 1))
    orders = []
    for _ in range(rng.randint(0, 9)):
        lane = rng.randint(0, 1)
        there, back = pool.reserves[lane], pool.reserves[1 - lane]
        amount = min(INT - 1, size(rng, 1, max(1, int(there * spread))))
        if rng.random() < 0.03:
            amount = size(rng, 1, INT - 1)
        alone = amount * back // (there + rng.choice((1, 2)) * amount)
        limit = max(0, int(alone * rng.choice((0, 0.5, 0.9, 0.99, 0.999, 1, 1.2))) - rng.randint(0, 1))
        orders.append((lane, amount, min(limit, INT), rng.random() < parts))
    gifts = [(rng.randint(0, 1), size(rng, 1, ROOM)) for _ in range(rng.randint(0, 1))]
    exits = [size(rng, 0, pool.supply) for _ in range(rng.randint(0, 2))]
    joins = []
    for _ in range(rng.randint(0, 2)):
        shares = size(rng, 0, RATE)
        fair = [min(INT - 1, int(shares * r // pool.supply * rng.choice((0.9, 1.01, 2))) + 1) for r in pool.reserves]
        joins.append((shares, fair))
    return [pool.numbers(), orders, gifts, exits, joins, block(pool, orders, gifts, exits, joins)]


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    rng = random.Random(seed)
    print("{")
    kinds = (("law", law_case), ("parts", part_case), ("pools", create_case), ("blocks", block_case))
    for at, (name, case) in enumerate(kinds):
        lines = ",\n".join(json.dumps(case(rng), separators=(",", ":")) for _ in range(count))
        print(f'"{name}":[\n{lines}\n]' + ("," if at + 1 < len(kinds) else ""))
    print("}")


if __name__ == "__main__":
    main()
