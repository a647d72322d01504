"""Bank CSV: the headers of six languages, figures, days, encodings, running balances, and profiles of one's own."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.bank.csv_cells import amount_reader, day_reader
from gateway.bank.csv_profiles import bank_profile_names, load_bank_profile
from gateway.bank.reading import read_file
from gateway.bank.sources import Source
from gateway.bank.statement import BankFile
from gateway.errors import InputRefused
from gateway.jurisdiction_files import check_file
from models.bank import BankEntry
from tests.bank_files import read

SPARKASSE = (
    '"Auftragskonto";"Buchungstag";"Valutadatum";"Buchungstext";"Verwendungszweck";"Kundenreferenz (End-to-End)";'
    '"Beguenstigter/Zahlungspflichtiger";"Kontonummer/IBAN";"Betrag";"Waehrung";"Info"\r\n'
)
ROW = (
    '"DE02120300000000202051";"02.03.26";"03.03.26";"GUTSCHR. UEBERWEISUNG";"Rechnung 4711";"E2E-1";'
    '"Müller & Söhne";"DE89370400440532013000";"1.234,50";"EUR";"Umsatz gebucht"\r\n'
)


def one(content: str | bytes) -> BankEntry:
    file = read(content)
    assert not file.rejects, file.rejects
    (found,) = file.entries
    return found


def reason(file: BankFile) -> str:
    assert not file.statements
    return file.rejects[0].reason


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_german_file_is_read_in_any_of_its_encodings(encoding: str) -> None:
    found = one((SPARKASSE + ROW).encode(encoding))
    assert (str(found.amount), str(found.booked_on), str(found.value_on)) == (
        "1,234.50 EUR", "2026-03-02", "2026-03-03",
    )  # fmt: skip
    assert (found.account, found.payer, found.payer_iban) == (
        "DE02120300000000202051", "Müller & Söhne", "DE89370400440532013000",
    )  # fmt: skip
    assert (found.remittance, found.end_to_end) == (("Rechnung 4711",), "E2E-1")


ENGLISH = "Booking date,Amount,Currency,Counterparty,Description\n2026-03-02,119.50,USD,Smith,INV 7\n"
FRENCH = "Date opération;Date valeur;Libellé;Débit;Crédit;Devise\n02/03/2026;02/03/2026;FACTURE 7;;1 119,50;EUR\n"
DUTCH = (
    '"Datum";"Naam / Omschrijving";"Rekening";"Tegenrekening";"Code";"Af Bij";"Bedrag (EUR)";"Mededelingen"\n'
    '"20260302";"J. de Vries";"NL91ABNA0417164300";"NL02RABO0123456789";"OV";"Bij";"119,50";"FACTUUR 7"\n'
)
SPANISH = (
    "Fecha operación;Fecha valor;Concepto;Importe;Divisa;Saldo\n02/03/2026;02/03/2026;FACTURA 7;1.119,50;EUR;2.000,00\n"
)
CHINESE = (
    "交易日期,摘要,借方发生额,贷方发生额,余额,对方户名,对方账号\n"
    "2026-03-02,货款 7,,119.50,500.00,示例贸易有限公司,6222\n"
)


@pytest.mark.parametrize(
    ("content", "profile", "amount", "payer"),
    [
        (ENGLISH, "en", "119.50 USD", "Smith"),
        (FRENCH, "fr", "1,119.50 EUR", ""),
        (DUTCH, "nl", "119.50 EUR", "J. de Vries"),
        (SPANISH, "es", "1,119.50 EUR", ""),
        (CHINESE, "zh", "119.50 CNY", "示例贸易有限公司"),
    ],
)
def test_the_headers_of_a_language_are_known(content: str, profile: str, amount: str, payer: str) -> None:
    file = read(content)
    assert file.notes[0] == f"read with the bank profile {profile}"
    (found,) = file.entries
    assert (str(found.amount), found.payer, str(found.booked_on)) == (amount, payer, "2026-03-02")
    assert "7" in found.remittance[0]


def test_chinese_in_the_encoding_of_chinese_banks_is_read() -> None:
    text = "交易日期,摘要,金额,对方户名\n20260302,货款,119.50,示例贸易有限公司\n"
    assert one(text.encode("gb18030")).payer == "示例贸易有限公司"


def test_the_account_may_stand_before_the_header() -> None:
    text = "Kontonummer:;DE89 3704 0044 0532 0130 00\n\nBuchungstag;Verwendungszweck;Betrag (€)\n02.03.2026;R 1;5,00\n"
    found = one(text)
    assert (found.account, found.entry) == ("DE89370400440532013000", "4")


def test_kinds_come_from_the_words_of_the_type() -> None:
    rows = (
        ROW.replace("1.234,50", "-5,00"),
        ROW.replace("1.234,50", "-6,00").replace("GUTSCHR. UEBERWEISUNG", "RÜCKLASTSCHRIFT"),
        ROW.replace("1.234,50", "-7,00").replace("GUTSCHR. UEBERWEISUNG", "ENTGELTABSCHLUSS"),
        ROW.replace("1.234,50", "8,00").replace("Umsatz gebucht", "Umsatz vorgemerkt"),
        ROW.replace("1.234,50", "0,00"),
    )
    (statement,) = read(SPARKASSE + "".join(rows)).statements
    assert [(e.kind, str(e.amount)) for e in statement.entries] == [("reversal", "6.00 EUR")]
    assert [(i.entry.kind, i.reason) for i in statement.ignored] == [
        ("outgoing", "our own payment"),
        ("charge", "charges or interest of the bank"),
        ("payment", "status Umsatz vorgemerkt: not booked"),
        ("payment", "amount zero"),
    ]


def kinds(content: str) -> list[tuple[str, str]]:
    file = read(content)
    assert not file.rejects, file.rejects
    (statement,) = file.statements
    found = [*statement.entries, *(item.entry for item in statement.ignored)]
    return [(e.kind, str(e.amount.amount)) for e in sorted(found, key=lambda e: int(e.entry))]


@pytest.mark.parametrize(
    ("header", "credit", "debit", "tail"),
    [
        ("Date,Description,Amount,Dr/Cr,Currency", "CR", "Dr", ",EUR"),
        ("Date,Description,Amount,Debit/Credit,Currency", "Credit", "DEBIT", ",EUR"),
        ("Datum,Verwendungszweck,Betrag,Soll/Haben,Währung", "H", "S", ",EUR"),
        ("Date comptable,Libellé,Montant,Sens,Devise", "C", "D", ",EUR"),
        ("Fecha,Concepto,Importe,Debe/Haber,Divisa", "H", "D", ",EUR"),
        ("Boekdatum,Omschrijving,Bedrag,D/C,Munt", "C", "D", ",EUR"),
    ],
)
def test_a_column_tells_debits_from_credits(header: str, credit: str, debit: str, tail: str) -> None:
    rows = f"\n2026-03-02,a,10,{credit}{tail}\n2026-03-03,b,4,{debit}{tail}\n"
    assert kinds(header + rows) == [("payment", "10.00"), ("outgoing", "4.00")]


def test_a_volksbank_tells_debits_in_a_column_without_a_name_and_balances_in_rows_of_their_own() -> None:
    text = (
        '"Buchungstag";"Valuta";"Auftraggeber/Zahlungsempfänger";"Empfänger/Zahlungspflichtiger";"IBAN";'
        '"Vorgang/Verwendungszweck";"Kundenreferenz";"Währung";"Umsatz";" "\n'
        '"02.03.2026";"02.03.2026";"Ich";"Smith";"";"R 1";"";"EUR";"10,00";"H"\n'
        '"03.03.2026";"03.03.2026";"Ich";"Strom AG";"";"R 2";"";"EUR";"4,00";"S"\n'
        '"01.03.2026";"";"";"";"";"";"Anfangssaldo";"EUR";"100,00";"H"\n'
        '"03.03.2026";"";"";"";"";"";"Endsaldo";"EUR";"106,00";"H"\n'
    )
    assert kinds(text) == [("payment", "10.00"), ("outgoing", "4.00")]
    assert next(iter(read(text).entries)).payer == "Smith"


@pytest.mark.parametrize("status", ["Failed", "Pending", "Declined"])
def test_rows_that_failed_or_wait_are_not_booked(status: str) -> None:
    text = f"Date,Description,Amount,Currency,Status\n2026-03-02,a,10,EUR,Completed\n2026-03-03,b,4,EUR,{status}\n"
    (statement,) = read(text).statements
    assert [str(e.amount.amount) for e in statement.entries] == ["10.00"]
    assert [i.reason for i in statement.ignored] == [f"status {status}: not booked"]


@pytest.mark.parametrize(
    ("column", "rows", "field"),
    [
        ("Kind of movement", ("D", "C"), "direction"),
        ("", ("Debe", "Haber"), "direction"),
        ("Type", ("Debit", "Credit"), "direction"),
        ("Stage", ("Pending", "Done"), "status"),
        ("Order status", ("x", "y"), "status"),
    ],
)
def test_a_column_that_decides_and_is_not_understood_refuses_the_file(
    column: str, rows: tuple[str, str], field: str
) -> None:
    text = f"Date,Description,Amount,Currency,{column}\n2026-03-02,a,10,EUR,{rows[0]}\n2026-03-03,b,4,EUR,{rows[1]}\n"
    file = read(text)
    assert (file.rejects[0].field, file.rejects[0].line) == (field, 1)
    assert (column or "column 5") in reason(file) and "write a profile" in reason(file)


def test_a_column_that_repeats_the_signs_does_no_harm() -> None:
    text = "Date,Description,Amount,Currency,Type\n2026-03-02,a,10,EUR,Credit\n2026-03-03,b,-4,EUR,Debit\n"
    assert kinds(text) == [("payment", "10.00"), ("outgoing", "4.00")]


# --- control sums -------------------------------------------------------------------------------------------------

WITH_BALANCE = "Date,Description,Amount,Balance,Currency\n"


@pytest.mark.parametrize("rows", [("2026-03-02,a,10,110,EUR", "2026-03-03,b,-4,106,EUR")])
def test_the_running_balance_is_checked_forwards_and_backwards(rows: tuple[str, ...]) -> None:
    for ordered in (rows, rows[::-1]):
        (statement,) = read(WITH_BALANCE + "\n".join(ordered)).statements
        assert statement.opening and statement.closing
        assert (str(statement.opening.amount), str(statement.closing.amount)) == ("100.00 EUR", "106.00 EUR")


def test_a_running_balance_that_breaks_refuses_the_file() -> None:
    file = read(WITH_BALANCE + "2026-03-02,a,10,110,EUR\n2026-03-03,b,-4,105,EUR\n")
    assert reason(file) == "110.00 before and -4.00 make 106.00, the row says 105.00: difference -1.00 EUR"
    assert file.rejects[0].line == 3


@pytest.mark.parametrize("backwards", [False, True])
def test_a_row_without_a_balance_does_not_end_the_check(backwards: bool) -> None:
    rows = ["2026-03-02,a,10,110,EUR", "2026-03-03,b,-4,,EUR", "2026-03-04,c,1,107,EUR", "2026-03-04,d,5,,EUR"]

    def text(*rows: str) -> str:
        return WITH_BALANCE + "\n".join(rows[::-1] if backwards else rows)

    (statement,) = read(text(*rows)).statements
    assert statement.opening and statement.closing
    assert (str(statement.opening.amount), str(statement.closing.amount)) == ("100.00 EUR", "112.00 EUR")
    file = read(text(rows[0], rows[2].replace(",1,", ",9,"), rows[1]))
    assert file.rejects[0].field == "balance" and "difference" in reason(file)


@pytest.mark.parametrize(
    ("row", "field", "said"),
    [
        ("2026-03-02,a,1.2.3,,EUR", "amount", "not an amount with a decimal point"),
        ("2026-13-02,a,1,,EUR", "booked_on", "the days are in none of the forms"),
        ("2026-03-02,a,1,,", "currency", "neither the file nor the profile says the currency"),
        ("2026-03-02,a,1,,DEM", "currency", "not a currency code"),
        (",a,1,,EUR", "booked_on", "the cell is empty"),
        ("2026-03-02,a,1,,EUR,more", "", "6 cells where the header has 5"),
        ('2026-03-02,"a,1,,EUR', "", "a quotation mark is opened and not closed"),
    ],
)
def test_a_row_that_cannot_be_read_refuses_the_file(row: str, field: str, said: str) -> None:
    file = read(WITH_BALANCE + "2026-03-01,a,1,,EUR\n" + row + "\n")
    assert said in reason(file) and file.rejects[0].field == field


def test_days_that_could_be_two_days_are_refused() -> None:
    head = "Date,Description,Amount,Currency\n"
    assert "write a profile with the right one" in reason(read(head + "02/03/2026,a,1,EUR\n"))
    assert str(one(head + "13/03/2026,a,1,EUR\n").booked_on) == "2026-03-13"


# --- figures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("decimal", "text", "value"),
    [
        ("comma", "1.234,56", "1234.56"), ("comma", "1 234,56", "1234.56"), ("comma", "1'234,5", "1234.5"),
        ("comma", "-12,00", "-12.00"), ("comma", "12,00-", "-12.00"), ("comma", "+3", "3"), ("comma", "1.234", "1234"),
        ("comma", "(5,00)", "-5.00"), ("comma", "5,00 EUR", "5.00"), ("comma", "−7,5", "-7.5"),
        ("point", "1,234.56", "1234.56"), ("point", "$5.00", "5.00"), ("point", "¥1,000", "1000"),
        ("point", ".5", "0.5"),
    ],
)  # fmt: skip
def test_amounts_are_read_as_people_write_them(decimal: str, text: str, value: str) -> None:
    assert amount_reader(decimal)(text) == Decimal(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("decimal", "text"), [("comma", "1,234.56"), ("point", "1.234,56"), ("comma", "12.34"), ("point", "-")]
)
def test_amounts_written_the_other_way_are_no_amounts(decimal: str, text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        amount_reader(decimal)(text)  # type: ignore[arg-type]


@given(st.decimals(Decimal("-99999999.99"), Decimal("99999999.99"), places=2), st.sampled_from(["comma", "point"]))
def test_a_written_amount_is_read_back(value: Decimal, decimal: str) -> None:
    text = f"{value:,.2f}"
    if decimal == "comma":
        text = text.translate(str.maketrans(",.", ".,"))
    assert amount_reader(decimal)(text) == value  # type: ignore[arg-type]


@pytest.mark.parametrize("figure", ["1.500", "-12.000", "EUR 1.500", "100.000-"])
def test_a_decimal_mark_that_may_group_thousands_refuses_the_file(figure: str) -> None:
    header = "Date,Description,Amount,Balance,Currency\n"
    assert "may be thousands" in reason(read(f"{header}2026-03-02,a,{figure},,EUR\n"))
    assert "may be thousands" in reason(read(f"{header}2026-03-02,a,1,{figure},EUR\n"))
    assert "may be thousands" in reason(read('Datum,Betrag,Währung\n02.03.2026,"1,500",EUR\n'))


@pytest.mark.parametrize(
    ("figure", "currency", "amount"),
    [("1.500", "KWD", "1.500 KWD"), ('"1,234.500"', "EUR", "1,234.50 EUR"), ("0.500", "EUR", "0.50 EUR")],
)
def test_three_decimals_that_are_no_thousands_are_read(figure: str, currency: str, amount: str) -> None:
    assert str(one(f"Date,Description,Amount,Currency\n2026-03-02,a,{figure},{currency}\n").amount) == amount


def test_one_form_of_days_holds_for_the_whole_file() -> None:
    assert str(day_reader(["02/03/2026", "25/03/2026"], ("%d/%m/%Y", "%m/%d/%Y"))("02/03/2026")) == "2026-03-02"
    assert str(day_reader(["05/05/2026"], ("%d/%m/%Y", "%m/%d/%Y"))("05/05/2026")) == "2026-05-05"


# --- profiles --------------------------------------------------------------------------------------------------------

OWN = """
id: my-bank
columns: {booked_on: [Tag], amount: [Summe], remittance: [Text], direction: [SH]}
date_formats: ["%d.%m.%Y"]
decimal: comma
currency: EUR
account: DE89 3704 0044 0532 0130 00
directions: {credit: [H], debit: [S]}
"""


def test_a_profile_of_ones_own_is_used_by_name_or_path(tmp_path: Path) -> None:
    folder = tmp_path / "bank-profiles"
    folder.mkdir()
    path = folder / "my-bank.yaml"
    path.write_text(OWN, "utf-8")
    data = Source("f", b"Tag;Text;Summe;SH\n02.03.2026;R 1;5,00;H\n02.03.2026;R 2;6,00;S\n")
    for name in ("my-bank", str(path)):
        file = read_file(data, load_bank_profile(name, tmp_path))
        (statement,) = file.statements
        assert [str(e.amount) for e in statement.entries] == ["5.00 EUR"]
        assert (statement.account, statement.ignored[0].entry.kind) == ("DE89370400440532013000", "outgoing")
    assert "understands" in reason(read_file(Source("f", b"a;b\n1;2\n"), load_bank_profile(path)))


def test_faults_of_a_profile_are_named_with_file_line_and_field(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("id: bad\ncolumns:\n  booked: [Tag]\n  amount: [Summe]\ndecimal: coma\n", "utf-8")
    with pytest.raises(InputRefused) as refused:
        load_bank_profile(path)
    text = str(refused.value)
    assert f"{path}:3: columns.booked" in text and f"{path}:5: decimal: 'coma' is not one of point, comma" in text


def test_policy_check_knows_bank_profiles_too(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("id: bad\ncolumns:\n  booked_on: [Tag]\ndecimal: coma\n", "utf-8")
    (fault,) = check_file(path)
    assert (fault.line, fault.field) == (4, "decimal")
    assert check_file(bank_profile_names()["de"]) == []


def test_an_unknown_profile_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputRefused, match=r"unknown bank profile 'x' \(known: de, en, es, fr, nl, zh"):
        load_bank_profile("x")


def test_every_packaged_profile_is_sound_and_named_as_its_file() -> None:
    assert {name: load_bank_profile(path).id for name, path in bank_profile_names().items()} == {
        name: name for name in ("de", "en", "es", "fr", "nl", "zh")
    }
