"""Tables that others exported: columns guessed from their names, and Excel workbooks."""

import io
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from gateway.errors import InputRefused
from gateway.intake import xlsx
from gateway.intake.entries import Accepted, Rejected
from gateway.intake.guess import Guess, guess_columns
from gateway.intake.invoices import Entry, InvoiceFile
from gateway.intake.profiles import Profile
from gateway.intake.xlsx import first_sheet_as_csv

OURS = ("creditor", "number", "buyer_id", "currency", "amount", "due")


def guessed(folder: Path, text: str, creditor: str | None = "ACME", currency: str | None = None) -> Guess:
    found = guess_columns(written(folder, text), "in.csv", creditor, currency, dry_run=False)
    assert found is not None
    return found


def written(folder: Path, text: str) -> Path:
    path = folder / "in.csv"
    path.write_text(text, encoding="utf-8")
    return path


def read(path: Path, profile: Profile | None = None) -> list[Entry]:
    with InvoiceFile(path, profile) as file:
        return list(file)


# --- guessed columns ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("Invoice No.,Customer ID,Customer Name,Currency,Amount Due,Invoice Date,Due Date",
         "0042,C1,Smith,EUR,1200.50,2026-03-01,2026-03-31"),
        ("Rechnungsnummer;Kundennr.;Kunde;Währung;Betrag;Rechnungsdatum;Fälligkeit",
         "0042;C1;Smith;EUR;1200,50;01.03.2026;31.03.2026"),
        ("N° facture;Code client;Nom du client;Devise;Montant TTC;Date de facture;Date d'échéance",
         "0042;C1;Smith;EUR;1200,50;01/03/2026;31/03/2026"),
        ("Factuurnummer;Klantnummer;Klantnaam;Valuta;Openstaand bedrag;Factuurdatum;Vervaldatum",
         "0042;C1;Smith;EUR;1200,50;01-03-2026;31-03-2026"),
        ("Número de factura;Código cliente;Nombre del cliente;Moneda;Importe total;Fecha de factura;Vencimiento",
         "0042;C1;Smith;EUR;1200,50;01/03/2026;31/03/2026"),
        ("发票号码,客户编号,客户名称,币种,价税合计,开票日期,到期日",
         "0042,C1,Smith,EUR,1200.50,2026年3月1日,2026年3月31日"),
    ],
    ids=["English", "German", "French", "Dutch", "Spanish", "Chinese"],
)  # fmt: skip
def test_columns_are_guessed_in_six_languages(tmp_path: Path, header: str, row: str) -> None:
    guess = guessed(tmp_path, f"{header}\n{row}\n")
    (entry,) = read(tmp_path / "in.csv", guess.profile)
    assert isinstance(entry, Accepted), entry
    invoice = entry.row.invoice
    assert (invoice.creditor, invoice.number, invoice.buyer.id, invoice.buyer.name) == ("ACME", "0042", "C1", "Smith")
    assert (invoice.amount.amount, invoice.amount.currency) == (Decimal("1200.50"), "EUR")
    assert (invoice.issued, invoice.due) == (date(2026, 3, 1), date(2026, 3, 31))


def test_a_guess_is_shown_with_all_that_it_takes_for_granted(tmp_path: Path) -> None:
    guess = guessed(tmp_path, "Rg.-Nr.;Kunde;Betrag (EUR);fällig am;Sachbearbeiter\n1;Meier;5,00;13.01.2026;Anna\n")
    assert guess.shown == (
        "number = 'Rg.-Nr.', buyer_name = 'Kunde', amount = 'Betrag (EUR)', due = 'fällig am', buyer_id = 'Kunde', "
        "creditor = ACME throughout, currency = EUR throughout; dates %d.%m.%Y, decimal comma; "
        "passed over: 'Sachbearbeiter'"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("Invoice No,Customer,Amount,Due Date\n1,A,5.00,2026-01-01\n", "no column names the currency"),
        ("Invoice No,Customer,Currency,Amount\n1,A,EUR,5.00\n", "no column looks like the due date"),
        ("Invoice No,Customer,Currency,Amount,Due Date\n1,A,EUR,5.00,03/04/2026\n", "day/month or month/day"),
        ("Invoice No,Customer,Currency,Amount,Due Date\n1,A,EUR,5.00,soon\n", "have no form that is known"),
        ("Invoice No,Customer,Currency,Amount,Due Date\n1,A,EUR,(1200.00),2026-01-01\n", "plain digits"),
        ('Invoice No,Customer,Currency,Amount,Due Date\n1,A,EUR,"1,000",2026-01-01\n2,A,EUR,"12,500",2026-01-01\n',
         "could have thousands or decimals"),
        ("Rechnungsnr;Kunde;Währung;Betrag;fällig am\n1;A;EUR;1.000;01.01.2026\n2;A;EUR;12.500;13.01.2026\n",
         "could have thousands or decimals"),
        ("Rechnungsnr;Kunde;Währung;Betrag;fällig am\n1;A;EUR;1.000.000;13.01.2026\n2;A;EUR;500;13.01.2026\n",
         "could have thousands or decimals"),
        ("Invoice No,Customer,Currency,Amount,Total,Due Date\n1,A,EUR,5.00,6.00,2026-01-01\n",
         "'Amount' and 'Total' could each be the amount"),
        ("Invoice No,Customer,Currency,Total,Paid,Due Date\n1,A,EUR,5.00,5.00,2026-01-01\n",
         "'Paid' says what was paid, and none what is open of 'Total'"),
    ],
)  # fmt: skip
def test_what_is_not_clear_is_not_guessed(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(InputRefused, match=said):
        guessed(tmp_path, content)


@pytest.mark.parametrize(
    ("amounts", "read_as"),
    [
        (("1.000", "12.500", "7,25"), ("refused", "refused", "7.25")),
        (("1.234,50", "12.500"), ("1234.50", "refused")),
        (("1,500", "7,25"), ("refused", "7.25")),  # three decimals after the mark that divides elsewhere
        (("0,500", "1234,500"), ("0.50", "1234.50")),  # no group begins with nought, or has four digits
    ],
)
def test_an_amount_with_two_readings_is_refused_under_a_guess(
    tmp_path: Path, amounts: tuple[str, ...], read_as: tuple[str, ...]
) -> None:
    rows = "".join(f"{n};A;EUR;{amount};13.01.2026\n" for n, amount in enumerate(amounts))
    guess = guessed(tmp_path, f"Rechnungsnr;Kunde;Währung;Betrag;fällig am\n{rows}")
    assert guess.profile.decimal == "comma"
    entries = read(tmp_path / "in.csv", guess.profile)
    found = tuple(str(e.row.invoice.amount.amount) if isinstance(e, Accepted) else "refused" for e in entries)
    assert found == read_as


def test_without_a_due_column_the_date_of_issue_and_the_terms_have_to_do(tmp_path: Path) -> None:
    rows = "1,A,EUR,5.00,2026-01-13,30 days net\n2,A,EUR,5.00,2026-01-13,\n"
    guess = guessed(tmp_path, f"Invoice No,Customer,Currency,Amount,Invoice Date,Payment Terms\n{rows}")
    assert "; no column looks like the due date: terms of payment settle it" in guess.shown
    by_terms, open_end = read(tmp_path / "in.csv", guess.profile)
    assert isinstance(by_terms, Accepted) and by_terms.row.invoice.due == date(2026, 2, 12)
    assert isinstance(open_end, Rejected) and open_end.field == "due"


def test_three_decimals_are_read_where_the_currency_has_them(tmp_path: Path) -> None:
    header = "Invoice No,Customer,Currency,Amount,Due Date\n"
    guess = guessed(tmp_path, f"{header}1,A,KWD,1.500,2026-01-01\n2,A,KWD,0.250,2026-01-01\n")
    first, _ = read(tmp_path / "in.csv", guess.profile)
    assert isinstance(first, Accepted) and first.row.invoice.amount.amount == Decimal("1.500")


def test_a_profile_that_states_the_decimal_mark_is_taken_at_its_word(tmp_path: Path) -> None:
    columns = {"number": "No", "buyer_id": "To", "amount": "Sum", "due": "Due"}
    constants = {"creditor": "ACME", "currency": "EUR"}
    told = Profile.model_validate({"id": "told", "columns": columns, "constants": constants, "decimal": "point"})
    (entry,) = read(written(tmp_path, "No,To,Sum,Due\n1,A,1.500,2026-01-01\n"), told)
    assert isinstance(entry, Accepted) and entry.row.invoice.amount.amount == Decimal("1.50")


@pytest.mark.parametrize("names", ["Total,Paid,Balance", "Amount,Amount Paid,Amount Due", "amount,paid,Open Balance"])
def test_what_is_open_counts_and_not_the_total(tmp_path: Path, names: str) -> None:
    header = f"Invoice No,Customer,Currency,{names},Due Date\n"
    rows = "1,A,EUR,100.00,60.00,40.00,2026-01-01\n2,A,EUR,100.00,100.00,0.00,2026-01-01\n"
    guess = guessed(tmp_path, header + rows)
    part, paid = read(tmp_path / "in.csv", guess.profile)
    assert isinstance(part, Accepted) and part.row.invoice.amount.amount == Decimal("40.00")
    assert isinstance(paid, Rejected) and paid.reason == "the amount must be more than zero"


GERMAN = "Rechnungsnummer;Kundennr.;Kunde;Währung;Betrag;Fälligkeit\n0042;C1;Müller & Söhne;EUR;1200,50;31.03.2026\n"
CHINESE = "发票号码,客户编号,客户名称,币种,价税合计,到期日\n0042,C1,示例贸易,CNY,1200.50,2026-03-31\n"
PLAIN = "Invoice No,Customer ID,Customer Name,Currency,Amount,Due Date\n0042,C1,{},EUR,1200.50,2026-03-31\n"


@pytest.mark.parametrize(
    ("text", "encoding", "buyer"),
    [
        (GERMAN, "cp1252", "Müller & Söhne"),
        (CHINESE, "gb18030", "示例贸易"),
        (PLAIN.format("Crédit Général"), "cp1252", "Crédit Général"),
    ],
)
def test_what_windows_writes_is_read_and_said_to_be(tmp_path: Path, text: str, encoding: str, buyer: str) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(text.encode(encoding))
    guess = guess_columns(path, "in.csv", "ACME", None, dry_run=False)
    assert guess is not None and guess.shown.endswith(f"not UTF-8, read as {encoding}")
    (entry,) = read(path, guess.profile)
    assert isinstance(entry, Accepted) and entry.row.invoice.buyer.name == buyer

    # What was refused of it is written as UTF-8, and comes back under the same profile.
    path.write_text(text, encoding="utf-8")
    (entry,) = read(path, guess.profile)
    assert isinstance(entry, Accepted) and entry.row.invoice.buyer.name == buyer


def test_an_encoding_that_cannot_be_told_is_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(PLAIN.format("示例贸易有限公司").encode("gb18030"))
    with pytest.raises(InputRefused, match="nothing in its header tells cp1252 from gb18030"):
        guess_columns(path, "in.csv", "ACME", None, dry_run=False)
    told = Profile.model_validate({
        "id": "told", "encoding": "gb18030", "constants": {"creditor": "ACME"},
        "columns": {"number": "Invoice No", "buyer_id": "Customer ID", "buyer_name": "Customer Name",
                    "currency": "Currency", "amount": "Amount", "due": "Due Date"},
    })  # fmt: skip
    (entry,) = read(path, told)
    assert isinstance(entry, Accepted) and entry.row.invoice.buyer.name == "示例贸易有限公司"
    with pytest.raises(ValueError, match="'klingon' is not one of utf-8, cp1252"):
        Profile.model_validate(told.model_dump() | {"encoding": "klingon"})


def test_our_own_form_is_utf8(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes("creditor,number,buyer_id,currency,amount,due\nACME,1,Müller,EUR,5,2026-01-01\n".encode("cp1252"))
    assert guess_columns(path, "in.csv", None, None, dry_run=True) is None
    with pytest.raises(InputRefused, match="is not UTF-8"):
        InvoiceFile(path, None)


def test_dates_elsewhere_in_the_file_settle_which_comes_first(tmp_path: Path) -> None:
    guess = guessed(
        tmp_path, "Invoice No,Customer,Currency,Amount,Due Date\n1,A,EUR,5.00,03/04/2026\n2,A,EUR,5,03/31/2026\n"
    )
    assert guess.profile.date_format == "%m/%d/%Y"


def test_without_a_creditor_only_a_dry_run_goes_on(tmp_path: Path) -> None:
    path = written(tmp_path, "Invoice No,Customer,Currency,Amount,Due Date\n1,A,EUR,5.00,2026-01-01\n")
    with pytest.raises(InputRefused, match="name it with --creditor"):
        guess_columns(path, "in.csv", None, None, dry_run=False)
    guess = guess_columns(path, "in.csv", None, None, dry_run=True)
    assert guess is not None and guess.profile.constants["creditor"] == "UNKNOWN"


def test_our_own_form_with_a_fault_is_not_guessed_at(tmp_path: Path) -> None:
    path = written(tmp_path, "creditor,number,buyer_id,currency,amount,due,colour\nACME,1,B,EUR,5,2026-01-01,red\n")
    assert guess_columns(path, "in.csv", None, None, dry_run=True) is None
    assert guess_columns(written(tmp_path, "red,green\n1,2\n"), "in.csv", None, None, dry_run=True) is None


def test_our_own_form_without_a_creditor_needs_no_question_where_that_is_given(tmp_path: Path) -> None:
    guess = guessed(tmp_path, "number,buyer_id,currency,amount,due\n1,B,EUR,5,2026-01-01\n")
    assert guess.certain


# --- workbooks ------------------------------------------------------------------------------------------------


def workbook(*rows: tuple[Any, ...], formats: dict[str, str] | None = None) -> bytes:
    book = Workbook()
    sheet: Any = book.active
    for row in rows:
        sheet.append(row)
    for cell, form in (formats or {}).items():
        sheet[cell].number_format = form
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def converted(folder: Path, content: bytes, profile: Profile | None = None) -> Path:
    path = folder / "out.csv"
    first_sheet_as_csv("in.xlsx", content, path, profile)
    return path


def test_dates_and_numbers_of_a_workbook_come_out_exactly(tmp_path: Path) -> None:
    content = workbook(
        (*OURS, "issued", "insured_percentage"),
        ("ACME", 42, "B1", "EUR", 1200.1, datetime(2026, 3, 31), date(2026, 3, 1), 0.85),  # noqa: DTZ001
        ("ACME", "0007", 815, "EUR", 0.1 + 0.2, "2026-03-31", None, None),
        formats={"B2": "000000", "H2": "0%"},
    )
    first, second = read(converted(tmp_path, content))
    assert isinstance(first, Accepted) and isinstance(second, Accepted), (first, second)
    one, two = first.row.invoice, second.row.invoice
    assert (one.number, one.amount.amount, one.due) == ("000042", Decimal("1200.10"), date(2026, 3, 31))
    assert one.cover is not None and one.cover.insured_percentage == 85
    assert (two.number, two.buyer.id, two.amount.amount) == ("0007", "815", Decimal("0.30"))


def test_line_numbers_are_those_of_the_sheet(tmp_path: Path) -> None:
    content = workbook(
        OURS, (None,), ("ACME", "two\nlines", "B", "EUR", 1, "2026-01-01"), ("ACME", 2, "B", "EUR", -1, "2026-01-01")
    )
    entries = read(converted(tmp_path, content))
    assert [entry.line for entry in entries] == [3, 4]


def test_formulas_are_not_evaluated(tmp_path: Path) -> None:
    (entry,) = read(converted(tmp_path, workbook(OURS, ("ACME", 1, "B", "EUR", "=1+1", "2026-01-01"))))
    assert "is required and empty" in str(entry), "nobody has worked it out yet"


def test_a_workbook_follows_the_profile(tmp_path: Path) -> None:
    columns = {"number": "Nr", "buyer_id": "Kd", "amount": "Betrag", "due": "Fällig"}
    profile = Profile(
        id="p",
        columns=columns,
        date_format="%d.%m.%Y",
        decimal="comma",
        constants={"creditor": "ACME", "currency": "EUR"},
    )
    content = workbook(
        ("Nr", "Kd", "Betrag", "Fällig"), ("1", "B", 12.5, date(2026, 3, 31)), ("2", "B", "12,5", "31.03.2026")
    )
    entries = read(converted(tmp_path, content, profile), profile)
    assert {str(e.row.invoice.amount.amount) for e in entries if isinstance(e, Accepted)} == {"12.50"}
    assert len(entries) == 2


def test_hostile_workbooks_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = workbook(OURS, ("ACME", 1, "B", "EUR", 1, "2026-01-01"))
    with pytest.raises(InputRefused, match="DOCTYPE"):
        converted(
            tmp_path,
            changed(sound, "xl/worksheets/sheet1.xml", b"<worksheet", b"<!DOCTYPE a [<!ENTITY b 'c'>]><worksheet"),
        )
    with pytest.raises(InputRefused, match="damaged"):
        converted(tmp_path, changed(sound, "xl/workbook.xml", b"<workbook", b"<"))
    with pytest.raises(InputRefused, match="damaged"):
        converted(tmp_path, sound[:-100])
    far = changed(sound, "xl/worksheets/sheet1.xml", b'<row r="2"', b'<row r="99999999999"')
    with pytest.raises(InputRefused, match="rows|damaged"):
        monkeypatch.setattr(xlsx, "MAX_ROWS", 1000)
        converted(tmp_path, far)
    monkeypatch.setattr(xlsx, "MAX_UNPACKED", 100)
    with pytest.raises(InputRefused, match="at most 100 are read"):
        converted(tmp_path, sound)


def changed(content: bytes, member: str, old: bytes, new: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            part = source.read(name)
            assert name != member or old in part
            target.writestr(name, part.replace(old, new, 1) if name == member else part)
    return out.getvalue()
