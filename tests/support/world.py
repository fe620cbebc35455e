"""Commands in, state and events out: users' ledgers on a clock that the test holds."""

from __future__ import annotations

from typing import Any, TypeVar

from shothik_payment.domain.errors import PaymentServiceError
from shothik_payment.domain.events import Event
from shothik_payment.domain.ledger import commands as c
from shothik_payment.domain.ledger import payment_commands as p
from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.machine import apply
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.rules import Rules
from shothik_payment.domain.model.grant import GrantSource
from shothik_payment.domain.model.hold import Hold
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import DisputeState, Payment, PaymentStatus, Refund
from shothik_payment.domain.model.time import MINUTE, Millis
from shothik_payment.domain.model.transaction import Transaction
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.gateway import GatewayDispute, GatewayRefund
from shothik_payment.domain.ports.ledger_store import ChangeSet, Needs
from tests.support.ledger_state import LedgerState

T0 = Millis(1_700_000_000_000)
PARAPHRASE = "paraphrase_service"
SLIDE = "slide_service"
STOP_ALL = [f"service.{PARAPHRASE}.stop_user", f"service.{SLIDE}.stop_user"]
RESUME_ALL = [f"service.{PARAPHRASE}.resume_user", f"service.{SLIDE}.resume_user"]
TTL = 15 * MINUTE
TEN_DOLLARS = Money(1000, "USD")

E = TypeVar("E", bound=PaymentServiceError)


def key(word: str, fingerprint: bytes = b"body") -> c.RequestBinding:
    return c.RequestBinding(f"caller deduct {word}", word, fingerprint)


def needs_of(commands: list[c.Command]) -> Needs:
    needs = Needs(commands[0].user_id)
    for command in commands:
        needs.request_keys.extend(command.request_keys())
        needs.transaction_ids.extend(command.transaction_ids())
        needs.hold_ids.extend(command.hold_ids())
        needs.payment_ids.extend(command.payment_ids())
    return needs


class World:
    """`now` is the clock; set it to move time. Each command is a commit of its own, after which
    everything that has to hold always is checked."""

    def __init__(self, services: tuple[str, ...] = (PARAPHRASE, SLIDE), **rules: Any) -> None:
        self.state = LedgerState()
        self.rules = Rules(active_services=services, **rules)
        self.now = T0
        self.user = "u1"
        self.last_change: ChangeSet | None = None
        self._commands = 0
        self._heard = 0

    @property
    def wallet(self) -> Wallet:
        return self.state.user(self.user).wallet

    @property
    def rows(self) -> list[Transaction]:
        return self.state.user(self.user).rows

    @property
    def events(self) -> list[Event]:
        return self.state.user(self.user).events

    def heard(self) -> list[Event]:
        """The user's events since they were last asked for."""
        new = self.events[self._heard :]
        self._heard = len(self.events)
        return new

    def told(self) -> list[str]:
        """The types of the events since they were last asked for; services with their name."""
        return [event.data.routing_key() for event in self.heard()]

    def command(self, kind: type[c.Command], **fields: Any) -> c.Command:
        self._commands += 1
        fields = {"id": f"{self._commands:04d}", "user_id": self.user, "at": self.now} | fields
        return kind(**fields)

    def batch(self, *commands: c.Command) -> list[Outcome]:
        """Apply commands of one user in one commit; refusals are outcomes."""
        account = Account(self.state.snapshot(needs_of(list(commands))))
        outcomes = [apply(account, command, self.rules) for command in commands]
        self.last_change = account.change_set()
        if self.last_change is not None:
            assert self.state.store(self.last_change)
        self.state.check(commands[0].user_id)
        return outcomes

    def do(self, kind: type[c.Command], **fields: Any) -> Outcome:
        """Apply one command; its refusal is raised."""
        (outcome,) = self.batch(self.command(kind, **fields))
        if outcome.refusal is not None:
            raise outcome.refusal
        return outcome

    def row(self, kind: type[c.Command], **fields: Any) -> Transaction:
        row = self.do(kind, **fields).transaction
        assert row is not None
        return row

    def refusal(self, error: type[E], kind: type[c.Command], **fields: Any) -> E:
        """The refusal of a command, which has to be an `error`."""
        (outcome,) = self.batch(self.command(kind, **fields))
        assert type(outcome.refusal) is error
        return outcome.refusal

    # Short forms

    def grant(self, amount: int, **fields: Any) -> str:
        """The new grant's id."""
        row = self.row(
            c.GrantCredits, **{"amount": amount, "source": GrantSource.PROMOTION} | fields
        )
        return row.parts[0].grant_id

    def deduct(self, amount: int, **fields: Any) -> Transaction:
        return self.row(c.Deduct, **{"amount": amount, "service": PARAPHRASE} | fields)

    def reverse(self, row: Transaction, amount: int | None = None, **fields: Any) -> Transaction:
        fields = {"service": PARAPHRASE, "transaction_id": row.id, "amount": amount} | fields
        return self.row(c.Reverse, **fields)

    def hold(self, amount: int, **fields: Any) -> Hold:
        fields = {"amount": amount, "service": PARAPHRASE, "ttl_ms": TTL} | fields
        hold = self.do(c.PlaceHold, **fields).hold
        assert hold is not None
        return hold

    def capture(self, hold: Hold, amount: int | None = None, **fields: Any) -> Transaction:
        fields = {"hold_id": hold.id, "service": PARAPHRASE, "amount": amount} | fields
        return self.row(c.CaptureHold, **fields)

    def release(self, hold: Hold, **fields: Any) -> Transaction:
        return self.row(c.ReleaseHold, **{"hold_id": hold.id, "service": PARAPHRASE} | fields)

    def adjust(self, amount: int, **fields: Any) -> Transaction:
        return self.row(c.Adjust, **{"amount": amount, "reason": "correction"} | fields)

    def claw_back(self, amount: int, payment_id: str, **fields: Any) -> Transaction:
        return self.row(c.Clawback, **{"amount": amount, "payment_id": payment_id} | fields)

    def expire(self) -> None:
        self.do(c.Expire)

    def freeze(self) -> None:
        self.do(c.Freeze, reason="fraud")

    def unfreeze(self) -> None:
        self.do(c.Unfreeze, reason="cleared")

    def payment(self, payment_id: str, **fields: Any) -> Payment:
        """A payment of 10.00 USD for 100 credits, as a use case would record it."""
        fields = {
            "id": payment_id,
            "user_id": self.user,
            "gateway": "sandbox",
            "status": PaymentStatus.CREATED,
            "price": TEN_DOLLARS,
            "credits": 100,
            "created_at": self.now,
            "updated_at": self.now,
            "pack_id": "credits_100",
            "next_check_at": Millis(self.now + 20_000),
        } | fields
        return Payment(**fields)

    def stored_payment(self, payment_id: str) -> Payment:
        return self.state.user(self.user).payments[payment_id]

    def open_payment(self, payment_id: str = "pay_1", **fields: Any) -> Payment:
        """Recorded, with its checkout attached."""
        self.do(p.OpenPayment, payment=self.payment(payment_id, **fields))
        self.do(
            p.AttachCheckout,
            payment_id=payment_id,
            session_id=f"session_{payment_id}",
            payment_url="https://pay.example/1",
        )
        return self.stored_payment(payment_id)

    def settle(
        self, payment_id: str = "pay_1", paid: Money = TEN_DOLLARS, **fields: Any
    ) -> Outcome:
        fields = {"reference": f"ref_{payment_id}"} | fields
        return self.do(p.SettlePayment, payment_id=payment_id, paid=paid, **fields)

    def begin_refund(
        self, amount_minor: int | None = None, payment_id: str = "pay_1", **fields: Any
    ) -> Refund:
        """The refund that it has begun."""
        begin: dict[str, Any] = {
            "payment_id": payment_id,
            "refund_id": f"rfd_{self._commands}",
            "amount_minor": amount_minor,
            "next_check_at": Millis(self.now + 2 * MINUTE),
        }
        self.do(p.BeginRefund, **begin | fields)
        return self.stored_payment(payment_id).pending_refunds[-1]

    def record_refund(self, refund: GatewayRefund, payment_id: str = "pay_1") -> Payment:
        self.do(p.RecordRefund, payment_id=payment_id, refund=refund)
        return self.stored_payment(payment_id)

    def record_dispute(
        self, state: DisputeState, amount_minor: int = 1000, payment_id: str = "pay_1",
        dispute_id: str = "dp_1",
    ) -> Payment:  # fmt: skip
        told = GatewayDispute(dispute_id, Money(amount_minor, "USD"), state)
        self.do(p.RecordDispute, payment_id=payment_id, dispute=told)
        return self.stored_payment(payment_id)

    def close_payment(self, status: PaymentStatus, payment_id: str = "pay_1") -> Outcome:
        fields = {"payment_id": payment_id, "status": status, "failure_code": "declined"}
        return self.do(p.ClosePayment, **fields)
