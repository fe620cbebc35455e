"""How a command ends when something is wrong: a sentence on stderr and an exit code."""

from __future__ import annotations

from typing import Any

import rich_click as click
from click.exceptions import Exit

from shothik_payment.domain.errors import (
    InvalidRequest,
    Misconfigured,
    NotFound,
    PaymentServiceError,
    StoreCorrupt,
    Unavailable,
)

WRONG = 1
BAD_INPUT = 2
STORE_AWAY = 3

_EXIT_CODES: tuple[tuple[type[PaymentServiceError], int], ...] = (
    (InvalidRequest, BAD_INPUT),
    (Misconfigured, BAD_INPUT),
    (NotFound, BAD_INPUT),
    (Unavailable, STORE_AWAY),
    (StoreCorrupt, STORE_AWAY),
)


def exit_code(error: PaymentServiceError) -> int:
    return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), WRONG)


class ServiceGroup(click.RichGroup):
    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except PaymentServiceError as error:
            click.echo(f"Error: {error}", err=True)
            context.exit(exit_code(error))
        except (click.ClickException, click.Abort, Exit, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001 an operator gets a sentence, not a traceback
            click.echo(f"Error: unexpected {type(error).__name__}: {error}", err=True)
            context.exit(WRONG)
