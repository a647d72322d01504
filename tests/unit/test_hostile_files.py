"""Files made to do harm, and files that came to harm: a sentence, never a traceback, a hang, or a look elsewhere."""

import asyncio
import io
import socket
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.intake import facturx_pdf, sources, xml_source
from gateway.intake.entries import Fault
from gateway.intake.facturx_pdf import extract_invoice
from gateway.intake.invoices import Entry, InvoiceFile
from gateway.intake.recognise import Stranger, read_document
from gateway.receiving import Reception, Wishes
from gateway.reports import Reports
from tests.einvoices import entry, pdf, sample, ubl


class Onlooker:
    """Sees what is told, and agrees to every guess."""

    def follow(self, file: InvoiceFile) -> Iterator[Entry]:
        yield from file

    def refused(self, name: str, rejected: Any, document: bool) -> None:
        assert str(rejected)

    def kept(self, count: int, path: Path) -> None:
        raise AssertionError("a dry run keeps nothing")

    def confirmed(self, name: str, guess: Any) -> bool:
        return True


def take(*paths: Path) -> Reports:
    """A dry run over files."""
    reception = Reception("nowhere", Wishes(dry_run=True), [], lambda found: found, Reports(Onlooker()))  # type: ignore[arg-type,return-value]
    return asyncio.run(reception.take([str(path) for path in paths]))


def reason(content: bytes) -> str:
    with pytest.raises(Fault) as refused:
        read_document(content)
    return str(refused.value)


# --- XML ------------------------------------------------------------------------------------------------------

_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMB = f'<?xml version="1.0"?><!DOCTYPE Invoice [<!ENTITY l0 "lol">{_LAUGHS}]><Invoice>&l9;</Invoice>'
QUADRATIC = f'<!DOCTYPE Invoice [<!ENTITY a "{"a" * 50_000}">]><Invoice>{"&a;" * 10_000}</Invoice>'


@pytest.mark.parametrize("document", [BOMB, QUADRATIC], ids=["billion laughs", "quadratic"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_bombs_are_not_opened(document: str, encoding: str) -> None:
    assert "DOCTYPE" in reason(document.encode(encoding))


def test_a_bomb_within_attributes_or_behind_comments_is_not_opened_either() -> None:
    hidden = f"<!-- {'<Invoice>' * 100} --><?pi <Invoice?>" + BOMB.split("?>", 1)[1]
    assert "DOCTYPE" in reason(hidden.encode())
    assert "DOCTYPE" in reason(BOMB.replace("<Invoice>&l9;", '<Invoice a="&l9;">').encode())


@pytest.mark.parametrize("where", ["file:///etc/passwd", "http://192.0.2.1/x", "secret.txt"])
def test_external_entities_are_not_fetched(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket, "socket", lambda *_: pytest.fail("it reached for the network"))
    content = ubl().replace(b"<Invoice", f'<!DOCTYPE Invoice [<!ENTITY x SYSTEM "{where}">]><Invoice'.encode(), 1)
    content = content.replace(b"R-1", b"&x;")
    assert "DOCTYPE" in reason(content)
    dtd = ubl().replace(b"<Invoice", f'<!DOCTYPE Invoice SYSTEM "{where}"><Invoice'.encode(), 1)
    assert "DOCTYPE" in reason(dtd)


def test_xinclude_and_stylesheets_are_dead_letters(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("top secret")
    include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{secret.as_uri()}" parse="text"/>'
    found = read_document(ubl(extra=include).replace(b"?>", b'?><?xml-stylesheet href="http://192.0.2.1/"?>', 1))
    assert "secret" not in str(found)


def test_xml_beyond_the_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "nested more than" in reason(b"<a>" * 250 + b"</a>" * 250)
    assert "not well-formed" in reason(b"<a>" * 100_000)
    monkeypatch.setattr(xml_source, "MAX_TAGS", 1000)
    assert "more than 1,000 tags" in reason(b"<a>" + b"<b/>" * 1000 + b"</a>")
    monkeypatch.setattr(xml_source, "MAX_BYTES", 1000)
    assert "at most 1,000 are read" in reason(b"<a>" + b"x" * 1000 + b"</a>")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not well-formed"),
        (b"<Invoice", "not well-formed"),
        (ubl()[:-20], "not well-formed"),
        (b'<?xml version="1.0" encoding="IBM037"?><a/>', "encoding 'IBM037' is not read"),
        ("<a/>".encode("utf-32"), "UTF-32"),
        (ubl(number="\N{LATIN SMALL LETTER U WITH DIAERESIS}").replace(b"\xc3\xbc", b"\xfc"), "not well-formed"),
        (b"<a>\x00</a>", "not well-formed"),
    ],
)
def test_xml_that_is_none(content: bytes, said: str) -> None:
    assert said in reason(content)


def test_other_encodings_are_read() -> None:
    latin = ubl(number="\xfc-1").decode().replace('encoding="UTF-8"', 'encoding="ISO-8859-1"').encode("latin-1")
    assert read_document(latin).number == "\xfc-1"
    wide = ubl(number="\xfc-1").decode().replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16")
    assert read_document(wide).number == "\xfc-1"


# --- PDF ------------------------------------------------------------------------------------------------------


def test_the_invoice_of_a_pdf_is_found_by_the_name_the_standard_gives_it() -> None:
    mixed = pdf(("terms.xml", b"<terms/>"), ("factur-x.xml", ubl()), ("photo.png", b"\x89PNG"))
    assert extract_invoice(mixed) == ("factur-x.xml", ubl())
    assert extract_invoice(pdf(("invoice.xml", ubl()))).name == "invoice.xml"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (pdf(), "holds no e-invoice"),
        (pdf(("photo.png", b"\x89PNG")), "holds no e-invoice"),
        (pdf(("a.xml", ubl()), ("b.xml", ubl())), "2 XML files"),
        (b"%PDF-1.7\n", "damaged"),
        (pdf(("factur-x.xml", ubl()))[:400], "damaged"),
        (pdf(("factur-x.xml", ubl())).replace(b"/EmbeddedFile\n", b"/EmbeddedFile /Filter /Bogus\n"), "damaged"),
    ],
    ids=["no attachment", "no XML", "several", "only a head", "cut off", "unknown filter"],
)
def test_a_pdf_without_its_invoice_says_why(content: bytes, said: str) -> None:
    with pytest.raises(Fault, match=said):
        extract_invoice(content)


def test_an_attachment_that_is_no_invoice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf(("factur-x.xml", b"no XML at all")))
    (tmp_path / "b.pdf").write_bytes(pdf(("factur-x.xml", BOMB.encode())))
    (tmp_path / "c.pdf").write_bytes(pdf(("order-x.xml", sample("order-x-basic.xml"))))
    reports = take(tmp_path).all
    assert [report["refused"] for report in reports] == [1, 1, 0]
    assert "DOCTYPE" in reports[1]["rejects"][0]["reason"]
    assert "Order-X" in reports[2]["notes"][0]


def test_a_pdf_that_takes_too_long_is_given_up_and_the_next_one_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facturx_pdf, "SECONDS", 0.0)
    facturx_pdf._READER.end()  # beginning anew takes longer than that
    with pytest.raises(Fault, match="could not be read within"):
        extract_invoice(pdf(("factur-x.xml", ubl())))
    monkeypatch.undo()
    assert extract_invoice(pdf(("factur-x.xml", ubl()))).content == ubl()


# --- archives -------------------------------------------------------------------------------------------------


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def test_members_are_known_by_archive_and_name(tmp_path: Path) -> None:
    path = archive(tmp_path / "in.zip", {"b/two.xml": ubl("R-2"), "a.xml": ubl(), "__MACOSX/a.xml": b"\0"})
    reports = take(path).all
    assert [(r["file"], r["accepted"]) for r in reports] == [(f"{path}/a.xml", 1), (f"{path}/b/two.xml", 1)]


@pytest.mark.parametrize(
    "name", ["../../evil.xml", "/etc/evil.xml", "a/../../evil.xml", "C:\\evil.xml", "..\\evil.xml"]
)
def test_names_that_lead_out_of_the_archive_are_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    reports = take(archive(folder / "in.zip", {name: ubl("R-2"), "good.xml": ubl()})).all
    assert sum(report["accepted"] for report in reports) == 1
    refused = next(report for report in reports if report["refused"])
    assert "leads out of it" in refused["rejects"][0]["reason"]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["in.zip"]


def test_zip_bombs_are_refused_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = archive(tmp_path / "bomb.zip", {"a.xml": ubl(), "b.xml": bytes(3 * 1024 * 1024)})
    assert "as a zip bomb is" in str(take(bomb).failures[str(bomb)])
    assert [r["refused"] for r in take(bomb).all] == [1]
    monkeypatch.setattr(sources, "MAX_MEMBERS", 2)
    many = archive(tmp_path / "many.zip", {f"{n}.xml": b"<a/>" for n in range(3)})
    assert "at most 2 are read" in str(take(many).failures[str(many)])
    monkeypatch.setattr(sources, "MAX_UNPACKED", 100)
    large = archive(tmp_path / "large.zip", {"a.xml": ubl()})
    assert "at most 100 are read" in str(take(large).failures[str(large)])


def test_an_archive_within_an_archive_is_not_opened(tmp_path: Path) -> None:
    inner = archive(tmp_path / "inner.zip", {"a.xml": ubl()})
    (report,) = take(archive(tmp_path / "outer.zip", {"inner.zip": inner.read_bytes()})).all
    assert "an archive within an archive" in report["rejects"][0]["reason"]


def test_a_member_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "in.zip", {"a.xml": ubl()})
    content = path.read_bytes()
    at = content.index(b"PK\x01\x02") + 24
    path.write_bytes(content[:at] + struct.pack("<I", 10) + content[at + 4 :])
    (report,) = take(path).all
    assert report["refused"] == 1


def test_links_in_folders_and_archives_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.xml").write_bytes(ubl())
    (tmp_path / "in" / "link.xml").symlink_to(tmp_path / "secret.xml")
    link = zipfile.ZipInfo("link.xml")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "in" / "links.zip", "w") as file:
        file.writestr(link, "../secret.xml")
    reports = take(tmp_path / "in").all
    assert [(r["accepted"], r["refused"], r["ignored"]) for r in reports] == [(0, 0, 1), (0, 1, 0)]


def test_a_broken_archive_in_a_folder_does_not_keep_the_others_out(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 broken")
    (tmp_path / "b.xml").write_bytes(ubl())
    taken = take(tmp_path)
    assert [(r["accepted"], r["refused"]) for r in taken.all] == [(0, 1), (1, 0)]


# --- real files that came to harm -----------------------------------------------------------------------------

SAMPLES = [sample(name) for name in ("01.01a-INVOICE_ubl.xml", "01.09a-INVOICE_uncefact.xml", "zugferd-basic.xml")]
PACKED = pdf(("factur-x.xml", SAMPLES[0]))


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(SAMPLES), st.data())
def test_damaged_documents_are_judged_or_refused(content: bytes, data: st.DataObject) -> None:
    damaged = bytearray(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content)
    for _ in range(data.draw(st.integers(0, 4))):
        if damaged:
            damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        assert entry(bytes(damaged), dry_run=True) is not None
    except (Fault, Stranger) as refused:
        assert str(refused)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_damaged_pdfs_are_read_or_refused(data: st.DataObject) -> None:
    damaged = bytearray(PACKED[: data.draw(st.integers(10, len(PACKED)))] if data.draw(st.booleans()) else PACKED)
    for _ in range(data.draw(st.integers(1, 5))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        assert extract_invoice(bytes(damaged)).content
    except Fault as refused:
        assert str(refused)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_archives_are_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.xml", SAMPLES[0])
        file.writestr("b.csv", "creditor,number,buyer_id,currency,amount,due\nACME,1,B,EUR,1.00,2026-01-01\n")
    damaged = bytearray(out.getvalue())
    for _ in range(data.draw(st.integers(1, 5))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path / "in.zip"
    path.write_bytes(bytes(damaged))
    taken = take(path)
    assert taken.all or taken.failures


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=300), st.sampled_from([b"", b"%PDF-1.4\n", b"PK\x03\x04", b"<?xml ", b"{", b"UNB+", b"\xff\xfe"])
)
def test_any_bytes_get_an_answer(tmp_path: Path, content: bytes, head: bytes) -> None:
    path = tmp_path / "in"
    path.write_bytes(head + content)
    taken = take(path)
    assert taken.all or taken.failures
