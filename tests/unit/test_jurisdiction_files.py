"""Files of jurisdictions and rate tables: where they come from, and every fault with its line."""

from pathlib import Path

import pytest

from gateway.errors import InputRefused, WrongUsage
from gateway.jurisdiction_files import check_file, jurisdiction_codes, load_jurisdiction
from models.jurisdiction import ReferenceInterest
from models.rates import RateTable

TABLE = """\
id: mine
title: My rate
rates:
  - {percent: 1, valid_from: 2025-01-01, valid_until: 2025-06-30, verified: true, source: a}
  - {percent: 2, valid_from: 2025-07-01, valid_until: 2025-12-31, verified: true, source: a}
"""
LAW = """\
code: XA
name: Nowhere
late_payment:
  kind: reference
  reference: de_base
  fixing: floating
  margin: {points: 9, valid_from: 2014-07-29, verified: true, source: a}
  day_count: act/365
  compound: none
  valid_from: 2014-07-29
  verified: true
  source: a
compensation:
  with_contract_rate: true
  valid_from: 2014-07-29
  verified: true
  source: a
  bands:
    - {amount: 40 EUR, below: 1000 EUR}
    - {amount: 50 EUR}
allocation: {order: [costs, interest, principal], valid_from: 2014-07-29, verified: true, source: a}
limitation: {period: P3Y, starts: year_end, valid_from: 2014-07-29, verified: true, source: a}
calendar: {weekend: [saturday, sunday], valid_from: 2014-07-29, verified: true, source: a}
"""


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def faults(folder: Path, text: str) -> list[tuple[int, str, str]]:
    return [(fault.line, fault.field, fault.message) for fault in check_file(written(folder, "file.yaml", text))]


def test_sound_files_have_no_faults(tmp_path: Path) -> None:
    assert faults(tmp_path, TABLE) == []
    assert faults(tmp_path, LAW) == []


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("2025-07-01", "2025-07-02", (5, "rates.1.valid_from", "leaves a gap: no rate from 2025-07-01 to 2025-07-01")),
        ("2025-07-01", "2025-06-30", (5, "rates.1.valid_from", "the row before it, which holds until 2025-06-30")),
        ("2025-07-01", "2024-01-01", (5, "rates.1.valid_from", "overlaps the row before it")),
        ("valid_until: 2025-06-30, ", "", (4, "rates.0.valid_until", "is required: only the last row may be open")),
        ("2025-06-30", "2024-06-30", (4, "rates.0.valid_until", "lies before 2025-01-01, on which the row begins")),
        ("percent: 1,", "percent: one,", (4, "rates.0.percent", "'one' is not a number")),
        ("percent: 1,", "percent: 1.5.1,", (4, "rates.0.percent", "is not a number")),
        ("2025-07-01", "yesterday", (5, "rates.1.valid_from", "'yesterday' is not a date such as 2026-01-31")),
        ("2025-07-01", "20250701", (5, "rates.1.valid_from", "'20250701' is not a date")),
        ("2025-07-01", "2025-02-30", (5, "rates.1.valid_from", "date")),
        (", source: a}\n  - {percent: 2", "}\n  - {percent: 2", (4, "rates.0.source", "is required")),
        ("verified: true, source: a}\n  - {percent: 2", "source: a}\n  - {percent: 2", (4, "rates.0.verified", "is")),
        ("title: My rate", "titel: My rate", (2, "titel", "did you mean 'title'?")),
    ],
)  # fmt: skip
def test_a_fault_of_a_rate_table_is_named_with_line_and_field(
    tmp_path: Path, before: str, after: str, fault: tuple[int, str, str]
) -> None:
    assert before in TABLE
    found = faults(tmp_path, TABLE.replace(before, after, 1))

    assert [(line, field) for line, field, message in found if fault[2] in message] == [fault[:2]], found


def test_a_gap_is_found_beside_a_row_that_cannot_be_read(tmp_path: Path) -> None:
    text = TABLE.replace("percent: 1,", "percent: one,").replace("2025-07-01", "2025-08-01")

    assert [(line, field) for line, field, _ in faults(tmp_path, text)] == [
        (4, "rates.0.percent"),
        (5, "rates.1.valid_from"),
    ]


WEEK = "[monday, tuesday, wednesday, thursday, friday, saturday, sunday]"
MOVE = "{event: demand, effect: %s, valid_from: 2014-07-29, verified: true, source: a}"
MOVES = f"[{MOVE % 'none'}, {MOVE % 'restart'}]"
INLINE = """\
reference:
    id: x
    title: x
    rates:
      - {percent: 1, valid_from: 2025-01-01, verified: true, source: a}
"""


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("reference: de_base", "reference: de_bse", (5, "late_payment.reference", "'de_bse'; did you mean 'de_base'")),
        ("kind: reference", "kind: referral", (3, "late_payment", "`kind` is one of reference, fixed, contract")),
        ("points: 9", "point: 9", (7, "late_payment.margin.points", "is required")),
        ("act/365", "30/360", (8, "late_payment.day_count", "is not one of act/365, act/360")),
        (", below: 1000 EUR", "", (19, "compensation.bands.0", "`below` is required")),
        ("50 EUR}", "50 EUR, below: 2000 EUR}", (20, "compensation.bands.1.below", "leave `below` out")),
        ("[costs, interest, principal]", "[costs, interest, costs]", (21, "allocation.order", "once each")),
        ("P3Y", "3 years", (22, "limitation.period", "is not a period of years or months")),
        ("[saturday, sunday]", "[saturday, sonday]", (23, "calendar.weekend.1", "did you mean 'sunday'?")),
        ("[saturday, sunday]", WEEK, (23, "calendar.weekend", "all seven days: leave out those on which business is")),
        ("sunday], ", "sunday], holidays: QQ, ", (23, "calendar.holidays", "no holidays are known for 'QQ'")),
        ("P3Y, starts", f"P3Y, moves: {MOVES}, starts", (22, "limitation.moves.1.event", "'demand' has an entry alr")),
        ("code: XA", "code: nowhere", (1, "code", "is not allowed here")),
        ("reference: de_base\n", INLINE, (9, "late_payment.reference.rates.0.valid_until", "is known until a day")),
    ],
)  # fmt: skip
def test_a_fault_of_a_jurisdiction_is_named_with_line_and_field(
    tmp_path: Path, before: str, after: str, fault: tuple[int, str, str]
) -> None:
    assert before in LAW
    found = faults(tmp_path, LAW.replace(before, after, 1))

    assert [(line, field) for line, field, message in found if fault[2] in message] == [fault[:2]], found


def test_a_variant_holds_for_countries_of_its_jurisdiction_only_and_one_for_each(tmp_path: Path) -> None:
    rule = "late_payment: {kind: contract, valid_from: 2014-07-29, verified: true, source: a}"
    variants = f"  A: {{name: a, countries: [XB, XC], {rule}}}\n  B: {{name: b, countries: [XB], {rule}}}\n"

    assert [(line, field) for line, field, _ in faults(tmp_path, f"{LAW}countries: [XB]\nvariants:\n{variants}")] == [
        (26, "variants.A.countries.1"),
        (27, "variants.B.countries.0"),
    ]


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    text = LAW.replace("de_base", "nope").replace("act/365", "act").replace("P3Y", "P3").replace("40 EUR", "40 XXX")

    assert [(line, field) for line, field, _ in faults(tmp_path, text)] == [
        (5, "late_payment.reference"),
        (8, "late_payment.day_count"),
        (19, "compensation.bands.0.amount"),
        (22, "limitation.period"),
    ]


def test_a_table_inside_a_jurisdiction_is_checked_too(tmp_path: Path) -> None:
    rows = "".join(f"      {line}\n" for line in TABLE.splitlines()).replace("2025-07-01", "2025-07-09")

    found = faults(tmp_path, LAW.replace("reference: de_base", f"reference:\n{rows}"))

    assert [(line, field) for line, field, _ in found] == [(10, "late_payment.reference.rates.1.valid_from")]


def test_the_data_folder_takes_the_place_of_what_is_packaged(tmp_path: Path) -> None:
    later = TABLE.replace("id: mine", "id: de_base")
    written(tmp_path, "policies/rates/de_base.yaml", later)
    written(tmp_path, "policies/jurisdictions/XA.yaml", LAW)

    for code in ("DE", "xa"):
        rule = load_jurisdiction(code, tmp_path).late_payment
        assert isinstance(rule, ReferenceInterest) and rule.reference.title == "My rate"
    assert "XA" in jurisdiction_codes(tmp_path) and "XA" not in jurisdiction_codes()


def test_a_faulty_table_is_named_where_a_jurisdiction_uses_it(tmp_path: Path) -> None:
    table = written(tmp_path, "policies/rates/de_base.yaml", TABLE.replace("2025-07-01", "2025-07-05"))

    with pytest.raises(InputRefused, match=f"{table}:5: rates.1.valid_from: "):
        load_jurisdiction("DE", tmp_path)


@pytest.mark.parametrize(
    ("asked", "code"), [("GB", "UK"), ("PT", "EU"), ("se", "EU-NATIONAL"), ("us-ny", "US-NY"), (" de ", "DE")]
)
def test_countries_variants_and_small_letters_are_understood(asked: str, code: str) -> None:
    assert load_jurisdiction(asked).code == code


@pytest.mark.parametrize("asked", ["XX", "US-XX", "Germany", ""])
def test_an_unknown_jurisdiction_lists_the_known_ones(asked: str) -> None:
    with pytest.raises(InputRefused, match=r"unknown jurisdiction .*known: AT, .*CN-SME, DE, .*US-NY"):
        load_jurisdiction(asked)


def test_a_file_is_taken_by_its_path_and_must_exist(tmp_path: Path) -> None:
    assert load_jurisdiction(written(tmp_path, "any.yaml", LAW)).code == "XA"
    with pytest.raises(WrongUsage, match="there is no file"):
        load_jurisdiction(tmp_path / "nope.yaml")


def test_a_file_and_its_code_must_agree(tmp_path: Path) -> None:
    written(tmp_path, "policies/jurisdictions/XB.yaml", LAW)

    with pytest.raises(InputRefused, match="calls itself 'XA', but the file is named 'XB'"):
        load_jurisdiction("XB", tmp_path)


def test_a_jurisdiction_is_a_value_that_survives_json() -> None:
    for code in ("DE", "CN", "JP", "UK"):
        law = load_jurisdiction(code)
        assert type(law).model_validate_json(law.model_dump_json()) == law
    assert RateTable.model_fields.keys() == {"id", "title", "per", "rates"}
