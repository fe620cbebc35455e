"""API keys told apart at the door."""

import asyncio

import pytest

from shothik_payment.domain.errors import (
    Forbidden,
    Unauthenticated,
)
from shothik_payment.domain.model.api_key import (
    ApiKey,
    Scope,
    compose_key,
)
from shothik_payment.domain.model.time import HOUR, MINUTE, SECOND, Millis
from shothik_payment.domain.use_cases.api_keys import KeyAdministration
from shothik_payment.domain.use_cases.key_ring import CACHE_MS, CACHED_REFUSALS, KeyRing
from tests.support.service import CATALOG, START, TestService
from tests.unit.domain.test_use_case_api_keys import generate


class SlowKeys:
    """Counts look-ups, and answers them only while the gate is open, after some seconds."""

    def __init__(self, service: TestService) -> None:
        self._keys, self._clock = service.api_keys, service.clock
        self.read = asyncio.Event()
        self.seconds = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = 0

    async def by_digest(self, digest: bytes) -> ApiKey | None:
        self.asked += 1
        found = await self._keys.by_digest(digest)
        self.read.set()
        await self.gate.wait()
        self._clock.advance(self.seconds * SECOND)
        return found

    def __getattr__(self, name: str) -> object:
        return getattr(self._keys, name)


def ring_over(service: TestService, keys: SlowKeys) -> KeyRing:
    return KeyRing(keys, CATALOG, service.active, service.clock)  # type: ignore[arg-type]


async def test_a_key_stands_for_its_service(service: TestService) -> None:
    made, plain = await generate(service, scopes=[Scope.CREDITS_READ], rate_limit=5)
    principal = await service.ring.principal(plain, None)
    assert (principal.service.name, principal.key_id) == ("paraphrase_service", made.id)
    assert (principal.scopes, principal.rate_limit) == (frozenset({Scope.CREDITS_READ}), 5)


async def test_a_mistyped_key_is_refused_before_any_look_up(service: TestService) -> None:
    _, plain = await generate(service)
    keys = SlowKeys(service)
    ring = ring_over(service, keys)
    for wrong in ("", "sk_paraphrase_x", plain[:-1], plain.swapcase(), plain + "0"):
        with pytest.raises(Unauthenticated, match="mistyped"):
            await ring.principal(wrong, None)
    assert keys.asked == 0


async def test_a_key_nobody_made_costs_one_look_up_a_second(service: TestService) -> None:
    _, plain = await generate(service)
    service.state.api_keys_by_digest.clear()
    keys = SlowKeys(service)
    ring = ring_over(service, keys)
    for step, asked in ((0, 1), (CACHE_MS - 1, 1), (1, 2), (-HOUR, 3)):
        service.clock.advance(step)
        for _ in range(3):
            with pytest.raises(Unauthenticated, match="unknown"):
                await ring.principal(plain, None)
        assert keys.asked == asked


async def test_what_is_kept_of_keys_that_are_no_good_is_bounded(service: TestService) -> None:
    numbers = range(CACHED_REFUSALS + 1)
    plains = [compose_key("paraphrase", bytes((n // 62, n % 62) * 32)) for n in numbers]
    keys = SlowKeys(service)
    ring = ring_over(service, keys)
    for plain in (*plains, plains[0]):
        with pytest.raises(Unauthenticated, match="unknown"):
            await ring.principal(plain, None)
    assert keys.asked == len(plains) + 1


async def test_a_refusal_is_not_told_of_another_key(service: TestService) -> None:
    revoked, plain = await generate(service)
    _, good = await generate(service)
    await service.keys.revoke(revoked.id, actor="admin")
    for _ in range(2):
        with pytest.raises(Unauthenticated, match="revoked"):
            await service.ring.principal(plain, None)
        await service.ring.principal(good, None)


async def test_a_key_is_believed_for_a_second_and_no_longer(service: TestService) -> None:
    _, plain = await generate(service)
    keys = SlowKeys(service)
    ring = ring_over(service, keys)
    for step in (0, 1, CACHE_MS - 2):
        service.clock.advance(step)
        await ring.principal(plain, None)
    assert keys.asked == 1
    service.clock.advance(1)
    await ring.principal(plain, None)
    assert keys.asked == 2


async def test_a_revocation_is_heeded_within_two_seconds(service: TestService) -> None:
    made, plain = await generate(service)
    await service.ring.principal(plain, None)
    await service.keys.revoke(made.id, actor="admin")
    service.clock.advance(2000)
    with pytest.raises(Unauthenticated, match="revoked"):
        await service.ring.principal(plain, None)


async def test_a_key_that_ends_inside_the_cache_is_refused_at_its_end(
    service: TestService,
) -> None:
    _, plain = await generate(service, expires_at=Millis(START + 500))
    service.clock.advance(499)
    await service.ring.principal(plain, None)
    service.clock.advance(1)
    with pytest.raises(Unauthenticated, match="expired"):
        await service.ring.principal(plain, None)
    service.clock.advance(5000)
    with pytest.raises(Unauthenticated, match="expired"):
        await service.ring.principal(plain, None)


async def test_a_clock_that_steps_back_does_not_stretch_the_cache(service: TestService) -> None:
    made, plain = await generate(service)
    await service.ring.principal(plain, None)
    await service.keys.revoke(made.id, actor="admin")
    service.clock.advance(-HOUR)
    with pytest.raises(Unauthenticated, match="revoked"):
        await service.ring.principal(plain, None)


async def test_many_at_once_share_one_look_up(service: TestService) -> None:
    made, plain = await generate(service)
    keys = SlowKeys(service)
    ring = ring_over(service, keys)
    keys.gate.clear()
    asking = [asyncio.ensure_future(ring.principal(plain, None)) for _ in range(20)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    # One of them goes away; the look-up is everybody's.
    asking[0].cancel()
    keys.gate.set()
    principals = await asyncio.gather(*asking[1:])
    assert {principal.key_id for principal in principals} == {made.id}
    assert keys.asked == 1


async def test_a_look_up_that_takes_long_is_shared_for_a_second_only(
    service: TestService,
) -> None:
    """What it saw may be older than the revocation."""
    made, plain = await generate(service)
    keys = SlowKeys(service)
    ring = ring_over(service, keys)
    keys.gate.clear()
    early = asyncio.ensure_future(ring.principal(plain, None))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await service.keys.revoke(made.id, actor="admin")
    service.clock.advance(CACHE_MS)
    late = asyncio.ensure_future(ring.principal(plain, None))
    await asyncio.sleep(0)
    keys.gate.set()
    assert (await early).key_id == made.id
    with pytest.raises(Unauthenticated, match="revoked"):
        await late
    with pytest.raises(Unauthenticated, match="revoked"):
        await ring.principal(plain, None)


@pytest.mark.parametrize(
    ("ip", "allowed"),
    [
        ("10.1.2.3", True),
        ("192.168.1.7", True),
        ("2001:db8::1", True),
        ("192.168.1.8", False),
        ("11.0.0.1", False),
        ("2001:db9::1", False),
        ("::ffff:11.0.0.1", False),
        ("nonsense", False),
        (None, False),
    ],
)
async def test_a_key_is_used_from_its_addresses_only(
    service: TestService, ip: str | None, allowed: bool
) -> None:
    networks = ["10.0.0.0/8", "192.168.1.7", "2001:db8::/32"]
    _, plain = await generate(service, allowed_ips=networks)
    for _ in range(2):  # from the store, then from the cache
        if allowed:
            await service.ring.principal(plain, ip)
        else:
            with pytest.raises(Forbidden):
                await service.ring.principal(plain, ip)


async def test_a_service_is_active_from_its_first_key_on(service: TestService) -> None:
    assert service.active.names() == ()
    await generate(service, "slide")
    await generate(service, "paraphrase")
    await service.active.refresh()
    assert service.active.names() == ("paraphrase_service", "slide_service")
    assert service.active.rules().active_services == ("paraphrase_service", "slide_service")


async def test_a_key_made_elsewhere_makes_its_service_active_when_it_is_used(
    service: TestService,
) -> None:
    _, plain = await generate(service, "slide")
    await service.ring.principal(plain, None)
    assert service.active.names() == ("slide_service",)


async def test_a_service_stays_active_when_its_key_is_revoked(service: TestService) -> None:
    made, _ = await generate(service, "slide")
    await service.keys.revoke(made.id, actor="admin")
    await service.active.refresh()
    assert service.active.names() == ("slide_service",)


async def test_ipv4_through_an_ipv6_socket_is_ipv4(service: TestService) -> None:
    for networks in (["10.0.0.0/8"], ["::ffff:10.0.0.0/104"], ["::ffff:10.1.2.3"]):
        _, plain = await generate(service, allowed_ips=networks)
        for ip in ("10.1.2.3", "::ffff:10.1.2.3", "::ffff:a01:203"):
            await service.ring.principal(plain, ip)
        for ip in ("11.1.2.3", "::10.1.2.3", "::ffff:11.1.2.3"):
            with pytest.raises(Forbidden):
                await service.ring.principal(plain, ip)


@pytest.mark.parametrize("skew", [-5 * MINUTE, 5 * MINUTE])
async def test_an_end_is_by_each_process_s_own_clock(service: TestService, skew: int) -> None:
    """Clocks that differ by five minutes move an end by as much, and nothing else."""
    _, plain = await generate(service, expires_at=Millis(START + HOUR))
    clock = type(service.clock)()
    clock.advance(skew)
    ring = KeyRing(service.api_keys, CATALOG, service.active, clock)
    clock.advance(HOUR - skew - 1)
    await ring.principal(plain, None)
    clock.advance(1)
    with pytest.raises(Unauthenticated, match="expired"):
        await ring.principal(plain, None)
    # A rotation by a process whose clock is ahead gives the old key no more than its own end.
    made, _ = await generate(service, expires_at=Millis(START + HOUR))
    clock.time = Millis(START + skew)
    keys = KeyAdministration(service.api_keys, CATALOG, clock, service.ids)
    old = (await keys.rotate(made.id, actor="admin", grace_seconds=3600)).old
    assert old.expires_at == min(START + HOUR, START + skew + HOUR)
