"""What can be asked of a user's subscription; see `commands` for what holds for all of them."""

from __future__ import annotations

from dataclasses import dataclass

from shothik_payment.domain.ledger.commands import Command
from shothik_payment.domain.ledger.payment_commands import OfPayment
from shothik_payment.domain.model.time import Millis


@dataclass(slots=True, kw_only=True)
class Asked(Command):
    """By a user, in an operation whose request keys may be bound by either step: see `Paying`."""

    def request_keys(self) -> tuple[str, ...]:
        return () if self.request is None else self.request.of_both_steps()


@dataclass(slots=True, kw_only=True)
class Paying(Asked):
    """How what it costs is paid: to `gateway`, in `currency` (both None where nothing is), with the
    saved method or else in a checkout that leads back to the URLs."""

    gateway: str | None = None
    currency: str | None = None
    saved_method: bool = False
    success_url: str | None = None
    cancel_url: str | None = None


@dataclass(slots=True, kw_only=True)
class Subscribe(Paying):
    plan: str


@dataclass(slots=True, kw_only=True)
class ChangePlan(Paying):
    """Up: at once, for the rest of the period. Down: from the next period on."""

    plan: str


@dataclass(slots=True, kw_only=True)
class PayRenewal(Paying):
    """The payer wants to pay a renewal that could not be charged."""


@dataclass(slots=True, kw_only=True)
class ResumeSubscription(Paying):
    """After a pause; before it has begun, the pause is taken back."""


@dataclass(slots=True, kw_only=True)
class PauseSubscription(Asked):
    """From the end of the period on."""


@dataclass(slots=True, kw_only=True)
class CancelSubscription(Asked):
    """At the end of the period, or `now`: then the credits end, too. One that does not last to the
    end of its period ends at once in any case; `only_at_end` refuses that. `shown`: only
    while it is as `Subscription.standing` said."""

    now: bool = False
    shown: str | None = None
    only_at_end: bool = False
    reason: str | None = None


@dataclass(slots=True, kw_only=True)
class KeepSubscription(Asked):
    """Takes back a cancellation or a change that were to come at the end of the period."""


@dataclass(slots=True, kw_only=True)
class ExtendPeriod(Command):
    """An admin lets the period end `days` later; those that follow begin there."""

    days: int
    reason: str


@dataclass(slots=True, kw_only=True)
class GrantPlan(Command):
    """An admin gives a plan for one period of it, or until `ends_at`, and nothing is paid."""

    plan: str
    reason: str
    ends_at: Millis | None = None


@dataclass(slots=True, kw_only=True)
class AskPayer(OfPayment):
    """There is no method to charge: the payer is to be given a checkout."""


@dataclass(slots=True, kw_only=True)
class WaitForCharge(OfPayment):
    """The request is answered before the end of its charge is known: its key, which this has the
    second step of, stays bound, whatever that end is. Nothing is done where it is known by now."""
