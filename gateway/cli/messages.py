"""The commands that tell a case what debtors and operators say: dispute, promise, hold, approve and the rest.

Each builds one message and prints what the case answered. What moves money is in money.py.
"""

from typing import Annotated, get_args

import typer

from gateway.cli.output import AsJson, DataDir, reporting
from gateway.cli.session import day, message, money, new_reference
from gateway.cli.telling import (
    Amount,
    ApprovedBy,
    By,
    Currency,
    Evidence,
    Invoice,
    Note,
    Reason,
    Reference,
    StepName,
    currency_of,
    named,
    tell,
)
from gateway.errors import WrongUsage
from models import events as e

app = typer.Typer()

CATEGORIES: tuple[str, ...] = get_args(e.DisputeCategory)


@app.command()
@reporting
def dispute(
    invoice: Invoice, amount: Amount = None, currency: Currency = None, reason: Reason = "",
    category: Annotated[str, typer.Option("--category", help=f"One of {', '.join(CATEGORIES)}.")] = "other",
    evidence: Evidence = None,
    answer_by: Annotated[str | None, typer.Option("--answer-by", help="Until when we answer, YYYY-MM-DD.")] = None,
    reference: Reference = None, by: By = "", data_dir: DataDir = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """The debtor contests the invoice (or, with --amount, a part of it): the undisputed part is pursued."""
    if category not in CATEGORIES:
        raise WrongUsage(f"--category {category!r}: write one of {', '.join(CATEGORIES)}")
    contested = money(amount, currency_of(data_dir, invoice, amount, currency))
    tell(data_dir, invoice, as_json, message(
        e.DisputeRaised, id=reference or new_reference(), amount=contested, reason=reason, by=by, category=category,
        evidence=tuple(evidence or ()), answer_by=day(answer_by, "--answer-by"),
    ))  # fmt: skip


@app.command()
@reporting
def resolve(
    invoice: Invoice,
    upheld: Annotated[bool, typer.Option("--upheld/--rejected", help="Whether the debtor was right.")] = False,
    amount: Amount = None, currency: Currency = None, note: Note = "", reference: Reference = None, by: By = "",
    data_dir: DataDir = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """The dispute is over: --upheld reduces the invoice (by --amount, else the disputed part), --rejected goes on."""
    credited = money(amount, currency_of(data_dir, invoice, amount, currency))
    tell(data_dir, invoice, as_json, message(
        e.DisputeResolved, id=reference or new_reference(), upheld=upheld, amount=credited, note=note, by=by,
    ))  # fmt: skip


@app.command()
@reporting
def promise(
    invoice: Invoice,
    date: Annotated[str, typer.Option("--date", help="The day promised, YYYY-MM-DD.")],
    amount: Amount = None, currency: Currency = None, note: Note = "", reference: Reference = None, by: By = "",
    approved_by: ApprovedBy = "", data_dir: DataDir = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """The debtor promised to pay by a day: the ladder waits for it, plus the policy's tolerance."""
    promised = money(amount, currency_of(data_dir, invoice, amount, currency))
    tell(data_dir, invoice, as_json, message(
        e.PromiseMade, id=reference or new_reference(), amount=promised, pay_by=day(date), note=note, by=by,
        approved_by=approved_by,
    ))  # fmt: skip


@app.command()
@reporting
def extend(
    invoice: Invoice,
    until: Annotated[str, typer.Option("--until", help="The day until which the ladder waits, YYYY-MM-DD.")],
    note: Note = "", reference: Reference = None, by: By = "", approved_by: ApprovedBy = "",
    data_dir: DataDir = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Grant more time: the ladder waits; the contractual due date and the hard deadlines stay."""
    tell(data_dir, invoice, as_json, message(
        e.ExtensionGranted, id=reference or new_reference(), until=day(until, "--until"), note=note, by=by,
        approved_by=approved_by,
    ))  # fmt: skip


@app.command()
@reporting
def hold(
    invoice: Invoice, reason: Reason = "", reference: Reference = None, by: By = "",
    data_dir: DataDir = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Stop the ladder."""
    tell(data_dir, invoice, as_json, message(e.HoldPlaced, id=reference or new_reference(), reason=reason, by=by))


@app.command()
@reporting
def release(
    invoice: Invoice,
    held: Annotated[str | None, typer.Option("--hold", help="The hold's reference (default: all holds).")] = None,
    note: Note = "", reference: Reference = None, by: By = "", data_dir: DataDir = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Let the ladder go on."""
    tell(data_dir, invoice, as_json, message(
        e.HoldReleased, id=reference or new_reference(), hold=held, note=note, by=by,
    ))  # fmt: skip


@app.command()
@reporting
def reply(
    invoice: Invoice,
    text: Annotated[str, typer.Option("--text", help="What the debtor said.")] = "",
    channel: Annotated[str, typer.Option("--channel", help="How: e-mail, phone, …")] = "",
    reference: Reference = None, by: By = "", data_dir: DataDir = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """The debtor answered."""
    tell(data_dir, invoice, as_json, message(
        e.DebtorReplied, id=reference or new_reference(), text=text, channel=channel, by=by,
    ))  # fmt: skip


@app.command()
@reporting
def approve(
    invoice: Invoice, step: StepName, by: By = "", note: Note = "", reference: Reference = None,
    data_dir: DataDir = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Approve a step that waits for a second person."""
    named(by)
    tell(data_dir, invoice, as_json, message(
        e.StepApproved, id=reference or new_reference(), step=step, note=note, by=by,
    ))  # fmt: skip


@app.command()
@reporting
def reject(
    invoice: Invoice, step: StepName, by: By = "", reason: Reason = "", reference: Reference = None,
    data_dir: DataDir = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Reject a step that waits for a second person: the ladder goes on without it."""
    named(by)
    tell(data_dir, invoice, as_json, message(
        e.StepRejected, id=reference or new_reference(), step=step, reason=reason, by=by,
    ))  # fmt: skip


@app.command()
@reporting
def withdraw(
    invoice: Invoice, reason: Reason = "", reference: Reference = None, by: By = "",
    data_dir: DataDir = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Give the case up: it closes."""
    tell(data_dir, invoice, as_json, message(e.Withdrawn, id=reference or new_reference(), reason=reason, by=by))


@app.command(name="write-off")
@reporting
def write_off(
    invoice: Invoice, reason: Reason = "", evidence: Evidence = None, reference: Reference = None, by: By = "",
    data_dir: DataDir = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Propose a book write-off; a second person approves it with `approve INVOICE write_off --by NAME`.

    Then the ladder stops; the claim is not waived, and the case stays open in recovery until paid or barred.
    """
    named(by)
    tell(data_dir, invoice, as_json, message(
        e.WrittenOff, id=reference or new_reference(), reason=reason, evidence=tuple(evidence or ()), by=by,
    ))  # fmt: skip
