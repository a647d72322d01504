"""One voice per buyer, part by part: what is due, whose turn it is, and what the outbox lets one letter claim."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from activities.database import open_engine
from activities.ledger import Ledger
from activities.letter_sample import sample_content
from activities.letters import write_letter
from activities.outbox import Outbox
from activities.tables import TURNS
from activities.turns import Turns
from activities.wording import LANGUAGES, wording_for
from gateway.policy_files import load_policy
from models import events as e
from models import ids, view
from models.case import Case
from models.gathering import due_on_the_day, may_be_told
from models.ordering import order_of
from models.orders import StepOrder
from models.policy import Policy
from tests.cases import Walk, after_due, day, euros, on, policy, step

PLAIN = policy(step("first", after_due(1)), step("second", after_due(5)))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    engine = open_engine(f"sqlite:///{tmp_path}/ledger.db")
    yield Ledger(engine)
    engine.dispose()


def entered(ledger: Ledger, number: str, rules: Policy = PLAIN) -> Case:
    case = Walk(rules, number=number).case
    ledger.open_cases([(case, view.head(case))])
    return case


def order(case: Case, name: str = "first") -> StepOrder:
    return order_of(case, case.policy.by_id[name], 1, day(1), day(1))


def put(ledger: Ledger, message_id: str, *orders: StepOrder) -> bool:
    notice: dict[str, Any] = {"message_id": message_id, "recipient": "a@b.example", "subject": "S", "kind": "reminder"}
    notice |= {"language": "en", "content": b"mail"}
    return Outbox(ledger.engine).put_gathered(orders, "ACME", "B-1", notice, admits=lambda _: True, since=None)


# --- what is due --------------------------------------------------------------------------------------------


def test_a_step_is_due_on_its_day_from_midnight_on_and_not_the_day_before() -> None:
    case = Walk(PLAIN).until(day(0)).case

    assert due_on_the_day(case, day(0, 23.9)) is None
    assert [due and due.step.id for due in (due_on_the_day(case, day(1, 0)),)] == ["first"]


def test_what_would_not_be_carried_out_is_not_due() -> None:
    proposed = policy(step("first", after_due(1), mode="propose"))
    dear = policy(step("first", after_due(1), only_if={"min_amount": ["5000.00 EUR"]}))
    held = Walk(PLAIN).tell(day(0), e.HoldPlaced, reason="talks").case

    assert [due_on_the_day(case, day(1)) for case in (Walk(proposed).case, Walk(dear).case, held)] == [None] * 3


def test_an_invoice_is_told_beside_others_only_if_overdue_and_nothing_was_agreed() -> None:
    promised = Walk(PLAIN).tell(day(0), e.PromiseMade, amount="1000.00 EUR", pay_by=on(3)).case

    assert may_be_told(Walk(PLAIN).case, day(1))
    assert not may_be_told(Walk(PLAIN).case, day(0))
    assert not may_be_told(promised, day(1))


# --- what the letter says beside ----------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_stands_apart_is_named_in_every_language_and_is_no_part_of_the_sum(language: str) -> None:
    content = sample_content("reminder", language, invoices=2)
    (line, *_) = sample_content("reminder", language).invoices
    open_line, contested = replace(line, number="OPEN-7"), replace(
        line, number="CONTESTED-8", figures=replace(line.figures, disputed=euros(80))
    )  # fmt: skip
    alone = write_letter("reminder", language, content)
    letter = write_letter("reminder", language, replace(content, also_open=(open_line,), contested=(contested,)))

    labels = wording_for(language)[0].labels
    added = [row for row in letter.text.splitlines() if row not in alone.text.splitlines()]
    assert (labels["also_open"] in added, labels["contested"] in added) == (True, True)
    assert any("OPEN-7" in row for row in added) and any("CONTESTED-8" in row and "80" in row for row in added)
    assert [row for row in alone.text.splitlines() if row not in letter.text.splitlines()] == []
    assert letter.html is not None and labels["contested"] in letter.html
    assert letter.pdf != alone.pdf


# --- whose turn it is ---------------------------------------------------------------------------------------


def test_one_case_at_a_time_writes_to_a_buyer(ledger: Ledger) -> None:
    turns = Turns(ledger.engine)

    assert turns.take("ACME", "B-1", "one", 1)
    assert not turns.take("ACME", "B-1", "two", 1)
    assert turns.take("ACME", "B-2", "two", 1)
    turns.leave("one", 1)
    assert turns.take("ACME", "B-1", "two", 1)


def test_the_turn_of_a_killed_worker_ends_by_itself_or_with_its_next_attempt(ledger: Ledger) -> None:
    turns = Turns(ledger.engine)
    turns.take("ACME", "B-1", "one", 1)

    assert turns.take("ACME", "B-1", "one", 2)
    turns.leave("one", 1)  # the attempt that was thought dead says goodbye
    assert not turns.take("ACME", "B-1", "two", 1)
    over = datetime.now(UTC) - timedelta(seconds=1)
    with ledger.engine.begin() as connection:
        connection.execute(sa.update(TURNS).values(until=over))
    assert turns.take("ACME", "B-1", "two", 1)


# --- what a letter may claim --------------------------------------------------------------------------------


def test_a_letter_claims_the_keys_of_all_its_cases_or_none(ledger: Ledger) -> None:
    one, two, three = (order(entered(ledger, number)) for number in "123")
    outbox = Outbox(ledger.engine)

    assert put(ledger, "<m1>", one, two)
    assert not put(ledger, "<m3>", three, two)
    assert set(outbox.keys_of_buyer("ACME", "B-1").values()) == {"<m1>"}
    assert outbox.find(ids.step_key(three.case_id, "first", 1)) is None


def test_a_letter_that_is_written_anew_lets_go_of_what_it_no_longer_serves(ledger: Ledger) -> None:
    one, two, three = (order(entered(ledger, number)) for number in "123")
    put(ledger, "<m1>", one, two, three)

    assert put(ledger, "<m1>", one, three)
    assert Outbox(ledger.engine).served("<m1>") == {ids.step_key(o.case_id, "first", 1) for o in (one, three)}


def test_a_case_that_changed_or_has_money_to_hear_of_is_not_claimed(ledger: Ledger) -> None:
    one, two, three = (entered(ledger, number) for number in "123")
    ledger.receive("ACME", "2", e.PaymentReceived(id="P", amount=euros(1), received_on=on(0), by="anna"))
    stale = order(three).but(head=view.head(three).but(sequence=7))

    assert not put(ledger, "<m1>", order(one), order(two))
    assert not put(ledger, "<m1>", order(one), stale)


def test_a_message_id_that_serves_others_now_is_not_given_to_a_new_letter(ledger: Ledger) -> None:
    one, two = (order(entered(ledger, number)) for number in "12")
    key = ids.step_key(one.case_id, "first", 1)
    name = ids.mail_message_id(key)
    put(ledger, name, one, two)
    put(ledger, name, two)

    assert Outbox(ledger.engine).new_message_id(key) not in (name, "")
    assert Outbox(ledger.engine).new_message_id("invoice/ACME/9/first/1") == ids.mail_message_id(
        "invoice/ACME/9/first/1"
    )


def test_policies_that_do_not_gather_are_what_they_were() -> None:
    plain = policy(step("first", after_due(1)), schedule={"zone": "debtor"}, contact={})

    assert "gather" not in plain.content
    assert (
        "gather" in policy(step("first", after_due(1)), schedule={"zone": "debtor"}, contact={"gather": True}).content
    )
    assert "gather" not in load_policy("s0-24h-7-90").content
