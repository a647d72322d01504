"""Real bank files: what must come out of each, worked out from the files by hand, and what other readers find."""

import re
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import mt940
import pytest
from pycamt.parser import Camt053Parser  # type: ignore[import-untyped]

from gateway.bank.camt import read_camt
from gateway.bank.statement import BankFile
from tests.bank_files import OWN, SHARED, read


class Out(NamedTuple):
    """What comes out of a file: its format, and either its entries and balances or the reason of the refusal."""

    format: str
    accepted: int = 0
    ignored: int = 0
    sums: str = ""
    balances: str = ""
    refused: str = ""


def ok(form: str, accepted: int, ignored: int, sums: str = "", balances: str = "") -> Out:
    return Out(form, accepted, ignored, sums, balances)


def no(form: str, reason: str) -> Out:
    return Out(form, refused=reason)


FRAGMENT, NOT_WHOLE = "stands outside of a statement", "the statement has no opening balance"
NOT_A_BANK_FILE = "not recognised as a bank statement"
OTHER_CURRENCY = "the opening balance is in EUR, the closing balance in SEK"
FAR_OFF = "12345.12 EUR and 1 entries make 12111.97 EUR, the statement closes with 12345.98 EUR: difference 234.01 EUR"

# Sums are of the payments (credits that are not returns of our own payments); balances are the first and the last.
CAMT = {
    "camt052.v1.xml": ok("camt.052.001.01", 0, 1),
    "camt052.v2.other-account.xml": ok("camt.052.001.02", 0, 1),
    "camt052.v2.with-account-name.xml": ok("camt.052.001.02", 0, 1),
    "camt052.v2.xml": ok("camt.052.001.02", 0, 1),
    "camt052.v4.xml": ok("camt.052.001.04", 0, 1),  # pending
    "camt052.v6.Amt-zero.xml": ok("camt.052.001.06", 0, 1),
    "camt052.v6.xml": ok("camt.052.001.06", 0, 1),
    "camt052.v8.xml": ok("camt.052.001.08", 0, 1),
    "camt053.v2.all-balance-types.xml": no(
        "camt.053.001.02",
        "1.01 EUR and 1 entries make 9.86 EUR, the statement closes with 4.04 EUR: difference -5.82 EUR",
    ),
    "camt053.v2.five.decimals.xml": no(
        "camt.053.001.02",
        "18.15 EUR and 1 entries make 27.00 EUR, the statement closes with 27.05 EUR: difference 0.05",
    ),
    "camt053.v2.minimal.ultimate.xml": no("camt.053.001.02", OTHER_CURRENCY),
    "camt053.v2.minimal.xml": no("camt.053.001.02", OTHER_CURRENCY),
    "camt053.v2.multi.statement.xml": ok("camt.053.001.02", 1, 1, "8.85 EUR", "18.15 EUR 20.00 EUR"),
    "camt053.v2.with-account-name.xml": ok("camt.053.001.02", 1, 0, "8.85 EUR"),
    "camt053.v2.with-party-ids.xml": no("camt.053.001.02", OTHER_CURRENCY),
    "camt053.v2.wrong.xml": no("camt.053.001.02", "message without a statement"),
    "camt053.v3.xml": no("camt.053.001.03", OTHER_CURRENCY),
    "camt053.v4.xml": no("camt.053.001.04", OTHER_CURRENCY),
    "camt053.v8.xml": no("camt.053.001.08", OTHER_CURRENCY),
    "camt054.v2.with-account-name.xml": ok("camt.054.001.02", 0, 1),
    "camt054.v2.xml": ok("camt.054.001.02", 0, 1),
    "camt054.v4.xml": ok("camt.054.001.04", 0, 1),
    "camt054.v8-with-UETR.xml": ok("camt.054.001.08", 0, 1),
    "camt054.v8-with-financial-institution.xml": ok("camt.054.001.08", 0, 1),
    "camt054.v8.xml": ok("camt.054.001.08", 0, 1),
    "camt53.only-Dt-with-DtTm.xml": ok("camt.053.001.02", 0, 0),
}
MT = {
    "ASNB/mt940.txt": ok("mt940", 3, 5, "2828.90 EUR", "444.29 EUR 501.23 EUR"),
    "ASNB/mt940_with_spaces_for_entry_date.txt": ok("mt940", 3, 5, "2828.90 EUR", "444.29 EUR 501.23 EUR"),
    "betterplace/amount_formats.sta": no("mt940", FRAGMENT),
    "betterplace/currency_in_25.sta": no("mt940", NOT_WHOLE),
    "betterplace/empty_86.sta": no("mt940", FRAGMENT),
    "betterplace/empty_entry_date.sta": no("mt940", FRAGMENT),
    "betterplace/empty_line.sta": no("mt940", NOT_WHOLE),
    "betterplace/missing_crlf_at_end.sta": no("mt940", FRAGMENT),
    # 24 credits of others and 2 that the bank took back (RC); 17 of our own transfers came back (159), 54 debits.
    "betterplace/sepa_mt9401.sta": ok("mt940", 26, 71, "2038680.20 EUR", "-1234718.36 EUR 50.05 EUR"),
    "betterplace/sepa_snippet.sta": no("mt940", "difference 300.08 EUR"),
    "betterplace/sepa_snippet_broken.sta": no("mt940", "make 817646.54 EUR, the statement closes with 1125250.40 EUR"),
    "betterplace/with_binary_character.sta": ok("mt940", 3, 1, "14215.30 EUR", "380115.77 EUR 131193.19 EUR"),
    "citi/mt940.txt": ok("mt940", 0, 5, "", "17376.67 USD 16233.92 USD"),  # two of them zero
    "cmxl/account_balance_credit.sta": no("mt940", FRAGMENT),
    "cmxl/account_balance_debit.sta": no("mt940", FRAGMENT),
    "cmxl/account_identification_iban.sta": no("mt940", NOT_WHOLE),
    "cmxl/account_identification_legacy.sta": no("mt940", NOT_WHOLE),
    "cmxl/available_balance.sta": no("mt940", FRAGMENT),
    "cmxl/closing_balance.sta": no("mt940", FRAGMENT),
    "cmxl/mt940.sta": no("mt940", "'DEM' is not a currency"),
    "cmxl/reference.sta": no("mt940", NOT_WHOLE),
    "cmxl/statement_details.sta": no("mt940", FRAGMENT),
    "cmxl/statement_line.sta": no("mt940", FRAGMENT),
    "cmxl/statement_number.sta": no("mt940", FRAGMENT),
    "jejik/abnamro.sta": no("mt940", "difference -2038.00 EUR"),
    "jejik/generic.sta": ok("mt940", 0, 2, "", "100.00 EUR 80.00 EUR"),
    "jejik/ing.sta": no("mt940", "0.00 EUR and 7 entries make -45.59 EUR, the statement closes with 3.47 EUR"),
    "jejik/knab.sta": no("mt940", "difference 4500.00 EUR"),
    "jejik/postfinance.sta": no("mt940", "difference 0.20 CHF"),
    "jejik/rabobank-iban.sta": ok("mt940", 0, 4, "", "1000.00 EUR 930.00 EUR"),
    "jejik/rabobank.sta": no("mt940", "difference 1135.93 EUR"),
    "jejik/sns.sta": ok("mt940", 0, 2, "", "1234.56 EUR 1209.56 EUR"),
    "jejik/triodos.sta": no("mt940", "difference 111.40 EUR"),
    "mBank/mt940.sta": ok("mt940", 3, 0, "0.03 PLN", "0.40 PLN 0.43 PLN"),
    "mBank/mt942.sta": ok("mt942", 3, 0, "0.03 PLN"),
    "mBank/with_newline_in_tnr.sta": no("mt940", "difference 770.71 PLN"),
    "sberbank/171011_01234945.sta": ok("mt940", 0, 3, "", "627311.30 HUF 617874.30 HUF"),
    "self-provided/account_identification.sta": no("mt940", NOT_WHOLE),
    "self-provided/details_60-63.sta": no("mt940", FAR_OFF),
    "self-provided/empty_non_swift.sta": no("mt940", FRAGMENT),
    "self-provided/february_30.sta": ok("mt940", 0, 1, "", "1200.00 EUR 1194.00 EUR"),
    "self-provided/gv_codes.sta": no("mt940", "has no closing balance"),
    "self-provided/invalid_statement.sta": no("unknown", NOT_A_BANK_FILE),
    "self-provided/long_statement_number.sta": ok("mt940", 0, 0, "", "0.00 TRY 0.00 TRY"),
    "self-provided/malformed_details.sta": no("mt940", FAR_OFF),
    "self-provided/mt942.sta": no("mt942", "2.30 EUR announced, the entries make 0.42 EUR: difference 1.88 EUR"),
    "self-provided/multiline.sta": no("mt940", FRAGMENT),  # an entry behind the end of the statement
    "self-provided/overly_long_details.sta": no("mt940", FAR_OFF),
    "self-provided/raiffeisen-cmi.sta": no("mt940", "difference 1123264.00 HUF"),
    "self-provided/raphaelm.sta": no("mt940", "'DEM' is not a currency"),
    "self-provided/sparkassen.sta": no("mt940", FRAGMENT),
    "self-provided/transaction_details_wrapped.sta": ok("mt940", 0, 1, "", "1200.00 EUR 1194.00 EUR"),
    "self-provided/whitespace.sta": no("mt940", FAR_OFF),
    "self-provided/wrapped_timestamp.sta": ok("mt940", 0, 1, "", "1200.00 EUR 1194.00 EUR"),
}
PLACES = {SHARED / "camt-genkgo" / "test" / "data": CAMT, SHARED / "mt940-wolph" / "mt940_tests": MT}
TABLE = {place / name: out for place, table in PLACES.items() for name, out in table.items()}
# The few that live in this repository, under the names they have here.
OWN_TABLE = {
    **{name: CAMT[name] for name in ("camt052.v6.xml", "camt053.v2.multi.statement.xml")},
    **{name: CAMT[name] for name in ("camt053.v2.five.decimals.xml", "camt054.v8.xml")},
    "asn-mt940.txt": MT["ASNB/mt940.txt"], "mbank-mt940.sta": MT["mBank/mt940.sta"],
    "mbank-mt942.sta": MT["mBank/mt942.sta"], "postfinance.sta": MT["jejik/postfinance.sta"],
}  # fmt: skip
NO_BANK_FILES = {"LICENSE", "requirements.txt"}


def needed(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path.name} is not there")
    return path


def came_out(file: BankFile) -> Out:
    if file.rejects:
        assert not file.statements
        return Out(file.format, refused="; ".join(reject.reason for reject in file.rejects))
    sums: Counter[str] = Counter()
    for entry in file.entries:
        if entry.kind == "payment":
            sums[entry.amount.currency] += entry.amount.amount  # type: ignore[assignment]
    ends = [s for s in file.statements if s.opening and s.closing]
    balances = [ends[0].opening, ends[-1].closing] if ends else []
    return Out(
        file.format,
        len(list(file.entries)),
        sum(len(s.ignored) for s in file.statements),
        " ".join(f"{amount} {currency}" for currency, amount in sums.items()),
        " ".join(f"{b.amount.amount} {b.amount.currency}" for b in balances if b),
    )


@pytest.mark.parametrize("path", TABLE, ids=lambda path: path.name)
def test_every_real_file_gives_what_stands_in_it(path: Path) -> None:
    assert_as_expected(read(needed(path).read_bytes()), TABLE[path])


@pytest.mark.parametrize("name", OWN_TABLE)
def test_the_samples_of_this_repository_give_what_stands_in_them(name: str) -> None:
    assert_as_expected(read((OWN / name).read_bytes()), OWN_TABLE[name])


def assert_as_expected(file: BankFile, expected: Out) -> None:
    found = came_out(file)
    if expected.refused:
        assert expected.refused in found.refused
        expected = expected._replace(refused=found.refused)
    assert found == expected


def test_no_real_file_is_missing_in_the_table() -> None:
    files = {p for p in needed(SHARED).rglob("*") if p.is_file() and p.name not in NO_BANK_FILES}
    assert files == set(TABLE)


def test_what_is_no_bank_file_is_refused() -> None:
    for path in (p for p in needed(SHARED).rglob("*") if p.name in NO_BANK_FILES):
        (reject,) = read(path.read_bytes()).rejects
        assert NOT_A_BANK_FILE in reject.reason


# --- what other readers make of them -----------------------------------------------------------------------------


# Files in which a transaction contradicts its entry (another amount or direction): pycamt then believes the
# transaction, we believe what was booked. Version 1 and camt.054 it does not read.
CONTRADICTORY = {"camt052.v4.xml", "camt052.v6.Amt-zero.xml", "camt052.v6.xml"}
CONTRADICTORY |= {"camt053.v3.xml", "camt053.v4.xml", "camt053.v8.xml"}
UNREAD = {"camt052.v1.xml", "camt053.v2.wrong.xml"} | {name for name in CAMT if name.startswith("camt054")}


@pytest.mark.parametrize("name", sorted(CAMT.keys() - CONTRADICTORY - UNREAD))
def test_pycamt_counts_and_adds_up_the_same_entries(name: str) -> None:
    path = needed(SHARED / "camt-genkgo" / "test" / "data" / name)
    theirs = [
        (found["Currency"], Decimal(found["Amount"]) * (1 if found["CreditDebitIndicator"] == "CRDT" else -1))
        for found in Camt053Parser(path.read_bytes()).get_transactions()
    ]
    movements = [m for statement in read_camt(path.read_bytes(), name) for m in statement.movements]
    assert [(m.amount.currency, m.amount.amount) for m in movements] == theirs


@pytest.mark.parametrize("name", [n for n, out in MT.items() if not out.refused])
def test_the_library_mt940_adds_up_the_same_entries(name: str) -> None:
    path = needed(SHARED / "mt940-wolph" / "mt940_tests" / name)
    text = path.read_bytes().decode("utf-8")
    tags: dict[int | str, mt940.tags.Tag] = {61: mt940.tags.StatementASNB()} if "ASNB" in name or "sns" in name else {}
    total, count = Decimal(0), 0
    # One message at a time: over several it mixes what belongs to the statement.
    for message in re.split(r"(?=^:20:)", text, flags=re.MULTILINE):
        if ":61:" in message:
            body = re.split(r"^-(?:\}|$)", message, flags=re.MULTILINE)[0]
            found = mt940.models.Transactions(tags=tags, options=mt940.Options.all())
            found.parse(body)
            total += sum((row.data["amount"].amount for row in found), Decimal(0))
            count += len(found)
    movements = [m for s in read(path.read_bytes()).statements for m in s.movements]
    assert (sum((m.amount.amount for m in movements), Decimal(0)), len(movements)) == (total, count)


# --- details of real files -----------------------------------------------------------------------------------------


def test_the_other_party_of_a_dutch_statement_is_known() -> None:
    first = next(iter(read((OWN / "asn-mt940.txt").read_bytes()).entries))
    assert (first.payer, first.payer_iban) == ("paulissen g j l m", "NL56ASNB9999999999")
    assert first.remittance[1] == "INTERNE OVERBOEKING VIA MOBIEL"


def test_an_intraday_report_and_the_statement_of_the_day_hold_the_same_entries() -> None:
    keys = [[e.key for e in read((OWN / f"mbank-mt94{n}.sta").read_bytes()).entries] for n in (0, 2)]
    assert keys[0] == keys[1] and len(set(keys[0])) == 3


def test_a_pending_entry_is_ignored_and_keeps_what_it_says() -> None:
    (statement,) = read((OWN / "camt052.v6.xml").read_bytes()).statements
    (ignored,) = statement.ignored
    assert ignored.reason == "pending: not booked yet"
    assert str(ignored.entry.original) == "4.10 USD"
