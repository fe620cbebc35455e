"""Cursors: what a page ended with, opaque to clients."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

from shothik_payment.domain.errors import InvalidRequest

_MAX_NUMBER = 2**63 - 1
_MAX_DIGITS = 19


def cursor(kind: str, place: str | int) -> str:
    """`kind` is the list's own, so that one list's cursor is not another's."""
    return urlsafe_b64encode(f"{kind}:{place}".encode()).rstrip(b"=").decode()


def optional_cursor(kind: str, place: str | int | None) -> str | None:
    return None if place is None else cursor(kind, place)


def place_of(kind: str, field: str, text: str | None) -> str | None:
    """What the cursor stands for; None for None. Raises InvalidRequest for what is none."""
    if text is None:
        return None
    try:
        found = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except ValueError:
        found = ""
    prefix, _, place = found.partition(":")
    # Only the one spelling that was given out: base64 has several for the same bytes.
    if prefix != kind or not place.isprintable() or cursor(kind, place) != text:
        raise InvalidRequest.of(field, "a cursor as it was given out")
    return place


def number_of(kind: str, field: str, text: str | None) -> int | None:
    place = place_of(kind, field, text)
    if place is None:
        return None
    digits = place.isascii() and place.isdigit() and len(place) <= _MAX_DIGITS
    if not digits or int(place) > _MAX_NUMBER:
        raise InvalidRequest.of(field, "a cursor as it was given out")
    return int(place)
