"""Control sums: does a statement add up, and does one follow the other. What does not is told with its figures."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from decimal import Decimal

from gateway.bank.statement import Movement, Reject, Statement, Total
from models.money import Money

CREDITS, DEBITS, ALL, NET = "credit entries", "debit entries", "entries", "entries, net"
"""The names of totals."""


def faults(statements: Sequence[Statement]) -> list[Reject]:
    """Everything that does not add up in the statements of one file."""
    found = [fault for statement in statements for fault in (*_balances(statement), *_totals(statement))]
    return found or [fault for chain in chains(statements) for fault in _gaps(chain)]


def chains(statements: Iterable[Statement]) -> list[list[Statement]]:
    """The statements of each account in one currency, in their order; one that is repeated is there once."""
    found: dict[tuple[str, str], list[Statement]] = {}
    known: set[Hashable] = set()
    for statement in statements:
        says = content(statement)
        if says not in known:
            known.add(says)
            found.setdefault((statement.account, statement.currency), []).append(statement)
    return list(found.values())


def content(statement: Statement) -> Hashable:
    """What a statement says; another with the same says it again: the same number, balances and entries."""
    balances = tuple(b and (b.amount, b.on) for b in (statement.opening, statement.closing))
    amounts = tuple((movement.amount, movement.booked) for movement in statement.movements)
    said = tuple(entry.likeness for entry in statement.entries)
    return statement.format, statement.account, statement.number, statement.page, balances, amounts, said


def missing_numbers(statements: Sequence[Statement]) -> Iterator[str]:
    """A sentence for every hole in the numbers of the statements of one account."""
    for chain in chains(statements):
        numbers = [int(s.number) for s in chain if s.number.isascii() and s.number.isdigit() and len(s.number) < 10]
        for one, other in zip(numbers, numbers[1:], strict=False):
            if abs(one - other) > 1 and 1 not in (one, other):
                yield f"statement {other} of {chain[0].account} follows statement {one}: is one missing?"


def _balances(statement: Statement) -> Iterator[Reject]:
    opening, closing = statement.opening, statement.closing
    booked = [movement for movement in statement.movements if movement.booked]
    if opening is None or closing is None:
        return
    currency = opening.amount.currency
    strange = [m for m in booked if m.amount.currency != currency]
    if closing.amount.currency != currency or strange:
        what = f"entry {strange[0].entry} in {strange[0].amount.currency}" if strange else ""
        what = what or f"closing balance in {closing.amount.currency}"
        reason = f"the opening balance is in {currency}, the {what}: they cannot be added up"
        yield Reject("closing balance", _text(closing.amount), reason, closing.line)
        return
    expected = _plus(opening.amount, booked)
    if expected != closing.amount:
        reason = (
            f"opening balance {_text(opening.amount)} and {len(booked)} entries make {_text(expected)}, "
            f"the statement closes with {_text(closing.amount)}: difference {_text(closing.amount - expected)}"
        )
        yield Reject("closing balance", _text(closing.amount), reason, closing.line)


def _plus(opening: Money, movements: Iterable[Movement]) -> Money:
    return Money.of(opening.amount + sum((m.amount.amount for m in movements), Decimal(0)), opening.currency)


def _totals(statement: Statement) -> Iterator[Reject]:
    # Whether pending entries count, banks see differently: either is accepted, but one of them for all totals.
    every = list(_untrue(statement.totals, statement.movements))
    booked = [movement for movement in statement.movements if movement.booked]
    if every and len(booked) != len(statement.movements) and not list(_untrue(statement.totals, booked)):
        return
    yield from every


def _untrue(totals: Iterable[Total], movements: Sequence[Movement]) -> Iterator[Reject]:
    for total in totals:
        chosen = [m for m in movements if _counts(total.name, m)]
        if total.number is not None and total.number != len(chosen):
            reason = f"{total.number} {total.name} are announced, the file has {len(chosen)}"
            yield Reject(f"number of {total.name}", str(total.number), reason, total.line)
        if total.amount is None:
            continue
        strange = next((m for m in chosen if m.amount.currency != total.amount.currency), None)
        if strange is not None:
            reason = f"announced in {total.amount.currency}, but entry {strange.entry} is in {strange.amount.currency}"
            yield Reject(f"sum of {total.name}", _text(total.amount), reason, total.line)
            continue
        sizes = (m.amount.amount if total.name == NET else abs(m.amount.amount) for m in chosen)
        found = Money.of(sum(sizes, Decimal(0)), total.amount.currency)
        if found != total.amount:
            reason = (
                f"{_text(total.amount)} announced, the entries make {_text(found)}: "
                f"difference {_text(total.amount - found)}"
            )
            yield Reject(f"sum of {total.name}", _text(total.amount), reason, total.line)


def _counts(name: str, movement: Movement) -> bool:
    if name == CREDITS:
        return movement.amount.amount >= 0
    return movement.amount.amount <= 0 if name == DEBITS else True


def _gaps(chain: Sequence[Statement]) -> list[Reject]:
    """Where a statement does not open with what the one before closed with, forwards or (newest first) backwards."""
    with_balances = [s for s in chain if s.opening is not None and s.closing is not None]
    forwards = list(_broken(with_balances))
    return forwards if forwards and list(_broken(with_balances[::-1])) else []


def _broken(chain: Sequence[Statement]) -> Iterator[Reject]:
    for one, other in zip(chain, chain[1:], strict=False):
        assert one.closing is not None and other.opening is not None
        if one.closing.amount != other.opening.amount:
            difference = _text(other.opening.amount - one.closing.amount)
            reason = (
                f"the statement before it closes with {_text(one.closing.amount)}: difference {difference}; "
                "is a statement missing?"
            )
            yield Reject("opening balance", _text(other.opening.amount), reason, other.opening.line)


def _text(money: Money) -> str:
    return f"{money.amount} {money.currency}"
