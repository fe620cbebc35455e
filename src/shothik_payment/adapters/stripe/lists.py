"""Stripe's lists, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import stripe

from shothik_payment.adapters.stripe.reports import Json
from shothik_payment.domain.errors import Unavailable

PAGE = 100
MAX_PAGES = 100


async def listed(
    list_async: Callable[[Any], Awaitable[stripe.ListObject[Any]]], wanted: Json
) -> AsyncIterator[Json]:
    """Everything in the list, newest first. Raises Unavailable beyond 10,000: what was looked for
    may be there or not."""
    asked = {**wanted, "limit": PAGE}
    for _ in range(MAX_PAGES):
        page = (await list_async(asked)).to_dict()
        for item in page["data"]:
            yield item
        if not page["has_more"]:
            return
        asked["starting_after"] = page["data"][-1]["id"]
    raise Unavailable("A list at Stripe is too long to be searched.")


async def with_metadata(items: AsyncIterator[Json], name: str, value: str) -> Json | None:
    """The first that carries it."""
    async for item in items:
        if (item.get("metadata") or {}).get(name) == value:
            return item
    return None
