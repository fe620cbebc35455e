"""What operators do with a wallet: give and take credits, freeze, let on again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import quote

from msgspec import Struct

from shothik_payment.domain.errors import Conflict
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.entrypoints.http import fields as f
from shothik_payment.entrypoints.http.requests import FreezeBody
from shothik_payment.entrypoints.http.validation import QueryReader
from shothik_payment.entrypoints.pages.figures import number
from shothik_payment.entrypoints.pages.moments import LocalMoment, moment
from shothik_payment.entrypoints.pages.visits import Submitted, Visit
from shothik_payment.entrypoints.panel.actions import REASON, Action, action_handlers

USER_PATH = "/users/{userId:str}"


class AdjustForm(Struct, rename="camel", kw_only=True):
    amount: f.SignedAmount
    reason: f.Reason
    expires_at: LocalMoment | None = None


_ADJUST = QueryReader(AdjustForm)
_FREEZE = QueryReader(FreezeBody)


async def wallet_of(visit: Visit) -> Wallet:
    """Of the user in the path."""
    return await visit.app.wallet_views.wallet(visit.call.user_id())


def user_page(visit: Visit, user_id: str) -> str:
    return f"/{visit.realm}/users/{quote(user_id, safe='')}"


def _standing(wallet: Wallet) -> str:
    held = f", {number(wallet.held)} are held" if wallet.held else ""
    debt = f", {number(wallet.debt)} are owed" if wallet.debt else ""
    return f"{number(wallet.available)} credits are available{held}{debt}."


async def _adjust(visit: Visit) -> Action[AdjustForm]:
    wallet = await wallet_of(visit)
    user_id, page = wallet.user_id, user_page(visit, wallet.user_id)

    async def work(sent: Submitted[AdjustForm]) -> str:
        expires_at = moment("expiresAt", sent.fields.expires_at, visit.form_zone)
        await visit.app.admin_credits.adjust(
            user_id,
            sent.fields.amount,
            sent.fields.reason,
            expires_at=expires_at,
            request=sent.request,
        )
        return f"{page}?done=adjusted"

    return Action(
        here="Users",
        title=f"Adjust the credits of {user_id}",
        summary=[
            _standing(wallet),
            "What you give pays a debt first. You can take no more than is available.",
        ],
        fields=[
            {
                "name": "amount",
                "label": "Credits",
                "type": "number",
                "required": True,
                "help": "50 gives fifty credits, -50 takes them.",
                "attributes": {"step": 1, "autocomplete": "off"},
            },
            {**REASON, "help": "The user sees this."},
            {
                "name": "expiresAt",
                "label": "Until",
                "type": "datetime-local",
                "help": "Blank: the credits do not end.",
            },
        ],
        confirm="Adjust the credits",
        back=page,
        reader=_ADJUST,
        operation="POST /admin/credits",
        subject=user_id,
        work=work,
    )


def _standing_action(
    visit: Visit,
    wallet: Wallet,
    does: str,
    change: Callable[..., Awaitable[object]],
    done: str,
    *,
    summary: Sequence[str],
    refusal: Conflict | None,
    danger: bool = False,
) -> Action[FreezeBody]:
    """`change` is the use case's `freeze` or `unfreeze`."""
    user_id, page = wallet.user_id, user_page(visit, wallet.user_id)

    async def work(sent: Submitted[FreezeBody]) -> str:
        await change(user_id, sent.fields.reason, actor=visit.user_id, request=sent.request)
        return f"{page}?done={done}"

    return Action(
        here="Users",
        title=f"{does.capitalize()} {user_id}",
        summary=summary,
        refusal=refusal,
        fields=[REASON],
        confirm=f"{does.capitalize()} the user",
        danger=danger,
        back=page,
        reader=_FREEZE,
        operation=f"POST /admin/users/{{id}}/{does}",
        subject=user_id,
        work=work,
    )


async def _freeze(visit: Visit) -> Action[FreezeBody]:
    wallet = await wallet_of(visit)
    return _standing_action(
        visit,
        wallet,
        "freeze",
        visit.app.user_admin.freeze,
        "frozen",
        summary=[
            "Every service is told to stop the user. Nothing more is spent, held or bought.",
            "Jobs under way may end, refunds go on, and what comes in is booked.",
        ],
        refusal=Conflict("The user is frozen already.") if wallet.frozen else None,
        danger=True,
    )


async def _unfreeze(visit: Visit) -> Action[FreezeBody]:
    wallet = await wallet_of(visit)
    return _standing_action(
        visit,
        wallet,
        "unfreeze",
        visit.app.user_admin.unfreeze,
        "unfrozen",
        summary=["The user may spend and buy again, unless something else stops them."],
        refusal=None if wallet.frozen else Conflict("The user is not frozen."),
    )


HANDLERS = [
    *action_handlers(f"{USER_PATH}/adjust", _adjust),
    *action_handlers(f"{USER_PATH}/freeze", _freeze),
    *action_handlers(f"{USER_PATH}/unfreeze", _unfreeze),
]
