"""Evidence holds: what was tampered with is found and named, and what was not is left in peace."""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.correspondence import Correspondence, StoredReply
from activities.database import open_engine
from activities.entries import chained
from activities.evidence import verify_export
from activities.evidence.seals import SealCheck, SealError, seal_files, write_seal
from activities.evidence.verify import Verification
from activities.histories import History, HistoryArchive
from activities.ledger import Ledger
from activities.tables import CASES, EVENTS, HISTORIES, NOTICE_STEPS, NOTICES, POLICIES, REPLIES
from gateway.replies.archive import ReplyFolder
from models import events as e
from models import ids
from tests.cases import after_due, day, euros, on, policy, step
from tests.e2e.command import CommandLine
from tests.evidence import Told, a_ledger, a_story
from tests.incoming import DEBTOR, answer
from tests.postgres import new_database

LATER = datetime.now(UTC) + timedelta(days=1)
"""A moment at which nothing is under way any more."""

CASE = "invoice/ACME/0017"


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger of each kind, with one case that was told much, and another."""
    if request.param == "sqlite":
        address = f"sqlite:///{tmp_path}/ledger.db"
    else:
        address = new_database(request.getfixturevalue("postgres_url"))
    engine = open_engine(address)
    yield told(Ledger(engine))
    engine.dispose()


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Ledger]:
    """The same, in the place where the command line looks for it."""
    ledger = told(a_ledger(tmp_path / "var"))
    yield ledger
    ledger.engine.dispose()


@pytest.fixture
def arrears(local: Ledger, tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "var")


def told(ledger: Ledger) -> Ledger:
    a_story(ledger)
    Told(ledger, number="A/2").until(day(8))
    return ledger


def found(ledger: Ledger, case_id: str | None = None) -> set[tuple[str, str | None, int | None]]:
    """What a check finds: the fault, its case and its entry."""
    check = Verification(ledger.engine, LATER, case_id)
    return {(finding.what, finding.case_id, finding.sequence) for finding in check.findings()}


def tamper(ledger: Ledger, statement: sa.Executable) -> None:
    with ledger.engine.begin() as connection:
        changed = connection.execute(statement).rowcount
        assert changed in (1, -1), "an insert does not count its rows everywhere"


def entry(number: int, case_id: str = CASE) -> sa.ColumnElement[bool]:
    return sa.and_(EVENTS.c.case_id == case_id, EVENTS.c.sequence == number)


def rows(ledger: Ledger, case_id: str = CASE) -> list[Any]:
    with ledger.engine.connect() as connection:
        return list(
            connection.execute(sa.select(EVENTS).where(EVENTS.c.case_id == case_id).order_by(EVENTS.c.sequence))
        )


# --- the check ----------------------------------------------------------------------------------------------------


def test_an_untouched_ledger_is_as_it_was_written(ledger: Ledger) -> None:
    check = Verification(ledger.engine, LATER)

    assert list(check.findings()) == []
    assert check.checked.cases == 2
    assert check.checked.entries == len(rows(ledger)) + len(rows(ledger, "invoice/ACME/A/2")) == 16
    assert check.checked.notices == 8


def test_a_changed_byte_is_found_in_its_entry(ledger: Ledger) -> None:
    content = rows(ledger)[3].content
    tamper(ledger, sa.update(EVENTS).where(entry(4)).values(content=content.replace("BANK", "BANC", 1) + " "))

    assert found(ledger) == {("changed_entry", CASE, 4)}
    assert found(ledger, "invoice/ACME/A/2") == set()


def test_a_missing_entry_is_found_with_its_number(ledger: Ledger) -> None:
    tamper(ledger, sa.delete(EVENTS).where(entry(5)))

    assert found(ledger) == {("missing_entry", CASE, 5)}


def test_a_cut_off_end_is_found_against_the_head(ledger: Ledger) -> None:
    last = len(rows(ledger))
    tamper(ledger, sa.delete(EVENTS).where(entry(last)))

    assert ("missing_entry", CASE, last) in found(ledger)


def test_entries_in_another_order_are_found_both(ledger: Ledger) -> None:
    for number, place in ((3, 999), (4, 3), (999, 4)):
        tamper(ledger, sa.update(EVENTS).where(entry(number)).values(sequence=place))

    assert {("reordered_entry", CASE, 3), ("reordered_entry", CASE, 4)} <= found(ledger)


def test_contents_that_changed_places_are_found_both(ledger: Ledger) -> None:
    third, fourth = rows(ledger)[2:4]
    tamper(ledger, sa.update(EVENTS).where(entry(3)).values(content=fourth.content))
    tamper(ledger, sa.update(EVENTS).where(entry(4)).values(content=third.content))

    assert found(ledger) == {("reordered_entry", CASE, 3), ("reordered_entry", CASE, 4)}


def test_an_entry_of_another_case_is_foreign(ledger: Ledger) -> None:
    other = rows(ledger, "invoice/ACME/A/2")[1]
    columns = {name: getattr(other, name) for name in ("type", "at", "content", "previous", "hash")}
    tamper(ledger, sa.update(EVENTS).where(entry(2)).values(**columns))

    assert ("foreign_entry", CASE, 2) in found(ledger)


def test_an_entry_that_was_rewritten_with_its_hash_does_not_carry_the_next(ledger: Ledger) -> None:
    second = rows(ledger)[1]
    content = second.content.replace("reminder_m3", "reminder_x3")
    digest = chained(second.previous, CASE, 2, content)
    tamper(ledger, sa.update(EVENTS).where(entry(2)).values(content=content, hash=digest))

    assert ("foreign_entry", CASE, 3) in found(ledger)


def test_an_entry_put_at_the_end_is_one_that_the_head_does_not_know(ledger: Ledger) -> None:
    last = rows(ledger)[-1]
    content, number = '{"type":"withdrawn","id":"X"}', last.sequence + 1
    row = {"case_id": CASE, "sequence": number, "type": "withdrawn", "at": last.at, "content": content,
           "previous": last.hash, "hash": chained(last.hash, CASE, number, content)}  # fmt: skip
    tamper(ledger, sa.insert(EVENTS).values(row))

    assert ("foreign_entry", CASE, number) in found(ledger)


def test_the_columns_beside_the_content_count_too(ledger: Ledger) -> None:
    tamper(ledger, sa.update(EVENTS).where(entry(2)).values(type="step_skipped"))
    tamper(ledger, sa.update(EVENTS).where(entry(3)).values(at=day(77)))

    assert {("changed_entry", CASE, 2), ("changed_entry", CASE, 3)} <= found(ledger)


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"outstanding_minor": 1}, "changed_head"),
        ({"stage": "not_due"}, "changed_head"),
        ({"outcome": "paid"}, "changed_head"),
        ({"amount_minor": 5}, "changed_head"),
        ({"buyer_id": "B-2"}, "changed_head"),
        ({"currency": "???"}, "changed_head"),
        ({"sequence": 2}, "foreign_entry"),
        ({"sequence": 99}, "missing_entry"),
        ({"content": "{}"}, "changed_invoice"),
        ({"fingerprint": "0" * 64}, "changed_invoice"),
        ({"policy_digest": "0" * 64}, "changed_policy"),
    ],
)
def test_a_head_that_the_events_do_not_give_is_found(local: Ledger, values: dict[str, Any], what: str) -> None:
    tamper(local, sa.update(CASES).where(CASES.c.case_id == CASE).values(**values))

    assert what in {fault for fault, case_id, _ in found(local) if case_id == CASE}


def test_a_changed_policy_is_found(ledger: Ledger) -> None:
    with ledger.engine.connect() as connection:
        content = connection.execute(sa.select(POLICIES.c.content)).scalar_one()
    tamper(ledger, sa.update(POLICIES).values(content=content.replace("P15D", "P1D")))

    assert ("changed_policy", CASE, 1) in found(ledger)


@pytest.mark.parametrize(
    "assignment",
    ["at = 'never'", "sequence = 'many'", "content = x'00ff'", "content = ''", "content = '[]'", "hash = ''"],
)
def test_a_value_that_cannot_be_is_a_fault_and_no_crash(local: Ledger, assignment: str) -> None:
    tamper(local, sa.text(f"update case_events set {assignment} where case_id = '{CASE}' and sequence = 4"))

    assert {case_id for _, case_id, _ in found(local)} == {CASE}
    assert {case_id for _, case_id, _ in found(local, CASE)} == {CASE}


@pytest.mark.parametrize("assignment", ["due = 'never'", "created_at = 'x'", "amount_minor = 'x'", "content = x'ff'"])
def test_a_head_that_cannot_be_is_a_fault_and_no_crash(local: Ledger, assignment: str) -> None:
    tamper(local, sa.text(f"update cases set {assignment} where case_id = '{CASE}'"))

    assert {case_id for _, case_id, _ in found(local)} == {CASE}


def a_notice(ledger: Ledger) -> Any:
    with ledger.engine.connect() as connection:
        return connection.execute(
            sa.select(NOTICES, NOTICE_STEPS.c.key)
            .join(NOTICE_STEPS, NOTICE_STEPS.c.message_id == NOTICES.c.message_id)
            .where(NOTICE_STEPS.c.case_id == CASE, NOTICE_STEPS.c.kind == "formal_demand")
        ).one()


def test_a_notice_is_missed_by_its_step_and_a_step_by_its_notice(ledger: Ledger) -> None:
    notice = a_notice(ledger)
    mine = NOTICES.c.message_id == notice.message_id
    tamper(ledger, sa.update(NOTICES).where(mine).values(content=bytes(notice.content)[:-1] + b"?"))
    assert found(ledger) == {("changed_notice", CASE, None)}

    tamper(ledger, sa.update(NOTICES).where(mine).values(content=bytes(notice.content), status="pending"))
    assert {fault for fault, *_ in found(ledger)} == {"changed_notice"}

    tamper(ledger, sa.update(NOTICES).where(mine).values(status="sent", approved_by="nobody"))
    assert {fault for fault, *_ in found(ledger)} == {"changed_notice"}

    tamper(ledger, sa.update(NOTICES).where(mine).values(approved_by=None))
    tamper(ledger, sa.update(NOTICE_STEPS).where(NOTICE_STEPS.c.key == notice.key).values(case_id="invoice/ACME/A/2"))
    assert {(fault, case) for fault, case, _ in found(ledger)} == {
        ("missing_notice", CASE), ("step_without_notice", "invoice/ACME/A/2"), ("changed_notice", "invoice/ACME/A/2"),
    }  # fmt: skip

    tamper(ledger, sa.delete(NOTICE_STEPS).where(NOTICE_STEPS.c.key == notice.key))
    assert {(fault, case) for fault, case, _ in found(ledger)} == {
        ("missing_notice", CASE), ("notice_without_step", None),
    }  # fmt: skip

    tamper(ledger, sa.delete(NOTICES).where(mine))
    assert {fault for fault, *_ in found(ledger)} == {"missing_notice"}


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("recipient", "else@buyer.example", "its recipient is 'else@buyer.example', the mail says 'debtor@buyer"),
        ("subject", "Greetings", "its subject is 'Greetings', the mail says"),
        ("language", "zh", "its language is 'zh', the mail says 'en'"),
        ("channel", "post", "its key 'invoice/ACME/0017/formal_demand_15/1' is not that of formal_demand_15 1 by post"),
        ("sent_at", day(0), "before it was written"),
    ],
)
def test_what_stands_beside_a_notice_is_what_its_mail_says(local: Ledger, column: str, value: Any, said: str) -> None:
    mine = NOTICES.c.message_id == a_notice(local).message_id
    tamper(local, sa.update(NOTICES).where(mine).values({column: value}))
    findings = list(Verification(local.engine, LATER).findings())
    assert {(finding.what, finding.case_id) for finding in findings} >= {("changed_notice", CASE)}
    assert any(said in finding.text for finding in findings), findings


def test_text_in_the_place_of_a_notice_s_bytes_is_a_fault_and_no_crash(local: Ledger, arrears: CommandLine) -> None:
    notice = a_notice(local)
    with local.engine.begin() as connection:
        text = "UPDATE notices SET content = 'some text' WHERE message_id = :this"
        connection.execute(sa.text(text), {"this": notice.message_id})
    assert found(local) == {("changed_notice", CASE, None)}
    assert "THE STORED BYTES DO NOT HAVE IT" in arrears("why", notice.message_id).out
    assert "nothing was written" in arrears("audit", "export", "0017", "-o", "x.zip", status=1).err


def test_money_in_the_log_is_the_money_of_the_case(ledger: Ledger) -> None:
    tamper(ledger, sa.text("update messages set amount_minor = 999 where reference = 'BANK-1'"))
    assert found(ledger) == {("changed_message", CASE, None)}
    tamper(ledger, sa.text("update messages set amount_minor = 10000, content = '{}' where reference = 'BANK-1'"))
    assert found(ledger) == {("changed_message", CASE, None)}


def test_a_case_that_is_gone_leaves_its_entries(ledger: Ledger) -> None:
    tamper(ledger, sa.delete(CASES).where(CASES.c.case_id == CASE))

    assert ("missing_case", CASE, None) in found(ledger)
    assert ("missing_case", CASE, None) in found(ledger, CASE)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A ledger that every example leaves as it found it."""
    ledger = told(a_ledger(tmp_path_factory.mktemp("kept")))
    assert found(ledger) == set()
    yield ledger
    ledger.engine.dispose()


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_single_mutation_of_a_chain_is_found(kept: Ledger, data: st.DataObject) -> None:
    before = rows(kept)
    number = data.draw(st.integers(1, len(before)))
    row = dict(before[number - 1]._mapping)
    after = [dict(other._mapping) for other in before]
    match data.draw(st.sampled_from(["byte", "swap", "delete", "insert"])):
        case "byte":
            place = data.draw(st.integers(0, len(row["content"]) - 1))
            letter = data.draw(st.characters(codec="utf-8", exclude_characters=row["content"][place] + "\0"))
            after[number - 1] = row | {"content": row["content"][:place] + letter + row["content"][place + 1 :]}
        case "swap":
            other = data.draw(st.integers(1, len(before)).filter(lambda n: n != number))
            after[number - 1]["sequence"], after[other - 1]["sequence"] = other, number
        case "delete":
            del after[number - 1]
        case "insert":
            place = data.draw(st.sampled_from([0, len(before) + 1, len(before) + 7]))
            row |= {"sequence": place}
            if data.draw(st.booleans()):
                row |= {"previous": before[-1].hash, "hash": chained(before[-1].hash, CASE, place, row["content"])}
            after.append(row)

    _replace(kept, after)
    try:
        assert {case_id for _, case_id, _ in found(kept, CASE)} == {CASE}
    finally:
        _replace(kept, [dict(other._mapping) for other in before])


def _replace(ledger: Ledger, entries: list[dict[str, Any]]) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(sa.delete(EVENTS).where(EVENTS.c.case_id == CASE))
        connection.execute(sa.insert(EVENTS), entries)


# --- seals --------------------------------------------------------------------------------------------------------


def unlike(ledger: Ledger, folder: Path, anchor: str | None = None) -> set[tuple[str, str | None, int | None]]:
    return {(f.what, f.case_id, f.sequence) for f in SealCheck(ledger.engine, folder, anchor=anchor).findings()}


def test_a_chain_that_was_cut_off_with_its_head_shows_against_the_seal(ledger: Ledger, tmp_path: Path) -> None:
    sealed = write_seal(ledger.engine, tmp_path / "seals", LATER)
    walk = Told(ledger, number="A/3").until(day(2))
    again = write_seal(ledger.engine, tmp_path / "seals", LATER + timedelta(days=1))
    assert (sealed.cases, sealed.notices, again.cases) == (2, 8, 3)
    assert unlike(ledger, tmp_path / "seals", anchor=again.sha256.upper()) == set()

    last = len(rows(ledger))
    tamper(ledger, sa.delete(EVENTS).where(entry(last)))
    tamper(ledger, sa.update(CASES).where(CASES.c.case_id == CASE).values(sequence=last - 1))

    assert ("missing_entry", CASE, last) not in found(ledger), "the head was cut back with the chain"
    assert unlike(ledger, tmp_path / "seals") == {("unlike_its_seal", CASE, last)}
    assert walk.case.id not in {case for _, case, _ in unlike(ledger, tmp_path / "seals")}


def test_a_chain_that_was_written_anew_shows_against_the_seal(ledger: Ledger, tmp_path: Path) -> None:
    write_seal(ledger.engine, tmp_path, LATER)
    previous = ""
    for row in rows(ledger):
        content = row.content.replace("scratched", "nothing")
        digest = chained(previous, CASE, row.sequence, content)
        tamper(ledger, sa.update(EVENTS).where(entry(row.sequence)).values(
            content=content, previous=previous, hash=digest
        ))  # fmt: skip
        previous = digest

    assert unlike(ledger, tmp_path) == {("unlike_its_seal", CASE, len(rows(ledger)))}


def test_a_notice_that_was_replaced_with_its_digest_shows_against_the_seal(ledger: Ledger, tmp_path: Path) -> None:
    write_seal(ledger.engine, tmp_path, LATER)
    notice = a_notice(ledger)
    mine = NOTICES.c.message_id == notice.message_id
    new = b"Subject: something else\r\n\r\n"
    tamper(ledger, sa.update(NOTICES).where(mine).values(content=new, sha256=sa.literal("1" * 64)))
    assert {what for what, *_ in unlike(ledger, tmp_path)} == {"unlike_its_seal"}


def test_what_stands_beside_a_sealed_notice_shows_against_the_seal(ledger: Ledger, tmp_path: Path) -> None:
    write_seal(ledger.engine, tmp_path / "seals", LATER)
    tamper(
        ledger, sa.update(NOTICES).where(NOTICES.c.message_id == a_notice(ledger).message_id).values(status="bounced")
    )
    assert unlike(ledger, tmp_path / "seals") == set(), "it may come back at any time"
    for name, value in {"proof": "250 faked", "pursued_minor": 5, "recipient": "x@y.example"}.items():
        (row,) = [a_notice(ledger)]
        mine = NOTICES.c.message_id == row.message_id
        tamper(ledger, sa.update(NOTICES).where(mine).values({name: value}))
        assert unlike(ledger, tmp_path / "seals") == {("unlike_its_seal", None, None)}, name
        tamper(ledger, sa.update(NOTICES).where(mine).values({name: getattr(row, name)}))


def test_a_seal_of_the_first_format_still_holds(local: Ledger, tmp_path: Path) -> None:
    path = write_seal(local.engine, tmp_path / "seals", LATER).path
    content = json.loads(path.read_text())
    notices = [entry[:2] for entry in content["notices"]]
    lines = "".join(f"{json.dumps(row)}\n" for row in (*content["cases"], *notices))
    path.chmod(0o644)
    path.write_text(json.dumps(content | {"format": 1, "notices": notices, "digest": ids.digest(lines)}))
    assert unlike(local, tmp_path / "seals") == set()


def test_seals_cannot_be_changed_left_out_or_exchanged(local: Ledger, tmp_path: Path) -> None:
    folder = tmp_path / "seals"
    written = [write_seal(local.engine, folder, LATER + timedelta(days=n)) for n in range(3)]
    assert unlike(local, folder, anchor=written[0].sha256) == set()
    assert [w.path for w in written] == seal_files(folder)
    assert unlike(local, folder, anchor="f" * 64) == {("broken_seal", None, None)}

    second = written[1].path
    kept = second.read_text()
    second.chmod(0o644)
    second.write_text(kept.replace("invoice/ACME/A/2", "invoice/ACME/A/4"))
    texts = [str(f) for f in SealCheck(local.engine, folder).findings()]
    assert any("what it lists is not what was sealed" in text for text in texts)
    assert any("the seal before it is not the one it was tied to" in text for text in texts)
    second.write_text(kept[:-20])
    assert any("is damaged" in str(f) for f in SealCheck(local.engine, folder).findings())
    second.unlink()
    assert [str(f) for f in SealCheck(local.engine, folder).findings()] == [
        f"the ledger: broken seal: {written[2].path.name}: before it, number 2 is missing"
    ]
    written[2].path.chmod(0o644)
    written[2].path.write_text("{}")
    with pytest.raises(SealError, match="is damaged"):
        write_seal(local.engine, folder, LATER)


# --- why ----------------------------------------------------------------------------------------------------------


def test_why_answers_for_every_notice_of_a_ladder(local: Ledger, arrears: CommandLine) -> None:
    case = local.rebuild(CASE)
    assert case is not None
    for done in case.performed:
        answer = arrears("why", done.notice, "--json").json
        (told,) = answer["steps"]
        assert (told["step"], told["status"], told["occurrence"]) == (done.step, "performed", 1)
        assert told["planned_at"] == done.planned_at.isoformat()
        assert told["performed_at"] == done.performed_at.isoformat()
        assert answer["notice"]["message_id"] == done.notice and answer["notice"]["intact"]
        assert answer == arrears("why", str(done.notice).strip("<>"), "--json").json
        assert answer == arrears("why", f"0017/{done.step}", "--json").json
        assert answer == arrears("why", f"ACME/0017/{done.step}/1", "--json").json


def test_why_says_what_counted_that_day(local: Ledger, arrears: CommandLine) -> None:
    told = arrears("why", "0017/formal_demand_15", "--json").json
    (step_told,), notice = told["steps"], told["notice"]

    # Day 15, and two days on which the ladder stood still.
    assert step_told["planned_at"] == day(17).isoformat()
    assert (
        "the ladder stood still from Thu 2026-03-05 09:00 UTC to Sat 2026-03-07 09:00 UTC"
        in (step_told["planned_because"])
    )
    assert step_told["trigger"].startswith("15 days after the contractual due date")
    assert step_told["policy"]["id"] == "plain" and len(step_told["policy"]["digest"]) == 64
    assert step_told["policy"]["rule"]["kind"] == "formal_demand"
    assert step_told["balance"]["outstanding"] == {"amount": "900.00", "currency": "EUR"}, "not yet disputed"
    assert step_told["balance"]["days_overdue"] == 17 and step_told["delay"] is None
    assert notice["recipient"] == "debtor@buyer.example" and notice["proof"] == "250 queued as 4711"
    assert (notice["attempts"], notice["status"], notice["pursued"]["amount"]) == (1, "sent", "900.00")
    lawyer = arrears("why", "0017/lawyer_letter_30").out
    assert "900.00 EUR outstanding, 50.00 EUR of it disputed, 850.00 EUR pursued" in lawyer
    assert "proof      250 queued as 4711" in lawyer and "sha256" in lawyer


def test_why_tells_of_conditions_approval_delay_and_what_came_before(local: Ledger, arrears: CommandLine) -> None:
    rules = policy(
        step("first", after_due(1), kind="formal_demand", cure_period="P10D"),
        step(
            "firm",
            after_due(11),
            mode="propose",
            requires=["first"],
            only_if={"min_amount": ["500 EUR"], "insured": False},
        ),
        step("rich", after_due(12), only_if={"min_amount": ["5000 EUR"]}),
        step("again", after_due(20), repeat={"every": "P2D", "times": 3}),
    )
    walk = Told(local, rules, number="P/1")
    walk.told(day(13), e.StepApproved, step="firm", by="berta", note="go on")
    walk.until(day(30))

    (firm,) = arrears("why", "P/1/firm", "--json").json["steps"]
    assert firm["conditions"] == [
        {"condition": "min_amount 500.00 EUR", "held": True, "stood": "1,000.00 EUR was pursued"},
        {"condition": "insured false", "held": True, "stood": "the invoice was not insured"},
    ]
    assert firm["approval"] == {
        "proposed_at": day(11).isoformat(), "approved_at": day(13).isoformat(), "approved_by": "berta", "note": "go on",
    }  # fmt: skip
    assert firm["requires"][0]["step"] == "first" and firm["requires"][0]["cured_at"] == day(11).isoformat()
    assert firm["delay"]["seconds"] == 2 * 86_400 and "approval" in " ".join(firm["delay"]["reasons"])

    (rich,) = arrears("why", "ACME/P/1/rich", "--json").json["steps"]
    assert (rich["status"], rich["reason"]) == ("skipped", "1,000.00 EUR is less than 5,000.00 EUR")
    assert rich["conditions"][0]["held"] is False and rich["performed_at"] is None
    (third,) = arrears("why", "P/1/again/3", "--json").json["steps"]
    assert (third["occurrence"], third["planned_at"]) == (3, day(24).isoformat())
    assert arrears("why", "P/1/again", "--json").json["steps"] == [third]


def test_why_does_not_hide_that_the_evidence_was_changed(local: Ledger, arrears: CommandLine) -> None:
    told = next(row for row in rows(local) if row.type == "dispute_raised")
    tamper(local, sa.update(EVENTS).where(entry(told.sequence)).values(content=told.content.replace("anna", "otto")))
    notice = a_notice(local)
    tamper(local, sa.update(NOTICES).where(NOTICES.c.message_id == notice.message_id).values(content=b"else"))

    answer = arrears("why", notice.message_id, "--json").json
    assert answer["notice"]["intact"] is False
    assert [fault.split(":")[0] for fault in answer["steps"][0]["faults"]] == [f"ACME/0017, entry {told.sequence}"]
    shown = arrears("why", notice.message_id).out
    assert (
        "THE STORED BYTES DO NOT HAVE IT" in shown
        and f"FAULT      ACME/0017, entry {told.sequence}: changed entry" in shown
    )


@pytest.mark.parametrize(
    ("notice", "said"),
    [
        ("<nobody@arrears.invalid>", "there is no notice <nobody@arrears.invalid>"),
        ("nobody@arrears.invalid", "there is no notice <nobody@arrears.invalid>"),
        ("0017/no_such_step", "has no step 'no_such_step' (it has reminder_m3"),
        ("0017/insurance_claim_90", "insurance_claim_90 has not been sent; next is referral_60"),
        ("0017/reminder_1/2", "reminder_1 2 has not been sent"),
        ("4711/reminder_1", "there is no invoice '4711'"),
        ("0017", "'0017' names no notice"),
        ("", "'' names no notice"),
    ],
)
def test_why_says_what_it_does_not_know(arrears: CommandLine, notice: str, said: str) -> None:
    assert said in arrears("why", notice, status=1).err


# --- the commands -------------------------------------------------------------------------------------------------


def test_audit_verify_reports_and_exits_by_what_it_finds(local: Ledger, arrears: CommandLine) -> None:
    said = arrears("audit", "verify").out
    assert said.startswith("2 cases, ") and said.endswith("0 seals: all is as it was written\n")
    sealed = arrears("audit", "seal", "--json").json
    assert (sealed["cases"], sealed["findings"]) == (2, [])
    report = arrears("audit", "verify", "--json", "--anchor", sealed["sha256"]).json
    assert (report["ok"], report["seals"], report["findings"]) == (True, 1, [])

    tamper(local, sa.update(EVENTS).where(entry(4)).values(content="{}"))

    report = arrears("audit", "verify", "ACME/0017", "--json", status=1).json
    said = arrears("why", "0017/reminder_1", status=1).err
    assert "its entries cannot be read" in said and "`arrears audit verify ACME/0017` says which" in said
    assert report["findings"] == [
        {"what": "changed_entry", "creditor": "ACME", "invoice": "0017", "sequence": 4, "notice": None,
         "text": "its content is not what was written: the hash differs"},
    ]  # fmt: skip
    assert "ACME/0017, entry 4: changed entry:" in arrears("audit", "verify", status=1).out
    assert arrears("audit", "verify", "A/2").status == 0
    assert "there is no invoice" in arrears("audit", "verify", "ACME/none", status=1).err
    assert "there is no invoice" in arrears("audit", "verify", "none", status=1).err
    assert "its evidence does not hold" in arrears("audit", "export", "0017", "-o", "x.zip", status=1).err
    assert not Path("x.zip").exists()
    tamper(local, sa.delete(EVENTS).where(entry(len(rows(local)))))
    assert arrears("audit", "seal", "--json", status=1).json["findings"][0]["what"] == "unlike_its_seal"


# --- the export ---------------------------------------------------------------------------------------------------


@pytest.fixture
def unpacked(local: Ledger, arrears: CommandLine, tmp_path: Path) -> Path:
    """The export of the case, unpacked, with a history from the archive and a PDF."""
    walk = Told(local, number="Ü 1")
    walk.pdf = True
    walk.told(day(2), e.PaymentReceived, id="BANK-9", amount=euros(100), received_on=on(1))
    refused = e.DisputeResolved(id="REF-1", note="nothing was in dispute", by="carl")
    local.receive("ACME", "Ü 1", refused)
    local.refuse("ACME", "Ü 1", refused, "there is no open dispute")
    walk.told(day(9), e.DebtorReplied, text="=we will pay <b>soon</b>, 马上付款").told(day(20), e.Withdrawn).until(
        day(20)
    )
    HistoryArchive(local.engine).put(walk.case.id, walk.case.sequence, [History("run-1", day(0), b'{"events": []}')])
    report = arrears("audit", "export", "Ü 1", "-o", tmp_path / "out.zip", "--as-of", on(30), "--json").json
    assert report["histories"] == [{"run": "run-1", "source": "archive"}] and report["missing"] is None
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        archive.extractall(tmp_path / "out")
    (folder,) = (tmp_path / "out").iterdir()
    return folder


def checked(folder: Path) -> tuple[int, str]:
    call = [sys.executable, "-I", str(folder / "verify.py")]
    ran = subprocess.run(call, capture_output=True, text=True, check=False, timeout=60)
    assert ran.stderr == ""
    return ran.returncode, ran.stdout


def test_an_export_proves_itself_without_our_software(unpacked: Path) -> None:
    assert checked(unpacked) == (0, f"all is as it was exported ({unpacked.name})\n")
    if shutil.which("sha256sum"):
        sums = ["sha256sum", "--quiet", "-c", "SHA256SUMS"]
        assert subprocess.run(sums, cwd=unpacked / "chain", check=False, timeout=60).returncode == 0


def test_any_byte_changed_in_an_export_is_found(unpacked: Path) -> None:
    for path in sorted(p for p in unpacked.rglob("*") if p.is_file() and p.name != "verify.py"):
        content = path.read_bytes()
        path.write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
        # In this process, for there are many; the file that travels with the export is this module.
        assert any(path.name in fault for fault in verify_export.check(unpacked)), path
        if path.name in ("chain.jsonl", "manifest.json", "000002.txt"):
            status, said = checked(unpacked)
            assert status == 1 and path.name in said, path
        path.write_bytes(content)
    (unpacked / "more.txt").write_text("more")
    assert "more.txt: it is not one of the files" in checked(unpacked)[1]
    (unpacked / "more.txt").unlink()
    (unpacked / "tasks.csv").unlink()
    assert "tasks.csv: it is missing" in checked(unpacked)[1]


def test_an_export_has_everything_that_is_known(unpacked: Path) -> None:
    manifest = json.loads((unpacked / "manifest.json").read_text("utf-8"))
    letters = sorted(p.name for p in (unpacked / "notices").iterdir())
    steps = ["001-reminder_m3-20260227", "002-reminder_1-20260303", "003-reminder_7-20260309",
             "004-formal_demand_15-20260317"]  # fmt: skip
    assert [name for name in letters if name.endswith(".eml")] == [f"{step}.eml" for step in steps]
    pdfs = [name for name in letters if name.endswith(".pdf")]
    assert [name.split("-1-Mahnung_二-")[0] for name in pdfs] == steps
    assert (unpacked / "notices" / pdfs[0]).read_bytes() == b"%PDF-1.7 a letter"
    chain = [json.loads(line) for line in (unpacked / "chain.jsonl").read_text("utf-8").splitlines()]
    timeline = (unpacked / "timeline.csv").read_text("utf-8-sig").splitlines()
    assert len(chain) == len(timeline) - 1 == manifest["sequence"]
    assert "step_performed" in timeline[2] and "withdrawn" in timeline[-2]
    spoken = (unpacked / "correspondence.csv").read_text("utf-8-sig")
    assert "there is no open dispute" in spoken and "nothing was in dispute" in spoken and "马上付款" in spoken
    page = (unpacked / "correspondence.html").read_text("utf-8")
    assert "&lt;b&gt;soon" in page and "<b>soon" not in page
    assert "BANK-9,,100.00,900.00" in (unpacked / "statement.csv").read_text("utf-8-sig")
    # The day of the payment still bears interest on all of it: 1 x 0.50, then 29 x 0.45.
    assert (unpacked / "interest.csv").read_text("utf-8-sig").splitlines()[-1].split(",")[4:6] == ["total", "13.55"]
    assert "run-1" in " ".join(manifest["files"])
    assert "Personal data" in (unpacked / "README.txt").read_text("utf-8")
    assert {"tasks.html", "timeline.html", "policies/plain-v1-" + manifest_policy(manifest)} <= set(manifest["files"])


def manifest_policy(manifest: dict[str, Any]) -> str:
    (name,) = (name for name in manifest["files"] if name.startswith("policies/"))
    return str(name).removeprefix("policies/plain-v1-")


def test_an_export_comes_out_the_same_and_says_what_is_missing(arrears: CommandLine, tmp_path: Path) -> None:
    said = arrears("audit", "export", "0017", "-o", tmp_path / "a.zip").out
    assert "The Temporal history is not here" in said
    arrears("audit", "export", "0017", "-o", tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert "evidence-ACME-0017/history/MISSING.txt" in archive.namelist()
    assert "name a file in a folder that exists" in (
        arrears("audit", "export", "0017", "-o", tmp_path / "no" / "a.zip", status=2).err
    )
    assert "there is no invoice" in arrears("audit", "export", "4711", "-o", tmp_path / "c.zip", status=1).err


# --- what came back -----------------------------------------------------------------------------------------------


class FiledMail(NamedTuple):
    """A mail that came in and is filed to a case, and the folder that keeps its bytes."""

    sha256: str
    raw: bytes
    folder: ReplyFolder


@pytest.fixture
def reply(local: Ledger, tmp_path: Path) -> FiledMail:
    """The answer of a debtor to a notice that had been delivered."""
    notice, raw = a_notice(local).message_id, answer("We pay on Friday.")
    correspondence, sha256 = Correspondence(local.engine), ids.digest(raw)
    assert correspondence.receive(notice, "delivered", "the provider for email reports it as P-1: 250 taken", day(2))
    correspondence.put(StoredReply(
        sha256=sha256, message_id="<r1@buyer.example>", sender=DEBTOR, subject="Re: Payment reminder", at=day(2),
        filed_at=day(3), kind="reply", cases=(CASE,), notice=notice, text="We pay on Friday.", status="filed",
    ))  # fmt: skip
    folder = ReplyFolder(tmp_path / "var")
    folder.archive(sha256, raw)
    return FiledMail(sha256, raw, folder)


def test_why_says_what_became_of_a_notice(local: Ledger, arrears: CommandLine, reply: FiledMail) -> None:
    notice = a_notice(local).message_id
    (receipt,) = arrears("why", notice, "--json").json["notice"]["receipts"]
    assert receipt == {
        "kind": "delivered", "at": day(2).isoformat(), "text": "the provider for email reports it as P-1: 250 taken",
    }  # fmt: skip
    assert ": delivered: the provider for email reports it as P-1" in arrears("why", notice).out


def test_an_export_holds_the_mails_that_came_in_and_what_became_of_the_notices(
    arrears: CommandLine, reply: FiledMail, tmp_path: Path
) -> None:
    report = arrears("audit", "export", "0017", "-o", tmp_path / "out.zip", "--json").json
    assert (report["replies"], report["replies_missing"]) == (1, 0)
    (folder,) = unzipped(tmp_path / "out.zip")
    (mail,) = (folder / "replies").iterdir()
    assert mail.read_bytes() == reply.raw and mail.name == f"001-reply-{day(3):%Y%m%d}.eml"
    listed = (folder / "replies.csv").read_text("utf-8-sig")
    assert DEBTOR in listed and f"replies/{mail.name}" in listed and "notices/00" in listed
    assert "delivered,the provider for email reports it as P-1" in (folder / "receipts.csv").read_text("utf-8-sig")
    assert checked(folder)[0] == 0
    if shutil.which("sha256sum"):
        sums = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=folder, check=True, capture_output=True, text=True)
        there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert {line.rpartition(": ")[0] for line in sums.stdout.splitlines()} == there - {
            "SHA256SUMS",
            "manifest.json",
        }


def test_a_mail_that_is_no_longer_what_came_in_is_found_and_not_exported(
    arrears: CommandLine, reply: FiledMail, tmp_path: Path
) -> None:
    archived = reply.folder.path / "archive" / f"{reply.sha256}.eml"
    assert "1 replies, 0 seals: all is as it was written" in arrears("audit", "verify").out
    archived.write_bytes(reply.raw[:-20])
    for asked in ((), ("0017",)):
        (finding,) = arrears("audit", "verify", *asked, "--json", status=1).json["findings"]
        assert (finding["what"], finding["invoice"]) == ("changed_reply", "0017") and reply.sha256 in finding["text"]
    assert arrears("audit", "verify", "A/2").status == 0
    assert "changed reply" in arrears("audit", "export", "0017", "-o", tmp_path / "x.zip", status=1).err

    archived.unlink()
    (finding,) = arrears("audit", "verify", "--json", status=1).json["findings"]
    assert finding["what"] == "missing_reply"
    said = arrears("audit", "export", "0017", "-o", tmp_path / "out.zip").out
    assert "1 of the mails that came in are not in this data folder" in said
    (folder,) = unzipped(tmp_path / "out.zip")
    assert "no longer kept: replies.csv" in (folder / "README.txt").read_text("utf-8")
    assert "not here" in (folder / "replies.csv").read_text("utf-8-sig")


@pytest.mark.parametrize(
    ("changed", "what"),
    [({"text": "We never pay."}, "changed_reply"), ({"case_ids": "[]"}, "missing_reply"), (None, "missing_reply")],
)
def test_a_mail_that_a_case_was_told_of_is_listed_as_it_was_told(
    local: Ledger, arrears: CommandLine, reply: FiledMail, changed: dict[str, str] | None, what: str
) -> None:
    walk = Told(local, number="replied")
    reference = ids.digest("<r1@buyer.example>")
    walk.told(day(3), e.DebtorReplied, id=reference, text="We pay on Friday.", source="replies", channel="email")
    mine = REPLIES.c.sha256 == reply.sha256
    tamper(local, sa.update(REPLIES).where(mine).values(case_ids=json.dumps([walk.case.id])))
    assert arrears("audit", "verify").status == arrears("audit", "verify", "replied").status == 0
    tamper(local, sa.delete(REPLIES).where(mine) if changed is None else sa.update(REPLIES).where(mine).values(changed))
    for asked in ((), ("replied",)):
        (finding,) = arrears("audit", "verify", *asked, "--json", status=1).json["findings"]
        assert (finding["what"], finding["invoice"]) == (what, "replied")


def test_what_was_printed_or_sent_as_a_message_is_exported_as_what_it_is(
    local: Ledger, arrears: CommandLine, tmp_path: Path
) -> None:
    with local.engine.begin() as connection:
        mails = connection.execute(sa.select(NOTICES.c.message_id).order_by(NOTICES.c.composed_at)).scalars().all()
        printed = {"channel": "post", "content": b"%PDF-1.7 a letter", "sha256": ids.digest(b"%PDF-1.7 a letter")}
        said = {"channel": "sms", "content": b"Bitte zahlen", "sha256": ids.digest("Bitte zahlen")}
        for message_id, values in zip(mails, (printed, said), strict=False):
            connection.execute(sa.update(NOTICES).where(NOTICES.c.message_id == message_id).values(values))
            its_key = sa.update(NOTICE_STEPS).where(NOTICE_STEPS.c.message_id == message_id)
            connection.execute(its_key.values(key=NOTICE_STEPS.c.key + f"/{values['channel']}"))
    arrears("audit", "export", "0017", "-o", tmp_path / "out.zip")
    (folder,) = unzipped(tmp_path / "out.zip")
    first, second = sorted(path for path in (folder / "notices").iterdir() if path.name.startswith(("001", "002")))
    assert (first.suffix, first.read_bytes()) == (".pdf", printed["content"])
    assert (second.suffix, second.read_bytes()) == (".txt", said["content"])
    assert checked(folder)[0] == 0


def unzipped(path: Path) -> list[Path]:
    """The folders of a zip."""
    target = path.with_suffix("")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(target)
    return sorted(target.iterdir())


# --- the archive of histories -------------------------------------------------------------------------------------


def test_the_archive_keeps_each_history_once_and_knows_what_went_on(ledger: Ledger) -> None:
    archive = HistoryArchive(ledger.engine)
    assert list(archive.pending()) == []
    walk = Told(ledger, number="closed").told(day(1), e.PaymentReceived, id="P", amount=euros(1000), received_on=on(1))
    walk.until(day(1))
    assert list(archive.pending()) == [(walk.case.id, walk.case.sequence)]

    first = History("run-1", day(0), b"{}" * 1000)
    assert archive.put(walk.case.id, walk.case.sequence, [first]) == 1
    assert archive.put(walk.case.id, walk.case.sequence, [first]) == 0
    assert archive.of(walk.case.id) == [first] and list(archive.pending()) == []

    walk.told(day(5), e.PaymentReversed, payment="P")
    assert list(archive.pending()) == [], "it runs"
    walk.told(day(6), e.Withdrawn).until(day(6))
    assert [case for case, _ in archive.pending()] == [walk.case.id]
    archive.put(walk.case.id, walk.case.sequence, [first, History("run-2", day(5), b"[]")])
    assert [h.run_id for h in archive.of(walk.case.id)] == ["run-1", "run-2"] and list(archive.pending()) == []
    assert found(ledger) == set()

    tamper(ledger, sa.update(HISTORIES).where(HISTORIES.c.run_id == "run-2").values(content=b"nonsense"))
    assert found(ledger) == {("changed_history", walk.case.id, None)}
    with pytest.raises(ValueError, match="run-2 is not what was put there"):
        archive.of(walk.case.id)
