"""What admins get about a user."""

from __future__ import annotations

from typing import Literal

from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.entrypoints.http.replies import Reply, View


class UserView(View, kw_only=True, frozen=True):
    """`causes`: each that stops the user for any service, the oldest first."""

    user_id: str
    status: Literal["active", "frozen"]
    balance: int
    held: int
    debt: int
    causes: list[str]


class UserReply(Reply, kw_only=True, frozen=True):
    user: UserView


def user_view(wallet: Wallet) -> UserView:
    return UserView(
        user_id=wallet.user_id,
        status="frozen" if wallet.frozen else "active",
        balance=wallet.available,
        held=wallet.held,
        debt=wallet.debt,
        causes=list(dict.fromkeys(stop.cause.value for stop in wallet.stops)),
    )
