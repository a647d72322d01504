"""The shipped ladders do what their articles say (requirements R6 to R90), within the limits of contact."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.calendars import pinned
from gateway.policy_files import load_policy
from gateway.simulate import drive
from models import events as e
from models.changes import open_case
from models.clock import CaseClock
from models.contact import channels_for, closed
from models.parties import Contact
from models.policy import DUNNING
from tests.cases import Walk, day, invoice, moments, on

PRESETS = {
    "s0-24h-7-90": {
        "reminder_24h": 1,
        "formal_demand": 8,
        "insurer_notice": 20,
        "referral": 91,
        "guarantee": 91,
        "insurance_claim": 91,
    },
    "s2-weekly-15-30": {"reminder_twice_weekly": 1, "lawyer_letter_16": 16, "legal_action_31": 31},
    "s2-7-15-30": {
        "reminder_1": 1,
        "reminder_7": 7,
        "formal_demand_15": 15,
        "call_16": 16,
        "lawyer_letter_30": 30,
        "referral": 40,
    },
    "statutory-interest": {"reminder_3": 3, "reminder_8": 8, "formal_demand_15": 15, "lawyer_letter_30": 30},
    "s3-immediate": {"reminder_before_due": -7, "formal_demand_1": 1, "call_2": 2, "referral": 25},
}


def _approving(walk: Walk, until: datetime) -> Walk:
    """Let time pass; a colleague approves every proposal as it comes."""
    while walk.now < until:
        walk.until(min(until, walk.now + timedelta(days=1)))
        for name in [name for name in walk.case.proposed if name not in walk.case.approved]:
            walk.tell(walk.now, e.StepApproved, step=name)
    return walk


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_fires_on_the_days_of_its_article_or_the_next_permitted_ones(name: str) -> None:
    covered: dict[str, Any] = {"cover": {}, "guarantee": {"text": "parent company"}}
    walk = _approving(Walk(name, **covered), day(150))

    first = {step: n for step, n in reversed(walk.steps)}
    assert first.keys() == PRESETS[name].keys()
    for step_id, nominal in PRESETS[name].items():
        # A weekend may move a step by two days; an approval comes a day later at most in this test.
        assert nominal <= first[step_id] <= nominal + 3, step_id


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("opened", [-10, -2, 3, 10, 20, 40, 100])
def test_a_preset_contacts_nobody_more_than_twice_in_seven_days_nor_at_the_weekend(name: str, opened: int) -> None:
    for weekday in range(7):
        due = date(2026, 3, 2) + timedelta(days=weekday)
        zone = ZoneInfo("America/Sao_Paulo")
        walk = Walk(name, opened=day(opened + weekday, 17), due=due, buyer={"contact": {"timezone": zone.key}})
        _approving(walk, day(160))
        days = [d.performed_at.astimezone(zone) for d in walk.case.performed if d.kind in DUNNING]
        assert all(at.weekday() < 5 for at in days)
        assert all(later.date() > first.date() for first, later in pairwise(days))
        assert all((later.date() - first.date()).days >= 7 for first, later in zip(days, days[2:], strict=False))


def test_the_reminder_within_24_hours_goes_out_in_the_debtors_morning() -> None:
    walk = Walk("s0-24h-7-90", buyer={"contact": {"timezone": "Asia/Tokyo"}}).until(day(2))

    assert moments(walk.case) == [day(1, 0)]


def test_two_reminders_a_week_up_to_day_15() -> None:
    for weekday in range(7):
        due = on(weekday)
        walk = Walk("s2-weekly-15-30", due=due, opened=day(weekday - 1)).until(day(weekday + 60))
        days = [(d.performed_at.date() - due).days for d in walk.case.performed]

        assert len(days) == 5
        assert all(1 <= n <= 15 for n in days[:4]) and 16 <= days[4] <= 18


def test_an_answer_postpones_the_formal_demand_and_does_not_cancel_it() -> None:
    walk = Walk("s0-24h-7-90").tell(day(3), e.DebtorReplied, text="we will look into it").until(day(60))

    assert walk.steps == [("reminder_24h", 1), ("formal_demand", 21)]


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("country", ["DE", "CN", "KW", "US", "SG", None])
def test_a_preset_contacts_nobody_on_a_day_on_which_it_is_not_welcome(name: str, country: str | None) -> None:
    rules = load_policy(name)
    for due in (date(2026, 1, 30), date(2026, 4, 24), date(2026, 9, 11), date(2026, 12, 4)):
        subject = invoice(due=due, buyer={"country": country})
        begin = datetime(due.year, due.month, due.day, tzinfo=UTC) - timedelta(days=10)
        calendar = pinned(subject, rules, begin)
        opened = e.CaseOpened(invoice=subject, policy=rules, clock=CaseClock.real(begin), at=begin, calendar=calendar)
        case = drive(open_case(opened), [], begin + timedelta(days=120))
        contacts = [d.planned_at for d in case.performed if d.kind in DUNNING]

        assert rules.contact is not None and calendar is not None and contacts
        for at in contacts:
            local = at.astimezone(ZoneInfo(calendar.zone))
            assert local.hour == 9 and closed(rules.contact, calendar, local.date()) is None


def test_the_presets_know_where_people_read_what() -> None:
    for name in PRESETS:
        rules = load_policy(name).contact
        assert rules is not None
        first = {c: channels_for(rules, "reminder", ["email"], Contact(), c)[0] for c in ("DE", "US", "SG", "CN", "JP")}
        assert first == {"DE": "email", "US": "email", "SG": "whatsapp", "CN": "wecom", "JP": "line"}
