from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator

import pytest

from tests.support.servers.mongo import MongoServer, fresh_name, url_of


@pytest.fixture
def url(mongo_server: MongoServer) -> str:
    """Of a database of the test's own, on the server that all share."""
    return url_of(mongo_server, fresh_name())


@pytest.fixture(autouse=True)
def _sockets_of_the_driver() -> Iterator[None]:
    """The driver leaves a socket to the collector where it is closed while it connects in vain.
    Collected here, so that the warning does not come up in a test that has no part in it."""
    yield
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "unclosed <socket", ResourceWarning)
        gc.collect()
