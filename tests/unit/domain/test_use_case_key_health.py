"""Health checks of API keys, and warnings before they end."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from shothik_payment.adapters.memory.rate_limiter import MemoryRateLimiter
from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.model.api_key import ENDS_SOON, ApiKey, Scope
from shothik_payment.domain.model.time import DAY, HOUR, Millis
from shothik_payment.domain.use_cases.key_health import Health, KeyHealth, Reason
from shothik_payment.domain.use_cases.key_terms import KeyUpdate
from shothik_payment.domain.use_cases.key_warnings import KeyWarnings
from tests.support.service import CATALOG, START, TestService
from tests.unit.domain.test_use_case_api_keys import generate

USED = Millis(START - HOUR)
GOOD = ApiKey("key_1", "slide_service", "n", b"", "sk_slide_", "1234", USED, last_used_at=USED)
_SOON = Millis(START + ENDS_SOON)


@pytest.fixture
def limiter(service: TestService) -> MemoryRateLimiter:
    return MemoryRateLimiter(service.clock)


@pytest.fixture
def health(service: TestService, limiter: MemoryRateLimiter) -> KeyHealth:
    return KeyHealth(CATALOG, limiter, service.clock, 1000)


@pytest.mark.parametrize(
    ("changes", "valid", "reasons"),
    [
        ({}, True, []),
        ({"revoked_at": USED}, False, [Reason.REVOKED]),
        ({"expires_at": START}, False, [Reason.EXPIRED]),
        ({"service": "gone_service"}, False, [Reason.SERVICE_GONE]),
        ({"scopes": []}, False, [Reason.NO_SCOPES]),
        ({"replaced_by": "key_2"}, True, [Reason.ROTATED]),
        ({"expires_at": _SOON}, True, [Reason.EXPIRES_SOON]),
        ({"expires_at": Millis(_SOON + 1)}, True, []),
        ({"last_used_at": None}, True, [Reason.NEVER_USED]),
        ({"legacy": True}, True, [Reason.LEGACY]),
        (
            {"revoked_at": USED, "expires_at": _SOON, "replaced_by": "key_2"},
            False,
            [Reason.REVOKED, Reason.ROTATED],
        ),
    ],
)
async def test_reasons(
    health: KeyHealth, changes: dict[str, object], valid: bool, reasons: list[Reason]
) -> None:
    found = await health.check(replace(GOOD, **changes))  # type: ignore[arg-type]
    assert (found.valid, found.reasons) == (valid, reasons)


async def test_what_remains_is_of_the_line_or_of_the_service(
    health: KeyHealth, limiter: MemoryRateLimiter
) -> None:
    own = replace(GOOD, rate_limit=2, line="key_0", expires_at=Millis(START + 1500))
    for left in (2, 1, 0):
        found = await health.check(own)
        assert (found.rate_limit_remaining, found.expires_in) == (left, 1)
        assert (Reason.RATE_LIMITED in found.reasons, found.valid) == (left == 0, True)
        await limiter.hit("key:key_0", 2, 3600)
    await limiter.hit("service:slide_service", 1000, 3600)
    assert await health.check(GOOD) == Health(True, [], None, 999, USED)


async def test_where_nobody_can_count_nothing_is_said_of_it(
    service: TestService, limiter: MemoryRateLimiter
) -> None:
    class Away(MemoryRateLimiter):
        def remaining(self, subject: str, limit: int, window_seconds: int) -> object:  # type: ignore[override]
            raise Unavailable("away")

    away = KeyHealth(CATALOG, Away(service.clock), service.clock, 1000)
    assert await away.check(GOOD) == Health(True, [], None, None, USED)


async def test_each_end_is_warned_of_once(service: TestService) -> None:
    ours, theirs = (KeyWarnings(service.api_keys, service.clock) for _ in range(2))
    ends = {}
    for name, days in (("far", 30), ("near", 7), ("revoked", 1), ("rotated", 1)):
        end = Millis(START + days * DAY)
        ends[name] = (await generate(service, name=name, expires_at=end))[0].id
    await generate(service)
    await service.keys.revoke(ends["revoked"], actor="x")
    successor = (await service.keys.rotate(ends["rotated"], actor="x")).key
    answers = await asyncio.gather(ours.run(), theirs.run())
    warned = sorted(key.id for keys, _ in answers for key in keys)
    assert warned == sorted([ends["near"], successor.id])
    assert [more for _, more in answers] == [False, False]
    (entry, *_) = await service.api_keys.audit(ends["near"], 9)
    assert (entry.action, entry.actor, entry.changes) == (
        "expires_soon",
        "scheduler",
        {"expiresAt": "2023-11-21T22:13:20.000Z"},
    )
    service.clock.advance(DAY)
    assert await ours.run() == ([], False)
    # Another end is warned of again.
    moved = KeyUpdate(expires_at=Millis(START + 8 * DAY))
    await service.keys.update(ends["near"], moved, actor="x")
    assert [key.id for key in (await theirs.run())[0]] == [ends["near"]]
    assert await ours.run() == ([], False)


async def test_a_key_that_is_changed_meanwhile_is_warned_of_the_next_time(
    service: TestService,
) -> None:
    made, _ = await generate(service, expires_at=Millis(START + DAY), scopes=[Scope.CREDITS_READ])

    class Overtaken(type(service.api_keys)):  # type: ignore[misc]
        async def ending(self, since: Millis, until: Millis, limit: int) -> object:
            found = await super().ending(since, until, limit)
            await service.keys.update(made.id, KeyUpdate(expires_at=None), actor="x")
            return found

    assert await KeyWarnings(Overtaken(service.state), service.clock).run() == ([], False)
    assert (await service.keys.get(made.id)).expires_at is None
    assert await KeyWarnings(service.api_keys, service.clock).run() == ([], False)
