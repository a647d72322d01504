"""The rules of contact at the moment of sending, with what the ledger knows of other cases of the same buyer."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from activities.channels.dispatch import Channels
from activities.channels.ports import Delivery, Taken
from activities.contact_check import ContactCheck
from activities.database import open_engine
from activities.ledger import Ledger
from activities.outbox import Outbox, RecentContacts
from activities.refusals import ContactTaken
from gateway.calendars import pinned
from models import events as e
from models import ids, view
from models.case import Case
from models.changes import apply, open_case
from models.clock import CaseClock
from models.ladder import Perform
from models.ordering import order_of
from models.orders import StepOrder
from models.policy import Policy
from tests.cases import after_due, invoice, policy, step
from tests.notices import acme

NOW = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
"""The outbox stamps what leaves with the clock on the wall, so these cases live today."""

TWO_A_WEEK = {"days": "every", "holidays": False, "hours": {"any": "00:00-24:00"}}
RULES = policy(
    step("letter", after_due(1)),
    step("call", after_due(2), "call", channels=["phone"]),
    schedule={"zone": "debtor"},
    contact={**TWO_A_WEEK, "buyer_limit": {"most": 2, "within": "P7D"}},
)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    engine = open_engine(f"sqlite:///{tmp_path}/ledger.db")
    yield Ledger(engine)
    engine.dispose()


def opened(ledger: Ledger, number: str, rules: Policy = RULES, factor: float = 1, **buyer: Any) -> Case:
    due = NOW.date() - timedelta(days=1)
    subject = invoice(number=number, due=due, buyer={"country": None, **buyer})
    at = NOW - timedelta(days=3)
    clock = CaseClock(wall=at, business=at, factor=factor)
    calendar = pinned(subject, rules, at)
    case = open_case(e.CaseOpened(invoice=subject, policy=rules, clock=clock, at=at, calendar=calendar))
    ledger.open_cases([(case, view.head(case))])
    return case


def order(case: Case, name: str = "letter", planned_at: datetime = NOW) -> StepOrder:
    action = Perform(case.policy.by_id[name], 1, planned_at)
    return order_of(case, action.step, 1, planned_at, planned_at)


def check(ledger: Ledger, case: Case, at: datetime = NOW, name: str = "letter", **changes: Any) -> ContactCheck:
    return ContactCheck(order(case, name, **changes), case.invoice, Outbox(ledger.engine), at)


def post(ledger: Ledger, case: Case) -> bool:
    """Claim the outbox for a case's letter; True if it may go out, which it then does."""
    mine, outbox = order(case), Outbox(ledger.engine)
    asked = ContactCheck(mine, case.invoice, outbox, NOW)
    message_id = ids.mail_message_id(key := ids.step_key(case.id, "letter", 1))
    notice: dict[str, Any] = {"message_id": message_id, "recipient": "a@b.example", "subject": "S", "kind": "reminder"}
    notice |= {"language": "en", "content": b"mail"}
    stored = outbox.put(key, mine, "ACME", "B-1", notice, admits=asked.admits, since=asked.since)
    if stored:
        outbox.sent(message_id, "250 ok")
    return stored


def test_the_third_contact_of_a_week_waits_whichever_case_it_belongs_to(ledger: Ledger) -> None:
    one, two, three = (opened(ledger, number) for number in ("1", "2", "3"))
    assert post(ledger, one) and post(ledger, two)
    held = check(ledger, three).before("email")

    assert held is not None and (held.status, held.note) == ("deferred", "at most 2 contacts in 7 days with this buyer")
    assert held.until is not None and held.until.date() == datetime.now(UTC).date() + timedelta(days=7)
    assert not post(ledger, three)
    assert check(ledger, three, NOW + timedelta(days=8)).before("email") is None


def test_another_buyer_is_another_matter(ledger: Ledger) -> None:
    assert post(ledger, opened(ledger, "1")) and post(ledger, opened(ledger, "2"))

    assert check(ledger, opened(ledger, "3", id="B-2")).before("email") is None


def test_a_call_counts_as_a_contact_in_the_cases_of_others(ledger: Ledger) -> None:
    called, other = opened(ledger, "1"), opened(ledger, "2")
    assert post(ledger, other)
    call = e.StepPerformed(step="call", kind="call", planned_at=NOW, performed_at=NOW, at=NOW, task="call-1")
    after = apply(called, call)
    ledger.record(called.id, after.journal[1:], view.head(after))
    outbox = Outbox(ledger.engine)

    assert outbox.recent("ACME", "B-1", "invoice/ACME/9", NOW - timedelta(days=8)).others == (NOW,)
    assert check(ledger, opened(ledger, "3")).before("email") is not None
    assert check(ledger, opened(ledger, "3"), name="call").by_hand() is not None


def test_a_case_counts_its_own_contacts_once(ledger: Ledger) -> None:
    case = opened(ledger, "1")
    assert post(ledger, case)
    performed = e.StepPerformed(step="letter", kind="reminder", planned_at=NOW, performed_at=NOW, at=NOW, notice="<n>")

    assert check(ledger, apply(case, performed), name="call").by_hand() is None


def test_of_many_cases_that_fall_due_together_two_may_write(ledger: Ledger) -> None:
    cases = [opened(ledger, str(number)) for number in range(12)]
    with ThreadPoolExecutor(12) as together:
        written = list(together.map(lambda case: post(ledger, case), cases))

    assert sum(written) == 2


class Phones:
    """A provider of short messages that takes everything."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    def send(self, delivery: Delivery) -> Taken:
        self.taken.append(delivery.key)
        return Taken("taken")


def test_of_many_short_messages_that_fall_due_together_two_may_go(ledger: Ledger) -> None:
    phones = Phones()
    channels = Channels(ledger.engine, {"sms": phones})
    cases = [opened(ledger, str(number), contact={"phone": "+49 30 123"}) for number in range(12)]

    def text(case: Case) -> bool:
        asked = ContactCheck(order(case), case.invoice, Outbox(ledger.engine), NOW)
        try:
            channels.send("sms", order(case), case.invoice, acme(), NOW, asked)
        except ContactTaken:
            return False
        return True

    with ThreadPoolExecutor(12) as together:
        sent = list(together.map(text, cases))

    assert sum(sent) == len(phones.taken) == 2


def test_without_a_cap_nothing_is_asked_of_the_ledger(ledger: Ledger) -> None:
    free = policy(step("letter", after_due(1)), schedule={"zone": "debtor"}, contact=TWO_A_WEEK)
    cases = [opened(ledger, str(number), free) for number in range(4)]

    assert all(post(ledger, case) for case in cases)
    assert check(ledger, cases[0]).since is None


def test_in_time_lapse_only_the_cases_own_contacts_count_and_it_says_so(ledger: Ledger) -> None:
    cases = [opened(ledger, str(number), factor=1000.0) for number in range(3)]
    assert post(ledger, cases[0]) and post(ledger, cases[1])
    asked = check(ledger, cases[2])

    assert asked.before("email") is None
    assert asked.note == "time-lapse: of the buyer's contacts only those of this case were counted"


# --- hours ----------------------------------------------------------------------------------------------------

OFFICE = policy(
    step("letter", after_due(1), channels=["email", "post"]),
    step("claim", after_due(3), "insurance_claim"),
    schedule={"zone": "debtor"}, contact={"hours": {"any": "08:00-18:00"}},
)  # fmt: skip
MONDAY = datetime(2026, 4, 13, 7, tzinfo=UTC)


def german(ledger: Ledger, rules: Policy = OFFICE, factor: float = 1, **contact: Any) -> Case:
    buyer = {"country": "DE", "contact": {"timezone": "Europe/Berlin", **contact}}
    subject = invoice(number="DE", due=date(2026, 4, 12), buyer=buyer)
    clock = CaseClock(wall=MONDAY, business=MONDAY, factor=factor)
    return open_case(
        e.CaseOpened(invoice=subject, policy=rules, clock=clock, at=MONDAY, calendar=pinned(subject, rules, MONDAY))
    )


def test_what_is_tried_again_at_night_waits_for_the_morning(ledger: Ledger) -> None:
    night = datetime(2026, 4, 13, 21, tzinfo=UTC)
    held = check(ledger, german(ledger), night, planned_at=MONDAY).before("email")

    assert held is not None and held.until == datetime(2026, 4, 14, 6, tzinfo=UTC)
    assert "23:00 Europe/Berlin lies outside the hours of email" in held.note
    assert check(ledger, german(ledger), MONDAY, planned_at=MONDAY).before("email") is None


def hours(**each: str) -> Policy:
    return policy(
        step("letter", after_due(1), channels=["email", "post"]), schedule={"zone": "debtor"}, contact={"hours": each}
    )


def test_what_goes_out_by_two_channels_waits_until_both_may_be_used(ledger: Ledger) -> None:
    case = german(ledger, hours(email="08:00-20:00", post="10:00-16:00"))
    at_nine, at_noon = MONDAY, MONDAY + timedelta(hours=3)
    held = check(ledger, case, at_nine).before_all(("email", "post"))

    assert held is not None and held.until == datetime(2026, 4, 13, 8, tzinfo=UTC)
    assert "lies outside the hours of post (10:00-16:00)" in held.note
    assert check(ledger, case, at_nine).before_all(("email",)) is None
    assert check(ledger, case, at_noon).before_all(("email", "post")) is None


def test_where_the_hours_of_two_channels_never_meet_the_first_one_counts(ledger: Ledger) -> None:
    case = german(ledger, hours(email="08:00-10:00", post="14:00-16:00"))
    asked = check(ledger, case, MONDAY)

    assert asked.before_all(("email", "post")) is None
    late = check(ledger, case, MONDAY + timedelta(hours=3), planned_at=MONDAY).before_all(("email", "post"))
    assert late is not None and late.until == datetime(2026, 4, 14, 6, tzinfo=UTC), "in the morning, for the mail"
    assert asked.before("post") is not None, "and what the letter misses is left to a person"


def test_what_only_the_time_lapse_made_late_is_on_time(ledger: Ledger) -> None:
    fast = german(ledger, factor=86_400.0)
    ten_seconds, two_minutes = timedelta(days=10), timedelta(days=120)

    assert check(ledger, fast, MONDAY + ten_seconds, planned_at=MONDAY).before("email") is None
    assert (
        check(ledger, fast, MONDAY + two_minutes + timedelta(hours=14), planned_at=MONDAY).before("email") is not None
    )


def test_who_declined_mail_gets_the_next_channel_and_who_declined_all_a_task_says_why(ledger: Ledger) -> None:
    by_post = check(ledger, german(ledger, opt_out=["email"]), MONDAY)
    assert by_post.channels(()) == ("post",) and by_post.by_hand() is None

    nobody = check(ledger, german(ledger, opt_out=["email", "post"]), MONDAY).by_hand()
    assert nobody is not None and nobody.status == "refused"
    assert "the debtor declined to be contacted by email" in nobody.note


def test_steps_that_do_not_speak_to_the_debtor_are_never_held(ledger: Ledger) -> None:
    night = datetime(2026, 4, 13, 21, tzinfo=UTC)
    claim = check(ledger, german(ledger, opt_out=["email"]), night, name="claim")

    assert claim.before("email") is None and claim.channels(()) == ("email",)
    assert claim.admits(RecentContacts())
