"""Who is calling."""

from __future__ import annotations

from dataclasses import dataclass

from shothik_payment.domain.catalog import Service
from shothik_payment.domain.errors import Forbidden, MissingScope
from shothik_payment.domain.model.api_key import Scope

ADMIN_ROLE = "admin"


@dataclass(frozen=True, slots=True)
class ServicePrincipal:
    """A microservice, known by an API key. `rate_limit` None: the service's own limit, shared by
    its keys; else requests an hour for the `key_line`, the key and those it was rotated from."""

    service: Service
    key_id: str
    key_line: str
    scopes: frozenset[Scope]
    rate_limit: int | None = None

    def require(self, scope: Scope) -> None:
        if scope not in self.scopes:
            raise MissingScope(scope)


@dataclass(frozen=True, slots=True)
class UserPrincipal:
    user_id: str
    role: str | None = None

    def require_admin(self) -> None:
        if self.role != ADMIN_ROLE:
            raise Forbidden("This needs an admin's token.")
