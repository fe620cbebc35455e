"""What Redis is reached by."""

from __future__ import annotations

import pytest

from shothik_payment.adapters.redis import RedisConnection
from shothik_payment.domain.errors import Misconfigured


@pytest.mark.parametrize("path", ["zero", "1/2", "-1", "0x1", "%20", "1/"])
def test_a_database_that_is_no_number_is_refused(path: str) -> None:
    with pytest.raises(Misconfigured, match="expected redis://host:port/database") as refused:
        RedisConnection(f"redis://:secret@127.0.0.1:1/{path}")
    assert "secret" not in f"{refused.value} {refused.value!r}"


@pytest.mark.parametrize(
    ("path", "database"), [("", 0), ("/", 0), ("/3", 3), ("?db=3", 3), ("/?db=4", 4)]
)
def test_without_one_it_is_the_first(path: str, database: int) -> None:
    options = RedisConnection(f"redis://127.0.0.1:1{path}").client.get_connection_kwargs()
    assert options.get("db", 0) == database
