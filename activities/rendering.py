"""The templates of letters and documents: where they are found, and how their paragraphs are set.

What they are given is decided in letters.py, composing.py and dossier.py.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, TemplateNotFound, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from activities.refusals import CannotCompose
from activities.wording import ENGLISH

_TEMPLATES = Path(__file__).parent / "templates"


@pass_context
def _paragraphs(context: Context, block: str) -> str:
    """Blank lines part paragraphs; within one, a line's end is only the end of a line of the template."""
    joiner = context["joiner"]
    # A plain string: what comes from data is escaped by now, and each operation on Markup would escape anew.
    parts = str(block).split("\n\n")
    joined = (joiner.join(line.strip() for line in part.split("\n") if line.strip()) for part in parts)
    kept = [part for part in joined if part]
    if context.eval_ctx.autoescape:
        return Markup("\n".join(f"<p>{part}</p>" for part in kept))
    return "\n\n".join(kept)


def _environment(escape: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=escape, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, auto_reload=False,
    )  # fmt: skip
    environment.filters["paragraphs"] = _paragraphs
    return environment


_text, _html = _environment(escape=False), _environment(escape=True)


def text_template(name: str) -> Template:
    """A template by file name, for plain text."""
    return _text.get_template(name)


def html_template(name: str) -> Template:
    """A template by file name, for HTML: what is put in is escaped."""
    return _html.get_template(name)


@lru_cache(maxsize=256)
def find_letter(name: str, language: str) -> tuple[Template, str]:
    """The template of a letter, and its language: English where there is none in the one asked for."""
    for candidate in dict.fromkeys((language, ENGLISH.language)):
        try:
            return _text.get_template(f"{candidate}/{name}.jinja"), candidate
        except TemplateNotFound:
            continue
    known = sorted(p.stem for p in (_TEMPLATES / ENGLISH.language).glob("*.jinja") if p.stem != "letter")
    raise CannotCompose(f"the policy names the letter {name!r}, which does not exist; there are {', '.join(known)}")


def subject_of(template: Template, values: dict[str, Any]) -> str:
    """The subject line that a letter's template gives."""
    block = template.blocks.get("subject")
    if block is None:
        raise CannotCompose(f"the letter template {template.name} does not define the block `subject`")
    return "".join(block(template.new_context(values)))


def squeezed(text: str) -> str:
    """Without the runs of blank lines that absent parts leave behind."""
    lines: list[str] = []
    for line in text.split("\n"):
        stripped = line.rstrip()
        if stripped or (lines and lines[-1]):
            lines.append(stripped)
    return "\n".join(lines).strip("\n") + "\n"
