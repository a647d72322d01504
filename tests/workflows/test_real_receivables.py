"""A hundred real invoices as real workflows: the steps, at the instants, that the simulation names.

The invoices begin, are disputed and are paid on the days of the file, all on one calendar that passes once.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from gateway.intake.entries import Accepted, InvoiceRow
from gateway.intake.invoices import InvoiceFile
from gateway.intake.profiles import load_profile
from gateway.policy_files import load_policy
from gateway.simulate import case_line, drive, fate, opening
from models import events as e
from models.changes import open_case
from tests.workflows.world import World

SAMPLE = Path(__file__).parents[2] / "gateway" / "sample" / "watson-ar-100.csv"


def rows() -> list[InvoiceRow]:
    with InvoiceFile(SAMPLE, load_profile("watson-ar")) as file:
        return [entry.row for entry in file if isinstance(entry, Accepted)]


class Happening(NamedTuple):
    """What the calendar brings: an invoice that begins, or a message for one that has begun."""

    at: datetime
    row: InvoiceRow
    message: e.Message | None = None


def happenings(invoices: list[InvoiceRow], opened: dict[str, e.CaseOpened]) -> list[Happening]:
    begins = [Happening(opened[row.invoice.number].clock.business, row) for row in invoices]
    told = [Happening(m.at, row, m.but(at=None)) for row in invoices for m in fate(row) if m.at is not None]
    return sorted([*begins, *told], key=lambda h: (h.at, h.message is not None))


async def test_a_hundred_real_invoices_take_the_steps_of_the_simulation(world: World) -> None:
    plain, invoices = load_policy("plain"), rows()
    opened = {row.invoice.number: opening(row, plain) for row in invoices}
    calendar = happenings(invoices, opened)
    end = calendar[-1].at + timedelta(days=1)
    world.begin_at(calendar[0].at)
    for at, row, message in calendar:
        if at > await world.now():
            await world.pass_until(at)
        if message is None:
            await world.pursue(row.invoice, plain)
        else:
            await world.service.tell(row.invoice.creditor, row.invoice.number, message)
    await world.pass_until(end)

    cases = {row.invoice.number: world.ledger.rebuild(row.invoice.case_id) for row in invoices}
    assert len(cases) == 100
    for row in invoices:
        case = cases[row.invoice.number]
        assert case is not None
        assert case_line(case) == case_line(drive(open_case(opened[row.invoice.number]), fate(row), end))
        for done in case.performed:
            assert done.performed_at - done.planned_at < timedelta(minutes=1), f"{row.invoice.number}: {done.step}"
    assert len(world.mail.letters) == sum(len(case.performed) for case in cases.values() if case)
