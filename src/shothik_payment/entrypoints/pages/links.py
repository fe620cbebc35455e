"""Addresses of pages."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from shothik_payment.entrypoints.http.requests import PageQuery


def with_query(path: str, **parameters: str | Sequence[str] | None) -> str:
    """What is None or empty is left out; each of a list is given."""
    query = urlencode({name: text for name, text in parameters.items() if text}, doseq=True)
    return f"{path}?{query}" if query else path


def older(
    path: str, query: PageQuery, place: str | None, **parameters: str | Sequence[str] | None
) -> str | None:
    """The page that goes on at the cursor `place`, as long as this one; None for None."""
    if place is None:
        return None
    limit = None if query.limit == PageQuery().limit else str(query.limit)
    return with_query(path, **parameters, limit=limit, cursor=place)
