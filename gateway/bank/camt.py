"""camt.052, 053 and 054 of any version: the statements of a file. What an entry says, camt_entry.py reads."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from lxml import etree

from gateway.bank import checks, texts, xml
from gateway.bank.camt_entry import Entry, EntryReader
from gateway.bank.camt_node import Node
from gateway.bank.statement import Balance, Ignored, Refused, Reject, Statement, Total
from models.money import Money

_SCHEMA = re.compile(r"camt\.05[234]\.001\.\d{2}$")
_CONTAINER = {"camt.052": "Rpt", "camt.053": "Stmt", "camt.054": "Ntfctn"}
_NAMES = {"Rpt": "report", "Stmt": "statement", "Ntfctn": "notification"}

MAX_ENTRIES = 1_000_000


class NotCamt(Exception):
    """XML, but no camt statement; `root` says what it is instead."""

    def __init__(self, root: str) -> None:
        """With the name and namespace of the root element."""
        super().__init__(root)
        self.root = root


def read_camt(data: bytes, name: str) -> list[Statement]:
    """The statements of a camt file, with the format that its namespace names.

    Raises:
        NotCamt: if it is other XML.
        Refused: if it cannot be read; nothing of it may be taken then.
    """
    schema, namespace = _schema(data)
    reading = _Reading(name, schema, namespace)
    found: list[Statement] = []
    try:
        for element in xml.complete(data, *reading.tags):
            statement = reading.ended(element)
            if statement is not None:
                found.append(statement)
    except Refused as error:
        raise Refused(*error.rejects, form=schema) from None
    if not found:
        tag = reading.container
        reason = f"a {reading.format} message without a {_NAMES[tag]}: nothing was sent in it"
        raise Refused(Reject(tag, "", reason, 1), form=reading.format)
    return found


def _schema(data: bytes) -> tuple[str, str]:
    """The schema, such as camt.053.001.08, and its namespace; a message may stand in an envelope."""
    root = ""
    for element in xml.beginnings(data):
        root = root or _named(element)
        namespace = etree.QName(element).namespace or ""
        schema = _SCHEMA.search(namespace)
        if schema is not None:
            return schema[0], namespace
    raise NotCamt(root)


def _named(element: etree._Element) -> str:
    tag = etree.QName(element)
    return f"{tag.localname} of {tag.namespace}" if tag.namespace else tag.localname


class _Header(NamedTuple):
    account: str
    currency: str
    fallback_day: str


class _Reading:
    """A camt file being read: entries as they are complete, then the statement around them."""

    def __init__(self, file: str, schema: str, namespace: str) -> None:
        self.file, self.format = file, schema
        self.container = _CONTAINER[schema[:8]]
        self._prefix = f"{{{namespace}}}"
        self._entry_tag, self._container_tag = f"{self._prefix}Ntry", f"{self._prefix}{self.container}"
        self.tags = (self._entry_tag, self._container_tag)
        self._header: _Header | None = None
        self._entries: list[Entry] = []
        self._count = 0

    def ended(self, element: etree._Element) -> Statement | None:
        """An element is complete; the statement, if it is one."""
        if element.tag == self._entry_tag:
            parent = element.getparent()
            if parent is not None and parent.tag == self._container_tag:
                self._take(Node(element, self._prefix), Node(parent, self._prefix))
                element.clear()
                # What was read is let go: a file of a hundred thousand entries takes no more memory than one.
                while element.getprevious() is not None and element.getprevious().tag == self._entry_tag:  # type: ignore[union-attr]
                    del parent[parent.index(element) - 1]
        elif element.tag == self._container_tag:
            statement = self._statement(Node(element, self._prefix))
            element.clear()
            self._header, self._entries = None, []
            return statement
        return None

    def _take(self, entry: Node, parent: Node) -> None:
        if self._header is None:
            self._header = self._read_header(parent)
        self._count += 1
        if self._count > MAX_ENTRIES:
            raise Refused(Reject("Ntry", "", f"more than {MAX_ENTRIES:,} entries", entry.line))
        reader = EntryReader(self._header.account, self._header.fallback_day)
        self._entries.append(reader.read(entry, str(self._count)))

    def _read_header(self, node: Node) -> _Header:
        number = next(filter(None, (node.text(f"Acct/{path}") for path in _ACCOUNT)), "")
        account = texts.account(number)
        if not account:
            raise Refused(Reject("Acct", "", f"the {_NAMES[self.container]} names no account", node.line))
        day = node.text("FrToDt/ToDtTm") or node.text("FrToDt/ToDt") or node.text("CreDtTm")
        return _Header(account, node.text("Acct/Ccy"), day)

    def _statement(self, node: Node) -> Statement:
        header = self._header or self._read_header(node)
        opening, closing = self._balances(node)
        entries, notes = self._entries, []
        balances = (balance.amount.currency for balance in (opening, closing) if balance is not None)
        currency = next(filter(None, (header.currency, *balances, *(e.movement.amount.currency for e in entries))), "")
        undated = sum(entry.undated for entry in entries)
        if undated:
            notes.append(f"entries without a date: {undated}; they have the day on which the message was made")
        if self.container == "Stmt" and (opening is None or closing is None):
            notes.append("without an opening and a closing booked balance: its sums could not be checked")
        parts = [part for entry in entries for part in entry.parts]
        return Statement(
            file=self.file,
            format=self.format,
            account=header.account,
            currency=currency,
            number=node.text("ElctrncSeqNb") or node.text("LglSeqNb") or node.text("Id"),
            page=next(filter(None, (node.text(f"{kind}Pgntn/PgNb") for kind in ("Stmt", "Rpt", "Ntfctn"))), ""),
            opening=opening,
            closing=closing,
            movements=tuple(entry.movement for entry in entries),
            totals=tuple(_totals(node, currency)),
            entries=tuple(part for part, reason in parts if not reason),
            ignored=tuple(Ignored(part, reason) for part, reason in parts if reason),
            notes=(*notes, *(note for entry in entries for note in entry.notes)),
            line=node.line,
        )

    def _balances(self, node: Node) -> tuple[Balance | None, Balance | None]:
        """The booked balances between which the entries lie, if the message has both kinds."""
        found: dict[str, list[Node]] = {}
        for balance in node.all("Bal"):
            code = balance.text("Tp/CdOrPrtry/Cd") or balance.text("Tp/Cd")
            found.setdefault(code, []).append(balance)
        interim = found.get("ITBD", []) if self.container == "Stmt" else []
        first, last = found.get("OPBD") or found.get("PRCD"), found.get("CLBD")
        # Of a statement in pages, the inner ends are interim balances.
        if first is None and interim and (last or len(interim) > 1):
            first = interim[:1]
        if last is None and interim and first and interim[-1] is not first[0]:
            last = interim[-1:]
        return (_balance(first[0]) if first else None), (_balance(last[-1]) if last else None)


_ACCOUNT = ("Id/IBAN", "Id/Othr/Id", "Id/BBAN", "Id/UPIC", "Id/PrtryAcct/Id")


def _balance(node: Node) -> Balance:
    amount = node.amount("Amt")
    if amount is None:
        raise Refused(Reject("Bal", "", "a balance without an amount", node.line))
    sign = -1 if node.text("CdtDbtInd") == "DBIT" else 1
    day = node.day("Dt/Dt") or node.day("Dt/DtTm") or node.day("Dt")
    return Balance(Money.of(amount.amount * sign, amount.currency), day, node.line)


def _totals(node: Node, currency: str) -> Iterator[Total]:
    summary = node.one("TxsSummry")
    if summary is None:
        return
    for tag, name in (("TtlNtries", checks.ALL), ("TtlCdtNtries", checks.CREDITS), ("TtlDbtNtries", checks.DEBITS)):
        total = summary.one(tag)
        if total is None:
            continue
        yield Total(name, total.number("NbOfNtries"), _sum(total, "Sum", currency), total.line)
        if tag == "TtlNtries":
            # Since version 3 the net amount and its sign are in an element of their own.
            net = total.one("TtlNetNtry") or total
            amount = _sum(net, "Amt" if net is not total else "TtlNetNtryAmt", currency)
            if amount is not None:
                sign = -1 if net.text("CdtDbtInd") == "DBIT" else 1
                yield Total(checks.NET, None, Money.of(amount.amount * sign, currency), total.line)


def _sum(node: Node, tag: str, currency: str) -> Money | None:
    """A sum of the summary: it carries no currency of its own."""
    text = node.text(tag)
    if not text or not currency:
        return None
    negative = text.startswith("-")
    try:
        found = texts.iso_amount(text.lstrip("+-"), currency)
    except ValueError as error:
        raise Refused(Reject(tag, text, str(error), node.line)) from None
    return Money.of(found.amount * Decimal(-1 if negative else 1), currency)
