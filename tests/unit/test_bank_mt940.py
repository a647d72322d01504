"""MT940 made to order: dialects of :61: and :86:, kinds, control sums, and what is generated is read back."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.bank.mt_lines import messages
from gateway.bank.statement import BankFile
from models.bank import BankEntry
from tests.bank_files import mt940, read


def entry(*lines: str) -> BankEntry:
    """The one entry of a statement, whatever its kind."""
    sign = Decimal(-1) if lines[0][14:].startswith(("D", "RC")) else Decimal(1)
    figure = "".join(c for c in lines[0][15:].split("N")[0] if c.isdigit() or c == ",")
    total = Decimal(figure.replace(",", ".")) * sign
    closing = f"{'C' if total >= 0 else 'D'}260302EUR{abs(total):.2f}".replace(".", ",")
    file = read(mt940(lines, closing=closing))
    assert not file.rejects, file.rejects
    (statement,) = file.statements
    return next(iter((*statement.entries, *(item.entry for item in statement.ignored))))


def reason(file: BankFile) -> str:
    assert not file.statements
    return file.rejects[0].reason


# --- dialects ------------------------------------------------------------------------------------------------------


def test_the_german_fields_are_woven_together_again() -> None:
    found = entry(
        ":61:2603020302CR119,00NTRFNONREF//BANK-1",
        ":86:166?00GUTSCHRIFT?100931?20EREF+E2E-77?21SVWZ+Rechnung 4711 vom 01.?220",
        "2.2026?23Kunde 12?30COBADEFFXXX?31DE89370400440532013000?32Muster Maschinenbau?33 GmbH?34000",
    )
    assert (found.end_to_end, found.servicer_reference) == ("E2E-77", "BANK-1")
    assert found.payer_iban == "DE89370400440532013000" and found.payer == "Muster Maschinenbau GmbH"
    # A line that is full goes on in the next without a space, one that is not ends there.
    assert found.remittance == ("Rechnung 4711 vom 01. 02.2026 Kunde 12",)


def test_a_full_line_of_purpose_goes_on_in_the_next() -> None:
    found = entry(":61:2603020302C5,00NTRFNONREF", f":86:166?20{'x' * 25}47?2111 und 12?2212")
    assert found.remittance == (f"{'x' * 25}4711 und 12 12",)


def test_the_dutch_fields_are_told_apart() -> None:
    found = entry(
        ":61:2603020302C5,00NTRFEREF//B1",
        ":86:/TRTP/SEPA OVERBOEKING/IBAN/NL91ABNA0417164300/BIC/ABNANL2A/NAME/J. DE V",
        "RIES/REMI/FACTUUR 4711/EREF/E-9",
    )
    assert (found.payer_iban, found.end_to_end, found.remittance) == ("NL91ABNA0417164300", "E-9", ("FACTUUR 4711",))


@pytest.mark.parametrize(
    ("line", "day", "booked"),
    [
        (":61:2601021231C5,00NTRFNONREF", "2026-01-02", "2025-12-31"),
        (":61:2512310102C5,00NTRFNONREF", "2025-12-31", "2026-01-02"),
        (":61:260102    C5,00NTRFNONREF", "2026-01-02", "2026-01-02"),
        (":61:2602300227C5,00NTRFNONREF", "2026-02-28", "2026-02-27"),
    ],
)
def test_the_booking_day_lies_in_the_year_next_to_the_value_date(line: str, day: str, booked: str) -> None:
    found = entry(line)
    assert (str(found.value_on), str(found.booked_on)) == (day, booked)


def test_a_reference_longer_than_the_standard_allows_is_kept_whole() -> None:
    reference = "BIPI-dvT1FzfMqvzF5HaU4oetlH7SGRkonU"
    found = entry(f":61:2603020302CR20,NTRF{reference}//2022070616391534000", ":86:Rechnung 1")
    assert (found.end_to_end, found.servicer_reference) == (reference, "2022070616391534000")


def test_what_looks_like_a_tag_inside_of_free_text_is_text() -> None:
    found = entry(":61:2603020302C5,00NTRFNONREF", ":86:paid at", ":20:15 by phone", ":26:37 Fo", "INV 7")
    assert found.remittance == ("paid at", ":20:15 by phone", ":26:37 Fo", "INV 7")


def test_a_tag_torn_apart_is_put_together() -> None:
    found = entry(":61:2603020302C5,00NTRFNONREF", ":", "86:166?20Rechnung 9")
    assert found.remittance == ("Rechnung 9",)


@pytest.mark.parametrize(
    ("line", "details", "kind"),
    [
        (":61:2603020302RC5,00NTRFNONREF", ":86:storno", "reversal"),
        (":61:2603020302D5,00NTRFNONREF", ":86:109?20EREF+INV-7", "reversal"),
        (":61:2603020302D5,00NRTINONREF", ":86:returned", "reversal"),
        (":61:2603020302D5,00NTRFNONREF", ":86:/RTRN/MD06/REMI/INV 7", "reversal"),
        (":61:2603020302D5,00NTRFNONREF", ":86:177?20out", "outgoing"),
        (":61:2603020302RD5,00NTRFNONREF", ":86:back", "outgoing"),
        (":61:2603020302C5,00NTRFNONREF", ":86:159?20back", "outgoing"),
        (":61:2603020302D5,00NCHGNONREF", ":86:fee", "charge"),
        (":61:2603020302D5,00NMSCNONREF", ":86:808?20fee", "charge"),
    ],
)
def test_the_kind_is_told_by_mark_type_and_business_code(line: str, details: str, kind: str) -> None:
    assert entry(line, details).kind == kind


def test_charges_are_believed_where_the_figures_prove_them() -> None:
    found = entry(":61:2603020302C95,00NTRFX//B", "/OCMT/EUR100,//CHGS/EUR5,/", ":86:INV 1")
    assert (str(found.amount), str(found.charges)) == ("100.00 EUR", "5.00 EUR")
    foreign = entry(":61:2603020302C95,00NTRFX//B", "/OCMT/USD100,//CHGS/EUR5,/", ":86:INV 1")
    assert (str(foreign.amount), foreign.charges, str(foreign.original)) == ("95.00 EUR", None, "100.00 USD")


def test_a_returned_debit_is_less_the_fees_of_the_return() -> None:
    found = entry(":61:2603020302D103,50NRTINONREF", ":86:109?20EREF+INV-7?21OAMT+100,00?22COAM+3,50?34914")
    assert (found.kind, str(found.amount), str(found.charges)) == ("reversal", "100.00 EUR", "3.50 EUR")
    assert (found.returned_reference, found.return_reason) == ("INV-7", "914")


# --- control sums -------------------------------------------------------------------------------------------------


def test_a_statement_cut_off_before_its_end_is_refused() -> None:
    whole = mt940([":61:2603020302C5,00NTRFNONREF"], closing="C260302EUR5,")
    assert "no closing balance" in reason(read(whole.split(":62F:")[0]))


def test_an_entry_behind_the_balance_is_refused() -> None:
    whole = mt940([":61:2603020302C5,00NTRFNONREF"], closing="C260302EUR5,")
    assert "between the balances" in reason(read(whole.replace("-\n", ":61:2603020302C9,00NTRFNONREF\n-\n")))


def test_an_entry_that_cannot_be_read_refuses_the_file() -> None:
    file = read(mt940([":61:26030C5,00NTRFNONREF"]))
    assert "not a statement line" in reason(file) and file.rejects[0].line == 5


def test_intermediate_balances_connect_the_parts_of_a_statement() -> None:
    def part(number: int, opening: str, closing: str) -> str:
        text = mt940([":61:2603020302C5,00NTRFNONREF"], f"C260301EUR{opening}", f"C260302EUR{closing}")
        text = text.replace(":28C:1/1", f":28C:1/{number}")
        return text.replace(":62F:", ":62M:") if number == 1 else text.replace(":60F:", ":60M:")

    assert not read(part(1, "1,", "6,") + part(2, "6,", "11,")).rejects
    assert "difference 1.00 EUR" in reason(read(part(1, "1,", "6,") + part(2, "7,", "12,")))


# --- all there is to say, and back ---------------------------------------------------------------------------------

AMOUNTS = st.decimals(Decimal("0.01"), Decimal("99999999.99"), places=2)
TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=0x24F, exclude_categories=("Cc", "Cf", "Zs")), max_size=40)


@given(st.lists(st.tuples(AMOUNTS, st.sampled_from(["C", "D", "RC", "RD"]), TEXT), max_size=8), AMOUNTS)
def test_a_generated_statement_is_read_back_exactly(rows: list[tuple[Decimal, str, str]], opening: Decimal) -> None:
    def figure(amount: Decimal) -> str:
        return f"{abs(amount):.2f}".replace(".", ",")

    total = opening + sum((a if mark in ("C", "RD") else -a for a, mark, _ in rows), Decimal(0))
    lines = []
    for number, (a, mark, text) in enumerate(rows):
        lines += [f":61:2603020302{mark}{figure(a)}NTRFNONREF//R{number}", f":86:text {text}"]
    closing = f"{'C' if total >= 0 else 'D'}260302EUR{figure(total)}"
    file = read(mt940(lines, f"C260301EUR{figure(opening)}", closing))
    assert not file.rejects
    (found,) = file.statements
    parts = sorted((*found.entries, *(item.entry for item in found.ignored)), key=lambda e: int(e.entry))
    kinds = {"C": "payment", "D": "outgoing", "RC": "reversal", "RD": "outgoing"}
    assert [(e.amount.amount, e.kind, e.servicer_reference, e.remittance) for e in parts] == [
        (a, kinds[mark], f"R{n}", (f"text {text}".strip(),)) for n, (a, mark, text) in enumerate(rows)
    ]


@given(st.text(max_size=300))
def test_no_character_of_any_text_is_lost_between_fields(text: str) -> None:
    found = list(messages(f":20:X\n:25:A\n:86:{text}\n:62F:C260302EUR1,"))
    kept = "".join(field.text for message in found for field in message.fields)
    letters = [c for c in text if c.isalnum() and c not in "\x01\x02\x03"]
    # Digits and capitals of tags, message ends and envelopes aside, everything is still there.
    if ":" not in text and "-" not in text and "{" not in text and "}" not in text:
        assert [c for c in letters if c not in kept] == []
