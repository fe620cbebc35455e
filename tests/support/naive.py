"""The rules of money once more, credit by credit: every credit is an object with a place.

Written from the contract, not from the ledger, and shares none of its code: slow, and simple enough
to be believed.
"""

from __future__ import annotations

from dataclasses import dataclass

HOURS_72 = 72 * 3600 * 1000
FREE = "free"
GONE = "gone"


@dataclass(eq=False)
class Lot:
    """A grant. `id` is the ledger's own, so that ties are broken alike."""

    id: str
    source: str
    priority: int
    created: int
    ends: int | None
    payment: str | None = None

    def order(self) -> tuple[object, ...]:
        forever = self.ends is None
        return (self.priority, forever, 0 if forever else self.ends, self.created, self.id)

    def ended(self, now: int) -> bool:
        return self.ends is not None and now >= self.ends


@dataclass(eq=False)
class Credit:
    """`place`: free, gone, or the id of the hold that reserves it."""

    lot: Lot
    place: str = FREE


@dataclass(eq=False)
class NaiveHold:
    id: str
    service: str
    ends: int
    credits: list[Credit]
    status: str = "active"


@dataclass(eq=False)
class Spent:
    """A deduction or capture: what it took and has not given back, in the order taken."""

    service: str
    credits: list[Credit]
    amount: int


class NaiveUser:
    def __init__(self, services: tuple[str, ...]) -> None:
        self.services = services
        self.credits: list[Credit] = []
        self.holds: dict[str, NaiveHold] = {}
        self.spent: dict[str, Spent] = {}
        self.debt = 0
        self.last = 0
        self.frozen = False
        self.out_of_credits = False
        self.told: list[tuple[object, ...]] = []

    # Reading

    def free(self) -> list[Credit]:
        free = [credit for credit in self.credits if credit.place == FREE]
        return sorted(free, key=lambda credit: credit.lot.order())

    def held(self) -> list[Credit]:
        return [credit for credit in self.credits if credit.place not in (FREE, GONE)]

    def lots(self) -> dict[str, tuple[int, int]]:
        """What is left of each grant: free and held."""
        left: dict[str, tuple[int, int]] = {}
        for credit in self.free() + self.held():
            free, held = left.get(credit.lot.id, (0, 0))
            is_free = credit.place == FREE
            left[credit.lot.id] = (free + is_free, held + (not is_free))
        return left

    def open_holds(self) -> dict[str, int]:
        return {h.id: len(h.credits) for h in self.holds.values() if h.status == "active"}

    def stopped(self) -> bool:
        return self.frozen or self.out_of_credits

    # One command: begin, then one of the acts below, then end

    def begin(self, clock: int) -> None:
        self.now = max(clock, self.last)
        self.told = []
        self.was_stopped = self.stopped()
        self.had = len(self.free() + self.held())
        self.book_due()

    def end(self) -> list[tuple[object, ...]]:
        usage: list[tuple[object, ...]] = []
        has = len(self.free() + self.held())
        if has and self.out_of_credits:
            self.out_of_credits = False
            usage.append(("usage.limit_reset",))
        if self.had and not has:
            self.out_of_credits = True
            usage.append(("usage.limit_exceeded",))
        service: list[tuple[object, ...]] = []
        if self.stopped() and not self.was_stopped:
            service = [("service.stop_user", name) for name in self.services]
        if self.was_stopped and not self.stopped():
            service = [("service.resume_user", name) for name in self.services]
        return self.told + usage + service

    def moved(self) -> None:
        self.last = self.now

    def book_due(self) -> None:
        due = [h for h in self.holds.values() if h.status == "active" and h.ends <= self.now]
        for hold in sorted(due, key=lambda hold: (hold.ends, hold.id)):
            hold.status = "expired"
            self.give_up(hold.credits)
        self.expire_lots()

    def expire_lots(self) -> None:
        ended = [credit for credit in self.free() if credit.lot.ended(self.now)]
        for lot in dict.fromkeys(credit.lot for credit in ended):
            mine = [credit for credit in ended if credit.lot is lot]
            for credit in mine:
                credit.place = GONE
            self.told.append(("credit.deducted", "expire", len(mine)))
            self.moved()

    def give_up(self, credits: list[Credit]) -> None:
        """Held credits become free, last taken first; the first of them pay the debt."""
        for credit in reversed(credits):
            if self.debt:
                self.debt -= 1
                credit.place = GONE
            else:
                credit.place = FREE
        self.moved()

    # Acts: each gives an error code, or None where it was done

    def can_spend(self, amount: int) -> str | None:
        if self.frozen:
            return "user_frozen"
        return None if len(self.free()) >= amount else "insufficient_credits"

    def receive(self, amount: int, lot: Lot) -> None:
        paid = min(amount, self.debt)
        self.debt -= paid
        self.credits += [Credit(lot) for _ in range(amount - paid)]
        self.told.append(("credit.added", amount, paid))
        self.moved()

    def deduct(self, row_id: str, service: str, amount: int) -> None:
        taken = self.free()[:amount]
        for credit in taken:
            credit.place = GONE
        self.spent[row_id] = Spent(service, taken, amount)
        self.told.append(("credit.deducted", "deduct", amount))
        self.moved()

    def burn(self, amount: int) -> str | None:
        if len(self.free()) < amount:
            return "insufficient_credits"
        for credit in self.free()[:amount]:
            credit.place = GONE
        self.told.append(("credit.deducted", "adjust", amount))
        self.moved()
        return None

    def place_hold(self, hold_id: str, service: str, amount: int, ttl: int) -> None:
        taken = self.free()[:amount]
        for credit in taken:
            credit.place = hold_id
        self.holds[hold_id] = NaiveHold(hold_id, service, self.now + ttl, taken)
        self.moved()

    def cannot_end(self, hold_id: str, service: str) -> str | None:
        hold = self.holds[hold_id]
        if hold.service != service:
            return "wrong_service"
        if hold.status == "expired":
            return "hold_expired"
        return None if hold.status == "active" else "hold_closed"

    def capture(self, hold_id: str, row_id: str, amount: int | None) -> None:
        hold = self.holds[hold_id]
        hold.status = "captured"
        amount = len(hold.credits) if amount is None else amount
        charged, rest = hold.credits[:amount], hold.credits[amount:]
        for credit in charged:
            credit.place = GONE
        self.spent[row_id] = Spent(hold.service, charged, amount)
        self.give_up(rest)
        self.expire_lots()
        self.told.append(("credit.deducted", "capture", amount))

    def release(self, hold_id: str) -> None:
        hold = self.holds[hold_id]
        hold.status = "released"
        self.give_up(hold.credits)
        self.expire_lots()

    def cannot_reverse(self, row_id: str, service: str, amount: int | None) -> str | None:
        spent = self.spent[row_id]
        if spent.service != service:
            return "wrong_service"
        if not spent.credits:
            return "already_reversed"
        too_much = amount is not None and amount > len(spent.credits)
        return "reversal_exceeds_transaction" if too_much else None

    def reverse(self, row_id: str, amount: int | None, new_lot_id: str) -> None:
        spent = self.spent[row_id]
        amount = len(spent.credits) if amount is None else amount
        renewed = Lot(new_lot_id, "reversal", 0, self.now, self.now + HOURS_72)
        for _ in range(amount):
            credit = spent.credits.pop()
            if self.debt:
                self.debt -= 1
            elif credit.lot.ended(self.now) and credit.lot.source != "reversal":
                self.credits.append(Credit(renewed))
            else:
                credit.place = FREE
        self.told.append(("credit.refunded", amount))
        self.moved()
        self.expire_lots()

    def claw_back(self, payment: str, amount: int, books_debt: bool) -> None:
        own = [credit for credit in self.free() if credit.lot.payment == payment][:amount]
        for credit in own:
            credit.place = GONE
        if books_debt:
            self.debt += amount - len(own)
        if own:
            self.told.append(("credit.deducted", "clawback", len(own)))
        self.moved()
