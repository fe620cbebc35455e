"""What a key was used for, as it is told."""

from __future__ import annotations

import pytest

from shothik_payment.adapters.memory import MemoryApiKeys, MemoryKeyUsage
from shothik_payment.domain.errors import InvalidRequest, NotFound
from shothik_payment.domain.model.key_usage import Granularity, KeyUse
from shothik_payment.domain.model.time import DAY, END_OF_TIME, HOUR, SECOND, Millis
from shothik_payment.domain.use_cases.key_usage import UsageRecorder, UsageReports
from tests.support.service import TestService

DEDUCT, BALANCE = "POST /deduct", "GET /balance/{userId}"
MIDNIGHT = Millis(1_700_006_400_000)


@pytest.fixture
async def reporting(service: TestService) -> tuple[UsageReports, UsageRecorder, str]:
    usage = MemoryKeyUsage(service.state)
    recorder = UsageRecorder(usage, service.clock, service.ids)
    reports = UsageReports(usage, MemoryApiKeys(service.state), recorder, service.clock)
    key, _ = await service.keys.generate("paraphrase", actor="test")
    return reports, recorder, key.id


Reporting = tuple[UsageReports, UsageRecorder, str]


async def test_a_report_has_every_day_also_those_without_a_request(
    service: TestService, reporting: Reporting
) -> None:
    reports, recorder, key_id = reporting
    service.clock.time = Millis(MIDNIGHT - 1)
    recorder.count(KeyUse(key_id), DEDUCT, 200)
    service.clock.advance(1)
    recorder.count(KeyUse(key_id), DEDUCT, 402)
    recorder.count(KeyUse(key_id), BALANCE, 200)
    report = await reports.report(key_id, Granularity.DAY)
    assert (report.since, report.until) == (MIDNIGHT - 29 * DAY, MIDNIGHT + DAY)
    assert (report.total, len(report.points)) == (3, 30)
    service.clock.advance(2 * DAY + HOUR)
    report = await reports.report(key_id, Granularity.DAY)
    assert len(report.points) == 30
    assert [point.requests for point in report.points[-4:]] == [1, 2, 0, 0]
    assert report.points[-3].by_status == {402: 1, 200: 1}
    assert (report.total, report.by_status) == (3, {200: 2, 402: 1})
    assert report.by_endpoint == {DEDUCT: 2, BALANCE: 1}
    hours = await reports.report(key_id, Granularity.HOUR)
    assert (len(hours.points), hours.total) == (48, 0)
    hours = await reports.report(key_id, Granularity.HOUR, Millis(MIDNIGHT - 1), MIDNIGHT)
    assert [(p.start, p.requests) for p in hours.points] == [(MIDNIGHT - HOUR, 1)]


@pytest.mark.parametrize(
    ("granularity", "since", "until", "field"),
    [
        (Granularity.DAY, MIDNIGHT, MIDNIGHT, "to"),
        (Granularity.DAY, MIDNIGHT, MIDNIGHT - 1, "to"),
        (Granularity.DAY, END_OF_TIME, None, "from"),
        (Granularity.DAY, -1, None, "from"),
        (Granularity.DAY, MIDNIGHT, END_OF_TIME + 1, "to"),
        (Granularity.DAY, MIDNIGHT, MIDNIGHT + 400 * DAY + 1, "to"),
        (Granularity.HOUR, MIDNIGHT, MIDNIGHT + 31 * DAY + 1, "to"),
    ],
)
async def test_ranges_that_cannot_be(
    reporting: Reporting, granularity: Granularity, since: int, until: int | None, field: str
) -> None:
    reports, _, key_id = reporting
    end = None if until is None else Millis(until)
    with pytest.raises(InvalidRequest) as refused:
        await reports.report(key_id, granularity, Millis(since), end)
    assert [problem.path for problem in refused.value.fields] == [field]


async def test_the_longest_ranges(reporting: Reporting) -> None:
    reports, _, key_id = reporting
    for granularity, days, points in ((Granularity.DAY, 400, 400), (Granularity.HOUR, 31, 744)):
        end = Millis(MIDNIGHT + days * DAY)
        report = await reports.report(key_id, granularity, MIDNIGHT, end)
        assert len(report.points) == points
        assert report.points[-1].start == end - granularity.milliseconds


async def test_a_key_that_is_not_there(reporting: Reporting) -> None:
    with pytest.raises(NotFound):
        await reporting[0].report("key_0", Granularity.DAY)


async def test_the_last_use_is_shown_at_once(service: TestService, reporting: Reporting) -> None:
    reports, recorder, key_id = reporting
    key = await service.api_keys.get(key_id)
    assert key is not None
    await reports.show_last_use([key])
    assert key.last_used_at is None
    for flush in (False, True):
        service.clock.advance(SECOND)
        recorder.count(KeyUse(key_id), DEDUCT, 200)
        if flush:
            await recorder.flush()
        await reports.show_last_use([key])
        assert key.last_used_at == service.clock.time
