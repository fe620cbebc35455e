"""Keys looked up in a store that takes its time, while they are revoked or end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shothik_payment.domain.errors import Unauthenticated, Unavailable
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.use_cases.key_ring import KeyRing
from tests.support.service import START, TestService
from tests.unit.domain.test_use_case_api_keys import generate
from tests.unit.domain.test_use_case_key_ring import SlowKeys, ring_over


async def _waiting_at_the_gate(ring: KeyRing, plain: str, keys: SlowKeys) -> asyncio.Task[Any]:
    """Once the key was read."""
    keys.gate.clear()
    keys.read.clear()
    asking = asyncio.create_task(ring.principal(plain, None))
    await keys.read.wait()
    return asking


async def test_what_a_slow_store_has_read_before_a_revocation_admits_nobody(
    service: TestService,
) -> None:
    made, plain = await generate(service)
    keys = SlowKeys(service)
    ring = ring_over(service, keys)
    asking = await _waiting_at_the_gate(ring, plain, keys)
    await service.keys.revoke(made.id, actor="admin")
    service.clock.advance(3000)
    keys.gate.set()
    with pytest.raises(Unauthenticated, match="revoked"):
        await asking
    assert keys.asked == 2


async def test_a_store_that_stays_slow_is_not_asked_for_ever(service: TestService) -> None:
    _, plain = await generate(service)
    keys = SlowKeys(service)
    ring = ring_over(service, keys)
    keys.seconds = 3
    with pytest.raises(Unavailable):
        await ring.principal(plain, None)
    assert keys.asked == 2
    keys.seconds = 1
    assert (await ring.principal(plain, None)).service.name == "paraphrase_service"


async def test_a_key_that_ends_while_it_is_looked_up_is_refused(service: TestService) -> None:
    _, plain = await generate(service, expires_at=Millis(START + 500))
    keys = SlowKeys(service)
    keys.seconds = 1
    with pytest.raises(Unauthenticated, match="expired"):
        await ring_over(service, keys).principal(plain, None)
