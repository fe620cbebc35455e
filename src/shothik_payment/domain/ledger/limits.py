"""What a plan allows: which services, and how much of them in a period."""

from __future__ import annotations

from shothik_payment.domain.errors import PlanLimitReached, ServiceNotInPlan
from shothik_payment.domain.events import UsageLimitExceeded, UsageLimitReset
from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.model.calendar import next_month
from shothik_payment.domain.model.plan import Limit, LimitUnit
from shothik_payment.domain.model.stop import Stop, StopCause
from shothik_payment.domain.model.subscription import Usage
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.transaction import Transaction
from shothik_payment.domain.model.wallet import Wallet

_NONE = Limit(LimitUnit.COUNT, 0)


def used(wallet: Wallet, service: str, unit: LimitUnit) -> int:
    usage = wallet.usage.get(service)
    if usage is None:
        return 0
    return usage.count if unit is LimitUnit.COUNT else usage.credits


def reserved(wallet: Wallet, service: str, unit: LimitUnit) -> int:
    """What open holds may still come to."""
    amounts = [hold.amount for hold in wallet.holds.values() if hold.service == service]
    return len(amounts) if unit is LimitUnit.COUNT else sum(amounts)


def resets_at(wallet: Wallet) -> Millis | None:
    """When usage begins anew. None where nobody knows: that is when a renewal is paid, or a charge
    that the period's end waits for is answered."""
    subscription = wallet.subscription
    if subscription is None or not subscription.running:
        return wallet.usage_ends
    put_off = (subscription.next_step_at or 0) > subscription.period_end
    return None if put_off or subscription.dunning is not None else subscription.period_end


def require_in_plan(account: Account, service: str, amount: int) -> None:
    """Raises ServiceNotInPlan, PlanLimitReached."""
    if _unrestricted(account):
        return
    terms, wallet = account.terms, account.wallet
    if not terms.includes(service):
        raise ServiceNotInPlan(service, terms.plan)
    limit = terms.limits.get(service)
    if limit is None:
        return
    asked = 1 if limit.unit is LimitUnit.COUNT else amount
    so_far, held = used(wallet, service, limit.unit), reserved(wallet, service, limit.unit)
    if so_far + held + asked > limit.allowed:
        raise PlanLimitReached(
            service,
            terms.plan,
            limit.unit.value,
            limit.allowed,
            so_far,
            held,
            asked,
            resets_at(wallet),
        )


def count_use(account: Account, service: str, amount: int) -> None:
    """Usage that was kept after a free plan goes on, so that none is missing when it is begun
    again."""
    wallet = account.wallet
    if _unrestricted(account) and wallet.usage_ends is None:
        return
    if wallet.usage_ends is None and not _by_periods(wallet):
        wallet.usage_since = account.at
        wallet.usage_ends = next_month(account.at, account.rules.billing.time_zone)
    usage = wallet.usage.setdefault(service, Usage())
    usage.count += 1
    usage.credits += amount
    watch_limit(account, service)


def uncount_use(account: Account, original: Transaction, amount: int, *, whole: bool) -> None:
    """Usage goes back to the period of the charge, if that is still running. `whole`: nothing is
    left of the charge."""
    service = original.service
    usage = account.wallet.usage.get(service) if service is not None else None
    if usage is None or service is None or original.at < account.wallet.usage_since:
        return
    usage.credits = max(0, usage.credits - amount)
    usage.count = max(0, usage.count - whole)
    watch_limit(account, service)


def end_usage(account: Account) -> None:
    """Usage begins anew now, and ends with the subscription's periods."""
    wallet = account.wallet
    before, wallet.usage = wallet.usage, {}
    wallet.usage_since = account.at
    wallet.usage_ends = None
    for stop in [s for s in wallet.stops if s.cause is StopCause.LIMIT_REACHED]:
        _lift(account, stop, before.get(stop.service or "", Usage()))


def take_usage_along(account: Account) -> None:
    """Into a free plan: what was used of the month counts there, up to the end of its period."""
    if account.wallet.usage_ends is None:
        end_usage(account)
        return
    account.wallet.usage_ends = None
    watch_limits(account)


def keep_usage(account: Account, until: Millis) -> None:
    """After a free plan: what was used stays used `until` the end of the period that is left."""
    if not account.wallet.usage or until <= account.at:
        end_usage(account)
        return
    account.wallet.usage_ends = until
    watch_limits(account)


def watch_limits(account: Account) -> None:
    """After a change of terms: usage stays, and may be within the limits now or not any more."""
    services = [*account.wallet.usage]
    services += [
        s.service
        for s in account.wallet.stops
        if s.cause is StopCause.LIMIT_REACHED and s.service and s.service not in services
    ]
    for service in services:
        watch_limit(account, service)


def watch_limit(account: Account, service: str) -> None:
    """Tell once when a limit is reached, and once when there is room again."""
    wallet, limit = account.wallet, account.terms.limits.get(service)
    stop = next(
        (s for s in wallet.stops if s.cause is StopCause.LIMIT_REACHED and s.service == service),
        None,
    )
    so_far = used(wallet, service, limit.unit) if limit is not None else 0
    reached = limit is not None and so_far >= limit.allowed
    if reached and stop is None and limit is not None:
        account.add_stop(Stop(StopCause.LIMIT_REACHED, account.at, service))
        told = UsageLimitExceeded(service, _name(limit), so_far, limit.allowed, resets_at(wallet))
        account.tell(told)
    elif stop is not None and not reached:
        _lift(account, stop, wallet.usage.get(service, Usage()))


def _lift(account: Account, stop: Stop, usage: Usage) -> None:
    service = stop.service or ""
    account.lift_stops(StopCause.LIMIT_REACHED, service)
    before = account.terms_before or account.terms
    limit = account.terms.limits.get(service) or before.limits.get(service) or _NONE
    so_far = usage.count if limit.unit is LimitUnit.COUNT else usage.credits
    resets = resets_at(account.wallet)
    account.tell(UsageLimitReset(service, _name(limit), so_far, limit.allowed, resets))


def _name(limit: Limit) -> str:
    """Told apart from the wallet's own credits."""
    return f"plan_{limit.unit.value}"


def _by_periods(wallet: Wallet) -> bool:
    return wallet.subscription is not None and wallet.subscription.running


def _unrestricted(account: Account) -> bool:
    """Nothing is limited, and nothing has to be counted in case it will be."""
    if _by_periods(account.wallet):
        return False
    free = account.rules.billing.free
    return free.services is None and not free.limits
