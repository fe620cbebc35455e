"""One line of what `check` found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Probe:
    """What one endpoint answered; `ok` None: not tried or not sure, for the reason in `note`."""

    endpoint: str
    ok: bool | None
    milliseconds: int
    note: str
