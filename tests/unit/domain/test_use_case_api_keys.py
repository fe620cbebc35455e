"""API keys made, listed and revoked."""

import asyncio
from dataclasses import replace

import pytest

from shothik_payment.adapters.memory.api_keys import MemoryApiKeys
from shothik_payment.domain.errors import (
    IdempotencyKeyReused,
    InvalidRequest,
    NotFound,
)
from shothik_payment.domain.model.api_key import (
    ApiKey,
    ApiKeyStatus,
    Scope,
    well_formed,
)
from shothik_payment.domain.model.time import HOUR, Millis
from shothik_payment.domain.ports.api_keys import AuditEntry
from shothik_payment.domain.use_cases.api_keys import KeyAdministration
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


async def test_revoking_twice_is_the_same_answer_and_one_entry(service: TestService) -> None:
    made, _ = await generate(service)
    first = await service.keys.revoke(made.id, actor="admin", ip="10.0.0.1")
    service.clock.advance(HOUR)
    again = await service.keys.revoke(made.id, actor="other")
    assert first == again
    assert again.status(START) is ApiKeyStatus.REVOKED
    entries = await service.api_keys.audit(made.id, 9)
    assert [(e.action, e.actor, e.ip) for e in entries] == [
        ("revoke", "admin", "10.0.0.1"),
        ("generate", "admin", None),
    ]
    with pytest.raises(NotFound):
        await service.keys.revoke("key_nope", actor="admin")


class Overtaken(MemoryApiKeys):
    """Somebody else renames the key just before it is changed the first time."""

    renamed = False

    async def update(self, key: ApiKey, entry: AuditEntry) -> ApiKey | None:
        if not self.renamed:
            self.renamed = True
            other = await self.get(key.id)
            assert other is not None
            renaming = AuditEntry(key.id, START, "other", "update", {"name": "new"})
            await super().update(replace(other, name="new"), renaming)
        return await super().update(key, entry)


async def test_revoking_takes_back_no_change_of_another(service: TestService) -> None:
    made, _ = await generate(service)
    keys = KeyAdministration(Overtaken(service.state), CATALOG, service.clock, service.ids)
    revoked = await keys.revoke(made.id, actor="admin")
    assert (revoked.name, revoked.revoked_at) == ("new", service.clock.now())
    assert await service.keys.get(made.id) == revoked
    entries = await service.api_keys.audit(made.id, 9)
    assert [e.action for e in entries] == ["revoke", "update", "generate"]
