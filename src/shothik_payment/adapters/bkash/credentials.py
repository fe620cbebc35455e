from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class BkashCredentials:
    """What bKash gives a merchant. None of it shows in a repr."""

    app_key: str = field(repr=False)
    app_secret: str = field(repr=False)
    username: str = field(repr=False)
    password: str = field(repr=False)
