"""Users as admins see them: freeze, and let on again."""

from __future__ import annotations

import logging

from shothik_payment.domain.ledger.commands import Freeze, RequestBinding, Unfreeze
from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.ids import Ids
from shothik_payment.domain.use_cases.wallet_views import WalletViews

log = logging.getLogger(__name__)


class UserAdmin:
    """Each change gives the user's wallet as it is now, and whether the change was made before,
    under the same request key."""

    def __init__(self, writer: LedgerWriter, views: WalletViews, clock: Clock, ids: Ids) -> None:
        self._writer = writer
        self._views = views
        self._clock = clock
        self._ids = ids

    async def freeze(
        self, user_id: str, reason: str, *, actor: str, request: RequestBinding | None = None
    ) -> tuple[Wallet, bool]:
        """Nothing more is spent or bought, what is under way may end. A user never seen may be
        frozen, too. Raises Conflict where the user is frozen already, IdempotencyKeyReused."""
        return await self._change(Freeze, user_id, reason, actor, request)

    async def unfreeze(
        self, user_id: str, reason: str, *, actor: str, request: RequestBinding | None = None
    ) -> tuple[Wallet, bool]:
        """Other causes to stop the user stay. Raises Conflict where the user is not frozen,
        IdempotencyKeyReused."""
        return await self._change(Unfreeze, user_id, reason, actor, request)

    async def _change(
        self,
        kind: type[Freeze] | type[Unfreeze],
        user_id: str,
        reason: str,
        actor: str,
        request: RequestBinding | None,
    ) -> tuple[Wallet, bool]:
        outcome = await self._writer.submit(
            kind(
                id=self._ids.next(),
                user_id=user_id,
                at=self._clock.now(),
                request=request,
                reason=reason,
            )
        )
        if not outcome.replayed:
            # Neither the ledger nor an event says by whom and why.
            log.info("%s of user %s by %s: %s", kind.__name__.lower(), user_id, actor, reason)
        return await self._views.wallet(user_id), outcome.replayed
