"""Fills a store the way the service does: commands applied by the ledger, then committed."""

from __future__ import annotations

import os
from itertools import count

from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.commands import (
    Command,
    Deduct,
    GrantCredits,
    PlaceHold,
    RequestBinding,
    Reverse,
)
from shothik_payment.domain.ledger.machine import apply
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.payment_commands import OpenPayment
from shothik_payment.domain.ledger.rules import Rules
from shothik_payment.domain.model.grant import GrantSource
from shothik_payment.domain.model.hold import Hold
from shothik_payment.domain.model.identifiers import bucket_of
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import Payment, PaymentStatus
from shothik_payment.domain.model.time import DAY, MINUTE, Millis
from shothik_payment.domain.model.transaction import Metadata, Transaction
from shothik_payment.domain.ports.ledger_store import ChangeSet, LedgerStore, Needs, Snapshot

NOW = Millis(1_800_000_000_000)
SERVICE = "paraphrase_service"
RULES = Rules(active_services=(SERVICE, "slide_service"))
_numbers = count(1)


def fresh() -> str:
    """Of one length, rising, and of this process alone, as ids are."""
    return f"{next(_numbers):012x}{os.getpid():08x}"


def binding(key: str, fingerprint: bytes = b"same") -> RequestBinding:
    return RequestBinding(f"{SERVICE} POST /deduct {key}", key, fingerprint)


def needs_of(command: Command) -> Needs:
    return Needs(
        command.user_id,
        list(command.request_keys()),
        list(command.transaction_ids()),
        list(command.hold_ids()),
        list(command.payment_ids()),
    )


def granting(
    user: str, amount: int = 100, expires_at: Millis | None = None, at: Millis = NOW
) -> GrantCredits:
    return GrantCredits(
        id=fresh(),
        user_id=user,
        at=at,
        amount=amount,
        source=GrantSource.PROMOTION,
        expires_at=expires_at,
    )


def deducting(
    user: str,
    amount: int = 1,
    request: RequestBinding | None = None,
    metadata: Metadata | None = None,
) -> Deduct:
    return Deduct(
        id=fresh(),
        user_id=user,
        at=NOW,
        amount=amount,
        service=SERVICE,
        feature="rewrite",
        request=request,
        metadata=metadata,
    )


def opening(user: str, request: RequestBinding | None = None) -> OpenPayment:
    payment = Payment(
        id=f"pay_{bucket_of(user)}{fresh()}",
        user_id=user,
        gateway="sandbox",
        status=PaymentStatus.CREATED,
        price=Money(1000, "USD"),
        credits=100,
        created_at=NOW,
        updated_at=NOW,
        pack_id="credits_100",
        next_check_at=Millis(NOW + MINUTE),
    )
    return OpenPayment(id=fresh(), user_id=user, at=NOW, request=request, payment=payment)


class Book:
    def __init__(self, store: LedgerStore) -> None:
        self.store = store

    async def load(self, need: Needs) -> Snapshot:
        (snapshot,) = await self.store.load([need])
        return snapshot

    async def change(self, *commands: Command, blind: bool = False) -> ChangeSet:
        """What the commands of one user change, not committed yet. `blind`: without having looked
        for their request keys, as a writer that reads at an earlier moment."""
        need = Needs(commands[0].user_id)
        for command in commands:
            one = needs_of(command)
            need.request_keys.extend([] if blind else one.request_keys)
            need.transaction_ids.extend(one.transaction_ids)
            need.hold_ids.extend(one.hold_ids)
            need.payment_ids.extend(one.payment_ids)
        account = Account(await self.load(need))
        self.outcomes = [apply(account, command, RULES) for command in commands]
        for outcome in self.outcomes:
            assert outcome.refusal is None, outcome.refusal
        change = account.change_set()
        assert change is not None
        return change

    async def do(self, *commands: Command) -> Outcome:
        """The last command's outcome, stored."""
        assert await self.store.commit([await self.change(*commands)]) == [True]
        return self.outcomes[-1]

    async def row(self, *commands: Command) -> Transaction:
        row = (await self.do(*commands)).transaction
        assert row is not None
        return row

    async def hold(self, user: str, amount: int, request: RequestBinding | None = None) -> Hold:
        placing = PlaceHold(
            id=fresh(),
            user_id=user,
            at=NOW,
            amount=amount,
            service=SERVICE,
            ttl_ms=MINUTE,
            request=request,
        )
        hold = (await self.do(placing)).hold
        assert hold is not None
        return hold

    async def reverse(self, row: Transaction, amount: int) -> Transaction:
        return await self.row(
            Reverse(
                id=fresh(),
                user_id=row.user_id,
                at=NOW,
                transaction_id=row.id,
                service=SERVICE,
                amount=amount,
            )
        )

    async def payment(self, user: str, request: RequestBinding | None = None) -> Payment:
        payment = (await self.do(opening(user, request))).payment
        assert payment is not None
        return payment


def in_days(days: int) -> Millis:
    return Millis(NOW + days * DAY)
