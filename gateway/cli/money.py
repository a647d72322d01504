"""The commands that move money: pay, reverse, allocate, credit, set-off, refund, waive, and the plan to pay.

What debtors and operators say otherwise is in messages.py.
"""

from datetime import date as calendar_date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, get_args

import typer
from pydantic import ValidationError

from gateway import buyers
from gateway.cli.output import AsJson, DataDir, emit, reporting, say
from gateway.cli.session import day, message, money, new_reference, today, with_ledger, with_service
from gateway.cli.telling import (
    Amount,
    ApprovedBy,
    By,
    Currency,
    Day,
    Invoice,
    Note,
    Reason,
    Reference,
    currency_of,
    tell,
)
from gateway.errors import InputRefused, WrongUsage
from gateway.service import Service, Told
from models import events as e
from models import view
from models.allocation import Part
from models.messages import Instalment
from models.money import Money

app = typer.Typer()

PARTS: tuple[str, ...] = get_args(Part)
CREDITS: tuple[str, ...] = get_args(e.CreditKind)

Payment = Annotated[str, typer.Option("--payment", help="The reference of the payment.")]


@app.command()
@reporting
def pay(
    amount: Annotated[str, typer.Option("--amount", help="For example 100.00")],
    reference: Annotated[str, typer.Option("--reference", help="The bank's; the same twice counts once.")],
    invoice: Annotated[str | None, typer.Argument(metavar="[INVOICE]", help="The number, or CREDITOR/NUMBER.")] = None,
    currency: Currency = None,
    date: Day = None,
    buyer: Annotated[
        str | None, typer.Option("--buyer", metavar="CREDITOR/BUYER", help="Instead of INVOICE: for all its invoices.")
    ] = None,
    remittance: Annotated[
        list[str] | None,
        typer.Option("--for", metavar="INVOICE=AMOUNT", help="With --buyer: what the remittance advice says."),
    ] = None,
    designation: Annotated[
        str | None, typer.Option("--designation", help=f"What the debtor wants settled first: {', '.join(PARTS)}.")
    ] = None,
    by: By = "",
    payer: Annotated[str, typer.Option("--payer", help="Who paid.")] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Record a payment, and tell the case; one for several invoices is split, the oldest first."""
    if designation is not None and designation not in PARTS:
        raise InputRefused(f"--designation {designation!r}: a payment can be for {', '.join(PARTS)}")
    received = day(date) or today()
    fields: dict[str, Any] = {
        "id": reference, "received_on": received, "by": by, "payer": payer, "designation": designation
    }  # fmt: skip
    if (invoice is None) == (buyer is None):
        raise WrongUsage("name either the invoice or, with --buyer, whose invoices it is for")
    if invoice is not None:
        amount_of = money(amount, currency_of(data_dir, invoice, amount, currency))
        tell(data_dir, invoice, as_json, message(e.PaymentReceived, amount=amount_of, **fields))
        return
    creditor, _, name = str(buyer).partition("/")
    if not name:
        raise WrongUsage("--buyer is written CREDITOR/BUYER")
    if not currency:
        raise WrongUsage("--buyer needs --currency: the buyer may owe in several")
    named = dict(_remitted(text, currency) for text in remittance or ())
    payment = message(e.PaymentReceived, amount=money(amount, currency), **fields)
    _answer(with_service(data_dir, lambda service: buyers.receive(service, creditor, name, payment, named)), as_json)


def _remitted(text: str, currency: str) -> tuple[str, Money]:
    number, equals, amount = text.rpartition("=")
    if not equals:
        raise WrongUsage(f"--for {text!r}: write it as INVOICE=AMOUNT")
    found = money(amount, currency)
    assert found is not None
    return number, found


def _answer(told: list[tuple[str, Told]], as_json: bool) -> None:
    if as_json:
        emit([
            {
                "invoice": number, "text": answer.text, "duplicate": answer.duplicate, "unapplied": answer.unapplied,
                "stage": answer.head.stage if answer.head else None,
                "outstanding": view.money(answer.head.outstanding) if answer.head else None,
            }
            for number, answer in told
        ])  # fmt: skip
        return
    for number, answer in told:
        say(f"{number}: {answer.said}")


@app.command()
@reporting
def reverse(
    invoice: Invoice,
    payment: Annotated[str | None, typer.Option("--payment", help="The reference of the payment taken back.")] = None,
    reference: Reference = None,
    reason: Reason = "",
    by: By = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Take a payment back (chargeback, returned direct debit); a closed case is opened again."""
    taken_back = payment or reference
    if not taken_back:
        raise WrongUsage("name the payment that is taken back: --payment REFERENCE")
    own = reference if payment and reference else f"reversal-{taken_back}"
    tell(data_dir, invoice, as_json, message(e.PaymentReversed, id=own, payment=taken_back, reason=reason, by=by))


@app.command()
@reporting
def allocate(
    invoice: Invoice,
    payment: Payment,
    rate: Annotated[
        str | None, typer.Option("--rate", help="What one unit of a foreign amount is worth in ours.")
    ] = None,
    amount: Annotated[str | None, typer.Option("--amount", help="Instead of a rate: what it counts for.")] = None,
    first: Annotated[str | None, typer.Option("--first", help=f"What it settles first: {', '.join(PARTS)}.")] = None,
    note: Note = "", reference: Reference = None, by: By = "", data_dir: DataDir = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Decide on a payment: what a foreign amount counts for, or what the payment settles first."""
    if first is not None and first not in PARTS:
        raise InputRefused(f"--first {first!r}: a payment can settle {', '.join(PARTS)}")
    if sum(option is not None for option in (rate, amount, first)) != 1:
        raise WrongUsage("give one of --rate, --amount and --first")
    counts = None
    if rate is not None or amount is not None:
        counts = with_ledger(data_dir, lambda service: _counted(service, invoice, payment, rate, amount))
    tell(data_dir, invoice, as_json, message(
        e.PaymentAllocated, id=reference or new_reference(), payment=payment, first=first, counts_as=counts, note=note,
        by=by,
    ))  # fmt: skip


def _counted(service: Service, invoice: str, payment: str, rate: str | None, amount: str | None) -> Money | None:
    creditor, number = service.resolve(invoice)
    currency = str(next(iter(service.ledger.find(number, creditor))).currency)
    if rate is None:
        return money(amount, currency)
    found = _payment(service, creditor, number, payment)
    try:
        factor = Decimal(rate)
    except InvalidOperation:
        raise InputRefused(f"--rate {rate!r} is not a number such as 1.0825") from None
    if not factor.is_finite() or factor <= 0:
        raise InputRefused(f"--rate {rate!r}: a rate is more than zero")
    try:
        return Money.model_validate(dict(Money.of(found.amount.amount * factor, currency)))
    except (ArithmeticError, ValidationError):
        raise InputRefused(f"--rate {rate!r}: {found.amount} would count for more than any invoice") from None


def _payment(service: Service, creditor: str, number: str, reference: str) -> e.PaymentReceived:
    told = [m for m in service.ledger.told(creditor, number) if isinstance(m, e.PaymentReceived)]
    found = next((m for m in told if m.id == reference), None)
    if found is None:
        known = ", ".join(m.id for m in told) or "none"
        raise InputRefused(f"{creditor}/{number} has no payment {reference!r} (known: {known})")
    return found


@app.command()
@reporting
def credit(
    invoice: Invoice,
    amount: Annotated[str, typer.Option("--amount", help="For example 100.00")],
    reference: Annotated[str, typer.Option("--reference", help="Its number; the same twice counts once.")],
    kind: Annotated[str, typer.Option("--kind", help=f"One of {', '.join(CREDITS)}.")] = "credit_note",
    currency: Currency = None, date: Day = None, reason: Reason = "",
    payment: Annotated[
        str | None, typer.Option("--payment", help="The payment a discount or a charge goes with: taken back with it.")
    ] = None,
    by: By = "", data_dir: DataDir = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Reduce the debt: a credit note corrects the invoice from the beginning, the others settle principal that day."""
    if kind not in CREDITS:
        raise WrongUsage(f"--kind {kind!r}: write one of {', '.join(CREDITS)}")
    if payment is not None:
        name = payment
        with_ledger(data_dir, lambda service: _payment(service, *service.resolve(invoice), name))
    amount_of = money(amount, currency_of(data_dir, invoice, amount, currency))
    tell(data_dir, invoice, as_json, message(
        e.CreditNoteIssued, id=reference, kind=kind, amount=amount_of, issued_on=day(date), payment=payment,
        reason=reason, by=by,
    ))  # fmt: skip


@app.command(name="set-off")
@reporting
def set_off(
    invoice: Invoice,
    amount: Annotated[str, typer.Option("--amount", help="For example 100.00")],
    against: Annotated[
        str | None, typer.Option("--against", metavar="INVOICE", help="Use unapplied money of INVOICE for this one.")
    ] = None,
    payment: Annotated[
        str | None, typer.Option("--payment", help="The unapplied payment (default: the only one).")
    ] = None,
    currency: Currency = None, date: Day = None, reason: Reason = "", reference: Reference = None, by: By = "",
    data_dir: DataDir = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Set off what the debtor has coming: a claim against us, or (--against) money that is unapplied here."""
    amount_of = money(amount, currency_of(data_dir, invoice, amount, currency))
    if against is None:
        tell(data_dir, invoice, as_json, message(
            e.CreditNoteIssued, id=reference or new_reference(), kind="set_off", amount=amount_of, issued_on=day(date),
            reason=reason, by=by,
        ))  # fmt: skip
        return
    target, moved = against, amount_of
    assert moved is not None

    async def work(service: Service) -> list[tuple[str, Told]]:
        source, other = service.resolve(invoice), service.resolve(target)
        found = buyers.found_for_set_off(service, source, other, moved, payment)
        out = message(
            e.Refunded, id=reference or f"set-off-{found.id}-{other[1]}"[:200], payment=found.id, amount=moved,
            to=other[1], on=day(date), note=reason, by=by,
        )  # fmt: skip
        return await buyers.set_off(service, *source, out, found)

    _answer(with_service(data_dir, work), as_json)


@app.command()
@reporting
def refund(
    invoice: Invoice,
    payment: Payment,
    amount: Annotated[str, typer.Option("--amount", help="For example 100.00")],
    currency: Currency = None, date: Day = None, note: Note = "", reference: Reference = None, by: By = "",
    data_dir: DataDir = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Record that unapplied money was paid back; also of a case that is closed."""
    amount_of = money(amount, currency_of(data_dir, invoice, amount, currency))
    tell(data_dir, invoice, as_json, message(
        e.Refunded, id=reference or new_reference(), payment=payment, amount=amount_of, on=day(date), note=note, by=by,
    ))  # fmt: skip


@app.command()
@reporting
def waive(
    invoice: Invoice, amount: Amount = None, currency: Currency = None, reason: Reason = "",
    reference: Reference = None, by: By = "", data_dir: DataDir = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Give up claimed interest and costs: an --amount of them, or all and what would still accrue."""
    amount_of = money(amount, currency_of(data_dir, invoice, amount, currency))
    tell(data_dir, invoice, as_json, message(
        e.InterestWaived, id=reference or new_reference(), amount=amount_of, reason=reason, by=by,
    ))  # fmt: skip


@app.command()
@reporting
def plan(
    invoices: Annotated[list[str], typer.Argument(metavar="INVOICE...", help="One or several invoices of one buyer.")],
    instalment: Annotated[
        list[str] | None, typer.Option("--instalment", metavar="DATE:AMOUNT", help="One instalment; repeat for each.")
    ] = None,
    end: Annotated[bool, typer.Option("--end", help="End the running plan: the ladder goes on.")] = False,
    note: Note = "", reason: Reason = "", reference: Reference = None, by: By = "", approved_by: ApprovedBy = "",
    data_dir: DataDir = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Agree on payment by instalments, which add up to what is outstanding: the ladder waits while they come.

    Over several invoices of a buyer it is one plan: the oldest is paid first, and where an instalment is missed, the
    plan ends for all of them.
    """
    name = reference or new_reference()
    if end:
        ended = message(e.PlanEnded, id=name, reason=reason or note, by=by)
        _answer(
            with_service(data_dir, lambda service: buyers.end_plan(service, _cases(service, invoices), ended)), as_json
        )
        return
    if not instalment:
        raise WrongUsage("give the instalments: --instalment DATE:AMOUNT for each")

    async def work(service: Service) -> list[tuple[str, Told]]:
        cases = _cases(service, invoices)
        creditor, number = cases[0]
        currency = str(next(iter(service.ledger.find(number, creditor))).currency)
        agreed = message(
            e.PlanAgreed, id=name, instalments=tuple(_instalment(text, currency) for text in instalment), note=note,
            by=by, approved_by=approved_by,
        )  # fmt: skip
        if len(cases) == 1:
            return [(number, await service.tell(creditor, number, agreed))]
        return await buyers.agree_plan(service, cases, agreed)

    _answer(with_service(data_dir, work), as_json)


def _cases(service: Service, invoices: list[str]) -> list[tuple[str, str]]:
    return list(dict.fromkeys(service.resolve(invoice) for invoice in invoices))


def _instalment(text: str, currency: str) -> Instalment:
    on, colon, amount = text.partition(":")
    if not colon:
        raise WrongUsage(f"--instalment {text!r}: write it as DATE:AMOUNT, such as 2026-12-31:500.00")
    due: calendar_date | None = day(on, "--instalment")
    found = money(amount, currency)
    if due is None or found is None:
        raise WrongUsage(f"--instalment {text!r}: write it as DATE:AMOUNT")
    return message(Instalment, due=due, amount=found)
