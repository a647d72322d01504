"""Every packaged jurisdiction, by at least three dated examples worked by hand: interest, fixed sum, limitation."""

from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from gateway import jurisdiction_files as files
from gateway.jurisdiction_files import check_file, known_files
from models.interest import LateFee
from models.limitation import LimitationEvent, limitation_date
from models.money import Money
from models.rates import NoRate
from models.statutory_interest import Claim, late_payment_claim

load_jurisdiction = cache(files.load_jurisdiction)


def claim(code: str, debt: str, due: str, as_of: str, rate: str | None = None) -> Claim:
    principal, fee = Money.model_validate(debt), LateFee.model_validate(rate) if rate else None
    law = load_jurisdiction(code)
    return late_payment_claim(principal, date.fromisoformat(due), date.fromisoformat(as_of), law, fee)


def parts(found: Claim) -> str:
    return " + ".join(str(s.amount.amount) for s in found.statement.segments)


# Each comment: the rate, then days @ rate = amount before rounding, for debt x rate x days / 365.
STATUTE = [
    # 4.25 + 8: 184 d @ 12.25 % = 617.5342
    ("EU", "10000 EUR", "2024-06-30", "2024-12-31", "617.53", "40.00"),
    # 3.15 + 8 from 1 January: 30 d @ 12.25 % = 100.6849; 31 d @ 11.15 % = 94.6986
    ("EU", "10000 EUR", "2024-12-01", "2025-01-31", "100.68 + 94.70", "40.00"),
    # 2.15 + 8 from 1 July: 30 d @ 11.15 % = 91.6438; 62 d @ 10.15 % = 172.4110
    ("EU", "10000 EUR", "2025-05-31", "2025-08-31", "91.64 + 172.41", "40.00"),
    # 2.27 + 9, 1.27 + 9: 30 d @ 11.27 % = 92.6301; 62 d @ 10.27 % = 174.4493
    ("DE", "10000 EUR", "2025-05-31", "2025-08-31", "92.63 + 174.45", "40.00"),
    # 1.27 + 9: 89 d @ 10.27 % = 125.2096
    ("DE", "5000 EUR", "2026-01-31", "2026-04-30", "125.21", "40.00"),
    # 3.37 + 9, 2.27 + 9: 16 d @ 12.37 % = 5.4225; 15 d @ 11.27 % = 4.6315
    ("DE", "1000 EUR", "2024-12-15", "2025-01-15", "5.42 + 4.63", "40.00"),
    # -0.62 + 9.2, 1.88 + 9.2: 31 d @ 8.58 % = 72.8712; 31 d @ 11.08 % = 94.1041
    ("AT", "10000 EUR", "2022-11-30", "2023-01-31", "72.87 + 94.10", "40.00"),
    # 2.53 + 9.2: 30 d @ 11.73 % = 19.2822
    ("AT", "2000 EUR", "2025-01-31", "2025-03-02", "19.28", "40.00"),
    # 1.53 + 9.2, one segment over the new year: 274 d @ 10.73 % = 604.1137
    ("AT", "7500 EUR", "2025-06-30", "2026-03-31", "604.11", "40.00"),
    # 4.25 + 10, 3.15 + 10: 31 d @ 14.25 % = 121.0274; 31 d @ 13.15 % = 111.6849
    ("FR", "10000 EUR", "2024-11-30", "2025-01-31", "121.03 + 111.68", "40.00"),
    # 2.15 + 10: 60 d @ 12.15 % = 59.9178
    ("FR", "3000 EUR", "2025-08-15", "2025-10-14", "59.92", "40.00"),
    # 4.00 + 10: 31 d @ 14.00 % = 17.8356
    ("FR", "1500 EUR", "2023-06-30", "2023-07-31", "17.84", "40.00"),
    # 2.15 + 8: 92 d @ 10.15 % = 255.8356
    ("NL", "10000 EUR", "2025-07-31", "2025-10-31", "255.84", "40.00"),
    # 2.50 + 8, 4.00 + 8: 30 d @ 10.50 % = 34.5205; 31 d @ 12.00 % = 40.7671
    ("NL", "4000 EUR", "2023-05-31", "2023-07-31", "34.52 + 40.77", "40.00"),
    # 4.25 + 8 = 12.25, rounded up to 12.50: 92 d @ 12.50 % = 315.0685
    ("BE", "10000 EUR", "2024-07-31", "2024-10-31", "315.07", "40.00"),
    # 3.15 + 8 = 11.15, rounded up to 11.50: 15 d @ 12.50 % = 51.3699; 15 d @ 11.50 % = 47.2603
    ("BE", "10000 EUR", "2024-12-16", "2025-01-15", "51.37 + 47.26", "40.00"),
    # 2.15 + 8 = 10.15, rounded up to 10.50: 365 d @ 10.50 % = 262.5000
    ("BE", "2500 EUR", "2025-06-30", "2026-06-30", "262.50", "40.00"),
    # 4.50 + 8; 2024 has a 29 February: 91 d @ 12.50 % = 311.6438
    ("IT", "10000 EUR", "2023-12-31", "2024-03-31", "311.64", "40.00"),
    # 3.15 + 8, 2.15 + 8: 15 d @ 11.15 % = 3.6658; 15 d @ 10.15 % = 3.3370
    ("IT", "800 EUR", "2025-06-15", "2025-07-15", "3.67 + 3.34", "40.00"),
    # 0.00 + 8, 2.50 + 8: 30 d @ 8.00 % = 394.5205; 30 d @ 10.50 % = 517.8082
    ("IT", "60000 EUR", "2022-12-01", "2023-01-30", "394.52 + 517.81", "40.00"),
    # 0.00 + 8: 90 d @ 8.00 % = 197.2603
    ("ES", "10000 EUR", "2021-03-31", "2021-06-29", "197.26", "40.00"),
    # 4.50 + 8, 4.25 + 8: 30 d @ 12.50 % = 12.3288; 62 d @ 12.25 % = 24.9699
    ("ES", "1200 EUR", "2024-05-31", "2024-08-31", "12.33 + 24.97", "40.00"),
    # 2.15 + 8: 150 d @ 10.15 % = 375.4110
    ("ES", "9000 EUR", "2026-01-31", "2026-06-30", "375.41", "40.00"),
    # 5.75 + 10, 5.25 + 10: 30 d @ 15.75 % = 129.4521; 31 d @ 15.25 % = 129.5205
    ("PL", "10000 PLN", "2025-05-31", "2025-07-31", "129.45 + 129.52", "0.00"),
    # 4.00 + 10: 30 d @ 14.00 % = 46.0274
    ("PL", "4000 PLN", "2026-01-15", "2026-02-14", "46.03", "0.00"),
    # 6.75 + 10, 5.75 + 10: 92 d @ 16.75 % = 2533.1507; 31 d @ 15.75 % = 802.6027
    ("PL", "60000 PLN", "2023-09-30", "2024-01-31", "2533.15 + 802.60", "0.00"),
    # 3.75 + 8: 38 d @ 11.75 % = 29.3589
    ("UK", "2400 GBP", "2026-08-31", "2026-10-08", "29.36", "70.00"),
    # 4.25 + 8, frozen over the change of 31 December: 402 d @ 12.25 % = 1619.0137
    ("UK", "12000 GBP", "2025-09-01", "2026-10-08", "1619.01", "100.00"),
    # starts on 1 July: 5.25 + 8: 30 d @ 13.25 % = 10.8903
    ("UK", "999.99 GBP", "2024-06-30", "2024-07-30", "10.89", "40.00"),
    # starts on 30 June: 3.50 + 8: 30 d @ 11.50 % = 9.4521
    ("UK", "1000 GBP", "2023-06-29", "2023-07-29", "9.45", "70.00"),
    # 0.05 % a day: 45 d @ 0.05 %/day = 2250.0000
    ("CN-SME", "100000 CNY", "2026-01-01", "2026-02-15", "2250.00", "0.00"),
    # 0.05 % a day: 365 d @ 0.05 %/day = 1622.2206
    ("CN-SME", "8888.88 CNY", "2025-12-31", "2026-12-31", "1622.22", "0.00"),
    # frozen at the rate of the second period: 181 d @ 3 % = 14876.7123
    ("JP", "1000000 JPY", "2025-12-31", "2026-06-30", "14877", "0"),
    # 821.9 -> no minor unit: 100 d @ 3 % = 821.9178
    ("JP", "100000 JPY", "2021-01-31", "2021-05-11", "822", "0"),
    # 6000.0: 30 d @ 14.6 % = 6000.0000
    ("JP-SUB", "500000 JPY", "2026-03-01", "2026-03-31", "6000", "0"),
    # a year: 365 d @ 9 % = 900.0000
    ("US-NY", "10000 USD", "2025-12-31", "2026-12-31", "900.00", "0.00"),
    # 2024 has a 29 February: 30 d @ 10 % = 82.1918
    ("US-CA", "10000 USD", "2024-01-31", "2024-03-01", "82.19", "0.00"),
    # 90 d @ 9 % = 55.4795
    ("US-NY", "2500 USD", "2026-03-31", "2026-06-29", "55.48", "0.00"),
    # a year: 365 d @ 6 % = 6000.0000
    ("MX", "100000 MXN", "2025-12-31", "2026-12-31", "6000.00", "0.00"),
    # 30 d @ 6 % = 24.6575
    ("MX", "5000 MXN", "2026-01-31", "2026-03-02", "24.66", "0.00"),
    # 10 d @ 6 % = 120.0000
    ("MX", "73000 MXN", "2026-02-28", "2026-03-10", "120.00", "0.00"),
    # compounded after a year: 184 d @ 12.25 % = 617.5342; 181 d @ 11.15 % = 552.9178; then on 11,170.45:
    # 92 d @ 10.15 % = 285.7799
    ("NL", "10000 EUR", "2024-06-30", "2025-09-30", "617.53 + 552.92 + 285.78", "40.00"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "debt", "due", "as_of", "segments", "compensation"), STATUTE)
def test_statutory_interest_by_hand(
    code: str, debt: str, due: str, as_of: str, segments: str, compensation: str
) -> None:
    found = claim(code, debt, due, as_of)

    assert (parts(found), str(found.compensation.amount)) == (segments, compensation)
    assert found.interest.amount == sum(map(Decimal, segments.split(" + ")))


CONTRACT = [
    # 36,500 x 10 % x 30 / 365
    ("HK", "36500 HKD", "2026-01-31", "2026-03-02", "10%/year", "300.00"),
    # 10,000 x 12 % x 90 / 365 = 295.8904
    ("HK", "10000 HKD", "2025-12-31", "2026-03-31", "12%/year", "295.89"),
    # 8,000 x 0.05 % x 20
    ("HK", "8000 HKD", "2026-02-28", "2026-03-20", "0.05%/day", "80.00"),
    # 2,000 x 5.33 % x 100 / 365 = 29.2055
    ("SG", "2000 SGD", "2025-12-31", "2026-04-10", "5.33%/year", "29.21"),
    # 7,300 x 8 % x 365 / 365
    ("SG", "7300 SGD", "2025-03-31", "2026-03-31", "8%/year", "584.00"),
    # 15,000 x 0.1 % x 3
    ("SG", "15000 SGD", "2026-03-31", "2026-04-03", "0.1%/day", "45.00"),
    # 100,000 x 0.05 % x 45
    ("CN", "100000 CNY", "2026-01-01", "2026-02-15", "0.05%/day", "2250.00"),
    # 36,000 x 10 % x 90 / 360
    ("US", "36000 USD", "2025-12-31", "2026-03-31", "10%/year act/360", "900.00"),
    # 1,000 x 1.5 % x 12 (18 % a year) x 30 / 365 = 14.7945
    ("US", "1000 USD", "2026-05-31", "2026-06-30", "18%/year", "14.79"),
]


@pytest.mark.parametrize(("code", "debt", "due", "as_of", "rate", "interest"), CONTRACT)
def test_where_only_the_contract_sets_a_rate(
    code: str, debt: str, due: str, as_of: str, rate: str, interest: str
) -> None:
    assert str(claim(code, debt, due, as_of, rate).interest.amount) == interest
    with pytest.raises(NoRate, match=f"{code} .* has no statutory rate for ordinary debts"):
        claim(code, debt, due, as_of)


LIMITATION = [
    # Three years from the end of the year of the due date.
    ("DE", "2025-05-31", "2028-12-31"), ("DE", "2025-12-31", "2028-12-31"), ("DE", "2026-01-01", "2029-12-31"),
    # Otherwise from the due date; the last day bears its number, or is the last of a shorter month.
    # Three years.
    ("AT", "2025-05-31", "2028-05-31"), ("AT", "2024-02-29", "2027-02-28"), ("AT", "2021-02-28", "2024-02-28"),
    ("PL", "2025-03-31", "2028-03-31"), ("PL", "2024-02-29", "2027-02-28"), ("PL", "2025-12-31", "2028-12-31"),
    ("CN", "2025-03-31", "2028-03-31"), ("CN", "2024-02-29", "2027-02-28"), ("CN", "2026-09-01", "2029-09-01"),
    # Five.
    ("FR", "2024-02-29", "2029-02-28"), ("FR", "2026-03-02", "2031-03-02"), ("FR", "2023-12-31", "2028-12-31"),
    ("NL", "2025-03-31", "2030-03-31"), ("NL", "2024-02-29", "2029-02-28"), ("NL", "2026-11-30", "2031-11-30"),
    ("BE", "2025-03-31", "2030-03-31"), ("BE", "2024-02-29", "2029-02-28"), ("BE", "2026-01-01", "2031-01-01"),
    ("ES", "2025-03-31", "2030-03-31"), ("ES", "2024-02-29", "2029-02-28"), ("ES", "2026-08-15", "2031-08-15"),
    ("JP", "2025-03-31", "2030-03-31"), ("JP", "2024-02-29", "2029-02-28"), ("JP", "2026-04-01", "2031-04-01"),
    # Ten, six, four, one.
    ("IT", "2025-03-31", "2035-03-31"), ("IT", "2024-02-29", "2034-02-28"), ("IT", "2026-07-01", "2036-07-01"),
    ("UK", "2026-08-31", "2032-08-31"), ("UK", "2024-02-29", "2030-02-28"), ("UK", "2026-02-28", "2032-02-28"),
    ("HK", "2025-03-31", "2031-03-31"), ("HK", "2024-02-29", "2030-02-28"), ("HK", "2026-05-01", "2032-05-01"),
    ("SG", "2025-03-31", "2031-03-31"), ("SG", "2024-02-29", "2030-02-28"), ("SG", "2026-06-30", "2032-06-30"),
    ("US", "2025-03-31", "2029-03-31"), ("US", "2024-02-29", "2028-02-29"), ("US", "2026-10-15", "2030-10-15"),
    ("MX", "2025-03-31", "2026-03-31"), ("MX", "2024-02-29", "2025-02-28"), ("MX", "2026-03-02", "2027-03-02"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "due", "last"), LIMITATION)
def test_limitation_by_hand(code: str, due: str, last: str) -> None:
    rule = load_jurisdiction(code).limitation

    assert rule is not None
    assert limitation_date(rule, date.fromisoformat(due)) == date.fromisoformat(last)


@pytest.mark.parametrize(
    ("code", "event", "effect"),
    [
        ("CN", "demand", "restart"), ("CN", "promise", "restart"), ("CN", "suit", "restart"),
        ("DE", "reminder", "none"), ("DE", "demand", "none"), ("DE", "negotiations", "suspend"),
        ("FR", "demand", "none"), ("FR", "acknowledgment", "restart"),
        ("NL", "demand", "restart"), ("BE", "demand", "restart"), ("IT", "demand", "restart"),
        ("PL", "demand", "none"), ("PL", "suit", "restart"), ("JP", "demand", "postpone"),
        ("UK", "part_payment", "restart"),
    ],
)  # fmt: skip
def test_what_moves_limitation_differs_by_law(code: str, event: LimitationEvent, effect: str) -> None:
    rule = load_jurisdiction(code).limitation
    move = rule.move(event) if rule else None

    assert move is not None and move.effect == effect


def test_every_jurisdiction_has_at_least_three_examples() -> None:
    worked = [row[0].partition("-")[0] for row in (*STATUTE, *CONTRACT, *LIMITATION)]

    assert {code for code in files.jurisdiction_files() if worked.count(code) < 3} == set()
    days = [code for code, _, _ in LIMITATION]
    # The directive says nothing on limitation: that is each member state's own.
    assert {code for code in files.jurisdiction_files() if days.count(code) < 3} == {"EU"}


@pytest.mark.parametrize("file", known_files().values(), ids=lambda file: file.stem)
def test_packaged_files_are_sound(file: Path) -> None:
    assert check_file(file) == []


def test_a_day_beyond_the_table_is_an_error_that_names_table_and_day() -> None:
    with pytest.raises(NoRate, match=r"'ecb_main_refinancing' .* has no rate for 2026-07-01: .* until 2026-06-30"):
        claim("EU", "100 EUR", "2026-06-15", "2026-07-15")
    with pytest.raises(NoRate, match=r"'boe_bank_rate' .* has no rate for 2018-12-31: it is known from 2019-01-01"):
        claim("UK", "100 GBP", "2018-12-30", "2019-03-31")
    with pytest.raises(NoRate, match=r"'boe_bank_rate' .* has no rate for 2027-01-01"):
        claim("UK", "100 GBP", "2026-12-31", "2027-01-15")


def test_a_frozen_rate_goes_on_where_the_table_ends() -> None:
    assert claim("UK", "1000 GBP", "2026-12-30", "2027-12-30").interest == Money.model_validate("117.50 GBP")


@pytest.mark.parametrize("country", ["CZ", "DK", "HU", "RO", "SE"])
def test_a_member_state_without_the_euro_is_never_answered_with_the_rate_of_the_ecb(country: str) -> None:
    law = load_jurisdiction(country)

    assert law.code == "EU-NATIONAL"
    with pytest.raises(NoRate, match=r"art\. 2\(7\)\(b\): the national central bank's rate counts"):
        claim(country, "100000 EUR", "2025-01-01", "2025-06-30")
    # The directive's fixed sum, and a contract's rate, hold there as well.
    found = claim(country, "36500 EUR", "2025-01-31", "2025-03-02", "10%/year")
    assert (str(found.interest.amount), str(found.compensation.amount)) == ("300.00", "40.00")


@pytest.mark.parametrize(("country", "before", "since"), [("BG", 2025, "2026-01-01"), ("HR", 2022, "2023-01-01")])
def test_the_rate_of_the_ecb_holds_from_the_day_a_state_has_the_euro(country: str, before: int, since: str) -> None:
    with pytest.raises(NoRate, match=f"the rule of EU-{country} .* is known from {since} on"):
        claim(country, "1000 EUR", f"{before}-12-01", f"{before + 1}-02-01")
    first_half = (f"{before + 1}-01-01", f"{before + 1}-06-30")
    assert claim(country, "1000 EUR", *first_half).interest == claim("PT", "1000 EUR", *first_half).interest
