"""Cases in a real ledger, with the notices they sent: the evidence that tests look at and tamper with."""

from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from activities.composing import CannotCompose, compose
from activities.database import open_engine
from activities.ledger import Ledger
from activities.outbox import Outbox
from models import events as e
from models import ids, view
from models.ladder import Close, Perform, Propose, Record, Tell
from models.ordering import order_of
from models.records import Numbered
from tests.cases import Walk, day, euros, on
from tests.notices import acme

CONTACT = {"id": "B-1", "name": "Beispiel GmbH", "contact": {"email": "debtor@buyer.example"}}


class Told(Walk):
    """A walk whose ladder sends real notices through the ledger's outbox, and whose events the ledger records."""

    def __init__(self, ledger: Ledger, rules: Any = "plain", **fields: Any) -> None:
        super().__init__(rules, **{"buyer": CONTACT, "late_fee": "0.05%/day", **fields})
        self.ledger, self.outbox, self.pdf = ledger, Outbox(ledger.engine), False
        ledger.open_cases([(self.case, view.head(self.case))])
        ledger.started([self.case.id])

    def until(self, instant: datetime, inclusive: bool = True) -> "Told":
        super().until(instant, inclusive)
        return self.recorded()

    def take(self, action: Perform | Propose | Record | Tell | Close) -> None:
        if isinstance(action, Perform):
            self._send(*action)
        else:
            super().take(action)
        self.recorded()

    def recorded(self) -> "Told":
        """What happened so far is in the ledger."""
        numbered = [Numbered(sequence=n, event=event) for n, event in enumerate(self.events, 1)]  # type: ignore[arg-type]
        self.ledger.record(self.case.id, numbered, view.head(self.case))
        return self

    def told(self, at: datetime, message: type[e.Message], **body: Any) -> "Told":
        """A message that comes through the ledger."""
        self.until(at, inclusive=False)
        given = message.model_validate({"id": f"M-{len(self.events)}", "by": "anna", **body, "at": at})
        creditor, number = ids.split_case_id(self.case.id)
        self.ledger.receive(creditor, number, given)
        self.apply(given)
        self.ledger.answered(creditor, number, given, "taken")
        return self.recorded()

    def _send(self, step: Any, occurrence: int, planned_at: datetime) -> None:
        case = self.case
        order = order_of(case, step, occurrence, planned_at, self.now)
        notice = task = None
        try:
            mail = compose(order, case.invoice, acme(), at=self.now, earlier=[])
        except CannotCompose:
            task = f"{step.id}-{occurrence}"
        else:
            notice, key = mail.message_id, ids.step_key(case.id, step.id, occurrence)
            values = {name: getattr(mail, name) for name in ("message_id", "recipient", "subject", "kind", "language")}
            content = with_pdf(mail.message_id, mail.recipient, mail.subject) if self.pdf else mail.content
            self.outbox.put(key, order, case.invoice.creditor, case.invoice.buyer.id, values | {"content": content})
            self.outbox.sent(mail.message_id, "250 queued as 4711")
        self.apply(
            e.StepPerformed(
                step=step.id, kind=step.kind, occurrence=occurrence, planned_at=planned_at, performed_at=self.now,
                notice=notice, task=task,
            )
        )  # fmt: skip


def with_pdf(message_id: str, recipient: str = "debtor@buyer.example", subject: str = "Formal demand") -> bytes:
    """A mail with a letter attached."""
    mail = EmailMessage()
    mail["To"], mail["Subject"], mail["Message-ID"] = recipient, subject, message_id
    mail.set_content("See the letter.")
    mail.add_attachment(b"%PDF-1.7 a letter", maintype="application", subtype="pdf", filename="../Mahnung 二.pdf")
    return mail.as_bytes()


def a_story(ledger: Ledger, **fields: Any) -> Told:
    """A case to which a good deal happened, up to the referral."""
    walk = Told(ledger, **fields)
    walk.told(day(2), e.PaymentReceived, id="BANK-1", amount=euros(100), received_on=on(2))
    walk.told(day(3), e.HoldPlaced, reason="customer called").told(day(5), e.HoldReleased)
    walk.told(day(9), e.DebtorReplied, text="we will pay <b>soon</b>, 马上付款")
    walk.told(day(20), e.DisputeRaised, amount=euros(50), reason="scratched")
    return walk.until(day(40))


def a_ledger(folder: Path) -> Ledger:
    """An empty ledger in the place where the command line looks for it."""
    return Ledger(open_engine(f"sqlite:///{folder}/ledger.db"))
