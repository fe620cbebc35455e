"""What a scrape reads: the figures of this process, or of all the server's processes together.

The library shares figures over a folder of files where the environment names one before it is first
imported; it is the server's supervisor who does, for its workers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


class Exposition:
    """`registry` is where this process counts."""

    def __init__(self) -> None:
        # A second series for each, for something that nobody asks.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        folder = os.environ.get(_FOLDER)
        self.registry = CollectorRegistry()
        self._folder = None if folder is None else Path(folder)
        self._shown = self.registry
        if self._folder is None:
            ProcessCollector(registry=self._shown)
            GCCollector(registry=self._shown)
        else:
            self._shown = CollectorRegistry()
            MultiProcessCollector(self._shown, folder)  # type: ignore[no-untyped-call]
            self._shown.register(_Processes(self._folder))
        PlatformCollector(registry=self._shown)

    def render(self, accept: str) -> tuple[bytes, str]:
        """The figures, and their media type: one of those that the header `accept` takes."""
        if self._folder is not None:
            for pid in _processes(self._folder):
                if not _lives(pid):
                    # What a process has counted stays; what was so only while it lived goes.
                    mark_process_dead(pid, str(self._folder))  # type: ignore[no-untyped-call]
        encode, media_type = choose_encoder(accept)
        return encode(self._shown), media_type

    def serve(self, host: str, port: int) -> None:
        """On a port of its own, in a thread, for a process without another HTTP server. Raises
        OSError where it cannot listen."""
        start_http_server(port, host, self._shown)


class _Processes(Collector):
    """The library's figures of a process, of each that counts in the folder and lives."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        found: dict[str, Metric] = {}
        for pid in filter(_lives, _processes(self._folder)):
            for of_one in ProcessCollector(pid=partial(int, pid), registry=None).collect():
                metric = found.setdefault(
                    of_one.name, Metric(of_one.name, of_one.documentation, of_one.type)
                )
                for sample in of_one.samples:
                    metric.add_sample(sample.name, {"pid": str(pid)}, sample.value)
        yield from found.values()


def _processes(folder: Path) -> list[int]:
    numbers = {path.stem.rpartition("_")[2] for path in folder.glob("*.db")}
    return sorted(int(number) for number in numbers if number.isdigit())


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return False  # the number went to somebody else's process
    return True
