"""`arrears letter`: looks at letters before they are sent, and checks those that a creditor wrote itself."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from io import BytesIO
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from pypdf import PdfReader

from activities.letter_content import KINDS, Instalment, Letter, LetterContent
from activities.letter_sample import completed, sample_content
from activities.letters import content_of, write_letter
from activities.refusals import CannotCompose
from gateway.cli.output import AsJson, DataDir, emit, err, reporting, say
from gateway.cli.session import day, today, with_ledger
from gateway.creditor_files import load_creditor
from gateway.environment import load_settings
from gateway.errors import InputRefused, WrongUsage
from gateway.letter_files import letter_faults, letter_rules
from gateway.service import Service
from models import ids
from models.books import debtor_day
from models.case import Case
from models.ids import digest
from models.money import Money
from models.ordering import order_of
from models.orders import StepOrder
from models.parties import Contact, Creditor
from models.policy import Step

letter_app = typer.Typer(no_args_is_help=True, add_completion=False, help="Look at letters, and check your own.")

_Invoice = Annotated[str | None, typer.Argument(metavar="[INVOICE]", help="The number, or CREDITOR/NUMBER.")]
_Kind = Annotated[str, typer.Option(metavar="KIND", help=f"One of {', '.join(KINDS)}; or a template of your own.")]
_Language = Annotated[
    str | None, typer.Option(metavar="CODE", help="en, zh, de, fr or es (default: the buyer's; of a sample: en).")
]
_Out = Annotated[Path | None, typer.Option("-o", "--out", metavar="FILE.pdf", help="Where the PDF is written.")]
_Sample = Annotated[bool, typer.Option("--sample", help="A built-in sample invoice: needs neither server nor ledger.")]
_Creditor = Annotated[
    str | None, typer.Option("--creditor", metavar="CODE", help="With --sample: the creditor whose letter it is.")
]
_Invoices = Annotated[int, typer.Option(min=1, max=200, help="With --sample: about how many invoices.")]
_Date = Annotated[
    str | None, typer.Option("--date", metavar="DATE", help="With an INVOICE: the letter's day (default: today).")
]
_Text = Annotated[bool, typer.Option("--text", help="Print the letter's text.")]

_EXAMPLE_INSTALMENTS = 3


@letter_app.command("preview")
@reporting
def preview(
    invoice: _Invoice = None,
    kind: _Kind = "reminder",
    language: _Language = None,
    out: _Out = None,
    sample: _Sample = False,
    creditor: _Creditor = None,
    invoices: _Invoices = 1,
    on: _Date = None,
    text: _Text = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Write a letter as a PDF file, as it would go out for an invoice; nothing is sent and nothing recorded.

    The same arguments and the same case give the same bytes. Exit status: 0 if it was written; 1 if such a letter may
    not go out, with the reason; 2 if the file cannot be written; 3 if the ledger cannot be reached.
    """
    if sample == (invoice is not None):
        raise WrongUsage("name the INVOICE, or give --sample")
    if out is None and not text and not as_json:
        raise WrongUsage("say where the PDF goes: -o FILE.pdf (or --text to read it here)")
    language = _tag(language)
    if sample:
        if on is not None:
            raise WrongUsage("--date goes with an INVOICE: the sample has days of its own")
        folder = load_settings(data_dir).data_dir
        ours = completed(load_creditor(creditor, folder)) if creditor else None
        content = sample_content(kind, language or "en", ours, invoices)
        letter = _written(kind, language or "en", content)
    else:
        as_of = day(on) or today()

        def work(service: Service) -> Letter:
            return _of_case(service, str(invoice), kind, language, as_of)

        letter = with_ledger(data_dir, work)
    _deliver(letter, kind, out, text, as_json)


def _tag(language: str | None) -> str | None:
    if language is None:
        return None
    try:
        return Contact(language=language.strip().lower()).language
    except ValidationError:
        raise WrongUsage(f"--language {language!r} is no language: write its code, such as de or zh-CN") from None


def _deliver(letter: Letter, kind: str, out: Path | None, text: bool, as_json: bool) -> None:
    pdf = letter.pdf or b""
    if out is not None:
        try:
            out.write_bytes(pdf)
        except OSError as error:
            raise WrongUsage(f"{out} cannot be written: {error.strerror}") from None
    if as_json:
        emit({
            "path": str(out) if out else None, "pages": len(PdfReader(BytesIO(pdf)).pages), "kind": kind,
            "language": letter.language, "template": letter.template, "subject": letter.subject, "note": letter.note,
            "file_name": letter.file_name, "sha256": digest(pdf), **({"text": letter.text} if text else {}),
        })  # fmt: skip
        return
    if letter.note:
        err.print(letter.note, markup=False)
    if text:
        say(letter.text.rstrip("\n"))
    if out is not None and not text:
        say(f"{out}: {letter.subject}")


def _written(kind: str, language: str, content: LetterContent) -> Letter:
    try:
        return write_letter(kind, language, content)
    except CannotCompose as refusal:
        raise InputRefused(refusal.reason) from None


def _of_case(service: Service, invoice: str, kind: str, language: str | None, as_of: date) -> Letter:
    creditor_code, number = service.resolve(invoice)
    case = service.ledger.rebuild(ids.case_id(creditor_code, number))
    if case is None:
        raise InputRefused(f"the ledger has no events of {creditor_code}/{number} yet: wait until the case has begun")
    folder = service.settings.data_dir
    creditor = load_creditor(creditor_code, folder)
    rules = letter_rules(folder)(case.invoice.buyer.country)
    order = _order(case, kind, as_of)
    content = content_of(order, case.invoice, creditor, order.at, rules)
    content = replace(content, today=as_of, instalments=_instalments(case, kind, content))
    return _written(kind, language or case.invoice.buyer.contact.language, content)


def _order(case: Case, kind: str, as_of: date) -> StepOrder:
    """An order as the case would give it for such a letter, on a day where the debtor is."""
    demand = kind in KINDS and KINDS[kind].demand
    of_policy = next((s for s in case.policy.steps if (s.letter or s.kind) == kind), None)
    step = of_policy or Step.model_validate(
        {"id": "preview", "kind": "formal_demand" if demand else "reminder", "when": {"after_due": "P0D"}}
    )
    at = datetime.combine(as_of, time(12), UTC)
    at -= debtor_day(case.invoice, at) - as_of  # far to the east it is the next day by then
    return order_of(case, step, 1, at, at)


def _instalments(case: Case, kind: str, content: LetterContent) -> tuple[Instalment, ...]:
    """The case's plan; without one an example, as there is nothing to confirm yet."""
    if kind not in KINDS or not KINDS[kind].instalments:
        return ()
    if case.plan is not None:
        return case.plan.agreed.instalments
    if not content.demanded:
        return ()
    err.print(f"the case has no payment plan: {_EXAMPLE_INSTALMENTS} equal instalments are shown as an example")
    part = Money.of(content.demanded.amount / _EXAMPLE_INSTALMENTS, content.demanded.currency)
    parts = [part] * (_EXAMPLE_INSTALMENTS - 1)
    parts.append(content.demanded - sum(parts[1:], parts[0]))
    first = content.today.month
    return tuple(
        Instalment(due=date(content.today.year + (first + n) // 12, (first + n) % 12 + 1, 1), amount=amount)
        for n, amount in enumerate(parts)
    )


@letter_app.command("check")
@reporting
def check(
    creditor: Annotated[str | None, typer.Argument(metavar="[CREDITOR]", help="Only the letters of this one.")] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Name every error in the letters that creditors wrote themselves, with file and line.

    They lie in `creditors/CODE/letters/` of the data folder. Exit status: 0 if all are sound, 1 if one has errors.
    """
    folder = load_settings(data_dir).data_dir
    if creditor is not None:
        known: Creditor = load_creditor(creditor, folder)
        faults = letter_faults(folder, [known.code])
    else:
        faults = letter_faults(folder)
    if as_json:
        emit([{"file": fault.file, "line": fault.line, "message": fault.message} for fault in faults])
    else:
        say("\n".join(map(str, faults)) if faults else "letters: ok")
    if faults:
        raise typer.Exit(InputRefused.status)
