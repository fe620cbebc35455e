"""Which services are active: each is from its first key on."""

from __future__ import annotations

from shothik_payment.domain.catalog import Catalog
from shothik_payment.domain.ledger.rules import Rules
from shothik_payment.domain.ports.api_keys import ApiKeys


class ActiveServices:
    """Keeps the rules as they are now. `refresh` reads the store; a key seen meanwhile makes its
    service active at once."""

    def __init__(self, keys: ApiKeys, catalog: Catalog) -> None:
        self._keys = keys
        self._catalog = catalog
        self._names: set[str] = set()
        self._rules = Rules(reversal_grace_ms=catalog.reversal_grace_ms, billing=catalog.billing)

    def rules(self) -> Rules:
        return self._rules

    def names(self) -> tuple[str, ...]:
        return self._rules.active_services

    def add(self, name: str) -> None:
        if name not in self._names:
            self._set(self._names | {name})

    async def fresh_rules(self) -> Rules:
        """The rules with every service that has a key by now, whichever process made it."""
        await self.refresh()
        return self._rules

    async def refresh(self) -> None:
        names = await self._keys.services()
        if not names <= self._names:
            self._set(self._names | names)

    def _set(self, names: set[str]) -> None:
        self._names = names
        self._rules = Rules(
            active_services=self._catalog.in_order(names),
            reversal_grace_ms=self._catalog.reversal_grace_ms,
            billing=self._catalog.billing,
        )
