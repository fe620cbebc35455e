"""Prints the figures: `python -m bench [--part NAME] [--long] [--seconds N] [--rounds N]
[--subscriptions N]`.

Bare and real endpoints take turns on one machine, so that the ratios hold whatever else it does.
docs/bench.md says what each figure means.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from bench import embedded, events, observing, servers, shared, subscriptions

PARTS = ("embedded", "observing", "subscriptions", "shared", "events")


def run(folder: Path, arguments: argparse.Namespace, console: Console) -> None:
    parts = arguments.part or PARTS
    rounds, seconds = arguments.rounds, arguments.seconds
    if "embedded" in parts:
        embedded.run(folder, rounds, seconds, console, long=arguments.long)
    if "observing" in parts:
        observing.run(folder, rounds, seconds, console)
    if "subscriptions" in parts:
        due = arguments.subscriptions or subscriptions.due_at_once(long=arguments.long)
        subscriptions.run(folder, rounds, seconds, console, due)
    if "shared" in parts or "events" in parts:
        with servers.started(folder) as found:
            if "shared" in parts:
                shared.run(folder, found, rounds, seconds, console)
            if "events" in parts:
                events.run(folder, found, rounds, console)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "--part", action="append", choices=PARTS, help="only this one; may be given again"
    )
    parser.add_argument("--long", action="store_true", help="also on a million wallets")
    parser.add_argument("--subscriptions", type=int, help="so many are due at once")
    parser.add_argument("--seconds", type=int, default=8, help="of load for each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="of measurements for each case")
    parser.add_argument("--folder", type=Path, help="for the data; a temporary one by default")
    arguments = parser.parse_args()
    console = Console()
    # So that what was started is stopped, as it is by an interrupt from the keyboard.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        run(Path(folder), arguments, console)


if __name__ == "__main__":
    main()
