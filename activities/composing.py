"""Composes what a step sends: the complete mail, as the bytes that are stored first and sent afterwards.

Letters to the debtor come from letters.py, documents for counterparts from dossier.py and claim_file.py. What
a person has to do instead is worded in task_texts.py. Nothing here sends anything; that is mail.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from activities.bundle import safe_name
from activities.claim_file import calculation_lines, claim_file, claim_of, to_follow
from activities.dossier import HANDED_ON, EarlierNotice, dossier
from activities.figures import figures_on
from activities.gathered_letter import Gathered, write_gathered
from activities.letter_content import Letter
from activities.letters import LETTER_KINDS, write
from activities.mime import Attachment, ascii_address, mailbox, message, one_line
from activities.refusals import CannotCompose, Undeliverable
from activities.rendering import text_template
from activities.task_texts import task_text
from activities.wording import ENGLISH
from models import ids
from models.invoice import Invoice
from models.jurisdiction import LetterRule
from models.orders import StepOrder
from models.parties import Creditor, Party, mail_address
from models.policy import Step, StepKind

__all__ = [
    "CannotCompose", "Composition", "EarlierNotice", "compose", "compose_gathered", "goes_by_mail", "task_text",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Composition:
    """A finished mail.

    `content` is the whole of it; `template` says by which wording, `note` what is worth recording.
    """

    message_id: str
    recipient: str
    subject: str
    kind: StepKind
    language: str
    content: bytes
    template: str
    note: str = ""


def goes_by_mail(step: Step) -> bool:
    """Whether a step is a mail; the others are tasks for people (`task_text`)."""
    return step.kind in LETTER_KINDS | HANDED_ON and "email" in step.channels


def compose(
    order: StepOrder,
    invoice: Invoice,
    creditor: Creditor,
    *,
    at: datetime,
    earlier: Sequence[EarlierNotice] = (),
    rules: Sequence[LetterRule] = (),
    recipient: str | None = None,
) -> Composition:
    """The mail of a step, dated `at`, a letter to `recipient` if not to the debtor's own address.

    The same arguments give the same bytes.

    Letters to the debtor have their PDF attached. `rules` is what the debtor's jurisdiction asks of them.

    Raises:
        CannotCompose: Something is missing without which it must not be sent; the reason says what to do.
    """
    if recipient is None and not goes_by_mail(order.step):
        raise CannotCompose(f"step {order.step.id} ({order.step.kind}) is a task for a person, not a mail")
    if order.step.kind in LETTER_KINDS:
        letter = write(order, invoice, creditor, at, rules)
        return _mail([order], creditor, at, recipient or _debtor(invoice), letter, _printed(letter))
    return _hand_on(order, invoice, creditor, at, earlier)


def compose_gathered(
    gathered: Gathered, creditor: Creditor, *, at: datetime, message_id: str, rules: Sequence[LetterRule] = ()
) -> Composition:
    """The mail that serves several steps of one buyer, under the Message-ID given; as `compose`.

    Raises:
        CannotCompose: Something is missing without which it must not be sent; the reason says what to do.
    """
    recipient = _debtor(gathered.dues[0].invoice)
    letter, kind = write_gathered(gathered, creditor, at, rules)
    orders = [due.order for due in gathered.dues]
    return _mail(orders, creditor, at, recipient, letter, _printed(letter), message_id, kind)


def _printed(letter: Letter) -> Sequence[Attachment]:
    return (Attachment(letter.file_name, letter.pdf, "pdf"),) if letter.pdf is not None else ()


def _mail(
    orders: Sequence[StepOrder],
    creditor: Creditor,
    at: datetime,
    recipient: str,
    letter: Letter,
    attachments: Sequence[Attachment],
    message_id: str | None = None,
    kind: StepKind | None = None,
) -> Composition:
    order = orders[0]
    message_id = message_id or ids.mail_message_id(ids.step_key(order.case_id, order.step.id, order.occurrence))
    headers = [
        ("From", mailbox(creditor.name, _ours(creditor.sender, creditor))),
        ("To", recipient),
        ("Reply-To", mailbox(_reference(creditor, order), _ours(creditor.reply_to or creditor.sender, creditor))),
        ("Subject", letter.subject),
        ("Date", format_datetime(at.astimezone(UTC))),
        ("Message-ID", message_id),
        ("Content-Language", letter.language),
        # Keeps vacation notices from answering (RFC 3834).
        ("Auto-Submitted", "auto-generated"),
        *(
            header
            for served in orders
            for header in (
                ("X-Arrears-Case", served.case_id),
                ("X-Arrears-Step", f"{served.step.id}/{served.occurrence}"),
            )
        ),
    ]
    return Composition(
        message_id=message_id,
        recipient=recipient,
        subject=one_line(letter.subject),
        kind=kind or order.step.kind,
        language=letter.language,
        content=message(headers, letter.text, letter.html, attachments),
        template=letter.template,
        note=letter.note,
    )


# --- to the agency and the insurer --------------------------------------------------------------------------


def _hand_on(
    order: StepOrder, invoice: Invoice, creditor: Creditor, at: datetime, earlier: Sequence[EarlierNotice]
) -> Composition:
    kind = order.step.kind
    named = invoice.agency if kind == "referral" else invoice.cover.insurer if invoice.cover else None
    role = "agency" if kind == "referral" else "insurer"
    party = _counterpart(role, named, creditor.agency if kind == "referral" else creditor.insurer, creditor)
    if not order.pursued and kind != "insurer_notice":
        raise CannotCompose("nothing undisputed is left to hand on: resolve the dispute, then retry or drop this step")
    note = ""
    if kind == "referral":
        title, what = "Referral for collection", "dossier"
        enclosed = dossier(order, invoice, creditor, at, earlier)
    else:
        title, what = ("Claim" if kind == "insurance_claim" else "Notice of overdue"), "claim"
        claim = claim_of(order, invoice)
        if kind == "insurance_claim" and not claim.amount:
            why = claim.note or "the loss does not exceed the deductible"
            raise CannotCompose(f"there is nothing to claim ({why}): drop this step")
        enclosed = claim_file(order, invoice, creditor, at, earlier)
        note = "" if invoice.cover else "no cover is recorded: usual terms assumed, limit evidence to follow"
    subject = f"{title}: {one_line(creditor.name)}, invoice {invoice.number}"
    text = _cover_letter(order, invoice, creditor, at, party)
    letter = Letter(template=kind, language=ENGLISH.language, subject=subject, text=text, html=None, note=note)
    name = f"{what}-{safe_name(invoice.creditor)}-{safe_name(invoice.number)}.zip"
    return _mail([order], creditor, at, _wire(party.email or "", role), letter, (Attachment(name, enclosed),))


def _cover_letter(order: StepOrder, invoice: Invoice, creditor: Creditor, at: datetime, party: Party) -> str:
    figures, buyer, money = figures_on(order, invoice, at), invoice.buyer, ENGLISH.money
    insured = order.step.kind != "referral"
    facts = [
        ("Our reference:", order.case_id),
        ("Your reference:", one_line(party.reference or "")),
        ("Debtor:", one_line(buyer.name) or one_line(buyer.id)),
        ("Customer number:", one_line(buyer.id)),
        ("Country:", buyer.country or ""),
        ("E-mail:", buyer.contact.email or ""),
        ("Phone:", one_line(buyer.contact.phone or "")),
        ("Invoice number:", invoice.number),
        ("Invoice amount:", money(figures.original)),
        ("Paid and credited:", money(figures.paid + figures.credited)),
        ("Undisputed debt:", money(order.insured if insured else figures.demanded)),
        ("Of it claimed as costs:", money(figures.costs) if figures.costs and not insured else ""),
        ("Due date (contractual):", str(invoice.due)),
        ("Days overdue:", str(figures.days_overdue)),
        (
            "Interest accrued, " + ("included:" if figures.claims_interest and not insured else "not included:"),
            money(figures.interest.total) if figures.interest else "",
        ),
    ]
    return text_template(f"{order.step.kind}.txt").render(
        facts=[(label, value) for label, value in facts if value],
        disputed=money(figures.disputed) if figures.disputed else "",
        to_follow=to_follow(invoice) if insured else [],
        calculation=calculation_lines(claim_of(order, invoice)) if insured else [],
        creditor=one_line(creditor.name),
        email=creditor.reply_to or creditor.sender,
        phone=one_line(creditor.phone or ""),
    )


def _counterpart(role: str, named: str | None, ours: Party | None, creditor: Creditor) -> Party:
    """The agency or insurer to write to.

    An invoice may name another one by its mail address, not by name alone.
    """
    if named:
        try:
            return Party(name=named, email=mail_address(named.strip()), reference=None)
        except ValueError:
            pass
        if ours is None or ours.name.strip().casefold() != named.strip().casefold():
            known = f"creditor {creditor.code} knows {one_line(ours.name)}" if ours else "the creditor has none"
            raise CannotCompose(
                f"the invoice names the {role} {one_line(named)!r}, but {known}: mend `{role}` in the "
                f"creditor's file, "
                "or hand the debt over yourself and complete this task as done"
            )
    if ours is None:
        raise CannotCompose(
            f"creditor {creditor.code} has no {role}: add `{role}` with name and e-mail to its file, then retry"
        )
    if not ours.email:
        raise CannotCompose(
            f"the {role} {one_line(ours.name)} of creditor {creditor.code} has no e-mail address: add it "
            f"to the "
            "creditor's file, then retry"
        )
    return ours


# --- addresses ----------------------------------------------------------------------------------------------


def _debtor(invoice: Invoice) -> str:
    email = invoice.buyer.contact.email
    if not email:
        raise Undeliverable(
            f"buyer {one_line(invoice.buyer.id)} has no e-mail address: send the letter by post and "
            f"complete this task "
            "as done, or drop the step"
        )
    return _wire(email, f"buyer {one_line(invoice.buyer.id)}")


def _wire(address: str, whose: str) -> str:
    try:
        return ascii_address(address)
    except ValueError as error:
        raise Undeliverable(
            f"the address {address} ({whose}) cannot be written to: {error}; use another address or another channel"
        ) from None


def _reference(creditor: Creditor, order: StepOrder) -> str:
    """Whom an answer goes to, with the case it is about: it stays with the mail even if the subject is changed."""
    return f"{one_line(creditor.name)}, {ids.split_case_id(order.case_id)[1]}"


def _ours(address: str, creditor: Creditor) -> str:
    return _wire(address, f"creditor {creditor.code}")
