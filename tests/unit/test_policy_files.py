"""Policies and the YAML they are written in: what is read, and every fault named with file, line and field."""

from decimal import Decimal
from pathlib import Path

import pytest

from gateway import policy_files
from gateway.errors import InputRefused, WrongUsage
from gateway.policy_files import PACKAGED, check_policy, load_policy, policy_names
from gateway.yaml_source import MAX_BYTES, read_source
from models.policy import Policy
from models.soundness import MAX_POLICY_BYTES, find_faults

PRESETS = ["s0-24h-7-90", "s2-7-15-30", "s2-weekly-15-30", "s3-immediate", "statutory-interest"]

HEAD = """\
id: mine
steps:
  - id: letter
    kind: reminder
    when: {after_due: P1D}
  - id: demand
    kind: formal_demand
    when: {after_due: P10D}
    cure_period: P10D
  - id: agency
    kind: referral
    when: {after_due: P30D}
    requires: [demand]
"""


def written(folder: Path, text: str | bytes, name: str = "mine.yaml") -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def faults(folder: Path, text: str | bytes) -> list[tuple[int, str, str]]:
    return [(fault.line, fault.field, fault.message) for fault in check_policy(written(folder, text))]


# --- the packaged policies ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["plain", *PRESETS])
def test_a_packaged_policy_is_sound_and_small_enough_to_be_pinned(name: str) -> None:
    policy = load_policy(name)

    assert policy.id == name
    assert list(find_faults(policy)) == []
    assert (PACKAGED / f"{name}.yaml").stat().st_size <= MAX_POLICY_BYTES
    assert Policy.model_validate_json(policy.content).digest == policy.digest


def test_the_plain_policy_stays_as_it_is_for_ever() -> None:
    assert load_policy("plain").digest == "b53acb1872f070a823373368ba890417551d5c771701ebb23bfa51f0b6b01063"


@pytest.mark.parametrize("name", PRESETS)
def test_every_step_of_a_preset_names_the_requirement_it_comes_from(name: str) -> None:
    for step in load_policy(name).steps:
        assert step.sources and all(source.startswith("R") for source in step.sources), step.id


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_proposes_what_cannot_be_taken_back(name: str) -> None:
    kinds = {"referral", "guarantee", "insurer_notice", "insurance_claim", "legal_action", "write_off"}

    assert all(step.mode == "propose" for step in load_policy(name).steps if step.kind in kinds)


# --- names and paths ------------------------------------------------------------------------------------------


def test_a_policy_of_the_data_folder_has_a_name(tmp_path: Path) -> None:
    written(tmp_path / "policies", HEAD)

    assert load_policy("mine", tmp_path).id == "mine"
    assert list(policy_names(tmp_path))[:2] == ["plain", "s0-24h-7-90"]


def test_a_path_needs_no_folder_of_policies(tmp_path: Path) -> None:
    file = written(tmp_path, HEAD, "other.yaml")

    assert load_policy(file).id == load_policy(str(file)).id == "mine"


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=r"unknown policy 'plian' \(known: plain, s0-24h-7-90, .*s3-immediate"):
        load_policy("plian", tmp_path)


def test_a_missing_file_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="there is no file .*nope.yaml"):
        load_policy(tmp_path / "nope.yaml")
    with pytest.raises(WrongUsage, match="is a folder"):
        check_policy(tmp_path)


def test_a_packaged_name_means_one_thing(tmp_path: Path) -> None:
    written(tmp_path / "policies", HEAD.replace("id: mine", "id: plain"), "plain.yaml")

    with pytest.raises(InputRefused, match="is the name of a packaged policy"):
        load_policy("plain", tmp_path)


def test_a_policy_is_called_what_its_file_is_called(tmp_path: Path) -> None:
    file = written(tmp_path / "policies", HEAD, "yours.yaml")

    with pytest.raises(InputRefused) as refused:
        load_policy("yours", tmp_path)
    assert str(refused.value).startswith(f"{file}:1: id: the policy calls itself 'mine'")


# --- faults of a policy ---------------------------------------------------------------------------------------


def test_a_sound_policy_has_no_faults(tmp_path: Path) -> None:
    assert faults(tmp_path, HEAD) == []


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("id: mine\n", "id: mine\nspacng: P1D\n", (2, "spacng", "unknown key; did you mean 'spacing'?")),
        ("id: mine\n", "", (1, "id", "is required")),
        ("id: mine", "id: My Policy", (1, "id", "'My Policy' is not allowed here: write lower-case letters")),
        ("  - id: letter\n    kind", "  - kind", (3, "steps.0.id", "is required")),
        ("kind: reminder", "knd: reminder", (4, "steps.0.knd", "unknown key; did you mean 'kind'?")),
        ("kind: reminder", "kind: remainder", (4, "steps.0.kind", "; did you mean 'reminder'?")),
        ("{after_due: P1D}", "{after_due: -P1D}", (5, "steps.0.when.after_due", "'-P1D' is negative")),
        ("{after_due: P1D}", "{after_due: 1}", (5, "steps.0.when.after_due", "write 1 days as P1D")),
        ("{after_due: P1D}", "{after_due: PT36H}", (5, "steps.0.when.after_due", "not a whole number of days")),
        ("{after_due: P1D}", "{after_due: P1M}", (5, "steps.0.when.after_due", "no months or years")),
        ("{after_due: P1D}", "{after: P1D}", (5, "steps.0.when", "a trigger is one of before_due, after_due, ")),
        ("{after_due: P1D}", "P1D", (5, "steps.0.when", "a trigger is one of before_due, after_due, ")),
        ("{after_due: P1D}", "{after_due: P1D, unless: x}", (5, "steps.0.when.unless", "unknown key")),
        ("{after_due: P1D}", "{on_event: moon}", (5, "steps.0.when.on_event", "'moon' is not one of debtor_ins")),
        ("{after_due: P1D}", "{any: []}", (5, "steps.0.when.any", "must not be empty")),
        ("cure_period: P10D", "cure_period: ten days", (9, "steps.1.cure_period", "'ten days' is not a duration")),
        ("requires: [demand]", "requires: demand", (13, "steps.2.requires", "'demand' is not a list")),
        ("id: demand", "id: letter", (6, "steps.1.id", "step id 'letter' is used twice")),
        ("requires: [demand]", "requires: [demnd]", (13, "steps.2.requires.0", "the ladder has no such step")),
        ("    requires: [demand]\n", "", (10, "steps.2", "must name the formal demand in `requires`")),
        ("P30D", "P12D", (13, "steps.2.requires.0", "on day 12, before 'demand' (day 10, cure period 10 days)")),
        ("P30D", "P5D", (12, "steps.2.when", "triggered on day 5, before 'demand' (day 10), which stands above it")),
        ("cure_period: P10D", "requires: [agency]", (9, "steps.1.requires.0", "'agency', which does not come bef")),
        (
            "requires: [demand]",
            "requires: [demand]\n    repeat: {every: P5D, times: 2}",
            (14, "steps.2.repeat", "a referral cannot be repeated"),
        ),
        (
            "kind: reminder",
            "kind: reminder\n    repeat: {every: P0D, times: 1}",
            (5, "steps.0.repeat.every", "must be at least 1"),
        ),
        (
            "{after_due: P1D}",
            "{after_step: {step: demand, delay: P3D}}",
            (5, "steps.0.when.after_step.step", "'demand', which does not come before it"),
        ),
        (
            "id: mine\n",
            "id: mine\nschedule: {time: 9, zone: UTC}\n",
            (2, "schedule.time", 'is not a time of day; write it as "09:00"'),
        ),
        (
            "kind: reminder",
            "kind: reminder\n    only_if: {min_amount: [10 XXX]}",
            (5, "steps.0.only_if.min_amount.0", "'XXX' is not a currency code"),
        ),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_line_and_field(
    tmp_path: Path, before: str, after: str, fault: tuple[int, str, str]
) -> None:
    assert before in HEAD
    found = faults(tmp_path, HEAD.replace(before, after, 1))

    assert [(line, field) for line, field, message in found if fault[2] in message] == [fault[:2]], found


def test_inside_a_combined_trigger_the_path_is_the_one_that_was_written(tmp_path: Path) -> None:
    text = HEAD.replace(
        "{after_due: P1D}",
        """
      any:
        - after_due: -P1D
        - all:
            - after_step: {stepp: letter, delay: P3D}
            - on_event: moon""",
    )

    assert [(line, field) for line, field, _ in faults(tmp_path, text)] == [
        (7, "steps.0.when.any.0.after_due"),
        (9, "steps.0.when.any.1.all.0.after_step.step"),
        (9, "steps.0.when.any.1.all.0.after_step.stepp"),
        (10, "steps.0.when.any.1.all.1.on_event"),
    ]


def test_all_faults_of_a_file_come_at_once_in_the_order_of_its_lines(tmp_path: Path) -> None:
    text = HEAD.replace("kind: reminder", "kind: remainder").replace("P10D}", "soon}").replace("[demand]", "[dmand]")
    text += "  - id: letter\n    kind: call\n    when: {after_due: P40D}\n    when: {after_due: P50D}\n"

    assert [(line, field) for line, field, _ in faults(tmp_path, text)] == [
        (4, "steps.0.kind"),
        (8, "steps.1.when.after_due"),
        (13, "steps.2.requires.0"),
        (14, "steps.3.id"),
        (17, "steps.3.when"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "field", "message"),
    [
        ("", 1, "", "the file is empty"),
        ("\n# nothing\n", 1, "", "nothing but comments"),
        ("- a\n", 1, "", "must be a mapping"),
        ("id: mine\n", 1, "steps", "is required"),
        ("id: mine\nsteps: []\n", 2, "steps", "must not be empty"),
        ("id: mine\nsteps:\n", 2, "steps", "None is not a list"),
        ("id: mine\nsteps:\n  - just a word\n", 3, "steps.0", "is not a mapping"),
        ("id: mine\nsteps: [\n", 3, "", "not valid YAML"),
        ("id: mine\n\tsteps: []\n", 2, "", "not valid YAML"),
        ("id: mine\nid: yours\nsteps: []\n", 2, "id", "is given twice (line 1 and line 2)"),
        ("a: &x [1]\nb: *x\n", 2, "", "the alias *x is not allowed"),
        ("a: !!python/object:os.system x\n", 1, "", "the tag tag:yaml.org,2002:python/object:os.system is not allowed"),
        ("id: mine\n---\nid: yours\n", 2, "", "a second document"),
        ("a: " + "[" * 5_000, 1, "", "nested more than 24 deep"),
        ("? [a, b]\n: c\n", 1, "", "a key must be plain text"),
        ("id: mine\ntitle: \x07\n", 2, "", "the character 7 is not allowed"),
        (b"id: mine\ntitle: \xff\n", 2, "", "not UTF-8"),
        ("id: mine\n".encode("utf-16"), 1, "", "not UTF-8"),
        ("id: mine\n# " + "x" * MAX_BYTES, 1, "", "larger than 256 KiB"),
    ],
)
def test_a_file_that_cannot_be_a_policy_says_where_and_why(
    tmp_path: Path, text: str | bytes, line: int, field: str, message: str
) -> None:
    found = faults(tmp_path, text)

    assert (line, field) in [(at, name) for at, name, said in found if message in said], found


def test_a_policy_too_large_to_be_pinned_is_refused(tmp_path: Path) -> None:
    steps = "".join(f"  - {{id: s{n}, kind: call, when: {{after_due: P{n + 40}D}}}}\n" for n in range(200))

    assert any("at most 8192 can be pinned" in message for _, _, message in faults(tmp_path, HEAD + steps))


def test_loading_a_faulty_file_names_every_fault_on_its_own_line(tmp_path: Path) -> None:
    file = written(tmp_path, HEAD.replace("kind: reminder", "kind: x").replace("P10D}", "-P1D}"))

    with pytest.raises(InputRefused) as refused:
        load_policy(file)
    assert [line.split(": ")[:2] for line in str(refused.value).splitlines()] == [
        [f"{file}:4", "steps.0.kind"],
        [f"{file}:8", "steps.1.when.after_due"],
    ]


def test_a_value_from_the_file_cannot_draw_on_the_terminal(tmp_path: Path) -> None:
    text = HEAD.replace("kind: reminder", f'kind: "\\e[31m{"x" * 500}"')

    message = faults(tmp_path, text)[0][2]
    assert "\x1b" not in message and len(message) < 250


# --- plain values ---------------------------------------------------------------------------------------------


def test_plain_words_mean_what_they_look_like(tmp_path: Path) -> None:
    text = "\ufeffcountry: NO\ntime: 10:30\nnumber: 0017\ndate: 2026-01-31\nrate: 0.10\nyes: true\nn: 7\n"
    text += "nothing:\n'3': on\n"
    source = read_source(written(tmp_path, text))

    assert source.data == {
        "country": "NO", "time": "10:30", "number": "0017", "date": "2026-01-31", "rate": Decimal("0.10"),
        "yes": True, "n": 7, "nothing": None, "3": "on",
    }  # fmt: skip
    assert source.faults == []
    assert source.line_of(("time", "inner", 3)) == 2


def test_the_folder_of_policies_comes_with_the_package() -> None:
    assert policy_files.PACKAGED.is_dir() and "plain" in policy_names()
