"""The store of users' state: read what a batch needs, commit what it changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from shothik_payment.domain.errors import PaymentServiceError
from shothik_payment.domain.events import Event
from shothik_payment.domain.model.grant import Grant
from shothik_payment.domain.model.hold import Hold
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.model.subscription import SubscriptionStep
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.transaction import Transaction
from shothik_payment.domain.model.wallet import Wallet


@dataclass(slots=True)
class Needs:
    """What a batch has to see of one user."""

    user_id: str
    request_keys: list[str] = field(default_factory=list)
    transaction_ids: list[str] = field(default_factory=list)
    hold_ids: list[str] = field(default_factory=list)
    payment_ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class RequestRecord:
    """Remembers a request that left no ledger row. `subject_id`: what it made (a payment)."""

    user_id: str
    key: str
    fingerprint: bytes
    subject_id: str
    at: Millis


@dataclass(slots=True)
class Snapshot:
    """One user at one moment. Everything in it is the caller's own copy.

    Asked for and absent means: does not exist, or belongs to another user. `transactions` has the
    asked ones, `done` those found by request key; `reversed_totals` how much of each asked
    transaction was given back; `grants` every grant that an asked transaction touched, with its
    terms (`available` and `held` there mean nothing: the wallet has them); `holds` and `payments`
    the asked ones and those that `done` speaks of.
    """

    wallet: Wallet
    done: dict[str, Transaction | RequestRecord] = field(default_factory=dict)
    transactions: dict[str, Transaction] = field(default_factory=dict)
    reversed_totals: dict[str, int] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=dict)


@dataclass(slots=True)
class ChangeSet:
    """What a batch changes for one user: all of it or nothing.

    `expected_version` is the stored wallet's version (0: no such wallet yet);
    `wallet.version` is one more. `grants` are new ones, `moved_grants` those with another end than
    before, `holds` and `payments` new or changed ones, whole; `steps` are new. `stops_changed`: the
    wallet's stops are not those that are stored. `forgotten_requests` are request keys whose record
    goes away, before `requests` are added: a key may be in both.
    """

    wallet: Wallet
    expected_version: int
    transactions: list[Transaction]
    events: list[Event]
    grants: list[Grant]
    moved_grants: list[Grant]
    holds: list[Hold]
    payments: list[Payment]
    steps: list[SubscriptionStep]
    requests: list[RequestRecord]
    forgotten_requests: list[str]
    stops_changed: bool


Stored = bool | PaymentServiceError
"""What became of one group of a commit."""


class LedgerStore(Protocol):
    async def load(self, needs: Sequence[Needs]) -> list[Snapshot]:
        """The users asked for, in the order asked, each as of one moment after every earlier
        commit. A user never seen comes with an empty wallet of version 0.

        Raises Unavailable when the store is away, StoreCorrupt when it cannot be read.
        """
        ...

    async def commit(self, changes: Sequence[ChangeSet]) -> Sequence[Stored]:
        """Write the groups durably; each wholly or not at all, independent of one another.

        True in the answer's place i: group i is stored for good. False: another writer was
        faster (the version or a request key is no longer free) and nothing of it is stored. An
        error: that group failed alone, others may be stored.
        Raises Unavailable or StoreCorrupt when nothing at all was stored; Unavailable also where
        that cannot be found out, since the store went away in the middle. Then too a repeat with
        the same request key does no harm. Any other exception, a ValueError of a change that has no
        stored form say, means that nothing at all was stored.
        """
        ...
