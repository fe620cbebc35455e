from __future__ import annotations

import pytest

from tests.support.servers.mongo import MongoServer, fresh_name, url_of


@pytest.fixture
def url(mongo_server: MongoServer) -> str:
    """Of a database of the test's own, on the server that all share."""
    return url_of(mongo_server, fresh_name())
