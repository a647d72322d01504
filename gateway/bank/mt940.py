"""MT940 and MT942: the statements of a file. What an entry says, mt_entry.py reads; what a field is, mt_lines.py."""

import re
from collections.abc import Iterator

from gateway.bank import checks, texts
from gateway.bank.mt_entry import read_entry
from gateway.bank.mt_figures import mt_day, mt_decimal
from gateway.bank.mt_lines import Field, Message, messages
from gateway.bank.statement import Balance, Ignored, Movement, Refused, Reject, Statement, Total
from models.bank import BankEntry
from models.money import Money

_BALANCE = re.compile(r"([DC])(\d{6})([A-Z]{3})?(\d[\d.,]*)", re.ASCII)
_TOTAL = re.compile(r"(\d{1,5})([A-Z]{3})(\d[\d.,]*)", re.ASCII)
_FLOOR = re.compile(r"([A-Z]{3})")
_NUMBER = re.compile(r"0*(\d{1,20})(?:/0*(\d{1,10}))?", re.ASCII)
_STATEMENT_LINE = re.compile(r"^:61:", re.MULTILINE)
_OPENING, _CLOSING = ("60F", "60M", "60"), ("62F", "62M", "62")
_INTRADAY = ("13", "13D", "34", "34F", "90", "90C", "90D")


def read_mt(text: str, name: str) -> list[Statement]:
    """The statements of a file of MT940 or MT942 messages.

    Raises:
        Refused: if it cannot be read, or a message is not whole; nothing of it may be taken then.
    """
    found: list[Statement] = []
    count = 0
    for message in messages(text):
        statement = _Reading(name, message, count).statement()
        count += len(statement.movements)
        found.append(statement)
    written = len(_STATEMENT_LINE.findall(text.replace("\r", "\n")))
    if not found:
        raise Refused(Reject("", "", "no message of MT940 is in the file: it has no :20:, :25: and balances", 1))
    if written > count:
        raise Refused(Reject(":61:", str(written), f"{written} statement lines, but {count} were understood", 1))
    return found


class _Reading:
    def __init__(self, file: str, message: Message, before: int) -> None:
        self.file, self.message, self.before = file, message, before
        self.intraday = "{2:O942" in message.envelope.replace(" ", "") or (
            message.first(*_INTRADAY) is not None and message.first(*_OPENING) is None
        )

    def statement(self) -> Statement:
        message = self.message
        if self._is_detached():
            line = message.fields[0]
            reason = "stands outside of a statement: there is no :20: and no account (:25:) before it"
            raise Refused(Reject(f":{line.tag}:", texts.clean(line.text, 60), reason, line.line))
        account = message.first("25", "25P")
        if not self.intraday:
            self._whole()
        currency = self._currency()
        opening = self._balance(message.first(*_OPENING), currency)
        closing = self._balance(message.first(*_CLOSING), currency)
        number = _account(account.text if account else "", currency)
        if not number:
            raise Refused(Reject(":25:", "", "the statement names no account", message.line))
        entries, ignored, movements, notes = self._entries(number, currency)
        identity = message.first("28C", "28")
        numbers = _NUMBER.match(identity.text.strip()) if identity else None
        return Statement(
            file=self.file,
            format="mt942" if self.intraday else "mt940",
            account=number,
            currency=currency,
            number=numbers[1] if numbers else "",
            page=(numbers[2] or "") if numbers else "",
            opening=opening,
            closing=closing,
            movements=tuple(movements),
            totals=tuple(self._totals()),
            entries=tuple(entries),
            ignored=tuple(ignored),
            notes=tuple(notes),
            line=message.line,
        )

    def _is_detached(self) -> bool:
        return self.message.first("20") is None and self.message.first("25", "25P") is None

    def _currency(self) -> str:
        """The currency of the account: of a balance, a sum or the floor limit."""
        for line in self.message.all(*_OPENING, *_CLOSING):
            match = _BALANCE.match(line.text)
            if match and match[3]:
                return match[3]
        for line in self.message.all("90C", "90D", "34F", "34"):
            match = _TOTAL.match(line.text) or _FLOOR.match(line.text)
            if match:
                return match[2] if len(match.groups()) > 1 else match[1]
        reason = "no balance and no sum says in which currency the account is"
        raise Refused(Reject("currency", "", reason, self.message.line))

    def _balance(self, line: Field | None, currency: str) -> Balance | None:
        if line is None:
            return None
        text = line.text.strip()
        match = _BALANCE.fullmatch(text.partition("\n")[0].strip())
        if match is None:
            raise Refused(Reject(f":{line.tag}:", texts.clean(text, 60), "not a balance", line.line))
        try:
            day, _ = mt_day(match[2])
            amount = texts.money(mt_decimal(match[4]), match[3] or currency)
        except ValueError as error:
            raise Refused(Reject(f":{line.tag}:", texts.clean(text, 60), str(error), line.line)) from None
        return Balance(amount if match[1] == "C" else Money.zero(amount.currency) - amount, day, line.line)

    def _whole(self) -> None:
        """Refuse a statement that was cut off, or that has entries which its balances do not speak of."""
        message = self.message
        for tags, name in ((_OPENING, "opening"), (_CLOSING, "closing")):
            found = message.all(*tags)
            if not found:
                reason = f"the statement has no {name} balance (:{tags[0]}:): it is not whole"
                raise Refused(Reject(f"{name} balance", "", reason, message.line))
            if len(found) > 1:
                raise Refused(Reject(f"{name} balance", "", "the statement has more than one", found[1].line))
        first, last = message.all(*_OPENING)[0].line, message.all(*_CLOSING)[0].line
        outside = next((f for f in message.all("61") if not first < f.line < last), None)
        if outside is not None:
            reason = "does not stand between the balances of its statement"
            raise Refused(Reject(":61:", texts.clean(outside.text, 60), reason, outside.line))

    def _entries(self, account: str, currency: str) -> tuple[list[BankEntry], list[Ignored], list[Movement], list[str]]:
        entries: list[BankEntry] = []
        ignored: list[Ignored] = []
        movements: list[Movement] = []
        notes: list[str] = []
        for line, details in _with_details(self.message.fields):
            place = str(self.before + len(movements) + 1)
            entry, reason, movement, told = read_entry(line, details, account, currency, place)
            movements.append(movement)
            notes += told
            if reason:
                ignored.append(Ignored(entry, reason))
            else:
                entries.append(entry)
        return entries, ignored, movements, notes

    def _totals(self) -> Iterator[Total]:
        for line in self.message.all("90C", "90D"):
            match = _TOTAL.fullmatch(line.text.strip().partition("\n")[0].strip())
            try:
                amount = texts.money(mt_decimal(match[3]), match[2]) if match else None
            except ValueError as error:
                raise Refused(Reject(f":{line.tag}:", texts.clean(line.text, 60), str(error), line.line)) from None
            if match is None:
                raise Refused(Reject(f":{line.tag}:", texts.clean(line.text, 60), "not a sum of entries", line.line))
            yield Total(checks.CREDITS if line.tag == "90C" else checks.DEBITS, int(match[1]), amount, line.line)


def _with_details(fields: list[Field]) -> Iterator[tuple[Field, list[Field]]]:
    """Each statement line with the fields that speak of it; those behind the balance speak of the statement."""
    line: Field | None = None
    details: list[Field] = []
    for found in fields:
        if found.tag == "61" or found.tag in _CLOSING:
            if line is not None:
                yield line, details
            line, details = (found if found.tag == "61" else None), []
        elif line is not None and found.tag in ("86", "NS"):
            details.append(found)
    if line is not None:
        yield line, details


def _account(text: str, currency: str) -> str:
    """The account's number; some banks hang its currency behind it."""
    number = texts.account(text.partition("\n")[0])
    return number.removesuffix(currency).removesuffix("/") if len(number) > len(currency) + 3 else number
