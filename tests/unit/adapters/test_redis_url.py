"""What Redis is reached by."""

from __future__ import annotations

import pytest

from shothik_payment.adapters.redis import RedisConnection
from shothik_payment.domain.errors import Misconfigured


@pytest.mark.parametrize(
    "url",
    [
        *(f"redis://:secret@h:1/{path}" for path in ("zero", "1/2", "-1", "0x1", "%20", "1/")),
        "redis://admin?x:secret@h:1/0",
        "redis://a#b:secret@h:1/0",
        "redis://:12#secret@h/0",
        "redis://:12/secret@h/0",
    ],
)
def test_what_would_be_taken_in_part_is_refused(url: str) -> None:
    with pytest.raises(Misconfigured, match="percent-encoded") as refused:
        RedisConnection(url)
    assert "secret" not in f"{refused.value} {refused.value!r}"


@pytest.mark.parametrize(
    ("path", "database"), [("", 0), ("/", 0), ("/3", 3), ("?db=3", 3), ("/?db=4", 4)]
)
def test_without_one_it_is_the_first(path: str, database: int) -> None:
    options = RedisConnection(f"redis://127.0.0.1:1{path}").client.get_connection_kwargs()
    assert options.get("db", 0) == database
