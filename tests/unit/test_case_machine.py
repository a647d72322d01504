"""Random events and random time at `apply` and `next_action`: what holds for every case at every moment."""

import os
from collections import Counter
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.policy_files import load_policy
from models import events as e
from models.case import RULES_VERSION, Case, Closed, Refused
from models.changes import apply, fold, open_case
from models.clock import CaseClock
from models.days import local_date
from models.insurance import InsuranceTerms
from models.ladder import Close, Perform, Propose, Record, Tell, Wait, next_action
from models.money import Money
from models.policy import DUNNING, DUTY_STEPS, Policy
from tests.cases import after_due, after_step, day, invoice, law_of, policy, step
from tests.unit.bookkeeping import adds_up

EVERYTHING = policy(
    step("before", {"before_due": "P3D"}, repeat={"every": "P2D", "times": 3}),
    step("letter", after_due(2), cure_period="P3D"),
    step("on_reply", {"on_event": "debtor_replied"}, kind="call", only_if={"min_amount": ["100.00 EUR"]}),
    step("demand", {"any": [after_step("letter", 5, unanswered=True), after_due(12)]}, kind="formal_demand",
         requires=["letter"], cure_period="P10D", mode="propose"),
    step("notice", {"all": [after_due(8), {"on_event": "contact_lost"}]}, kind="insurer_notice"),
    step("weekly", after_due(9), repeat={"every": "P7D", "times": 3}, only_if={"unanswered_since": "letter"}),
    step("agency", after_step("demand", 10), kind="referral", requires=["demand"], mode="propose"),
    step("claim", {"any": [after_due(40), {"on_event": "debtor_insolvent"}]}, kind="insurance_claim",
         requires=["demand"], only_if={"insured": True}),
    step("late", after_due(60), kind="lawyer_letter", requires=["demand", "weekly"]),
    id="everything", spacing="P1D", contact_limit={"most": 2, "within": "P7D"}, jitter="PT90M",
    schedule={"zone": "debtor", "days": "business"}, promise_tolerance="P2D",
)  # fmt: skip
CLAIMING = policy(
    step("letter", after_due(2), cure_period="P3D"),
    step("demand", after_due(9), "formal_demand", requires=["letter"], cure_period="P5D"),
    step("sue", after_due(40), "legal_action", requires=["demand"], mode="propose"),
    id="claiming", claim_interest={"from_step": "demand", "rest": "pursue"}, tolerance=["5.00 EUR"], max_promises=1,
    dispute_answer="P5D", grace_period="P3D", deadline_warnings=["P20D", "P5D", "P1D"],
)  # fmt: skip
WAIVING = CLAIMING.model_validate({
    **CLAIMING.brief, "id": "waiving", "claim_interest": {"from_step": "letter", "rest": "waive"}, "tolerance": [],
})  # fmt: skip
INSURED: dict[str, Any] = {
    "source": "policy 4711", "maximum_extension": "P20D",
    "duties": {
        "insurer_notice": {"within": "P15D"}, "claim_filing": {"within": "P60D"},
        "adverse_information": {"within": "P10D", "of": "knowledge", "business_days": True},
    },
}  # fmt: skip
NAMES = ["plain", "s0-24h-7-90", "s2-weekly-15-30", "s2-7-15-30", "s3-immediate"]
POLICIES: list[Policy] = [EVERYTHING, CLAIMING, WAIVING, *map(load_policy, NAMES)]
STEPS = sorted({*(s.id for p in POLICIES for s in p.steps), *DUTY_STEPS, "write_off"})

amounts = st.integers(1, 120_000).map(lambda cents: Money.from_minor(cents, "EUR"))
some_amount = st.none() | amounts
hours = st.sampled_from([0.25, 3, 24, 24 * 3, 24 * 7, 24 * 30]).flatmap(lambda most: st.floats(0, most))
ahead = st.integers(-1, 20)
approvers = st.sampled_from(["", "anna", "berta"])


def case_insured(case: Case) -> bool:
    return case.insurance is not None and case.insurance.notice != "task"


class CaseMachine(RuleBasedStateMachine):
    """A case, the events it has seen, and a world that reports at random."""

    case: Case
    now: datetime

    @initialize(
        rules=st.sampled_from(POLICIES),
        opened=st.integers(-15 * 24, 110 * 24),
        zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Shanghai", "America/Los_Angeles"]),
        insured=st.booleans(),
        number=st.sampled_from(["1", "2", "3"]),
        law=st.sampled_from([None, "DE", "UK", "CN", "MX"]),
        notice=st.sampled_from([None, "execute", "propose", "task"]),
        fields=st.sampled_from(
            [{}, {"late_fee": "0.05%/day"}, {"allocation": "principal_first"},
             {"guarantee": {"text": "bond", "expires": "2026-05-30"}}]
        ),
    )  # fmt: skip
    def open(
        self, rules: Policy, opened: int, zone: str, insured: bool, number: str, law: str | None, notice: str | None,
        fields: dict[str, Any],
    ) -> None:  # fmt: skip
        self.now = day(0, opened)
        subject = invoice(number=number, cover={} if insured else None, buyer={"contact": {"timezone": zone}}, **fields)
        event = e.CaseOpened(
            at=self.now, invoice=subject, policy=rules, clock=CaseClock.real(self.now), rules_version=RULES_VERSION,
            law=law_of(law) if law else None,
            insurance=InsuranceTerms.model_validate({**INSURED, "notice": notice}) if notice else None,
        )  # fmt: skip
        self.case = open_case(event)
        self.sent: list[e.Message] = []
        self.performed_by_us: list[tuple[str, int]] = []
        self.agreed_in_law = dict(self.last_days())

    # --- the world --------------------------------------------------------------------------------------------

    @rule(passed=hours, reports=st.lists(st.sampled_from(["performed"] * 6 + ["skipped", "deferred", "refused"])))
    def time_passes(self, passed: float, reports: list[str]) -> None:
        limit = self.now + timedelta(hours=passed)
        outcomes = iter(reports)
        for _ in range(500):
            if self.case.closed:
                break
            action = next_action(self.case, self.now)
            match action:
                case Wait(None):
                    break
                case Wait(datetime() as until):
                    assert until > self.now
                    if until > limit:
                        break
                    self.now = until
                case Record(event):
                    assert event.at is not None and event.at <= self.now
                    self.take(event)
                case Tell(case_id):
                    self.take(e.PartnerTold(case=case_id))
                case Close(outcome):
                    self.take(e.CaseClosed(outcome=outcome))
                case Propose(chosen, occurrence, planned_at):
                    self.judge(chosen.id, planned_at)
                    self.take(e.StepProposed(step=chosen.id, occurrence=occurrence, planned_at=planned_at))
                case Perform():
                    self.perform(action, next(outcomes, "performed"))
        else:
            raise AssertionError(f"no end at {self.now}: {next_action(self.case, self.now)}")
        self.now = limit

    @rule(passed=hours)
    def worker_is_down(self, passed: float) -> None:
        self.now += timedelta(hours=passed)

    def perform(self, action: Perform, report: str) -> None:
        self.judge(action.step.id, action.planned_at)
        assert action.step.mode == "execute" or action.step.id in self.case.approved
        self.contacts_are_few(action)
        common: dict[str, Any] = {"step": action.step.id, "occurrence": action.occurrence}
        match report:
            case "performed":
                if action.step.id not in DUTY_STEPS:
                    self.performed_by_us.append((action.step.id, action.occurrence))
                self.take(
                    e.StepPerformed(
                        **common, kind=action.step.kind, planned_at=action.planned_at, performed_at=self.now
                    )
                )
            case "skipped":
                self.take(e.StepSkipped(**common, reason="the world said no"))
            case "deferred":
                until = self.now + timedelta(hours=5)
                self.take(e.StepDeferred(**common, until=until, reason="server down"))
            case "refused":
                self.take(e.StepRefused(**common, reason="no address"))

    def judge(self, name: str, planned_at: datetime) -> None:
        """What must be true of any step at the moment it is carried out or proposed."""
        if name in DUTY_STEPS:
            assert case_insured(self.case) and not self.case.closed and planned_at <= self.now
            return
        case, chosen = self.case, self.case.policy.by_id[name]
        assert not case.on_hold and not case.written_off and not case.withdrawn and case.pursued
        assert case.opened_at <= planned_at <= self.now
        assert not (chosen.kind in DUNNING and case.mandate_held)
        for required in chosen.requires:
            done = case.last_performed(required)
            assert done is not None, f"{name} before {required}"
            passed = local_date(case, self.now) - local_date(case, done.performed_at)
            assert passed.days >= case.policy.by_id[required].cure_period

    def contacts_are_few(self, action: Perform) -> None:
        limit = self.case.policy.contact_limit
        if limit is None or action.step.kind not in DUNNING:
            return
        today = local_date(self.case, self.now)
        recent = [at for at in self.case.contacts() if (today - local_date(self.case, at)).days < limit.within]
        assert len(recent) < limit.most

    def take(self, event: e.Event) -> None:
        self.case = apply(self.case, event if event.at is not None else event.but(at=self.now))

    # --- what it is told --------------------------------------------------------------------------------------

    def tell(self, kind: type[e.Message], /, **body: Any) -> None:
        message = kind.model_validate({"id": f"M-{len(self.sent)}", "by": "anna", "at": self.now, **body})
        before, sequence = self.case, self.case.sequence
        try:
            self.case = apply(self.case, message)
        except Refused as refusal:
            assert str(refusal) and self.case is before
            return
        assert self.case.sequence > sequence
        self.sent.append(message)

    def on(self, days: int) -> date:
        return local_date(self.case, self.now) + timedelta(days=days)

    @rule(amount=amounts, part=st.sampled_from([None, "costs", "interest", "principal"]), ago=st.integers(0, 20))
    def payment(self, amount: Money, part: str | None, ago: int) -> None:
        self.tell(e.PaymentReceived, amount=amount, received_on=self.on(-ago), designation=part)

    @precondition(lambda self: self.case.payments)
    @rule(data=st.data(), part=st.sampled_from(["costs", "interest", "principal"]), counts_as=some_amount)
    def allocation(self, data: st.DataObject, part: str, counts_as: Money | None) -> None:
        chosen = data.draw(st.sampled_from([p.id for p in self.case.payments]))
        body = {"first": part} if counts_as is None else {"counts_as": counts_as}
        self.tell(e.PaymentAllocated, payment=chosen, **body)

    @precondition(lambda self: self.case.payments)
    @rule(data=st.data(), amount=some_amount)
    def refund(self, data: st.DataObject, amount: Money | None) -> None:
        known = self.case.unapplied or self.case.payments
        chosen = data.draw(st.sampled_from(known))
        self.tell(e.Refunded, payment=chosen.id, amount=amount or chosen.amount)

    @rule(amount=some_amount, by=st.sampled_from(["anna", ""]))
    def waiver(self, amount: Money | None, by: str) -> None:
        self.tell(e.InterestWaived, amount=amount, by=by)

    @rule()
    def full_payment(self) -> None:
        if self.case.outstanding:
            self.tell(e.PaymentReceived, amount=self.case.outstanding, received_on=self.now.date())

    @rule(cents=st.integers(1, 500))
    def foreign_payment(self, cents: int) -> None:
        self.tell(e.PaymentReceived, amount=Money.from_minor(cents, "USD"), received_on=self.now.date())

    @rule(data=st.data())
    def reversal(self, data: st.DataObject) -> None:
        known = [p.id for p in self.case.payments]
        if known:
            self.tell(e.PaymentReversed, payment=data.draw(st.sampled_from(known)))

    @rule(amount=amounts, kind=st.sampled_from(["credit_note", "set_off", "goods_in_lieu"]), ago=st.integers(0, 20))
    def credit(self, amount: Money, kind: str, ago: int) -> None:
        self.tell(e.CreditNoteIssued, amount=amount, kind=kind, issued_on=self.on(-ago))

    @rule(amount=some_amount, category=st.sampled_from(["quality", "other"]), answer=st.none() | ahead)
    def dispute(self, amount: Money | None, category: str, answer: int | None) -> None:
        answer_by = None if answer is None else self.on(answer)
        self.tell(e.DisputeRaised, amount=amount, category=category, answer_by=answer_by)

    @rule(upheld=st.booleans(), amount=some_amount)
    def resolution(self, upheld: bool, amount: Money | None) -> None:
        self.tell(e.DisputeResolved, upheld=upheld, amount=amount)

    @rule(amount=some_amount, days=ahead, approver=approvers)
    def promise(self, amount: Money | None, days: int, approver: str) -> None:
        self.tell(e.PromiseMade, amount=amount, pay_by=self.on(days), approved_by=approver)

    @rule(ours=st.booleans())
    def plan_ended(self, ours: bool) -> None:
        self.tell(e.PlanEnded, plan=self.case.plan.name if ours and self.case.plan else "PL")

    @rule(parts=st.integers(1, 3), days=ahead, approver=approvers, others=st.booleans())
    def plan(self, parts: int, days: int, approver: str, others: bool) -> None:
        owed = self.case.outstanding.minor
        shares = [owed // parts] * (parts - 1) + [owed - owed // parts * (parts - 1)]
        common: dict[str, Any] = {"plan": "PL", "with_cases": [self.case.id, "invoice/ACME/other"]} if others else {}
        self.tell(
            e.PlanAgreed,
            approved_by=approver,
            **common,
            instalments=[
                {"due": self.on(days + 5 * n), "amount": Money.from_minor(share, "EUR")}
                for n, share in enumerate(shares)
            ],
        )

    @rule(days=ahead, approver=approvers)
    def extension(self, days: int, approver: str) -> None:
        self.tell(e.ExtensionGranted, until=self.on(days), approved_by=approver)

    @rule()
    def hold(self) -> None:
        self.tell(e.HoldPlaced)

    @rule(which=st.booleans())
    def release(self, which: bool) -> None:
        named = self.case.holds[0].id if which and self.case.holds else None
        self.tell(e.HoldReleased, hold=named)

    @rule(kind=st.sampled_from([e.DebtorReplied, e.ContactLost, e.DebtorInsolvent]))
    def news(self, kind: type[e.Message]) -> None:
        self.tell(kind)

    @rule(kind=st.sampled_from([e.StepApproved, e.StepRejected]), wild=st.sampled_from(STEPS))
    def decision(self, kind: type[e.Message], wild: str) -> None:
        self.tell(kind, step=next(iter(self.case.proposed), wild))

    @precondition(lambda self: self.case.write_off)
    @rule(kind=st.sampled_from([e.StepApproved, e.StepRejected]), by=st.sampled_from(["anna", "Anna", "berta"]))
    def decision_on_a_write_off(self, kind: type[e.Message], by: str) -> None:
        known = self.case
        self.tell(kind, step="write_off", by=by)
        assert (self.case is known) == (by != "berta") or known.closed

    @precondition(lambda self: self.case.tasks)
    @rule(data=st.data(), outcome=st.sampled_from(["done", "retry", "drop"]))
    def task(self, data: st.DataObject, outcome: str) -> None:
        chosen = data.draw(st.sampled_from([t.id for t in self.case.tasks]))
        self.tell(e.TaskCompleted, task=chosen, outcome=outcome)

    @rule(status=st.sampled_from(["active", "paused", "closed"]))
    def agency(self, status: str) -> None:
        self.tell(e.AgencyReported, status=status)

    @rule(accepted=st.booleans())
    def insurer(self, accepted: bool) -> None:
        self.tell(e.InsurerDecided, accepted=accepted)

    @precondition(lambda self: len(self.sent) > 6)
    @rule(kind=st.sampled_from([e.Withdrawn, e.WrittenOff]))
    def giving_up(self, kind: type[e.Message]) -> None:
        self.tell(kind)

    @precondition(lambda self: len(self.sent) > 3)
    @rule(other=st.sampled_from(POLICIES))
    def other_policy(self, other: Policy) -> None:
        self.tell(e.PolicyChanged, policy=other)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def repetition(self, data: st.DataObject) -> None:
        again = data.draw(st.sampled_from(self.sent))
        assert apply(self.case, again.but(at=self.now, by="bert", source="bank")) is self.case

    # --- what always holds ------------------------------------------------------------------------------------

    @invariant()
    def money_adds_up(self) -> None:
        adds_up(self.case)
        assert self.case.credited >= Money.zero("EUR") and self.case.disputed <= self.case.outstanding

    def last_days(self) -> dict[str, date]:
        return {d.kind: d.day for d in self.case.deadlines}

    @invariant()
    def deadlines_stand(self) -> None:
        """Nothing but the law moves a hard deadline, and the law moves limitation alone."""
        now = self.last_days()
        assert list(now.values()) == sorted(now.values())
        for kind, last in self.agreed_in_law.items():
            assert now[kind] >= last if kind == "limitation" else now[kind] == last
        assert self.agreed_in_law.keys() <= now.keys()
        assert now.keys() - self.agreed_in_law.keys() <= {"adverse_information"}
        self.agreed_in_law = now
        open_warnings = Counter(t.about for t in self.case.tasks if t.kind == "deadline" and t.done_at is None)
        assert max(open_warnings.values(), default=1) == 1

    @invariant()
    def tasks_end_with_what_they_are_about(self) -> None:
        left = {(t.kind, t.about) for t in self.case.tasks if t.done_at is None}
        assert self.case.dispute is not None or not any(kind.startswith("dispute") for kind, _ in left)
        missing = [about for kind, about in left if kind == "missing_rate"]
        known = self.case.claim.left_out_from if self.case.claim else None
        assert set(missing) <= {str(known)}

    @invariant()
    def no_step_twice(self) -> None:
        performed = Counter((d.step, d.occurrence) for d in self.case.performed)
        skipped = Counter((s.step, s.occurrence) for s in self.case.skipped)
        assert max([*performed.values(), *skipped.values()], default=1) == 1
        assert not performed.keys() & skipped.keys()
        assert set(self.performed_by_us) <= performed.keys()

    @invariant()
    def nothing_happens_after_the_close(self) -> None:
        if not self.case.closed:
            return
        assert isinstance(next_action(self.case, self.now), Close)
        for event in (e.CaseClosed(outcome="paid", at=self.now), e.HoldPlaced(id="new", at=self.now)):
            try:
                apply(self.case, event)
            except Closed:
                continue
            raise AssertionError("a closed case took an event")

    @invariant()
    def numbering_and_pauses_are_in_order(self) -> None:
        assert [n.sequence for n in self.case.journal] == list(range(1, self.case.sequence + 1))
        assert all(p.since <= p.until for p in self.case.pauses)
        assert all(a.until <= b.since for a, b in pairwise(self.case.pauses))
        tasks = [t.id for t in self.case.tasks]
        assert len(set(tasks)) == len(tasks)

    @invariant()
    def a_case_survives_its_json(self) -> None:
        again = Case.model_validate_json(self.case.model_dump_json())
        assert again == self.case
        if not self.case.closed:
            assert next_action(again, self.now) == next_action(self.case, self.now)

    def teardown(self) -> None:
        if hasattr(self, "case"):
            assert fold(n.event for n in self.case.journal) == self.case.but(journal=())


TestCaseMachine = CaseMachine.TestCase
# Derandomised: the same walks in every run, so that a failure is about the change at hand. MACHINE_EXAMPLES widens it.
TestCaseMachine.settings = settings(
    max_examples=int(os.environ.get("MACHINE_EXAMPLES", "60")),
    stateful_step_count=40,
    deadline=None,
    derandomize="MACHINE_EXAMPLES" not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
)
