from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shothik_payment.domain.ports.shared_lock import SharedLock
from tests.contracts import bindings, cache_bindings
from tests.contracts.bindings import BrokerBinding, Stores
from tests.contracts.book import Book
from tests.contracts.cache_bindings import CacheBinding, LimiterBinding


@pytest.fixture(params=bindings.STORES)
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    async with bindings.STORES[request.param](tmp_path, request.getfixturevalue) as stores:
        yield stores


@pytest.fixture
def book(stores: Stores) -> Book:
    return Book(stores.ours.ledger)


@pytest.fixture(params=cache_bindings.CACHES)
async def answers(request: pytest.FixtureRequest) -> AsyncIterator[CacheBinding]:
    async with cache_bindings.CACHES[request.param](request.getfixturevalue) as binding:
        yield binding


@pytest.fixture(params=cache_bindings.LIMITERS)
async def limits(request: pytest.FixtureRequest) -> AsyncIterator[LimiterBinding]:
    async with cache_bindings.LIMITERS[request.param](request.getfixturevalue) as binding:
        yield binding


@pytest.fixture(params=cache_bindings.LOCKS)
async def lock(request: pytest.FixtureRequest) -> AsyncIterator[SharedLock]:
    async with cache_bindings.LOCKS[request.param](request.getfixturevalue) as lock:
        yield lock


@pytest.fixture(params=bindings.BROKERS)
async def exchange(request: pytest.FixtureRequest) -> AsyncIterator[BrokerBinding]:
    async with bindings.BROKERS[request.param](request) as binding:
        yield binding
