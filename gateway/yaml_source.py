"""Reads a YAML file that somebody wrote by hand, and remembers on which line everything stands.

Everything that is wrong is collected, with its line. What the file should contain is not known here.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import BaseModel, ValidationError

from gateway.errors import InputRefused, WrongUsage
from models.faults import explain

MAX_BYTES = 256 * 1024
MAX_DEPTH = 24

Keys = tuple[str | int, ...]


class SourceFault(NamedTuple):
    """Something wrong in a file. `field` is the dotted path of keys and indexes, empty for the whole file."""

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        """`file:line: field: message`."""
        where = f"{self.field}: " if self.field else ""
        return f"{self.file}:{self.line}: {where}{self.message}"


class SourceRefused(InputRefused):
    """A file was read and refused; one line per fault."""

    def __init__(self, faults: Iterable[SourceFault]) -> None:
        """Takes the faults, of which there is at least one."""
        self.faults = list(faults)
        super().__init__("\n".join(map(str, self.faults)))


@dataclass(frozen=True)
class Source:
    """A file as read: its content as plain values, the line of each key and item, and what was wrong with it.

    Whole numbers come as `int`, others as `Decimal`; dates, times and numbers with leading zeros stay text.
    """

    file: str
    text: str
    data: dict[str, Any]
    lines: dict[Keys, int]
    faults: list[SourceFault] = field(default_factory=list)

    @property
    def readable(self) -> bool:
        """Whether there is content to look at; a file may be readable and have faults (a key given twice)."""
        return bool(self.data)

    def line_of(self, path: Keys) -> int:
        """The line of `path`, or of the nearest parent that the file has."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def located(self, found: Iterable[tuple[Keys, str]]) -> list[SourceFault]:
        """Faults given by path and message, as faults of this file in the order of its lines."""
        faults = [SourceFault(self.file, self.line_of(path), ".".join(map(str, path)), text) for path, text in found]
        return sorted(faults, key=lambda fault: fault.line)

    def invalid(self, error: ValidationError, model: type[BaseModel]) -> list[SourceFault]:
        """The faults in a failed validation of the content by `model`, worded for people."""
        return self.located(explain(error, model))


def read_source(path: Path | str) -> Source:
    """The file, with everything that is wrong in how it is written.

    Raises:
        WrongUsage: There is no such file, or it cannot be read.
    """
    name = str(path)
    raw = _bytes(Path(path), name)
    if len(raw) > MAX_BYTES:
        return _unreadable(name, 1, f"the file is larger than {MAX_BYTES // 1024} KiB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _unreadable(name, raw[: error.start].count(b"\n") + 1, "not UTF-8: save the file in that encoding")
    if not text.strip():
        return _unreadable(name, 1, "the file is empty")
    try:
        broken = _forbidden(text)
        if broken:
            return Source(name, text, {}, {}, [SourceFault(name, line, "", message) for line, message in broken])
        node = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return _unreadable(name, mark.line + 1 if mark else 1, f"not valid YAML: {error.problem or error.context}")
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        return _unreadable(name, line, f"the character {error.character!r} is not allowed")
    if node is None:
        return _unreadable(name, 1, "the file holds nothing but comments")
    if not isinstance(node, yaml.MappingNode):
        return _unreadable(name, node.start_mark.line + 1, "the file must be a mapping of keys to values")
    reading = _Reading(name)
    data = reading.mapping(node, ())
    return Source(name, text, data, reading.lines, reading.faults)


def parse_source(source: Source, check: Callable[[Any], Any], model: type[BaseModel]) -> Any:
    """What `check` makes of the content.

    Raises:
        SourceRefused: The file has faults; all of them are named.
    """
    faults, value = list(source.faults), None
    if source.readable or not faults:
        try:
            value = check(source.data)
        except ValidationError as error:
            faults += source.invalid(error, model)
    if faults:
        raise SourceRefused(sorted(faults, key=lambda fault: fault.line))
    return value


def _bytes(path: Path, name: str) -> bytes:
    try:
        if path.is_dir():
            raise WrongUsage(f"{name} is a folder, not a file")
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise WrongUsage(f"there is no file {name}") from None
    except (OSError, ValueError) as error:
        raise WrongUsage(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _unreadable(name: str, line: int, message: str) -> Source:
    return Source(name, "", {}, {}, [SourceFault(name, line, "", message)])


def _forbidden(text: str) -> list[tuple[int, str]]:
    """What such a file has no use for, or what could blow it up: aliases, tags, several documents, depth."""
    found: list[tuple[int, str]] = []
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents == 2:
                found.append((line, "the file holds a second document (---); one is allowed"))
        if isinstance(event, yaml.AliasEvent):
            found.append((line, f"the alias *{event.anchor} is not allowed: write the value out"))
        elif isinstance(event, yaml.NodeEvent) and event.anchor:
            found.append((line, f"the anchor &{event.anchor} is not allowed: write the value out where it is used"))
        tag = getattr(event, "tag", None)
        if tag not in (None, "!"):
            found.append((line, f"the tag {tag} is not allowed"))
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                return [*found, (line, f"nested more than {MAX_DEPTH} deep")]
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return found


class _Loader(yaml.SafeLoader):
    """YAML 1.2's few plain types: `NO` is a country and `10:30` a time, not false and 630."""

    yaml_implicit_resolvers: dict[str, Any] = {}


def _exactly(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal:
    return Decimal(loader.construct_scalar(node))


def _resolve(tag: str, pattern: str, first: list[str]) -> None:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), first)


_resolve("bool", "true|false|True|False", list("tfTF"))
_resolve("int", "[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789"))
_resolve("float", r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+", list("-+0123456789"))
_resolve("null", "~|null|Null|", ["~", "n", "N", ""])
_Loader.add_constructor("tag:yaml.org,2002:float", _exactly)


class _Reading:
    """One pass over the nodes of a file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Keys, int] = {(): 1}
        self.faults: list[SourceFault] = []
        self._scalars = _Loader("")

    def mapping(self, node: yaml.MappingNode, path: Keys) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._fault(line, path, "a key must be plain text")
                continue
            key = str(key_node.value)
            here = (*path, key)
            if key in found:
                self._fault(line, here, f"is given twice (line {self.lines[here]} and line {line})")
                continue
            self.lines[here] = line
            found[key] = self._value(value_node, here)
        return found

    def _value(self, node: yaml.Node, path: Keys) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            items = []
            for i, item in enumerate(node.value):
                self.lines[*path, i] = item.start_mark.line + 1
                items.append(self._value(item, (*path, i)))
            return items
        return self._scalars.construct_object(node)

    def _fault(self, line: int, path: Keys, message: str) -> None:
        self.faults.append(SourceFault(self.file, line, ".".join(map(str, path)), message))
