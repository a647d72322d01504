"""An element of a camt file, asked by paths of tag names: texts, amounts, days. Namespaces end here."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from lxml import etree

from gateway.bank import texts
from gateway.bank.statement import Refused, Reject
from models.money import Money


class Paths(dict[str, str]):
    """Paths of tag names, to paths that carry the namespace; each is made once."""

    def __init__(self, namespace: str) -> None:
        """For the elements of one namespace."""
        super().__init__()
        self._namespace = namespace

    def __missing__(self, path: str) -> str:
        """A path that is asked for the first time."""
        self[path] = found = "/".join(f"{{{self._namespace}}}{tag}" for tag in path.split("/"))
        return found


class Node:
    """An element and what is below it."""

    __slots__ = ("_element", "_paths")

    def __init__(self, element: etree._Element, paths: Paths) -> None:
        """Wrap an element."""
        self._element, self._paths = element, paths

    @property
    def line(self) -> int:
        """The line on which the element begins."""
        found: Any = self._element.sourceline
        return int(found or 1)

    def one(self, path: str) -> "Node | None":
        """The first element at a path."""
        found = self._element.find(self._paths[path])
        return None if found is None else Node(found, self._paths)

    def all(self, path: str) -> Iterator["Node"]:
        """Every element at a path."""
        return (Node(found, self._paths) for found in self._element.iterfind(self._paths[path]))

    def text(self, path: str, limit: int = 200) -> str:
        """The text at a path, on one line; empty where there is none."""
        found = self._element.findtext(self._paths[path])
        return texts.clean(found, limit) if found else ""

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
        found = self._element.find(self._paths[path])
        if found is None:
            return None
        text, currency = found.text or "", found.get("Ccy", "")
        try:
            return texts.iso_amount(text, currency)
        except ValueError as error:
            raise Refused(
                Reject(path, texts.clean(f"{text} {currency}"), str(error), Node(found, self._paths).line)
            ) from None

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
