"""One process of the events' figures: `python -m bench.outbox fill | bare | batched | relay | spend`.

It works on the servers that the environment names, and prints what it saw as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence

import aiormq
import uvloop

from shothik_payment.adapters.rabbitmq.cloud_event import body_of, properties_of
from shothik_payment.adapters.rabbitmq.topology import EXCHANGE
from shothik_payment.domain.ledger.commands import Command, Deduct, GrantCredits, RequestBinding
from shothik_payment.domain.model.grant import GrantSource
from shothik_payment.domain.model.identifiers import PARAPHRASE_UNSET as _  # noqa: F401
