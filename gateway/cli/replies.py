"""`arrears replies`: file what the debtors wrote, and list what waits for a person.

How a mail is read, judged and filed is in `gateway/replies/`.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from activities.correspondence import StoredReply
from gateway.cli.output import AsJson, DataDir, emit, reporting, say
from gateway.cli.session import with_ledger, with_service
from gateway.errors import InputRefused, Unreachable, WrongUsage
from gateway.replies.filing import Filed, ReplyDesk
from gateway.replies.imap import ImapUnreachable
from gateway.replies.inbox import Arrival, from_file, sweep
from gateway.service import Service
from models import ids

_RESULTS = ("filed", "unchanged", "unfiled", "ignored", "refused")


@reporting
def replies(
    files: Annotated[list[str] | None, typer.Argument(metavar="[FILES]...", help="Mails as .eml files.")] = None,
    poll: Annotated[bool, typer.Option("--poll", help="Empty the drop folder and the IMAP mailbox now.")] = False,
    invoice: Annotated[
        str | None, typer.Option("--invoice", metavar="INVOICE", help="File the mail to this case, whatever it says.")
    ] = None,
    dismiss: Annotated[
        bool, typer.Option("--dismiss", help="Take the mails off the pile: none of our business.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """File mails to the cases they belong to; without FILES or --poll, list those that wait for a person."""
    given = files or []
    if (invoice is not None or dismiss) and not given:
        raise WrongUsage("name the mail: arrears replies FILE --invoice INVOICE, or arrears replies FILE --dismiss")
    if invoice is not None and dismiss:
        raise WrongUsage("--invoice files a mail, --dismiss puts it away: choose one")
    if not given and not poll:
        _list(data_dir, as_json)
        return
    arrivals = with_service(data_dir, lambda service: _file(service, given, poll, invoice, dismiss))
    counts = {result: sum(1 for a in arrivals if a.filed.result == result) for result in _RESULTS}
    if as_json:
        emit({"mails": [_json(arrival) for arrival in arrivals], **counts})
    else:
        for arrival in arrivals:
            say(_text(arrival))
        say(", ".join(f"{count} {result}" for result, count in counts.items()))
    if counts["refused"]:
        raise typer.Exit(InputRefused.status)


async def _file(
    service: Service, files: list[str], poll: bool, invoice: str | None, dismiss: bool
) -> list[Arrival]:  # fmt: skip
    desk = ReplyDesk(service)
    arrivals = []
    for name in files:
        try:
            filed = await (desk.dismiss(Path(name).read_bytes()) if dismiss else from_file(desk, Path(name), invoice))
        except OSError as error:
            raise WrongUsage(f"{name} cannot be read: {error.strerror}") from error
        arrivals.append(Arrival(name, filed))
    if poll:
        try:
            arrivals += await sweep(desk, service.settings.imap)
        except ImapUnreachable as error:
            raise Unreachable(str(error)) from error
    return arrivals


def _list(data_dir: str | None, as_json: bool) -> None:
    waiting = with_ledger(data_dir, lambda service: ReplyDesk(service).unfiled())
    for mail in waiting:
        if as_json:
            emit(_waiting(mail))
        else:
            say(f"{mail.filed_at:%Y-%m-%d %H:%M}  {mail.sender or '(no sender)'}  {mail.subject or '(no subject)'}")
            say(f"  {mail.reason}")
            say(f"  replies/unfiled/{mail.sha256}.eml")
    if not as_json and not waiting:
        say("no mail waits for a person")


def _waiting(mail: StoredReply) -> dict[str, Any]:
    return {
        "sha256": mail.sha256, "kind": mail.kind, "from": mail.sender, "subject": mail.subject,
        "filed_at": mail.filed_at.isoformat(), "reason": mail.reason, "text": mail.text,
        "cases": _cases(mail.cases), "notice": mail.notice,
    }  # fmt: skip


def _cases(case_ids: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"creditor": c, "invoice": n} for c, n in map(ids.split_case_id, case_ids)]


def _json(arrival: Arrival) -> dict[str, Any]:
    filed = arrival.filed
    return {
        "origin": arrival.origin, "result": filed.result, "kind": filed.kind, "from": filed.sender,
        "subject": filed.subject, "cases": _cases(filed.cases), "notice": filed.notice, "sha256": filed.sha256,
        "reason": filed.reason,
    }  # fmt: skip


def _text(arrival: Arrival) -> str:
    filed: Filed = arrival.filed
    where = ", ".join("/".join(ids.split_case_id(case)) for case in filed.cases)
    about = f" to {where}" if where and filed.result in ("filed", "unchanged") else ""
    why = f": {filed.reason}" if filed.reason and filed.result != "filed" else ""
    return f"{arrival.origin}: {filed.result}{about}{f' ({filed.kind})' if filed.kind else ''}{why}"
