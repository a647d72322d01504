"""Letters of a creditor's own: what a file in its folder replaces, what is found wrong with it, and when."""

import asyncio
import json
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader
from typer.testing import CliRunner, Result

from activities.database import open_engine
from activities.ledger import Ledger
from activities.letter_content import KINDS
from activities.letter_sample import sample_content, sample_creditor
from activities.letters import write_letter
from activities.refusals import CannotCompose
from activities.template_check import check_templates
from activities.wording import TEMPLATES
from gateway.cli import app
from gateway.creditor_files import load_creditor
from gateway.environment import load_settings
from gateway.errors import InputRefused
from gateway.letter_files import letter_rules
from models import view
from models.ids import digest
from models.parties import Creditor
from tests.cases import Walk
from tests.notices import printed
from worker import serve

EXTENDS = '{% extends "shipped/en/reminder.jinja" %}\n'
Put = Callable[[str, str], Path]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Writes a file into the letters of the creditor ACME."""
    monkeypatch.setenv("ARREARS_DATA_DIR", str(tmp_path / "data"))

    def write(name: str, text: str) -> Path:
        file = tmp_path / "data/creditors/ACME/letters" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        return file

    return write


def letter(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["letter", *arguments])


def acme(tmp_path: Path) -> Creditor:
    return load_creditor("ACME", tmp_path / "data")


# --- what replaces what -----------------------------------------------------------------------------------------


def test_a_file_of_the_same_name_replaces_a_letter_and_its_change_counts_at_once(put: Put, tmp_path: Path) -> None:
    content = sample_content("reminder", "en", acme(tmp_path))
    put("en/reminder.jinja", EXTENDS + "{% block subject %}A word about {{ what }}{% endblock %}")
    assert write_letter("reminder", "en", content).subject == "A word about invoice INV-2026-0117"
    put("en/reminder.jinja", EXTENDS + "{% block subject %}Two words about {{ what }}{% endblock %}")
    changed = write_letter("reminder", "en", content)
    assert changed.subject == "Two words about invoice INV-2026-0117"
    assert changed.pdf is not None and changed.subject in printed(changed.pdf)


def test_what_all_letters_say_can_be_replaced_for_all_of_them(put: Put, tmp_path: Path) -> None:
    put("en/letter.jinja", '{% extends "shipped/en/letter.jinja" %}{% block salutation %}Dear Partner,{% endblock %}')
    for kind in KINDS:
        assert "Dear Partner," in write_letter(kind, "en", sample_content(kind, "en", acme(tmp_path))).text
    assert "Dear Partner," not in write_letter("reminder", "en", sample_content("reminder", "en")).text


def test_a_layout_can_be_replaced(put: Put, tmp_path: Path) -> None:
    layout = (TEMPLATES / "letter.typ").read_text("utf-8")
    put("letter.typ", layout.replace("\n#letter.salutation\n", "\nPlain: #letter.salutation\n"))
    made = write_letter("reminder", "en", sample_content("reminder", "en", acme(tmp_path)))
    assert made.pdf is not None and "Plain: Dear" in printed(made.pdf)
    assert letter("check", "ACME").stdout == "letters: ok\n"


@pytest.mark.parametrize(
    ("kind", "text", "lacks"),
    [
        ("reminder", "= hi", "invoice number, amount, due date, date of the letter, parties, days overdue, way to"),
        ("formal_demand", "Plain: #letter.subject", "due date"),
    ],
)
def test_a_layout_may_leave_out_nothing_that_the_letter_must_say(
    put: Put, tmp_path: Path, kind: str, text: str, lacks: str
) -> None:
    file = put(
        "letter.typ", f'#let letter = json(bytes(sys.inputs.letter))\n#set text(font: "Source Sans Pro")\n{text}'
    )
    with pytest.raises(CannotCompose, match=f"the {kind} in print lacks .*{lacks}.*layout letter.typ of creditor ACME"):
        write_letter(kind, "en", sample_content(kind, "en", acme(tmp_path)))
    assert f"{file}:1: the correction in print lacks " in letter("check", "ACME").stdout


def test_a_layout_may_drop_no_law_firm_from_a_demand(put: Put, tmp_path: Path) -> None:
    layout = (TEMPLATES / "letter.typ").read_text("utf-8")
    put("letter.typ", layout.replace('part.type == "details"', 'part.type == "nothing"'))
    assert write_letter("reminder", "en", sample_content("reminder", "en", acme(tmp_path))).pdf
    with pytest.raises(CannotCompose, match="the formal_demand in print lacks law firm's name, law firm's contact"):
        write_letter("formal_demand", "en", sample_content("formal_demand", "en", acme(tmp_path)))


def test_a_new_name_is_a_new_letter(put: Put, tmp_path: Path) -> None:
    put("en/reminder_vip.jinja", EXTENDS + "{% block salutation %}Dear friends,{% endblock %}")
    made = write_letter("reminder_vip", "en", sample_content("reminder", "en", acme(tmp_path)))
    assert made.template == "en/reminder_vip" and "Dear friends," in made.text
    with pytest.raises(CannotCompose, match="'reminder_vop' does not exist; there are .*reminder_vip"):
        write_letter("reminder_vop", "en", sample_content("reminder", "en", acme(tmp_path)))


def test_a_creditors_template_cannot_reach_into_the_program(put: Put, tmp_path: Path) -> None:
    put("en/reminder.jinja", EXTENDS + "{% block opening %}{{ ''.__class__.__mro__ }}{% endblock %}")
    with pytest.raises(CannotCompose, match="unsafe"):
        write_letter("reminder", "en", sample_content("reminder", "en", acme(tmp_path)))


def test_a_layout_cannot_read_files_outside(put: Put, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    put("letter.typ", '#read("/../../../../secret.txt")')
    with pytest.raises(CannotCompose, match="letter.typ:1"):
        write_letter("reminder", "en", sample_content("reminder", "en", acme(tmp_path)))


# --- what is found wrong, before a case needs it ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "line", "message"),
    [
        ("en/reminder.jinja", EXTENDS + "{% block opening %}\nHello {{ number }\n{% endblock %}", 3, "unexpected '}'"),
        ("en/reminder.jinja", EXTENDS + "{% block opening %}\n", 2, "Unexpected end of template"),
        ("en/reminder.jinja", EXTENDS + "{% block opening %}\n{{ numbr }}{% endblock %}", 3, "'numbr' is undefined"),
        ("en/reminder.jinja", EXTENDS + "\n{% block next_steps %}Or the police.{% endblock %}", 3, "says 'police'"),
        ("de/reminder.jinja", '{% extends "nowhere.jinja" %}', 1, "nowhere.jinja"),
        ("en/reminder.jinja", EXTENDS + "{% block how_to_dispute %}{% endblock %}", 1, "lacks way to dispute"),
        ("en/letter.jinja", '{% extends "parts.jinja" %}', 1, "lacks way to dispute"),
        ("en/reminder.jinja", EXTENDS + "{% block opening %}{{ 1 / 0 }}{% endblock %}", 2, "division by zero"),
        ("de/formal_demand.jinja", '{% extends "de/formal_demand.jinja" %}', 1, '"shipped/de/formal_demand.jinja"'),
        ("en/letter.jinja", '\n{% extends "en/letter.jinja" %}', 2, "en/letter.jinja extends or includes itself"),
        ("layout.html", '<p>\n{% include "layout.html" %}', 2, "layout.html extends or includes itself"),
        ("en/reminder.txt", "Pay!", 1, "is no letter"),
        ("xx/reminder.jinja", "", 1, "there are no letters in 'xx': known are de, en, es, fr, zh"),
        ("letter.typ", "#let x = 1\n#let y = (", 2, "unclosed delimiter"),
        ("letter.typ", '#set text(font: "No Such Font")\nHello', 1, "unknown font"),
        ("layout.html", "{{ letter.subjct }}", 1, "subjct"),
        ("layout.html", "<style>p {\nfont-family: serif }</style>\n<p>Die Polizei", 3, "says 'polizei'"),
        ("letter.typ", "#let x = 1\nOr the police.", 2, "says 'police'"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_file_and_line(put: Put, name: str, text: str, line: int, message: str) -> None:
    file = put(name, text)
    result = letter("check", "ACME", "--json")
    assert result.exit_code == 1
    (fault,) = json.loads(result.stdout)
    assert (fault["file"], fault["line"]) == (str(file), line)
    assert message in fault["message"]
    assert f"{file}:{line}: " in letter("check").stdout


def test_sound_letters_pass_the_check(put: Put) -> None:
    put("en/reminder.jinja", EXTENDS + "{% block salutation %}Dear {{ addressee }},{% endblock %}")
    result = letter("check")
    assert (result.exit_code, result.stdout) == (0, "letters: ok\n")


def test_shipped_letters_pass_the_same_check(tmp_path: Path) -> None:
    folder = tmp_path / "letters"
    shipped = Path(__file__).parents[2] / "activities/templates"
    for language in ("de", "zh"):
        (folder / language).mkdir(parents=True)
        for file in (shipped / language).glob("*.jinja"):
            (folder / language / file.name).write_bytes(file.read_bytes())
    assert check_templates(folder) == []


def test_a_worker_does_not_start_on_a_broken_letter(put: Put) -> None:
    file = put("en/reminder.jinja", EXTENDS + "{% block opening %}\n{{ oops")
    with pytest.raises(InputRefused, match=f"{file}:3: "):
        asyncio.run(serve(load_settings(None)))


# --- the stamp --------------------------------------------------------------------------------------------------


def png() -> bytes:
    """A red dot."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\x00\xff\x00\x00\xff\x00\x00" * 2)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_a_demand_bears_the_stamp(tmp_path: Path) -> None:
    (tmp_path / "stamp.png").write_bytes(png())
    creditor = sample_creditor().but(files=str(tmp_path), stamp="stamp.png")

    def images(kind: str) -> int:
        made = write_letter(kind, "en", sample_content(kind, "en", creditor))
        assert made.pdf is not None
        return sum(len(page.images) for page in PdfReader(BytesIO(made.pdf)).pages)

    assert images("formal_demand") == 1
    assert images("reminder") == 0


@pytest.mark.parametrize(
    ("stamp", "complaint"),
    [
        ("none.png", "cannot be read"),
        ("../outside.png", "lies outside"),
        ("text.png", "neither PNG nor JPEG"),
        ("large.png", "larger than 1024 KB"),
    ],
)
def test_a_stamp_that_is_none_is_refused_with_its_file(tmp_path: Path, stamp: str, complaint: str) -> None:
    folder = tmp_path / "ACME"
    folder.mkdir()
    (tmp_path / "outside.png").write_bytes(png())
    (folder / "text.png").write_text("<svg/>")
    (folder / "large.png").write_bytes(png() + b"\0" * 1024 * 1024)
    creditor = sample_creditor().but(files=str(folder), stamp=stamp)
    with pytest.raises(CannotCompose, match=complaint):
        write_letter("formal_demand", "en", sample_content("formal_demand", "en", creditor))


# --- the preview ------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARREARS_DATA_DIR", str(tmp_path / "data"))
    return tmp_path


def test_a_sample_needs_neither_server_nor_ledger(folder: Path) -> None:
    out = folder / "letter.pdf"
    result = letter("preview", "--sample", "--kind", "formal_demand", "--language", "de", "-o", str(out), "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["path"] == str(out) and told["language"] == "de" and told["kind"] == "formal_demand"
    assert told["pages"] == len(PdfReader(out).pages) and told["sha256"] == digest(out.read_bytes())
    assert not (folder / "data").exists()
    before = out.read_bytes()
    letter("preview", "--sample", "--kind", "formal_demand", "--language", "de", "-o", str(out))
    assert out.read_bytes() == before


def test_an_unknown_language_falls_back_and_says_so(folder: Path) -> None:
    result = letter("preview", "--sample", "--language", "it", "--text")
    assert result.exit_code == 0
    assert "there are no letters in 'it': written in English" in result.stderr
    assert "Payment reminder" in result.stdout


@pytest.mark.parametrize("language", ["DE", "de-DE", "De-at"])
def test_a_language_counts_however_it_is_written(folder: Path, language: str) -> None:
    result = letter("preview", "--sample", "--language", language, "--text")
    assert (result.exit_code, result.stderr) == (0, "") and "Zahlungserinnerung" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["--sample", "--kind", "love_letter", "-o", "x.pdf"], 1, "the letter 'love_letter' does not exist"),
        (["--sample", "--text", "--creditor", "NOBODY"], 1, "unknown creditor NOBODY"),
        (["--text"], 2, "name the INVOICE, or give --sample"),
        (["--sample"], 2, "say where the PDF goes"),
        (["--sample", "-o", "nowhere/x.pdf"], 2, "cannot be written"),
        (["--sample", "--text", "--language", "d!"], 2, "--language 'd!' is no language"),
        (["--sample", "--text", "--date", "2026-04-01"], 2, "--date goes with an INVOICE"),
        (["NO-SUCH", "--text", "--date", "2026-13-01"], 1, "--date '2026-13-01'"),
        (["NO-SUCH", "--text"], 1, "there is no invoice 'NO-SUCH'"),
    ],
)
def test_a_preview_that_cannot_be_made_says_why(
    folder: Path, arguments: list[str], status: int, complaint: str
) -> None:
    result = letter("preview", *arguments)
    assert (result.exit_code, result.stdout) == (status, "")
    assert complaint in result.stderr


@pytest.fixture
def case(folder: Path) -> Walk:
    """A case in the ledger, due on 1 January 2026."""
    return opened(folder, Walk(number="0017"))


def opened(folder: Path, walk: Walk) -> Walk:
    (folder / "data").mkdir()
    engine = open_engine(f"sqlite:///{folder}/data/ledger.db")
    ledger = Ledger(engine)
    ledger.open_cases([(walk.case, view.head(walk.case))])
    ledger.started([walk.case.id])
    engine.dispose()
    return walk


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"correction", "reminder_before_due"}))
def test_a_case_shows_each_of_its_letters(case: Walk, folder: Path, kind: str) -> None:
    out = folder / "letter.pdf"
    due = case.case.invoice.due
    arguments = ("0017", "--kind", kind, "--date", str(due.replace(day=due.day + 20)), "-o", str(out), "--json")
    result = letter("preview", *arguments)
    assert result.exit_code == 0, result.output
    assert "0017" in printed(out.read_bytes())
    assert json.loads(result.stdout)["sha256"] == json.loads(letter("preview", *arguments).stdout)["sha256"]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Honolulu"])
def test_the_day_of_a_preview_is_the_debtors(folder: Path, zone: str) -> None:
    case = opened(folder, Walk(number="0017", buyer={"contact": {"email": "a@b.example", "timezone": zone}})).case
    result = letter("preview", "0017", "--date", str(case.invoice.due.replace(day=case.invoice.due.day + 9)), "--text")
    assert "Days overdue: 9\n" in result.stdout


def test_a_demand_before_the_due_date_is_refused(case: Walk, folder: Path) -> None:
    day = str(case.case.invoice.due)
    result = letter("preview", "0017", "--kind", "formal_demand", "--date", day, "-o", str(folder / "x.pdf"))
    assert result.exit_code == 1 and "is about what is overdue, and nothing is" in result.stderr


def test_the_rules_of_the_debtors_country_are_found(tmp_path: Path) -> None:
    rules = letter_rules(tmp_path)
    assert any(rule.days and rule.days >= 30 for rule in rules("GB"))
    assert any("demand" in rule.needs for rule in rules("FR"))
    assert rules(None) == () and rules("ZZ") == ()
