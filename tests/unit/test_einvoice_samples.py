"""Every sample of four public collections: what must come out of it, worked out from the files and not by our readers.

Files that state a due date are looked up by a few lines of XPath here (and by another library, as a cross-check); for
all others, and for whatever is odd, the table was written by hand with the file at hand.
"""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import facturx  # type: ignore[import-untyped]
import pytest
from lxml import etree
from typer.testing import CliRunner

from gateway.cli import app
from tests.einvoices import FIGURES, SHARED

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is not there")


class Paid(NamedTuple):
    """An invoice that goes in, and where its due date comes from."""

    number: str
    amount: str
    due: str
    source: str
    currency: str = "EUR"


class Out(NamedTuple):
    """A file that does not go in."""

    what: str
    why: str


_30_NET, _AT_ONCE = "30 Tagen netto bis", "payable at once"
_14_DAYS, _BELOW_ZERO, _NO_DUE = (
    "14 days from the date of issue",
    "the payable amount is negative",
    "there is no due date",
)
_EDIFACT: Paid | Out = Out("refused", "EDIFACT")

IN_BOTH_SYNTAXES: dict[str, Paid | Out] = {
    "01.01a-INVOICE": Paid("123456XX", "336.90", "2016-04-04", _AT_ONCE),
    "01.02a-INVOICE": Paid("123456", "12.60", "2016-07-05", _14_DAYS),
    "01.03a-INVOICE": Paid("RR123456", "182.20", "2016-06-24", _AT_ONCE),
    "01.04a-INVOICE": Paid("1234/78/901", "120.00", "2016-06-30", _14_DAYS),
    "01.05a-INVOICE": Paid("PRG1502112", "10555.30", "2015-05-08", _14_DAYS),
    "01.06a-INVOICE": Out("refused", _NO_DUE),  # the number of days is left blank
    "01.10a-INVOICE": Paid("Rechnungsnummer", "2594.20", "2016-07-27", "30 days from the date of issue"),
    "01.17a-INVOICE": Paid("123456XX", "336.91", "2016-04-04", _AT_ONCE),  # rounded up by 0.01
    "01.18a-INVOICE": Paid("PRG1502112", "10555.30", "2015-05-08", "corrects an earlier invoice PRG1502168"),
    "01.19a-INVOICE": Paid("PRG1502112", "10555.30", "2015-05-08", _14_DAYS),
    "01.20a-INVOICE": Paid("1234567890", "357.00", "2021-02-04", "self-billed"),
}  # fmt: skip

BY_HAND: dict[str, Paid | Out] = {
    # drafthorse: ZUGFeRD 2
    **{f"zugferd_{name}_Rechnungskorrektur.xml": Out("refused", _BELOW_ZERO)
       for name in ("2p1_BASIC", "2p1_EXTENDED", "2p3_BASIC", "2p3_EN16931", "2p3_EXTENDED")},
    "zugferd_2p1_EN16931_Einfach_negativePaymentDue.xml": Out("refused", _BELOW_ZERO),
    "zugferd_2p1_EN16931_1_Teilrechnung.xml": Paid("471102", "147.65", "2018-07-04", _30_NET),
    "zugferd_2p1_EN16931_2_Teilrechnung.xml": Paid("471113", "23.54", "2018-07-04", _30_NET),
    "zugferd_2p1_EN16931_AbweichenderZahlungsempf.xml": Paid("471102", "529.87", "2018-04-04", _30_NET),
    "zugferd_2p1_EN16931_Einfach-LineObjectIdentifier.xml": Paid("471102", "529.87", "2018-04-04", _30_NET),
    "zugferd_2p1_EN16931_Einfach.xml": Paid("471102", "529.87", "2018-04-04", _30_NET),
    "zugferd_2p3_EN16931_Einfach.xml": Paid("471102", "529.87", "2024-12-15", _30_NET),
    "zugferd_2p1_EN16931_Rabatte.xml": Paid("471102", "165.07", "2018-07-04", _30_NET),
    "zugferd_2p1_EN16931_Reisekostenabrechnung.xml": Paid("280081", "230.48", "2018-08-12", _30_NET),
    "zugferd_2p3_EN16931_Reisekostenabrechnung.xml": Paid("280081", "230.48", "2024-12-15", _30_NET),
    "zugferd_2p1_EN16931_Elektron.xml": Paid("181301674", "300.00", "2018-04-25", _AT_ONCE),
    "zugferd_2p3_EN16931_Elektron.xml": Paid("181301674", "300.00", "2024-11-15", _AT_ONCE),
    "zugferd_2p1_EN16931_SEPA_Prenotification.xml": Paid("471102", "529.87", "2018-03-20", "the date 2018-03-20"),
    "zugferd_2p3_EN16931_SEPA_Prenotification.xml": Paid("471102", "529.87", "2024-11-20", "the date 2024-11-20"),
    "zugferd_2p1_EN16931_Haftpflichtversicherung_Versicherungssteuer.xml":
        Paid("01.234.567.8-2018-1", "50.00", "2018-12-06", "the date 2018-12-06"),
    "zugferd_2p1_EN16931_Sachversicherung_berechneter_Steuersatz.xml":
        Paid("00.123.456.7-2018-1", "1163.40", "2018-05-21", "the date 2018-05-21"),
    "zugferd_2p1_EN16931_Kraftfahrversicherung_Bruttopreise.xml": Out("refused", _NO_DUE),  # it names two days
    **{f"zugferd_{name}.xml": Out("refused", _NO_DUE)  # paid by card, or set off: not a word about when
       for name in ("2p1_EN16931_ElektronischeAdresse", "2p2_EN16931_ElektronischeAdresse2", "2p1_EN16931_Miete",
                    "2p1_EN16931_RechnungsUebertragung", "2p1_EN16931_Gutschrift", "2p3_EN16931_Gutschrift")},
    **{f"zugferd_{version}_{name}.xml": Out("refused", _NO_DUE)  # only the period of a discount, or nothing at all
       for version in ("2p1", "2p3")
       for name in ("EXTENDED_Kostenrechnung", "EXTENDED_Warenrechnung", "MINIMUM_Buchungshilfe", "MINIMUM_Rechnung")},
    # Two due dates: the earlier is that of the discount.
    "zugferd_2p1_EXTENDED_Fremdwaehrung-CUSTOM-PeriodAndNote.xml": Paid("47110815", "521.91", "2018-11-20", "", "GBP"),
    "zugferd_2p1_EXTENDED_Fremdwaehrung.xml": Paid("47110815", "521.91", "2018-11-20", "", "GBP"),
    "zugferd_2p3_EXTENDED_Fremdwaehrung.xml": Paid("47110815", "521.91", "2024-12-01", "", "GBP"),
    "zugferd_2p1_EN16931_Innergemeinschaftliche_Lieferungen.xml":
        Paid("47110818", "2000.00", "2018-11-30", "self-billed"),
    "zugferd_2p1_EN16931_OEPNV.xml": Paid("E2018092011804", "9.00", "2018-10-03", "paid already"),
    "zugferd_2p1_EN16931_Betriebskostenabrechnung.xml": Paid("471102", "502.63", "2018-04-04", ""),  # 17808.00 prepaid
    "zugferd_2p3_EXTENDED_Projektabschlussrechnung.xml": Paid("47110819", "11900.00", "2024-11-29", ""),  # half prepaid
    # EN 16931
    "CII-BR-CO-10-RoundingIssue.xml": Out("ignored", "the payable amount is 0 EUR"),
    "CII_business_example_02.xml": Out("refused", "lies before the date of issue 2013-08-25"),
    "XRechnung-O.xml": Out("refused", "lies before the date of issue 2021-01-14"),
    "CII_example7.xml": Paid("INVOICE_test_7", "3200.00", "2013-06-12", "30 days from the date of issue", "SEK"),
    "ubl-tc434-example7.xml": Paid("INVOICE_test_7", "3200.00", "2013-04-10", "30 days from the date of issue", "SEK"),
    "BIS3_Invoice_negativ.XML": Out("refused", _BELOW_ZERO),
    "ubl-tc434-creditnote1.xml": Paid("018304 / 28865", "100.11", "", "does not name the invoice"),
    "huf_example_cii.xml": Paid("21/001003559/996", "87859.00", "2021-11-01", "", "HUF"),
    **{f"EDIFACT_EXAMPLE{n}.TXT": _EDIFACT for n in ("0", "0a", *"123456789")},
    **{f"EDIFACT_EXAMPLE{n}.xml": _EDIFACT for n in "123456789"},
    # Factur-X
    "invoice_EN16931.pdf": Paid("F20260023", "104.90", "2026-03-02", ""),
    "factur-x-minimum.xml": Out("refused", _NO_DUE),
    "order-x-basic.xml": Out("ignored", "Order-X"),
    "order-x-comfort.xml": Out("ignored", "Order-X"),
    "zugferd-basic.xml": Paid("471102", "235.62", "2013-04-04", "marked as a test document"),  # terms stand in a note
    "zugferd-comfort.xml": Paid("471102", "529.87", "2013-04-04", "marked as a test document"),
    "zugferd-extended.xml": Out("refused", _NO_DUE),
    # XRechnung
    **{f"04.0{n}a-INVOICE_ubl.xml": Paid("12345", amount, "2019-05-29", "that of receipt is not known")
       for n, amount in ((1, "4918.84"), (2, "32.99"), (3, "23044105.65"))},
    "04.04a-INVOICE_ubl.xml": Paid("17794", "4175.44", "2021-08-13", "the date 2021-08-13"),
    "05.01a-INVOICE_ubl.xml": Paid("123456XX", "366.86", "2016-04-04", _AT_ONCE),
    **{f"{name}_{syntax}.xml": paid for syntax in ("ubl", "uncefact") for name, paid in IN_BOTH_SYNTAXES.items()},
    "LICENSE": Out("ignored", "plain text"),
    "LICENSE.txt": Out("ignored", "plain text"),
}  # fmt: skip

FILES = sorted(path for path in SHARED.rglob("*") if path.is_file()) if SHARED.is_dir() else []


def dry_run(path: Path, folder: Path) -> dict[str, Any]:
    """The report of a file that lies in a folder, from the command line."""
    (folder / "in").mkdir(parents=True)
    (folder / "in" / path.name).write_bytes(path.read_bytes())
    result = CliRunner().invoke(
        app, ["start", str(folder / "in"), "--dry-run", "--json", "--data-dir", str(folder / "var")]
    )
    answer = json.loads(result.stdout)
    (report,) = answer["files"]
    assert result.exit_code == (1 if report["refused"] else 0)
    assert answer["accepted"] + answer["refused"] + answer["ignored"] == 1
    assert not (folder / "var" / "documents").exists()
    report["notes"] = " ".join(report["notes"])
    return dict(report)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_sample_comes_out_as_the_table_says(path: Path, tmp_path: Path) -> None:
    expected = BY_HAND.get(path.name) or stated(path)
    report = dry_run(path, tmp_path)
    if isinstance(expected, Out):
        assert report[expected.what] == 1, report
        said = report["rejects"][0]["reason"] if expected.what == "refused" else report["notes"]
        assert expected.why in said
        return
    assert report["accepted"] == 1, report
    figures = FIGURES.search(report["notes"])
    assert figures is not None, report["notes"]
    assert figures["number"] == expected.number
    assert (Decimal(figures["amount"]), figures["currency"]) == (Decimal(expected.amount), expected.currency)
    assert (figures["due"] or "") == expected.due
    assert expected.source in report["notes"]


def stated(path: Path) -> Paid:
    """What an ordinary file states, by XPath on local names: due date and payable amount are given."""
    root = etree.parse(str(path)).getroot()

    def texts(*names: str) -> list[str]:
        found: Any = root.xpath("/*" + "".join(f"/*[local-name()='{name}']" for name in names) + "/text()")
        return [text.strip() for text in found]

    if etree.QName(root).localname == "CrossIndustryInvoice":
        settlement = ("SupplyChainTradeTransaction", "ApplicableHeaderTradeSettlement")
        (number,) = texts("ExchangedDocument", "ID")
        (amount,) = texts(*settlement, "SpecifiedTradeSettlementHeaderMonetarySummation", "DuePayableAmount")
        (currency,) = texts(*settlement, "InvoiceCurrencyCode")
        (due,) = texts(*settlement, "SpecifiedTradePaymentTerms", "DueDateDateTime", "DateTimeString")
        return Paid(number, amount, date.fromisoformat(due).isoformat(), "", currency)
    (number,), (amount,) = texts("ID"), texts("LegalMonetaryTotal", "PayableAmount")
    (currency,), (due,) = texts("DocumentCurrencyCode"), texts("DueDate")
    return Paid(number, amount, due, "", currency)


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.suffix == ".xml" and path.name not in BY_HAND][::4], ids=lambda p: p.name
)
def test_another_library_reads_the_same_figures(path: Path) -> None:
    expected = stated(path)
    found = facturx.parse_ubl_cii_xml(path.read_bytes(), check_xsd=False)
    assert found["BT-1"] == expected.number
    assert (Decimal(found["BT-115"]), found["BT-5"], str(found["BT-9"])) == (
        Decimal(expected.amount), expected.currency, expected.due,
    )  # fmt: skip


def test_the_table_names_only_files_that_exist() -> None:
    assert set(BY_HAND) <= {path.name for path in FILES}
    assert len(BY_HAND) > 100
