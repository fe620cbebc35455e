"""What may be changed of an API key, and what rotating it does."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from shothik_payment.domain.errors import (
    ApiKeyExpired,
    ApiKeyRevoked,
    ApiKeyRotated,
    Conflict,
    IdempotencyKeyReused,
    InvalidRequest,
    PaymentServiceError,
)
from shothik_payment.domain.model.api_key import (
    DEFAULT_GRACE_SECONDS,
    ApiKey,
    Scope,
    well_formed,
)
from shothik_payment.domain.model.time import DAY, HOUR, Millis
from shothik_payment.domain.use_cases.api_keys import KeyAdministration
from shothik_payment.domain.use_cases.key_terms import KeyUpdate
from tests.support.service import CATALOG, START, TestService
from tests.support.world import key
from tests.unit.domain.test_use_case_api_keys import generate

SOON = Millis(START + HOUR)
LATER = Millis(START + 2 * HOUR)
EVERYTHING = KeyUpdate("new", [Scope.CREDITS_READ] * 2, SOON, ["::ffff:10.0.0.0/104"], 7)


async def update(service: TestService, key_id: str, change: KeyUpdate) -> ApiKey:
    return (await service.keys.update(key_id, change, actor="admin"))[0]


async def test_what_is_given_is_changed_and_told(service: TestService) -> None:
    made, _ = await generate(service)
    changed = await update(service, made.id, EVERYTHING)
    assert changed == replace(
        made,
        name="new",
        scopes=[Scope.CREDITS_READ],
        expires_at=SOON,
        allowed_ips=["10.0.0.0/8"],
        rate_limit=7,
        version=1,
    )
    assert await service.keys.get(made.id) == changed
    (entry, _) = await service.api_keys.audit(made.id, 9)
    assert (entry.action, entry.changes) == (
        "update",
        {
            "name": "new",
            "scopes": "credits:read",
            "expiresAt": "2023-11-14T23:13:20.000Z",
            "allowedIps": "10.0.0.0/8",
            "rateLimit": "7",
        },
    )


async def test_what_is_absent_stays_and_none_lifts(service: TestService) -> None:
    made, _ = await generate(service, expires_at=SOON, allowed_ips=["10.0.0.1"], rate_limit=7)
    assert await update(service, made.id, KeyUpdate()) == made
    lifting = KeyUpdate(expires_at=None, allowed_ips=None, rate_limit=None)
    lifted = await update(service, made.id, lifting)
    assert (lifted.expires_at, lifted.allowed_ips, lifted.rate_limit) == (None, [], None)
    assert lifted.name == made.name
    entries = await service.api_keys.audit(made.id, 9)
    assert entries[0].changes == {
        "expiresAt": "never",
        "allowedIps": "any",
        "rateLimit": "the service's",
    }
    assert len(entries) == 2


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (KeyUpdate(expires_at=START), "expiresAt"),
        (KeyUpdate(allowed_ips=["10.0.0.0/8", "10.0.0.0/33"]), r"allowedIps\[1\]"),
        (KeyUpdate(allowed_ips=[f"10.0.0.{n}" for n in range(101)]), "at most 100"),
    ],
)
async def test_what_is_wrong_with_a_change_is_named(
    service: TestService, change: KeyUpdate, path: str
) -> None:
    made, _ = await generate(service)
    with pytest.raises(InvalidRequest, match=path):
        await update(service, made.id, change)
    assert await service.keys.get(made.id) == made


async def test_a_key_that_is_no_more_is_not_changed_nor_rotated(service: TestService) -> None:
    revoked, _ = await generate(service, expires_at=SOON)
    await service.keys.revoke(revoked.id, actor="admin")
    ended, _ = await generate(service, expires_at=SOON)
    service.clock.advance(HOUR)
    cases: list[tuple[str, type[PaymentServiceError]]]
    cases = [(revoked.id, ApiKeyRevoked), (ended.id, ApiKeyExpired)]
    for key_id, refusal in cases:
        with pytest.raises(refusal):
            await update(service, key_id, KeyUpdate(expires_at=None, name="new"))
        with pytest.raises(refusal):
            await service.keys.rotate(key_id, actor="admin")
    assert len(service.state.api_keys) == 2
    assert (await service.keys.revoke(ended.id, actor="admin"))[0].revoked_at is not None


async def test_two_changes_at_once_are_both_made(service: TestService) -> None:
    made, _ = await generate(service)
    await asyncio.gather(
        update(service, made.id, KeyUpdate(name="new")),
        update(service, made.id, KeyUpdate(rate_limit=7)),
    )
    changed = await service.keys.get(made.id)
    assert (changed.name, changed.rate_limit, changed.version) == ("new", 7, 2)


async def test_a_rotation_hands_on_every_term(service: TestService) -> None:
    terms = {
        "name": "jobs",
        "scopes": [Scope.CREDITS_READ],
        "allowed_ips": ["10.0.0.0/8"],
        "rate_limit": 7,
        "expires_at": Millis(START + 90 * DAY),
    }
    made, old_plain = await generate(service, **terms)
    service.clock.advance(HOUR)
    done = await service.keys.rotate(made.id, actor="admin", ip="10.0.0.1")
    new, old = done.key, done.old
    assert done.plain is not None
    assert well_formed(done.plain)
    assert {name: getattr(new, name) for name in terms} == terms
    assert (new.id != made.id, new.service, new.last4) == (True, made.service, done.plain[-4:])
    assert (new.line, new.replaces, new.replaced_by, new.created_at) == (
        made.id,
        made.id,
        None,
        SOON,
    )
    assert old == replace(
        made,
        expires_at=Millis(SOON + DEFAULT_GRACE_SECONDS * 1000),
        rotated_at=SOON,
        replaced_by=new.id,
        version=1,
    )
    assert [await service.keys.get(one.id) for one in (old, new)] == [old, new]
    (entry, _) = await service.api_keys.audit(old.id, 9)
    assert (entry.action, entry.actor, entry.ip) == ("rotate", "admin", "10.0.0.1")
    assert entry.changes == {"replacedBy": new.id, "expiresAt": "2023-11-15T23:13:20.000Z"}
    (entry,) = await service.api_keys.audit(new.id, 9)
    assert (entry.action, entry.changes["replaces"]) == ("generate", old.id)
    for plain, key_id in ((old_plain, old.id), (done.plain, new.id)):
        principal = await service.ring.principal(plain, "10.1.1.1")
        assert (principal.key_id, principal.key_line) == (key_id, made.id)
    again = await service.keys.rotate(new.id, actor="admin")
    assert (again.key.line, again.key.replaces) == (made.id, new.id)


@pytest.mark.parametrize(
    ("grace_seconds", "end"), [(0, START), (1, START + 1000), (3600, SOON), (7200, SOON)]
)
async def test_an_old_key_ends_after_the_grace_or_at_its_end(
    service: TestService, grace_seconds: int, end: Millis
) -> None:
    made, _ = await generate(service, expires_at=SOON)
    done = await service.keys.rotate(made.id, actor="admin", grace_seconds=grace_seconds)
    assert (done.old.expires_at, done.key.expires_at) == (end, SOON)


async def test_a_rotated_key_is_not_rotated_again(service: TestService) -> None:
    made, _ = await generate(service)
    done = await service.keys.rotate(made.id, actor="admin")
    with pytest.raises(ApiKeyRotated) as refused:
        await service.keys.rotate(made.id, actor="admin")
    assert refused.value.replaced_by == done.key.id
    assert len(service.state.api_keys) == 2


@pytest.mark.parametrize(
    "change",
    [
        KeyUpdate(expires_at=None),
        KeyUpdate(expires_at=Millis(START + DEFAULT_GRACE_SECONDS * 1000 + 1)),
        KeyUpdate(rate_limit=8),
        KeyUpdate(rate_limit=None),
        KeyUpdate(scopes=list(Scope)),
        KeyUpdate(allowed_ips=None),
        KeyUpdate(name="new", expires_at=SOON, rate_limit=6),
    ],
)
async def test_a_rotated_key_gets_no_more(service: TestService, change: KeyUpdate) -> None:
    made, _ = await generate(
        service, rate_limit=7, scopes=[Scope.CREDITS_READ], allowed_ips=["10.0.0.1"]
    )
    old = (await service.keys.rotate(made.id, actor="admin")).old
    with pytest.raises(ApiKeyRotated):
        await update(service, made.id, change)
    assert await service.keys.get(made.id) == old


async def test_a_rotated_key_may_end_earlier_and_have_another_name(service: TestService) -> None:
    made, _ = await generate(service, rate_limit=7)
    await service.keys.rotate(made.id, actor="admin")
    sooner = await update(service, made.id, KeyUpdate("new", expires_at=SOON, rate_limit=7))
    assert (sooner.name, sooner.expires_at) == ("new", SOON)
    with pytest.raises(ApiKeyRotated):
        await update(service, made.id, KeyUpdate(expires_at=LATER))


async def test_of_two_rotations_at_once_one_wins(service: TestService) -> None:
    made, _ = await generate(service)
    rotations = (service.keys.rotate(made.id, actor="admin") for _ in range(2))
    done, refused = sorted(
        await asyncio.gather(*rotations, return_exceptions=True),
        key=lambda one: isinstance(one, BaseException),
    )
    assert not isinstance(done, BaseException)
    assert isinstance(refused, ApiKeyRotated)
    assert (refused.replaced_by, len(service.state.api_keys)) == (done.key.id, 2)


async def test_a_repeated_rotation_shows_the_same_keys_without_the_text(
    service: TestService,
) -> None:
    made, _ = await generate(service)
    first, again = await asyncio.gather(
        *(service.keys.rotate(made.id, actor="admin", request=key("r")) for _ in range(2))
    )
    service.clock.advance(HOUR)
    later = await service.keys.rotate(made.id, actor="admin", request=key("r"))
    assert {first.key.id, again.key.id} == {later.key.id}
    assert [first.plain, again.plain, later.plain].count(None) == 2
    assert (later.key, later.old) == (first.key, first.old)
    with pytest.raises(IdempotencyKeyReused):
        await service.keys.rotate(made.id, actor="admin", request=key("r", b"other"))
    # The new key can be rotated meanwhile: a repeat still tells of the first rotation.
    await service.keys.rotate(first.key.id, actor="admin")
    later = await service.keys.rotate(made.id, actor="admin", request=key("r"))
    assert (later.key.id, later.old.id) == (first.key.id, made.id)


async def test_a_key_of_a_service_that_is_gone_is_not_rotated(service: TestService) -> None:
    made, _ = await generate(service, "slide")
    catalog = replace(CATALOG, services=CATALOG.services[:1])
    keys = KeyAdministration(service.api_keys, catalog, service.clock, service.ids)
    with pytest.raises(Conflict, match="no more"):
        await keys.rotate(made.id, actor="admin")
    assert await service.keys.get(made.id) == made


async def test_a_legacy_key_is_rotated_into_one_with_a_checksum(service: TestService) -> None:
    made, _ = await generate(service)
    service.state.api_keys[made.id] = service.state.api_keys[made.id].replace(
        b'"legacy":false', b'"legacy":true'
    )
    done = await service.keys.rotate(made.id, actor="admin")
    assert (done.old.legacy, done.key.legacy, done.key.line) == (True, False, made.id)
