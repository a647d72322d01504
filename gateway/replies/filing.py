"""Files a mail that came in: archive and ledger first, then its cases are told, so that a crash loses nothing.

What a mail is, is judged in `classify.py`; what a case makes of what it is told, in `models/`.
"""

import asyncio
import re
import unicodedata
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from activities.correspondence import AnsweredNotice, Correspondence, ReceiptKind, StoredReply
from activities.dossier import HANDED_ON
from gateway.creditor_files import list_creditors
from gateway.errors import InputRefused
from gateway.replies.archive import ReplyFolder
from gateway.replies.classify import Judged, judge
from gateway.replies.reading import IncomingMail, MailUnreadable, read_mail
from gateway.service import Service
from models import events as e
from models import ids
from models.parties import Creditor

MAX_SAID = 2_000
"""How many characters of an answer a case is told."""
MAX_A_DAY = 20
"""How many mails of one sender are told to cases in 24 hours; more than that may be a machine gone wild. As many again
wait for a person, the rest is only archived."""

_NOTED: frozenset[str] = frozenset({"delayed", "delivered", "relayed", "read", "deleted", "auto_reply", "bounced"})


class Filed(NamedTuple):
    """What became of a mail. `reason` says why it was refused, ignored or not filed."""

    result: Literal["filed", "unchanged", "unfiled", "ignored", "refused"]
    kind: str = ""
    sender: str = ""
    subject: str = ""
    cases: tuple[str, ...] = ()
    notice: str | None = None
    sha256: str = ""
    reason: str = ""


class ReplyDesk:
    """Takes mails in, one by one. The same mail twice changes nothing."""

    def __init__(self, service: Service) -> None:
        """Over the service layer; the folders are in its data folder."""
        self._service = service
        self._ledger = Correspondence(service.ledger.engine)
        self.folder = ReplyFolder(service.settings.data_dir)

    def unfiled(self) -> list[StoredReply]:
        """The mails that wait for a person."""
        return self._ledger.listed("unfiled")

    async def file(self, raw: bytes, invoice: str | None = None) -> Filed:
        """File a mail: to its case, or to `invoice` if a person says so.

        Raises:
            InputRefused: if there is no such invoice.
            Unreachable: if nobody answers; the same mail again goes on where this ended.
        """
        by_hand = (ids.case_id(*self._service.resolve(invoice)),) if invoice is not None else ()
        try:
            mail = await asyncio.to_thread(read_mail, raw)
        except MailUnreadable as error:
            return Filed("refused", sha256=ids.digest(raw), reason=str(error))
        await asyncio.to_thread(self.folder.archive, mail.sha256, raw)
        judged = judge(mail, self._ours())
        stored = await asyncio.to_thread(self._ledger.find, mail.sha256, mail.message_id)
        another = ""
        if stored is not None and stored.sha256 == mail.sha256:
            mail = replace(mail, message_id=stored.message_id)
        elif stored is not None and judged.kind != "loop" and not _same(stored, mail, judged):
            another = f"its Message-ID {mail.message_id} is that of another mail, by {stored.sender or 'nobody'}"
            mail = replace(mail, message_id=_id_by_content(mail, judged))
            stored = await asyncio.to_thread(self._ledger.find, mail.sha256, mail.message_id)
        if stored is None or (by_hand and stored.status in ("unfiled", "ignored")):
            stored = await asyncio.to_thread(self._place, mail, judged, raw, by_hand, another)
        elif stored.status != "stored":
            return _told(stored, "unchanged")
        if stored.status == "stored":
            stored = await self._tell(stored, judged)
            if stored.status == "unfiled":
                await asyncio.to_thread(self.folder.set_aside, stored.sha256, raw, stored.reason)
            await asyncio.to_thread(self._ledger.put, stored)
            if stored.status == "filed":
                await asyncio.to_thread(self.folder.take_off_the_pile, stored.sha256)
        return _told(stored, "filed" if stored.status == "filed" else stored.status)

    async def dismiss(self, raw: bytes) -> Filed:
        """Take a mail off the pile: a person has seen that it is none of our business."""
        sha256 = ids.digest(raw)
        stored = await asyncio.to_thread(self._ledger.find, sha256, "")
        if stored is None or stored.status not in ("unfiled", "ignored"):
            return Filed("refused", sha256=sha256, reason="it is not on the pile of unfiled mails")
        stored = stored.but(status="ignored", reason="dismissed by a person")
        await asyncio.to_thread(self._ledger.put, stored)
        await asyncio.to_thread(self.folder.take_off_the_pile, sha256)
        return _told(stored, "ignored")

    # --- finding the case -------------------------------------------------------------------------------------

    def _place(
        self, mail: IncomingMail, judged: Judged, raw: bytes, by_hand: tuple[str, ...], another: str
    ) -> StoredReply:  # fmt: skip
        """Where the mail belongs, written to the ledger before anybody is told.

        `another` is what a person should know of the mail that has its Message-ID, if one has.
        """
        now = datetime.now(UTC)
        notice = self._ledger.notice(judged.notices)
        kind, status, reason = judged.kind, "stored", judged.why
        doubt = another
        if kind in ("reply", "auto_reply") and not by_hand:
            count = self._ledger.sent_by(mail.sender, now - timedelta(days=1))
            if count >= MAX_A_DAY:
                reason = f"{mail.sender} has sent {count} mails in 24 hours: taken for a mail loop"
                doubt = f"{reason}; file it by hand if it is none. After {2 * MAX_A_DAY} mails they are only archived"
                if kind == "auto_reply" or count >= 2 * MAX_A_DAY:
                    kind = "loop"
        if by_hand and kind in ("loop", "auto_reply"):
            kind, reason = "reply", f"{reason}; filed by hand"
        cases = by_hand or (notice.cases if notice else ()) or self._cases(mail, judged)
        if kind == "loop":
            status = "ignored"
        elif doubt and not by_hand:
            status, reason = "unfiled", doubt
        elif notice is not None and notice.kind in HANDED_ON and not by_hand and kind in ("reply", "bounced"):
            status, reason = "unfiled", _of_counterpart(kind, notice, judged)
        elif not cases:
            status, reason = ("unfiled", self._why_unfiled(mail, judged)) if kind in ("reply", "bounced") else (
                "ignored", f"{reason}; it belongs to no notice")  # fmt: skip
        stored = StoredReply.model_validate({
            "sha256": mail.sha256, "message_id": mail.message_id, "sender": mail.sender, "subject": mail.subject,
            "at": mail.at, "filed_at": now, "kind": kind, "cases": cases,
            "notice": notice.message_id if notice else None, "text": _said(mail, judged), "status": status,
            "reason": reason,
        })  # fmt: skip
        self._ledger.put(stored)
        if status == "unfiled":
            self.folder.set_aside(mail.sha256, raw, reason)
        return stored

    def _cases(self, mail: IncomingMail, judged: Judged) -> tuple[str, ...]:
        """The cases that a mail names: the one of the returned original, else those of a known buyer."""
        if judged.case and self._ledger.is_case(judged.case):
            return (judged.case,)
        if judged.kind != "reply" or not mail.sender:
            return ()
        said = _plain(f"{mail.subject}\n{mail.text}")
        to = _plain(", ".join(mail.headers.get(name, "") for name in ("to", "cc")))
        return tuple(
            case.case_id
            for case in self._ledger.cases_of(mail.sender)
            if _mentions(said, case.case_id) or _mentions(said, case.number) or _addressed(to, case.number)
        )

    def _why_unfiled(self, mail: IncomingMail, judged: Judged) -> str:
        if judged.kind == "bounced":
            return f"a mail to {judged.address or 'somebody'} came back ({judged.detail}), but it is no notice of ours"
        known = self._ledger.cases_of(mail.sender)
        if not known:
            return f"it answers no notice, and no buyer is written to at {mail.sender or '(no sender)'}"
        some = ", ".join([case.number for case in known if not case.closed][:5])
        open_ones = f"open: {some}" if some else "all closed"
        return f"it comes from buyer {known[0].buyer_id}, but names none of their invoices ({open_ones})"

    def _ours(self) -> Collection[str]:
        found: list[Creditor] = []
        with suppress(InputRefused):  # a fault in a creditor's file is told where the creditor is used
            found = [known.creditor for known in list_creditors(self._service.settings.data_dir)]
        return {a.lower() for creditor in found for a in (creditor.sender, creditor.reply_to) if a}

    # --- what it causes ---------------------------------------------------------------------------------------

    async def _tell(self, stored: StoredReply, judged: Judged) -> StoredReply:
        """Note it with its notice, and tell its cases."""
        if stored.notice and stored.kind in _NOTED:
            text = " ".join(part for part in (judged.why, judged.address, stored.text[:500]) if part)
            kind: ReceiptKind = stored.kind  # type: ignore[assignment]
            at = stored.at if stored.at and stored.at <= stored.filed_at else stored.filed_at
            await asyncio.to_thread(self._ledger.receive, stored.notice, kind, text, at, stored.sha256)
        reasons = []
        message = _message(stored, judged)
        for case_id in stored.cases:
            if message is None:
                break
            try:
                await self._service.tell(*ids.split_case_id(case_id), message)
            except InputRefused as refusal:
                reasons.append(f"{case_id} was not told: {refusal}")
        if reasons and len(reasons) == len(stored.cases):
            return stored.but(status="unfiled", reason="; ".join(reasons))
        return stored.but(status="filed", reason="; ".join(reasons) or stored.reason)


def _message(stored: StoredReply, judged: Judged) -> e.Message | None:
    """What a case is told of a mail; None if it is only noted."""
    reference = ids.digest(stored.message_id)
    if stored.kind == "reply":
        text = stored.text or f"(no text; subject: {stored.subject})"
        return e.DebtorReplied(id=reference, channel="email", text=text[:MAX_SAID], source="replies")
    if stored.kind == "bounced":
        whom = judged.address or "the debtor's address"
        note = f"mail to {whom} came back: {judged.detail or judged.why}"
        return e.ContactLost(id=reference, notice=stored.notice or "", note=note[:MAX_SAID], source="replies")
    return None


def _of_counterpart(kind: str, notice: AnsweredNotice, judged: Judged) -> str:
    what = notice.kind.replace("_", " ")
    if kind == "bounced":
        return f"the {what} to {notice.recipient} came back ({judged.detail}): send it another way"
    return (
        f"{notice.recipient} answers the {what}: record what it says with the case, then file it with "
        "`arrears replies FILE --invoice INVOICE` if it is the debtor's answer"
    )


def _told(stored: StoredReply, result: str) -> Filed:
    return Filed(
        result, stored.kind, stored.sender, stored.subject, stored.cases, stored.notice,  # type: ignore[arg-type]
        stored.sha256, stored.reason,
    )  # fmt: skip


def _said(mail: IncomingMail, judged: Judged) -> str:
    """What the ledger keeps of a mail's text."""
    return _clean(judged.detail if mail.reports or judged.kind == "bounced" else mail.said)


def _same(stored: StoredReply, mail: IncomingMail, judged: Judged) -> bool:
    """Whether a mail is one that came before by another way: its path may differ, its sender and its text do not."""
    return stored.sender == mail.sender and stored.text.split() == _said(mail, judged).split()


def _id_by_content(mail: IncomingMail, judged: Judged) -> str:
    """A Message-ID for a mail that bears another's."""
    content = "\n".join((mail.message_id, mail.sender, *_said(mail, judged).split()))
    return f"<{ids.digest(content)[:40]}@taken-message-id.invalid>"


def _clean(text: str) -> str:
    """Text that every database takes and no terminal obeys."""
    kept = (c if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs", "Cf") else " " for c in text)
    return "".join(kept)[:MAX_SAID]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _mentions(text: str, number: str) -> bool:
    """Whether a number stands in a text by itself: `0017` is not in `20017`, nor in `0017-1`.

    What could as well be a day or a year has to be called an invoice's number.
    """
    plain = _plain(number)
    called = _CALLED if len(plain) < _TELLING or (plain.isdigit() and len(plain) <= _TELLING) else ""
    before, after = r"(?<![0-9a-z])(?<![0-9a-z][-/.])", r"(?![0-9a-z])(?![-/.][0-9a-z])"
    return re.search(f"{called}{before}{re.escape(plain)}{after}", text) is not None


def _addressed(to: str, number: str) -> bool:
    """Whether an address bears the number after the creditor's name, as the Reply-To of a notice does."""
    return re.search(rf'(?:^|,)\s*"?\s*{re.escape(_plain(number))}\s*"?\s*<', to) is not None


_TELLING = 5
_CALLED = r"(?:invoices?|inv|rechnung\w*|rg|factur[ae]s?|发票\w?|号码?|number|nummer|n[or]|n°|#)[\s.:：]{0,3}"
