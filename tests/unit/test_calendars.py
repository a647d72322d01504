"""Calendars: what is resolved for a country, what is pinned into a case, and what a working day is."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.calendars import calendar_of, pinned, zone_of
from gateway.errors import InputRefused
from gateway.policy_files import load_policy
from models import events as e
from models.calendar import (
    Closing,
    PinnedCalendar,
    closed_day,
    is_business_day,
    next_business_day,
    previous_business_day,
)
from models.case import Case
from models.changes import fold, open_case
from models.clock import CaseClock
from models.events import StoredOpening, stored_form
from models.parties import Creditor
from tests.cases import after_due, invoice, policy, step

FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)
COUNTRIES = ("CN", "DE", "US", "AE", "KW", "JP", "IL", "SE", "XX", None)


def of(country: str | None, **creditor: Any) -> PinnedCalendar:
    house = Creditor.model_validate({"code": "ACME", "name": "A", "sender": "a@b.example", **creditor})
    return calendar_of(country, "UTC", FIRST, LAST, creditor=house)


def days_of(text: str) -> list[date]:
    return [date.fromisoformat(f"2026-{day}") for day in text.split()]


# --- what a country's calendar is -----------------------------------------------------------------------------


def test_golden_week_with_its_made_up_working_days() -> None:
    # State Council's notice for 2026: 1 to 7 October off; work on Sunday 20 September and Saturday 10 October.
    china = of("CN")

    assert [closed_day(date(2026, 10, day), china) for day in range(1, 8)] == ["Golden Week"] * 7
    assert all(is_business_day(day, china) for day in days_of("09-20 09-30 10-08 10-09 10-10"))
    assert closed_day(date(2026, 10, 11), china) == "weekend"
    assert china.season(date(2026, 2, 15), "spring_festival") and not china.season(date(2026, 2, 14))


def test_weekends_of_the_gulf() -> None:
    thursday, friday, saturday, sunday = days_of("05-07 05-08 05-09 05-10")

    assert [is_business_day(d, of("KW")) for d in (thursday, friday, saturday, sunday)] == [True, False, False, True]
    assert [is_business_day(d, of("AE")) for d in (thursday, friday, saturday, sunday)] == [True, True, False, False]


def test_the_calendar_of_a_member_state_is_its_own_and_not_that_of_the_union() -> None:
    assert closed_day(date(2026, 6, 6), of("SE")) == "National Day"


def test_what_is_not_known_is_said() -> None:
    nowhere, nobody = of("XX"), of(None)

    assert (nowhere.known_until, nowhere.holidays, nobody.known_until) == (None, {}, None)
    assert closed_day(date(2026, 12, 25), nobody) is None
    assert closed_day(date(2026, 12, 26), nobody) == "weekend"
    assert of("DE").known_until == LAST and (of("DE").library, bool(of("DE").version)) == ("holidays", True)


def test_a_calendar_that_is_announced_yearly_is_known_up_to_the_last_notice() -> None:
    china = calendar_of("CN", "UTC", date(2026, 6, 1), date(2040, 6, 1))

    assert china.known_until is not None and date(2026, 12, 31) <= china.known_until < date(2036, 1, 1)
    # Later years are not announced yet; the days that the law itself names are kept all the same.
    assert china.holidays[date(2039, 10, 1)] == "National Day"


def test_the_creditor_is_closed_on_its_own_days() -> None:
    house = of(
        "DE", closing_days=["2026-08-10", "2026-12-24..2027-01-01", {"days": "2026-07-01", "name": "stocktaking"}]
    )

    assert closed_day(date(2026, 8, 10), house) == "the creditor is closed"
    assert closed_day(date(2026, 7, 1), house) == "the creditor is closed (stocktaking)"
    assert next_business_day(date(2026, 12, 24), house) == date(2027, 1, 4)


@pytest.mark.parametrize(
    ("given_days", "message"),
    [
        ("24.12.2026", "write 2026-12-24 or 2026-12-24..2027-01-01"),
        ("2026-12-24..2026-12-01", "lies before"),
        ("2026-01-01..2026-12-31", "more than 92 days"),
        ("2026-02-30", "date"),
    ],
)
def test_closing_days_that_make_no_sense_are_refused(given_days: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        of("DE", closing_days=[given_days])


def test_a_jurisdiction_of_the_data_folder_counts_before_the_packaged_one(tmp_path: Path) -> None:
    folder = tmp_path / "policies" / "jurisdictions"
    folder.mkdir(parents=True)
    source = Path(__file__).parents[2] / "policies" / "jurisdictions" / "SG.yaml"
    (folder / "SG.yaml").write_text(source.read_text().replace("[saturday, sunday]", "[sunday]"))

    assert calendar_of("SG", "UTC", FIRST, LAST, tmp_path).weekend == ("sunday",)
    (folder / "SG.yaml").write_text("code: SG\n")
    with pytest.raises(InputRefused, match=r"SG\.yaml:1: "):
        calendar_of("SG", "UTC", FIRST, LAST, tmp_path)


@pytest.mark.parametrize(
    ("country", "zone", "expected"),
    [
        ("AE", "UTC", "Asia/Dubai"),
        ("CN", "UTC", "Asia/Shanghai"),
        ("CN", "Asia/Urumqi", "Asia/Urumqi"),
        ("US", "UTC", "UTC"),
        (None, "UTC", "UTC"),
    ],
)
def test_a_debtor_without_a_zone_has_that_of_the_country_if_one_stands_for_it(
    country: str | None, zone: str, expected: str
) -> None:
    assert zone_of(country, zone) == expected


# --- deadlines ------------------------------------------------------------------------------------------------


def test_a_deadline_rolls_back_over_golden_week() -> None:
    assert previous_business_day(date(2026, 10, 4), of("CN")) == date(2026, 9, 30)
    assert previous_business_day(date(2026, 10, 10), of("CN")) == date(2026, 10, 10)
    assert previous_business_day(date(2026, 10, 4), None) == date(2026, 10, 2)


@settings(deadline=None)
@given(day=st.dates(FIRST + timedelta(days=60), LAST), country=st.sampled_from(COUNTRIES), closed=st.booleans())
def test_a_deadline_is_met_on_a_business_day_and_never_late(day: date, country: str | None, closed: bool) -> None:
    calendar = of(country, closing_days=[Closing(first=day, last=day)] if closed else [])
    found = previous_business_day(day, calendar)

    assert found <= day and is_business_day(found, calendar)
    assert not any(is_business_day(found + timedelta(days=n), calendar) for n in range(1, (day - found).days + 1))


# --- pinned into the case -------------------------------------------------------------------------------------

AT = datetime(2026, 9, 1, tzinfo=UTC)
ASKED = policy(step("first", after_due(1)), schedule={"zone": "debtor"}, contact={})


def opened(**fields: Any) -> e.CaseOpened:
    subject = invoice(due=date(2026, 9, 18), buyer={"country": "CN"})
    calendar = pinned(subject, ASKED, AT)
    return e.CaseOpened(invoice=subject, policy=ASKED, clock=CaseClock.real(AT), at=AT, calendar=calendar, **fields)


def test_a_policy_without_rules_of_contact_pins_nothing_and_writes_nothing() -> None:
    subject = invoice()
    plain = load_policy("plain")
    opening = e.CaseOpened(invoice=subject, policy=plain, clock=CaseClock.real(AT), at=AT)

    assert pinned(subject, plain, AT) is None
    assert "calendar" not in opening.model_dump_json() + stored_form(opening) + open_case(opening).model_dump_json()
    assert "opt_out" not in subject.model_dump_json()


def test_the_calendar_reaches_from_before_the_due_date_to_long_after_the_opening() -> None:
    late = pinned(invoice(due=date(2025, 1, 1), buyer={"country": "CN"}), ASKED, AT)

    assert late is not None and (late.first, late.last) == (date(2024, 12, 2), date(2027, 10, 6))
    assert late.zone == "Asia/Shanghai"


def test_the_calendar_survives_the_ledger_and_the_wire() -> None:
    event = opened()
    stored = StoredOpening.model_validate_json(stored_form(event)).restore(event.invoice, event.policy)

    assert stored.calendar == event.calendar
    assert fold([stored]).calendar == event.calendar
    assert Case.model_validate_json(open_case(event).model_dump_json()).calendar == event.calendar


def test_an_order_carries_the_near_part_of_the_calendar() -> None:
    calendar = opened().calendar
    assert calendar is not None
    near = calendar.between(date(2026, 9, 25), date(2026, 10, 11))

    assert [closed_day(date(2026, 10, d), near) for d in (1, 4, 7, 8, 10)] == [*["Golden Week"] * 3, None, None]
    assert len(near.model_dump_json()) < len(calendar.model_dump_json()) < 2_500
