"""Two processes that change one key at once, on every store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from shothik_payment.adapters.system import SystemIds
from shothik_payment.domain.errors import ApiKeyRevoked, ApiKeyRotated
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.model.api_key import ApiKey
from shothik_payment.domain.model.time import DAY, Millis
from shothik_payment.domain.use_cases.api_keys import KeyAdministration, Rotation
from shothik_payment.domain.use_cases.key_terms import KeyUpdate
from shothik_payment.domain.use_cases.key_warnings import KeyWarnings
from tests.contracts.bindings import Stores
from tests.contracts.cache_bindings import HeldClock
from tests.support.service import CATALOG


class Admins:
    """The same use case in two processes."""

    def __init__(self, stores: Stores) -> None:
        self.clock, self.stores = HeldClock(), stores
        self.both = [
            KeyAdministration(ports.api_keys, CATALOG, self.clock, SystemIds())
            for ports in (stores.ours, stores.theirs)
        ]
        self.ours, self.theirs = self.both

    async def made(self, **terms: Any) -> ApiKey:
        return (await self.ours.generate("paraphrase", actor="a", **terms))[0]

    async def told(self, key_id: str) -> list[str]:
        return [entry.action for entry in await self.stores.ours.api_keys.audit(key_id, 99)]


async def at_once(*calls: Awaitable[Any]) -> list[Any]:
    return await asyncio.gather(*calls, return_exceptions=True)


async def test_of_two_rotations_at_once_one_wins(stores: Stores) -> None:
    admins = Admins(stores)
    for _ in range(4):
        key = await admins.made()
        answers = await at_once(*(admin.rotate(key.id, actor="a") for admin in admins.both))
        (done,) = [answer for answer in answers if isinstance(answer, Rotation)]
        (refused,) = [answer for answer in answers if isinstance(answer, ApiKeyRotated)]
        assert refused.replaced_by == done.key.id
        assert await admins.theirs.get(key.id) == done.old
        assert await admins.theirs.get(done.key.id) == done.key
        assert await admins.told(key.id) == ["rotate", "generate"]
    assert len(await stores.ours.api_keys.list(None, None, 99)) == 8


class Overtaken:
    """The keys; when a request was looked for in vain, `meanwhile` happens once."""

    def __init__(self, keys: Any, meanwhile: Callable[[], Awaitable[object]]) -> None:
        self._keys, self._meanwhile = keys, [meanwhile]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._keys, name)

    async def request(self, actor: str, key: str) -> Any:
        found = await self._keys.request(actor, key)
        if found is None and self._meanwhile:
            await self._meanwhile.pop()()
        return found


@pytest.mark.parametrize("same", [True, False])
async def test_a_rotation_that_was_overtaken_by_its_own_repeat_is_done(
    stores: Stores, same: bool
) -> None:
    admins = Admins(stores)
    key, asked = await admins.made(), RequestBinding("rotate k", "k", b"f")
    other = asked if same else RequestBinding("rotate l", "l", b"f")
    faster = partial(admins.theirs.rotate, key.id, actor="a", request=asked)
    keys: Any = Overtaken(stores.ours.api_keys, faster)
    slower = KeyAdministration(keys, CATALOG, admins.clock, SystemIds())
    (answer,) = await at_once(slower.rotate(key.id, actor="a", request=other))
    if same:
        assert (answer.plain, answer.key.replaces) == (None, key.id)
    else:
        assert isinstance(answer, ApiKeyRotated)
    assert len(await stores.ours.api_keys.list(None, None, 9)) == 2


async def test_one_rotation_under_one_request_key(stores: Stores) -> None:
    admins = Admins(stores)
    key, asked = await admins.made(), RequestBinding("rotate k", "k", b"f")
    answers = await at_once(
        *(admin.rotate(key.id, actor="a", request=asked) for admin in admins.both * 2)
    )
    assert len({answer.key.id for answer in answers}) == 1
    assert [answer.plain for answer in answers].count(None) == 3
    assert len(await stores.ours.api_keys.list(None, None, 99)) == 2


async def test_a_rotation_against_a_revocation(stores: Stores) -> None:
    """Whoever is first, the key is revoked at the end; a key made by then is told of."""
    admins = Admins(stores)
    for _ in range(4):
        key = await admins.made()
        rotation, revocation = await at_once(
            admins.ours.rotate(key.id, actor="a"), admins.theirs.revoke(key.id, actor="b")
        )
        stored = await admins.ours.get(key.id)
        assert stored.revoked_at is not None
        assert revocation[0].revoked_at == stored.revoked_at
        if isinstance(rotation, ApiKeyRevoked):
            assert await admins.told(key.id) == ["revoke", "generate"]
            assert stored.replaced_by is None
        else:
            assert await admins.told(key.id) == ["revoke", "rotate", "generate"]
            assert stored.replaced_by == rotation.key.id


async def test_of_two_changes_at_once_neither_is_lost(stores: Stores) -> None:
    admins = Admins(stores)
    key = await admins.made()
    changes = [KeyUpdate(name="new"), KeyUpdate(rate_limit=7), KeyUpdate(allowed_ips=["10.0.0.1"])]
    calls = [
        admins.both[n % 2].update(key.id, change, actor="a") for n, change in enumerate(changes)
    ]
    answers = await at_once(*calls)
    assert [replayed for _, replayed in answers] == [False] * 3
    stored = await admins.ours.get(key.id)
    assert (stored.name, stored.rate_limit, stored.allowed_ips) == ("new", 7, ["10.0.0.1/32"])
    assert stored.version == 3
    assert await admins.told(key.id) == [*["update"] * 3, "generate"]


async def test_an_end_is_warned_of_by_one_process(stores: Stores) -> None:
    admins = Admins(stores)
    ends = Millis(admins.clock.now() + DAY)
    made = [(await admins.made(expires_at=ends)).id for _ in range(6)]
    processes = [KeyWarnings(p.api_keys, admins.clock) for p in (stores.ours, stores.theirs)]
    for _ in range(2):
        answers = await at_once(*(process.run() for process in processes))
        warned = sorted(key.id for keys, _ in answers for key in keys)
        assert warned == sorted(made)
        made = []
    assert [key.version for key in await stores.ours.api_keys.list(None, None, 9)] == [1] * 6
