"""A letter in print: PDF/A-2b with its fonts embedded, or pictures of its pages.

The layout is `templates/letter.typ`; it gets the letter as JSON, never as markup, so that no name can become an
instruction. Anything Typst warns of is a failure: it would print boxes for a font that it does not find.
"""

import json
import os
import re
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, date, datetime, time
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import typst

from activities.letter_document import LetterDocument
from activities.refusals import CannotCompose
from activities.wording import TEMPLATES

LAYOUT = "letter.typ"
_STANDARD: Any = ["a-2b"]
_LATIN = [f"SourceSansPro-{weight}.otf" for weight in ("Regular", "It", "Semibold", "Bold")]
_UNPRINTABLE = re.compile(r'the text `"(.*?)"` could not be displayed', re.S)
_REFUSED = "assertion failed: "
"""How Typst begins what a layout refuses in its own words."""
_PLACE = re.compile(r"([^\s]+\.typ):(\d+):\d+")
_ESCAPED = re.compile(r"\\u\{([0-9a-fA-F]+)\}")
_threads = threading.local()
_MAX_COMPILERS = 16


_font_lock = threading.Lock()


@lru_cache(maxsize=1)
def _found_fonts() -> typst.Fonts:
    # The packages hold each weight twice; which is taken may not depend on the disk. A folder of links names our
    # choice; the search follows them to the files, so that the folder is not needed afterwards.
    latin, cjk = files("font_source_sans_pro") / "files", files("noto_cjk_sans_otc")
    with tempfile.TemporaryDirectory(prefix="arrears-fonts-") as folder:
        for source in (*(latin / name for name in _LATIN), cjk / "NotoSansCJK-Regular.ttc"):
            os.symlink(str(source), Path(folder) / source.name)
        return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])


def _fonts() -> typst.Fonts:
    with _font_lock:
        return _found_fonts()


def as_pdf(document: LetterDocument, day: date, own: Path | None = None) -> bytes:
    """The letter as PDF/A-2b. The same letter of the same day gives the same bytes.

    Raises:
        CannotCompose: It has characters that our fonts do not have, or the layout does not work.
    """
    made = _compiled(document, day, own, format="pdf", pdf_standards=_STANDARD, pdf_tags=False)
    return made if isinstance(made, bytes) else b"".join(made)


def as_pictures(document: LetterDocument, day: date, own: Path | None = None, ppi: int = 96) -> list[bytes]:
    """The pages of the letter as PNG pictures."""
    made = _compiled(document, day, own, format="png", ppi=ppi)
    return [made] if isinstance(made, bytes) else made


def _compiled(document: LetterDocument, day: date, own: Path | None, **options: Any) -> bytes | list[bytes]:
    compiler = _compiler(own / LAYOUT if own and (own / LAYOUT).is_file() else TEMPLATES / LAYOUT)
    instant = datetime.combine(day, time.min, UTC)
    try:
        made, warnings = compiler.compile_with_warnings(
            sys_inputs={"letter": _as_json(document), "day": day.isoformat()},
            timestamp=instant, **options,
        )  # fmt: skip
    except typst.TypstError as error:
        raise CannotCompose(_reason(error)) from error
    if warnings:
        raise CannotCompose(f"the letter cannot be set as it should: {'; '.join(str(w) for w in warnings)}")
    if made is None:  # only when it writes a file itself
        raise CannotCompose("the letter cannot be set: Typst returned nothing")
    return made


_CJK = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uff60]")
_SUM = re.compile(r"\b([A-Z]{3}) (?=\d)")
_LONG_RUN = re.compile(r"[^\W\u2e80-\u9fff\uac00-\ud7af]{26}|[!-/:-@\[-`{-~]{26}|[!-~]{26}")
_LONG_WORD = re.compile("[^\\s\u2e80-\u9fff\uac00-\ud7af\uff00-\uff60]{45,}")
"""What may be too long for a line of a paragraph, where all its signs are wide."""
_PIECE = re.compile(r".{9}(?=[!-~])")  # never before what may belong to the sign in front of it
_SHORT = 26
_CELLS = frozenset({"rows", "number"})
_PARAGRAPHS = frozenset({"texts", "closing"})
_IMAGES = frozenset({"qr", "stamp"})


def _as_json(document: LetterDocument) -> str:
    """The letter for the layout.

    A currency stays with its amount; a run without a blank may be broken somewhere, or it would leave its column.
    Labels come without what parts them from their value as `name` too, for columns.
    """
    plain = {field.name: getattr(document, field.name) for field in fields(document)}
    plain["cjk"] = document.language == "zh" or bool(_CJK.search(document.sender["name"] + document.subject))
    return json.dumps(_settable(plain), ensure_ascii=False)


def _settable(value: Any, key: str = "") -> Any:
    if isinstance(value, str):
        if key in _IMAGES:
            return value
        kept = _SUM.sub("\\1\u00a0", value) if " " in value else value
        if len(kept) < _SHORT:
            return kept
        if key in _PARAGRAPHS:  # they are wide: an address goes over to the next line whole
            return _LONG_WORD.sub(lambda word: _LONG_RUN.sub("\\g<0>\u200b", word[0]), kept)
        return _LONG_RUN.sub(_in_pieces if key in _CELLS else "\\g<0>\u200b", kept)
    if isinstance(value, Mapping):
        named = {"name": value["label"].rstrip(_PARTING)} if "label" in value else {}
        return {name: _settable(item, name) for name, item in {**value, **named}.items()}
    return [_settable(item, key) for item in value] if isinstance(value, list | tuple) else value


def _in_pieces(run: re.Match[str]) -> str:
    """A long run with places to break it close enough together for the narrowest column of a table."""
    return _PIECE.sub("\\g<0>\u200b", run[0]) + "\u200b"


_PARTING = " :：\u00a0"


def _compiler(layout: Path) -> typst.Compiler:
    """This thread's compiler of a layout: one must not be used by two threads at a time."""
    compilers: dict[tuple[str, int], typst.Compiler] = _threads.__dict__.setdefault("compilers", {})
    key = (str(layout), layout.stat().st_mtime_ns)
    if key not in compilers:
        while len(compilers) >= _MAX_COMPILERS:
            compilers.pop(next(iter(compilers)))
        compilers[key] = typst.Compiler(
            str(layout), root=str(layout.parent), font_paths=_fonts(), ignore_system_fonts=True,
            package_path=os.devnull, package_cache_path=os.devnull,
        )  # fmt: skip
    return compilers[key]


def _reason(error: typst.TypstError) -> str:
    missing = [_unescaped(text) for text in _UNPRINTABLE.findall(error.diagnostic)]
    if missing:
        named = ", ".join(dict.fromkeys(f"{_shown(sign)} (U+{ord(sign):04X})" for text in missing for sign in text))
        return (
            f"the letter has characters that our fonts cannot print: {named}. They stand in a name or number of the "
            "invoice, the buyer or the creditor: correct it, or send the letter yourself and complete this task as done"
        )
    if error.message.startswith(_REFUSED):
        return error.message.removeprefix(_REFUSED)
    where = _PLACE.search(error.diagnostic)
    place = f"{where[1]}:{where[2]}: " if where else ""
    return f"{place}{error.message}: mend this letter layout"


def line_of_layout(error: BaseException) -> int | None:
    """The line of a layout at which setting came to grief; None if that was elsewhere."""
    where = _PLACE.search(error.diagnostic) if isinstance(error, typst.TypstError) else None
    return int(where[2]) if where else None


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def _shown(sign: str) -> str:
    return sign if sign.isprintable() else "an invisible character"
