"""What providers report on notices that left: noted with the notice; of one that came back its cases are told.

How a report comes in is the business of `http/`; what a case makes of a lost contact, of `models/`.
"""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Literal, NamedTuple

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field

from activities.correspondence import Correspondence, ReceiptKind
from activities.dossier import HANDED_ON
from activities.mime import one_line
from gateway.errors import InputRefused
from gateway.service import Service
from models import ids
from models.base import Value
from models.messages import ContactLost

_SAID = {"failed": "bounced", "undelivered": "bounced", "undeliverable": "bounced"}
"""What some providers call it."""


class UnknownNotice(InputRefused):
    """Nothing that a provider could report on."""


class StillLeaving(InputRefused):
    """The provider was faster than our own note that it has taken the notice."""


class OtherReport(InputRefused):
    """The provider's id was used for another notice before."""


class ProviderReport(Value):
    """One report. What else a provider sends along is none of our business."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(min_length=1, max_length=200)
    """The provider's own: the same report again has the same."""
    reference: str = Field(min_length=1, max_length=500)
    """Of the notice, as it was handed over: its key, or its Message-ID."""
    status: Annotated[
        Literal["accepted", "delivered", "read", "delayed", "posted", "bounced"],
        BeforeValidator(lambda given: _SAID.get(given, given) if isinstance(given, str) else given),
    ]
    at: AwareDatetime | None = None
    detail: str = Field(default="", max_length=2000)


class Noted(NamedTuple):
    """What became of a report. `reason` says why a case was not told."""

    result: Literal["noted", "unchanged"]
    notice: str
    cases: tuple[str, ...]
    reason: str = ""


class ReceiptDesk:
    """Takes reports, one by one. The same one twice changes nothing."""

    def __init__(self, service: Service) -> None:
        """Over the service layer."""
        self._service = service
        self._ledger = Correspondence(service.ledger.engine)

    async def take(self, channel: str, report: ProviderReport) -> Noted:
        """Note a report with its notice, and tell the cases of the notice if it came back.

        Raises:
            UnknownNotice: if there is no notice of that reference by the channel.
            StillLeaving: if its provider has not answered us yet; the same report again may be taken.
            OtherReport: if the provider gave this id to a report on another notice.
            Unreachable: if nobody answers; the same report again goes on where this ended.
        """
        notice = await asyncio.to_thread(self._ledger.by_channel, channel, report.reference)
        if notice is None:
            raise UnknownNotice(f"no notice {one_line(report.reference)!r} left by {channel}")
        if notice.status == "pending":
            raise StillLeaving(f"the notice {notice.message_id} is on its way: report it again")
        now, mark = datetime.now(UTC), ids.digest(f"{channel}\n{report.id}")
        others = await asyncio.to_thread(self._ledger.reported, mark)
        if any(other != notice.message_id for other in others):
            raise OtherReport(f"the report {one_line(report.id)!r} was about another notice before")
        kind: ReceiptKind = report.status
        said = one_line(report.detail)
        text = f"the provider for {channel} reports it as {report.id}" + (f": {said}" if said else "")
        at = report.at if report.at is not None and report.at <= now else now
        new = not await asyncio.to_thread(self._ledger.has_receipt, notice.message_id, kind, mark)
        await asyncio.to_thread(self._ledger.receive, notice.message_id, kind, one_line(text), at, mark)
        reasons = []
        if kind == "bounced" and notice.kind not in HANDED_ON:
            note = f"{channel} to {notice.recipient} came back: {said or 'the provider gives no reason'}"
            lost = ContactLost(id=mark, notice=notice.message_id, note=note[:2000], source="receipts")
            for case_id in notice.cases:
                try:
                    told = await self._service.tell(*ids.split_case_id(case_id), lost)
                    new = new or not told.duplicate
                except InputRefused as refusal:
                    reasons.append(f"{case_id} was not told: {refusal}")
        elif kind == "bounced":
            reasons.append(f"the {notice.kind.replace('_', ' ')} to {notice.recipient} came back: send it another way")
        return Noted("noted" if new else "unchanged", notice.message_id, notice.cases, "; ".join(reasons))
