"""Keys of the replaced service, which have no checksum."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from shothik_payment.domain.errors import Unauthenticated, Unavailable
from shothik_payment.domain.model.api_key import ApiKey, digest_of
from shothik_payment.domain.model.time import HOUR, Millis
from shothik_payment.domain.ports.api_keys import KeyChange
from shothik_payment.domain.use_cases.key_ring import CACHE_MS
from tests.support.service import START, TestService
from tests.unit.domain.test_use_case_key_ring import SlowKeys, ring_over


class CountedLegacy(SlowKeys):
    """Counts how often it is asked whether an old key is alive; fails once where told to."""

    legacy_asked = 0
    fails = False

    async def has_legacy(self, at: Millis) -> bool:
        self.legacy_asked += 1
        if self.fails:
            self.fails = False
            raise Unavailable("away")
        return await self._keys.has_legacy(at)


async def old_key(service: TestService, plain: str, **fields: object) -> ApiKey:
    key_id = f"key_{service.ids.next()}"
    key = ApiKey(key_id, "paraphrase_service", "old", digest_of(plain), "", plain[-4:], START)
    key = replace(key, legacy=True, **fields)  # type: ignore[arg-type]
    await service.api_keys.commit(KeyChange([key]))
    return key


@pytest.mark.parametrize(
    "plain", ["sk_paraphrase_" + "0" * 32, "x", "old-key/with+other=signs", "k" * 128]
)
async def test_a_key_of_the_old_service_is_known_without_a_checksum(
    service: TestService, plain: str
) -> None:
    key = await old_key(service, plain)
    assert (await service.ring.principal(plain, None)).key_id == key.id
    with pytest.raises(Unauthenticated, match="unknown"):
        await service.ring.principal("mistyped", None)
    for wrong in ("", "a b", "k" * 129, "ké", "k\n"):
        with pytest.raises(Unauthenticated, match="mistyped"):
            await service.ring.principal(wrong, None)


async def test_mistyped_keys_cost_a_question_a_second_and_no_look_up(
    service: TestService,
) -> None:
    keys = CountedLegacy(service)
    ring = ring_over(service, keys)
    for second in range(1, 3):
        wrong = (ring.principal(f"wrong{n}", None) for n in range(20))
        told = await asyncio.gather(*wrong, return_exceptions=True)
        assert {str(error).endswith("mistyped?") for error in told} == {True}
        assert (keys.legacy_asked, keys.asked) == (second, 0)
        service.clock.advance(CACHE_MS)


async def test_an_old_key_counts_from_its_import_until_the_last_one_is_gone(
    service: TestService,
) -> None:
    with pytest.raises(Unauthenticated, match="mistyped"):
        await service.ring.principal("old", None)
    key = await old_key(service, "old", expires_at=Millis(START + HOUR))
    service.clock.advance(CACHE_MS)
    assert (await service.ring.principal("old", None)).key_id == key.id
    await service.keys.revoke(key.id, actor="admin")
    service.clock.advance(CACHE_MS)
    with pytest.raises(Unauthenticated, match=r"revoked|mistyped"):
        await service.ring.principal("old", None)
    service.clock.advance(CACHE_MS)
    with pytest.raises(Unauthenticated, match="mistyped"):
        await service.ring.principal("old", None)


async def test_a_question_that_failed_is_asked_again(service: TestService) -> None:
    await old_key(service, "old")
    keys = CountedLegacy(service)
    keys.fails = True
    ring = ring_over(service, keys)
    with pytest.raises(Unavailable):
        await ring.principal("old", None)
    await ring.principal("old", None)
    assert keys.legacy_asked == 2
