"""Cases for tests: an invoice due on day 0, policies in a few lines, and a walker that takes a case through time."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from gateway.jurisdiction_files import load_jurisdiction
from gateway.policy_files import load_policy
from models import events as e
from models.case import RULES_VERSION, Case
from models.changes import apply, open_case
from models.clock import CaseClock
from models.insurance import InsuranceTerms
from models.invoice import Invoice
from models.ladder import Close, Perform, Propose, Record, Tell, Wait, next_action
from models.law import CaseLaw, law_for
from models.money import Money
from models.policy import Policy

DUE = date(2026, 3, 2)
"""A Monday; every test counts its days from here."""


def day(n: int, hour: float = 9) -> datetime:
    """An instant on the n-th day after the due date, UTC."""
    return datetime.combine(DUE + timedelta(days=n), datetime.min.time(), UTC) + timedelta(hours=hour)


def on(n: int) -> date:
    """The n-th day after the due date."""
    return DUE + timedelta(days=n)


def euros(amount: int | str) -> Money:
    return Money.model_validate(f"{amount} EUR")


def invoice(**fields: Any) -> Invoice:
    buyer = {"id": "B-1", "country": "DE", **fields.pop("buyer", {})}
    content = {"creditor": "ACME", "number": "0017", "buyer": buyer, "amount": "1000.00 EUR", "due": DUE}
    return Invoice.model_validate({**content, **fields})


def policy(*steps: dict[str, Any], **fields: Any) -> Policy:
    return Policy.model_validate({"id": "test", "steps": list(steps), **fields})


def step(name: str, when: dict[str, Any], kind: str = "reminder", **fields: Any) -> dict[str, Any]:
    return {"id": name, "kind": kind, "when": when, **fields}


def after_due(n: int) -> dict[str, Any]:
    return {"after_due": f"P{n}D"}


def after_step(name: str, n: int, **fields: Any) -> dict[str, Any]:
    return {"after_step": {"step": name, "delay": f"P{n}D", **fields}}


_packaged = lru_cache(load_policy)


@lru_cache
def law_of(code: str, due: date = DUE) -> CaseLaw:
    """The law of a jurisdiction, for an invoice due on day 0 unless told otherwise."""
    return law_for(load_jurisdiction(code), "invoice", due)


class Walk:
    """A case on its way: performs what is due, and is told messages at their instants."""

    def __init__(
        self,
        rules: Policy | str = "plain",
        opened: datetime | None = None,
        prior: Sequence[e.PriorNotice] = (),
        law: str | None = None,
        insurance: dict[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        """Open a case (ten days before due, unless `opened` says otherwise)."""
        pinned = _packaged(rules) if isinstance(rules, str) else rules
        self.now = opened or day(-10, 0)
        self.opened = e.CaseOpened(
            at=self.now, invoice=invoice(**fields), policy=pinned, clock=CaseClock.real(self.now),
            prior_notices=tuple(prior), law=law_of(law, self._due(fields)) if law else None,
            insurance=InsuranceTerms.model_validate(insurance) if insurance else None, rules_version=RULES_VERSION,
        )  # fmt: skip
        self.case = open_case(self.opened)
        self.events: list[e.Event] = [self.opened]
        self._messages = 0

    @staticmethod
    def _due(fields: dict[str, Any]) -> date:
        return date.fromisoformat(str(fields.get("due", DUE)))

    def until(self, instant: datetime, inclusive: bool = True) -> "Walk":
        """Let time pass; what falls on the instant itself happens only if `inclusive`."""
        if self.case.closed or (self.now == instant and not inclusive):
            self.now = max(self.now, instant)
            return self
        for _ in range(2_000):
            action = next_action(self.case, self.now)
            match action:
                case Wait(None):
                    break
                case Wait(datetime() as until):
                    if until > instant or (until == instant and not inclusive):
                        break
                    assert until > self.now, "a wait that does not wait"
                    self.now = until
                case Record() | Perform() | Propose() | Tell() | Close():
                    self.take(action)
                    if isinstance(action, Close):
                        break
        else:
            raise AssertionError("next_action does not come to an end")
        self.now = max(self.now, instant)
        return self

    def take(self, action: Perform | Propose | Record | Tell | Close) -> None:
        """Do what `next_action` says, as the workflow would."""
        match action:
            case Record(event):
                self.apply(event)
            case Tell(case_id):
                self.apply(e.PartnerTold(case=case_id))
            case Perform(step, occurrence, planned_at):
                self.apply(
                    e.StepPerformed(
                        step=step.id, kind=step.kind, occurrence=occurrence, planned_at=planned_at,
                        performed_at=self.now,
                    )
                )  # fmt: skip
            case Propose(step, occurrence, planned_at):
                self.apply(e.StepProposed(step=step.id, occurrence=occurrence, planned_at=planned_at))
            case Close(outcome):
                self.apply(e.CaseClosed(outcome=outcome))

    def apply(self, event: e.Event) -> None:
        """Apply an event now, unless it has its own instant."""
        event = event if event.at is not None else event.but(at=self.now)
        before = self.case.sequence
        self.case = apply(self.case, event)
        self.events += [n.event for n in self.case.journal if n.sequence > before]

    def tell(self, at: datetime, message: type[e.Message], **body: Any) -> "Walk":
        """A message arrives at an instant: before any step of that instant, after everything earlier."""
        self.until(at, inclusive=False)
        self._messages += 1
        self.apply(message.model_validate({"id": f"M-{self._messages}", "by": "anna", **body, "at": at}))
        return self

    @property
    def next(self) -> Any:
        return next_action(self.case, self.now)

    @property
    def steps(self) -> list[tuple[str, int]]:
        """What was performed: step and whole days after the due date."""
        return [(done.step, (done.performed_at.date() - DUE).days) for done in self.case.performed]

    @property
    def skipped(self) -> list[str]:
        return [skip.step for skip in self.case.skipped]

    def open_tasks(self) -> list[str]:
        return [task.id for task in self.case.tasks if task.done_at is None]


def moments(case: Case) -> list[datetime]:
    """The instants at which the steps were performed."""
    return [done.performed_at for done in case.performed]
