"""Letters to the debtor: which one is due, what it says, and its text and HTML.

The sentences are in `templates/`, figures and labels in figures.py and wording.py. Whether a finished letter
says all it must is judged in letter_check.py; how it becomes a mail, in composing.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from jinja2 import TemplateError

from activities.figures import Figures, figures_on
from activities.letter_check import Expected, harsh_words, missing_elements
from activities.mime import one_line
from activities.refusals import CannotCompose
from activities.rendering import find_letter, html_template, squeezed, subject_of
from activities.wording import ENGLISH, Wording, wording_for
from models.books import debtor_day
from models.invoice import Invoice
from models.orders import StepOrder
from models.parties import BankAccount, Creditor, Party
from models.policy import StepKind

LETTER_KINDS: frozenset[StepKind] = frozenset({"reminder", "formal_demand", "lawyer_letter"})
"""The steps that are letters to the debtor."""
DEFAULT_PERIOD_DAYS = 10
"""The final deadline of a demand, counted from its sending, where the policy gives no cure period (R25)."""

_MOST_RECENT = 4
"""How many earlier letters a letter names."""
_Rows = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Letter:
    """A finished letter. `template` says which one it is, `note` what is worth recording about it."""

    template: str
    language: str
    subject: str
    text: str
    html: str | None
    note: str = ""


def write(order: StepOrder, invoice: Invoice, creditor: Creditor, at: datetime) -> Letter:
    """The letter of a step, dated `at`.

    Raises:
        CannotCompose: Something that the letter must say is not known, its wording is out of bounds, or there is
            nothing to demand.
    """
    wording, note = wording_for(invoice.buyer.contact.language)
    figures = figures_on(order, invoice, at)
    if not figures.demanded:
        raise CannotCompose("nothing undisputed is left to demand: resolve the dispute, then retry or drop this step")
    if order.step.kind != "reminder" and figures.days_overdue <= 0:
        raise CannotCompose(
            f"a {order.step.kind} demands what is overdue, but the invoice falls due on {invoice.due}: "
            "retry after that day, and correct the policy"
        )
    name = order.step.letter or _usual_letter(order, invoice, figures)
    values, expected = _values(order, invoice, creditor, at, figures, wording)
    template, language = find_letter(name, wording.language)
    if language != wording.language:
        note = f"there is no letter {name!r} in {wording.language!r}: written in English"
        values, expected = _values(order, invoice, creditor, at, figures, ENGLISH)
    try:
        subject = values["subject"] = " ".join(subject_of(template, values).split())
        text = squeezed(template.render(values, layout="layout.txt"))
        html = html_template(template.name or name).render(values, layout="layout.html")
    except TemplateError as error:
        raise CannotCompose(f"the letter template {language}/{name} does not work: {error.message}") from error
    _check(order.step.kind, f"{language}/{name}", subject, text, html, expected, creditor)
    return Letter(template=f"{language}/{name}", language=language, subject=subject, text=text, html=html, note=note)


def _check(
    kind: StepKind, name: str, subject: str, text: str, html: str, expected: Expected, creditor: Creditor
) -> None:
    missing = dict.fromkeys(
        [*missing_elements(kind, text, expected), *missing_elements(kind, html, expected, html=True)]
    )
    if missing:
        remedies = dict.fromkeys(_remedy(element, name, expected, creditor) for element in missing)
        raise CannotCompose(f"the letter lacks {', '.join(missing)}: {'; '.join(remedies)}")
    harsh = harsh_words(f"{subject}\n{text}", expected.quoted)
    if harsh:
        raise CannotCompose(f"the letter says {', '.join(map(repr, harsh))}, which is no way to ask: reword {name}")


def _remedy(element: str, template: str, expected: Expected, creditor: Creditor) -> str:
    if element.startswith("law firm") and not expected.law_firm:
        return f"creditor {creditor.code} has no law firm: add `law_firm` with name and e-mail to its file"
    if element == "law firm's contact" and not expected.law_firm_contact:
        return f"the law firm of creditor {creditor.code} has neither e-mail nor phone: add one to its file"
    if element == "payment details" and not expected.account:
        return f"creditor {creditor.code} has no bank account: add `bank_account` with its iban to its file"
    return f"mend the template {template}"


def _usual_letter(order: StepOrder, invoice: Invoice, figures: Figures) -> str:
    if order.step.kind != "reminder":
        return order.step.kind
    if figures.days_overdue <= 0:
        return "reminder_before_due"
    return "reminder_firm" if _sent(order, invoice) else "reminder"


def _sent(order: StepOrder, invoice: Invoice) -> list[tuple[StepKind, date]]:
    """The letters since the due date with their days.

    What was handed to a person may not have gone out, and is not told.
    """
    days = [
        (d.kind, debtor_day(invoice, d.performed_at)) for d in order.performed if d.kind in LETTER_KINDS and not d.task
    ]
    return [(kind, day) for kind, day in days if day > invoice.due]


# --- what the templates get ---------------------------------------------------------------------------------


def _values(
    order: StepOrder, invoice: Invoice, creditor: Creditor, at: datetime, figures: Figures, wording: Wording
) -> tuple[dict[str, Any], Expected]:
    kind, overdue = order.step.kind, figures.days_overdue
    buyer, money, label = invoice.buyer, wording.money, wording.labels
    period = order.step.cure_period or DEFAULT_PERIOD_DAYS
    deadline = wording.calendar_day(figures.today + timedelta(days=period)) if kind != "reminder" else ""
    law_firm = creditor.law_firm if kind != "reminder" else None
    late_fee = _late_fee(invoice, figures, wording) if overdue > 0 else None
    email, phone = creditor.reply_to or creditor.sender, one_line(creditor.phone or "")
    bank = _bank(creditor.bank_account, invoice.number, wording)
    addressee = one_line(buyer.name)
    sent = [(which, wording.calendar_day(day)) for which, day in _sent(order, invoice)]
    values: dict[str, Any] = {
        "language": wording.language, "joiner": wording.joiner, "label": label,
        "creditor": {"name": one_line(creditor.name), "address": [one_line(a) for a in creditor.address],
                     "email": email, "phone": phone},
        "addressee": addressee or f"{label['buyer_id']}{one_line(buyer.id)}", "buyer_id": one_line(buyer.id),
        "number": invoice.number, "date": wording.calendar_day(figures.today),
        "due": wording.calendar_day(invoice.due), "deadline": deadline, "period": wording.days(period),
        "days_overdue": overdue, "overdue": wording.days(overdue), "days_left": wording.days(-overdue),
        "demanded": money(figures.demanded), "disputed": money(figures.disputed) if figures.disputed else "",
        "facts": _facts(invoice, figures, deadline, wording), "late_fee": late_fee,
        "reserves": late_fee is None and (kind != "reminder" or (overdue > 0 and bool(sent))),
        "bank": bank, "has_account": bool(creditor.bank_account.iban),
        "law_firm": _law_firm(law_firm, wording),
        "law_firm_name": one_line(law_firm.name) if law_firm else "",
        "wrote_on": wording.comma.join(list(dict.fromkeys(day for _, day in sent))[-_MOST_RECENT:]),
        "demanded_on": next((day for which, day in reversed(sent) if which == "formal_demand"), ""),
    }  # fmt: skip
    reach = (law_firm.email, one_line(law_firm.phone or "")) if law_firm else ()
    expected = Expected(
        labels=label, number=invoice.number, amount=values["demanded"], due=values["due"],
        date=values["date"], days_overdue=overdue, deadline=deadline, dispute_to=email,
        late_fee=tuple(row["formula"] for row in late_fee["rows"]) if late_fee else (),
        law_firm=values["law_firm_name"], law_firm_contact=tuple(way for way in reach if way),
        account=" ".join(one_line(creditor.bank_account.iban).split()),
        quoted=_quoted(invoice, creditor, addressee, bank),
    )  # fmt: skip
    return values, expected


def _facts(invoice: Invoice, figures: Figures, deadline: str, wording: Wording) -> _Rows:
    rows = [
        ("number", invoice.number),
        ("issued", wording.calendar_day(invoice.issued) if invoice.issued else ""),
        ("contract", one_line(invoice.contract or "")),
        ("order", one_line(invoice.order or "")),
        ("original", wording.money(figures.original)),
        ("credited", wording.money(figures.credited) if figures.credited else ""),
        ("paid", wording.money(figures.paid) if figures.paid or figures.days_overdue > 0 else ""),
        ("disputed", wording.money(figures.disputed) if figures.disputed else ""),
        ("demanded", wording.money(figures.demanded)),
        ("due", wording.calendar_day(invoice.due)),
        ("days_overdue", str(figures.days_overdue) if figures.days_overdue > 0 else ""),
        ("deadline", deadline),
    ]
    return [(wording.labels[key], value) for key, value in rows if value]


def _late_fee(invoice: Invoice, figures: Figures, wording: Wording) -> dict[str, Any] | None:
    if figures.interest is None or figures.per_day is None:
        return None
    accrued = [s for s in figures.interest.segments if s.fee.percent]
    rows = [{"period": wording.span(s.start, s.end) + wording.colon, "formula": wording.formula(s)} for s in accrued]
    fee = invoice.late_fee or (accrued[-1].fee if accrued else None)
    return {
        "rate": wording.rate(fee) if fee else "", "rows": rows, "total": wording.money(figures.interest.total),
        "per_day": wording.money(figures.per_day),
    }  # fmt: skip


def _bank(account: BankAccount, number: str, wording: Wording) -> _Rows:
    is_iban = account.iban[:2].isalpha() and account.iban[2:4].isdigit()
    rows = [
        ("holder", account.holder if account.iban else ""), ("iban" if is_iban else "account", account.iban),
        ("bic", account.bic if account.iban else ""), ("bank", account.bank if account.iban else ""),
        ("reference", number),
    ]  # fmt: skip
    return [(wording.labels[key], " ".join(one_line(value).split())) for key, value in rows if value]


def _law_firm(firm: Party | None, wording: Wording) -> _Rows:
    if firm is None:
        return []
    address = wording.address_joiner.join(one_line(line) for line in firm.address)
    rows = [
        ("law_firm", firm.name),
        ("address", address),
        ("email", firm.email or ""),
        ("phone", firm.phone or ""),
    ]
    return [(wording.labels[key], one_line(value)) for key, value in rows if value]


def _quoted(invoice: Invoice, creditor: Creditor, addressee: str, bank: _Rows) -> Sequence[str]:
    firm = creditor.law_firm
    words = (
        invoice.number, addressee, invoice.buyer.id, invoice.contract, invoice.order, creditor.name,
        creditor.sender,
        creditor.reply_to, *creditor.address, *(value for _, value in bank),
        *((firm.name, firm.email, *firm.address) if firm else ()),
    )  # fmt: skip
    return [one_line(word) for word in words if word]
