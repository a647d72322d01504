"""What a person is asked to do where a step is not a mail: whom to contact, about what, and what to find out.

For operators, in English. How tasks are kept and completed is the case's business.
"""

from collections.abc import Callable

from activities.figures import Figures, figures_on
from activities.mime import one_line
from activities.wording import ENGLISH
from models.invoice import Invoice
from models.orders import StepOrder
from models.parties import Creditor, Party
from models.policy import StepKind


def task_text(order: StepOrder, invoice: Invoice, creditor: Creditor) -> str:
    """A clear instruction for a person."""
    figures = figures_on(order, invoice, order.at)
    about = _ABOUT.get(order.step.kind, _letter)
    return f"{about(order, invoice, creditor)} {_case(invoice, figures)}"


def _case(invoice: Invoice, figures: Figures) -> str:
    overdue = figures.days_overdue
    when = f"{ENGLISH.days(overdue)} overdue" if overdue > 0 else "not overdue yet"
    text = f"Invoice {invoice.number}: {ENGLISH.money(figures.demanded)}, due {invoice.due}, {when}."
    if figures.paid:
        text += f" Paid so far: {ENGLISH.money(figures.paid)}."
    if figures.disputed:
        text += f" In dispute, not to be demanded: {ENGLISH.money(figures.disputed)}."
    return text


def _buyer(invoice: Invoice) -> str:
    buyer = invoice.buyer
    return f"{one_line(buyer.name) or 'the buyer'} (customer {one_line(buyer.id)})"


def _reach(invoice: Invoice) -> str:
    contact = invoice.buyer.contact
    phone = one_line(contact.phone or "") or "no number on file, find one first"
    return f"{phone}; language {contact.language}, local time {one_line(contact.timezone)}"


# R40, R71, R32: the cause, whether the goods are in question, and what can be agreed.
_FIND_OUT = (
    "Find out why it is unpaid (cash flow, process, market, dispute). Ask whether quality, quantity or "
    "delivery is "
    "contested: if so, record it with `arrears dispute`, and consider taking goods back or in lieu. Agree "
    "on a date "
    "(`arrears promise`) or on instalments (`arrears plan`). Record the answer with `arrears reply`."
)


def _call(order: StepOrder, invoice: Invoice, creditor: Creditor) -> str:
    return f"Phone {_buyer(invoice)}, {_reach(invoice)}, in their office hours. {_FIND_OUT}"


def _visit(order: StepOrder, invoice: Invoice, creditor: Creditor) -> str:
    return (
        f"Arrange a visit of an executive to {_buyer(invoice)}, {_reach(invoice)}. Take the statement of "
        f"account along "
        f"and have a repayment plan signed on site. {_FIND_OUT}"
    )


def _guarantee(order: StepOrder, invoice: Invoice, creditor: Creditor) -> str:
    if invoice.guarantee is None:
        known = "None is recorded: look through the contract."
    else:
        expires = f", expires {invoice.guarantee.expires}" if invoice.guarantee.expires else ", no expiry recorded"
        known = f"Recorded: {one_line(invoice.guarantee.text)}{expires}."
    return (
        f"Check the guarantees and securities for {_buyer(invoice)}. {known} Demand payment of the "
        f"guarantor in time, in "
        "the form the guarantee asks for, and start the disposal of collateral."
    )


def _legal_action(order: StepOrder, invoice: Invoice, creditor: Creditor) -> str:
    return (
        f"Instruct {_party(creditor.law_firm, 'a law firm')} to sue {_buyer(invoice)}. Check the "
        f"limitation period and "
        "the amount first, and hand over the dossier with all notices."
    )


def _write_off(order: StepOrder, invoice: Invoice, creditor: Creditor) -> str:
    return (
        f"Decide on the book write-off of the debt of {_buyer(invoice)}; it is not a waiver, the claim "
        f"lives on. If it is "
        "written off, record it with `arrears write-off`."
    )


def _referral(order: StepOrder, invoice: Invoice, creditor: Creditor) -> str:
    agency = one_line(invoice.agency) if invoice.agency else _party(creditor.agency, "an agency or law firm")
    return f"Hand the debt of {_buyer(invoice)} to {agency}, with the dossier. Our own reminders stop with it."


def _insurer(order: StepOrder, invoice: Invoice, creditor: Creditor) -> str:
    insurer = (invoice.cover.insurer if invoice.cover else None) or _party(creditor.insurer, "the insurer")
    what = "File the claim with" if order.step.kind == "insurance_claim" else "Give notice of the overdue debt to"
    return f"{what} {one_line(insurer)} for {_buyer(invoice)}, with the claim file; mind the policy's deadline."


def _letter(order: StepOrder, invoice: Invoice, creditor: Creditor) -> str:
    kind = order.step.kind.replace("_", " ")
    ways = {
        "post": "by post or courier, and keep the slip that names the contents",
        "phone": f"by phone ({_reach(invoice)})",
        "visit": "in person, against a receipt",
    }
    channels = [c for c in order.step.channels if c != "email"] or ["post"]
    how = "; ".join(ways.get(channel, f"by {channel} (not set up here)") for channel in channels)
    return f"Deliver the {kind} to {_buyer(invoice)} {how}. Language: {invoice.buyer.contact.language}."


def _party(party: Party | None, otherwise: str) -> str:
    if party is None:
        return otherwise
    reach = ", ".join(one_line(way) for way in (party.email, party.phone) if way)
    return f"{one_line(party.name)} ({reach})" if reach else one_line(party.name)


_ABOUT: dict[StepKind, Callable[[StepOrder, Invoice, Creditor], str]] = {
    "call": _call,
    "visit": _visit,
    "guarantee": _guarantee,
    "legal_action": _legal_action,
    "write_off": _write_off,
    "referral": _referral,
    "insurer_notice": _insurer,
    "insurance_claim": _insurer,
}
