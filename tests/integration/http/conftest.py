from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from shothik_payment.domain.model.web_session import Realm
from tests.integration.http.browsers import Browser
from tests.integration.http.support import World, running


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with running(World()) as started:
        yield started


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A service's, for a user who has credits. Nothing may be written by its requests."""
    await world.give("u1", 1000)
    client = await world.by_key()
    before = world.written()
    async with client:
        yield client
    assert world.written() == before


@pytest.fixture
async def user(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with world.by_user("u1") as client:
        yield client


@pytest.fixture
async def admin(world: World) -> Browser:
    return await Browser.signed_in(world, Realm.ADMIN)
