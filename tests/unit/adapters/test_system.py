"""The machine's clock and ids."""

from __future__ import annotations

import re
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from shothik_payment.adapters.system import SystemClock, SystemIds


def test_the_clock_counts_milliseconds() -> None:
    before = int(time.time() * 1000)
    assert before <= SystemClock().now() <= int(time.time() * 1000) + 1


def test_ids_rise_and_are_of_one_shape() -> None:
    ids = SystemIds()
    made = [ids.next() for _ in range(50_000)]
    assert made == sorted(set(made))
    assert all(re.fullmatch(r"[0-9a-f]{28}", one) for one in (made[0], made[-1]))


def test_an_id_begins_with_its_time() -> None:
    before = SystemClock().now()
    assert before <= int(SystemIds().next()[:12], 16) <= SystemClock().now()


def make_ids(_: int) -> list[str]:
    ids = SystemIds()
    return [ids.next() for _ in range(2_000)]


def test_processes_make_different_ids() -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        made = [one for batch in pool.map(make_ids, range(8)) for one in batch]
    assert len(set(made)) == len(made) == 16_000


def test_secrets_are_long_and_different() -> None:
    ids = SystemIds()
    made = {ids.secret() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"[0-9A-Za-z]{32,}", one) for one in made)
    assert len(ids.random_bytes(64)) == 64
