"""Why a step is planned for its moment, word for word."""

from datetime import UTC, date, datetime
from typing import Any

from gateway.calendars import pinned
from models import events as e
from models.case import Case
from models.changes import apply, open_case
from models.clock import CaseClock
from models.explain import explain
from models.policy import Policy
from tests.cases import after_due, after_step, invoice, policy, step

LADDER = [
    step("hello", {"before_due": "P3D"}),
    step("first", after_due(1)),
    step("call", after_step("first", 14), "call", channels=["phone"]),
    step("demand", after_due(15), "formal_demand", cure_period="P10D"),
    step("lawyer", {"any": [after_due(25), {"on_event": "contact_lost"}]}, "lawyer_letter", requires=["demand"]),
]


def rules(**fields: Any) -> Policy:
    return policy(*LADDER, schedule={"zone": "debtor", "time": "09:00"}, **fields)


AT = datetime(2026, 9, 10, tzinfo=UTC)


def opened(asked: Policy, due: str = "2026-09-18", country: str | None = "CN", at: datetime = AT) -> Case:
    zone = "Asia/Shanghai" if country == "CN" else "UTC"
    subject = invoice(due=date.fromisoformat(due), buyer={"country": country, "contact": {"timezone": zone}})
    calendar = pinned(subject, asked, at)
    return open_case(e.CaseOpened(invoice=subject, policy=asked, clock=CaseClock.real(at), at=at, calendar=calendar))


def said(case: Case, name: str) -> str:
    return str(explain(case, case.policy.by_id[name]))


def performed(case: Case, name: str, at: datetime) -> Case:
    kind = case.policy.by_id[name].kind
    return apply(case, e.StepPerformed(step=name, kind=kind, planned_at=at, performed_at=at, at=at))


def test_a_day_in_golden_week() -> None:
    assert said(opened(rules(contact={})), "demand") == (
        "day 15 = Sat 3 Oct; Golden Week (Sat 3 Oct to Wed 7 Oct); moved to Thu 8 Oct 09:00 Asia/Shanghai"
    )


def test_a_day_that_was_not_moved() -> None:
    assert said(opened(rules(contact={})), "hello") == "day -3 = Tue 15 Sep; at 09:00 Asia/Shanghai"


def test_hours_that_are_later_than_the_policys_time() -> None:
    late = opened(rules(contact={"hours": {"phone": "10:00-12:00"}}))
    late = performed(late, "first", datetime(2026, 9, 21, 1, tzinfo=UTC))

    assert said(late, "call") == (
        "14 days after first (Mon 21 Sep) = Mon 5 Oct; Golden Week (Mon 5 Oct to Wed 7 Oct); "
        "09:00 lies outside the hours of phone (10:00-12:00); moved to Thu 8 Oct 10:00 Asia/Shanghai"
    )


def test_the_cure_period_is_named() -> None:
    case = performed(opened(rules(contact={})), "demand", datetime(2026, 10, 8, 1, tzinfo=UTC))

    assert said(case, "lawyer") == (
        "day 25 = Tue 13 Oct; cure period of demand (Tue 13 Oct to Fri 16 Oct); weekend (Sat 17 Oct to Sun 18 Oct); "
        "moved to Mon 19 Oct 09:00 Asia/Shanghai"
    )


def test_the_cap_is_named() -> None:
    case = opened(rules(contact={}, contact_limit={"most": 1, "within": "P14D"}))
    case = performed(case, "demand", datetime(2026, 10, 8, 1, tzinfo=UTC))

    assert said(case, "lawyer") == (
        "day 25 = Tue 13 Oct; at most 1 contact in 14 days (Tue 13 Oct to Fri 16 Oct); "
        "weekend (Sat 17 Oct to Sun 18 Oct); at most 1 contact in 14 days (Mon 19 Oct to Wed 21 Oct); "
        "moved to Thu 22 Oct 09:00 Asia/Shanghai"
    )


def test_an_event_on_a_closed_day() -> None:
    case = performed(opened(rules(contact={})), "demand", datetime(2026, 9, 10, 2, tzinfo=UTC))
    lost = apply(case, e.ContactLost(id="1", at=datetime(2026, 9, 26, 12, tzinfo=UTC)))

    assert said(lost, "lawyer") == (
        "contact_lost = Sat 26 Sep; weekend (Sat 26 Sep to Sun 27 Sep); moved to Mon 28 Sep 09:00 Asia/Shanghai"
    )


def test_days_on_which_the_ladder_stood_still() -> None:
    case = performed(opened(rules(contact={})), "demand", datetime(2026, 9, 10, 2, tzinfo=UTC))
    held = apply(case, e.HoldPlaced(id="2", at=datetime(2026, 9, 19, 12, tzinfo=UTC)))
    held = apply(held, e.HoldReleased(id="3", at=datetime(2026, 9, 23, 12, tzinfo=UTC)))

    assert said(held, "first") == (
        "day 1 = Sat 19 Sep; weekend (Sat 19 Sep); the ladder stood still (Sun 20 Sep to Wed 23 Sep); "
        "moved to Thu 24 Sep 09:00 Asia/Shanghai"
    )
    assert said(held, "lawyer").startswith("day 25 and 4 days on which the ladder stood still = Sat 17 Oct; ")


def test_what_was_put_off_when_it_was_to_be_sent() -> None:
    case, noon = opened(rules(contact={})), datetime(2026, 9, 22, 12, tzinfo=UTC)
    put_off = apply(case, e.StepDeferred(step="first", until=noon, reason="a cap", at=noon))

    assert said(put_off, "first") == (
        "day 1 = Sat 19 Sep; weekend (Sat 19 Sep); put off when it was to be sent (Sun 20 Sep to Tue 22 Sep); "
        "moved to Wed 23 Sep 09:00 Asia/Shanghai"
    )


def test_what_the_calendar_does_not_know_is_said() -> None:
    assert said(opened(rules(contact={}), "2026-12-20", None), "demand") == (
        "day 15 = Mon 4 Jan 2027; at 09:00 UTC; weekends only: no holidays are known for this debtor"
    )
    # A case of the far future: what China will announce for it cannot be known.
    assert "only" in said(opened(rules(contact={}), "2049-03-01"), "demand")


def test_holidays_of_years_that_are_not_published_count_as_far_as_the_law_names_them() -> None:
    case = opened(rules(contact={}), "2048-09-18", at=datetime(2048, 9, 10, tzinfo=UTC))

    assert case.calendar is not None and case.calendar.known_until is None
    assert said(case, "demand") == (
        "day 15 = Sat 3 Oct; Golden Week (Sat 3 Oct to Mon 5 Oct); moved to Tue 6 Oct 09:00 Asia/Shanghai; "
        "the holidays of CN are not published yet: only those that the law names count"
    )


def test_an_hour_that_the_clocks_skip_is_named() -> None:
    night = policy(
        step("first", after_due(1)), schedule={"zone": "debtor", "time": "02:30"},
        contact={"hours": {"any": "00:00-24:00"}, "days": "every", "holidays": False},
    )  # fmt: skip
    case = opened(night, "2027-03-27", "DE")

    assert said(case, "first") == (
        "day 1 = Sun 28 Mar; the clocks skip 02:30 (Sun 28 Mar); moved to Mon 29 Mar 02:30 Europe/Berlin"
    )


def test_a_step_that_has_no_date_yet_is_not_explained() -> None:
    case = opened(rules(contact={}))

    assert explain(case, case.policy.by_id["lawyer"]) is None


def test_a_policy_without_rules_is_explained_as_well() -> None:
    weekdays = policy(step("first", after_due(1)), schedule={"zone": "UTC", "days": "business"})
    case = opened(weekdays, country=None)

    assert (
        said(case, "first") == "day 1 = Sat 19 Sep; weekend (Sat 19 Sep to Sun 20 Sep); moved to Mon 21 Sep 09:00 UTC"
    )
