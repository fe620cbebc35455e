"""What it costs that operators see something: the same deducts with figures, with traces, and
without either."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from bench import tables
from bench.cases import WALLETS, Case, Target, fill_wallets, prepared, take_turns
from tests.e2e.service import Service
from tests.support.answering import answering

_OFF = "nothing"
_FIGURES = "figures"
_TRACES = "figures, 1 % of the traces"


def run(folder: Path, rounds: int, seconds: int, console: Console) -> None:
    with ExitStack() as after:
        receiver = after.enter_context(answering(200))
        traces = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{receiver.server_port}",
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": "0.01",
        }
        cases = []
        for name, settings in ((_OFF, {"METRICS": "off"}), (_FIGURES, {}), (_TRACES, traces)):
            service = Service(prepared(folder / name.replace(" ", "_")), **settings)
            after.callback(service.kill)
            service.start()
            fill_wallets(service)
            cases.append(Case(name, service, service.key(), WALLETS))
        take_turns(cases, rounds, seconds, console)
        console.print(tables.deducts("by what is seen", cases))
        console.print(tables.targets("Targets of observing", _targets(cases)))


def _targets(cases: list[Case]) -> list[Target]:
    cpu = {case.name: case.median("cpu_us") for case in cases}
    return [
        Target("CPU, figures ÷ nothing", cpu[_FIGURES] / cpu[_OFF], 1.1, at_most=True),
        Target("CPU, figures and 1 % of the traces ÷ nothing", cpu[_TRACES] / cpu[_OFF], None),
    ]
