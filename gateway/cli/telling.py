"""What the commands that tell a case something have in common: their options, and the way to the case and back."""

from typing import Annotated

import typer

from gateway.cli.output import emit, say
from gateway.cli.session import with_ledger, with_service
from gateway.errors import WrongUsage
from gateway.service import Service, Told
from models import events as e
from models import view

Invoice = Annotated[str, typer.Argument(metavar="INVOICE", help="The number, or CREDITOR/NUMBER.")]
StepName = Annotated[str, typer.Argument(metavar="STEP", help="The step's id.")]
By = Annotated[str, typer.Option("--by", help="Who says so.")]
Reference = Annotated[str | None, typer.Option("--reference", help="Your reference; the same one twice counts once.")]
Amount = Annotated[str | None, typer.Option("--amount", help="For example 100.00")]
Currency = Annotated[str | None, typer.Option("--currency", help="ISO 4217, such as EUR (default: the invoice's).")]
Reason = Annotated[str, typer.Option("--reason", help="Why.")]
Note = Annotated[str, typer.Option("--note", help="A remark for the file.")]
Evidence = Annotated[list[str] | None, typer.Option("--evidence", help="A document or reference; may be repeated.")]
ApprovedBy = Annotated[str, typer.Option("--approved-by", help="A second person, where a hard deadline is crossed.")]
Day = Annotated[str | None, typer.Option("--date", help="YYYY-MM-DD")]


def tell(data_dir: str | None, invoice: str, as_json: bool, told: e.Message) -> None:
    """Deliver a message and print the answer."""

    async def work(service: Service) -> Told:
        find = service.resolve_or_new if isinstance(told, e.PaymentReceived) else service.resolve
        return await service.tell(*find(invoice), told)

    answer = with_service(data_dir, work)
    if as_json:
        head = answer.head
        emit(
            {
                "accepted": True, "message": told.type, "reference": told.id, "duplicate": answer.duplicate,
                "unapplied": answer.unapplied, "text": answer.text,
                "stage": head.stage if head else None, "outcome": head.outcome if head else None,
                "outstanding": view.money(head.outstanding) if head else None,
                "on_hold": head.on_hold if head else None,
            }
        )  # fmt: skip
    else:
        head = None if answer.duplicate else answer.head
        where = f" [{head.stage}{', ' + head.outcome if head.outcome else ''}]" if head else ""
        say(f"{told.type} {told.id}: {answer.said}{where}")


def currency_of(data_dir: str | None, invoice: str, amount: str | None, currency: str | None) -> str | None:
    """The currency given, else the invoice's."""
    if amount is None or currency:
        return currency

    def work(service: Service) -> str | None:
        creditor, number = service.resolve_or_new(invoice)
        return next((str(row.currency) for row in service.ledger.find(number, creditor)), None)

    return with_ledger(data_dir, work)


def named(by: str) -> None:
    """A decision has an author."""
    if not by.strip():
        raise WrongUsage("a decision needs a name: --by NAME")
