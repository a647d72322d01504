"""The templates of letters and documents: where they are found, and how a letter is set as text and as HTML.

What they are given is decided in letters.py, composing.py and dossier.py; print is set in typesetting.py.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    Template,
    TemplateNotFound,
    TemplateSyntaxError,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from activities.letter_document import Block, LetterDocument
from activities.refusals import CannotCompose
from activities.wording import ENGLISH, TEMPLATES
from models.parties import Creditor

SHIPPED = "shipped"
"""The prefix by which a creditor's template reaches the one it replaces: `{% extends "shipped/en/letter.jinja" %}`."""
_MARK = "\x1e"
_NOT_LETTERS = frozenset({"letter"})


def _environment(escape: bool, own: Path | None = None) -> Environment:
    shipped = FileSystemLoader(TEMPLATES)
    # What a creditor wrote may not reach into the program.
    kind = ImmutableSandboxedEnvironment if own else Environment
    loader = ChoiceLoader([FileSystemLoader(own), shipped, PrefixLoader({SHIPPED: shipped})]) if own else shipped
    return kind(
        loader=loader, autoescape=escape, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        auto_reload=False,
    )  # fmt: skip


_text, _html = _environment(escape=False), _environment(escape=True)


def text_template(name: str) -> Template:
    """A template by file name, for plain text."""
    return _text.get_template(name)


def html_template(name: str) -> Template:
    """A template by file name, for HTML: what is put in is escaped."""
    return _html.get_template(name)


def text_template_source(source: str, file: str) -> None:
    """Read a template's source.

    Raises:
        TemplateSyntaxError: with its line.
    """
    _text.parse(source, filename=file)


def trouble_at(error: BaseException, file: Path) -> int | None:
    """The line of a template at which rendering came to grief; None if that was elsewhere."""
    line, frame = None, error.__traceback__
    while frame is not None:
        if Path(frame.tb_frame.f_code.co_filename) == file:
            line = frame.tb_lineno
        frame = frame.tb_next
    return line


def looping(error: RecursionError, own: Path | None) -> str | None:
    """The file of a creditor's folder that went round in a circle; None if it is none of them."""
    found, frame = None, error.__traceback__
    while frame is not None:
        file = Path(frame.tb_frame.f_code.co_filename)
        if own is not None and file.is_relative_to(own):
            found = file.relative_to(own).as_posix()
        frame = frame.tb_next
    return found


# --- the creditor's own -------------------------------------------------------------------------------------


def own_folder(creditor: Creditor) -> Path | None:
    """The folder of the creditor's own templates, if there is one."""
    folder = Path(creditor.files) / "letters" if creditor.files else None
    return folder if folder and folder.is_dir() else None


def _environments(own: Path | None) -> tuple[Environment, Environment]:
    if own is None:
        return _text, _html
    # A file that was added, changed or removed counts from the next letter on.
    state = tuple(sorted((str(file), file.stat().st_mtime_ns) for file in own.rglob("*") if file.is_file()))
    return _own_environments(own, state)


@lru_cache(maxsize=64)
def _own_environments(own: Path, state: tuple[tuple[str, int], ...]) -> tuple[Environment, Environment]:
    return _environment(False, own), _environment(True, own)


def letter_names(own: Path | None = None) -> list[str]:
    """The letters that can be named: the shipped ones, and those of a creditor's folder."""
    folders = [TEMPLATES / ENGLISH.language, *((own / "*",) if own else ())]
    files = [file for folder in folders for file in folder.parent.glob(f"{folder.name}/*.jinja")]
    return sorted({file.stem for file in files} - _NOT_LETTERS)


def find_letter(name: str, language: str, own: Path | None = None, otherwise: str = "en") -> tuple[Template, str]:
    """The template of a letter, and its language: another one where there is none in the one asked for.

    Raises:
        CannotCompose: There is no such letter, or its template has a syntax error; file and line are named.
    """
    environment = _environments(own)[0]
    for candidate in dict.fromkeys((language, otherwise, ENGLISH.language)):
        try:
            return environment.get_template(f"{candidate}/{name}.jinja"), candidate
        except TemplateNotFound as missing:
            if missing.name != f"{candidate}/{name}.jinja":
                raise CannotCompose(f"the letter template {candidate}/{name} extends {missing.name}, which does "
                                    "not exist") from missing  # fmt: skip
        except TemplateSyntaxError as error:
            raise CannotCompose(
                f"{error.filename}:{error.lineno}: {error.message}: mend this letter template"
            ) from error
    raise CannotCompose(f"the letter {name!r} does not exist; there are {', '.join(letter_names(own))}")


def parts_of(template: Template, values: Mapping[str, Any]) -> dict[str, list[str]]:
    """The paragraphs of a letter's template, by its blocks.

    Blank lines part paragraphs; within one, a line's end is only the end of a line of the template.
    """
    rendered = template.render(values, mark=_MARK).split(_MARK)
    joiner = values["joiner"]
    found = {}
    for name, text in zip(rendered[1::2], rendered[2::2], strict=True):
        joined = (joiner.join(line.strip() for line in part.split("\n") if line.strip()) for part in text.split("\n\n"))
        found[name] = [part for part in joined if part]
    return found


# --- as text and as HTML ------------------------------------------------------------------------------------


def as_html(document: LetterDocument, own: Path | None = None) -> str:
    """The letter as a page; what it says is escaped."""
    return _environments(own)[1].get_template("layout.html").render(letter=document)


def as_text(document: LetterDocument) -> str:
    """The letter as plain text."""
    sender, info = document.sender, {row["key"]: row["label"] + row["value"] for row in document.info}
    sections = [
        [sender["name"], *sender["address"]],
        [info["date"]],
        [*document.addressee, *([info["buyer_id"]] if "buyer_id" in info else [])],
        [document.subject],
        [document.salutation],
    ]
    for block in document.blocks:
        sections += [section for section in _sections(block) if section]
    sections += [[paragraph] for paragraph in document.closing]
    labels = document.labels
    contact = [labels["email"] + sender["email"], *([labels["phone"] + sender["phone"]] if sender["phone"] else [])]
    sections[-1] = [*sections[-1], sender["name"], *contact]
    return "\n\n".join("\n".join(line.rstrip() for line in section) for section in sections) + "\n"


def _sections(block: Block) -> Iterator[list[str]]:
    match block["type"]:
        case "paragraphs":
            yield from ([text] for text in block["texts"])
        case "heading":
            yield [block["text"]]
        case "invoices":
            yield from ([row["label"] + row["value"] for row in facts] for facts in block["facts"])
            if block["many"]:
                yield [row["label"] + row["value"] for row in block["totals"]]
        case "details" | "payment":
            yield [row["label"] + row["value"] for row in block["rows"]]
        case "table":
            yield ["  " + "  ".join(cell for cell in row if cell) for row in block["rows"]] + [
                f"  {row['label']}{row['value']}" for row in block["totals"]
            ]
        case "segments":
            lines = []
            for group in block["groups"]:
                lines += [f"  {group['number']}"] if group["number"] else []
                lines += [f"  {row['period']}{block['colon']}{row['formula']}" for row in group["rows"]]
            yield [*lines, *(f"  {row['label']}{row['value']}" for row in block["totals"])]
