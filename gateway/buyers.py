"""What concerns several invoices of one buyer: a payment for all, a plan over all, money of one that settles another.

Each case hears of its own part, through the service.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from activities.ledger import LedgerConflict
from gateway.errors import InputRefused
from gateway.service import Service, Told
from models import events as e
from models import ids
from models.allocation import OpenItem, split, split_instalments
from models.case import Refused
from models.changes import apply
from models.messages import Instalment
from models.money import Money


async def receive(
    service: Service, creditor: str, buyer: str, payment: e.PaymentReceived, named: Mapping[str, Money]
) -> list[tuple[str, Told]]:
    """Split a payment of a buyer over its open invoices, store all shares at once, and tell each case its own.

    The same reference again delivers the same shares, whatever was paid meanwhile.

    Raises:
        InputRefused: no invoice of the buyer is open, or the remittance advice does not fit.
    """
    shares = [(number, share.amount) for number, share in service.ledger.shares(creditor, buyer, payment.id)]
    if shares:
        before = sum((share for _, share in shares), Money.zero(payment.amount.currency))
        if before != payment.amount:
            raise InputRefused(f"payment {payment.id!r} was received before, with {before} instead of {payment.amount}")
    else:
        shares = _shares(service, creditor, buyer, payment.amount, named)
    messages = [(number, payment.but(amount=share, source="service")) for number, share in shares]
    try:
        await asyncio.to_thread(service.ledger.receive_all, [(creditor, n, message) for n, message in messages])
    except LedgerConflict as conflict:
        raise InputRefused(str(conflict)) from conflict
    return [(number, await service.tell(creditor, number, message)) for number, message in messages]


def _shares(
    service: Service, creditor: str, buyer: str, paid: Money, named: Mapping[str, Money]
) -> list[tuple[str, Money]]:  # fmt: skip
    """How a payment is split; in a currency that nothing is owed in, it waits with the oldest invoice, with a task."""
    items = [
        OpenItem(row.number, Money.from_minor(row.outstanding_minor, row.currency))
        for row in service.ledger.open_items(creditor, buyer, paid.currency)
    ]
    oldest = next(iter(service.ledger.open_items(creditor, buyer)), None)
    if not items and oldest is not None and not named:
        return [(str(oldest.number), paid)]
    if not items:
        raise InputRefused(f"buyer {creditor}/{buyer} has no open invoice in {paid.currency}")
    try:
        return list(split(paid, items, named).items())
    except ValueError as error:
        raise InputRefused(f"buyer {creditor}/{buyer}: {error}") from None


def found_for_set_off(
    service: Service, source: tuple[str, str], target: tuple[str, str], amount: Money, payment: str | None
) -> e.PaymentReceived:
    """The payment on one invoice of which an amount is to settle another; one that has left already, too.

    Raises:
        InputRefused: the invoices do not belong together, or there is no such payment.
    """
    (creditor, number), (_, other) = source, target
    mine, its = (next(iter(service.ledger.find(name, code))) for code, name in (source, target))
    if mine.creditor != its.creditor:
        raise InputRefused("money of one creditor cannot settle an invoice of another")
    if mine.buyer_id != its.buyer_id:
        raise InputRefused(
            f"{creditor}/{number} is of buyer {mine.buyer_id}, {creditor}/{other} of {its.buyer_id}: "
            "money of one buyer cannot settle an invoice of another"
        )
    if amount.currency != its.currency:
        raise InputRefused(f"{creditor}/{other} is owed in {its.currency}: {amount} cannot be set off against it")
    wanted = payment or _unapplied(service, creditor, number, other, amount)
    paid = service.ledger.payments(creditor, number)
    found = next((message for message in paid if message.id == wanted), None)
    if found is None:
        known = ", ".join(message.id for message in paid) or "none"
        raise InputRefused(f"{creditor}/{number} has no payment {wanted!r} (known: {known})")
    if other == number:
        raise InputRefused(f"{creditor}/{number}: what settles nothing here cannot be set off here, either")
    return found


def _unapplied(service: Service, creditor: str, number: str, other: str, amount: Money) -> str:
    """The only payment that is unapplied; or the one that this very set-off, cut off before, has taken already."""
    told = [m for m in service.ledger.told(creditor, number) if isinstance(m, e.Refunded)]
    again = next((m.payment for m in told if (m.to, m.amount) == (other, amount)), None)
    if again is not None:
        return again
    case = service.ledger.rebuild(ids.case_id(creditor, number))
    found = [
        *(p.id for p in (case.unapplied if case else ())),
        *(p.id for p in service.ledger.unapplied(creditor, number)),
    ]
    if len(found) != 1:
        raise InputRefused(f"{creditor}/{number}: name the --payment (unapplied: {', '.join(found) or 'none'})")
    return found[0]


async def set_off(
    service: Service, creditor: str, number: str, out: e.Refunded, found: e.PaymentReceived
) -> list[tuple[str, Told]]:  # fmt: skip
    """Move money that is unapplied on one invoice to another (`out.to`), where it comes in as a payment.

    Both halves carry one reference: after a crash in between, the same again completes it.

    Raises:
        InputRefused: the money is not there, or the other invoice has another payment of that reference.
    """
    into = e.PaymentReceived(
        id=out.id, amount=out.amount, received_on=found.received_on, payer=found.payer, by=out.by
    )  # fmt: skip
    # Before the money leaves: it must be able to arrive.
    if any(m.id == into.id and m.fingerprint != into.fingerprint for m in service.ledger.payments(creditor, out.to)):
        raise InputRefused(f"{creditor}/{out.to} has another payment {out.id!r}: give this set-off its own --reference")
    return [
        (number, await service.tell(creditor, number, out)),
        (out.to, await service.tell(creditor, out.to, into)),
    ]


async def agree_plan(
    service: Service, cases: Sequence[tuple[str, str]], agreed: e.PlanAgreed
) -> list[tuple[str, Told]]:  # fmt: skip
    """One plan over several invoices of a buyer: each case gets its part of the instalments.

    The same plan again tells each case the part it had before, whatever was paid meanwhile.

    Raises:
        InputRefused: the invoices do not belong together, the instalments do not add up, or a case refuses.
    """
    rows = [next(iter(service.ledger.find(number, creditor))) for creditor, number in cases]
    if len({(row.creditor, row.buyer_id, row.currency) for row in rows}) != 1:
        raise InputRefused("a plan is over invoices of one buyer of one creditor, in one currency")
    rows.sort(key=lambda row: (row.due, row.number))
    creditor = rows[0].creditor
    before = _parts_before(service, rows, agreed.id)
    parts = before | _parts_left(rows, agreed, before)
    everyone = tuple(str(row.case_id) for row in rows)
    messages = {
        row.number: agreed.but(plan=agreed.plan or agreed.id, with_cases=everyone, instalments=parts[row.number])
        for row in rows
        if parts.get(row.number)
    }
    for number, message in messages.items():
        if number not in before:
            _acceptable(service, creditor, number, message)
    told: list[tuple[str, Told]] = []
    for number, message in messages.items():
        try:
            told.append((number, await service.tell(creditor, number, message)))
        except InputRefused:
            # All of it or none: what was agreed for the others falls with the one that refuses.
            for other, _ in told:
                ended = e.PlanEnded(id=f"{agreed.id}-undone", plan=message.plan, reason="not agreed for all invoices")
                await service.tell(creditor, other, ended.but(by=agreed.by))
            raise
    return told


def _parts_before(service: Service, rows: Sequence[Any], name: str) -> dict[str, tuple[Instalment, ...]]:
    """The parts of a plan that cases were told before."""
    return {
        row.number: message.instalments
        for row in rows
        for message in service.ledger.told(row.creditor, row.number, only_money=False)
        if isinstance(message, e.PlanAgreed) and message.id == name
    }


def _parts_left(
    rows: Sequence[Any], agreed: e.PlanAgreed, before: Mapping[str, Sequence[Instalment]]
) -> dict[str, tuple[Instalment, ...]]:
    """The parts of a plan for the cases that were not told theirs before: all of them, unless it was cut off.

    Raises:
        InputRefused: the instalments are not those of before, or do not add up to what is outstanding.
    """
    wanted: list[tuple[date, Money]] = [(i.due, i.amount) for i in agreed.instalments]
    items = [
        OpenItem(row.number, Money.from_minor(row.outstanding_minor, row.currency))
        for row in rows
        if row.number not in before
    ]
    for told in (instalment for part in before.values() for instalment in part):
        nth = next((n for n, (day, amount) in enumerate(wanted) if day == told.due and told.amount <= amount), None)
        if nth is None:
            raise InputRefused(f"plan {agreed.id!r} was agreed before with other instalments")
        wanted[nth] = (told.due, wanted[nth][1] - told.amount)
    wanted = [(day, amount) for day, amount in wanted if amount]
    if before and not wanted:
        return {}
    if not items:
        raise InputRefused(f"plan {agreed.id!r} was agreed before with other instalments")
    try:
        parts = split_instalments(wanted, items)
    except ValueError as error:
        raise InputRefused(str(error)) from None
    return {number: tuple(Instalment(due=day, amount=amount) for day, amount in part) for number, part in parts.items()}


def _acceptable(service: Service, creditor: str, number: str, message: e.PlanAgreed) -> None:
    """Refuse before anything is told, as far as the ledger can tell."""
    case = service.ledger.rebuild(ids.case_id(creditor, number))
    if case is None:
        raise InputRefused(f"there is no case {creditor}/{number}")
    try:
        apply(case, message.but(at=service.business_now(case)))
    except Refused as refusal:
        raise InputRefused(f"{creditor}/{number}: {refusal}") from None


async def end_plan(
    service: Service, cases: Sequence[tuple[str, str]], ended: e.PlanEnded
) -> list[tuple[str, Told]]:  # fmt: skip
    """End the plans of invoices; where they are one plan, the first case has told the others.

    Raises:
        InputRefused: none of them has a plan.
    """
    told: list[tuple[str, Told]] = []
    for creditor, number in cases:
        try:
            told.append((number, await service.tell(creditor, number, ended)))
        except InputRefused as refusal:
            if not told or "is running" not in str(refusal):
                raise
            told.append((number, Told("the plan has ended with that of the other invoice", None)))
    return told
