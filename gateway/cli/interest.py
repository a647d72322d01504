"""`arrears interest`: what a late debt costs on a day. A calculator: no case, server or ledger."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from gateway.cli.output import AsJson, DataDir, emit, reporting, say
from gateway.environment import load_settings
from gateway.errors import InputRefused, WrongUsage
from gateway.intake import cells
from gateway.jurisdiction_files import load_jurisdiction
from models import ids
from models.allocation import PRINCIPAL_FIRST
from models.books import debtor_day, late_charges
from models.case import Case
from models.interest import LateFee, Segment
from models.jurisdiction import Jurisdiction
from models.money import Money
from models.rates import NoRate
from models.statement import claim_json
from models.statutory_interest import Claim, late_payment_claim

DISCLAIMER = "Not legal advice. Figures marked * were not checked against a source: check them before relying on them."

_read_amount = cells.amount_reader("point")

_Invoice = Annotated[
    str | None, typer.Argument(metavar="[INVOICE]", help="A case: the invoice's number, or CREDITOR/NUMBER.")
]
_Amount = Annotated[str | None, typer.Option(metavar="AMOUNT", help="The debt, such as 12000.00.")]
_Currency = Annotated[str | None, typer.Option(metavar="CODE", help="Its currency, such as GBP.")]
_Due = Annotated[
    str | None, typer.Option(metavar="DATE", help="The contractual due date; interest starts the day after.")
]
_AsOf = Annotated[str | None, typer.Option(metavar="DATE", help="The last day counted (default: today).")]
_Where = Annotated[
    str | None,
    typer.Option("--jurisdiction", metavar="CODE", help="Whose law holds, such as DE, UK, US-NY; or a YAML file."),
]
_Rate = Annotated[
    str | None,
    typer.Option("--contract-rate", metavar="RATE", help="The contract's rate, 0.05%/day or 12%/year, over the law's."),
]
_Paid = Annotated[
    list[str] | None, typer.Option("--paid", metavar="DATE:AMOUNT", help="A part payment; may be repeated.")
]
_PrincipalFirst = Annotated[
    bool, typer.Option("--principal-first", help="Payments settle the principal first: agreed, or no interest claimed.")
]


@reporting
def interest(
    invoice: _Invoice = None,
    amount: _Amount = None,
    currency: _Currency = None,
    due: _Due = None,
    as_of: _AsOf = None,
    jurisdiction: _Where = None,
    contract_rate: _Rate = None,
    paid: _Paid = None,
    principal_first: _PrincipalFirst = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Compute the interest and fixed compensation of a late debt, segment by segment, by law or by contract.

    With INVOICE, that of a case, with everything that is booked in it, by its own law or contract; else that of any
    debt, from the options.

    A payment up to the due date reduces the debt. A later one settles
    what is open at the end of its day, in the order of the jurisdiction: as
    a rule costs (the fixed compensation), then interest, then principal.

    Principal, interest and compensation are what was owed or accrued in
    total, paid or not; `total` (Open) is their sum less what was paid.

    Exit status: 0 done; 1 refused (a bad value, an unknown jurisdiction,
    a day without a known rate); 2 wrong usage. Not legal advice.
    """
    if invoice is not None:
        _of_case(invoice, as_of, [amount, currency, due, jurisdiction, contract_rate, paid], as_json, data_dir)
        return
    if amount is None or currency is None or due is None:
        raise WrongUsage("name an invoice, or give --amount, --currency and --due")
    if jurisdiction is None and contract_rate is None:
        raise WrongUsage("whose law holds? give --jurisdiction CODE, or the contract's rate with --contract-rate")
    money = _money("--amount", amount, _known_currency(currency))
    due_day, last = _day("--due", due), _day("--as-of", as_of) if as_of else datetime.now(UTC).date()
    if last < due_day:
        raise InputRefused(f"--as-of {last} lies before --due {due_day}: the debt is not late yet")
    received = [_payment(text, money.currency, last) for text in paid or ()]
    fee = _fee(contract_rate) if contract_rate else None
    folder = load_settings(data_dir).data_dir
    law = load_jurisdiction(jurisdiction, folder) if jurisdiction else None
    try:
        claim = late_payment_claim(
            money, due_day, last, law, fee, received, PRINCIPAL_FIRST if principal_first else None
        )
    except NoRate as error:
        raise InputRefused(str(error)) from None
    if as_json:
        emit(claim_json(claim, last))
    else:
        for line in as_text(claim, last, law):
            say(line)


def _of_case(invoice: str, as_of: str | None, other: list[Any], as_json: bool, data_dir: str | None) -> None:
    if any(other):
        raise WrongUsage("a case has its own amount, dates, law and payments: give nothing but --as-of with INVOICE")

    def found(service: Any) -> Case:
        creditor, number = service.resolve(invoice)
        case: Case | None = service.ledger.rebuild(ids.case_id(creditor, number))
        if case is None:
            raise InputRefused(f"there is no case {creditor}/{number}")
        return in_force(case, service.settings.data_dir)

    # The calculator alone needs neither ledger nor server.
    from gateway.cli.session import with_ledger
    from gateway.newer_tables import in_force

    case = with_ledger(data_dir, found)
    last = _day("--as-of", as_of) if as_of else debtor_day(case.invoice, case.clock.at(datetime.now(UTC)))
    if last < case.invoice.due:
        raise InputRefused(f"--as-of {last} lies before the due date {case.invoice.due}: the debt is not late yet")
    if case.law is None and case.invoice.late_fee is None:
        raise InputRefused(
            "neither a late fee nor a jurisdiction is known for this case: name one in the invoice's file or the "
            "creditor's file, or use the options with --jurisdiction"
        )
    claim = late_charges(case.invoice, case, last)
    if as_json:
        emit({**claim_json(claim, last), "claimed": case.claim is not None})
        return
    for line in as_text(claim, last, case.law.jurisdiction if case.law else None):
        say(line)
    say("Claimed in this case." if case.claim else "Not claimed in this case so far.")


def as_text(claim: Claim, as_of: date, law: Jurisdiction | None) -> list[str]:
    """The claim for people."""
    statement = claim.statement
    by = f"{law.code}, {law.name}" if law else "by contract"
    lines = [f"{claim.principal} overdue, at the end of {as_of} ({by})", ""]
    rows = [("from", "to", "days", "balance", "rate", "interest"), *map(_row, statement.segments)]
    widths = [max(len(row[i]) for row in rows) for i in range(6)]
    lines += [" ".join(_aligned(row, widths)).rstrip() for row in rows] if statement.segments else ["No interest yet."]
    sources: dict[str, bool] = {s.source: s.verified for s in statement.segments}
    lines += ["", *(f"Rate{'' if checked else ' *'}: {source}" for source, checked in sources.items())]
    for a in statement.applied:
        used = a.allocation
        parts = f"{used.costs} costs, {used.interest} interest, {used.principal} principal"
        lines.append(f"Paid {a.on}: {parts}" + (f", {used.unapplied} beyond the debt" if used.unapplied else ""))
    totals = {
        "Principal": claim.principal, "Interest": claim.interest, "Fixed compensation": claim.compensation,
        "Paid": claim.paid, "of it beyond the debt": statement.unapplied, "Open": claim.total,
    }  # fmt: skip
    shown = {label: str(sum_) for label, sum_ in totals.items() if sum_ or label in ("Principal", "Interest", "Open")}
    width = max(map(len, shown.values()))
    lines += ["", *(f"{label:<22}{text:>{width}}" for label, text in shown.items()), ""]
    lines += [f"Warning: {text}" for text in claim.warnings]
    lines += [f"Note: {text}" for text in claim.notes]
    lines += [f"Unverified *: {text}" for text in claim.unverified if text not in sources]
    return [*lines, DISCLAIMER]


def _row(s: Segment) -> tuple[str, ...]:
    rate = s.rate if s.verified else f"{s.rate} *"
    return (s.start.isoformat(), s.end.isoformat(), str(s.days), str(s.balance), rate, str(s.amount))


def _aligned(row: tuple[str, ...], widths: list[int]) -> list[str]:
    left = {0, 1, 4}
    return [
        f"{text:<{w}} " if i in left else f"{text:>{w}} " for i, (text, w) in enumerate(zip(row, widths, strict=True))
    ]


def _sum(money: Money) -> str:
    return str(money.amount)


def _known_currency(text: str) -> str:
    try:
        return cells.currency(text.strip().upper())
    except ValueError as error:
        raise InputRefused(f"--currency {text!r}: {error}") from None


def _money(option: str, text: str, currency: str) -> Money:
    try:
        return _read_amount(text.strip(), currency)
    except ValueError as error:
        raise InputRefused(f"{option} {text!r}: {error}") from None


def _day(option: str, text: str) -> date:
    try:
        return cells.iso_date(text.strip())
    except ValueError as error:
        raise InputRefused(f"{option} {text!r}: {error}; write the day as YYYY-MM-DD") from None


def _fee(text: str) -> LateFee:
    try:
        return LateFee.model_validate(text)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise InputRefused(f"--contract-rate {text!r}: {reason}") from None


def _payment(text: str, currency: str, as_of: date) -> tuple[date, Money]:
    on, colon, amount = text.partition(":")
    if not colon:
        raise InputRefused(f"--paid {text!r}: write it as DATE:AMOUNT, such as 2026-03-31:500.00")
    day, money = _day("--paid", on), _money("--paid", amount, currency)
    if day > as_of:
        raise InputRefused(f"--paid {text!r}: the payment lies after --as-of {as_of}")
    return day, money
