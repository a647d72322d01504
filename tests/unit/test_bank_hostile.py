"""Bank files as nobody should send them: broken, hostile, endless. Never a traceback, a hang, or half a file taken."""

import gzip
import io
import os
import socket
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.bank import sources
from gateway.bank.reading import read_statements
from gateway.bank.statement import BankFile
from gateway.errors import WrongUsage
from tests.bank_files import OWN, PROFILES, document, entry, read, statement

SAMPLES = {path.name: path.read_bytes() for path in sorted(OWN.glob("*")) if path.suffix in (".xml", ".sta", ".txt")}
TAKEN = {name: read(data) for name, data in SAMPLES.items()}


def reason(file: BankFile) -> str:
    assert not file.statements
    return file.rejects[0].reason


def paths(*names: Path) -> list[BankFile]:
    return [file for name in names for file in read_statements(name, None, PROFILES)]


# --- broken ---------------------------------------------------------------------------------------------------------


def assert_whole_or_refused(file: BankFile) -> None:
    """What is taken adds up in itself: each statement with both balances is what its entries make of it."""
    assert bool(file.statements) != bool(file.rejects)
    for found in file.statements:
        assert len(found.movements) >= len({e.entry.partition(".")[0] for e in found.entries})
        if found.opening and found.closing:
            booked = sum(m.amount.amount for m in found.movements if m.booked)
            assert found.opening.amount.amount + booked == found.closing.amount.amount


@given(st.sampled_from(sorted(SAMPLES)), st.floats(0, 1, exclude_max=True))
def test_a_file_cut_off_anywhere_is_refused_or_whole(name: str, where: float) -> None:
    data = SAMPLES[name].rstrip()
    file = read(data[: int(len(data) * where)])
    assert_whole_or_refused(file)
    if name.endswith(".xml"):
        assert file.rejects


@given(
    st.sampled_from(sorted(SAMPLES)),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), min_size=1, max_size=3),
)
def test_flipped_bits_never_make_half_a_file(name: str, flips: list[tuple[float, int]]) -> None:
    data = bytearray(SAMPLES[name])
    for where, bit in flips:
        data[int(len(data) * where)] ^= 1 << bit
    assert_whole_or_refused(read(bytes(data)))


@given(st.binary(max_size=400))
@example(b"")
@example(b"\0" * 100)
@example(b"<")
@example(b":61:")
@example(b"{1:F01")
@example("\ufeff:20:\n:25:\n:60F:".encode())
def test_any_bytes_are_answered_with_a_reason(data: bytes) -> None:
    assert_whole_or_refused(read(data))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.sampled_from(
            [
                ":20:",
                ":25:",
                ":28C:",
                ":60F:",
                ":61:",
                ":86:",
                ":62F:",
                "-",
                ":90C:",
                "C260302EUR1,",
                "2603020302C1,NTRFX",
                "\n",
                "?20",
                "/REMI/",
                ":NS:01",
            ]
        ),
        max_size=40,
    )
)
def test_any_order_of_fields_is_answered_with_a_reason(pieces: list[str]) -> None:
    assert_whole_or_refused(read("".join(pieces)))


@pytest.mark.parametrize("cell", [" " * 90_000 + "x", "AA11" * 25_000, "1 " * 40_000, '"' * 90_000])
def test_a_header_that_is_hard_to_search_is_searched_in_time(cell: str) -> None:
    assert read(f"Kontonummer;{cell};\n" * 3 + "Buchungstag;Betrag (EUR)\n").rejects


def test_a_line_without_end_is_read_in_time() -> None:
    long = (
        ":20:T\n:25:A\n:60F:C260301EUR0,\n:61:" + "2" * 300_000 + "\n:86:" + "?20x" * 50_000 + "\n:62F:C260302EUR0,\n"
    )
    assert read(long).rejects


# --- hostile XML -----------------------------------------------------------------------------------------------------

BOMB = '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
FILE = '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
NET = '<!DOCTYPE d SYSTEM "http://192.0.2.1/d.dtd">'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("doctype", [BOMB, FILE, NET, "<!DOCTYPE d>"])
def test_a_doctype_is_refused_whatever_it_says(doctype: str, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody_may_connect(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", nobody_may_connect)
    good = document(statement(entry("1"))).replace('<?xml version="1.0"?>', f'<?xml version="1.0"?>{doctype}')
    assert "no DOCTYPE" in reason(read(good.replace("<Id>S<", "<Id>&a;<").encode(encoding)))


def test_an_entity_of_nobody_is_refused() -> None:
    assert "not well-formed" in reason(read(document(statement(entry("1"))).replace("<Id>S<", "<Id>&a;<")))


def test_no_other_file_is_opened_while_one_is_read() -> None:
    opened: list[str] = []
    watching = True

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event in ("open", "socket.connect", "socket.getaddrinfo"):
            opened.append(f"{event} {arguments[0]}")

    include = '<x xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="/etc/passwd"/></x>'
    content = document(statement(entry("1"), more=include))
    read(content)  # what is imported on the way is imported now
    sys.addaudithook(watch)
    read(content)
    watching = False
    assert opened == []


def test_elements_nested_without_end_are_refused() -> None:
    deep = "<a>" * 100_000
    assert "Excessive depth" in reason(read(document(statement(entry("1"), more=deep))))


def test_an_encoding_nobody_uses_is_refused() -> None:
    data = document(statement(entry("1"))).replace('version="1.0"', 'version="1.0" encoding="utf-7"')
    assert "write UTF-8" in reason(read(data))


def test_another_xml_file_is_refused_by_its_name() -> None:
    assert "its root is Invoice of urn:x" in reason(read('<Invoice xmlns="urn:x"/>'))


# --- archives and folders ------------------------------------------------------------------------------------------


def packed(folder: Path, members: dict[str, bytes]) -> Path:
    path = folder / "in.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


GOOD = document(statement(entry("1", reference="R"))).encode()


def test_a_zip_and_a_folder_give_the_files_in_them(tmp_path: Path) -> None:
    path = packed(tmp_path, {"a/one.xml": GOOD, "two.sta": b"nothing", "__MACOSX/one.xml": b"x", "empty/": b""})
    (tmp_path / ".hidden").write_bytes(b"x")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "three.xml").write_bytes(GOOD)
    found = {file.name.removeprefix(f"{tmp_path}/"): len(list(file.entries)) for file in paths(tmp_path)}
    assert found == {"in.zip/a/one.xml": 1, "in.zip/two.sta": 0, "sub/three.xml": 1}
    assert [file.name for file in paths(path)] == [f"{path}/a/one.xml", f"{path}/two.sta"]


@pytest.mark.parametrize("name", ["../up.xml", "/etc/x.xml", "a/../../x.xml", "C:\\x.xml", "a\x1b[2J.xml"])
def test_a_name_that_leads_out_of_the_archive_refuses_it(tmp_path: Path, name: str) -> None:
    (file,) = paths(packed(tmp_path, {"good.xml": GOOD, name: GOOD}))
    assert "leads out of it" in reason(file)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    (file,) = paths(packed(tmp_path, {"good.xml": GOOD, "bomb.xml": b" " * (50 << 20)}))
    assert "refused as a zip bomb" in reason(file)


def test_an_archive_of_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_MEMBERS", 3)
    (file,) = paths(packed(tmp_path, {f"{n}.xml": GOOD for n in range(4)}))
    assert "more than 3 files" in reason(file)


def test_a_member_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path, {"lie.xml": b" " * (8 << 20)})
    data = path.read_bytes()
    path.write_bytes(data.replace((8 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    (file,) = paths(path)
    assert file.rejects


@pytest.fixture
def archive() -> Iterator[bytes]:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("good.xml", GOOD)
    yield out.getvalue()


def test_a_broken_archive_is_refused(archive: bytes, tmp_path: Path) -> None:
    for at in range(0, len(archive), 7):
        path = tmp_path / "broken.zip"
        path.write_bytes(archive[:at] + bytes([archive[at] ^ 0xFF]) + archive[at + 1 :])
        for file in paths(path):
            assert_whole_or_refused(file)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "an empty file"), (b" \n", "an empty file"), (b"%PDF-1.7", "a PDF"), (b"\x89PNG\r\n", "a picture"),
        (gzip.compress(GOOD), "packed with gzip"), (":20:X".encode("utf-16"), "not recognised"),
    ],
)  # fmt: skip
def test_what_is_something_else_is_called_by_its_name(data: bytes, said: str) -> None:
    assert said in reason(read(data))


def test_a_workbook_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (file,) = paths(packed(tmp_path, {"[Content_Types].xml": b"x", "xl/workbook.xml": b"x"}))
    assert "an Excel workbook: export it as CSV" in reason(file)


def test_what_is_no_file_is_wrong_usage(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path / "pipe"):
        if path.name == "pipe":
            os.mkfifo(path)
        with pytest.raises(WrongUsage):
            paths(path)
