"""Letters in print: every kind in every language, as PDF/A, with no name that could break out or print boxes."""

import json
import re
import struct
import subprocess
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO
from itertools import cycle, product
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from pypdf import PdfReader
from pypdf.generic import DictionaryObject

from activities.composing import compose
from activities.letter_check import missing_elements, missing_in_print
from activities.letter_content import KINDS, InvoiceLine, LetterContent, kind_of
from activities.letter_duties import expected_of
from activities.letter_sample import sample_content, sample_creditor
from activities.letters import letter_pictures, write_letter
from activities.payment_code import payment_code
from activities.refusals import CannotCompose
from activities.wording import LANGUAGES, wording_for
from models.interest import DatedRate, LateFee, interest_statement
from models.jurisdiction import LetterRule
from models.money import Money
from models.parties import BankAccount
from tests.notices import acme, an_invoice, an_order, enclosed, printed

HERE = Path(__file__).parent / "letters"
NAUGHTY = Path(__file__).parents[2] / "../shared/data/edge/blns/blns.json"
EVERY = list(product(KINDS, LANGUAGES))
PICTURED = [(kind, language) for kind, language in EVERY if language in ("en", "zh")]
PPI, FINER = 12, 4


def money(text: str) -> Money:
    return Money.model_validate(text)


def named(content: LetterContent, name: str) -> LetterContent:
    return replace(content, buyer=content.buyer.but(name=name))


def flat(text: str) -> str:
    """Text without what setting changes: blanks, and places where a long run may be broken."""
    return re.sub(r"[\s\u200b\u00ad]+", "", text)


# --- every kind in every language -----------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_text_html_and_print_say_the_same(kind: str, language: str) -> None:
    content = sample_content(kind, language)
    letter = write_letter(kind, language, content)
    assert (letter.template, letter.note) == (f"{language}/{kind}", "")
    assert letter.pdf is not None and letter.html is not None
    shown = flat(printed(letter.pdf))
    least = 20 if language == "zh" else 60
    rows = ("×", ": ", "：")
    paragraphs = [p for p in letter.text.split("\n") if len(p) > least and not any(mark in p for mark in rows)]
    assert len(paragraphs) >= 2
    for paragraph in paragraphs:
        assert flat(paragraph) in shown, paragraph
    expected = expected_of(kind_of(kind), content, wording_for(language)[0])
    assert missing_elements(kind, letter.text, expected) == []
    assert missing_in_print(kind, printed(letter.pdf), expected) == []


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_a_letter_about_several_invoices_lists_each(kind: str, language: str) -> None:
    content = sample_content(kind, language, invoices=4)
    letter = write_letter(kind, language, content)
    assert letter.pdf is not None
    shown = printed(letter.pdf)
    for line in content.invoices:
        assert line.number in shown and line.number in letter.text and line.number in (letter.html or "")
    assert not re.search(r"\{\{|\}\}|\{%|%\}|None|Undefined", letter.text + shown)
    assert missing_in_print(kind, shown, expected_of(kind_of(kind), content, wording_for(language)[0])) == []


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_the_print_reads_as_it_was_approved(kind: str, language: str) -> None:
    """To approve a change: delete tests/unit/letters, run this twice, look at the difference and at the pictures."""
    letter = write_letter(kind, language, sample_content(kind, language))
    assert letter.pdf is not None
    text = "\n".join(page.extract_text() for page in PdfReader(BytesIO(letter.pdf)).pages)
    lines = "".join(f"{line.rstrip()}\n" for line in text.split("\n"))
    assert lines == approved(f"{language}-{kind}.txt", lines.encode()).decode()


@pytest.mark.parametrize(("kind", "language"), PICTURED)
def test_the_pages_look_as_they_were_approved(kind: str, language: str, tmp_path: Path) -> None:
    content = sample_content(kind, language)
    pages = [shades_of_png(page) for page in letter_pictures(kind, language, content, PPI)]
    for n, (width, height, shades) in enumerate(pages, 1):
        stored = approved(f"{language}-{kind}-{n}.bin", zlib.compress(shades, 9))
        assert difference(shades, zlib.decompress(stored)) < 1.0, (width, height)
    if which("pdftoppm"):
        letter = write_letter(kind, language, content)
        assert letter.pdf is not None
        (tmp_path / "letter.pdf").write_bytes(letter.pdf)
        # Another program's eyes: the PDF itself, drawn by poppler.
        command = ("pdftoppm", "-gray", "-r", str(PPI * FINER), str(tmp_path / "letter.pdf"), str(tmp_path / "page"))
        subprocess.run(command, check=True, timeout=60)
        drawn = [shades_of_pgm(file.read_bytes()) for file in sorted(tmp_path.glob("page-*.pgm"))]
        assert len(drawn) == len(pages)
        for (width, height, ours), theirs in zip(pages, drawn, strict=True):
            assert difference(ours, coarser(*theirs, width, height)) < 4.0


def approved(name: str, fresh: bytes) -> bytes:
    """What was approved under a name; what is new is stored, and fails until it is committed."""
    file = HERE / name
    if not file.exists():
        HERE.mkdir(exist_ok=True)
        file.write_bytes(fresh)
        pytest.fail(f"{file} is new: look at it, and commit it if it is right")
    return file.read_bytes()


def difference(one: bytes, other: bytes) -> float:
    """The mean difference of two pictures' shades (0 to 255)."""
    assert len(one) == len(other), "another size of page"
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one)


def shades_of_png(png: bytes) -> tuple[int, int, bytes]:
    """Width, height and shades of grey of a PNG with eight bits of red, green, blue and opacity."""
    assert png[24:26] == b"\x08\x06"
    width, height = struct.unpack(">II", png[16:24])
    data, at = b"", 8
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        data += png[at + 8 : at + 8 + size] if png[at + 4 : at + 8] == b"IDAT" else b""
        at += size + 12
    raw, stride, before = zlib.decompress(data), width * 4, bytearray(width * 4)
    shades = bytearray()
    for y in range(height):
        how, line = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1 : (y + 1) * (stride + 1)])
        for x in range(stride):
            left, up, corner = (line[x - 4], before[x], before[x - 4]) if x >= 4 else (0, before[x], 0)
            line[x] = (line[x] + (0, left, up, (left + up) // 2, paeth(left, up, corner))[how]) & 255
        shades += bytes((line[x] * 2 + line[x + 1] * 5 + line[x + 2]) // 8 for x in range(0, stride, 4))
        before = line
    return width, height, bytes(shades)


def paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))


def shades_of_pgm(pgm: bytes) -> tuple[int, int, bytes]:
    kind, size, depth, shades = pgm.split(b"\n", 3)
    assert (kind, depth) == (b"P5", b"255")
    width, height = map(int, size.split())
    return width, height, shades


def coarser(width: int, height: int, shades: bytes, to_width: int, to_height: int) -> bytes:
    """A picture of fewer dots, each the mean of those it stands for; what is missing at the edges is white."""
    rows = [shades[y * width : (y + 1) * width].ljust(to_width * FINER, b"\xff") for y in range(height)]
    rows += [b"\xff" * (to_width * FINER)] * FINER
    return bytes(
        sum(sum(row[x * FINER : (x + 1) * FINER]) for row in rows[y * FINER : (y + 1) * FINER]) // FINER**2
        for y in range(to_height)
        for x in range(to_width)
    )


# --- the file -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_pdf_is_pdf_a_2b_with_its_fonts_in_it(language: str) -> None:
    letter = write_letter("formal_demand", language, sample_content("formal_demand", language))
    assert letter.pdf is not None
    assert b"<pdfaid:part>2</pdfaid:part>" in letter.pdf and b"<pdfaid:conformance>B</pdfaid:conformance>" in letter.pdf
    reader = PdfReader(BytesIO(letter.pdf))
    fonts = [font for page in reader.pages for font in page["/Resources"]["/Font"].values()]  # type: ignore[index]
    assert fonts
    for font in fonts:
        (descendant,) = font.get_object()["/DescendantFonts"]
        descriptor = descendant.get_object()["/FontDescriptor"].get_object()
        assert isinstance(descriptor, DictionaryObject) and {"/FontFile2", "/FontFile3"} & descriptor.keys()


def test_the_same_letter_gives_the_same_bytes_in_any_thread() -> None:
    content = sample_content("formal_demand", "zh")
    with ThreadPoolExecutor(4) as pool:
        made = {letter.pdf for letter in pool.map(lambda _: write_letter("formal_demand", "zh", content), range(12))}
    assert len(made) == 1


def test_the_letter_is_enclosed_in_the_mail_under_its_number() -> None:
    invoice = an_invoice("zh", "上海示例有限公司", number="发票/7")
    order = an_order(invoice, "formal_demand", 15)
    name, pdf = enclosed(compose(order, invoice, acme(), at=order.at).content)
    assert name.startswith("催款函-发票_7-") and name.endswith(".pdf")
    assert "上海示例有限公司" in printed(pdf)
    assert "/CreationDate" in (PdfReader(BytesIO(pdf)).metadata or {})


def test_a_long_letter_numbers_its_pages() -> None:
    letter = write_letter("formal_demand", "de", sample_content("formal_demand", "de", invoices=40))
    assert letter.pdf is not None
    pages = [page.extract_text() for page in PdfReader(BytesIO(letter.pdf)).pages]
    assert len(pages) >= 3
    for n, page in enumerate(pages, 1):
        assert f"Seite {n} von {len(pages)}" in page
    assert all("18. März 2026" in page for page in pages)


def test_what_is_said_of_an_invoice_stands_on_its_page() -> None:
    content = sample_content("formal_demand", "de", invoices=40)
    pages = [
        page.extract_text()
        for page in PdfReader(BytesIO(write_letter("formal_demand", "de", content).pdf or b"")).pages
    ]
    told = [(line.number, line.order, page) for line in content.invoices for page in pages if f"{line.order}\n" in page]
    assert len(told) == 40
    for number, order, page in told:
        assert page.index(number) < page.index(f"{order}\n")


def test_a_sample_of_many_invoices_is_about_overdue_ones() -> None:
    lines = sample_content("formal_demand", "de", invoices=40).invoices
    assert all(line.figures.days_overdue > 0 for line in lines)


_WORD = re.compile(r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">([^<]*)</word>')


def words_over_each_other(pdf: bytes, folder: Path) -> list[tuple[str, str]]:
    (folder / "letter.pdf").write_bytes(pdf)
    boxes = subprocess.run(
        ["pdftotext", "-bbox", str(folder / "letter.pdf"), "-"], check=True, capture_output=True, text=True
    ).stdout
    found = []
    for page in boxes.split("<page ")[1:]:
        words = [(*map(float, word[:4]), word[4]) for word in _WORD.findall(page)]
        for n, (left, top, right, bottom, one) in enumerate(words):
            for left_2, top_2, right_2, bottom_2, other in words[n + 1 :]:
                across, down = min(right, right_2) - max(left, left_2), min(bottom, bottom_2) - max(top, top_2)
                if across > 2 and down > 0.5 * min(bottom - top, bottom_2 - top_2):
                    found.append((one, other))
    return found


@pytest.mark.skipif(which("pdftotext") is None, reason="poppler is not installed")
@pytest.mark.parametrize("language", ["de", "es", "zh"])
def test_nothing_long_runs_over_what_is_beside_it(language: str, tmp_path: Path) -> None:
    content = sample_content("formal_demand", language)
    invoice = replace(
        content.invoices[0],
        number="RECHNUNG/2026/0000000000000000000000000001/ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        order="X" * 80,
    )
    buyer = content.buyer.but(
        name="Sociedad Anónima de Construcciones, Montajes Electromecánicos e Instalaciones Industriales del "
        "Mediterráneo Occidental y Baleares, S. A. U.",
        address=("Departamento de Cuentas a Pagar y Contabilidad de Proveedores",
                 "Edificio Torre Norte, planta 27, despacho 2714-B",
                 "Avenida de la Constitución Española de 1978, número 1245 bis", "46980 Paterna (Valencia)"),
    )  # fmt: skip
    letter = write_letter("formal_demand", language, replace(content, buyer=buyer, invoices=(invoice,)))
    assert words_over_each_other(letter.pdf or b"", tmp_path) == []


@pytest.mark.skipif(which("pdftotext") is None, reason="poppler is not installed")
@pytest.mark.parametrize("language", ["de", "zh"])
@pytest.mark.parametrize("lines", [6, 8, 10])
def test_an_address_is_printed_whole_and_inside_its_window(language: str, lines: int, tmp_path: Path) -> None:
    content = sample_content("formal_demand", language)
    address = tuple(f"Zeile {n}, Gebäude der Rechnungsprüfung{n}" for n in range(1, lines + 1))
    letter = write_letter("formal_demand", language, replace(content, buyer=content.buyer.but(address=address)))
    (tmp_path / "letter.pdf").write_bytes(letter.pdf or b"")
    boxes = subprocess.run(
        ["pdftotext", "-bbox", str(tmp_path / "letter.pdf"), "-"], check=True, capture_output=True, text=True
    ).stdout
    ends = {word[4]: float(word[3]) * 25.4 / 72 for word in _WORD.findall(boxes)}
    for n in range(1, lines + 1):
        assert ends[f"Rechnungsprüfung{n}"] <= 80, "the subject begins below the window"


def test_an_address_that_no_window_holds_is_refused() -> None:
    content = sample_content("reminder", "en")
    buyer = content.buyer.but(address=tuple("Accounts payable " * 11 + str(n) for n in range(10)))
    with pytest.raises(CannotCompose, match=r"^the buyer's name and address do not fit into the address window"):
        write_letter("reminder", "en", replace(content, buyer=buyer))


def test_words_of_an_address_are_not_ours() -> None:
    content = sample_content("reminder", "en")
    assert "Jail Road" in write_letter("reminder", "en", replace(content, buyer=content.buyer.but(
        address=("7 Jail Road", "Lahore")
    ))).text  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_reader_copies_has_no_signs_that_nobody_sees(language: str) -> None:
    sender, reference = "receivables.north@tradinghouse.example", "RECHNUNG/2026/0000000000000000000117"
    content = sample_content("formal_demand", language)
    content = replace(
        content, creditor=content.creditor.but(sender=sender),
        invoices=(replace(content.invoices[0], number=reference),),
    )  # fmt: skip
    shown = printed(write_letter("formal_demand", language, content).pdf or b"")
    assert "\u200b" not in shown
    assert sender in shown and f" {reference} " in shown, "whole where the line holds them"


# --- names ----------------------------------------------------------------------------------------------------

_NAMES = [
    "Zoë Šimečková a. s.", "Ελληνική Εταιρεία Α.Ε.", "ООО «Ромашка» — Ёлка", "Công ty TNHH Thương mại Việt Nam",
    "上海示例有限公司（香港）", "株式会社サンプル", "주식회사 예시", "Łódź & Søn, İstanbul",
]  # fmt: skip


@pytest.mark.parametrize("name", _NAMES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_names_of_our_scripts_are_printed(language: str, name: str) -> None:
    letter = write_letter("reminder", language, named(sample_content("reminder", language), name))
    assert letter.pdf is not None and flat(name) in flat(printed(letter.pdf))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Happy 😀 Ltd", "😀 (U+1F600)"),
        ("شركة", "ش (U+0634)"),
        ("บริษัท", "บ (U+0E1A)"),
        ("कंपनी", "क (U+0915)"),
        ("חברה", "ח (U+05D7)"),
        ("Private \ue000", "an invisible character (U+E000)"),
    ],
)
def test_a_name_that_would_print_boxes_is_refused_with_its_characters(name: str, shown: str) -> None:
    with pytest.raises(CannotCompose, match="characters that our fonts cannot print") as caught:
        write_letter("reminder", "en", named(sample_content("reminder", "en"), name))
    assert shown in caught.value.reason and "send the letter yourself" in caught.value.reason


@pytest.mark.parametrize(
    "name",
    [
        '#panic("x") #sys.inputs', "$x^2$ @ref <label> *bold* _it_ `raw`", "\\u{41} // comment /* x */", "= Heading",
        '"); #read("/etc/passwd")', "<script>alert(1)</script> &amp;", "{{ 7 * 7 }}{% raw %}", "- item\n+ item",
        "x" * 300,
    ],
)  # fmt: skip
def test_a_name_is_printed_as_it_is_and_never_obeyed(name: str) -> None:
    letter = write_letter("formal_demand", "en", named(sample_content("formal_demand", "en"), name))
    assert letter.pdf is not None and letter.html is not None
    assert flat(name) in flat(printed(letter.pdf))
    assert "<script>" not in letter.html


@pytest.mark.skipif(not NAUGHTY.exists(), reason="the big list of naughty strings is not here")
def test_no_naughty_name_breaks_any_letter() -> None:
    names = json.loads(NAUGHTY.read_text("utf-8"))
    written = refused = 0
    for name, (kind, language) in zip(names, cycle(EVERY), strict=False):
        content = named(sample_content(kind, language), name[:300])
        try:
            letter = write_letter(kind, language, content)
        except CannotCompose as refusal:
            assert "our fonts cannot print" in refusal.reason, (name, refusal.reason)
            refused += 1
        else:
            assert letter.pdf is not None and letter.pdf.startswith(b"%PDF")
            written += 1
    assert written > 350 and refused > 20


# --- interest and costs ---------------------------------------------------------------------------------------


def statutory(claims: bool, verified: bool = True) -> LetterContent:
    """10,000 euros under the German statute: two rates, one fixed sum."""
    due, today = date(2025, 5, 31), date(2025, 8, 31)
    rates = (
        DatedRate(LateFee.model_validate("11.27%/year"), until=date(2025, 6, 30), source="BGB § 288: base rate 2.27 %"),
        DatedRate(LateFee.model_validate("10.27%/year"), since=date(2025, 7, 1), source="BGB § 288: base rate 1.27 %",
                  verified=verified),
    )  # fmt: skip
    principal, nothing, costs = money("10000.00 EUR"), money("0.00 EUR"), money("40.00 EUR")
    statement = interest_statement(principal, due, today, rates, costs=costs)
    content = sample_content("formal_demand", "de")
    figures = replace(
        content.invoices[0].figures, today=today, days_overdue=92, original=principal, paid=nothing,
        outstanding=principal, demanded=principal + statement.total + costs if claims else principal,
        interest=statement, per_day=money("2.81 EUR"), costs=costs, claims_interest=claims,
    )  # fmt: skip
    line = InvoiceLine(number="R-1", due=due, figures=figures)
    return replace(content, invoices=(line,), today=today, deadline=today + timedelta(days=10), sent=())


def test_interest_and_costs_that_are_claimed_are_part_of_the_amount() -> None:
    letter = write_letter("formal_demand", "de", statutory(claims=True))
    assert letter.pdf is not None
    for words in (
        "10.000,00 EUR × 11,27 % × 30 Tage ÷ 365 = 92,63 EUR", "10.000,00 EUR × 10,27 % × 62 Tage ÷ 365 = 174,45 EUR",
        "Verzugszinsen: 267,08 EUR", "Verzugspauschale: 40,00 EUR", "Zu zahlender Betrag: 10.307,08 EUR",
        "kraft Gesetzes Verzugszinsen angefallen (BGB § 288)", "im zu zahlenden Betrag enthalten",
    ):  # fmt: skip
        assert flat(words) in flat(letter.text), words
    assert "10.307,08" in printed(letter.pdf) and "*" not in letter.text


def test_interest_and_costs_that_are_not_claimed_are_told_apart() -> None:
    letter = write_letter("formal_demand", "de", statutory(claims=False))
    for words in ("Zu zahlender Betrag: 10.000,00 EUR", "Verzugspauschale von 40,00 EUR", "nicht enthalten"):
        assert flat(words) in flat(letter.text), words


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unverified_rate_is_marked_and_said_so(language: str) -> None:
    letter = write_letter("formal_demand", language, statutory(claims=True, verified=False))
    marked = [line for line in letter.text.split("\n") if line.endswith(" *")]
    assert len(marked) == 1 and "174" in marked[0]
    assert [line for line in letter.text.split("\n") if line.startswith("* ")]


# --- what a kind and a jurisdiction ask for ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "change", "complaint"),
    [
        ("final_notice", {"creditor": sample_creditor().but(agency=None)}, "creditor SAMPLE has no agency"),
        ("plan_confirmation", {"instalments": ()}, "there is no payment plan to confirm"),
        ("correction", {"received": ()}, "no payment is known that could have crossed"),
        ("formal_demand", {"deadline": None}, "sets a final date"),
        ("formal_demand", {"creditor": sample_creditor().but(law_firm=None)}, "has no law firm"),
    ],
)
def test_a_letter_that_lacks_what_its_kind_needs_is_refused(kind: str, change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(CannotCompose, match=complaint):
        write_letter(kind, "en", replace(sample_content(kind, "en"), **change))


def rule(**fields: Any) -> LetterRule:
    given = {"rule": "R", "valid_from": date(2000, 1, 1), "verified": True, "source": "Some Act s. 1"}
    return LetterRule.model_validate(given | fields)


def test_a_jurisdiction_may_ask_for_more_time() -> None:
    content = replace(sample_content("formal_demand", "en"), rules=(rule(to="individual", days="P30D"),))
    assert write_letter("formal_demand", "en", content).pdf
    with pytest.raises(CannotCompose, match=r"gives 10 days, but the law asks for 30 \(Some Act s. 1\)"):
        write_letter("formal_demand", "en", replace(content, addressee="individual"))


@pytest.mark.parametrize("kind", ["formal_demand", "lawyer_letter", "final_notice"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_our_demands_demand_plainly(kind: str, language: str) -> None:
    content = replace(sample_content(kind, language), rules=(rule(needs=["demand", "amount"]),))
    assert write_letter(kind, language, content).text


def test_where_only_law_firms_may_collect_the_debt_is_referred_to_one() -> None:
    content = sample_content("referral_notice", "zh")
    assert "Sample Collections Ltd" in write_letter("referral_notice", "zh", content).text
    text = write_letter("referral_notice", "zh", replace(content, rules=(rule(law_firm_only=True),))).text
    assert "受托机构：Sample & Partners LLP" in text and "Sample Collections" not in text


def test_a_jurisdiction_may_ask_for_an_element_that_a_template_left_out(tmp_path: Path) -> None:
    file = tmp_path / "letters/fr/formal_demand.jinja"
    file.parent.mkdir(parents=True)
    file.write_text(
        '{% extends "shipped/fr/formal_demand.jinja" %}{% block subject %}Facture {{ number }}{% endblock %}'
        "{% block opening %}Nous attendons votre paiement.{% endblock %}"
    )
    content = sample_content("formal_demand", "fr", sample_creditor().but(files=str(tmp_path)))
    assert write_letter("formal_demand", "fr", content).template == "fr/formal_demand"
    with pytest.raises(CannotCompose, match="the letter lacks demand: mend the template fr/formal_demand"):
        write_letter("formal_demand", "fr", replace(content, rules=(rule(needs=["demand"]),)))


# --- the payment code -------------------------------------------------------------------------------------------

ACCOUNT = BankAccount(holder="Müller GmbH", iban="DE89 3704 0044 0532 0130 00", bic="COBADEFFXXX")


def test_euros_to_a_valid_iban_have_a_code() -> None:
    code = payment_code(ACCOUNT, "X", money("12.30 EUR"), "INV-1")
    assert code is not None and code.startswith("<svg")
    assert code != payment_code(ACCOUNT, "X", money("12.31 EUR"), "INV-1")


@pytest.mark.parametrize(
    ("change", "amount", "reference"),
    [
        ({}, "12.30 USD", "INV-1"),
        ({"iban": "DE88 3704 0044 0532 0130 00"}, "12.30 EUR", "INV-1"),
        ({"iban": "12345678"}, "12.30 EUR", "INV-1"),
        ({}, "0.00 EUR", "INV-1"),
        ({}, "12.30 EUR", "x" * 141),
        ({}, "12.30 EUR", "发" * 100),
    ],
)
def test_other_payments_have_none(change: dict[str, str], amount: str, reference: str) -> None:
    assert payment_code(ACCOUNT.but(**change), "X", money(amount), reference) is None
