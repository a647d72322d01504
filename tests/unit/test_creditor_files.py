"""Creditors: files taken into the data folder, whole and sound or not at all."""

from pathlib import Path

import pytest

from gateway import creditor_files
from gateway.creditor_files import add_creditor, list_creditors, load_creditor
from gateway.errors import InputRefused


def written(folder: Path, text: str | bytes, name: str = "mine.yaml") -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


CREDITOR = "code: NORTH\nname: Nordwind GmbH\nsender: dunning@north.example\npolicy: s2-7-15-30\n"


def test_a_creditor_is_added_and_updated(tmp_path: Path) -> None:
    file = written(tmp_path, CREDITOR, "north.yaml")
    folder = tmp_path / "var"

    assert add_creditor(file, folder).change == "added"
    assert add_creditor(file, folder).change == "unchanged"
    written(tmp_path, CREDITOR + "phone: '123'\n", "north.yaml")
    assert add_creditor(file, folder).change == "updated"
    assert load_creditor("NORTH", folder).phone == "123"
    assert [path.name for path in (folder / "creditors").iterdir()] == ["NORTH.yaml"]


@pytest.mark.parametrize("code", ["SOUTH", "../NORTH", ""])
def test_an_unknown_creditor_comes_with_the_way_to_add_it(tmp_path: Path, code: str) -> None:
    with pytest.raises(InputRefused, match=r"unknown creditor .*: add it with `arrears creditor add FILE.yaml`"):
        load_creditor(code, tmp_path)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (CREDITOR.replace("sender", "sendr"), "3: sendr: unknown key; did you mean 'sender'?"),
        (CREDITOR.replace("dunning@north.example", "a@b, c@d"), "3: sender: not an e-mail address"),
        (CREDITOR.replace("NORTH", "north"), "1: code: a creditor code has"),
        (CREDITOR.replace("s2-7-15-30", "strict"), "4: policy: unknown policy 'strict' (known: plain,"),
        (CREDITOR + "currency: EURO\n", "5: currency: 'EURO' is not a currency code"),
        (CREDITOR + "agency:\n  name: A\n  mail: a@b.example\n", "7: agency.mail: unknown key; did you mean 'email'?"),
        (CREDITOR + "code: NORTH\n", "5: code: is given twice (line 1 and line 5)"),
    ],
)
def test_a_faulty_creditor_is_not_taken(tmp_path: Path, text: str, fault: str) -> None:
    file = written(tmp_path, text, "c.yaml")

    with pytest.raises(InputRefused) as refused:
        add_creditor(file, tmp_path / "var")
    assert f"{file}:{fault}" in str(refused.value)
    assert not (tmp_path / "var").exists()


def test_the_sample_creditor_is_known_until_a_file_replaces_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = written(tmp_path / "sample", CREDITOR.replace("NORTH", "DEMO"), "DEMO.yaml").parent
    monkeypatch.setattr(creditor_files, "SAMPLE", sample)

    assert [(c.code, is_sample) for c, is_sample in list_creditors(tmp_path)] == [("DEMO", True)]
    own = written(tmp_path, CREDITOR.replace("NORTH", "DEMO").replace("Nordwind", "Own"), "own.yaml")
    assert add_creditor(own, tmp_path).change == "added"
    assert [(c.name, is_sample) for c, is_sample in list_creditors(tmp_path)] == [("Own GmbH", False)]


def test_the_terms_of_an_insurance_are_read_as_the_manual_writes_them(tmp_path: Path) -> None:
    manual = (Path(__file__).parents[2] / "docs" / "deadlines.md").read_text("utf-8")
    lines = manual[manual.index("    jurisdiction: DE") :].split("\n\n")[0].splitlines()
    text = CREDITOR + "\n".join(line[4:] for line in lines) + "\n"
    file = written(tmp_path, text, "north.yaml")
    assert add_creditor(file, tmp_path).change == "added"

    terms = load_creditor("NORTH", tmp_path).insurance
    assert terms is not None and (terms.maximum_extension, terms.notice, terms.notice_ahead) == (60, "execute", 7)
    assert {kind: (duty.within, duty.of) for kind, duty in terms.duties.items()} == {
        "insurer_notice": (15, "extension"), "adverse_information": (10, "knowledge"),
        "collection_mandate": (30, "extension"), "claim_filing": (240, "due"),
    }  # fmt: skip
