"""What concerns several invoices of one buyer: a payment for all of them, a plan over all of them.

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
        items = _open_items(service, creditor, buyer, payment.amount.currency)
        if not items:
            raise InputRefused(f"buyer {creditor}/{buyer} has no open invoice in {payment.amount.currency}")
        try:
            shares = list(split(payment.amount, items, named).items())
        except ValueError as error:
            raise InputRefused(f"buyer {creditor}/{buyer}: {error}") from None
    messages = [(number, payment.but(amount=share, source="service")) for number, share in shares]
    try:
        await asyncio.to_thread(service.ledger.receive_all, [(creditor, n, message) for n, message in messages])
    except LedgerConflict as conflict:
        raise InputRefused(str(conflict)) from conflict
    return [(number, await service.tell(creditor, number, message)) for number, message in messages]


def _open_items(service: Service, creditor: str, buyer: str, currency: str) -> list[OpenItem]:
    rows: Sequence[Any] = service.ledger.open_items(creditor, buyer, currency)
    return [OpenItem(row.number, Money.from_minor(row.outstanding_minor, row.currency)) for row in rows]


async def agree_plan(
    service: Service, cases: Sequence[tuple[str, str]], agreed: e.PlanAgreed
) -> list[tuple[str, Told]]:  # fmt: skip
    """One plan over several invoices of a buyer: each case gets its part of the instalments.

    Raises:
        InputRefused: the invoices do not belong together, the instalments do not add up, or a case refuses.
    """
    rows = [next(iter(service.ledger.find(number, creditor))) for creditor, number in cases]
    if len({(row.creditor, row.buyer_id, row.currency) for row in rows}) != 1:
        raise InputRefused("a plan is over invoices of one buyer of one creditor, in one currency")
    rows.sort(key=lambda row: (row.due, row.number))
    creditor = rows[0].creditor
    items = [OpenItem(row.number, Money.from_minor(row.outstanding_minor, row.currency)) for row in rows]
    wanted: list[tuple[date, Money]] = [(i.due, i.amount) for i in agreed.instalments]
    try:
        parts = split_instalments(wanted, items)
    except ValueError as error:
        raise InputRefused(str(error)) from None
    everyone = tuple(ids.case_id(creditor, item.number) for item in items)
    messages = {
        number: agreed.but(
            plan=agreed.plan or agreed.id, with_cases=everyone,
            instalments=tuple(Instalment(due=day, amount=amount) for day, amount in part),
        )
        for number, part in parts.items()
        if part
    }  # fmt: skip
    for number, message in messages.items():
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
