"""Browsers that are signed in, on every store."""

from __future__ import annotations

from dataclasses import replace

from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.web_session import Realm, WebSession, digest_of_cookie
from tests.contracts.bindings import Stores
from tests.contracts.book import NOW

SESSION = WebSession(
    digest_of_cookie("cookie"), Realm.ACCOUNT, "u1", "form token", NOW, Millis(NOW + 1000)
)


async def test_a_session_is_seen_by_every_process_until_it_is_removed(stores: Stores) -> None:
    ours, theirs = stores.ours.sessions, stores.theirs.sessions
    assert await ours.get(SESSION.digest) is None
    await ours.add(SESSION)
    assert await theirs.get(SESSION.digest) == SESSION
    assert await theirs.get(digest_of_cookie("another")) is None
    await theirs.remove(SESSION.digest)
    await theirs.remove(SESSION.digest)
    assert await ours.get(SESSION.digest) is None


async def test_pruning_takes_the_longest_expired(stores: Stores) -> None:
    sessions = stores.ours.sessions
    many = [
        replace(SESSION, digest=digest_of_cookie(str(n)), expires_at=Millis(NOW + n))
        for n in range(5)
    ]
    for session in many:
        await sessions.add(session)
    assert await sessions.prune(NOW, 10) == 0
    assert await sessions.prune(Millis(NOW + 3), 2) == 2
    kept = [await stores.theirs.sessions.get(session.digest) for session in many]
    assert kept == [None, None, *many[2:]]
    assert await sessions.prune(Millis(NOW + 3), 2) == 1
    assert await sessions.get(many[3].digest) == many[3]
