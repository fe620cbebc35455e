"""One action on many API keys."""

from __future__ import annotations

import pytest

from shothik_payment.domain.errors import (
    ApiKeyRevoked,
    IdempotencyKeyReused,
    InvalidRequest,
    NotFound,
    Unavailable,
)
from shothik_payment.domain.model.api_key import ApiKey
from shothik_payment.domain.use_cases.api_keys import Rotation
from shothik_payment.domain.use_cases.key_bulk import (
    BUDGET_MS,
    MAX_KEYS,
    Bulk,
    BulkAction,
    BulkResult,
    KeyBulk,
)
from shothik_payment.domain.use_cases.key_terms import KeyUpdate
from tests.support.service import TestService
from tests.support.world import key
from tests.unit.domain.test_use_case_api_keys import generate


@pytest.fixture
def bulk(service: TestService) -> KeyBulk:
    return KeyBulk(service.keys, service.api_keys, service.clock)


async def ids(service: TestService, count: int) -> list[str]:
    return [(await generate(service))[0].id for _ in range(count)]


def kinds(results: list[BulkResult]) -> list[type]:
    return [type(result.outcome) for result in results]


async def test_what_fails_for_one_key_spoils_no_other(service: TestService, bulk: KeyBulk) -> None:
    first, revoked, last = await ids(service, 3)
    await service.keys.revoke(revoked, actor="x")
    wanted = [last, "key_none", revoked, first]
    rotated, _ = await bulk.run(Bulk(BulkAction.ROTATE, wanted, grace_seconds=5), actor="x")
    assert [result.key_id for result in rotated] == wanted
    assert kinds(rotated) == [Rotation, NotFound, ApiKeyRevoked, Rotation]
    done = rotated[0].outcome
    assert isinstance(done, Rotation)
    assert done.old.expires_at == service.clock.now() + 5000
    ended, _ = await bulk.run(Bulk(BulkAction.REVOKE, wanted), actor="x", ip="10.0.0.1")
    assert kinds(ended) == [ApiKey, NotFound, ApiKey, ApiKey]
    (entry, *_) = await service.api_keys.audit(first, 9)
    assert (entry.action, entry.actor, entry.ip) == ("revoke", "x", "10.0.0.1")


async def test_keys_are_changed_alike(service: TestService, bulk: KeyBulk) -> None:
    wanted = await ids(service, 3)
    await bulk.run(Bulk(BulkAction.UPDATE, wanted, KeyUpdate(rate_limit=9)), actor="x")
    assert {(await service.keys.get(key_id)).rate_limit for key_id in wanted} == {9}


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        (Bulk(BulkAction.REVOKE, []), "keyIds"),
        (Bulk(BulkAction.REVOKE, ["a", "b", "a"]), "keyIds"),
        (Bulk(BulkAction.REVOKE, [f"key_{n}" for n in range(MAX_KEYS + 1)]), "keyIds"),
        (Bulk(BulkAction.UPDATE, ["a"]), "changes"),
    ],
)
async def test_what_is_wrong_with_the_whole_is_refused(
    bulk: KeyBulk, wanted: Bulk, path: str
) -> None:
    with pytest.raises(InvalidRequest, match=path):
        await bulk.run(wanted, actor="x")


async def test_a_repeat_changes_each_key_once_and_judges_refusals_again(
    service: TestService, bulk: KeyBulk
) -> None:
    first, second = await ids(service, 2)
    # As if the first try had been cut off behind the first key, which somebody then renamed.
    wanted = Bulk(BulkAction.UPDATE, [first, second], KeyUpdate(name="b"))
    results, repeated = await bulk.run(wanted, actor="x", request=key("k"))
    assert not repeated
    await service.keys.update(first, KeyUpdate(name="later"), actor="y")
    results, repeated = await bulk.run(wanted, actor="x", request=key("k"))
    assert repeated
    assert [r.outcome.name for r in results if isinstance(r.outcome, ApiKey)] == ["later", "b"]
    other = Bulk(BulkAction.REVOKE, [first])
    with pytest.raises(IdempotencyKeyReused):
        await bulk.run(other, actor="x", request=key("k", b"other"))
    assert (await service.keys.get(first)).revoked_at is None


async def test_a_repeated_bulk_rotation_makes_no_second_keys(
    service: TestService, bulk: KeyBulk
) -> None:
    wanted = Bulk(BulkAction.ROTATE, await ids(service, 2))
    first, _ = await bulk.run(wanted, actor="x", request=key("k"))
    again, _ = await bulk.run(wanted, actor="x", request=key("k"))
    told = [[r.outcome for r in results if isinstance(r.outcome, Rotation)]
            for results in (first, again)]  # fmt: skip
    assert [one.key for one in told[0]] == [one.key for one in told[1]]
    assert [one.plain is None for one in (*told[0], *told[1])] == [False, False, True, True]
    assert len(service.state.api_keys) == 4


async def test_what_there_is_no_time_for_is_left_for_a_repeat(service: TestService) -> None:
    class Slow(type(service.keys)):  # type: ignore[misc]
        async def get(self, key_id: str) -> ApiKey:
            service.clock.advance(BUDGET_MS + 1)
            return await super().get(key_id)  # type: ignore[no-any-return]

    keys = Slow(service.api_keys, service.catalog, service.clock, service.ids)
    slow = KeyBulk(keys, service.api_keys, service.clock)
    wanted = Bulk(BulkAction.REVOKE, await ids(service, 2))
    results, _ = await slow.run(wanted, actor="x", request=key("k"))
    assert kinds(results) == [ApiKey, Unavailable]
    rest = KeyBulk(service.keys, service.api_keys, service.clock)
    results, _ = await rest.run(wanted, actor="x", request=key("k"))
    assert kinds(results) == [ApiKey, ApiKey]
