"""Checks the letters that a creditor wrote itself: before a case needs one, not at three in the morning.

Each is read, searched for words that no letter may say, and written once with a sample invoice.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from jinja2 import TemplateError, TemplateSyntaxError

from activities.letter_check import MARKUP, harsh_words
from activities.letter_content import KINDS
from activities.letter_sample import completed, sample_content, sample_creditor
from activities.letters import write_letter
from activities.refusals import CannotCompose
from activities.rendering import text_template_source, trouble_at
from activities.typesetting import LAYOUT, line_of_layout
from activities.wording import LANGUAGES
from models.parties import Creditor

_SHARED = "letter"
"""What all letters of a language extend; and the layouts besides."""
_LAYOUTS = (LAYOUT, "layout.html", "parts.jinja")


class TemplateFault(NamedTuple):
    """Something wrong in a template."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        """`file:line: message`."""
        return f"{self.file}:{self.line}: {self.message}"


def check_templates(folder: Path, creditor: Creditor | None = None) -> list[TemplateFault]:
    """Everything that is wrong with the letters of a folder, by file and line; nothing if it does not exist.

    Args:
        folder: A creditor's `letters/`, with a folder for each language in it.
        creditor: Whose it is, for letters that show what only this creditor has.
    """
    if not folder.is_dir():
        return []
    ours = completed(creditor or sample_creditor()).but(files=str(folder.parent))
    return [fault for file in sorted(folder.rglob("*")) if file.is_file() for fault in _faults(file, folder, ours)]


def _faults(file: Path, folder: Path, creditor: Creditor) -> Iterator[TemplateFault]:
    where, path = file.relative_to(folder), str(file)
    if str(where) in _LAYOUTS:
        yield from _harsh_in_layout(file) or _first_fault(sorted(KINDS), "en", file, creditor)
        return
    if len(where.parts) != 2 or file.suffix != ".jinja":
        known = ", ".join(_LAYOUTS)
        yield TemplateFault(path, 1, f"is no letter: letters are LANGUAGE/NAME.jinja, and layouts are {known}")
        return
    language = where.parts[0]
    if language not in LANGUAGES:
        yield TemplateFault(path, 1, f"there are no letters in {language!r}: known are {', '.join(LANGUAGES)}")
        return
    try:
        source = file.read_text("utf-8")
        text_template_source(source, path)
    except UnicodeDecodeError:
        yield TemplateFault(path, 1, "is not UTF-8 text")
        return
    except TemplateSyntaxError as error:
        yield TemplateFault(path, error.lineno, error.message or "has a syntax error")
        return
    harsh = [(n, word) for n, line in enumerate(source.split("\n"), 1) for word in harsh_words(line, (), language)]
    if harsh:
        for number, word in harsh:
            yield TemplateFault(path, number, f"says {word!r}, which is no way to ask: reword it")
        return
    yield from _first_fault(sorted(KINDS) if file.stem == _SHARED else [file.stem], language, file, creditor)


def _first_fault(names: Iterable[str], language: str, file: Path, creditor: Creditor) -> list[TemplateFault]:
    """The fault of the first of some letters that cannot be written with this file."""
    every = (list(_written(name, language, file, creditor)) for name in names)
    return next((found for found in every if found), [])


def _harsh_in_layout(file: Path) -> list[TemplateFault]:
    """What a layout says that no letter may say, in any language: it is set beside letters of all of them."""
    source = file.read_text("utf-8", errors="replace")
    # Styles and tags are not read by anybody; their lines stay, so that the others keep their numbers.
    shown = MARKUP.sub(lambda found: "\n" * found[0].count("\n") or " ", source) if file.suffix == ".html" else source
    return [
        TemplateFault(str(file), n, f"says {word!r}, which is no way to ask: reword it")
        for n, line in enumerate(shown.split("\n"), 1)
        for word in dict.fromkeys(word for language in LANGUAGES for word in harsh_words(line, (), language))
    ]


def _written(name: str, language: str, file: Path, creditor: Creditor) -> Iterator[TemplateFault]:
    """What keeps a letter with this file from being written, for one invoice or for several."""
    for invoices in (1, 3):
        content = sample_content(name, language, creditor, invoices)
        try:
            write_letter(name, language, content, printed=invoices == 1)
        except CannotCompose as refusal:
            cause = refusal.__cause__
            line = None if cause is None else trouble_at(cause, file) or line_of_layout(cause)
            message = cause.message if isinstance(cause, TemplateError) and cause.message else str(refusal)
            which = "" if invoices == 1 else f" (in a letter about {invoices} invoices)"
            yield TemplateFault(str(file), line or 1, f"{message}{which}")
            return
