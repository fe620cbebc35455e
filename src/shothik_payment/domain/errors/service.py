"""What the service itself cannot do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from shothik_payment.domain.errors.root import InWords, PaymentServiceError


@dataclass(eq=False)
class Unavailable(PaymentServiceError):
    """A dependency is away or the service is full. Nothing is half done; try again."""

    code: ClassVar[str] = "unavailable"
    reason: str
    retry_after_seconds: int = 1

    @property
    def message(self) -> str:
        return self.reason


class DependencyUnavailable(Unavailable):
    """`said` names servers, and is for operators, who see it as `str`; `reason` is for anyone."""

    def __init__(self, reason: str, said: str) -> None:
        super().__init__(reason)
        self._said = said

    def __str__(self) -> str:
        return self._said


class StoreUnavailable(DependencyUnavailable):
    def __init__(self, said: str) -> None:
        super().__init__("The data store is away.", said)


class CallUnderWay(Unavailable):
    """A gateway has the same call of ours in hand already. It is there; ask again."""


class StoreCorrupt(InWords):
    """The data store cannot be read as what it should be. An operator has to look at it."""

    code: ClassVar[str] = "unavailable"


@dataclass(eq=False)
class Misconfigured(PaymentServiceError):
    """A setting or the catalog is wrong; `where` names the variable, or file, line and field."""

    code: ClassVar[str] = "misconfigured"
    where: str
    problem: str

    @property
    def message(self) -> str:
        return f"{self.where}: {self.problem}"
