"""Buckets are part of every id that is out there: they can never change."""

import re

import pytest

from shothik_payment.domain.model.identifiers import BUCKET_DIGITS, BUCKETS, bucket_of, is_user_id


@pytest.mark.parametrize(
    ("user_id", "bucket"),
    [
        ("u1", "f76"),
        ("user_123", "259"),
        ("alice@example.com", "a29"),
        ("A" * 128, "ade"),
        ("a|b=c~d", "584"),
    ],
)
def test_buckets_are_stable(user_id: str, bucket: str) -> None:
    assert bucket_of(user_id) == bucket


def test_buckets_are_three_digits_and_evenly_used() -> None:
    users = [f"user_{number}" for number in range(BUCKETS * 8)]
    used = [bucket_of(user) for user in users]
    assert all(re.fullmatch(r"[0-9a-f]{3}", bucket) for bucket in used)
    assert BUCKETS == 16**BUCKET_DIGITS
    assert len(set(used)) > BUCKETS * 0.99


@pytest.mark.parametrize("text", ["u", "a" * 128, "...", ".a", "a.b_c:d@e|f+g=h~i-j", "0"])
def test_a_user_id(text: str) -> None:
    assert is_user_id(text)


@pytest.mark.parametrize("text", ["", ".", "..", "a" * 129, "a b", "a/b", "é", "a\n", "a\x00", "%"])
def test_no_user_id(text: str) -> None:
    assert not is_user_id(text)
