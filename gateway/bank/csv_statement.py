"""A bank's CSV, read by a profile: its rows as entries, its running balance checked. Its header: csv_head.py."""

import io
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from gateway.bank import texts
from gateway.bank.codes import ZERO, Codes, kind_of
from gateway.bank.csv_cells import amount_reader, day_reader, may_be_thousands
from gateway.bank.csv_head import Head
from gateway.bank.csv_overlooked import nameless_direction, overlooked
from gateway.bank.csv_profiles import Column
from gateway.bank.statement import Balance, Ignored, Movement, Refused, Reject, Statement
from gateway.intake.reading import Lines, Unreadable, csv_records
from models.bank import BankEntry
from models.money import Money, minor_unit

MAX_ROWS = 1_000_000
NAMELESS = "CSV-"
"""How an account begins that is named by its profile, for want of better."""


class _Row(NamedTuple):
    line: int
    cells: list[str]


class _Read(NamedTuple):
    row: _Row
    amount: Money
    booked_on: date
    value_on: date | None
    balance: Money | None
    booked: bool


def read_csv(head: Head, name: str) -> list[Statement]:
    """The statements of a file, one for each account and currency in it.

    Raises:
        Refused: if a row cannot be read, or the running balance does not add up; nothing may be taken then.
    """
    return _Reading(head, name).statements()


class _Reading:
    def __init__(self, head: Head, name: str) -> None:
        self.head, self.profile, self.name = head, head.profile, name
        self.rows, self.passed = self._rows()
        nameless = nameless_direction(head, [row.cells for row in self.rows])
        if nameless is not None:
            self.head = replace(head, places={**head.places, "direction": (nameless,)})
        self.amount = amount_reader(head.profile.decimal)
        days = [cell for row in self.rows for c in ("booked_on", "value_on") if (cell := self._cell(row, c))]
        try:
            self.day = day_reader(days, head.profile.date_formats)
        except ValueError as error:
            raise Refused(Reject("booked_on", "", str(error), self.head.line)) from None

    def statements(self) -> list[Statement]:
        what = "rows without a day and an amount, or with nothing but a balance"
        notes = [f"{what}: {self.passed}; passed over"] if self.passed else []
        groups: dict[tuple[str, str], list[_Read]] = {}
        found = [self._read(row) for row in self.rows]
        received = [read.amount.amount > 0 if read.amount else None for read in found]
        reject = overlooked(self.head, [row.cells for row in self.rows], received)
        if reject is not None:
            raise Refused(reject)
        for read in found:
            groups.setdefault((self._account(read.row), read.amount.currency), []).append(read)
        if not groups:
            empty = Statement(file=self.name, format="csv", account="", currency="", notes=("no rows", *notes))
            return [empty]
        return [self._statement(account, rows, notes) for (account, _), rows in groups.items()]

    def _rows(self) -> tuple[list[_Row], int]:
        lines = Lines(io.StringIO(self.head.text, newline=""))
        for _ in range(self.head.line):
            lines.begin()
            next(lines, "")
        lines.begin()
        found: list[_Row] = []
        passed = 0
        balances = {word.casefold() for word in self.profile.balance_rows}
        for line, cells in csv_records(lines, self.head.delimiter):
            if isinstance(cells, Unreadable):
                raise Refused(Reject("", texts.clean(cells.raw, 60), cells.reason, line))
            if not any(cell.strip() for cell in cells):
                continue
            row = _Row(line, [cell.strip() for cell in cells])
            empty = not any(self._cell(row, c) for c in ("booked_on", "amount", "debit", "credit"))
            if empty or (balances and any(cell.casefold() in balances for cell in row.cells)):
                passed += 1
                continue
            if any(row.cells[len(self.head.names) :]):
                reason = f"{len(cells)} cells where the header has {len(self.head.names)}"
                raise Refused(Reject("", texts.clean(self.head.delimiter.join(cells), 60), reason, line))
            found.append(row)
            if len(found) > MAX_ROWS:
                raise Refused(Reject("", "", f"more than {MAX_ROWS:,} rows", line))
        return found, passed

    def _cell(self, row: _Row, column: Column) -> str:
        places = self.head.places.get(column, ())
        return next((row.cells[p] for p in places if p < len(row.cells) and row.cells[p]), "")

    def _read(self, row: _Row) -> _Read:
        column: Column = "booked_on"
        try:
            booked_on = self.day(self._needed(row, column))
            column = "value_on"
            value = self._cell(row, column)
            value_on = self.day(value) if value else None
            column = "currency"
            currency = self._cell(row, column).upper() or self.head.currency or self.profile.currency or ""
            if not currency:
                raise ValueError("neither the file nor the profile says the currency: give it in the profile")
            minor_unit(currency)
            column, amount = self._amount(row, currency)
            money = texts.money(amount, currency)
            column = "balance"
            text = self._cell(row, column)
            balance = texts.money(self._number(text, currency), currency) if text else None
        except _Fault as fault:
            raise Refused(Reject(fault.column, self._cell(row, fault.column), str(fault), row.line)) from None
        except ValueError as error:
            raise Refused(Reject(column, self._cell(row, column), str(error), row.line)) from None
        status = self._cell(row, "status").casefold()
        booked = not status or not self.profile.booked or status in [s.casefold() for s in self.profile.booked]
        return _Read(row, money, booked_on, value_on, balance, booked)

    def _needed(self, row: _Row, column: Column) -> str:
        text = self._cell(row, column)
        if not text:
            raise ValueError("the cell is empty")
        return text

    def _amount(self, row: _Row, currency: str) -> tuple[Column, Decimal]:
        """The signed amount, and the column that has it."""
        if "amount" in self.head.places:
            amount = self._figure(row, "amount", currency)
            if "direction" not in self.head.places or self.profile.directions is None:
                return "amount", amount
            word, told = self._needed(row, "direction").casefold(), self.profile.directions
            if word in [w.casefold() for w in told.credit]:
                return "amount", amount
            if word in [w.casefold() for w in told.debit]:
                return "amount", -abs(amount)
            raise _Fault("direction", f"neither {', '.join(told.credit)} nor {', '.join(told.debit)}")
        debit = abs(self._figure(row, "debit", currency, Decimal(0)))
        credit = self._figure(row, "credit", currency, Decimal(0))
        if debit and credit:
            raise _Fault("credit", "the row has both a debit and a credit")
        if not self._cell(row, "debit") and not self._cell(row, "credit"):
            raise _Fault("credit", "the row has neither a debit nor a credit")
        return ("debit", -debit) if debit else ("credit", credit)

    def _figure(self, row: _Row, column: Column, currency: str, default: Decimal | None = None) -> Decimal:
        text = self._cell(row, column)
        if not text and default is not None:
            return default
        try:
            return self._number(text, currency)
        except ValueError as error:
            raise _Fault(column, str(error)) from None

    def _number(self, text: str, currency: str) -> Decimal:
        amount, decimal = self.amount(text), self.profile.decimal
        if minor_unit(currency) >= Decimal("0.01") and may_be_thousands(text, decimal):
            raise ValueError(
                f"may be thousands, or {amount} with a decimal {decimal}: use a profile that says which mark is decimal"
            )
        return amount

    def _account(self, row: _Row) -> str:
        given = texts.account(self._cell(row, "account")) or self.head.account
        return given or texts.account(self.profile.account) or f"{NAMELESS}{self.profile.id.upper()}"

    def _statement(self, account: str, rows: list[_Read], notes: list[str]) -> Statement:
        if account.startswith(NAMELESS) and not self.profile.account:
            notes = [
                *notes,
                f"names no account: its entries are kept under {account} and the creditor; give one in the profile",
            ]
        opening, closing = _balances([row for row in rows if row.booked])
        parts = [self._entry(row, account) for row in rows]
        return Statement(
            file=self.name,
            format="csv",
            account=account,
            currency=rows[0].amount.currency,
            opening=opening,
            closing=closing,
            movements=tuple(Movement(str(r.row.line), r.amount, r.booked, r.row.line) for r in rows),
            entries=tuple(entry for entry, reason in parts if not reason),
            ignored=tuple(Ignored(entry, reason) for entry, reason in parts if reason),
            notes=tuple(notes),
            line=self.head.line,
        )

    def _entry(self, read: _Read, account: str) -> tuple[BankEntry, str]:
        row, credit = read.row, read.amount.amount >= 0
        type_ = self._cell(row, "type").casefold()
        words = self.profile.kinds
        returned = not credit and any(word.casefold() in type_ for word in words.reversal)
        charge = not credit and not returned and any(word.casefold() in type_ for word in words.charge)
        kind, reason = kind_of(credit, False, returned, Codes(sub_family="CHRG" if charge else ""))
        if not read.booked:
            reason = f"status {self._cell(row, 'status')}: not booked"
        places = self.head.places.get("remittance", ())
        end_to_end = texts.reference(self._cell(row, "end_to_end"))
        entry = BankEntry(
            account=account,
            entry=str(row.line),
            kind=kind,
            amount=Money.of(abs(read.amount.amount), read.amount.currency),
            booked_on=read.booked_on,
            value_on=read.value_on,
            servicer_reference=texts.reference(self._cell(row, "reference")),
            end_to_end=end_to_end,
            creditor_reference=texts.reference(self._cell(row, "creditor_reference")),
            remittance=texts.lines(row.cells[p] for p in places if p < len(row.cells)),
            payer=texts.clean(self._cell(row, "payer"), 300),
            payer_iban=texts.account(self._cell(row, "payer_iban")),
            returned_reference=end_to_end if kind == "reversal" else "",
        )
        return entry, reason or ("" if read.amount else ZERO)


class _Fault(ValueError):
    """A fault of a column other than the one being read."""

    def __init__(self, column: Column, reason: str) -> None:
        super().__init__(reason)
        self.column = column


def _balances(rows: list[_Read]) -> tuple[Balance | None, Balance | None]:
    """The balances before the first and after the last row, if those that the rows give add up.

    Banks list their entries forwards or backwards; either is tried. A row without a balance is reckoned with the next.
    """
    if not any(row.balance is not None for row in rows):
        return None, None
    for ordered in (rows, rows[::-1]):
        if _broken(ordered) is None:
            first, last = ordered[0], ordered[-1]
            at, known = next((n, row.balance) for n, row in enumerate(ordered) if row.balance is not None)
            before = known - _sum(ordered[: at + 1])
            closing = before + _sum(ordered)
            return Balance(before, first.booked_on, first.row.line), Balance(closing, last.booked_on, last.row.line)
    # Told of the direction in which it goes well for longer.
    raise Refused(max((fault for fault in (_broken(rows), _broken(rows[::-1])) if fault), key=lambda f: f[0])[1])


def _broken(rows: list[_Read]) -> tuple[int, Reject] | None:
    """The first balance that does not follow from the one before and the rows since, and where it is."""
    known: tuple[int, Money] | None = None
    for at, row in enumerate(rows):
        if row.balance is None:
            continue
        if known is not None:
            moved = _sum(rows[known[0] + 1 : at + 1])
            expected = known[1] + moved
            if expected != row.balance:
                reason = (
                    f"{known[1].amount} before and {moved.amount} make {expected.amount}, the row says "
                    f"{row.balance.amount}: difference {(row.balance - expected).amount} {expected.currency}"
                )
                return at, Reject("balance", str(row.balance.amount), reason, row.row.line)
        known = at, row.balance
    return None


def _sum(rows: list[_Read]) -> Money:
    return sum((row.amount for row in rows), Money.zero(rows[0].amount.currency))
