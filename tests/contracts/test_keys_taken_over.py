"""Two imports that take over one key at once, on every store."""

from __future__ import annotations

import asyncio

from shothik_payment.adapters.system import SystemIds
from shothik_payment.domain.model.api_key import digest_of
from shothik_payment.domain.use_cases.old_identities import TAKEN_OVER
from shothik_payment.domain.use_cases.takeover import OldKey, Takeover
from tests.contracts.bindings import StorePorts, Stores
from tests.support.service import CATALOG, START, TestService, running_service


def taking(service: TestService, ports: StorePorts) -> Takeover:
    return Takeover(
        service.writer,
        ports.documents(TAKEN_OVER),
        ports.api_keys,
        CATALOG,
        {},
        service.clock,
        service.clock,
        SystemIds(),
    )


async def test_both_find_one_key(stores: Stores) -> None:
    async with running_service() as service:
        both = [taking(service, ports) for ports in (stores.ours, stores.theirs)]
        for number in range(4):
            plain = f"sk_old_{number}"
            old = OldKey(digest_of(plain), plain[-4:], "paraphrase", START)
            taken = await asyncio.gather(*(one.take(old) for one in both))
            assert sorted(one.before for one in taken) == [False, True]
    assert len(await stores.ours.api_keys.list(None, None, 99)) == 4
