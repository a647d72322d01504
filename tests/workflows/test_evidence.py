"""What the evidence says of a notice is what the notice said."""

from activities.evidence.account import account
from activities.evidence.documents import notices
from activities.evidence.record import load
from gateway.terms import Terms
from models import events as e
from tests.cases import day, law_of
from tests.workflows.stories import CLAIMING
from tests.workflows.world import World


async def test_what_a_letter_demanded_with_interest_is_what_the_evidence_says(world: World) -> None:
    await world.start(CLAIMING, terms=Terms(law_of("DE"), None))
    await world.tell(e.DisputeRaised, amount="300.00 EUR", reason="three boxes short")
    await world.pass_until(day(16))

    # 15 days on the undisputed 700.00 at 10.27 % are 2.95; and the fixed 40.00.
    assert "742.95" in world.mail.letters[-1].text
    record = load(world.ledger.engine, (await world.case()).id)
    assert record is not None
    first, demand = account(record, "first"), account(record, "demand")
    assert (first["demanded"]["amount"], demand["demanded"]["amount"]) == ("700.00", "742.95")
    table = notices(record, {})
    assert b",742.95,EUR," in next(content for name, content in table.items() if name.endswith(".csv"))
