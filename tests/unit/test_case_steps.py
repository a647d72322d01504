"""What `apply` makes of steps, proposals, tasks, mandates and policies, and the case as the fold of its events."""

from typing import Any

import pytest

from models import events as e
from models.case import Case, Closed, Refused
from models.changes import apply, fold, open_case
from models.ladder import next_action
from tests.cases import Walk, after_due, day, euros, on, policy, step

ASKING = policy(
    step("demand", after_due(1), kind="formal_demand"),
    step("agency", after_due(5), kind="referral", mode="propose", requires=["demand"]),
    step("claim", after_due(9), kind="insurance_claim", requires=["demand", "agency"]),
)


def paid(amount: int | str, received: int = 0, **body: Any) -> dict[str, Any]:
    return {"amount": euros(amount), "received_on": on(received), **body}


# --- proposals ------------------------------------------------------------------------------------------------


def test_an_approved_step_is_performed_and_its_task_finished() -> None:
    walk = Walk(ASKING).until(day(6))
    assert walk.open_tasks() == ["approval-1"]
    walk.tell(day(6), e.StepApproved, step="agency").until(day(20))

    assert walk.steps == [("demand", 1), ("agency", 6), ("claim", 9)]
    assert (walk.case.tasks[0].outcome, walk.case.tasks[0].done_at) == ("approved", day(6))
    assert walk.case.proposed == {} and walk.case.approved == {}


def test_a_rejected_step_falls_away_and_what_requires_it() -> None:
    walk = Walk(ASKING).tell(day(6), e.StepRejected, step="agency", reason="talks go on").until(day(20))

    assert walk.steps == [("demand", 1)]
    assert [(s.step, s.reason) for s in walk.case.skipped] == [
        ("agency", "rejected by anna: talks go on"),
        ("claim", "agency, which it requires, was not performed"),
    ]
    assert walk.case.tasks[0].outcome == "rejected"


@pytest.mark.parametrize("message", [e.StepApproved, e.StepRejected])
def test_a_decision_needs_a_name_and_comes_once(message: type[e.Message]) -> None:
    walk = Walk(ASKING).until(day(6))

    with pytest.raises(Refused, match="needs a name"):
        walk.tell(day(6), message, step="agency", by="")
    walk.tell(day(6), message, step="agency")
    with pytest.raises(Refused, match="no proposal of 'agency' waits"):
        walk.tell(day(6), message, step="agency")


def test_an_approval_cannot_be_completed_like_a_task() -> None:
    with pytest.raises(Refused, match="use approve or reject with the step agency"):
        Walk(ASKING).tell(day(6), e.TaskCompleted, task="approval-1")


# --- steps that do not go well --------------------------------------------------------------------------------


def deferred(walk: Walk, until: float) -> None:
    walk.apply(e.StepDeferred(step="reminder_1", until=day(1, until), reason="SMTP down"))


def test_a_deferred_step_is_tried_again_and_its_task_ends_with_it() -> None:
    walk = Walk().until(day(1), inclusive=False)
    deferred(walk, 9.25)
    walk.until(day(1, 9.25), inclusive=False)
    deferred(walk, 9.5)

    assert [t.text for t in walk.case.tasks] == ["reminder_1: SMTP down"], "one task for all tries"
    walk.until(day(2))
    assert walk.case.last_performed("reminder_1") is not None
    assert walk.case.performed[-1].performed_at == day(1, 9.5)
    assert walk.open_tasks() == []


def refused() -> Walk:
    walk = Walk().until(day(1), inclusive=False)
    walk.now = day(1)
    walk.apply(e.StepRefused(step="reminder_1", reason="no mail address"))
    return walk


def test_a_refused_step_waits_for_a_person_while_the_ladder_goes_on() -> None:
    walk = refused().until(day(8))

    assert walk.steps == [("reminder_m3", -3), ("reminder_7", 7)]
    assert walk.open_tasks() == ["refused_step-1"]


@pytest.mark.parametrize(
    ("outcome", "performed", "skipped"),
    [("retry", True, []), ("done", True, []), ("drop", False, ["dropped by anna: no mail address"])],
)
def test_a_person_decides_what_becomes_of_a_refused_step(outcome: str, performed: bool, skipped: list[str]) -> None:
    walk = refused().tell(day(3), e.TaskCompleted, task="refused_step-1", outcome=outcome).until(day(4))

    done = walk.case.last_performed("reminder_1")
    assert (done is not None) == performed
    assert done is None or done.performed_at == day(3)
    assert [s.reason for s in walk.case.skipped] == skipped
    assert walk.case.refused == {} and walk.open_tasks() == []


def test_a_step_is_performed_once() -> None:
    walk = Walk().until(day(1))
    again = e.StepPerformed(step="reminder_1", kind="reminder", planned_at=day(1), performed_at=day(1), at=day(2))

    with pytest.raises(Refused, match="reminder_1 1 is over already"):
        apply(walk.case, again)


# --- mandates, write-off, the end -----------------------------------------------------------------------------


def test_a_payment_during_a_mandate_is_reported_to_its_holder() -> None:
    walk = (
        Walk().tell(day(61), e.PaymentReceived, **paid(10, id="A")).tell(day(91), e.PaymentReceived, **paid(10, id="B"))
    )

    kinds = [t.kind for t in walk.case.tasks]
    assert kinds == ["report_to_agency", "report_to_agency", "report_to_insurer"]


def test_the_insurers_acceptance_settles_the_claim_and_a_refusal_asks_a_person() -> None:
    accepted = Walk().tell(day(91), e.InsurerDecided, accepted=True, amount=euros(900)).until(day(92))
    rejected = Walk().tell(day(91), e.InsurerDecided, accepted=False).until(day(92))

    assert accepted.case.outcome == "claim_settled"
    assert (rejected.case.closed, rejected.case.insurer_mandate, rejected.open_tasks()) == (
        False,
        False,
        ["claim_refused-1"],
    )


def test_a_write_off_stops_the_ladder_and_the_case_lives_on_until_paid() -> None:
    walk = Walk().tell(day(20), e.WrittenOff, reason="insolvent, no assets")
    assert walk.case.stage == "demanded" and walk.open_tasks() == ["approval-1"]
    with pytest.raises(Refused, match="anna proposed the write-off: a second person decides"):
        walk.tell(day(20), e.StepApproved, step="write_off", by="Anna")
    walk.tell(day(20), e.StepApproved, step="write_off", by="berta").until(day(200))

    assert (walk.case.closed, walk.case.stage, walk.case.outcome) == (False, "recovery", "written_off")
    assert walk.steps[-1] == ("formal_demand_15", 15)
    walk.tell(day(201), e.PaymentReceived, **paid(1000, id="A")).until(day(201))
    assert (walk.case.closed, walk.case.outcome) == (True, "paid")
    walk.tell(day(202), e.PaymentReversed, payment="A").until(day(300))
    assert (walk.case.closed, walk.case.stage, walk.case.outcome) == (False, "recovery", "written_off")
    assert walk.steps[-1] == ("formal_demand_15", 15)


def test_a_withdrawn_case_is_closed_to_everything_but_a_reversal() -> None:
    walk = Walk().tell(day(2), e.Withdrawn).until(day(2))

    assert walk.case.outcome == "withdrawn"
    with pytest.raises(Closed, match=r"the case is closed \(withdrawn\)"):
        walk.tell(day(3), e.HoldPlaced)


# --- another policy -------------------------------------------------------------------------------------------


def test_a_case_moved_to_another_policy_leaves_no_proposal_behind() -> None:
    walk = (
        Walk(ASKING).until(day(6)).tell(day(6), e.PolicyChanged, policy=policy(step("n1", after_due(50)), id="other"))
    )

    assert walk.case.proposed == {} and walk.open_tasks() == []
    assert walk.case.tasks[0].outcome == "superseded"


def test_what_was_sent_while_the_policy_changed_is_a_fact() -> None:
    walk = Walk().until(day(15), inclusive=False)
    walk.tell(
        day(15),
        e.PolicyChanged,
        policy=policy(step("reminder_1", after_due(1)), step("n50", after_due(50)), id="other"),
    )
    walk.now = day(15)
    walk.apply(e.StepPerformed(step="formal_demand_15", kind="formal_demand", planned_at=day(15), performed_at=day(15)))

    assert walk.steps[-1] == ("formal_demand_15", 15)
    assert walk.until(day(60)).steps[-1] == ("n50", 50)


# --- the whole ------------------------------------------------------------------------------------------------


def eventful() -> Walk:
    walk = Walk(ASKING)
    walk.tell(day(0), e.PaymentReceived, **paid(100, id="A")).tell(day(2), e.DisputeRaised, amount=euros(50))
    walk.tell(day(3), e.DisputeResolved, upheld=True).tell(day(4), e.PromiseMade, pay_by=on(6), amount=euros(10))
    walk.tell(day(9), e.HoldPlaced).tell(day(10), e.HoldReleased).tell(day(14), e.StepApproved, step="agency")
    return walk.tell(day(30), e.PaymentReceived, **paid(850, id="B")).until(day(31))


def test_a_case_is_the_fold_of_its_events() -> None:
    walk = eventful()

    assert walk.case.closed
    assert fold(walk.events) == walk.case.but(journal=())
    assert [n.sequence for n in walk.case.journal] == list(range(1, len(walk.events) + 1))


def test_events_survive_their_json() -> None:
    walk = eventful()
    lifted = [e.read_event(event.model_dump_json()) for event in walk.events]

    assert lifted == walk.events
    assert fold(lifted) == walk.case.but(journal=())


def test_a_case_survives_its_json() -> None:
    case = eventful().case
    again = Case.model_validate_json(case.model_dump_json())

    assert again == case
    assert again.policy.digest == case.policy.digest
    assert next_action(again, day(31)) == next_action(case, day(31))


def test_a_prior_notice_of_a_step_the_policy_does_not_have_is_refused() -> None:
    with pytest.raises(Refused, match="policy plain has no such step"):
        Walk(prior=[e.PriorNotice(step="nope", performed_on=on(1))])


def test_the_first_event_must_be_the_opening() -> None:
    with pytest.raises(Refused, match="must be its opening"):
        fold([e.CaseClosed(outcome="paid", at=day(1))])
    with pytest.raises(Refused, match="needs the instant"):
        open_case(Walk().opened.but(at=None))
