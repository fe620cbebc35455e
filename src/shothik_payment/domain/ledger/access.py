"""Who is stopped and why, and what is told when that changes."""

from __future__ import annotations

from shothik_payment.domain.errors import Conflict
from shothik_payment.domain.events import (
    ServiceResumeUser,
    ServiceStopUser,
    UsageLimitExceeded,
    UsageLimitReset,
)
from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.commands import Freeze, Retell, Unfreeze
from shothik_payment.domain.ledger.limits import resets_at
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.model.stop import Stop, StopCause
from shothik_payment.domain.model.time import Millis

_CREDITS = "credits"


def watch_credits(account: Account) -> None:
    """Tell once when the credits are gone, and once when they are back.

    Compared over the whole command: credits that end and come back in one command stop nobody.
    """
    wallet = account.wallet
    total = wallet.available + wallet.held
    if total:
        if wallet.stops and account.lift_stops(StopCause.CREDITS_GONE):
            account.tell(UsageLimitReset(None, _CREDITS, wallet.credits_used, wallet.credits_in))
    elif account.total_before:
        account.add_stop(Stop(StopCause.CREDITS_GONE, account.at))
        account.tell(UsageLimitExceeded(None, _CREDITS, wallet.credits_used, wallet.credits_in))
        wallet.credits_in = wallet.credits_used = 0


def tell_services(account: Account) -> None:
    """A service hears of a user's first cause to stop and of the end of the last one."""
    before = account.stops_before
    if before is None:
        return
    for service in account.rules.active_services:
        was = [stop.cause for stop in before if stop.concerns(service)]
        causes = account.wallet.causes(service)
        if causes and not was:
            account.tell(ServiceStopUser(service, causes[0], causes, _until(account, causes)))
        elif was and not causes:
            account.tell(ServiceResumeUser(service, was[-1]))


def _until(account: Account, causes: list[StopCause]) -> Millis | None:
    """None where nobody knows."""
    only_limits = all(cause is StopCause.LIMIT_REACHED for cause in causes)
    return resets_at(account.wallet) if only_limits else None


def freeze(account: Account, command: Freeze) -> Outcome:
    if account.wallet.frozen:
        raise Conflict("The user is frozen already.")
    account.add_stop(Stop(StopCause.FROZEN, account.at))
    account.bind_request(command.user_id)
    return Outcome()


def unfreeze(account: Account, command: Unfreeze) -> Outcome:
    if not account.lift_stops(StopCause.FROZEN):
        raise Conflict("The user is not frozen.")
    account.bind_request(command.user_id)
    return Outcome()


def retell(account: Account, command: Retell) -> Outcome:
    for service in account.rules.active_services:
        causes = account.wallet.causes(service)
        if causes:
            account.tell(ServiceStopUser(service, causes[0], causes, _until(account, causes)))
        elif service in command.reasons:
            account.tell(ServiceResumeUser(service, command.reasons[service]))
    return Outcome()
