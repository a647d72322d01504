"""Payment terms in five languages: which day they name, and when they name none."""

import time
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.intake.payment_terms import due_from_terms

ISSUED = date(2026, 1, 10)
"""A Saturday."""

NET = {
    # English
    "payable within 14 days": "2026-01-24",
    "Payment within 30 days": "2026-02-09",
    "Net 30": "2026-02-09",
    "n/30": "2026-02-09",
    "2/10 net 30": "2026-02-09",
    "2% 10 days, net 30": "2026-02-09",
    "30 days end of month": "2026-02-28",
    "net 30 days EOM": "2026-02-28",
    "end of month + 30 days": "2026-03-02",
    "within one month": "2026-02-10",
    "Payment due by 15 April 2026": "2026-04-15",
    "due on April 15, 2026": "2026-04-15",
    "Payable at 60 days. Late payment: interest 8% after 30 days": "2026-03-11",
    "10 business days": "2026-01-23",
    "due on receipt": "2026-01-10",
    # German
    "30 Tage netto": "2026-02-09",
    "14 Tage": "2026-01-24",
    "10 Tage 3% Skonto, 30 Tage netto": "2026-02-09",
    "14 Tage 2% Skonto 30 Tage netto": "2026-02-09",
    "Zahlbar innerhalb 30 Tagen netto bis 04.04.2026, 3% Skonto innerhalb 10 Tagen bis 15.03.2026": "2026-04-04",
    "Zahlungsziel 30 Tage ab Rechnungsdatum, bei Zahlung innerhalb 8 Tagen 2% Skonto": "2026-02-09",
    "Zahlbar innerhalb 30 Tagen ohne Skonto": "2026-02-09",
    "innerhalb von zwei Wochen": "2026-01-24",
    "Rechnung vom 01.02.2026, zahlbar in 10 Tagen": "2026-01-20",
    "Lieferung innerhalb 5 Tagen, Zahlung innerhalb 30 Tagen": "2026-02-09",
    "Zahlbar sofort ohne Abzug.": "2026-01-10",
    "sofort netto Kasse; fällig zum 04.02.2026 ohne Abzug": "2026-02-04",
    "#SKONTO#TAGE=7#PROZENT=2.00#\n#SKONTO#TAGE=14#PROZENT=1.00#\n#SKONTO#TAGE=30#PROZENT=0.00#\n": "2026-02-09",
    "#SKONTO#TAGE=7#PROZENT=2.00#\nZahlbar innerhalb 21 Tagen": "2026-01-31",
    # French
    "30 jours fin de mois": "2026-02-28",
    "45 jours à compter de la fin du mois": "2026-03-17",
    "PAIEMENT 30 JOURS NET": "2026-02-09",
    "Pas d'escompte pour paiement anticipé. Paiement à 30 jours.": "2026-02-09",
    "à régler avant le 03/04/2026": "2026-04-03",
    # Dutch
    "betaling binnen 30 dagen": "2026-02-09",
    "binnen dertig dagen te voldoen": "2026-02-09",
    "betaling uiterlijk 05-04-2026": "2026-04-05",
    # Chinese
    "货到30天付款": "2026-02-09",
    "发票日期后三十天": "2026-02-09",
    "月结30天": "2026-03-02",
    "收到发票后30天内付款": "2026-02-09",
    "请于2026年3月5日前付款": "2026-03-05",
}


@pytest.mark.parametrize(("terms", "due"), NET.items())
def test_the_net_day_is_found(terms: str, due: str) -> None:
    found = due_from_terms(terms, ISSUED)
    assert found is not None
    assert found.due.isoformat() == due


@pytest.mark.parametrize(
    "terms",
    [
        "",
        "nach Vereinbarung",
        "Bei Zahlung innerhalb 14 Tagen gewähren wir 2,0% Skonto.",
        "Bei Zahlungen binnen 14 Tagen, 2% Skonto",
        "#SKONTO#TAGE=7#PROZENT=2.00#\n",
        "2 % discount if paid within 2 days",
        "50% prepaid, 50% within one month",
        "Zahlbar in 7 Tagen oder 30 Tagen",
        "innerhalb von […] Tagen ohne Abzug",
        "due 03/04/2026",
        "Zahlbar bis 30.2.2026",
        "Lieferung innerhalb 5 Tagen",
        "zu den Fälligkeiten 01.07.2018, 01.10.2018",
        "Nach 10 Tagen Mahnung, Verzugszinsen",
        "monatlich zum letzten Werktag fällig",
        "99999 days",
        "预付30%，余款发货前付清",
    ],
)
def test_what_is_not_certain_is_not_guessed(terms: str) -> None:
    assert due_from_terms(terms, ISSUED) is None


def test_the_reason_says_from_which_day_was_counted() -> None:
    from_receipt = due_from_terms("30 days after receipt of invoice", ISSUED)
    assert from_receipt is not None and "as that of receipt is not known" in from_receipt.reason
    without_delivery = due_from_terms("30 days after delivery", ISSUED)
    assert without_delivery is not None and "as that of delivery is not given" in without_delivery.reason
    delivered = due_from_terms("30 days after delivery", ISSUED, delivered=date(2026, 1, 20))
    assert delivered is not None and delivered.due == date(2026, 2, 19)
    at_once = due_from_terms("payable immediately", ISSUED)
    assert at_once is not None and at_once.reason.endswith("payable at once, hence on the date of issue")


def test_a_period_without_a_date_of_issue_names_no_day() -> None:
    assert due_from_terms("30 Tage netto", None) is None
    by_date = due_from_terms("zahlbar bis 04.04.2026", None)
    assert by_date is not None and by_date.due == date(2026, 4, 4)


def test_free_notes_count_only_where_they_speak_of_paying() -> None:
    assert due_from_terms("Umtausch innerhalb 14 Tagen", ISSUED, strict=True) is None
    assert due_from_terms("14 Tage", ISSUED, strict=True) is None
    found = due_from_terms("Ihre Kundennummer: 4711\nZahlbar innerhalb 14 Tagen.", ISSUED, strict=True)
    assert found is not None and found.due == date(2026, 1, 24)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="0123456789 .,/%-#\n年月日天前netTagedaysSkontobisby+fällig", max_size=120))
def test_no_text_makes_it_fail(text: str) -> None:
    found = due_from_terms(text, ISSUED)
    assert found is None or found.reason


@pytest.mark.parametrize(
    "text", ["ohne ", "1 ", "30 days ", "bis zum ", "due on the ", "2/10 ", "01.01.2026 ", "十", "%", " \n"]
)
def test_long_texts_do_not_take_long(text: str) -> None:
    begun = time.perf_counter()
    due_from_terms(text * 100_000, ISSUED)
    assert time.perf_counter() - begun < 2
