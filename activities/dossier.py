"""The dossier of a debt: what a counterpart needs to take it over, as the documents of one zip.

Statement of account, invoice, payments, what was done and written, interest. What an insurer wants besides is
in claim_file.py; how the zip is made, in bundle.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from activities.bundle import bundle, csv_file, safe_name, text_file
from activities.figures import Figures, applied, figures_on
from activities.mime import one_line
from activities.rendering import html_template
from activities.wording import ENGLISH
from models.events import CreditKind
from models.invoice import Invoice
from models.orders import StepOrder
from models.parties import Creditor
from models.policy import StepKind

HANDED_ON: frozenset[StepKind] = frozenset({"referral", "insurer_notice", "insurance_claim"})
"""The steps whose mail goes to a counterpart and carries the documents."""

ABOUT = {
    "statement.csv": "statement of account",
    "statement.html": "statement of account, to print",
    "invoice.json": "the invoice with its buyer, as data",
    "payments.csv": "every payment, reversed ones included",
    "history.csv": "what was done, step by step",
    "interest.csv": "interest, segment by segment, with the source of each rate",
    "interest.txt": "on interest",
    "notices/": "a notice to the debtor, the mail as it was sent",
}
_CREDITS: dict[CreditKind, str] = {
    "credit_note": "Credit note", "set_off": "Set-off", "goods_in_lieu": "Goods in lieu",
    "cash_discount": "Cash discount", "bank_charges": "Bank charges borne",
}  # fmt: skip
# Internal to the creditor, and nobody's business outside.
_OURS: dict[str, bool | set[str]] = {"notes": True, "agency": True, "cover": True, "buyer": {"tier"}}


@dataclass(frozen=True, slots=True)
class EarlierNotice:
    """A notice that was sent before, with the archived mail."""

    notice_id: str
    step: str
    kind: StepKind
    sent_at: datetime
    recipient: str
    subject: str
    content: bytes
    form: str = "eml"
    """What it is as a file: `eml`, or `pdf` or `txt` if it went by another channel."""


def dossier(
    order: StepOrder, invoice: Invoice, creditor: Creditor, at: datetime, earlier: Sequence[EarlierNotice]
) -> bytes:
    """The dossier as a zip file; the same arguments give the same bytes."""
    title = f"Dossier on invoice {invoice.number} of {one_line(creditor.name)}"
    files = documents(order, invoice, creditor, at, earlier)
    return bundle(f"dossier-{safe_name(invoice.number)}", title, files, ABOUT, at)


def documents(
    order: StepOrder, invoice: Invoice, creditor: Creditor, at: datetime, earlier: Sequence[EarlierNotice]
) -> dict[str, bytes]:
    """The documents by file name."""
    figures = figures_on(order, invoice, at)
    data = invoice.model_dump_json(indent=2, exclude=_OURS, exclude_none=True)
    return {
        **_statement(order, invoice, creditor, figures),
        "invoice.json": data.encode(),
        "payments.csv": _payments(order, invoice),
        "history.csv": _history(order, earlier),
        **_interest(invoice, figures),
        **_notices(order, earlier),
    }


def ledger_rows(order: StepOrder, invoice: Invoice, figures: Figures) -> list[tuple[str, str, str, str, str, str]]:
    """The statement's rows (day, entry, reference, debit, credit, balance), down to what is outstanding."""
    balance = invoice.amount
    rows = [(str(invoice.issued or ""), "Invoice", invoice.number, str(balance.amount), "", str(balance.amount))]
    bookings = [(c.on, _CREDITS[c.kind], c.id, c.amount) for c in order.credits]
    bookings += [(p.received_on, "Payment", p.id, p.amount) for p in applied(order, invoice)]
    bookings += [(w.on, "Interest and costs waived", w.id, w.amount) for w in order.waivers]
    if figures.claims_interest:
        if figures.compensation:
            balance = balance + figures.compensation
            on = str(invoice.due + timedelta(days=1))
            rows.append((on, "Fixed compensation", "", str(figures.compensation.amount), "", str(balance.amount)))
    for on, entry, reference, amount in sorted(bookings):
        balance = balance - amount
        rows.append((on, entry, reference, "", str(amount.amount), str(balance.amount)))
    if figures.claims_interest and figures.interest and figures.interest.total:
        balance = balance + figures.interest.total
        accrued = f"Interest to {figures.today}"
        rows.append((str(figures.today), accrued, "", str(figures.interest.total.amount), "", str(balance.amount)))
    rest = figures.outstanding - balance
    if rest:
        # Money that was paid too much is kept apart.
        debit, credit = (str(rest.amount), "") if rest.amount > 0 else ("", str(-rest.amount))
        rows.append(("", "Other bookings", "", debit, credit, str(figures.outstanding.amount)))
    return rows


def _statement(order: StepOrder, invoice: Invoice, creditor: Creditor, figures: Figures) -> dict[str, bytes]:
    columns = ("date", "entry", "reference", "debit", "credit", "balance")
    rows = ledger_rows(order, invoice, figures)
    money = ENGLISH.money
    heads = [
        ("Creditor", one_line(creditor.name)), ("Debtor", one_line(invoice.buyer.name) or "-"),
        ("Customer number", one_line(invoice.buyer.id)), ("Invoice number", invoice.number),
        ("Due date (contractual)", str(invoice.due)), ("As of", str(figures.today)),
        ("Days overdue", str(figures.days_overdue)), ("Currency", invoice.amount.currency),
    ]  # fmt: skip
    totals = [
        ("Outstanding", money(figures.outstanding)), ("Of it in dispute", money(figures.disputed)),
        ("Undisputed", money(figures.demanded)),
        *_interest_totals(figures),
    ]  # fmt: skip
    page = html_template("statement.html").render(
        number=invoice.number,
        heads=heads,
        columns=[c.capitalize() for c in columns],
        rows=rows,
        totals=totals,
    )
    table = [(*row, invoice.amount.currency) for row in rows]
    return {
        "statement.csv": csv_file((*columns, "currency"), table),
        "statement.html": page.encode("utf-8", "replace"),
    }


def _interest_totals(figures: Figures) -> list[tuple[str, str]]:
    if figures.interest is None:
        return []
    if not figures.claims_interest:
        return [("Late fee accrued (not included)", ENGLISH.money(figures.interest.total))]
    rows = [("Interest (included)", ENGLISH.money(figures.interest.total))]
    return [*rows, ("Fixed compensation (included)", ENGLISH.money(figures.costs))] if figures.costs else rows


def _payments(order: StepOrder, invoice: Invoice) -> bytes:
    counted = {payment.id for payment in applied(order, invoice)}
    rows = []
    for p in sorted(order.payments, key=lambda p: (p.received_on, p.id)):
        state = "reversed" if p.reversed else "applied" if p.id in counted else "not applied"
        rows.append((p.id, p.received_on, p.amount.amount, p.amount.currency, state))
    return csv_file(("payment", "received_on", "amount", "currency", "state"), rows)


def _history(order: StepOrder, earlier: Sequence[EarlierNotice]) -> bytes:
    sent = {notice.notice_id: notice for notice in earlier}
    rows = []
    for done in order.performed:
        notice = sent.get(done.notice or "")
        rows.append(
            (_instant(done.performed_at), done.step, done.kind, done.occurrence, _instant(done.planned_at),
             notice.recipient if notice else "", notice.subject if notice else "", done.notice, done.task)
        )  # fmt: skip
    header = (
        "performed_at",
        "step",
        "kind",
        "occurrence",
        "planned_at",
        "sent_to",
        "subject",
        "notice",
        "task",
    )
    return csv_file(header, rows)


def _interest(invoice: Invoice, figures: Figures) -> dict[str, bytes]:
    if figures.interest is None:
        return {"interest.txt": text_file(
            "No contractual late fee is agreed for this invoice.",
            "Statutory interest is reserved as far as the applicable law provides for it; it is not "
            "calculated here.",
        )}  # fmt: skip
    rows = [
        (s.start, s.end, s.days, s.balance.amount, s.rate, s.amount.amount, s.amount.currency,
         s.source if s.verified else f"{s.source} (unverified)")
        for s in figures.interest.segments
    ]  # fmt: skip
    total = figures.interest.total
    rows.append((figures.today, figures.today, 0, figures.demanded.amount, "total", total.amount, total.currency, ""))
    header = ("from", "to", "days", "balance", "rate", "interest", "currency", "source")
    return {"interest.csv": csv_file(header, rows)}


def _notices(order: StepOrder, earlier: Sequence[EarlierNotice]) -> dict[str, bytes]:
    """The letters to the debtor.

    What went to counterparts stays out: it carries the same documents once more.
    """
    # The case's own instants count: under time-lapse a mail's is another one than the server saw.
    performed = {done.notice: done.performed_at for done in order.performed}
    letters = [(performed.get(n.notice_id, n.sent_at), n) for n in earlier if n.kind not in HANDED_ON]
    letters.sort(key=lambda pair: (pair[0], pair[1].notice_id))
    return {
        f"notices/{i:03d}-{safe_name(n.step)}-{at.astimezone(UTC):%Y%m%d}.{n.form}": n.content
        for i, (at, n) in enumerate(letters, 1)
    }


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
