"""Contact rules: hours, days, seasons, channels and caps, each worked out by hand, and what holds for all."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.calendars import calendar_of, pinned
from gateway.policy_files import check_policy
from models import events as e
from models.case import Case
from models.changes import apply, open_case
from models.clock import CaseClock
from models.contact import (
    Delayed,
    Forbidden,
    Permitted,
    channels_for,
    closed,
    may_contact,
)
from models.contact_rules import ContactRules
from models.explain import explain
from models.ladder import next_step, planned
from models.parties import Channel, Contact, Creditor
from models.policy import DUNNING, Policy
from tests.cases import after_due, after_step, invoice, policy, step


def house(*closing_days: str, **fields: Any) -> Creditor:
    content = {"code": "ACME", "name": "A", "sender": "a@b.example", "closing_days": closing_days, **fields}
    return Creditor.model_validate(content)


def opened(
    rules: Policy, due: str, country: str | None, zone: str, creditor: Creditor | None = None, **contact: Any
) -> Case:
    """A case that begins the day before it falls due."""
    day = date.fromisoformat(due)
    subject = invoice(due=day, buyer={"country": country, "contact": {"timezone": zone, **contact}})
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1)
    calendar = pinned(subject, rules, at, creditor=creditor or house())
    return open_case(e.CaseOpened(invoice=subject, policy=rules, clock=CaseClock.real(at), at=at, calendar=calendar))


def ladder(*steps: dict[str, Any], contact: dict[str, Any] | None = None, **fields: Any) -> Policy:
    schedule = {"time": "09:00", "zone": "debtor", **fields.pop("schedule", {})}
    return policy(*steps, schedule=schedule, contact=contact or {}, **fields)


# --- worked by hand -------------------------------------------------------------------------------------------

CHRISTMAS = {"quiet": [{"days": "12-23..01-02", "name": "Christmas", "countries": ["DE", "AT"]}]}
SHANGHAI, BERLIN, NEW_YORK = "Asia/Shanghai", "Europe/Berlin", "America/New_York"


@pytest.mark.parametrize(
    ("due", "days", "country", "zone", "rules", "expected"),
    [
        # China, notice for 2026: 1 to 7 October off, work on Sunday 20 September and Saturday 10 October.
        ("2026-09-18", 15, "CN", SHANGHAI, {}, "Thu 2026-10-08 09:00 +0800"),
        ("2026-09-18", 1, "CN", SHANGHAI, {}, "Sun 2026-09-20 09:00 +0800"),
        ("2026-09-18", 1, "CN", SHANGHAI, {"make_up_days": False}, "Mon 2026-09-21 09:00 +0800"),
        ("2026-10-08", 2, "CN", SHANGHAI, {}, "Sat 2026-10-10 09:00 +0800"),
        ("2026-09-18", 15, "CN", SHANGHAI, {"holidays": False}, "Mon 2026-10-05 09:00 +0800"),
        ("2026-09-18", 15, "CN", SHANGHAI, {"holidays": False, "days": "every"}, "Sat 2026-10-03 09:00 +0800"),
        # Japan: 30 April 2026 is a working day between two holidays; a quiet golden week spares it, up to 6 May.
        ("2026-04-29", 1, "JP", "Asia/Tokyo", {}, "Thu 2026-04-30 09:00 +0900"),
        ("2026-04-29", 1, "JP", "Asia/Tokyo", {"quiet": ["golden_week"]}, "Thu 2026-05-07 09:00 +0900"),
        # The Gulf: Kuwait rests on Friday and Saturday, the Emirates on Saturday and Sunday.
        ("2026-05-07", 1, "KW", "Asia/Kuwait", {}, "Sun 2026-05-10 09:00 +0300"),
        ("2026-05-07", 1, "AE", "Asia/Dubai", {}, "Fri 2026-05-08 09:00 +0400"),
        ("2026-05-08", 1, "AE", "Asia/Dubai", {}, "Mon 2026-05-11 09:00 +0400"),
        # New York: summer time from Sunday 8 March to Sunday 1 November 2026; 26 November is Thanksgiving.
        ("2026-03-05", 1, "US", NEW_YORK, {}, "Fri 2026-03-06 09:00 -0500"),
        ("2026-03-05", 2, "US", NEW_YORK, {}, "Mon 2026-03-09 09:00 -0400"),
        ("2026-10-29", 1, "US", NEW_YORK, {}, "Fri 2026-10-30 09:00 -0400"),
        ("2026-10-29", 2, "US", NEW_YORK, {}, "Mon 2026-11-02 09:00 -0500"),
        ("2026-11-25", 1, "US", NEW_YORK, {}, "Fri 2026-11-27 09:00 -0500"),
        # Germany: quiet from 23 December to 2 January, which is a Saturday.
        ("2026-12-22", 1, "DE", BERLIN, CHRISTMAS, "Mon 2027-01-04 09:00 +0100"),
        ("2026-12-22", 1, "NL", "Europe/Amsterdam", CHRISTMAS, "Wed 2026-12-23 09:00 +0100"),
        # Nobody said where the debtor is: only the weekend is known.
        ("2026-12-24", 1, None, "UTC", {}, "Fri 2026-12-25 09:00 +0000"),
    ],
)
def test_a_contact_moves_forward_to_the_next_day_on_which_it_is_welcome(
    due: str, days: int, country: str | None, zone: str, rules: dict[str, Any], expected: str
) -> None:
    case = opened(ladder(step("first", after_due(days)), contact=rules), due, country, zone)
    found = next_step(case)

    assert found is not None
    assert f"{found.planned_at.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M %z}" == expected


def test_nobody_writes_while_the_creditor_is_closed() -> None:
    summer = house("2026-08-03..2026-08-14")
    kept = opened(ladder(step("first", after_due(1))), "2026-08-06", "DE", BERLIN, summer)
    ignored = opened(
        ladder(step("first", after_due(1)), contact={"closing_days": False}), "2026-08-06", "DE", BERLIN, summer
    )

    assert [planned(c, c.policy.steps[0], 1) for c in (kept, ignored)] == [
        datetime(2026, 8, 17, 7, tzinfo=UTC), datetime(2026, 8, 7, 7, tzinfo=UTC),
    ]  # fmt: skip


def test_each_channel_and_region_has_its_hours() -> None:
    rules = {
        "hours": {"any": "08:00-18:00", "phone": "10:00-16:00"},
        "regions": [{"countries": ["CN"], "hours": {"phone": "14:00-17:00"}}],
    }
    steps = (step("letter", after_due(1)), step("call", after_due(2), "call", channels=["phone"]))
    local = {
        country: [
            f"{moment.astimezone(ZoneInfo(zone)):%H:%M}"
            for one in case.policy.steps
            if (moment := planned(case, one, 1)) is not None
        ]
        for country, zone in (("DE", BERLIN), ("CN", SHANGHAI))
        for case in [opened(ladder(*steps, contact=rules), "2026-04-13", country, zone)]
    }

    assert local == {"DE": ["09:00", "10:00"], "CN": ["09:00", "14:00"]}


def test_the_jitter_ends_with_the_hours() -> None:
    rules = ladder(step("first", after_due(1)), contact={"hours": {"any": "08:00-09:30"}}, jitter="PT8H")
    found = [planned(case, rules.steps[0], 1) for n in range(40) for case in [_numbered(rules, n)]]
    local = [moment.astimezone(ZoneInfo(BERLIN)) for moment in found if moment is not None]

    assert len({at.time() for at in local}) == 40
    assert all("09:00" <= f"{at:%H:%M}" < "09:30" for at in local)


def _numbered(rules: Policy, n: int) -> Case:
    subject = invoice(number=str(n), due=date(2026, 4, 13), buyer={"country": "DE", "contact": {"timezone": BERLIN}})
    at = datetime(2026, 4, 10, tzinfo=UTC)
    return open_case(e.CaseOpened(invoice=subject, policy=rules, clock=CaseClock.real(at), at=at))


def test_an_hour_that_the_clocks_skip_waits_for_the_next_day() -> None:
    # On Sunday 8 March 2026 the clocks of New York go from 02:00 to 03:00.
    night = ladder(
        step("first", after_due(1)),
        contact={"days": "every", "hours": {"any": "02:00-03:00"}},
        schedule={"time": "02:15"},
    )
    case = opened(night, "2026-03-07", "US", NEW_YORK)

    assert planned(case, night.steps[0], 1) == datetime(2026, 3, 9, 6, 15, tzinfo=UTC)


def test_what_is_approved_at_night_goes_out_in_the_morning() -> None:
    rules = ladder(step("demand", after_due(1), "formal_demand", mode="propose"))
    case = opened(rules, "2026-04-13", "DE", BERLIN)
    at = datetime(2026, 4, 14, 7, tzinfo=UTC)
    case = apply(case, e.StepProposed(step="demand", planned_at=at, at=at))
    case = apply(case, e.StepApproved(id="1", step="demand", by="berta", at=datetime(2026, 4, 17, 21, tzinfo=UTC)))

    assert planned(case, rules.steps[0], 1) == datetime(2026, 4, 20, 7, tzinfo=UTC)


def test_steps_that_do_not_speak_to_the_debtor_keep_the_schedule_or_the_creditors_days() -> None:
    # 3 October is a holiday in Germany only, 1 to 7 October in China.
    steps = step("hand_on", after_due(1), "referral")
    schedule = {"days": "business"}
    british = house("2026-10-05..2026-10-06", country="GB")
    as_before = opened(ladder(steps, schedule=schedule), "2026-10-02", "CN", SHANGHAI, british)
    creditors = opened(
        ladder(steps, schedule=schedule, contact={"counterpart_days": "creditor"}),
        "2026-10-02",
        "CN",
        SHANGHAI,
        british,
    )

    assert planned(as_before, as_before.policy.steps[0], 1) == datetime(2026, 10, 5, 1, tzinfo=UTC)
    assert planned(creditors, creditors.policy.steps[0], 1) == datetime(2026, 10, 7, 1, tzinfo=UTC)
    found = explain(creditors, creditors.policy.steps[0])
    assert found is not None and [run.reason for run in found.passed] == ["weekend", "the creditor is closed"]


# --- channels -------------------------------------------------------------------------------------------------

REGIONS = ContactRules.model_validate({"regions": [{"countries": ["SG"], "channels": ["whatsapp"]}]})


@pytest.mark.parametrize(
    ("kind", "channels", "contact", "country", "expected"),
    [
        ("reminder", ("email", "post"), {}, "DE", ("email", "post")),
        ("reminder", ("email", "post"), {}, "SG", ("whatsapp", "email", "post")),
        ("reminder", ("email",), {"preferred": ["sms"]}, "SG", ("sms", "whatsapp", "email")),
        ("reminder", ("email", "post"), {"opt_out": ["email", "whatsapp"]}, "SG", ("post",)),
        # A demand must be provable: a preference only reorders the channels of the step.
        ("formal_demand", ("email", "post"), {"preferred": ["whatsapp", "post"]}, "SG", ("post", "email")),
        ("formal_demand", ("email", "post"), {"opt_out": ["email"]}, "SG", ("post",)),
        ("call", ("phone",), {"preferred": ["email"]}, "SG", ("phone",)),
        ("call", ("phone",), {"opt_out": ["phone"]}, "SG", ()),
    ],
)
def test_the_channel_is_the_buyers_then_the_regions_then_the_steps(
    kind: str, channels: Any, contact: dict[str, Any], country: str, expected: tuple[str, ...]
) -> None:
    assert channels_for(REGIONS, kind, channels, Contact.model_validate(contact), country) == expected


# --- just before sending --------------------------------------------------------------------------------------

GERMANY = calendar_of("DE", BERLIN, date(2026, 1, 1), date(2026, 12, 31))
OFFICE = ContactRules.model_validate({"hours": {"any": "08:00-18:00"}, "buyer_limit": {"most": 2, "within": "P7D"}})
BERLINER = Contact(timezone=BERLIN)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """An instant of April 2026 in Berlin; the 13th is a Monday, the 6th Easter Monday."""
    return datetime(2026, 4, day, hour, minute, tzinfo=ZoneInfo(BERLIN))


def test_a_retry_at_night_waits_for_the_morning_and_says_why() -> None:
    verdict = may_contact(OFFICE, GERMANY, BERLINER, "email", at(14, 23))

    assert verdict == Delayed(at(15, 8), "23:00 Europe/Berlin lies outside the hours of email (08:00-18:00)")
    assert may_contact(OFFICE, GERMANY, BERLINER, "email", at(14, 17, 59)) == Permitted()
    assert may_contact(OFFICE, GERMANY, BERLINER, "email", at(14, 18)).__class__ is Delayed
    assert may_contact(OFFICE, GERMANY, BERLINER, "email", at(14, 7, 59)) == Delayed(
        at(14, 8), "07:59 Europe/Berlin lies outside the hours of email (08:00-18:00)"
    )


def test_a_holiday_is_waited_for() -> None:
    assert may_contact(OFFICE, GERMANY, BERLINER, "email", at(3, 10)) == Delayed(at(7, 8), "Fri 3 Apr: Good Friday")


def test_who_declined_or_is_private_is_not_contacted() -> None:
    declined = BERLINER.but(opt_out=("email",))

    assert isinstance(may_contact(OFFICE, GERMANY, declined, "email", at(14, 10)), Forbidden)
    assert may_contact(OFFICE, GERMANY, declined, "post", at(14, 10)) == Permitted()
    assert isinstance(may_contact(OFFICE, GERMANY, BERLINER.but(private=True), "email", at(14, 10)), Forbidden)
    lenient = OFFICE.but(business_contacts_only=False)
    assert may_contact(lenient, GERMANY, BERLINER.but(private=True), "email", at(14, 10)) == Permitted()


def test_two_contacts_in_seven_days_over_all_cases_of_a_buyer() -> None:
    # Two cases wrote on Monday 13 and Tuesday 14 April: the third may write on Monday 20, seven days after the first.
    earlier = [at(14, 9), at(13, 9)]
    reason = "at most 2 contacts in 7 days with this buyer"

    assert may_contact(OFFICE, GERMANY, BERLINER, "email", at(15, 9), earlier) == Delayed(at(20, 8), reason)
    assert may_contact(OFFICE, GERMANY, BERLINER, "email", at(20, 9), earlier) == Permitted()
    assert may_contact(OFFICE, GERMANY, BERLINER, "email", at(15, 9), earlier[:1]) == Permitted()
    assert may_contact(OFFICE.but(buyer_limit=None), GERMANY, BERLINER, "email", at(15, 9), earlier) == Permitted()


# --- what holds for all ---------------------------------------------------------------------------------------

PLACES = [
    ("CN", SHANGHAI), ("DE", BERLIN), ("US", NEW_YORK), ("KW", "Asia/Kuwait"), ("AE", "Asia/Dubai"),
    ("JP", "Asia/Tokyo"), ("NZ", "Pacific/Auckland"), (None, "UTC"),
]  # fmt: skip
WINDOWS = ["00:00-24:00", "08:00-18:00", "09:30-10:00", "21:00-24:00"]


@st.composite
def situations(draw: st.DrawFn) -> Case:
    """A case that was just opened, on time or late, under some rules of contact."""
    quiet = st.sampled_from(["12-20..01-06", "02-10..02-20", "golden_week", "spring_festival"])
    contact = {
        "hours": {"any": draw(st.sampled_from(WINDOWS)), "phone": draw(st.sampled_from(WINDOWS))},
        "days": draw(st.sampled_from(["business", "every"])),
        "holidays": draw(st.booleans()),
        "make_up_days": draw(st.booleans()),
        "quiet": draw(st.lists(quiet, max_size=2, unique=True)),
    }
    rules = ladder(
        step("first", after_due(draw(st.integers(0, 20)))),
        step("call", after_step("first", draw(st.integers(0, 9))), "call", channels=["phone"]),
        step("demand", {"any": [after_due(30), {"on_event": "contact_lost"}]}, "formal_demand", requires=["first"]),
        contact=contact,
        jitter=draw(st.sampled_from(["PT0S", "PT3H"])),
        spacing=f"P{draw(st.integers(0, 3))}D",
        contact_limit=draw(st.sampled_from([None, {"most": 1, "within": "P10D"}])),
    )
    country, zone = draw(st.sampled_from(PLACES))
    due = draw(st.dates(date(2025, 12, 1), date(2026, 12, 31)))
    subject = invoice(due=due, buyer={"country": country, "contact": {"timezone": zone}})
    begin = datetime(due.year, due.month, due.day, draw(st.integers(0, 23)), tzinfo=UTC)
    begin += timedelta(days=draw(st.integers(-3, 40)))
    closing = [f"{due + timedelta(days=n)}" for n in draw(st.lists(st.integers(0, 40), max_size=3))]
    calendar = pinned(subject, rules, begin, creditor=house(*closing))
    case = open_case(
        e.CaseOpened(invoice=subject, policy=rules, clock=CaseClock.real(begin), at=begin, calendar=calendar)
    )
    if draw(st.booleans()):
        case = apply(case, e.HoldPlaced(id="H", at=begin + timedelta(hours=5)))
        case = apply(case, e.HoldReleased(id="R", at=begin + timedelta(days=draw(st.integers(1, 9)), hours=11)))
    return case


@settings(max_examples=150, deadline=None)
@given(case=situations())
def test_a_contact_is_never_early_nor_outside_the_hours_nor_on_a_closed_day_and_every_day_it_passed_is_named(
    case: Case,
) -> None:
    rules = case.policy.contact
    assert rules is not None
    while (due := next_step(case)) is not None:
        step, occurrence, moment = due
        found = explain(case, step, occurrence)
        assert found is not None and found.at == moment
        zone = ZoneInfo(found.zone)
        local = moment.astimezone(zone)
        channel: Channel = "phone" if step.kind == "call" else "email"
        window = rules.window(channel, case.calendar.country if case.calendar else None)

        assert step.kind in DUNNING
        assert local.date() >= found.nominal and moment >= case.opened_at
        assert window.opens <= local.time() < window.closes
        assert closed(rules, case.calendar, local.date()) is None
        verdict = may_contact(
            rules, case.calendar, case.invoice.buyer.contact.but(timezone=found.zone), channel, moment
        )
        assert verdict == Permitted()
        passed = [run.first + timedelta(days=n) for run in found.passed for n in range((run.last - run.first).days + 1)]
        assert passed == [found.nominal + timedelta(days=n) for n in range((local.date() - found.nominal).days)]
        text = str(found)
        for run in found.passed:
            assert f"{run.first:%a} {run.first.day} {run.first:%b}" in text and run.reason in text
            # A day on which contacts are made was passed over for a reason of the case, never of the calendar.
            assert (
                run.reason == closed(rules, case.calendar, run.first) or closed(rules, case.calendar, run.first) is None
            )
        done = e.StepPerformed(
            step=step.id, kind=step.kind, occurrence=occurrence, planned_at=moment, performed_at=moment, at=moment
        )
        case = apply(case, done)


# --- what a policy may say ------------------------------------------------------------------------------------

HEAD = "id: mine\nschedule: {zone: debtor}\nsteps:\n  - {id: a, kind: reminder, when: {after_due: P1D}}\ncontact:\n"


@pytest.mark.parametrize(
    ("block", "line", "field", "message"),
    [
        ("  hours: {email: 8-18}", 6, "contact.hours.email", 'are not hours of a day: write "08:00-18:00"'),
        ('  hours: {email: "18:00-08:00"}', 6, "contact.hours.email", "must end at least half an hour after"),
        ('  hours: {emial: "08:00-18:00"}', 6, "contact.hours.emial", "did you mean 'email'?"),
        ("  days: weekdays", 6, "contact.days", "is not one of business, every"),
        ("  quiet:\n    - 12-23..13-02", 7, "contact.quiet.0.days", "there is no day 13-02"),
        ("  quiet:\n    - 23.12.-02.01.", 7, "contact.quiet.0.days", "write 12-23..01-02 (month-day)"),
        ("  quiet: [golden_weak]", 6, "contact.quiet.0.season", "did you mean 'golden_week'?"),
        ("  quiet:\n    - {name: Summer}", 7, "contact.quiet.0", "is either `days` (12-23..01-02) or a `season`"),
        ("  quiet: [01-02..12-30]", 6, "contact.quiet", "add up to 364 days of the year; at most 120"),
        ("  regions:\n    - countries: [China]", 7, "contact.regions.0.countries.0", "two capital letters"),
        (
            "  regions:\n    - {countries: [CN]}\n    - {countries: [SG, CN]}", 8, "contact.regions.1.countries.1",
            "CN is named by region 0 already",
        ),
        ("  buyer_limit: {most: 0, within: P7D}", 6, "contact.buyer_limit.most", "must be at least 1"),
        ("  buyer_limit: {most: 2, within: 7}", 6, "contact.buyer_limit.within", "write 7 days as P7D"),
        ("  regions:\n    - {countries: [CN], channels: [wechat]}", 7, "contact.regions.0.channels.0", "is not one of"),
    ],
)  # fmt: skip
def test_check_names_the_line_and_the_field_of_a_rule_that_is_wrong(
    tmp_path: Path, block: str, line: int, field: str, message: str
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"{HEAD}{block}\n")
    (fault,) = check_policy(file)

    assert (fault.line, fault.field) == (line, field)
    assert message in fault.message


def test_hours_of_contact_need_the_debtors_zone(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(HEAD.replace("debtor", "UTC") + "  days: business\n")
    (fault,) = check_policy(file)

    assert (fault.line, fault.field) == (5, "contact")
    assert "set `zone: debtor`" in fault.message


def test_rules_come_back_from_json_as_they_were() -> None:
    content = {
        "hours": {"any": "00:00-24:00", "phone": "09:00-17:30"}, "quiet": ["12-23..01-02", "golden_week"],
        "buyer_limit": {"most": 2, "within": "P7D"},
    }  # fmt: skip
    rules = ladder(step("a", after_due(1)), contact=content)

    assert Policy.model_validate_json(rules.content) == rules
    assert rules.brief["contact"]["hours"] == {"any": "00:00-24:00", "phone": "09:00-17:30"}
    with pytest.raises(ValidationError):
        ContactRules.model_validate({"hours": "08:00-18:00"})
