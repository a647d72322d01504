"""Hard deadlines: counted from the contractual due date, never paused, moved by law alone, warned of, met, missed."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from models import events as e
from models import view
from models.case import RULES_VERSION, Case, Refused
from models.records import Deadline
from models.statement import deadlines_json
from tests.cases import Walk, after_due, day, euros, on, policy, step

QUIET = policy(step("late", after_due(3000)))
TERMS: dict[str, Any] = {
    "source": "policy 4711, cl. 4",
    "maximum_extension": "P60D",
    "duties": {
        "insurer_notice": {"within": "P15D", "of": "due"},
        "adverse_information": {"within": "P10D", "of": "knowledge"},
        "collection_mandate": {"within": "P30D", "of": "extension"},
        "claim_filing": {"within": "P240D", "of": "due"},
    },
}
NOTICE = "duty_insurer_notice"


def terms(**changes: Any) -> dict[str, Any]:
    return {**TERMS, **changes}


def notice_only(**changes: Any) -> dict[str, Any]:
    return terms(duties={"insurer_notice": {"within": "P15D"}}, **changes)


def found(case: Case, kind: str) -> Deadline:
    return next(d for d in case.deadlines if d.kind == kind)


def days(case: Case) -> dict[str, date]:
    return {d.kind: d.day for d in case.deadlines}


def tasks(walk: Walk, kind: str = "deadline") -> list[str]:
    return [t.text for t in walk.case.tasks if t.kind == kind and t.done_at is None]


# --- what they are ----------------------------------------------------------------------------------------------


def test_every_kind_counts_from_the_contractual_due_date_and_says_why() -> None:
    # Due Monday 2 March 2026. + 15 d = Tuesday 17 March. Maximum extension + 60 d = 1 May; + 30 d = Sunday 31 May,
    # so Friday 29 May. + 240 d = Wednesday 28 October. The guarantee ends as agreed, Saturday 4 July: Friday 3 July.
    # DE: three years from the end of 2026 = Monday 31 December 2029.
    walk = Walk(QUIET, law="DE", insurance=TERMS, guarantee={"text": "bank guarantee", "expires": "2026-07-04"})

    assert {kind: str(last) for kind, last in days(walk.case).items()} == {
        "insurer_notice": "2026-03-17", "collection_mandate": "2026-05-29", "guarantee_end": "2026-07-03",
        "claim_filing": "2026-10-28", "limitation": "2029-12-31",
    }  # fmt: skip
    assert [d.day for d in walk.case.deadlines] == sorted(d.day for d in walk.case.deadlines)
    mandate = found(walk.case, "collection_mandate")
    assert (str(mandate.legal_day), mandate.source) == ("2026-05-31", "policy 4711, cl. 4")
    assert mandate.why == "30 days from 2026-05-01, the end of the maximum extension"
    limitation = found(walk.case, "limitation")
    assert (limitation.why, limitation.source) == ("P3Y from the end of 2026", "BGB §§ 195, 199")


def test_bad_news_begins_the_time_for_adverse_information_once() -> None:
    walk = Walk(QUIET, insurance=TERMS)
    assert "adverse_information" not in days(walk.case)
    # Known on Tuesday 10 March; 10 days later is Friday 20 March.
    walk.tell(day(8), e.DebtorInsolvent)
    assert days(walk.case)["adverse_information"] == date(2026, 3, 20)
    # More of it gives no more time.
    walk.tell(day(9), e.ContactLost).tell(day(10), e.DebtorInsolvent)
    assert days(walk.case)["adverse_information"] == date(2026, 3, 20)
    # Only the warnings that still lie ahead: not 30 and 14, of which the last counts at once, but 7 and 1.
    warned = [(n.event.days_left, n.event.at) for n in walk.case.journal if isinstance(n.event, e.DeadlineNear)
              and n.event.deadline == "adverse_information"]  # fmt: skip
    assert warned == [(14, day(8))]
    assert tasks(walk)[-1].endswith("policy 4711, cl. 4): 10 days left")


def test_a_broken_promise_is_bad_news_too() -> None:
    walk = Walk(QUIET, insurance=TERMS).tell(day(1), e.PromiseMade, pay_by=on(4)).until(day(6))
    first = days(walk.case)["adverse_information"]
    # Known when Saturday 7 March begins, the promise being for Friday: 17 March.
    assert first == on(15)
    walk.tell(day(7), e.PromiseMade, pay_by=on(8)).until(day(12))
    assert days(walk.case)["adverse_information"] == first


def test_business_days_are_counted_without_weekends() -> None:
    # HK: 5 business days from Friday 1 May 2026, the end of the extension: 4, 5, 6, 7, 8 May.
    duties = {"insurer_notice": {"within": "P5D", "of": "extension", "business_days": True}}
    walk = Walk(QUIET, law="HK", insurance=terms(duties=duties))

    assert days(walk.case)["insurer_notice"] == date(2026, 5, 8)
    assert found(walk.case, "insurer_notice").why.startswith("5 business days from 2026-05-01")


@pytest.mark.parametrize(
    ("due", "legal", "last"),
    [
        ("2026-03-06", "2026-03-21", "2026-03-20"),  # a Saturday
        ("2026-03-07", "2026-03-22", "2026-03-20"),  # a Sunday
        ("2026-03-08", "2026-03-23", "2026-03-23"),  # a Monday
    ],
)
def test_the_last_day_is_rolled_back_over_a_weekend(due: str, legal: str, last: str) -> None:
    notice = found(Walk(QUIET, insurance=notice_only(), due=due).case, "insurer_notice")

    assert (str(notice.legal_day), str(notice.day)) == (legal, last)


def test_a_guarantee_without_an_end_has_that_of_the_law() -> None:
    # CN: six months from the due date, 2 September 2026. Elsewhere nobody knows.
    guarantee = {"text": "parent company guarantee"}
    assert days(Walk(QUIET, law="CN", guarantee=guarantee).case)["guarantee_end"] == date(2026, 9, 2)
    assert "guarantee_end" not in days(Walk(QUIET, law="DE", guarantee=guarantee).case)


# --- nothing pauses them ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "body"),
    [
        (e.HoldPlaced, {}),
        (e.DisputeRaised, {}),
        (e.PromiseMade, {"pay_by": on(40)}),
        (e.PlanAgreed, {"instalments": [{"due": on(40), "amount": "1000.00 EUR"}]}),
        (e.ExtensionGranted, {"until": on(40)}),
    ],
)
def test_nothing_that_stops_the_ladder_moves_them(message: type[e.Message], body: dict[str, Any]) -> None:
    walk = Walk(QUIET, law="FR", insurance=TERMS, guarantee={"text": "bond", "expires": "2026-07-04"})
    walk.until(day(2))
    before = days(walk.case)
    walk.tell(day(2), message, **body)
    assert walk.case.on_hold
    after = days(walk.until(day(20)).case)
    # A plan acknowledges the debt: in FR that restarts limitation, and nothing else.
    moved = {"limitation"} if message is e.PlanAgreed else set()
    assert {kind for kind in before if after[kind] != before[kind]} == moved
    # The notice of day 15 was missed meanwhile, and said so.
    assert found(walk.case, "insurer_notice").missed


def test_an_extension_does_not_end_the_watch_over_limitation() -> None:
    # Negotiations suspend limitation in DE while they last (BGB § 203); nobody knows how long, so the day stays.
    walk = Walk(QUIET, law="DE").tell(day(1), e.ExtensionGranted, until=on(30))

    limitation = found(walk.case, "limitation")
    assert (limitation.met, limitation.day) == (None, date(2029, 12, 31))


# --- warnings, alarms, done -------------------------------------------------------------------------------------


def test_warnings_supersede_each_other_and_a_missed_day_is_an_alarm_that_stays() -> None:
    # The last day is 17 March (day 15); with a case of 31 January all four warnings lie ahead.
    walk = Walk(QUIET, opened=datetime(2026, 1, 31, tzinfo=UTC), insurance=notice_only())
    said = []
    for n in (-15, 1, 8, 14, 16):
        walk.until(day(n, 12))
        said.append([text.rpartition(": ")[2] for text in tasks(walk)])
    assert said == [["30 days left"], ["14 days left"], ["7 days left"], ["1 day left"], []]

    (alarm,) = tasks(walk, "deadline_missed")
    assert alarm.startswith("MISSED: notice of overdue to the insurer: give the insurer notice of the overdue debt by ")
    assert "2026-03-17 (15 days from the due date 2026-03-02; policy 4711, cl. 4)" in alarm
    walk.tell(day(17), e.HoldPlaced).until(day(200))
    assert tasks(walk, "deadline_missed") == [alarm]
    assert [t.outcome for t in walk.case.tasks if t.kind == "deadline"] == ["superseded"] * 3 + ["missed"]
    # Done after all, it was missed all the same.
    walk.tell(day(201), e.TaskCompleted, task="deadline_missed-1")
    (line,) = deadlines_json(walk.case, walk.now)
    assert (line["state"], line["met"]) == ("missed", "task deadline_missed-1, done by anna")


def test_a_completed_task_meets_a_deadline_and_a_dropped_one_does_not() -> None:
    walk = Walk(QUIET, insurance=notice_only()).until(day(9))
    walk.tell(day(9), e.TaskCompleted, task="deadline-3", outcome="drop")
    assert found(walk.case, "insurer_notice").met is None
    walk.until(day(14)).tell(day(14, 10), e.TaskCompleted, task="deadline-4")

    assert found(walk.case, "insurer_notice").met == "task deadline-4, done by anna"
    assert tasks(walk.until(day(30))) == tasks(walk, "deadline_missed") == []


def test_what_lies_behind_at_a_late_import_is_told_once() -> None:
    # Opened on day 10, five days before the last: the warnings of 30, 14 and 7 days are one.
    walk = Walk(QUIET, opened=day(10), insurance=notice_only()).until(day(10))
    assert [text.rpartition(": ")[2] for text in tasks(walk)] == ["5 days left"]
    # Opened on the very last day, and after it.
    last = Walk(QUIET, opened=day(15), insurance=notice_only()).until(day(15))
    assert [text.rpartition(": ")[2] for text in tasks(last)] == ["today is the last day"]
    late = Walk(QUIET, opened=day(20), insurance=notice_only()).until(day(20))
    assert (tasks(late), len(tasks(late, "deadline_missed"))) == ([], 1)


def test_what_passed_while_a_case_was_closed_is_told_once() -> None:
    walk = Walk(QUIET, insurance=notice_only())
    walk.tell(day(0), e.PaymentReceived, id="A", amount="1000.00 EUR", received_on=on(0)).until(day(0))
    walk.tell(day(12), e.PaymentReversed, payment="A").until(day(12))

    assert walk.now == day(12) and [t.opened_at for t in walk.case.tasks if t.done_at is None] == [day(12)]
    assert tasks(walk)[0].endswith("3 days left")


# --- the notice that is sent by itself --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "body"),
    [
        (e.HoldPlaced, {}),
        (e.DisputeRaised, {}),
        (e.PromiseMade, {"pay_by": on(40)}),
        (e.ContactLost, {}),
    ],
)
def test_the_insurers_notice_goes_out_whatever_the_ladder_does(message: type[e.Message], body: dict[str, Any]) -> None:
    walk = Walk(QUIET, insurance=notice_only(notice="execute")).tell(day(1), message, **body).until(day(20))

    # A week ahead of day 15, at the policy's hour.
    (sent,) = (n.event for n in walk.case.journal if isinstance(n.event, e.StepPerformed))
    assert (sent.step, sent.kind, sent.performed_at) == (NOTICE, "insurer_notice", day(8))
    assert found(walk.case, "insurer_notice").met == NOTICE
    assert tasks(walk, "deadline_missed") == []


def test_the_notice_is_no_step_of_the_ladder() -> None:
    walk = Walk(QUIET, insurance=notice_only(notice="execute")).until(day(20))

    shown = view.show(walk.case, walk.now)
    assert (shown["steps"], shown["skipped"], walk.case.performed, walk.case.stage) == ([], [], (), "not_due")
    assert shown["deadlines"][0]["state"] == "met"


def test_the_notice_goes_out_after_a_write_off() -> None:
    walk = Walk(QUIET, insurance=notice_only(notice="execute")).tell(day(2), e.WrittenOff, reason="gone")
    walk.tell(day(2, 10), e.StepApproved, step="write_off", by="berta").until(day(9))

    assert walk.case.written_off and found(walk.case, "insurer_notice").met == NOTICE


def test_the_notice_is_never_sent_before_the_debt_is_overdue() -> None:
    duties = {"insurer_notice": {"within": "P3D"}}
    walk = Walk(QUIET, insurance=terms(duties=duties, notice="execute")).until(day(5))

    (sent,) = (n.event for n in walk.case.journal if isinstance(n.event, e.StepPerformed))
    assert sent.performed_at == day(1)


def test_the_notice_may_wait_for_a_second_person() -> None:
    walk = Walk(QUIET, insurance=notice_only(notice="propose")).tell(day(1), e.HoldPlaced).until(day(8))
    assert list(walk.case.proposed) == [NOTICE]
    assert any(t.kind == "approval" and NOTICE in t.text for t in walk.case.tasks)

    walk.tell(day(9), e.StepApproved, step=NOTICE, by="berta").until(day(9))
    assert found(walk.case, "insurer_notice").met == NOTICE
    # Nobody decided: missed, and not sent afterwards, unless somebody says so.
    late = Walk(QUIET, insurance=notice_only(notice="propose")).until(day(17))
    assert found(late.case, "insurer_notice").missed and NOTICE not in late.case.progress
    late.tell(day(18), e.StepApproved, step=NOTICE, by="berta").until(day(18))
    assert found(late.case, "insurer_notice").met == NOTICE


def test_the_notice_may_be_left_to_people() -> None:
    walk = Walk(QUIET, insurance=notice_only()).until(day(14))

    assert not any(isinstance(n.event, e.StepPerformed | e.StepProposed) for n in walk.case.journal)
    assert tasks(walk)[0].endswith("1 day left")


@pytest.mark.parametrize(
    ("kind", "met"),
    [
        ("insurer_notice", {"insurer_notice"}),
        ("insurance_claim", {"insurer_notice", "claim_filing"}),
        ("referral", {"collection_mandate"}),
    ],
)
def test_steps_of_the_ladder_meet_what_they_do(kind: str, met: set[str]) -> None:
    walk = Walk(policy(step("x", after_due(1), kind)), insurance=TERMS).until(day(2))

    assert {d.kind for d in walk.case.deadlines if d.met} == met


# --- limitation -------------------------------------------------------------------------------------------------

DEMAND = policy(step("demand", after_due(15), "formal_demand"), step("late", after_due(3000)))


def performed(walk: Walk, notice: str) -> Walk:
    """The demand goes out on day 15, with its proof."""
    walk.until(day(15), inclusive=False)
    walk.now = day(15)
    walk.apply(
        e.StepPerformed(
            step="demand", kind="formal_demand", planned_at=day(15), performed_at=day(15), notice=notice
        )
    )  # fmt: skip
    return walk


@pytest.mark.parametrize(
    ("law", "last"),
    [
        # CN: three years anew from 17 March 2026, Saturday 17 March 2029: Friday 16 March.
        ("CN", "2029-03-16"),
        # NL: five years anew, Monday 17 March 2031.
        ("NL", "2031-03-17"),
        # DE: a demand does nothing; the end of 2029. FR: nothing; five years from 2 March 2026, a Sunday in 2031.
        ("DE", "2029-12-31"),
        ("FR", "2031-02-28"),
        # JP: it would postpone by six months, but four years too early to postpone anything: 2 March 2031.
        ("JP", "2031-02-28"),
    ],
)
def test_what_a_demand_does_differs_by_law(law: str, last: str) -> None:
    walk = performed(Walk(DEMAND, law=law), "N-1@arrears.example")

    limitation = found(walk.case, "limitation")
    assert str(limitation.day) == last
    moves = law in ("CN", "NL")
    assert [r.proof for r in walk.case.restarts] == (["demand, N-1@arrears.example"] if moves else [])
    assert ("N-1@arrears.example" in limitation.why) == moves


def test_a_demand_that_came_back_has_moved_nothing() -> None:
    # CN: three years from 2 March 2026, Friday 2 March 2029; the demand of day 15 had begun them anew.
    walk = performed(Walk(DEMAND, law="CN"), "N-1@arrears.example")
    walk.tell(day(16), e.ContactLost, notice="N-2@arrears.example")
    assert str(found(walk.case, "limitation").day) == "2029-03-16"
    walk.tell(day(17), e.ContactLost, notice="N-1@arrears.example")
    assert (walk.case.restarts, str(found(walk.case, "limitation").day)) == ((), "2029-03-02")


def test_a_demand_that_a_person_has_to_post_moves_limitation_once_that_is_done() -> None:
    # CN: three years from 2 March 2026, Friday 2 March 2029; anew from the demand of day 15, 17 March.
    def posted(version: int) -> Walk:
        walk = Walk(DEMAND, law="CN")
        walk.case = walk.case.but(rules_version=version)
        walk.until(day(15), inclusive=False)
        walk.apply(
            e.StepPerformed(
                step="demand", kind="formal_demand", occurrence=1, planned_at=day(15), performed_at=day(15),
                notice="print-1", task="formal_demand-1", note="post it", at=day(15),
            )
        )  # fmt: skip
        return walk

    walk = posted(RULES_VERSION)
    assert str(found(walk.case, "limitation").legal_day) == "2029-03-02"
    dropped = posted(RULES_VERSION).tell(day(18), e.TaskCompleted, task="formal_demand-1", outcome="drop")
    assert dropped.case.restarts == ()
    walk.tell(day(18), e.TaskCompleted, task="formal_demand-1")
    assert str(found(walk.case, "limitation").legal_day) == "2029-03-17"
    assert [r.proof for r in walk.case.restarts] == ["demand, print-1"]
    assert str(found(posted(3).case, "limitation").legal_day) == "2029-03-17", "under earlier rules at once"


def test_a_refused_demand_that_was_done_by_hand_moves_limitation() -> None:
    walk = Walk(DEMAND, law="CN").until(day(15), inclusive=False)
    walk.apply(e.StepRefused(step="demand", occurrence=1, reason="no address", at=day(15)))
    walk.tell(day(18), e.TaskCompleted, task="refused_step-1")
    assert str(found(walk.case, "limitation").legal_day) == "2029-03-20"


def test_a_demand_postpones_once_in_japan() -> None:
    # Due 2 March 2026: until 2 March 2031. A demand of 3 January 2031 (day 1768) postpones to 3 July 2031; another
    # one in June postpones nothing.
    rules = policy(step("one", after_due(1768), "formal_demand"), step("two", after_due(1930), "formal_demand"))
    walk = Walk(rules, law="JP").until(day(1768))
    assert (str(on(1768)), str(found(walk.case, "limitation").legal_day)) == ("2031-01-03", "2031-07-03")
    assert "postponed by P6M" in found(walk.case, "limitation").why

    walk.until(day(1930))
    assert str(found(walk.case, "limitation").legal_day) == "2031-07-03"


def test_a_part_payment_restarts_where_the_law_says_so_and_never_shortens() -> None:
    # DE, BGB § 212: three years anew from 5 February 2029 = 5 February 2032, beyond the end of 2029.
    walk = Walk(QUIET, law="DE").tell(day(2), e.PaymentReceived, amount="10.00 EUR", received_on=on(2))
    assert found(walk.case, "limitation").day == date(2029, 12, 31), "not 4 March 2029, which comes sooner"
    walk.tell(day(1071), e.PaymentReceived, id="P", amount="10.00 EUR", received_on="2029-02-05")
    limitation = found(walk.case, "limitation")
    assert (limitation.legal_day, "part_payment: payment P" in limitation.why) == (date(2032, 2, 5), True)
    # CN's table names no part payment.
    chinese = Walk(QUIET, law="CN").tell(day(200), e.PaymentReceived, amount="10.00 EUR", received_on=on(200))
    assert str(found(chinese.case, "limitation").legal_day) == "2029-03-02"


def test_a_part_payment_that_is_taken_back_has_moved_nothing() -> None:
    # UK: six years from 2 March 2026. A payment on day 2150 begins them anew; it bounces when they are over.
    walk = Walk(QUIET, law="UK").tell(day(2150), e.PaymentReceived, id="P", amount="10.00 EUR", received_on=on(2150))
    assert found(walk.case, "limitation").legal_day == date(2038, 1, 20)
    walk.tell(day(2195), e.PaymentReversed, payment="P").until(day(2200))

    assert walk.case.restarts == ()
    assert (found(walk.case, "limitation").legal_day, found(walk.case, "limitation").missed) == (date(2032, 3, 2), True)
    assert [n.event.at for n in walk.case.journal if isinstance(n.event, e.DeadlineMissed)] == [day(2195)]


@pytest.mark.parametrize("told", [("A", "B"), ("B", "A")])
def test_of_two_part_payments_the_one_that_lasts_moves_limitation(told: tuple[str, str]) -> None:
    # UK: six years from the payment of day 190, 8 September 2026, whichever was told first.
    came = {"A": on(200), "B": on(190)}
    walk = Walk(QUIET, law="UK")
    for n, name in enumerate(told):
        walk.tell(day(201 + n), e.PaymentReceived, id=name, amount="10.00 EUR", received_on=came[name])
    assert found(walk.case, "limitation").legal_day == date(2032, 9, 18)
    walk.tell(day(210), e.PaymentReversed, payment="A")
    assert found(walk.case, "limitation").legal_day == date(2032, 9, 8)


def test_money_dated_ahead_moves_limitation_by_the_day_it_was_told() -> None:
    walk = Walk(QUIET, law="UK").tell(day(100), e.PaymentReceived, amount="10.00 EUR", received_on="2062-06-10")
    assert found(walk.case, "limitation").legal_day == date(2032, 6, 10)


def test_a_plan_is_a_promise_too() -> None:
    # CN names the promise, FR the acknowledgment: either begins the period anew on 16 June 2026.
    for law, years in (("CN", 3), ("FR", 5)):
        instalments = [{"due": on(200), "amount": "1000.00 EUR"}]
        walk = Walk(QUIET, law=law).tell(day(106), e.PlanAgreed, instalments=instalments)
        assert found(walk.case, "limitation").legal_day == date(2026 + years, 6, 16)


def test_nothing_revives_a_claim_that_is_barred() -> None:
    # MX: one year, 2 March 2027. UK: six years; a part payment afterwards restarts nothing.
    walk = Walk(QUIET, law="UK").until(day(2193))
    assert found(walk.case, "limitation").missed
    walk.tell(day(2195), e.PaymentReceived, amount="10.00 EUR", received_on=on(2195))
    assert found(walk.case, "limitation").missed and walk.case.restarts == ()


def test_a_suit_suspends_in_germany() -> None:
    walk = Walk(policy(step("sue", after_due(15), "legal_action")), law="DE").until(day(15), inclusive=False)
    walk.now = day(15)
    walk.apply(
        e.StepPerformed(
            step="sue", kind="legal_action", planned_at=day(15), performed_at=day(15), task="legal_action-1", note="sue"
        )
    )  # fmt: skip
    assert found(walk.case, "limitation").met is None, "the task alone is no suit"
    walk.tell(day(30), e.TaskCompleted, task="legal_action-1")
    assert found(walk.case, "limitation").met == "suspended by task legal_action-1"
    assert tasks(walk.until(day(1500))) == []


def test_a_task_about_a_day_that_has_moved_meets_nothing() -> None:
    # UK, warned thirty days before 2 March 2032 (day 2192); then a part payment begins six years anew.
    walk = Walk(QUIET, law="UK").until(day(2170))
    assert len(tasks(walk)) == 1
    walk.tell(day(2171), e.PaymentReceived, amount="10.00 EUR", received_on=on(2171))
    walk.tell(day(2172), e.TaskCompleted, task="deadline-1")

    limitation = found(walk.case, "limitation")
    assert (limitation.met, limitation.day.year) == (None, 2038)


def test_a_written_off_case_ends_with_limitation() -> None:
    # MX: one year from 2 March 2026: Tuesday 2 March 2027.
    walk = Walk(QUIET, law="MX").tell(day(5), e.WrittenOff, reason="no assets")
    walk.tell(day(5), e.StepApproved, step="write_off", by="berta").until(day(365, 23))
    assert (walk.case.closed, walk.case.stage) == (False, "recovery")
    walk.until(day(366, 0))

    assert (walk.case.outcome, walk.case.stage) == ("limitation_expired", "closed")
    # Without a write-off the case goes on: the debtor may pay all the same.
    other = Walk(QUIET, law="MX").until(day(400))
    assert (other.case.closed, len(tasks(other, "deadline_missed"))) == (False, 1)


# --- what would cross them --------------------------------------------------------------------------------------


def concession(message: type[e.Message], last: date) -> dict[str, Any]:
    match message:
        case e.PromiseMade:
            return {"pay_by": last}
        case e.PlanAgreed:
            return {"instalments": [{"due": last, "amount": euros(1000)}]}
        case _:
            return {"until": last}


CONCESSIONS = pytest.mark.parametrize("message", [e.PromiseMade, e.PlanAgreed, e.ExtensionGranted])


@CONCESSIONS
def test_nothing_is_granted_past_limitation(message: type[e.Message]) -> None:
    # MX knows no acknowledgment that restarts: 2 March 2027.
    reason = r"2027-03-03 cannot be accepted: the claim is barred after 2027-03-02 \(P1Y from 2026-03-02; "
    with pytest.raises(Refused, match=reason):
        Walk(QUIET, law="MX").tell(day(1), message, **concession(message, date(2027, 3, 3)))
    assert Walk(QUIET, law="MX").tell(day(1), message, **concession(message, date(2027, 3, 2))).case.on_hold


@CONCESSIONS
@pytest.mark.parametrize("second", ["", " ", "anna", " Anna "])
def test_past_the_insurers_extension_a_second_person_is_needed(message: type[e.Message], second: str) -> None:
    # 60 days from the contractual due date: 1 May.
    body = concession(message, on(61))
    reason = r"2026-05-02 needs the approval of a second person .* until 2026-05-01 \(60 days from the contractual due"
    with pytest.raises(Refused, match=reason):
        Walk(QUIET, insurance=TERMS).tell(day(1), message, approved_by=second, **body)

    assert Walk(QUIET, insurance=TERMS).tell(day(1), message, approved_by="berta", **body).case.on_hold
    assert Walk(QUIET, insurance=TERMS).tell(day(1), message, **concession(message, on(60))).case.on_hold
    with pytest.raises(Refused, match="second person"):
        Walk(QUIET, insurance=TERMS).tell(day(1), message, by="", approved_by="berta", **body)


def test_a_dispute_is_not_answered_after_limitation_or_past_the_cover() -> None:
    with pytest.raises(Refused, match="sooner than 2027-03-03: the claim is barred after 2027-03-02"):
        Walk(QUIET, law="MX").tell(day(1), e.DisputeRaised, answer_by=date(2027, 3, 3))
    with pytest.raises(Refused, match="sooner than 2026-05-02: the insurance allows an extension until"):
        Walk(QUIET, insurance=TERMS).tell(day(1), e.DisputeRaised, answer_by=on(61))

    assert Walk(QUIET, law="MX").tell(day(1), e.DisputeRaised, answer_by=date(2027, 3, 2)).case.on_hold
    # The debtor's word alone is taken whenever it comes.
    assert Walk(QUIET, law="MX").tell(day(364), e.DisputeRaised).case.on_hold


def test_what_is_refused_names_the_day_that_counts() -> None:
    # UK: six years from Saturday 7 March 2026, Sunday 7 March 2032; the last business day is Friday the 5th.
    reason = "barred after 2032-03-07, and 2032-03-05 is the last business day before"
    with pytest.raises(Refused, match=reason):
        Walk(QUIET, law="UK", due="2026-03-07").tell(day(6), e.PromiseMade, pay_by=date(2032, 3, 6))


# --- as others read them ----------------------------------------------------------------------------------------


def test_a_statement_lists_days_left_state_and_source() -> None:
    walk = Walk(QUIET, law="DE", insurance=TERMS).until(day(20))
    lines = {line["kind"]: line for line in deadlines_json(walk.case, walk.now)}

    assert lines["insurer_notice"]["state"] == "missed" and lines["insurer_notice"]["days_left"] == -5
    assert lines["claim_filing"] == {
        "kind": "claim_filing", "name": "filing of the claim", "day": "2026-10-28", "legal_day": "2026-10-28",
        "days_left": 220, "why": "240 days from the due date 2026-03-02", "source": "policy 4711, cl. 4",
        "verified": True, "state": "open", "met": None,
    }  # fmt: skip
    assert on(20) + timedelta(days=220) == date(2026, 10, 28)
