"""API keys: their shape, their checksum, and that no slip of the finger passes."""

import hashlib
from dataclasses import replace
from zlib import crc32

import pytest

from shothik_payment.domain.model.api_key import (
    ApiKey,
    ApiKeyStatus,
    checksum,
    compose_key,
    digest_of,
    may_be_legacy,
    well_formed,
)

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
KEY = compose_key("paraphrase", bytes(range(64)))


def test_a_key_is_prefix_service_and_32_characters_of_base62() -> None:
    assert "sk_paraphrase_0123456789ABCDEFGHIJKLMNOP" + checksum(KEY[:-6]) == KEY
    assert len(KEY.removeprefix("sk_paraphrase_")) == 32
    assert well_formed(KEY)


def test_the_checksum_is_the_crc_32_of_the_rest_in_base62() -> None:
    for body in ("sk_x_", KEY[:-6], ""):
        number = 0
        for digit in checksum(body):
            number = number * 62 + BASE62.index(digit)
        assert number == crc32(body.encode())
        assert len(checksum(body)) == 6


def test_known_keys_stay_valid_for_ever() -> None:
    assert well_formed("sk_paraphrase_0123456789ABCDEFGHIJKLMNOP4Vy7P7")


def test_every_single_character_mistyped_is_noticed() -> None:
    letters = BASE62 + "_-. "
    for position, right in enumerate(KEY):
        for wrong in letters:
            if wrong != right:
                assert not well_formed(KEY[:position] + wrong + KEY[position + 1 :])


def test_every_two_neighbours_swapped_and_every_character_lost_or_doubled_is_noticed() -> None:
    for i in range(len(KEY)):
        assert not well_formed(KEY[:i] + KEY[i + 1 :])
        assert not well_formed(KEY[:i] + KEY[i] + KEY[i:])
        swapped = KEY[:i] + KEY[i + 1 : i + 2] + KEY[i] + KEY[i + 2 :]
        assert swapped == KEY or not well_formed(swapped)


@pytest.mark.parametrize(
    "key",
    ["", "sk_", KEY + "\n", " " + KEY, KEY.upper(), KEY.replace("sk_", "pk_"), "sk__" + "0" * 32],
)
def test_what_has_another_shape_is_no_key(key: str) -> None:
    assert not well_formed(key)


def test_bytes_that_would_favour_some_characters_are_skipped() -> None:
    unfair = bytes(range(248, 256))
    assert compose_key("x", unfair + bytes(range(26))) == compose_key("x", bytes(range(26)))
    assert compose_key("x", bytes([247] * 26))[5:31] == "z" * 26
    with pytest.raises(ValueError, match="randomness"):
        compose_key("x", unfair + bytes(25))


def test_only_the_digest_is_kept() -> None:
    assert digest_of(KEY) == hashlib.sha256(KEY.encode()).digest()


@pytest.mark.parametrize(
    ("expires_at", "revoked_at", "status"),
    [
        (None, None, ApiKeyStatus.ACTIVE),
        (101, None, ApiKeyStatus.ACTIVE),
        (100, None, ApiKeyStatus.EXPIRED),
        (100, 50, ApiKeyStatus.REVOKED),
        (None, 500, ApiKeyStatus.REVOKED),
    ],
)
def test_status(expires_at: int | None, revoked_at: int | None, status: ApiKeyStatus) -> None:
    key = ApiKey("key_1", "s", "n", b"", "sk_x_", "1234", 0)
    key.expires_at, key.revoked_at = expires_at, revoked_at  # type: ignore[assignment]
    assert key.status(100) is status  # type: ignore[arg-type]


def test_a_key_is_the_first_of_its_line_where_nothing_else_is_said() -> None:
    key = ApiKey("key_1", "s", "n", b"", "sk_x_", "1234", 0)  # type: ignore[arg-type]
    assert key.line == "key_1"
    assert replace(key, id="key_2").line == "key_1"


@pytest.mark.parametrize(("key", "may_be"), [("x", True), ("!~" * 64, True), (KEY, True)])
def test_what_may_be_a_key_of_the_old_service(key: str, may_be: bool) -> None:
    assert may_be_legacy(key) is may_be
    for wrong in ("", key * 129, f"{key} ", f"{key}\n", f"{key}é", f"{key}\x7f"):
        assert not may_be_legacy(wrong)
