"""`arrears why`: answers "why was this sent?" from the ledger alone."""

import re
from typing import Annotated, Any

import typer

from activities.evidence import account, chain, record
from activities.evidence.notice import described
from gateway.cli.output import AsJson, DataDir, emit, reporting, say
from gateway.cli.session import with_ledger
from gateway.errors import InputRefused
from gateway.service import Service
from models import ids

_STEP = re.compile(r"[a-z][a-z0-9_]{0,39}")


@reporting
def why(
    notice: Annotated[
        str,
        typer.Argument(metavar="NOTICE", help="A Message-ID, or INVOICE/STEP (INVOICE/STEP/N for one that recurs)."),
    ],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Why was this sent? By which rule, on which day, on what balance, approved by whom, and with what proof."""
    answer = with_ledger(data_dir, lambda service: explained(service, notice))
    if as_json:
        emit(answer)
        return
    for told in answer["steps"]:
        _print_step(told)
    for left in answer["not_taken"]:
        say(left["reason"])
    if answer["notice"]:
        _print_notice(answer["notice"])


def explained(service: Service, text: str) -> dict[str, Any]:
    """The notice, if one was written, and the account of every step it serves.

    Raises:
        InputRefused: Nobody knows such a notice, or the evidence of its case cannot be read.
    """
    engine, not_taken = service.ledger.engine, list[dict[str, Any]]()
    message_id = _message_id(text)
    if message_id is not None:
        held = record.served(engine, message_id)
        if held.notice is None:
            raise InputRefused(
                f"there is no notice {message_id}: write its Message-ID as in the mail's header, or INVOICE/STEP"
            )
        told = []
        for row in held.steps:
            try:
                told.append(_account(service, row.case_id, row.step, row.occurrence))
            except _NotTaken as reason:
                creditor, number = ids.split_case_id(row.case_id)
                not_taken.append({"creditor": creditor, "invoice": number, "step": row.step, "reason": str(reason)})
        if not_taken and not told:
            raise InputRefused("; ".join(left["reason"] for left in not_taken))
        if not told:
            raise InputRefused(f"the notice {message_id} serves no step of any case: see `arrears audit verify`")
    else:
        case_id, step, occurrence = _step(service, text)
        told = [_account(service, case_id, step, occurrence)]
        key = ids.step_key(case_id, step, told[0]["occurrence"])
        held = record.served(engine, told[0]["notice"] or ids.mail_message_id(key))
    notice = held.notice
    try:
        found = described(notice, bytes(notice.content), held.receipts) if notice is not None else None
        return {"notice": found, "steps": told, "not_taken": not_taken}
    except ValueError as error:
        raise InputRefused(
            f"the notice {notice.message_id} cannot be read: {error}; see `arrears audit verify`"
        ) from error


def _message_id(text: str) -> str | None:
    """The Message-ID, if the text is one: with angle brackets, which a header has and people leave out."""
    stripped = text.strip()
    if stripped.startswith("<"):
        return stripped
    return f"<{stripped}>" if re.fullmatch(r"[0-9a-zA-Z.+-]+@[0-9a-zA-Z.-]+", stripped) else None


def _step(service: Service, text: str) -> tuple[str, str, int | None]:
    """The case, step and occurrence of INVOICE/STEP[/N]; numbers of invoices may have slashes, too."""
    parts = text.strip().removeprefix("invoice/").split("/")
    readings: list[tuple[str, str, int | None]] = []
    if len(parts) > 2 and re.fullmatch(r"[1-9]\d{0,3}", parts[-1]) and _STEP.fullmatch(parts[-2]):
        readings.append(("/".join(parts[:-2]), parts[-2], int(parts[-1])))
    if len(parts) > 1 and _STEP.fullmatch(parts[-1]):
        readings.append(("/".join(parts[:-1]), parts[-1], None))
    refused: InputRefused | None = None
    for invoice, step, occurrence in readings:
        try:
            return ids.case_id(*service.resolve(invoice)), step, occurrence
        except InputRefused as error:
            refused = refused or error
    raise refused or InputRefused(
        f"{text!r} names no notice: write its Message-ID, or INVOICE/STEP, such as 2026-001/formal_demand_15"
    )


class _NotTaken(InputRefused):
    """The case never came to the step, although a letter to the buyer may have spoken of it."""


def _account(service: Service, case_id: str, step: str, occurrence: int | None) -> dict[str, Any]:
    creditor, number = ids.split_case_id(case_id)
    try:
        held = record.load(service.ledger.engine, case_id)
        if held is None or not held.entries:
            raise InputRefused(
                f"{creditor}/{number}: the ledger has no entries of this case: see `arrears audit verify`"
            )
        broken = [str(fault) for fault in chain.broken_links(case_id, held.entries, held.head.sequence)]
        return {**account.account(held, step, occurrence), "faults": broken}
    except account.NoSuchStep as error:
        raise _NotTaken(f"{creditor}/{number}: {error}") from error
    except ValueError as error:
        raise InputRefused(
            f"{creditor}/{number}: its entries cannot be read ({' '.join(str(error).split())[:200]}); "
            f"`arrears audit verify {creditor}/{number}` says which"
        ) from error


def _print_step(told: dict[str, Any]) -> None:
    nth = f" number {told['occurrence']}" if told["recurrence"] else ""
    kind = told["kind"].replace("_", " ")
    say(f"{told['creditor']}/{told['invoice']}: {told['step']} ({kind}){nth}: {told['status']}")
    if told["reason"]:
        _line("because", told["reason"])
    policy, balance = told["policy"], told["balance"]
    _line("policy", f"{policy['id']} version {policy['version']} (digest {policy['digest']})")
    _line("trigger", told["trigger"] + (f"; {told['recurrence']}" if told["recurrence"] else ""))
    _line("planned", told["planned_at"] or "-")
    for fact in told["planned_because"]:
        _line("", fact)
    _line("performed", told["performed_at"] or "-")
    if told["clock_factor"] != 1:
        _line("clock", f"the case runs in time-lapse, {told['clock_factor']:g} times as fast as the clock on the wall")
    if told["delay"]:
        _line("delay", told["delay"]["text"] + ": " + "; ".join(told["delay"]["reasons"]))
    for one in told["conditions"]:
        _line("condition", f"{one['condition']}: {'held' if one['held'] else 'did not hold'} ({one['stood']})")
    for one in told["requires"]:
        done = f"performed at {one['performed_at']}" if one["performed_at"] else "not performed"
        cure = f", cure period until {one['cured_at']}" if one["cure_period_days"] and one["cured_at"] else ""
        _line("required", f"{one['step']}: {done}{cure}")
    if told["approval"]:
        given = told["approval"]
        by = f"by {given['approved_by']} at {given['approved_at']}" if given["approved_by"] else "not given"
        _line("approval", f"{by} (proposed at {given['proposed_at']})")
    owed = {
        name: f"{balance[name]['amount']} {balance[name]['currency']}"
        for name in ("outstanding", "disputed", "pursued")
    }
    disputed = f", {owed['disputed']} of it disputed" if float(balance["disputed"]["amount"]) else ""
    _line("balance", f"{owed['outstanding']} outstanding{disputed}, {owed['pursued']} pursued")
    _line("", f"{balance['days_overdue']} days overdue, stage {balance['stage']}")
    if told["demanded"]:
        _line("demanded", f"{told['demanded']['amount']} {told['demanded']['currency']}")
    for entry in told["history"]:
        _line("before", f"{entry['at']}: {entry['text']}" + (f" (by {entry['by']})" if entry["by"] else ""))
    if told["task"]:
        _line("task", told["task"])
    for n, line in enumerate(filter(None, map(str.strip, told["note"].split("\n")))):
        _line("" if n else "note", line)
    _line("entry", f"{told['sequence']} of the chain, hash {told['hash']}")
    for fault in told["faults"]:
        _line("FAULT", fault)


def _print_notice(notice: dict[str, Any]) -> None:
    say(f"Notice {notice['message_id']}: {notice['status']}")
    _line("to", f"{notice['recipient']} by {notice['channel']}, language {notice['language']}")
    _line("subject", notice["subject"])
    _line("booked", f"{notice['pursued']['amount']} {notice['pursued']['currency']} were pursued as it was written")
    _line("sent", f"{notice['sent_at'] or '-'} (attempts: {notice['attempts']}; written {notice['composed_at']})")
    _line("proof", notice["proof"] or "none")
    for receipt in notice["receipts"]:
        _line("then", f"{receipt['at']}: {receipt['kind'].replace('_', ' ')}: {receipt['text']}")
    intact = "the stored bytes have it" if notice["intact"] else "THE STORED BYTES DO NOT HAVE IT"
    _line("sha256", f"{notice['sha256']} ({intact})")


def _line(label: str, text: str) -> None:
    say(f"  {label:<10} {text}")
