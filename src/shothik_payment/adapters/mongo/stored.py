"""What all documents have in common, and how they declare an index."""

from __future__ import annotations

from typing import Any

from beanie import Document
from pydantic import ConfigDict
from pymongo import ASCENDING, IndexModel

from shothik_payment.adapters.mongo.rows import SCHEMA_VERSION


def index(
    name: str,
    *fields: str,
    unique: bool = False,
    where: str | None = None,
    only: dict[str, Any] | None = None,
) -> IndexModel:
    """`where`: only documents that have this field are in it; `only`: only those that fit. No two
    of a collection may have the same fields: Beanie takes them for one, whatever their order."""
    if where is not None:
        only = {where: {"$exists": True}}
    options: dict[str, Any] = {} if only is None else {"partialFilterExpression": only}
    return IndexModel([(f, ASCENDING) for f in fields], name=name, unique=unique, **options)


class Stored(Document):
    """Fields beyond those named here are kept and read as they are."""

    model_config = ConfigDict(extra="allow")

    id: Any
    schema_version: int = SCHEMA_VERSION


class OfUser(Stored):
    bucket: str
