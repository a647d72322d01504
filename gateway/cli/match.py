"""`arrears match` and `arrears unmatch`: what the bank's entries pay, where a person has to say so."""

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from gateway.cli.output import AsJson, DataDir, emit, reporting, say
from gateway.cli.session import money, with_ledger, with_service
from gateway.cli.telling import By, Reason, named
from gateway.errors import WrongUsage
from gateway.service import Service
from models.money import Money

app = typer.Typer()

_Entry = Annotated[str, typer.Argument(metavar="ENTRY", help="The beginning of the entry's key, as `match` lists it.")]


@app.command()
@reporting
def match(
    entry: Annotated[str | None, typer.Argument(metavar="[ENTRY]", help="The beginning of an entry's key.")] = None,
    invoices: Annotated[
        list[str] | None, typer.Argument(metavar="[INVOICE[=AMOUNT]...]", help="What it pays; several share it.")
    ] = None,
    accept: Annotated[bool, typer.Option("--accept", help="It pays, or takes back, what is proposed.")] = False,
    returns: Annotated[
        str | None, typer.Option("--returns", metavar="ENTRY", help="It takes back the payment of that entry.")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="It pays no invoice of ours: set it aside.")] = False,
    creditor: Annotated[str | None, typer.Option("--creditor", help="List only entries of this creditor.")] = None,
    buyer: Annotated[
        str | None, typer.Option("--buyer", help="List only entries that seem to be this buyer's.")
    ] = None,
    reason: Reason = "",
    by: By = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List the bank entries that wait for a person; with ENTRY and INVOICE, say what one pays."""
    from gateway.bank import deciding

    if entry is None:
        _list(creditor, buyer, data_dir, as_json)
        return
    named(by)
    if [none, accept, bool(invoices), returns is not None].count(True) != 1:
        raise WrongUsage("say which invoices the entry pays, --accept what is proposed, --returns ENTRY, or --none")
    if none:
        if not reason.strip():
            raise WrongUsage("--none needs a --reason: what is this money?")
        with_ledger(data_dir, lambda service: deciding.dismiss(service, entry, reason, by))
        say(f"{entry}: set aside")
        return

    async def work(service: Service) -> Any:
        row = deciding.find(service, entry)
        if returns is not None or (accept and row.kind == "reversal"):
            return await deciding.take_back(service, entry, returns, by)
        wanted = deciding.proposal(service, entry) if accept else wanted_of(service, invoices or (), row.currency)
        return await deciding.assign(service, entry, wanted, by)

    booking, told = with_service(data_dir, work)
    shares = [{"invoice": s.number, "amount": str(s.amount.amount)} for s in booking.shares]
    if as_json:
        emit({"entry": booking.entry.key, "matches": shares, "unapplied": str(booking.unapplied.amount)})
    else:
        for share in shares:
            say(f"{share['invoice']}: {share['amount']} {booking.unapplied.currency}")
        if booking.unapplied:
            say(f"{booking.unapplied} of it is left unapplied")
    for line in told.waiting:
        say(f"waits: {line}")


def wanted_of(service: Service, invoices: Iterable[str], currency: str) -> dict[str, Money | None]:
    """What the operator says: invoice to amount. A number may have a `=` in it: what is one is taken as it stands.

    Raises:
        WrongUsage: an invoice is named twice.
    """
    wanted: dict[str, Money | None] = {}
    for text in invoices:
        name, _, amount = text.rpartition("=") if "=" in text and not service.has_invoice(text) else (text, "", "")
        if name in wanted:
            raise WrongUsage(f"{name} is named twice: name it once, with the whole amount")
        wanted[name] = money(amount or None, currency)
    return wanted


def _list(creditor: str | None, buyer: str | None, data_dir: str | None, as_json: bool) -> None:
    from activities.bank_book import BankBook
    from gateway.bank import deciding

    rows = with_ledger(data_dir, lambda service: BankBook(service.ledger.engine).worklist(creditor, buyer))
    for line in map(deciding.waiting_json, rows):
        if as_json:
            emit(line)
            continue
        whose = f", buyer {line['buyer']}" if line["buyer"] else ""
        say(f"{line['entry'][:8]}  {line['date']}  {line['amount']} {line['currency']}  {line['payer']}{whose}")
        rest = f"{line['left']} of it is left over; " if line["status"] == "matched" else ""
        say(f"          {rest}{line['status']}: {line['reason']}")
        if line["remittance"]:
            say(f"          “{' '.join(line['remittance'])}”")
        for m in line["proposed"]:
            say(f"          proposed: {m['amount']} for {m['invoice']}: {m['reason']} (--accept)")
        for nth, key in enumerate(line["takes_back"]):
            say(f"          may take back {key[:8]} ({'--accept' if not nth else f'--returns {key[:8]}'})")
        for c in line["candidates"]:
            say(f"          {c['score']:>3}  {c['invoice']} ({c['outstanding']} open): {c['reason']}")
    if not as_json:
        say(f"{len(rows)} entries wait" if rows else "no entry waits")


@app.command()
@reporting
def unmatch(
    entry: _Entry, reason: Reason = "", by: By = "", data_dir: DataDir = None, as_json: AsJson = False
) -> None:  # fmt: skip
    """Undo a match, or that an entry was set aside: its cases are told, and it waits for a person again."""
    from gateway.bank import deciding

    named(by)
    numbers, told = with_service(data_dir, lambda service: deciding.undo(service, entry, reason, by))
    if as_json:
        emit({"entry": entry, "undone": list(numbers), "waiting": list(told.waiting)})
        return
    say(f"{entry}: taken back from {', '.join(numbers)}" if numbers else f"{entry}: waits again")
    for line in told.waiting:
        say(f"waits: {line}")
