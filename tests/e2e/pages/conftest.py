"""A started service, and browsers to visit it. Tests here are not `async`: neither is the browser's
driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.e2e.pages.browser import Sessions, Visitor, chromium
from tests.e2e.pages.callers import Callers
from tests.e2e.service import Service


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all tests of a file: each has users of its own."""
    made = Service(tmp_path_factory.mktemp("service"))
    made.start()
    yield made
    made.kill()


@pytest.fixture(scope="module")
def callers(shop: Service) -> Iterator[Callers]:
    made = Callers(shop)
    yield made
    made.close()


MakeVisitor = Callable[..., Visitor]


@pytest.fixture(scope="module")
def sessions() -> Sessions:
    return {}


@pytest.fixture
def visitor(browser: Browser, shop: Service, sessions: Sessions) -> Iterator[MakeVisitor]:
    """Makes browsers; at the end nothing may have gone wrong in any."""
    made: list[Visitor] = []

    def make(**options: Any) -> Visitor:
        made.append(Visitor(browser, shop.url, sessions=sessions, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()
        assert one.faults == []
