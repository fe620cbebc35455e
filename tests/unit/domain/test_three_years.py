"""Three years of renewals. The dates, the money and the credits were written down by hand."""

from itertools import pairwise

from tests.support.service import TestService
from tests.support.subscriber import Seen, Subscriber

FROM_THE_31ST = """
2026-02-28 2026-03-31 2026-04-30 2026-05-31 2026-06-30 2026-07-31
2026-08-31 2026-09-30 2026-10-31 2026-11-30 2026-12-31 2027-01-31
2027-02-28 2027-03-31 2027-04-30 2027-05-31 2027-06-30 2027-07-31
2027-08-31 2027-09-30 2027-10-31 2027-11-30 2027-12-31 2028-01-31
2028-02-29 2028-03-31 2028-04-30 2028-05-31 2028-06-30 2028-07-31
2028-08-31 2028-09-30 2028-10-31 2028-11-30 2028-12-31 2029-01-31
2029-02-28
""".split()


async def test_monthly_from_31_january(service: TestService) -> None:
    user = await Subscriber.begin(service, "2026-01-31")
    view = await user.subscribe("pro")
    assert await user.seen() == Seen("incomplete pro 2026-01-31..2026-02-28 link", told="created")
    await user.pay(view)
    user.save_card()
    assert await user.seen() == Seen(
        "active pro 2026-01-31..2026-02-28",
        2000,
        "2000 to 2026-02-28",
        told="paid 3000, changed:started, +2000",
        charged="3000",
    )
    # 1,700 are left at the end of the first period: 500 go on, 1,200 end.
    await user.spend(300)
    assert await user.seen() == Seen(
        "active pro 2026-01-31..2026-02-28",
        1700,
        "1700 to 2026-02-28",
        usage="paraphrase 1/300",
        told="-300 deduct",
    )
    told = "paid 3000, changed:renewed, -1200 expire, +2000"
    for start, end in pairwise(FROM_THE_31ST):
        await user.until(start)
        assert await user.seen() == Seen(
            f"active pro {start}..{end}",
            2500,
            f"500 to {end}, 2000 to {end}",
            told=told,
            charged="3000",
        )
        # Of 500 and 2,000 that nobody spends, the newest 500 go on.
        told = "paid 3000, changed:renewed, -1500 expire, -500 expire, +2000"
    assert len(user.gateway.charged) == 37


async def test_yearly_from_29_february(service: TestService) -> None:
    user = await Subscriber.begin(service, "2024-02-29")
    await user.bought("pro_yearly")
    years = ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29", "2029-02-28"]
    for start, end in pairwise(years[1:]):
        await user.spend(1000)
        await user.until(start)
        assert await user.seen() == Seen(
            f"active pro_yearly {start}..{end}",
            24_000,
            f"24000 to {end}",
            told="-1000 deduct, paid 30000, changed:renewed, -23000 expire, +24000",
            charged="30000",
        )
    assert [step.kind.value for step in await user.steps()] == [
        "created", "started", "renewed", "renewed", "renewed", "renewed",
    ]  # fmt: skip


async def test_after_months_without_a_scheduler_each_period_is_charged_in_its_turn(
    service: TestService,
) -> None:
    user = await Subscriber.begin(service, "2026-01-31")
    await user.bought("pro")
    await service.advance(100 * 24 * 3_600_000)  # to 11 May: three periods have ended
    assert await user.seen() == Seen(
        "active pro 2026-04-30..2026-05-31",
        2500,
        "500 to 2026-05-31, 2000 to 2026-05-31",
        # What goes on into a period that is over, too, has ended with it.
        told="paid 3000, changed:renewed, -1500 expire, -500 expire, +2000, "
        "paid 3000, changed:renewed, -1500 expire, -500 expire, +2000, "
        "paid 3000, changed:renewed, -1500 expire, +2000",
        charged="3000 3000 3000",
    )
