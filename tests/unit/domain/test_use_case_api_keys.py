"""API keys made, listed and revoked."""

import asyncio
from dataclasses import replace

import pytest

from shothik_payment.adapters.memory.api_keys import MemoryApiKeys
from shothik_payment.domain.errors import (
    IdempotencyKeyReused,
    InvalidRequest,
    NotFound,
    Unavailable,
)
from shothik_payment.domain.model.api_key import (
    ApiKey,
    ApiKeyStatus,
    Scope,
    well_formed,
)
from shothik_payment.domain.model.time import HOUR, Millis
from shothik_payment.domain.ports.api_keys import AuditEntry, KeyChange
from shothik_payment.domain.ports.ledger_store import RequestRecord
from shothik_payment.domain.use_cases.api_keys import KeyAdministration
from shothik_payment.domain.use_cases.key_terms import KeyUpdate
from tests.support.service import CATALOG, START, TestService
from tests.support.world import key


async def generate(service: TestService, word: str = "paraphrase", **fields: object) -> (
    tuple[ApiKey, str]
):  # fmt: skip
    made, plain = await service.keys.generate(word, actor="admin", **fields)  # type: ignore[arg-type]
    assert plain is not None
    return made, plain


async def test_a_new_key_is_shown_once_and_only_its_digest_kept(service: TestService) -> None:
    made, plain = await generate(service, "humanize", expires_at=Millis(START + HOUR))
    assert well_formed(plain)
    assert (made.service, made.prefix, made.last4) == (
        "paraphrase_service",
        "sk_paraphrase_",
        plain[-4:],
    )
    assert (made.scopes, made.name, made.created_at) == (list(Scope), "paraphrase key", START)
    assert plain.encode() not in service.state.api_keys[made.id]
    (entry,) = await service.api_keys.audit(made.id, 9)
    assert (entry.actor, entry.action, entry.at) == ("admin", "generate", START)


async def test_two_keys_are_never_alike(service: TestService) -> None:
    plains = {(await generate(service))[1] for _ in range(5)}
    assert len(plains) == 5


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"expires_at": START}, "expiresAt"),
        ({"allowed_ips": ["10.0.0.1", "nonsense"]}, "allowedIps[1]"),
        ({"allowed_ips": ["fe80::1%eth0"]}, "allowedIps[0]"),
        ({"allowed_ips": [f"10.0.0.{n}" for n in range(101)]}, "allowedIps"),
    ],
)
async def test_what_is_wrong_with_a_new_key_is_named(
    service: TestService, fields: dict[str, object], path: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await generate(service, **fields)
    assert [problem.path for problem in refused.value.fields] == [path]
    with pytest.raises(InvalidRequest, match="service"):
        await generate(service, "nope")
    assert service.state.api_keys == {}


async def test_a_repeated_generate_returns_the_key_without_its_plain_text(
    service: TestService,
) -> None:
    made, _ = await generate(service, request=key("g1"))
    service.clock.advance(HOUR)
    again, plain = await service.keys.generate("paraphrase", actor="admin", request=key("g1"))
    assert (again.id, plain) == (made.id, None)
    with pytest.raises(IdempotencyKeyReused):
        await service.keys.generate("slide", actor="admin", request=key("g1", b"other"))
    assert len(service.state.api_keys) == 1


async def test_two_generates_at_once_under_one_key_make_one_key(service: TestService) -> None:
    ask = service.keys.generate
    answers = await asyncio.gather(
        *(ask("paraphrase", actor="admin", request=key("g1")) for _ in range(2))
    )
    assert len({made.id for made, _ in answers}) == 1
    assert [plain is None for _, plain in answers].count(False) == 1


async def test_keys_are_listed_by_service_and_paged(service: TestService) -> None:
    made = [(await generate(service))[0].id for _ in range(3)]
    slide = (await generate(service, "slide"))[0].id
    page, following = await service.keys.list("paraphrase", None, 2)
    assert [found.id for found in page] == made[:2]
    page, following = await service.keys.list("paraphrase", following, 2)
    assert ([found.id for found in page], following) == (made[2:], None)
    page, _ = await service.keys.list(None, None, 9)
    assert {found.id for found in page} == {*made, slide}


async def test_keys_are_listed_by_status(service: TestService) -> None:
    alive, ended, revoked = [
        (await generate(service, expires_at=end))[0].id
        for end in (None, Millis(START + HOUR), Millis(START + 2 * HOUR))
    ]
    await service.keys.revoke(revoked, actor="admin")
    service.clock.advance(HOUR)
    for status, key_id in zip(ApiKeyStatus, (alive, revoked, ended), strict=True):
        page, following = await service.keys.list("paraphrase", None, 9, status)
        assert ([found.id for found in page], following) == ([key_id], None)


async def test_revoking_twice_is_the_same_answer_and_one_entry(service: TestService) -> None:
    made, _ = await generate(service)
    first = await service.keys.revoke(made.id, actor="admin", ip="10.0.0.1")
    service.clock.advance(HOUR)
    again = await service.keys.revoke(made.id, actor="other")
    assert first == again == (await service.keys.get(made.id), False)
    assert again[0].status(START) is ApiKeyStatus.REVOKED
    entries = await service.api_keys.audit(made.id, 9)
    assert [(e.action, e.actor, e.ip) for e in entries] == [
        ("revoke", "admin", "10.0.0.1"),
        ("generate", "admin", None),
    ]
    with pytest.raises(NotFound):
        await service.keys.revoke("key_nope", actor="admin")


async def test_the_audit_log_is_paged_newest_first(service: TestService) -> None:
    made, _ = await generate(service)
    other, _ = await generate(service)
    for name in ("a", "b", "c"):
        for key_id in (made.id, other.id):
            await service.keys.update(key_id, KeyUpdate(name=name), actor="admin")
    page, before = await service.keys.audit_log(made.id, None, 3)
    assert [entry.changes for entry in page] == [{"name": "c"}, {"name": "b"}, {"name": "a"}]
    page, before = await service.keys.audit_log(made.id, before, 3)
    assert ([entry.action for entry in page], before) == (["generate"], None)
    assert page[0].changes["service"] == "paraphrase_service"
    with pytest.raises(NotFound):
        await service.keys.audit_log("key_nope", None, 3)


class Overtaken(MemoryApiKeys):
    """Somebody else renames the key just before it is changed, the first `times`."""

    times = 1

    async def commit(self, change: KeyChange) -> RequestRecord | None:
        for overtaken in change.changed if self.times > 0 else ():
            self.times -= 1
            other = await self.get(overtaken.id)
            assert other is not None
            renaming = AuditEntry(other.id, START, "other", "update", {"name": "new"})
            await super().commit(KeyChange((), [replace(other, name="new")], [renaming]))
        return await super().commit(change)


async def test_revoking_takes_back_no_change_of_another(service: TestService) -> None:
    made, _ = await generate(service)
    keys = KeyAdministration(Overtaken(service.state), CATALOG, service.clock, service.ids)
    revoked, _ = await keys.revoke(made.id, actor="admin")
    assert (revoked.name, revoked.revoked_at) == ("new", service.clock.now())
    assert await service.keys.get(made.id) == revoked
    entries = await service.api_keys.audit(made.id, 9)
    assert [e.action for e in entries] == ["revoke", "update", "generate"]


async def test_whoever_is_always_overtaken_is_told_to_come_again(service: TestService) -> None:
    made, _ = await generate(service)
    busy = Overtaken(service.state)
    busy.times = 99
    keys = KeyAdministration(busy, CATALOG, service.clock, service.ids)
    with pytest.raises(Unavailable, match="Others"):
        await keys.revoke(made.id, actor="admin")
    assert (await service.keys.get(made.id)).revoked_at is None


async def test_a_repeated_change_is_done_once(service: TestService) -> None:
    made, _ = await generate(service)
    asked = KeyUpdate(name="a")
    renamed, replayed = await service.keys.update(made.id, asked, actor="x", request=key("p"))
    assert (renamed.name, replayed) == ("a", False)
    await service.keys.update(made.id, KeyUpdate(name="b"), actor="x")
    again = await service.keys.update(made.id, asked, actor="x", request=key("p"))
    assert (again[0].name, again[1]) == ("b", True)
    with pytest.raises(IdempotencyKeyReused):
        await service.keys.update(made.id, asked, actor="x", request=key("p", b"other"))
    # A change that changed nothing is bound as well: later it might.
    await service.keys.update(made.id, KeyUpdate(name="b"), actor="x", request=key("q"))
    await service.keys.update(made.id, KeyUpdate(name="c"), actor="x")
    same, replayed = await service.keys.update(
        made.id, KeyUpdate(name="b"), actor="x", request=key("q")
    )
    assert (same.name, replayed) == ("c", True)
    for expected in (False, True):
        done = await service.keys.revoke(made.id, actor="x", request=key("d"))
        assert done[1] is expected
    actions = [entry.action for entry in await service.api_keys.audit(made.id, 9)]
    assert actions == ["revoke", "update", "update", "update", "generate"]


async def test_a_refused_change_binds_no_request_key(service: TestService) -> None:
    made, _ = await generate(service, expires_at=Millis(START + HOUR))
    late = KeyUpdate(expires_at=START)
    with pytest.raises(InvalidRequest):
        await service.keys.update(made.id, late, actor="x", request=key("p"))
    fine = KeyUpdate(expires_at=None)
    lifted, _ = await service.keys.update(made.id, fine, actor="x", request=key("p", b"other"))
    assert lifted.expires_at is None
