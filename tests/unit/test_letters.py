"""Letters to the debtor: which one goes out, what it says, what keeps it back (R2, R6, R25, R26)."""

import json
import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.composing import CannotCompose, compose, goes_by_mail, task_text
from activities.letter_check import Expected, harsh_words, missing_elements
from activities.letter_content import KINDS
from activities.mime import one_line
from activities.wording import CHINESE, ENGLISH, LANGUAGES
from models import ids
from models.parties import BankAccount, Party
from models.policy import StepKind
from tests.notices import ROOT, acme, an_invoice, an_order, body, done, enclosed, paid, printed, read

LETTERS = [("reminder", -3), ("reminder", 1), ("reminder", 7), ("formal_demand", 15), ("lawyer_letter", 30)]
REMINDED = (done("reminder", 1), done("reminder", 7))
WORSE = ("a\r\nBcc: x@y.example", "{{ 7 * 7 }}{% for x in y %}", "\ud83d", "\x00\x1b[31m", "=?utf-8?q?x?=")
NAUGHTY = ROOT / "../shared/data/edge/blns/blns.json"


def letter(kind: str = "reminder", day: int = 1, language: str = "en", **order: Any) -> str:
    invoice = an_invoice(language)
    made = compose(an_order(invoice, kind, day, **order), invoice, acme(), at=an_order(invoice, kind, day).at)
    return body(made.content)


# --- which letter -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "day", "performed", "template"),
    [
        ("reminder", -3, (), "reminder_before_due"),
        ("reminder", 0, (), "reminder_before_due"),
        ("reminder", 1, (), "reminder"),
        ("reminder", 1, (done("reminder", -3),), "reminder"),
        ("reminder", 7, (done("reminder", 1),), "reminder_firm"),
        ("reminder", 7, (done("reminder", 1, notice=None, task="reminder-1"),), "reminder"),
        ("formal_demand", 15, (), "formal_demand"),
        ("lawyer_letter", 30, (), "lawyer_letter"),
    ],
)
def test_the_letter_follows_from_the_step_the_day_and_what_was_sent(
    kind: str, day: int, performed: Any, template: str
) -> None:
    invoice = an_invoice()
    order = an_order(invoice, kind, day, performed=performed)
    assert compose(order, invoice, acme(), at=order.at).template == f"en/{template}"


def test_a_reminder_before_due_that_runs_late_says_that_the_invoice_fell_due() -> None:
    invoice = an_invoice()
    order = an_order(invoice, "reminder", -3)
    late = compose(order, invoice, acme(), at=order.at + timedelta(days=5))
    assert "fell due on 1 January 2026" in body(late.content)
    assert "falls due" not in body(late.content)


def test_the_day_is_the_debtors_own() -> None:
    # 09:00 UTC on 2 January is still 1 January in Honolulu.
    contact = {"email": "a@buyer.example", "timezone": "Pacific/Honolulu"}
    invoice = an_invoice(buyer={"id": "B", "name": "Aloha Inc", "contact": contact})
    order = an_order(invoice, "reminder", 1)
    assert "falls due today, 1 January 2026" in body(compose(order, invoice, acme(), at=order.at).content)


def test_the_policy_may_name_another_letter() -> None:
    invoice = an_invoice()
    order = an_order(invoice, "reminder", 2, letter="reminder_firm")
    assert compose(order, invoice, acme(), at=order.at).template == "en/reminder_firm"


def test_a_letter_that_does_not_exist_is_refused_with_those_that_do() -> None:
    invoice = an_invoice()
    order = an_order(invoice, "reminder", 2, letter="love_letter")
    with pytest.raises(CannotCompose, match="does not exist; there are .*reminder_firm"):
        compose(order, invoice, acme(), at=order.at)


@pytest.mark.parametrize(
    ("language", "written", "note"),
    [
        ("en", "en", ""),
        ("en-GB", "en", ""),
        ("zh-CN", "zh", ""),
        ("zh", "zh", ""),
        ("de-AT", "de", ""),
        ("fr", "fr", ""),
        ("es", "es", ""),
        ("it", "en", "'it'"),
    ],  # fmt: skip
)
def test_the_language_is_the_contacts_or_english_with_a_note(language: str, written: str, note: str) -> None:
    invoice = an_invoice(language)
    order = an_order(invoice)
    made = compose(order, invoice, acme(), at=order.at)
    assert made.language == written
    assert note in made.note and bool(made.note) == bool(note)
    assert read(made.content)["Content-Language"] == written


# --- what it says -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["plain", "html"])
def test_a_formal_demand_says_all_that_it_must(part: str) -> None:
    invoice = an_invoice()
    payments = (paid("300.00 USD", "2026-01-10"), paid("50.00 USD", "2026-01-11", "BANK-2", reversed=True))
    order = an_order(
        invoice, "formal_demand", 15, outstanding="700.00 USD", disputed="200.00 USD", payments=payments,
        performed=REMINDED,
    )  # fmt: skip
    text = body(compose(order, invoice, acme(), at=order.at).content, part)
    for words in (
        "ACME Trading Ltd", "1 Sample Street", "16 January 2026", "Beispiel GmbH", "INV-0007", "USD 1,000.00",
        "USD 300.00", "USD 200.00", "USD 500.00", "1 January 2026", "15 days overdue", "26 January 2026",
        "10 days",
        "2 January 2026 and 8 January 2026", "0.05% per day",
        # Interest runs on the undisputed 800, then on what the payment left of it.
        "USD 800.00 × 0.05% × 9 days = USD 3.60", "USD 500.00 × 0.05% × 6 days = USD 1.50", "USD 5.10",
        "USD 0.25",
        "GB53 XMPL 0000 0012 3456 78",
        "Sample &amp; Partners LLP" if part == "html" else "Sample & Partners LLP",
        "office@sample-partners.example", "receivables@acme.example", "If you dispute",
        "the undisputed part only",
    ):  # fmt: skip
        assert words in text, words
    assert "50.00 USD" not in text and "USD 50.00" not in text


def test_a_formal_demand_in_chinese_says_the_same() -> None:
    invoice = an_invoice("zh-CN", "上海示例有限公司", number="发票/2026/甲-1", late_fee="12%/year act/360")
    order = an_order(invoice, "formal_demand", 15, performed=REMINDED)
    made = compose(order, invoice, acme(), at=order.at)
    assert read(made.content)["Subject"] == "催款函：发票 发票/2026/甲-1，请最迟于2026年1月26日付款"
    for words in (
        "致：上海示例有限公司", "发票号码：发票/2026/甲-1", "应付金额：USD 1,000.00", "逾期天数：15",
        "付款到期日：2026年1月1日",
        "最后付款期限：2026年1月26日", "年利率12%（按实际天数/360计）",
        "USD 1,000.00 × 12% × 15天 ÷ 360 = USD 5.00",
        "律师事务所：Sample & Partners LLP", "付款附言：发票/2026/甲-1", "有异议",
        "2026年1月2日、2026年1月8日",
    ):  # fmt: skip
        assert words in body(made.content), words


def test_the_cure_period_of_the_policy_sets_the_deadline() -> None:
    assert "Final date for payment: 30 January 2026" in letter("formal_demand", 15, cure_period="P14D")


@pytest.mark.parametrize("kind", ["formal_demand", "lawyer_letter"])
@pytest.mark.parametrize(
    ("language", "words"), [("en", "reserve the right to claim statutory interest"), ("zh", "法定逾期利息")]
)
def test_without_an_agreed_late_fee_statutory_interest_is_reserved_without_a_sum(
    kind: str, language: str, words: str
) -> None:
    invoice = an_invoice(language, late_fee=None)
    order = an_order(invoice, kind, 30)
    text = body(compose(order, invoice, acme(), at=order.at).content)
    assert words in text
    assert "×" not in text and "Total" not in text


def test_internal_notes_stay_inside() -> None:
    invoice = an_invoice(notes="secret: the buyer's CFO is leaving")
    order = an_order(invoice, "formal_demand", 15)
    content = compose(order, invoice, acme(), at=order.at).content
    assert "CFO" not in body(content) + body(content, "html") + printed(enclosed(content)[1])


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("kind", "day"), LETTERS)
def test_paragraphs_are_whole_and_no_template_mark_is_left(kind: str, day: int, language: str) -> None:
    text = letter(kind, day, language, performed=REMINDED)
    assert not re.search(r"\{\{|\}\}|\{%|%\}|None|\n\n\n|  \S", text.replace("\n  ", "\n"))
    assert len([p for p in text.split("\n\n") if len(p) > 40]) >= 5


# --- what keeps it from going out ---------------------------------------------------------------------------


def expected_of(language: str) -> tuple[str, str, Expected]:
    """A demand's text and HTML with what it has to say."""
    words = {"en": ENGLISH, "zh": CHINESE}[language]
    invoice = an_invoice(language)
    order = an_order(invoice, "formal_demand", 15)
    made = compose(order, invoice, acme(), at=order.at)
    day = words.calendar_day
    return body(made.content), body(made.content, "html"), Expected(
        labels=words.labels, number="INV-0007", amount="USD 1,000.00", due=day(invoice.due),
        date=day(order.at.date()),
        days_overdue=15, deadline=day((order.at + timedelta(days=10)).date()),
        dispute_to="receivables@acme.example",
        late_fee=(f"USD 1,000.00 × 0.05% × {words.days(15)} = USD 7.50",), law_firm="Sample & Partners LLP",
        law_firm_contact=("office@sample-partners.example", "+44 20 7946 0200"),
        account="GB53 XMPL 0000 0012 3456 78",
    )  # fmt: skip


ELEMENTS = {
    "invoice number": "number",
    "amount": "demanded",
    "due date": "due",
    "date of the letter": "date",
    "days overdue": "days_overdue",
    "final deadline": "deadline",
    "law firm's name": "law_firm",
    "payment details": "iban",
}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_complete_demand_lacks_nothing(language: str) -> None:
    text, html, expected = expected_of(language)
    assert missing_elements("formal_demand", text, expected) == []
    assert missing_elements("formal_demand", html, expected, html=True) == []


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "element", [*ELEMENTS, "late-fee formula or reservation", "law firm's contact", "way to dispute"]
)
def test_an_element_that_was_taken_out_is_named(element: str, language: str) -> None:
    text, html, expected = expected_of(language)
    marks = {
        "late-fee formula or reservation": "×",
        "law firm's contact": "office@sample-partners|0200",
        "way to dispute": "If you dispute|有异议",
    }
    mark = marks.get(element) or re.escape(expected.labels[ELEMENTS[element]].strip())
    without = "\n".join(line for line in text.split("\n") if not re.search(f"(?:^|^  |.)(?:{mark})", line))
    assert missing_elements("formal_demand", without, expected) == [element]
    without = "\n".join(line for line in html.split("\n") if not re.search(mark, line))
    assert missing_elements("formal_demand", without, expected, html=True) == [element]


def test_a_longer_number_or_sum_does_not_pass_for_the_right_one() -> None:
    text, _, expected = expected_of("en")
    wrong = text.replace("number: INV-0007", "number: INV-00071").replace("due: USD 1,000.00", "due: USD 1,000.005")
    assert missing_elements("formal_demand", wrong, expected) == ["invoice number", "amount"]


@pytest.mark.parametrize("kind", ["formal_demand", "lawyer_letter"])
@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"law_firm": None}, "creditor ACME has no law firm: add `law_firm`"),
        ({"law_firm": Party(name="Sample & Partners LLP")}, "neither e-mail nor phone"),
        ({"bank_account": BankAccount()}, "creditor ACME has no bank account: add `bank_account`"),
    ],
)
def test_a_demand_that_lacks_an_element_is_not_composed(kind: str, change: dict[str, Any], complaint: str) -> None:
    invoice = an_invoice()
    order = an_order(invoice, kind, 30)
    with pytest.raises(CannotCompose, match=complaint) as caught:
        compose(order, invoice, acme().but(**change), at=order.at)
    assert caught.value.reason.startswith("the letter lacks ")


def test_a_reminder_needs_neither_law_firm_nor_bank_account() -> None:
    invoice, order = an_invoice(), an_order(an_invoice())
    made = compose(order, invoice, acme().but(law_firm=None, bank_account=BankAccount()), at=order.at)
    assert "to the account stated on our invoice" in body(made.content)


@pytest.mark.parametrize(
    ("invoice", "complaint"),
    [
        (an_invoice(buyer={"id": "B-1", "name": "X"}), "buyer B-1 has no e-mail address: send the letter by post"),
        (
            an_invoice(buyer={"id": "B-1", "contact": {"email": "用户@buyer.example"}}),
            "letters outside ASCII before the @",
        ),
    ],
)
def test_a_buyer_without_a_usable_address_is_a_task(invoice: Any, complaint: str) -> None:
    order = an_order(invoice)
    with pytest.raises(CannotCompose, match=complaint):
        compose(order, invoice, acme(), at=order.at)


def test_nothing_is_demanded_before_it_is_due_or_while_all_of_it_is_disputed() -> None:
    invoice = an_invoice()
    early = an_order(invoice, "formal_demand", 0)
    with pytest.raises(CannotCompose, match="falls due on 2026-01-01"):
        compose(early, invoice, acme(), at=early.at)
    disputed = an_order(invoice, "reminder", 3, disputed="1000.00 USD")
    with pytest.raises(CannotCompose, match="nothing undisputed is left"):
        compose(disputed, invoice, acme(), at=disputed.at)


# --- tone (R26) ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_shipped_template_threatens(language: str) -> None:
    files = sorted((ROOT / "activities/templates" / language).glob("*.jinja"))
    assert len(files) == len(KINDS) + 1
    for file in files:
        assert harsh_words(file.read_text("utf-8"), (), language) == [], file


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("We will inform the police.", "police"),
        ("Otherwise we start criminal proceedings", "criminal"),
        ("and publicise your default", "publicise"),
        ("Pay now, OR\nELSE", "or else"),
        ("否则我方将向公安机关报案", "公安"),
        ("并在媒体曝光", "曝光"),
    ],
)
def test_a_threat_is_found(text: str, word: str) -> None:
    assert word in harsh_words(text)


@pytest.mark.parametrize(
    ("language", "text", "word"),
    [
        ("de", "Andernfalls erstatten wir Strafanzeige.", "strafanzeige"),
        ("de", "Wir setzen Sie auf die schwarze Liste", "schwarze liste"),
        ("fr", "Nous allons porter plainte", "porter plainte"),
        ("fr", "sous peine de poursuites pénales", "pénales"),
        ("es", "Presentaremos una querella", "querella"),
        ("es", "Daremos parte a la policía", "policía"),
        ("fr", "or we will inform the police", "police"),
        ("fr", "Nous publierons votre nom", "publierons"),
        ("es", "Publicaremos su nombre", "publicaremos"),
        ("de", "Sie werden es bereuen", "werden es bereuen"),
        ("en", "We know where you live", "where you live"),
        ("zh", "派人上门骚扰", "骚扰"),
    ],
)
def test_a_threat_is_found_in_each_language(language: str, text: str, word: str) -> None:
    assert word in harsh_words(text, (), language)


@pytest.mark.parametrize(
    ("language", "text", "word"),
    [
        ("en", "the po\u00adlice", "police"),
        ("en", "c\u200briminal charges", "criminal"),
        ("en", "\uff43riminal charges", "criminal"),
        ("zh", "追究刑 事 责任", "刑事"),
        ("zh", "列入黑\u200b名单", "黑名单"),
    ],
)
def test_a_threat_cannot_hide_behind_what_nobody_sees(language: str, text: str, word: str) -> None:
    assert word in harsh_words(text, (), language)


def test_a_letter_that_threatens_is_not_composed(tmp_path: Path) -> None:
    file = tmp_path / "letters/de/reminder.jinja"
    file.parent.mkdir(parents=True)
    file.write_text(
        '{% extends "shipped/de/reminder.jinja" %}{% block next_steps %}Sonst folgt die Polizei.{% endblock %}'
    )
    invoice = an_invoice("de")
    order = an_order(invoice)
    with pytest.raises(CannotCompose, match="says 'polizei', which is no way to ask: reword de/reminder"):
        compose(order, invoice, acme().but(files=str(tmp_path)), at=order.at)


def test_a_debtor_may_be_called_what_it_likes() -> None:
    invoice = an_invoice(name="Police & Criminal Records Supplies, 报警器材公司", number="JAIL-1")
    order = an_order(invoice, "formal_demand", 15)
    assert "Police" in body(compose(order, invoice, acme(), at=order.at).content)


def test_words_that_only_look_alike_are_no_threats() -> None:
    assert harsh_words("arrears, warehouse, expression, public holiday, compress, policy") == []


# --- the mail -----------------------------------------------------------------------------------------------


def test_the_headers_say_who_when_and_which_case() -> None:
    invoice = an_invoice(number="A/1")
    order = an_order(invoice)
    made = compose(order, invoice, acme(), at=order.at)
    mail = read(made.content)
    assert str(mail["From"]) == "ACME Trading Ltd <receivables@acme.example>"
    assert mail["To"] == made.recipient == "kreditoren@buyer.example"
    assert mail["Message-ID"] == made.message_id == ids.mail_message_id("invoice/ACME/A/1/reminder_x/1")
    assert mail["Date"].datetime == order.at
    assert mail["Auto-Submitted"] == "auto-generated"
    assert (mail["X-Arrears-Case"], mail["X-Arrears-Step"]) == ("invoice/ACME/A/1", "reminder_x/1")
    assert mail.get_content_type() == "multipart/mixed"
    assert made.content.isascii() and max(map(len, made.content.split(b"\r\n"))) <= 998


def test_the_same_step_gives_the_same_bytes() -> None:
    invoice = an_invoice("zh")
    order = an_order(invoice, "formal_demand", 15)
    assert compose(order, invoice, acme(), at=order.at) == compose(order, invoice, acme(), at=order.at)


def test_chinese_names_and_domains_survive_the_wire() -> None:
    contact = {"email": "zhang@例子.example", "language": "zh"}
    invoice = an_invoice("zh", buyer={"id": "客户一", "name": "上海示例有限公司", "contact": contact}, number="甲" * 60)
    creditor = acme().but(name="示例贸易有限公司" * 8)
    order = an_order(invoice)
    made = compose(order, invoice, creditor, at=order.at)
    mail = read(made.content)
    # The library's address parser leaves the blanks that fold a long name; RFC 2047 says to drop them.
    assert mail["From"].addresses[0].display_name.replace(" ", "") == creditor.name
    assert "甲" * 60 in mail["Subject"]
    assert mail["To"] == "zhang@xn--fsqu00a.example"
    assert "上海示例有限公司" in body(made.content)


class _Visible(HTMLParser):
    """Collects tags and text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def page_of(content: bytes) -> _Visible:
    page = _Visible()
    page.feed(body(content, "html"))
    return page


@pytest.mark.skipif(not NAUGHTY.exists(), reason="the big list of naughty strings is not here")
def test_no_name_breaks_out_of_header_page_or_template() -> None:
    names = [name[:300] for name in json.loads(NAUGHTY.read_text("utf-8"))]
    assert len(names) > 400
    plain = an_invoice(contract="C", order="O")
    order = an_order(plain, "formal_demand", 15)
    harmless = compose(order, plain, acme(), at=order.at)
    headers, tags = read(harmless.content).keys(), page_of(harmless.content).tags
    written = 0
    # The others are in test_printed_letters.py.
    for name in [*names[::3], *WORSE]:
        invoice = plain.but(
            buyer=plain.buyer.but(name=name), notes=name, contract=name[:200], order=name[:200], terms=name
        )
        try:
            made = compose(order, invoice, acme().but(name=f"ACME {name}"), at=order.at)
        except CannotCompose as refusal:
            assert "our fonts cannot print" in refusal.reason, name
            continue
        written += 1
        mail = read(made.content)
        assert mail.keys() == headers, name
        assert [a.addr_spec for a in mail["From"].addresses] == ["receivables@acme.example"]
        # A name of nothing but blanks and controls leaves its row out.
        rows = {"tr", "th", "td"} if not one_line(name) else set()
        seen = [t for t in page_of(made.content).tags if t not in rows]
        assert seen == [t for t in tags if t not in rows], name
        if re.fullmatch(r"[\w ${}%*<>/='\".;()+-]+", name) and name.strip():
            assert " ".join(name.split()) in " ".join(body(made.content).split())
            assert " ".join(name.split()) in " ".join(" ".join(page_of(made.content).text).split())
    assert written > 100


@given(name=st.text(max_size=300), contract=st.text(max_size=200), buyer_id=st.text(min_size=1, max_size=100))
@settings(max_examples=40, deadline=None)
def test_any_text_gives_a_mail_with_the_same_structure(name: str, contract: str, buyer_id: str) -> None:
    plain = an_invoice()
    invoice = plain.but(buyer=plain.buyer.but(name=name, id=buyer_id), contract=contract)
    order = an_order(invoice, "formal_demand", 15)
    try:
        mail = read(compose(order, invoice, acme().but(name=name or "A"), at=order.at).content)
    except CannotCompose as refusal:
        assert "our fonts cannot print" in refusal.reason
        return
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/pdf",
    ]  # fmt: skip


# --- tasks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("call", ["Phone Beispiel GmbH", "+49 30 23125 000", "dispute", "in lieu", "arrears promise"]),
        ("visit", ["executive", "statement of account", "repayment plan"]),
        ("guarantee", ["bank guarantee 7", "2026-06-30", "collateral"]),
        ("legal_action", ["Sample & Partners LLP", "limitation"]),
        ("write_off", ["not a waiver"]),
    ],
)
def test_a_task_tells_a_person_what_to_do(kind: StepKind, words: list[str]) -> None:
    invoice = an_invoice(guarantee={"text": "bank guarantee 7", "expires": "2026-06-30"})
    order = an_order(invoice, kind, 20, outstanding="700.00 USD", disputed="200.00 USD")
    assert not goes_by_mail(order.step)
    text = task_text(order, invoice, acme())
    for part in [*words, "INV-0007", "USD 500.00", "20 days overdue", "not to be demanded: USD 200.00"]:
        assert part in text, part


def test_a_letter_that_may_not_go_by_mail_is_a_task() -> None:
    invoice = an_invoice()
    order = an_order(invoice, "formal_demand", 15, channels=["post"])
    assert not goes_by_mail(order.step)
    assert "Deliver the formal demand to Beispiel GmbH (customer B-1) by post" in task_text(order, invoice, acme())
    with pytest.raises(CannotCompose, match="a task for a person"):
        compose(order, invoice, acme(), at=order.at)
