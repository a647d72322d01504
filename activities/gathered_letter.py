"""One letter about several invoices of a buyer: the highest stage sets its tone.

Which invoices belong together is found in gathering.py; how any letter is written, in letters.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from activities.letter_content import KINDS, InvoiceLine, Letter, kind_of
from activities.letters import DEFAULT_PERIOD_DAYS, content_of, demandable, letter_for, write_letter
from models.invoice import Invoice
from models.jurisdiction import LetterRule
from models.orders import StepOrder
from models.parties import Creditor
from models.policy import StepKind

STAGES: tuple[StepKind, ...] = ("reminder", "formal_demand", "lawyer_letter")
"""The kinds of steps whose letters can be gathered, the mildest first."""
_LETTERS = tuple(KINDS)


@dataclass(frozen=True, slots=True)
class Due:
    """A step that is due, and its invoice."""

    order: StepOrder
    invoice: Invoice


@dataclass(frozen=True, slots=True)
class Gathered:
    """What one letter serves (`dues`: at least one), and what it tells beside: other open and disputed invoices."""

    dues: tuple[Due, ...]
    also_open: tuple[InvoiceLine, ...] = ()
    contested: tuple[InvoiceLine, ...] = ()

    @property
    def orders(self) -> list[StepOrder]:
        """The steps that the letter serves."""
        return [due.order for due in self.dues]

    @property
    def alone(self) -> "Gathered":
        """The same letter for the first step only."""
        return replace(self, dues=self.dues[:1])


def write_gathered(
    gathered: Gathered, creditor: Creditor, at: datetime, rules: Sequence[LetterRule] = ()
) -> tuple[Letter, StepKind]:  # fmt: skip
    """The letter, dated `at`, and the kind of the step that sets its tone.

    An invoice that is not due yet stands apart where the letter is about what is overdue.

    Raises:
        CannotCompose: as `letters.write`.
    """
    contents = [content_of(due.order, due.invoice, creditor, at, rules) for due in gathered.dues]
    letters: list[str] = []
    for due, content in zip(gathered.dues, contents, strict=True):
        demandable(due.order, due.invoice, content)
        letters.append(letter_for(due.order, content))
    highest = max(range(len(letters)), key=lambda n: (STAGES.index(gathered.orders[n].step.kind), _rank(letters[n])))
    letter, step = letters[highest], gathered.orders[highest].step
    lines = sorted((content.invoices[0] for content in contents), key=lambda line: (line.due, line.number))
    early = [line for line in lines if kind_of(letter, step.kind).overdue and line.figures.days_overdue <= 0]
    if len(early) == len(lines):
        early = []
    today = contents[0].today
    about = replace(
        contents[0],
        invoices=tuple(line for line in lines if line not in early),
        deadline=today + timedelta(days=step.cure_period or DEFAULT_PERIOD_DAYS),
        sent=tuple(sorted((one for content in contents for one in content.sent), key=lambda sent: sent[1])),
        received=tuple(one for content in contents for one in content.received),
        also_open=(*early, *gathered.also_open),
        contested=gathered.contested,
    )
    language = gathered.dues[0].invoice.buyer.contact.language
    return write_letter(letter, language, about, step_kind=step.kind), step.kind


def _rank(letter: str) -> int:
    return _LETTERS.index(letter) if letter in _LETTERS else _LETTERS.index("reminder")
