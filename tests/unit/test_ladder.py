"""What `next_action` makes of a policy and a case: when steps fire, and when they do not."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from models import events as e
from models.ladder import Perform, Propose, Record, Wait, next_action, next_step, planned
from tests.cases import Walk, after_due, after_step, day, euros, moments, on, policy, step

PLAIN = [
    ("reminder_m3", -3),
    ("reminder_1", 1),
    ("reminder_7", 7),
    ("formal_demand_15", 15),
    ("lawyer_letter_30", 30),
    ("referral_60", 60),
    ("insurance_claim_90", 90),
]


# --- days -----------------------------------------------------------------------------------------------------


def test_the_plain_ladder_fires_on_its_days_at_nine_utc() -> None:
    walk = Walk().until(day(200))

    assert walk.steps == PLAIN
    assert moments(walk.case) == [day(n) for _, n in PLAIN]
    assert [done.planned_at for done in walk.case.performed] == moments(walk.case)
    assert walk.next == Wait(None), "after the claim the case stays open"


@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=6).map(sorted), st.times().map(lambda t: f"{t:%H:%M}"),
    st.sampled_from(["Pacific/Kiritimati", "Etc/GMT+12", "Pacific/Chatham", "UTC"]),
    st.sampled_from(["every", "business"]),
)  # fmt: skip
def test_the_next_step_is_the_earliest_in_every_zone(days: list[int], time: str, zone: str, which: str) -> None:
    steps = [step(f"s{n}", after_due(d)) for n, d in enumerate(days)]
    case = Walk(
        policy(*steps, schedule={"zone": "debtor", "time": time, "days": which}),
        buyer={"contact": {"timezone": zone}},
    ).case
    found = next_step(case)
    instants = [planned(case, one, 1) for one in case.policy.steps]
    assert found is not None and found.planned_at == min(at for at in instants if at is not None)
    assert found.step is case.policy.steps[instants.index(found.planned_at)], "of several the first"


def test_a_step_fires_at_its_instant_and_not_a_microsecond_before() -> None:
    walk = Walk().until(day(-3), inclusive=False)

    assert next_action(walk.case, day(-3) - timedelta(microseconds=1)) == Wait(day(-3))
    assert isinstance(next_action(walk.case, day(-3)), Perform)


def test_days_on_hold_do_not_count() -> None:
    walk = Walk().tell(day(2), e.HoldPlaced).tell(day(5), e.HoldReleased).until(day(30))

    assert walk.steps[2:4] == [("reminder_7", 10), ("formal_demand_15", 18)]


def test_a_hold_within_one_day_costs_no_day() -> None:
    walk = Walk().tell(day(2, 8), e.HoldPlaced).tell(day(2, 20), e.HoldReleased).until(day(8))

    assert walk.steps[-1] == ("reminder_7", 7)


def test_a_step_held_on_its_very_day_fires_when_the_hold_is_released() -> None:
    walk = Walk().tell(day(7, 8), e.HoldPlaced).tell(day(9, 14), e.HoldReleased).until(day(9, 14))

    assert walk.steps[-1] == ("reminder_7", 9)
    assert moments(walk.case)[-1] == day(9, 14)
    assert walk.case.performed[-1].planned_at == day(9, 14)


def test_a_hold_that_ends_before_the_due_date_moves_nothing() -> None:
    walk = Walk().tell(day(-9), e.HoldPlaced).tell(day(-5), e.HoldReleased).until(day(8))

    assert walk.steps == PLAIN[:3]


def test_overlapping_pauses_count_once() -> None:
    walk = Walk()
    walk.tell(day(2), e.HoldPlaced)
    walk.tell(day(3), e.DisputeRaised)
    walk.tell(day(4), e.HoldReleased)
    walk.tell(day(5), e.PromiseMade, pay_by=on(7))  # its day is over when day 8 begins
    walk.tell(day(6), e.DisputeResolved)
    walk.until(day(40))

    assert [(p.since, p.until) for p in walk.case.pauses] == [(day(2), day(8, 0))]
    assert walk.steps[2:4] == [("reminder_7", 13), ("formal_demand_15", 21)]


def test_separate_pauses_add_up() -> None:
    walk = Walk()
    walk.tell(day(2), e.HoldPlaced).tell(day(4), e.HoldReleased)
    walk.tell(day(8), e.HoldPlaced).tell(day(9), e.HoldReleased)
    walk.until(day(12))

    assert walk.steps[-1] == ("reminder_7", 10)


def test_cure_periods_stand_still_too() -> None:
    walk = Walk(opened=day(70, 12)).tell(day(72), e.HoldPlaced).tell(day(77), e.HoldReleased).until(day(89))

    assert walk.steps == [("formal_demand_15", 70), ("referral_60", 85)]


# --- triggers -------------------------------------------------------------------------------------------------


def test_a_step_recurs() -> None:
    rules = policy(step("weekly", after_due(1), repeat={"every": "P7D", "times": 3}), step("last", after_due(30)))
    walk = Walk(rules).until(day(60))

    assert walk.steps == [("weekly", 1), ("weekly", 8), ("weekly", 15), ("last", 30)]
    assert [done.occurrence for done in walk.case.performed] == [1, 2, 3, 1]


def test_a_reminder_that_recurs_over_the_due_date_stands_still_with_the_ladder() -> None:
    rules = policy(step("often", {"before_due": "P3D"}, repeat={"every": "P6D", "times": 2}))
    walk = Walk(rules).tell(day(1), e.HoldPlaced).tell(day(3), e.HoldReleased).until(day(10))

    assert walk.steps == [("often", -3), ("often", 5)]


def test_silence_brings_the_next_letter_and_an_answer_only_the_fallback() -> None:
    rules = policy(
        step("letter", after_due(1)),
        step("demand", {"any": [after_step("letter", 7, unanswered=True), after_due(21)]}, kind="formal_demand"),
    )

    assert Walk(rules).until(day(60)).steps == [("letter", 1), ("demand", 8)]
    assert Walk(rules).tell(day(3), e.DebtorReplied).until(day(60)).steps == [("letter", 1), ("demand", 21)]
    assert Walk(rules).tell(day(0), e.DebtorReplied).until(day(60)).steps[-1] == ("demand", 8)
    assert Walk(rules).tell(day(1), e.DebtorReplied).until(day(60)).steps[-1] == ("demand", 21), "in doubt answered"


def test_an_event_fires_a_step_at_once_within_the_time_of_day() -> None:
    rules = policy(step("act", {"on_event": "debtor_insolvent"}, kind="guarantee"))

    assert Walk(rules).until(day(60)).steps == []
    assert moments(Walk(rules).tell(day(3, 14), e.DebtorInsolvent).until(day(4)).case) == [day(3, 14)]
    assert moments(Walk(rules).tell(day(3, 5), e.DebtorInsolvent).until(day(4)).case) == [day(3, 9)]


def test_all_waits_for_the_last_of_its_triggers() -> None:
    rules = policy(step("act", {"all": [after_due(10), {"on_event": "contact_lost"}]}))

    assert Walk(rules).tell(day(3), e.ContactLost).until(day(60)).steps == [("act", 10)]
    assert Walk(rules).tell(day(20), e.ContactLost).until(day(60)).steps == [("act", 20)]
    assert Walk(rules).until(day(60)).steps == []


def test_a_broken_promise_can_be_a_trigger() -> None:
    rules = policy(step("act", {"on_event": "promise_broken"}, kind="referral"))
    walk = Walk(rules).tell(day(3), e.PromiseMade, pay_by=on(5)).until(day(10))

    assert moments(walk.case) == [day(6, 9)]


# --- calendars ------------------------------------------------------------------------------------------------


def test_nine_in_the_debtors_zone_follows_its_clock_changes() -> None:
    rules = policy(step("before", after_due(26)), step("after", after_due(27)), schedule={"zone": "debtor"})
    walk = Walk(rules, buyer={"contact": {"timezone": "Europe/Berlin"}}).until(day(40))

    # Summer time begins in Berlin on 29 March 2026, day 27.
    assert moments(walk.case) == [day(26, 8), day(27, 7)]


def test_the_debtors_day_decides_what_day_it_is() -> None:
    rules = policy(step("one", after_due(1)), schedule={"zone": "debtor", "time": "00:30"})
    walk = Walk(rules, buyer={"contact": {"timezone": "Asia/Shanghai"}}).until(day(3))

    assert moments(walk.case) == [day(0, 16.5)]


def test_a_weekend_rolls_forward_and_late_entries_with_it() -> None:
    rules = policy(step("sat", after_due(5)), step("sun", after_due(6), kind="call"), schedule={"days": "business"})

    assert moments(Walk(rules).until(day(20)).case) == [day(7), day(7)]
    assert moments(Walk(rules, opened=day(12, 15)).until(day(20)).case) == [day(14)], "opened on a Saturday"
    assert moments(Walk(rules, opened=day(11, 15)).until(day(20)).case) == [day(11, 15)], "opened on a Friday"


def test_jitter_is_the_cases_own_and_stays_the_same() -> None:
    rules = policy(step("one", after_due(1)), step("two", after_due(2)), jitter="PT2H")
    first, again, other = (Walk(rules, number=n).until(day(5)).case for n in ("1", "1", "2"))

    assert moments(first) == moments(again) != moments(other)
    for case in (first, other):
        assert all(day(n) <= at < day(n, 11) for n, at in zip((1, 2), moments(case), strict=True))
        assert moments(case)[1] - moments(case)[0] == timedelta(days=1)


# --- proposals ------------------------------------------------------------------------------------------------


def test_a_proposal_waits_while_the_ladder_goes_on() -> None:
    rules = policy(step("ask", after_due(1), kind="legal_action", mode="propose"), step("letter", after_due(5)))
    walk = Walk(rules).until(day(1), inclusive=False)

    assert isinstance(next_action(walk.case, day(1)), Propose)
    walk.until(day(10))
    assert walk.steps == [("letter", 5)]
    walk.tell(day(11, 15), e.StepApproved, step="ask").until(day(11, 15))
    assert walk.steps == [("letter", 5), ("ask", 11)]
    assert walk.case.performed[-1].planned_at == day(1)


# --- time that runs out ---------------------------------------------------------------------------------------


def test_a_promise_is_broken_at_its_deadline_and_the_ladder_goes_on_where_it_was() -> None:
    walk = Walk().tell(day(2), e.PromiseMade, pay_by=on(4)).until(day(5, 0), inclusive=False)

    assert walk.case.on_hold
    assert next_action(walk.case, day(5, 0)) == Record(e.PromiseBroken(at=day(5, 0)))
    walk.until(day(20))
    assert walk.steps[2:] == [("reminder_7", 10), ("formal_demand_15", 18)]


def test_the_policys_tolerance_lengthens_a_promise() -> None:
    rules = policy(step("one", after_due(9)), promise_tolerance="P3D")
    walk = Walk(rules).tell(day(2), e.PromiseMade, pay_by=on(4)).until(day(8, 0), inclusive=False)

    assert walk.case.promise is not None
    assert walk.until(day(8, 0)).case.promise is None


def test_an_extension_ends_by_itself() -> None:
    walk = Walk().tell(day(2), e.ExtensionGranted, until=on(11)).until(day(30))

    assert walk.steps[2] == ("reminder_7", 17)


def test_a_plan_breaks_at_the_first_instalment_that_does_not_come() -> None:
    plan = [{"due": on(5), "amount": "400.00 EUR"}, {"due": on(10), "amount": "600.00 EUR"}]
    walk = Walk(amount="2000.00 EUR").tell(day(1), e.PaymentReceived, amount=euros(1000), received_on=on(1))
    walk.tell(day(2), e.PlanAgreed, instalments=plan)
    walk.tell(day(4), e.PaymentReceived, amount=euros(400), received_on=on(4)).until(day(11, 0), inclusive=False)

    assert walk.case.paused_since == day(2)
    walk.until(day(11, 0))
    assert walk.case.pauses[-1].until == day(11, 0) == walk.case.happened["plan_broken"]
