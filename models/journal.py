"""Double entries for the accounting system: what an event did to a case, from the case before and after it.

The invoice itself is in the accounting system, as it came from there; what happened to it here is not. Which numbers
its accounts have is data (gateway/accounts.py); here they go by what they are for.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Literal, NamedTuple, get_args

from models import events as e
from models.books import LET_GO, WAIVED, late_charges
from models.case import Case
from models.money import Money

Account = Literal[
    "receivables", "interest_receivable", "costs_receivable", "unapplied_cash", "bank_clearing", "currency_clearing",
    "interest_income", "costs_income", "interest_waived", "costs_waived", "principal_waived", "short_settlement",
    "credit_notes", "set_off", "goods_in_lieu", "cash_discount", "bank_charges", "bad_debt", "bad_debt_recovered",
]  # fmt: skip
ACCOUNTS: tuple[Account, ...] = get_args(Account)

EntryType = Literal[
    "interest", "costs", "waiver", "payment", "payment_reversed", "unapplied_cash", "refund", "conversion",
    "credit_note", "set_off", "goods_in_lieu", "cash_discount", "bank_charges", "short_settlement", "write_off",
    "recovery", "reallocation",
]  # fmt: skip

_CREDIT_ACCOUNTS: dict[e.CreditKind, Account] = {
    "credit_note": "credit_notes", "set_off": "set_off", "goods_in_lieu": "goods_in_lieu",
    "cash_discount": "cash_discount", "bank_charges": "bank_charges",
}  # fmt: skip
_OWN_KIND: dict[Account, EntryType] = {
    "interest_income": "interest", "costs_income": "costs", "interest_waived": "waiver", "costs_waived": "waiver",
    "principal_waived": "waiver", "short_settlement": "short_settlement", "currency_clearing": "conversion",
    "credit_notes": "credit_note", "set_off": "set_off", "goods_in_lieu": "goods_in_lieu",
    "cash_discount": "cash_discount", "bank_charges": "bank_charges", "bad_debt_recovered": "recovery",
    "bad_debt": "write_off",
}  # fmt: skip
"""The accounts that say what an entry is; the earlier ones first."""
_TEXTS: dict[EntryType, str] = {
    "interest": "late-payment interest claimed", "costs": "costs of the late payment claimed",
    "waiver": "claim given up", "payment": "payment", "payment_reversed": "payment taken back",
    "unapplied_cash": "money applied to nothing yet", "refund": "unapplied money left",
    "conversion": "foreign payment converted", "credit_note": "credit note", "set_off": "set off",
    "goods_in_lieu": "goods taken in lieu", "cash_discount": "cash discount borne",
    "bank_charges": "bank charges borne", "short_settlement": "small rest let go",
    "write_off": "written off (no waiver)", "recovery": "recovered after the write-off",
    "reallocation": "allocated anew",
}  # fmt: skip


class Entry(NamedTuple):
    """One amount from one account to another: debits equal credits because there is but one amount."""

    type: EntryType
    debit: Account
    credit: Account
    amount: Money
    reference: str = ""
    text: str = ""


class JournalLine(NamedTuple):
    """An entry with its place: the same line has the same id in every export."""

    id: str
    date: date
    creditor: str
    invoice: str
    buyer: str
    entry: Entry
    sequence: int | None


class _Books(NamedTuple):
    """What a case's entries come to, in its own currency; `foreign` by other currencies."""

    principal: Money
    interest: Money
    costs: Money
    accrued_interest: Money
    accrued_costs: Money
    waived: tuple[Money, Money, Money]
    """Interest, costs and principal given up."""
    short: Money
    credits: Mapping[Account, Money]
    cash: Money
    """What came in less what left again."""
    converted: Money
    liability: Money
    """Unapplied money, less what was paid back of payments that were taken back later."""
    foreign: Mapping[str, tuple[Money, Money]]
    """By currency: cash, and what of it was converted."""


def entries(before: Case, event: e.Event, after: Case) -> Iterator[Entry]:
    """The entries that an event makes."""
    if all(getattr(before, name) is getattr(after, name) for name in _MONEY):
        return
    was, now = _books(before), _books(after)
    reference = str(getattr(event, "payment", "") or event.id or getattr(event, "step", ""))
    why = str(getattr(event, "reason", "") or getattr(event, "note", "")).strip()
    for entry in _moves(was, now, before.written_off, after.written_off):
        text = f"{_TEXTS[entry.type]}: {why}" if why else _TEXTS[entry.type]
        yield entry._replace(reference=reference, text=text)


_MONEY = ("owed", "payments", "credits", "waivers", "claim", "short", "unapplied", "written_off")


def _books(case: Case) -> _Books:
    zero = Money.zero(case.currency)
    interest = costs = short = zero
    waived = (zero, zero, zero)
    if case.claim is not None:
        claim = late_charges(case.invoice, case, case.claim.through)
        interest, costs = claim.interest, claim.compensation
        given_up = [a.allocation for a in claim.statement.applied if a.order in (WAIVED, LET_GO)]
        waived = (
            sum((a.interest for a in given_up), zero), sum((a.costs for a in given_up), zero),
            sum((a.principal for a in given_up), zero),
        )  # fmt: skip
        short = claim.total if case.short is not None else zero
    elif case.short is not None:
        short = case.short
    credits: dict[Account, Money] = {}
    for credit in case.credits:
        account = _CREDIT_ACCOUNTS[credit.kind]
        credits[account] = credits.get(account, zero) + credit.amount
    cash, converted, liability, foreign = _cash(case)
    owed = case.owed
    return _Books(
        owed.principal, owed.interest, owed.costs, interest, costs, waived, short, credits, cash, converted, liability,
        foreign,
    )  # fmt: skip


def _cash(case: Case) -> tuple[Money, Money, Money, dict[str, tuple[Money, Money]]]:
    """Cash, converted money and the liability in the case's currency; cash and converted money in others."""
    zero = Money.zero(case.currency)
    cash, converted = {case.currency: zero}, {case.currency: zero}
    liability = sum((p.amount for p in case.unapplied if p.amount.currency == case.currency), zero)

    def add(to: dict[str, Money], amount: Money, sign: int = 1) -> None:
        there = to.get(amount.currency, Money.zero(amount.currency))
        to[amount.currency] = there + amount if sign > 0 else there - amount

    for payment in case.payments:
        if not payment.reversed:
            add(cash, payment.amount)
            if payment.counts_as is not None and payment.amount.currency != case.currency:
                add(converted, payment.amount)
                add(converted, payment.counts_as)
        if payment.returned is not None:
            add(cash, payment.returned, -1)
            if payment.reversed and payment.returned.currency == case.currency:
                # It was paid back, and then its payment was taken back: the payer owes it us.
                liability = liability - payment.returned
    foreign = {
        currency: (cash[currency], converted.get(currency, Money.zero(currency)))
        for currency in cash
        if currency != case.currency
    }
    return cash[case.currency], converted[case.currency], liability, foreign


# --- what changed ---------------------------------------------------------------------------------------------


def _moves(was: _Books, now: _Books, was_off: bool, is_off: bool) -> Iterator[Entry]:
    """The entries between two states of the books."""
    zero = Money.zero(now.cash.currency)
    moved: dict[Account, Money] = {
        account: now.credits.get(account, zero) - was.credits.get(account, zero)
        for account in _CREDIT_ACCOUNTS.values()
    }  # fmt: skip
    moved["bank_clearing"] = now.cash - was.cash
    moved["currency_clearing"] = now.converted - was.converted
    moved["unapplied_cash"] = was.liability - now.liability
    if was_off:
        # What is written off is not in the books any more: what comes in is income, what is given up is nothing.
        moved["bad_debt"] = zero - sum((moved[account] for account in _CREDIT_ACCOUNTS.values()), zero)
        moved["bad_debt_recovered"] = zero - sum(moved.values(), zero)
    else:
        accrued = now.accrued_interest - was.accrued_interest, now.accrued_costs - was.accrued_costs
        yield from _pairs(
            {"interest_receivable": accrued[0], "interest_income": was.accrued_interest - now.accrued_interest}
        )
        yield from _pairs({"costs_receivable": accrued[1], "costs_income": was.accrued_costs - now.accrued_costs})
        moved["interest_waived"] = now.waived[0] - was.waived[0]
        moved["costs_waived"] = now.waived[1] - was.waived[1]
        moved["principal_waived"] = now.waived[2] - was.waived[2]
        moved["short_settlement"] = now.short - was.short
        moved["interest_receivable"] = now.interest - was.interest - accrued[0]
        moved["costs_receivable"] = now.costs - was.costs - accrued[1]
        moved["receivables"] = now.principal - was.principal
    yield from _pairs(moved)
    for currency in sorted({*was.foreign, *now.foreign}):
        yield from _foreign(was, now, currency)
    if is_off and not was_off:
        for account, amount in (
            ("receivables", now.principal), ("interest_receivable", now.interest), ("costs_receivable", now.costs),
        ):  # fmt: skip
            yield from _pairs({"bad_debt": amount, account: zero - amount})  # type: ignore[dict-item]


def _foreign(was: _Books, now: _Books, currency: str) -> Iterator[Entry]:
    """Payments in another currency: unapplied as they come, and out of there when they are converted."""
    nothing = (Money.zero(currency), Money.zero(currency))
    (cash_was, converted_was), (cash, converted) = (
        was.foreign.get(currency, nothing),
        now.foreign.get(currency, nothing),
    )
    came, changed = cash - cash_was, converted - converted_was
    yield from _pairs(
        {"bank_clearing": came, "currency_clearing": Money.zero(currency) - changed, "unapplied_cash": changed - came}
    )


_TOGETHER: tuple[tuple[Account, Account], ...] = (
    ("interest_waived", "interest_receivable"), ("costs_waived", "costs_receivable"),
    ("principal_waived", "receivables"), *((account, "receivables") for account in _CREDIT_ACCOUNTS.values()),
    *((account, "bad_debt") for account in _CREDIT_ACCOUNTS.values()),
    ("bank_clearing", "costs_receivable"), ("bank_clearing", "interest_receivable"), ("bank_clearing", "receivables"),
    ("bank_clearing", "bad_debt_recovered"), ("currency_clearing", "receivables"),
)  # fmt: skip
"""What belongs together where an event moves more than two accounts."""


def _pairs(moved: Mapping[Account, Money]) -> Iterator[Entry]:
    """Movements that add up to nothing (more than zero is a debit), as pairs of accounts."""
    left = {account: amount for account, amount in moved.items() if amount}
    pairs = [*_TOGETHER, *((one, other) for one in moved for other in moved if one != other)]
    for one, other in pairs:
        first, second = left.get(one), left.get(other)
        if first is None or second is None or (first.amount > 0) == (second.amount > 0):
            continue
        nothing = Money.zero(first.currency)
        debit, credit, amount = (one, other, first) if first.amount > 0 else (other, one, second)
        amount = min(amount, nothing - (second if debit == one else first))
        left[debit], left[credit] = left[debit] - amount, left[credit] + amount
        left = {account: rest for account, rest in left.items() if rest}
        yield Entry(_kind(debit, credit), debit, credit, amount)
    if left:
        told = ", ".join(f"{account} {amount}" for account, amount in left.items())
        raise ValueError(f"the entries do not add up: {told} is left over")


def _kind(debit: Account, credit: Account) -> EntryType:
    both = (debit, credit)
    own = next((kind for account, kind in _OWN_KIND.items() if account in both), None)
    if own is not None:
        return own
    if "bank_clearing" not in both:
        return "unapplied_cash" if "unapplied_cash" in both else "reallocation"
    if "unapplied_cash" in both:
        return "unapplied_cash" if debit == "bank_clearing" else "refund"
    return "payment" if debit == "bank_clearing" else "payment_reversed"


# --- sums -----------------------------------------------------------------------------------------------------


def totals(lines: Iterable[Entry]) -> dict[tuple[Account, str], tuple[Money, Money]]:
    """By account and currency: all debits, all credits."""
    found: dict[tuple[Account, str], tuple[Money, Money]] = {}
    for entry in lines:
        nothing = Money.zero(entry.amount.currency)
        for account, debit in ((entry.debit, True), (entry.credit, False)):
            debits, credits = found.get((account, nothing.currency), (nothing, nothing))
            found[account, nothing.currency] = (
                (debits + entry.amount, credits) if debit else (debits, credits + entry.amount)
            )
    return found
