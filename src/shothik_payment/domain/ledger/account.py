"""One user's working copy while a batch is applied: the state, and what has changed in it."""

from __future__ import annotations

from typing import Any

from shothik_payment.domain.events import Event, EventData
from shothik_payment.domain.ledger.commands import Command
from shothik_payment.domain.ledger.grants import insert_grant
from shothik_payment.domain.ledger.rules import Rules
from shothik_payment.domain.model.grant import Grant, GrantSource, burn_key
from shothik_payment.domain.model.hold import Hold
from shothik_payment.domain.model.identifiers import bucket_of
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.model.plan import Terms
from shothik_payment.domain.model.stop import Stop, StopCause
from shothik_payment.domain.model.subscription import StepKind, Subscription, SubscriptionStep
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.transaction import GrantPart, Transaction, TransactionKind
from shothik_payment.domain.ports.ledger_store import ChangeSet, RequestRecord, Snapshot

_EVENT_ORDER = {"payment": 0, "subscription": 1, "credit": 2, "usage": 3, "service": 4}


def _event_order(told: tuple[EventData, str | None]) -> int:
    return _EVENT_ORDER[told[0].type.partition(".")[0]]


class Account:
    """Mutated by the command handlers only, and handed to the store as one change set.

    Between `begin` and `finish` it belongs to one command.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.wallet = snapshot.wallet
        self.done = snapshot.done
        self.transactions = snapshot.transactions
        self.reversed_totals = snapshot.reversed_totals
        self.holds = snapshot.holds
        self.grants = snapshot.grants
        self.payments = snapshot.payments
        self.loaded_version = snapshot.wallet.version
        self._rows: list[Transaction] = []
        self._events: list[Event] = []
        self._new_grants: list[Grant] = []
        self._changed_holds: dict[str, Hold] = {}
        self._changed_payments: dict[str, Payment] = {}
        self._moved_grants: dict[str, Grant] = {}
        self._steps: list[SubscriptionStep] = []
        self._subscription_changed = False
        self._requests: dict[str, RequestRecord] = {}
        self._forgotten: list[str] = []
        self._stops_changed = False

    # One command

    def begin(self, command: Command, rules: Rules) -> None:
        self.command = command
        self.rules = rules
        self.at = Millis(max(command.at, self.wallet.last_at))
        self.total_before = self.wallet.available + self.wallet.held
        self._bucket = bucket_of(command.user_id)
        self._ids_given = 0
        self._first_row = len(self._rows)
        self._told: list[tuple[EventData, str | None]] = []
        self._cause: str | None = None
        self.stops_before: list[Stop] | None = None
        self.terms_before: Terms | None = None

    def new_id(self, prefix: str) -> str:
        number = self._ids_given
        self._ids_given = number + 1
        return f"{prefix}_{self._bucket}{self.command.id}{number:x}"

    def tell(self, data: EventData) -> None:
        self._told.append((data, self._cause))

    def caused_by(self, client_key: str | None) -> None:
        """What is told from here on was caused by the request with this key; None: by time."""
        self._cause = client_key

    def finish(self) -> None:
        """Seal the command: final balances on its rows, sequences on its events."""
        wallet = self.wallet
        for row in self._rows[self._first_row :]:
            row.new_balance = wallet.available
        told = self._told
        if not told:
            return
        if len(told) > 1:
            told.sort(key=_event_order)
        for data, request_id in told:
            wallet.events += 1
            event = Event(
                self.new_id("evt"), wallet.user_id, wallet.events, self.at, data, request_id
            )
            self._events.append(event)

    # Ledger rows

    def append(
        self,
        kind: TransactionKind,
        amount: int,
        parts: list[GrantPart],
        *,
        available: int = 0,
        held: int = 0,
        debt: int = 0,
        binds: bool = False,
        **about: Any,
    ) -> Transaction:
        """Append a row and move the wallet's totals by it. `binds`: the row is the command's own,
        and binds its request key."""
        wallet = self.wallet
        before = wallet.available
        wallet.available = after = before + available
        wallet.held += held
        wallet.debt += debt
        wallet.rows += 1
        wallet.last_at = self.at
        row = Transaction(
            self.new_id("txn"),
            wallet.user_id,
            wallet.rows,
            kind,
            self.at,
            amount,
            available,
            held,
            debt,
            before,
            after,
            after,
            parts,
            **about,
        )
        request = self.command.request
        if binds and request is not None:
            row.request_id = request.client_key
            row.request_key = request.key
            row.fingerprint = request.fingerprint
            self.done[request.key] = row
        self._rows.append(row)
        self.transactions[row.id] = row
        return row

    # Grants

    def open_grant(
        self,
        source: GrantSource,
        amount: int,
        available: int,
        *,
        expires_at: Millis | None = None,
        priority: int = 0,
        payment_id: str | None = None,
        subscription_id: str | None = None,
    ) -> Grant:
        grant = Grant(
            self.new_id("grant"),
            self.wallet.user_id,
            source,
            amount,
            available,
            0,
            priority,
            self.at,
            expires_at,
            payment_id,
            subscription_id,
        )
        self._new_grants.append(grant)
        self.grants[grant.id] = grant
        if available:
            insert_grant(self.wallet, grant)
        return grant

    def move_end(self, grant: Grant, expires_at: Millis) -> None:
        if grant.expires_at != expires_at:
            grant.expires_at = expires_at
            self._moved_grants[grant.id] = grant
            self.wallet.grants.sort(key=burn_key)

    # Holds, payments, subscriptions, requests, stops

    def save_hold(self, hold: Hold) -> None:
        self.holds[hold.id] = hold
        self._changed_holds[hold.id] = hold

    def save_payment(self, payment: Payment) -> None:
        payment.updated_at = self.at
        self.payments[payment.id] = payment
        self._changed_payments[payment.id] = payment

    @property
    def terms(self) -> Terms:
        """Of the plan that is in force for the user."""
        subscription = self.wallet.subscription
        if subscription is not None and subscription.running:
            return subscription.terms
        return self.rules.billing.free

    def change_subscription(self) -> None:
        """Say so before it is changed."""
        if self.terms_before is None:
            self.terms_before = self.terms
        self._subscription_changed = True

    def record_step(
        self,
        kind: StepKind,
        subscription: Subscription,
        payment_id: str | None = None,
        reason: str | None = None,
    ) -> None:
        self.wallet.steps += 1
        step = SubscriptionStep(
            self.wallet.user_id,
            self.wallet.steps,
            self.at,
            kind,
            subscription.id,
            subscription.terms.plan,
            subscription.status,
            subscription.period_start,
            subscription.period_end,
            payment_id,
            reason,
        )
        self._steps.append(step)

    def bind_request(self, subject_id: str) -> None:
        """Bind the command's request key to what it made; for commands without a ledger row."""
        request = self.command.request
        if request is not None:
            record = RequestRecord(
                self.wallet.user_id, request.key, request.fingerprint, subject_id, self.at
            )
            self._requests[request.key] = record
            self.done[request.key] = record

    def forget_request(self, key: str) -> None:
        self._forgotten.append(key)
        self._requests.pop(key, None)
        self.done.pop(key, None)

    def add_stop(self, stop: Stop) -> None:
        self._change_stops([*self.wallet.stops, stop])

    def lift_stops(
        self, cause: StopCause, service: str | None = None, reference: str | None = None
    ) -> bool:
        """Remove the stop with this cause, service and reference; whether there was one."""
        kept = [
            s
            for s in self.wallet.stops
            if (s.cause, s.service, s.reference) != (cause, service, reference)
        ]
        if len(kept) == len(self.wallet.stops):
            return False
        self._change_stops(kept)
        return True

    def _change_stops(self, stops: list[Stop]) -> None:
        if self.stops_before is None:
            self.stops_before = self.wallet.stops
        self.wallet.stops = stops
        self._stops_changed = True

    # The batch

    def change_set(self) -> ChangeSet | None:
        """What the batch changed for this user; None where it changed nothing."""
        if not (
            self._rows or self._events or self._changed_payments or self._requests
            or self._forgotten or self._stops_changed or self._subscription_changed
        ):  # fmt: skip
            return None
        self.wallet.version = self.loaded_version + 1
        return ChangeSet(
            self.wallet,
            self.loaded_version,
            self._rows,
            self._events,
            self._new_grants,
            self._new_ends(),
            list(self._changed_holds.values()),
            list(self._changed_payments.values()),
            self._steps,
            list(self._requests.values()),
            self._forgotten,
            self._stops_changed,
        )

    def _new_ends(self) -> list[Grant]:
        made = {grant.id for grant in self._new_grants}
        return [grant for grant in self._moved_grants.values() if grant.id not in made]
