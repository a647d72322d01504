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
    # As they stand on invoices, in no order
    "netto 30 Tage": "2026-02-09",
    "payable à 45 jours fin de mois": "2026-02-28",
    "45 jours fin de mois": "2026-02-28",
    "2% Skonto 10 Tage, 30 Tage netto": "2026-02-09",
    "netto binnen 14 dagen": "2026-01-24",
    "月结60天": "2026-04-01",
    "EOM 30": "2026-03-02",
    "zahlbar bis 15.03.2026": "2026-03-15",
    "Zahlbar innerhalb von 14 Tagen nach Rechnungserhalt ohne Abzug": "2026-01-24",
    "Bitte überweisen Sie den Betrag bis zum 31.01.2026.": "2026-01-31",
    "Der Betrag wird am 20.01.2026 von Ihrem Konto abgebucht": "2026-01-20",
    "14 Tage 2%, 30 Tage netto": "2026-02-09",
    "8 Tage 3 % Skonto / 30 Tage netto": "2026-02-09",
    "Zahlungsziel: 60 Tage": "2026-03-11",
    "net 45": "2026-02-24",
    "Net60": "2026-03-11",
    "NET 30 DAYS": "2026-02-09",
    "net 30, 1.5% per month on overdue amounts": "2026-02-09",
    "1.5% monthly service charge on past due balances. Net 30": "2026-02-09",
    "Payment terms: 30 days from invoice date": "2026-02-09",
    "Payment due 30 days after the date of invoice": "2026-02-09",
    "Payment due within thirty (30) days": "2026-02-09",
    "Due end of month": "2026-01-31",
    "Due end of following month": "2026-02-28",
    "15th of the following month": "2026-02-15",
    "Payable upon receipt": "2026-01-10",
    "due 2026-03-01": "2026-03-01",
    "Please pay by 3/25/2026": "2026-03-25",
    "à 30 jours date de facture": "2026-02-09",
    "30 jours nets": "2026-02-09",
    "paiement comptant": "2026-01-10",
    "Règlement à réception de facture": "2026-01-10",
    "60 jours date de facture": "2026-03-11",
    "Échéance : 15/02/2026": "2026-02-15",
    "Paiement sous 8 jours": "2026-01-18",
    "à 30 jours fin de mois": "2026-02-28",
    "paiement à 60 jours nets fin de mois": "2026-03-31",
    "fin de mois + 30 jours": "2026-03-02",
    "Betaling binnen 14 dagen na factuurdatum": "2026-01-24",
    "Gelieve te betalen binnen 30 dagen": "2026-02-09",
    "Te betalen vóór 1 februari 2026": "2026-02-01",
    "30 dagen einde maand": "2026-02-28",
    "30 dagen na einde maand": "2026-03-02",
    "Contant": "2026-01-10",
    "8 dagen 2%, 30 dagen netto": "2026-02-09",
    "betalingstermijn 21 dagen": "2026-01-31",
    "月结": "2026-01-31",
    "货到付款": "2026-01-10",
    "开票后60天内付清": "2026-03-11",
    "票到30天": "2026-02-09",
    "2026年2月28日前支付": "2026-02-28",
    "见票即付": "2026-01-10",
    "次月25日付款": "2026-02-25",
    "30天账期": "2026-02-09",
    "Zahlbar sofort nach Erhalt": "2026-01-10",
    "zahlbar innerhalb 30 Werktagen": "2026-02-20",
    "30 days after month end": "2026-03-02",
    "1 Monat": "2026-02-10",
    "4 Wochen netto": "2026-02-07",
    "zahlbar bis Ende des Folgemonats": "2026-02-28",
    "Zahlbar zum 15. des Folgemonats": "2026-02-15",
    "innerhalb von 30 Kalendertagen": "2026-02-09",
    "Zahlung innerhalb von 10 Tagen abzüglich 2 % Skonto, innerhalb von 30 Tagen ohne Abzug": "2026-02-09",
    "Bei Zahlung bis 20.01.2026 2% Skonto, bis 09.02.2026 netto": "2026-02-09",
    "Rechnung fällig am 09.02.2026, Skonto 2 % bis 20.01.2026": "2026-02-09",
    "30 Tage netto oder 10 Tage 2%": "2026-02-09",
    "Frist 14 Tage": "2026-01-24",
    "Zahlbar innerhalb von 14 Tagen. Nach 30 Tagen kommen Sie ohne Mahnung in Verzug.": "2026-01-24",
    "Zahlbar innerhalb 30 Tagen nach Erhalt dieser Rechnung": "2026-02-09",
    "Zahlung innert 10 Tagen": "2026-01-20",
    "10 Tage rein netto": "2026-01-20",
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
        "Zahlung 50 % bei Auftrag, Rest 30 Tage nach Lieferung",
        "30 Tage nach Abnahme",
        "Vorkasse",
        "Vorauskasse",
        "per Nachnahme",
        "Barzahlung",
        "Bereits bezahlt",
        "Betrag dankend erhalten",
        "Paid in full. Thank you",
        "wird per Lastschrift eingezogen",
        "ZZ 30",
        "Net 10th proximo",
        "Cash on delivery",
        "COD",
        "CIA",
        "Prepaid",
        "Payment in advance",
        "50% deposit, balance net 30",
        "Payment by 01/02/2026",
        "30 jours fin de mois le 10",
        "30 jours le 10",
        "paiement sous huitaine",
        "Paiement sous quinzaine",
        "次月结30天",
        "款到发货",
        "预付30%,余款30天",
        "Zahlbar: 30.02.2026",
        "zahlbar bis 30.1.",
        "30 Tage nach Leistungsdatum",
        "2/10 EOM",
        "30 days from statement",
        "Net 30 from receipt of goods",
        "60 days B/L",
        "L/C at sight",
        "Wechsel 90 Tage",
        "90 days bill of exchange",
        "Zahlbar 14 Tage nach Erhalt der Ware",
        "Leistungszeitraum 01.01.2026 bis 31.01.2026",
        "gültig bis 31.12.2026",
        "Pagamento 30 gg fm",
        "30 gg d.f.f.m.",
        "Net 30 days after acceptance",
        "30 days after completion of work",
        "Quarterly in arrears, 30 days",
        "Die Rechnung ist in 12 monatlichen Raten zahlbar",
        "rein netto Kasse",
        "netto Kasse",
        # Counted from a day that is not on the invoice
        "30 Tage nach Wareneingang",
        "30 Tage nach Warenerhalt",
        "30 days upon receipt of goods",
        "30 days on receipt of goods",
        "within 30 days of receipt of goods",
        "收到货物后30天内付款",
        "收货后30天付款",
        "收货后45天付款",
        "Upon acceptance, payment within 30 days",
        "Payment within 30 days of acceptance",
        "Nach Abnahme, zahlbar 30 Tage netto",
        "30 days upon completion",
        "30 days, upon completion",
        "验收合格后30天内付款",
        "验收合格后，30天内付款",
        "innerhalb von 30 Tagen nach Ablauf des Leistungsmonats",
        "30 days after the month of delivery",
        "Zahlbar innerhalb von 14 Tagen nach Lieferung am 20.01.2026",
        "在2026年2月1日发货后30天付款",
        "30 days from the invoice date of 31 January 2026",  # it was issued on another day
        # Before something
        "Zahlbar 7 Tage vor Veranstaltungsbeginn",
        "Payable 14 days before arrival",
        "Payable 14 days prior to arrival",
        "Payable 14 days before 1 June 2026",
        "14 Tage vor Lieferung",
        "Paiement 14 jours avant l'arrivée",
        "Te betalen 14 dagen voor aankomst",
        "发货前30天付款",
        # In parts
        "Payable 50% within 10 days, balance within 30 days",
        "Hälfte sofort, Rest in 30 Tagen",
        "half now, half in 30 days",
        "De helft direct, de rest binnen 30 dagen",
        "30, 60, 90 days",
        "30, 60 and 90 days",
        "1/3 sofort, 1/3 30 Tage nach Lieferung",
        "zahlbar in 30 - 60 Tagen",
        "30-60 days",
        # From one day to another
        "zahlbar vom 02.02.2026 bis 09.02.2026",
    ],
)
def test_what_is_not_certain_is_not_guessed(terms: str) -> None:
    assert due_from_terms(terms, ISSUED) is None


END_OF_JANUARY = date(2026, 1, 31)
BESIDE_OTHER_DATES = {
    # A date of something else is not the day to pay.
    "Zahlbar innerhalb 30 Tagen netto. Leistung erbracht am 05.02.2026.": "2026-03-02",
    "30 Tage netto. Unser Büro ist vom 02.02.2026 bis 09.02.2026 geschlossen.": "2026-03-02",
    "Net 30 days. Our office is closed until 09 February 2026.": "2026-03-02",
    "Net 30 days, our office is closed until 09 February 2026.": "2026-03-02",
    "30 jours net. Nos bureaux sont fermés jusqu'au 09/02/2026.": "2026-03-02",
    "30 dagen netto. Ons kantoor is gesloten tot 09-02-2026.": "2026-03-02",
    "Der Vertrag läuft bis 31.12.2026, zahlbar 30 Tage netto": "2026-03-02",
    "Vertrag läuft bis 31.12.2026. Zahlbar bis 15.03.2026": "2026-03-15",
    "Ware versandt am 20.01.2026. Zahlbar 30 Tage netto": "2026-03-02",
    "Abrechnungszeitraum 01.02.2026 bis 28.02.2026, zahlbar 30 Tage netto": "2026-03-02",
    "Leistungsdatum 05.02.2026 zahlbar innerhalb 14 Tagen": "2026-02-14",
    # A date that a period is counted from
    "Zahlbar innerhalb 14 Tagen ab 01.03.2026": "2026-03-15",
    "Net 30 days after 1 March 2026": "2026-03-31",
    "30 jours à compter du 15/02/2026": "2026-03-17",
    "30 dagen vanaf 15-02-2026": "2026-03-17",
    "Payable net 30 from 15 February 2026": "2026-03-17",
    "30 Tage nach Rechnungsdatum 31.01.2026": "2026-03-02",
    # The end of the month behind a comma
    "45 jours date de facture, fin de mois": "2026-03-31",
    "45 jours nets, fin de mois": "2026-03-31",
    "30 days, end of month": "2026-03-31",
    "Net 30, EOM": "2026-03-31",
    "fin de mois, 30 jours": "2026-03-02",
    # Dates to pay by, in words of their own
    "Zahlbar ohne Abzug, spätestens bis 04.02.2026": "2026-02-04",
    "bis spätestens 15.03.2026, danach fallen Mahngebühren an": "2026-03-15",
    "Please transfer the amount by 15 March 2026": "2026-03-15",
    "Zahlung erfolgt am 20.02.2026 per Lastschrift": "2026-02-20",
    "am 15.03.2026 fällig": "2026-03-15",
}


@pytest.mark.parametrize(("terms", "due"), BESIDE_OTHER_DATES.items())
def test_dates_and_periods_are_taken_for_what_they_are(terms: str, due: str) -> None:
    found = due_from_terms(terms, END_OF_JANUARY)
    assert found is not None
    assert found.due.isoformat() == due


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
