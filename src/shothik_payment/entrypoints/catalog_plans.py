"""The plans of the catalog file, and by which rules they are billed."""

from __future__ import annotations

from zoneinfo import ZoneInfoNotFoundError

from shothik_payment.domain.catalog import MAX_CREDITS, Catalog
from shothik_payment.domain.model.calendar import zone
from shothik_payment.domain.model.plan import (
    EVERYTHING,
    FREE_PLAN,
    Billing,
    Interval,
    Limit,
    LimitUnit,
    Plan,
    Terms,
)
from shothik_payment.domain.model.time import HOUR
from shothik_payment.entrypoints.toml_table import TEXT, WORD, Table

_MAX_HOURS = 24 * 365
_MAX_RETRIES = 20
_MAX_TRIAL_DAYS = 365
_MAX_PERIODS_KEPT = 10
"""So many periods' credits may be rolled over at most."""
_UNLIMITED = "unlimited"
_LIMIT = 'expected { count = n }, { credits = n } or "unlimited"'


def read_billing(root: Table, catalog: Catalog) -> Billing:
    """`[billing]` and `[plans]`, both optional; `catalog` knows the services by name, slug and
    alias. Without plans everybody has everything, on the plan `free`."""
    table = root.table("billing")
    table.only("grace_hours", "retry_hours", "start_hours", "time_zone")
    grace_hours = table.whole("grace_hours", 1, _MAX_HOURS, default=24)
    plans = _plans(root, catalog)
    return Billing(
        plans=plans,
        free=plans[FREE_PLAN].terms,
        grace_ms=grace_hours * HOUR,
        retries_ms=_retries(table, grace_hours),
        start_ms=table.whole("start_hours", 1, _MAX_HOURS, default=24) * HOUR,
        time_zone=_time_zone(table),
    )


def _retries(table: Table, grace_hours: int) -> tuple[int, ...]:
    hours = table.wholes("retry_hours", 1, _MAX_HOURS, default=[4, 20, 72, 168])
    if not 1 <= len(hours) <= _MAX_RETRIES or hours != sorted(set(hours)):
        raise table.fault("retry_hours", f"expected 1 to {_MAX_RETRIES} rising numbers of hours")
    if hours[-1] <= grace_hours:
        key = "retry_hours" if "retry_hours" in table.content else "grace_hours"
        raise table.fault(key, f"expected the last retry after the {grace_hours} grace_hours")
    return tuple(hour * HOUR for hour in hours)


def _time_zone(table: Table) -> str:
    name = table.text("time_zone", None, "a time zone", default="UTC")
    try:
        zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        # The last two are what names say that are no names: a path, a folder of zones.
        raise table.fault(
            "time_zone", f"expected a time zone such as Asia/Dhaka, {table.found('time_zone')}"
        ) from error
    return name


def _plans(root: Table, catalog: Catalog) -> dict[str, Plan]:
    if "plans" not in root.content:
        return {FREE_PLAN: Plan(EVERYTHING)}
    plans = {table.path[-1]: _plan(table, catalog) for table in root.tables("plans")}
    if FREE_PLAN not in plans:
        raise root.fault("plans", f"expected [plans.{FREE_PLAN}], for users without a subscription")
    return plans


def _plan(table: Table, catalog: Catalog) -> Plan:
    plan_id = table.path[-1]
    if not WORD.fullmatch(plan_id):
        raise table.fault("", f"a plan's id is 1 to 128 visible characters, found {plan_id!r}")
    table.only(
        "title", "interval", "prices", "credits", "rollover", "services", "limits",
        "warn_percent", "pausable", "trial_days", "trial_credits",
    )  # fmt: skip
    priced = "prices" in table.content
    if priced and plan_id == FREE_PLAN:
        raise table.fault("prices", f"the plan {FREE_PLAN} has no price")
    prices = table.prices("prices") if priced else {}
    trial_days = table.whole("trial_days", 0, _MAX_TRIAL_DAYS, default=0)
    if trial_days and not priced:
        raise table.fault("trial_days", "only a plan with a price has a trial")
    trial_credits = table.whole("trial_credits", 0, MAX_CREDITS, default=0)
    if trial_credits and not trial_days:
        raise table.fault("trial_credits", "only a plan with trial_days has trial_credits")
    return Plan(_terms(table, catalog, priced), prices, trial_days, trial_credits)


def _terms(table: Table, catalog: Catalog, priced: bool) -> Terms:
    """Without the price, which is another in each currency."""
    credits = table.whole("credits", 1 if priced else 0, MAX_CREDITS, None if priced else 0)
    services = _services(table, catalog)
    return Terms(
        plan=table.path[-1],
        title=table.text("title", TEXT, "text", default=table.path[-1]),
        interval=Interval(table.one_of("interval", [i.value for i in Interval])),
        price=None,
        credits=credits,
        rollover=_rollover(table, credits),
        services=services,
        limits=_limits(table, catalog, services),
        warn_percent=table.whole("warn_percent", 1, 100, default=80),
        pausable=table.flag("pausable"),
    )


def _rollover(table: Table, credits: int) -> int:
    rollover = table.whole("rollover", 0, MAX_CREDITS, default=0)
    if rollover > credits * _MAX_PERIODS_KEPT:
        raise table.fault(
            "rollover",
            f"expected at most {_MAX_PERIODS_KEPT} times the plan's credits, found {rollover}",
        )
    return rollover


def _services(table: Table, catalog: Catalog) -> tuple[str, ...] | None:
    """By name, in the catalog's order. None, where absent: every service, later ones too."""
    if "services" not in table.content:
        return None
    names: set[str] = set()
    for word in table.words("services"):
        name = _service(table, "services", word, catalog)
        if name in names:
            raise table.fault("services", f"{word!r} is there twice")
        names.add(name)
    if not names:
        raise table.fault("services", "expected at least one; without the line it is every service")
    return catalog.in_order(names)


def _limits(table: Table, catalog: Catalog, services: tuple[str, ...] | None) -> dict[str, Limit]:
    inside = table.table("limits")
    limits: dict[str, Limit | None] = {}
    for word, value in inside.content.items():
        name = _service(inside, word, word, catalog)
        if services is not None and name not in services:
            raise inside.fault(word, "the plan does not include this service")
        if name in limits:
            raise inside.fault(word, f"{name} is there twice")
        limits[name] = None if value == _UNLIMITED else _limit(inside, word)
    return {name: limit for name, limit in limits.items() if limit is not None}


def _limit(limits: Table, word: str) -> Limit:
    value = limits.content[word]
    units = [unit.value for unit in LimitUnit]
    if not isinstance(value, dict) or len(value) != 1 or not value.keys() <= set(units):
        raise limits.fault(word, f"{_LIMIT}, {limits.found(word)}")
    (unit,) = value
    return Limit(LimitUnit(unit), limits.table(word).whole(unit, 1, MAX_CREDITS))


def _service(table: Table, key: str, word: str, catalog: Catalog) -> str:
    """The service's name."""
    service = catalog.find_service(word)
    if service is None:
        known = ", ".join(service.name for service in catalog.services)
        raise table.fault(key, f"no service {word!r}; expected one of {known}")
    return service.name
