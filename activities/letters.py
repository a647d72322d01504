"""Letters to the debtor: which one is due, and how it becomes text, HTML and PDF.

The sentences are in `templates/`, figures and labels in figures.py and wording.py, the parts in letter_document.py.
Whether a finished letter says all it must is judged in letter_check.py; how it becomes a mail, in composing.py.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError
from pypdf import PdfReader

from activities.bundle import safe_name
from activities.figures import Figures, applied, figures_on
from activities.letter_content import InvoiceLine, Letter, LetterContent, LetterKind, Received, kind_of
from activities.letter_document import (
    LetterDocument,
    addressee_lines,
    document_of,
    third_party_of,
)
from activities.letter_duties import check, check_print, expected_of, overdue_days, sound
from activities.mime import one_line
from activities.refusals import CannotCompose
from activities.rendering import SHIPPED, as_html, as_text, find_letter, looping, own_folder, parts_of
from activities.stamp import stamp_of
from activities.typesetting import LAYOUT, as_pdf, as_pictures
from activities.wording import Wording, wording_for
from models.books import debtor_day
from models.invoice import Invoice
from models.jurisdiction import LetterRule
from models.money import Money
from models.orders import StepOrder
from models.parties import Creditor
from models.policy import StepKind

LETTER_KINDS: frozenset[StepKind] = frozenset({"reminder", "formal_demand", "lawyer_letter"})
"""The steps that are letters to the debtor."""
DEFAULT_PERIOD_DAYS = 10
"""The final deadline of a demand, counted from its sending, where the policy gives no cure period (R25)."""
OBJECTION_DAYS = 7
"""Within how many days a debtor is asked to object to a plan that was confirmed wrongly."""

_CORRECTION = "correction"
_MOST_RECENT = 4
"""How many earlier letters a letter names."""


def write(
    order: StepOrder, invoice: Invoice, creditor: Creditor, at: datetime, rules: Sequence[LetterRule] = ()
) -> Letter:
    """The letter of a step, dated `at`.

    Args:
        order: The step.
        invoice: What it is about.
        creditor: On whose behalf.
        at: The instant of the letter.
        rules: What the debtor's jurisdiction asks of letters.

    Raises:
        CannotCompose: Something that the letter must say is not known, its wording is out of bounds, or there is
            nothing to demand.
    """
    content = content_of(order, invoice, creditor, at, rules)
    demandable(order, invoice, content)
    return write_letter(letter_for(order, content), invoice.buyer.contact.language, content, step_kind=order.step.kind)


def demandable(order: StepOrder, invoice: Invoice, content: LetterContent) -> None:
    """Refuse a letter for which there is no reason.

    Raises:
        CannotCompose: There is nothing to demand, or not yet.
    """
    figures = content.invoices[0].figures
    if not figures.demanded and order.step.letter != _CORRECTION:
        raise CannotCompose("nothing undisputed is left to demand: resolve the dispute, then retry or drop this step")
    if order.step.kind != "reminder" and figures.days_overdue <= 0:
        raise CannotCompose(
            f"a {order.step.kind} demands what is overdue, but the invoice falls due on {invoice.due}: "
            "retry after that day, and correct the policy"
        )


def letter_for(order: StepOrder, content: LetterContent) -> str:
    """Which letter a step is; `content` is about its invoice alone."""
    figures = content.invoices[0].figures
    kind = order.step.letter or _usual_letter(order, figures, bool(content.sent))
    if kind == "reminder_before_due" and figures.days_overdue > 0:
        return "reminder"  # it runs late: the invoice has fallen due meanwhile
    return kind


def content_of(
    order: StepOrder, invoice: Invoice, creditor: Creditor, at: datetime, rules: Sequence[LetterRule] = ()
) -> LetterContent:
    """What the letter of a step is about. Arguments are those of `write`."""
    figures = figures_on(order, invoice, at)
    period = order.step.cure_period or DEFAULT_PERIOD_DAYS
    received = applied(order, invoice)
    if order.step.letter == _CORRECTION:
        received = received[-1:]  # the payment that crossed our letter
    return LetterContent(
        creditor=creditor, buyer=invoice.buyer, invoices=(line_of(invoice, figures),), today=figures.today,
        deadline=figures.today + timedelta(days=period), sent=tuple(_sent(order, invoice)), rules=tuple(rules),
        received=tuple(
            Received(date.fromisoformat(payment.received_on), payment.amount, payment.id)
            for payment in received
        ),
    )  # fmt: skip


def line_of(invoice: Invoice, figures: Figures) -> InvoiceLine:
    """An invoice with its figures, as letters list it."""
    return InvoiceLine(
        number=invoice.number, due=invoice.due, figures=figures, issued=invoice.issued, contract=invoice.contract,
        order=invoice.order, late_fee=invoice.late_fee,
    )  # fmt: skip


def _usual_letter(order: StepOrder, figures: Figures, wrote: bool) -> str:
    if order.step.kind != "reminder":
        return order.step.kind
    if figures.days_overdue <= 0:
        return "reminder_before_due"
    return "reminder_firm" if wrote else "reminder"


def _sent(order: StepOrder, invoice: Invoice) -> list[tuple[str, date]]:
    """The letters since the due date with their days.

    What was handed to a person may not have gone out, and is not told.
    """
    letters = [d for d in order.performed if d.kind in LETTER_KINDS and not d.task]
    days = [(d.kind, debtor_day(invoice, d.performed_at)) for d in letters]
    return [(kind, day) for kind, day in days if day > invoice.due]


def write_letter(
    kind: str, language: str, content: LetterContent, *, step_kind: str = "reminder", printed: bool = True
) -> Letter:
    """A letter about one invoice or several: the one way in which letters are made.

    Args:
        kind: Which letter: one of `letter_content.KINDS`, or a template that the creditor added.
        language: A language tag; without a letter in that language it is written in the creditor's, or in English.
        content: What it is about.
        step_kind: Whose rules hold for a template that the creditor added.
        printed: Whether the PDF is made as well.

    Raises:
        CannotCompose: Something that the letter must say is not known, its wording is out of bounds, it has
            characters that cannot be printed, or a template does not work. The reason says what to do.
    """
    letter, document, own = _written(kind, language, content, step_kind)
    if not printed:
        return letter
    pdf = as_pdf(document, content.today, own)
    if own is not None and (own / LAYOUT).is_file():
        which, wording = kind_of(kind, step_kind), wording_for(letter.language)[0]
        check_print(which, _shown(pdf), expected_of(which, content, wording), content)
    return Letter(
        template=letter.template, language=letter.language, subject=letter.subject, text=letter.text,
        html=letter.html, note=letter.note, pdf=pdf, file_name=letter.file_name,
    )  # fmt: skip


def _shown(pdf: bytes) -> str:
    return " ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)


def letter_pictures(kind: str, language: str, content: LetterContent, ppi: int = 96) -> list[bytes]:
    """The pages of a letter as PNG pictures.

    Raises:
        CannotCompose: As `write_letter`.
    """
    _, document, own = _written(kind, language, content, "reminder")
    return as_pictures(document, content.today, own, ppi)


def _written(
    kind: str, language: str, content: LetterContent, step_kind: str
) -> tuple[Letter, LetterDocument, Path | None]:
    which, creditor = kind_of(kind, step_kind), content.creditor
    sound(which, content)
    wording, note = wording_for(language, creditor.language)
    own = own_folder(creditor)
    second = wording_for(creditor.language or "en")[0]
    template, written_in = find_letter(kind, wording.language, own, second.language)
    if written_in != wording.language:
        note = f"there is no letter {kind!r} in {wording.language!r}: written in {wording_for(written_in)[0].name}"
        wording = wording_for(written_in)[0]
    name = f"{written_in}/{kind}"
    values = _values(which, content, wording)
    try:
        parts = parts_of(template, values)
        parts["subject"] = [" ".join(" ".join(parts["subject"]).split())]
        document = document_of(which, content, wording, parts, stamp_of(creditor) if which.demand else None)
        text, html = as_text(document), as_html(document, own)
    except TemplateSyntaxError as error:
        raise CannotCompose(f"{error.filename}:{error.lineno}: {error.message}: mend this letter template") from error
    except TemplateError as error:
        raise CannotCompose(f"the letter template {name} does not work: {error.message}") from error
    except RecursionError as error:
        file = looping(error, own) or f"{name}.jinja"
        raise CannotCompose(
            f'the letter template {file} extends or includes itself: build on "{SHIPPED}/{file}" instead'
        ) from error
    except (TypeError, ValueError, ArithmeticError, KeyError) as error:
        if own is None:
            raise
        raise CannotCompose(f"the letter template {name} does not work: {error}") from error
    check(which, name, document.subject, text, html, expected_of(which, content, wording), content)
    return (
        Letter(
            template=name, language=written_in, subject=document.subject, text=text, html=html, note=note,
            file_name=_file_name(kind, content, wording),
        ),
        document,
        own,
    )  # fmt: skip


def _file_name(kind: str, content: LetterContent, wording: Wording) -> str:
    what = content.buyer.id if content.many else content.invoices[0].number
    return f"{wording.file_names.get(kind, kind)}-{safe_name(what)}.pdf"


# --- what the templates get ---------------------------------------------------------------------------------


def _values(kind: LetterKind, content: LetterContent, wording: Wording) -> dict[str, Any]:
    creditor, day, money = content.creditor, wording.calendar_day, wording.money
    overdue, nothing = overdue_days(content), Money.zero(content.demanded.currency)
    first = min(content.invoices, key=lambda line: line.due)
    late_fee = _late_fee(content, wording) if overdue > 0 else None
    costs, disputed = content.total("costs"), content.total("disputed")
    sent = list(dict.fromkeys(day(when) for _, when in content.sent))
    firm, third = creditor.law_firm, third_party_of(content)
    period = (content.deadline - content.today).days if content.deadline else 0
    received = sum((payment.amount for payment in content.received), nothing)
    planned = sum((part.amount for part in content.instalments), nothing)
    late = sum((f.demanded for line in content.invoices if (f := line.figures).days_overdue > 0), nothing)
    return {
        "language": wording.language, "joiner": wording.joiner, "many": content.many,
        "what": wording.what([line.number for line in content.invoices]), "number": first.number,
        "creditor": {"name": one_line(creditor.name), "email": creditor.reply_to or creditor.sender,
                     "phone": one_line(creditor.phone or "")},
        "addressee": addressee_lines(content, wording)[0], "buyer_id": one_line(content.buyer.id),
        "date": day(content.today), "due": day(first.due),
        "deadline": day(content.deadline) if content.deadline and kind.demand else "",
        "period": wording.days_within(period), "objection": wording.days_within(OBJECTION_DAYS),
        "days_overdue": overdue, "overdue": wording.days_within(overdue), "days_left": wording.days_within(-overdue),
        "demanded": money(content.demanded), "disputed": money(disputed) if disputed else "",
        "overdue_amount": money(late) if late else "",
        "late_fee": late_fee, "compensation": money(costs) if costs else "",
        "reserves": late_fee is None and (kind.demand or (kind.overdue and overdue > 0 and bool(sent))),
        "has_account": bool(creditor.bank_account.iban),
        "law_firm_name": one_line(firm.name) if firm else "", "third_party": one_line(third.name) if third else "",
        "wrote_on": wording.listed_days(sent[-_MOST_RECENT:]), "last_letter": sent[-1] if sent else "",
        "demanded_on": next((day(when) for which, when in reversed(content.sent) if which == "formal_demand"), ""),
        "received": money(received), "settled": not content.demanded,
        "planned": money(planned), "instalments": wording.instalments(len(content.instalments)),
    }  # fmt: skip


def _late_fee(content: LetterContent, wording: Wording) -> dict[str, Any] | None:
    """What the sentences around the segments need; None if there is no late fee to state."""
    lines = [line for line in content.invoices if line.figures.interest and line.figures.interest.segments]
    if not lines:
        return None
    segments = [s for line in lines if line.figures.interest for s in line.figures.interest.segments]
    # Interest by law names where it comes from; what is behind the colon is the rate's own story, and not ours to tell.
    statutes = dict.fromkeys(s.source.partition(":")[0] for s in segments if s.source not in ("", "contract"))
    by_contract = [line for line in lines if line.figures.interest and
                   all(s.source in ("", "contract") for s in line.figures.interest.segments)]  # fmt: skip
    rates = {str(line.late_fee): line.late_fee for line in by_contract if line.late_fee}
    rate = next(iter(rates.values())) if len(rates) == 1 and len(by_contract) == len(lines) else None
    return {
        "rate": wording.rate(rate) if rate else "",
        "statute": wording.comma.join(map(one_line, statutes)) if not by_contract else "",
        "per_day": wording.money(content.total("per_day")), "claimed": content.claimed,
        "unverified": any(not s.verified for s in segments),
    }  # fmt: skip
