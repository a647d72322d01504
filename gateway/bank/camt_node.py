"""An element of a camt file, asked by paths of tag names: texts, amounts, days. Namespaces end here."""

from datetime import date
from typing import Any

from lxml import etree

from gateway.bank import texts
from gateway.bank.statement import Refused, Reject
from models.money import Money


class Node:
    """An element of one namespace and what is below it.

    The children are sorted by their names once: an entry is asked for some twenty paths, most of which it has not.
    """

    __slots__ = ("_children", "_element", "_prefix")

    def __init__(self, element: etree._Element, prefix: str) -> None:
        """Wrap an element; `prefix` is the namespace in braces, as it stands before each tag."""
        self._element, self._prefix = element, prefix
        self._children: dict[str, list[Node]] | None = None

    def _below(self) -> "dict[str, list[Node]]":
        if self._children is None:
            self._children = {}
            prefix, length = self._prefix, len(self._prefix)
            for child in self._element:
                tag = child.tag
                if isinstance(tag, str) and tag.startswith(prefix):
                    self._children.setdefault(tag[length:], []).append(Node(child, prefix))
        return self._children

    @property
    def line(self) -> int:
        """The line on which the element begins."""
        found: Any = self._element.sourceline
        return int(found or 1)

    def one(self, path: str) -> "Node | None":
        """The first element at a path."""
        tag, _, rest = path.partition("/")
        found = self._below().get(tag)
        if found is None or not rest:
            return found[0] if found else None
        return next(filter(None, (node.one(rest) for node in found)), None)

    def all(self, path: str) -> "list[Node]":
        """Every element at a path."""
        tag, _, rest = path.partition("/")
        found = self._below().get(tag, [])
        return [inner for node in found for inner in node.all(rest)] if rest else found

    def text(self, path: str, limit: int = 200) -> str:
        """The text at a path, on one line; empty where there is none."""
        found = self.one(path)
        return found.inner(limit) if found is not None else ""

    def first(self, *paths: str, limit: int = 200) -> str:
        """The text at the first of these paths that has one."""
        return next(filter(None, (self.text(path, limit) for path in paths)), "")

    def inner(self, limit: int = 200) -> str:
        """The element's own text."""
        return texts.clean(self._element.text, limit)

    def number(self, path: str) -> int | None:
        """The whole number at a path.

        Raises:
            Refused: if there is something else.
        """
        text = self.text(path)
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= 15):
            raise Refused(Reject(path, text, "not a whole number", self.line))
        return int(text)

    def amount(self, path: str) -> Money | None:
        """The amount at a path, with the currency it carries.

        Raises:
            Refused: if it cannot be read.
        """
        found = self.one(path)
        if found is None:
            return None
        text, currency = found._element.text or "", found._element.get("Ccy", "")
        try:
            return texts.iso_amount(text, currency)
        except ValueError as error:
            raise Refused(Reject(path, texts.clean(f"{text} {currency}"), str(error), found.line)) from None

    def day(self, path: str) -> date | None:
        """The day at a path, be it written as a date or with a time.

        Raises:
            Refused: if it cannot be read.
        """
        text = self.text(path)
        if not text:
            return None
        try:
            return texts.iso_day(text)
        except ValueError as error:
            raise Refused(Reject(path, text, str(error), self.line)) from None
