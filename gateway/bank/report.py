"""What became of bank files: counted file by file, and written out entry by entry."""

import json
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, TextIO

from gateway.bank.identity import Seen
from gateway.bank.statement import BankFile
from gateway.errors import InputRefused
from models.bank import BankEntry
from models.money import Money

COUNTS = ("accepted", "unchanged", "refused", "ignored")
STATUSES = ("matched", "proposed", "unmatched")


class BankReport:
    """What was found, file after file: counted, and written out entry by entry."""

    def __init__(self) -> None:
        """Nothing was looked at yet."""
        self.files: list[dict[str, Any]] = []
        self._seen = Seen()
        self._sums: dict[str, Money] = {}
        self._statuses: Counter[str] = Counter()

    def looked_at(self, file: BankFile, out: TextIO | None) -> None:
        """Count a file that is not booked; its entries go to `out`. Without the ledger nothing can be matched."""
        report = self._begun(file)
        for statement in file.statements:
            self._seen.begin()
            for entry in statement.entries:
                new = self._seen.is_new(entry)
                self._count(report, entry, "unmatched" if new else "unchanged")
                _write(out, file, entry, "accepted" if new else "unchanged")
        self._end(report, file, out)

    def booked(self, file: BankFile, keeper: Any, out: TextIO | None) -> None:
        """Book a file and count it."""
        report = self._begun(file)
        waiting: Counter[str] = Counter()
        try:
            for one in keeper.book(file):
                self._count(report, one.entry, one.status if one.new else "unchanged")
                if one.new and one.status == "matched" and one.unapplied:
                    waiting["paid more than is owed: what is left over waits in `arrears match`"] += 1
                elif one.new and one.status != "matched" and one.entry.kind == "reversal":
                    waiting["taken back by the bank, and not certain which payment: it waits in `arrears match`"] += 1
                shares = [
                    {"invoice": s.number, "amount": _text(s.amount.amount), "score": s.score, "reason": s.reason}
                    for s in one.matches
                ]
                _write(out, file, one.entry, one.status, one.reason, shares)
        except InputRefused as refusal:
            report["refused"] += 1
            report["rejects"].append({"line": 1, "field": "account", "value": "", "reason": str(refusal)})
            self.files.append(report)
            return
        report["notes"] += [f"{count} {what}" for what, count in waiting.items()]
        self._end(report, file, out)

    def _begun(self, file: BankFile) -> dict[str, Any]:
        report: dict[str, Any] = {"file": file.name, "format": file.format, **dict.fromkeys(COUNTS, 0)}
        report["refused"] = len(file.rejects)
        report["rejects"] = [reject.as_json() for reject in file.rejects]
        report["notes"] = list(file.notes)
        return report

    def _count(self, report: dict[str, Any], entry: BankEntry, status: str) -> None:
        report["unchanged" if status == "unchanged" else "accepted"] += 1
        if status == "unchanged" or entry.kind != "payment":
            return
        self._statuses[status] += 1
        so_far = self._sums.get(entry.amount.currency, Money.zero(entry.amount.currency))
        self._sums[entry.amount.currency] = so_far + entry.amount

    def _end(self, report: dict[str, Any], file: BankFile, out: TextIO | None) -> None:
        reasons: Counter[str] = Counter()
        for statement in file.statements:
            for entry, reason in statement.ignored:
                report["ignored"] += 1
                reasons[reason] += 1
                _write(out, file, entry, "ignored", reason)
        if not file.rejects and not sum(report[name] for name in COUNTS):
            report["notes"].append("nothing to take: the file has no entries")
        report["notes"] += [f"{count} ignored: {reason}" for reason, count in reasons.items()]
        self.files.append(report)

    def totals(self) -> dict[str, Any]:
        """The counts of all files."""
        counts = {name: sum(file[name] for file in self.files) for name in COUNTS}
        amounts = {currency: _text(sum_.amount) for currency, sum_ in sorted(self._sums.items())}
        return {**counts, **{status: self._statuses[status] for status in STATUSES}, "amounts": amounts}


def _write(
    out: TextIO | None, file: BankFile, entry: BankEntry, status: str, reason: str = "",
    matches: Iterable[dict[str, Any]] = (),
) -> None:  # fmt: skip
    if out is None:
        return
    original = entry.original
    line = {
        "file": file.name, "entry": entry.entry, "status": status, "kind": entry.kind,
        "amount": _text(entry.amount.amount), "currency": entry.amount.currency, "date": entry.received_on.isoformat(),
        "booked_on": entry.booked_on.isoformat(), "account": entry.account, "payer": entry.payer,
        "payer_iban": entry.payer_iban, "remittance": list(entry.remittance), "reference": entry.creditor_reference,
        "end_to_end": entry.end_to_end, "servicer_reference": entry.servicer_reference,
        "charges": _text(entry.charges.amount) if entry.charges else None,
        "original": {"amount": _text(original.amount), "currency": original.currency} if original else None,
        "return_reason": entry.return_reason, "key": entry.key, "reason": reason, "matches": list(matches),
    }  # fmt: skip
    out.write(json.dumps(line, ensure_ascii=False) + "\n")


def _text(amount: Decimal) -> str:
    return f"{amount:f}"
