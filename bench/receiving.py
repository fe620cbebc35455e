"""A consumer that says how late events are: `python -m bench.receiving COUNT`, once it says ready.

It takes so many events of measured deductions, and prints as JSON how long each was under way, from
the event's time (before its commit) to its receipt here. The clock is the machine's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import time
from datetime import datetime

import aiormq
import uvloop
from aiormq.abc import DeliveredMessage

from bench.publishing import QUEUE
from bench.spending import MEASURED
from shothik_payment.adapters.rabbitmq.topology import EXCHANGE

_PATIENCE_SECONDS = 120


async def receive(url: str, count: int) -> list[tuple[float, bytes]]:
    """When it came, and its body."""
    connection = await aiormq.connect(url)
    channel = await connection.channel()
    await channel.queue_declare(QUEUE, durable=True)
    await channel.queue_bind(QUEUE, EXCHANGE, "credit.#")
    await channel.queue_purge(QUEUE)
    received: list[tuple[float, bytes]] = []
    complete = asyncio.Event()
    mark = f'"feature":"{MEASURED}"'.encode()

    async def take(message: DeliveredMessage) -> None:
        if mark in message.body:
            received.append((time.time(), message.body))
            if len(received) == count:
                complete.set()

    await channel.basic_consume(QUEUE, take, no_ack=True)
    print("ready", flush=True)
    async with asyncio.timeout(_PATIENCE_SECONDS):
        await complete.wait()
    await connection.close()
    return received


def figures(received: list[tuple[float, bytes]]) -> dict[str, float]:
    told = [datetime.fromisoformat(json.loads(body)["time"]).timestamp() for _, body in received]
    lags = [at - since for (at, _), since in zip(received, told, strict=True)]
    cuts = statistics.quantiles(lags, n=100, method="inclusive")
    return {
        "p50_ms": cuts[49] * 1000,
        "p99_ms": cuts[98] * 1000,
        "max_ms": max(lags) * 1000,
        "per_second": len(told) / (max(told) - min(told)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.receiving", description=__doc__)
    parser.add_argument("count", type=int)
    arguments = parser.parse_args()
    received = uvloop.run(receive(os.environ["RABBITMQ_URL"], arguments.count))
    print(json.dumps(figures(received)))


if __name__ == "__main__":
    main()
