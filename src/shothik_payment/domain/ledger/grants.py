"""The grants of a wallet: spent in burn order, dropped when they are empty."""

from __future__ import annotations

from shothik_payment.domain.model.grant import Grant, burn_key
from shothik_payment.domain.model.hold import Hold
from shothik_payment.domain.model.transaction import GrantPart
from shothik_payment.domain.model.wallet import Wallet


def take(wallet: Wallet, amount: int, *, hold: bool = False) -> list[GrantPart]:
    """Take available credits in burn order; `hold` keeps them in their grants as held."""
    parts = []
    left = amount
    for grant in wallet.grants:
        if not grant.available:
            continue
        taken = min(left, grant.available)
        grant.available -= taken
        if hold:
            grant.held += taken
        parts.append(GrantPart(grant.id, -taken, taken if hold else 0))
        left -= taken
        if not left:
            break
    if not wallet.grants[0].available:
        drop_empty_grants(wallet)
    return parts


def insert_grant(wallet: Wallet, grant: Grant) -> None:
    grants = wallet.grants
    grants.append(grant)
    if len(grants) > 1:
        grants.sort(key=burn_key)


def find_grant(wallet: Wallet, grant_id: str) -> Grant | None:
    """The grant among those with credits left."""
    for grant in wallet.grants:
        if grant.id == grant_id:
            return grant
    return None


def held_grant(wallet: Wallet, hold: Hold, grant_id: str) -> Grant:
    """The grant that the hold has reserved credits of."""
    grant = find_grant(wallet, grant_id)
    if grant is None:
        raise RuntimeError(f"hold {hold.id} reserves credits of grant {grant_id}, which is gone")
    return grant


def drop_empty_grants(wallet: Wallet) -> None:
    wallet.grants = [g for g in wallet.grants if g.available or g.held]


def pay_debt(wallet: Wallet, amount: int) -> int:
    """How much of an inflow of `amount` goes to the debt; the caller's row books it."""
    return min(amount, wallet.debt)
