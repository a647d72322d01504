"""What the bank takes back, and what people decide on its entries: in ledger, cases and journal alike."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.bank_book import BankBook, Booking, Share, reference
from activities.ledger import LedgerConflict
from gateway.bank import deciding
from gateway.bank.booking import Bookkeeper, Delivery, deliver, shares_of
from gateway.bank.report import BankReport
from gateway.bank.statement import BankFile, Statement
from gateway.cli.match import wanted_of
from gateway.errors import InputRefused
from gateway.journal import Period, journal
from models import events as e
from models.bank import BankEntry, EntryKind
from models.journal import Account, JournalLine, totals
from models.matches import Match, Matching
from models.money import Money
from tests.bank_files import document, read, statement
from tests.bank_files import entry as camt_entry
from tests.cases import after_due, day, euros, on, policy, step
from tests.workflows.world import NUMBER, World

RULES = policy(step("first", after_due(200)))
BUYER = {"id": "B-1", "name": "Muster Handel GmbH", "contact": {"email": "debtor@buyer.example"}}
ACCOUNT = "DE89370400440532013000"


def entry(amount: str, reference: str, kind: EntryKind = "payment", **fields: Any) -> BankEntry:
    said: dict[str, Any] = {
        "account": ACCOUNT, "entry": reference, "kind": kind, "amount": f"{amount} EUR", "booked_on": on(0),
        "servicer_reference": reference, "end_to_end": f"E2E-{reference}", "payer": BUYER["name"],
    }  # fmt: skip
    return BankEntry.model_validate({**said, **fields})


async def booked(world: World, *entries: BankEntry) -> tuple[list[str], Delivery]:
    """A statement of these entries, booked in one go, and its cases told; what became of each."""
    keeper = Bookkeeper(world.service, (), "ACME")
    whole = Statement(file="s.xml", format="camt.053", account=ACCOUNT, currency="EUR", entries=entries)
    found = [one.status for one in keeper.book(BankFile("s.xml", "camt.053", (whole,)))]
    told = await deliver(world.service, world.ledger.undelivered())
    await world.settle()
    return found, told


def waiting(world: World) -> list[tuple[str, str, str]]:
    rows = [deciding.waiting_json(row) for row in BankBook(world.ledger.engine).worklist()]
    return [(row["status"], row["amount"], row["left"]) for row in rows]


def balance(world: World, account: Account) -> Money:
    """What the journal of all days makes of an account: debits less credits."""
    debits, credits = totals(line.entry for line in lines(world)).get((account, "EUR"), (euros(0), euros(0)))
    return debits - credits


def lines(world: World) -> list[JournalLine]:
    """The journal of all days."""
    today = datetime.now(UTC).date()
    period = Period(on(-3000), max(on(3000), today + timedelta(days=3000)))
    found = list(journal(world.ledger.engine, period))
    assert len({line.id for line in found}) == len(found)
    return found


async def opened(world: World, **fields: Any) -> None:
    world.begin_at(day(0, 0))
    await world.start(RULES, **{"number": "RE-2026-4711", "buyer": BUYER, **fields})


NAME = "RE-2026-4711"


async def test_money_kept_after_the_close_stays_in_the_journal_once_the_case_takes_it(world: World) -> None:
    await opened(world)
    await world.tell(e.PaymentReceived, NAME, id="P1", amount=euros(1000), received_on=on(0))
    await world.tell(e.PaymentReceived, NAME, id="P2", amount=euros(400), received_on=on(0))
    before = lines(world)
    assert (balance(world, "bank_clearing"), balance(world, "unapplied_cash")) == (euros(1400), euros(-400))

    await world.tell(e.PaymentReversed, NAME, payment="P1")

    assert [line for line in lines(world) if line.id in {one.id for one in before}] == before
    assert (balance(world, "bank_clearing"), balance(world, "unapplied_cash")) == (euros(400), euros(0))


async def test_a_debit_that_comes_back_in_the_same_statement_finds_its_payment(world: World) -> None:
    await opened(world)
    back = entry("1000.00", "R", "reversal", end_to_end="E2E-P", return_reason="AM04")
    found, told = await booked(world, entry("1000.00", "P", remittance=[NAME]), back)
    assert (found, told.waiting) == (["matched", "matched"], ())
    case = await world.case(NAME)
    assert (case.outstanding, [p.reversed for p in case.payments]) == (euros(1000), [True])
    assert waiting(world) == []
    assert balance(world, "bank_clearing") == balance(world, "unapplied_cash") == euros(0)


async def test_what_was_let_go_with_a_payment_is_owed_again_when_it_is_undone(world: World) -> None:
    await opened(world)
    paid = entry("985.00", "P", remittance=[NAME])
    await booked(world, paid)
    case = await world.case(NAME)
    assert (case.outstanding, case.closed, [c.kind for c in case.credits]) == (euros(0), True, ["bank_charges"])
    await deciding.undo(world.service, paid.key, "wrong", "berta")
    await world.settle()
    case = await world.case(NAME)
    assert (case.outstanding, case.credits, case.closed) == (euros(1000), (), False)
    assert balance(world, "bank_charges") == balance(world, "receivables") == euros(0)
    assert balance(world, "unapplied_cash") == Money.from_minor(-98500, "EUR")


async def test_money_that_waits_and_goes_back_cannot_be_applied_any_more(world: World) -> None:
    await opened(world)
    strange = entry("333.00", "P", payer="Nobody Known Ltd")
    assert (await booked(world, strange))[0] == ["unmatched"]
    found, _ = await booked(world, entry("333.00", "R", "reversal", end_to_end="E2E-P", payer="Nobody Known Ltd"))
    assert (found, waiting(world)) == (["matched"], [])
    with pytest.raises(InputRefused, match="taken back by the bank"):
        await deciding.assign(world.service, strange.key, {NAME: None}, "anna")
    assert balance(world, "unapplied_cash") == balance(world, "bank_clearing") == euros(0)


async def test_what_is_left_of_a_payment_waits_and_can_go_to_another_invoice(world: World) -> None:
    await opened(world)
    await world.start(RULES, number="RE-2026-9000", buyer=BUYER, amount="70.00 EUR")
    paid = entry("1100.00", "P", payer="Nobody Known Ltd")
    await booked(world, paid)
    await deciding.assign(world.service, paid.key, {NAME: None}, "anna")
    assert waiting(world) == [("matched", "1100.00", "100.00")]
    with pytest.raises(InputRefused, match=r"cannot be taken from the 100.00 EUR"):
        await deciding.assign(world.service, paid.key, {"RE-2026-9000": euros(101)}, "anna")
    await deciding.assign(world.service, paid.key, {"RE-2026-9000": None}, "anna")
    assert waiting(world) == [("matched", "1100.00", "30.00")]
    deciding.dismiss(world.service, paid.key, "paid back by hand", "anna")
    assert waiting(world) == []
    await world.settle()
    assert [(await world.case(n)).outstanding for n in (NAME, "RE-2026-9000")] == [euros(0), euros(0)]
    assert balance(world, "unapplied_cash") == euros(0)

    await deciding.undo(world.service, paid.key, "all wrong", "berta")
    await world.settle()
    assert waiting(world) == [("unmatched", "1100.00", "1100.00")]
    assert [(await world.case(n)).outstanding for n in (NAME, "RE-2026-9000")] == [euros(1000), euros(70)]
    assert balance(world, "unapplied_cash") == euros(-1100)
    assert balance(world, "receivables") == euros(0)


async def test_money_that_is_none_of_ours_leaves_the_journal_until_somebody_thinks_better_of_it(world: World) -> None:
    await opened(world)
    gift = entry("50.00", "P", payer="Tax Office")
    await booked(world, gift)
    assert balance(world, "unapplied_cash") == euros(-50)
    deciding.dismiss(world.service, gift.key, "a refund of tax", "anna")
    assert (waiting(world), balance(world, "unapplied_cash"), balance(world, "bank_clearing")) == (
        [],
        euros(0),
        euros(0),
    )
    with pytest.raises(InputRefused, match="is dismissed: undo it first"):
        deciding.dismiss(world.service, gift.key, "again", "anna")
    await deciding.undo(world.service, gift.key, "no, a payment", "berta")
    assert (waiting(world), balance(world, "unapplied_cash")) == ([("unmatched", "50.00", "50.00")], euros(-50))
    with pytest.raises(InputRefused, match="nothing of entry"):
        await deciding.undo(world.service, gift.key, "again", "berta")


async def test_a_payment_below_its_return_in_the_file_is_found(world: World) -> None:
    await opened(world)
    back = entry("1000.00", "R", "reversal", end_to_end="", booked_on=on(2))
    found, _ = await booked(world, back, entry("1000.00", "P", remittance=[NAME]))
    assert found == ["matched", "matched"]
    case = await world.case(NAME)
    assert (case.outstanding, [p.reversed for p in case.payments], waiting(world)) == (euros(1000), [True], [])


def test_a_file_that_names_no_account_is_each_creditors_own(world: World) -> None:
    file = read("Date,Description,Amount,Currency\n2026-03-02,a,10,EUR\n")

    def new(creditor: str, *files: BankFile) -> list[bool]:
        keeper = Bookkeeper(world.service, (), creditor)
        return [one.new for each in files or (file,) for one in keeper.book(each)]

    assert [new("BETA"), new("GAMMA"), new("BETA"), new("GAMMA")] == [[True], [True], [False], [False]]
    (plain,) = file.statements  # as it was kept before creditors were told apart
    assert new("DELTA", BankFile("b.csv", "csv", (replace(plain, format="mt940"),))) == [True]
    assert [new("DELTA"), new("ACME")] == [[False], [True]]


def test_two_statements_of_a_file_whose_balances_prove_two_entries_bring_both(world: World) -> None:
    def of(payer: str) -> str:
        party = f"<RltdPties><Dbtr><Nm>{payer}</Nm></Dbtr></RltdPties>"
        return camt_entry("100", party, reference="0001")

    def new(content: str) -> list[bool]:
        return [one.new for one in Bookkeeper(world.service, (), "ACME").book(read(content))]

    first = statement(of("A Ltd"), opening="0", closing="100", number="1")
    second = statement(of("B Ltd"), opening="100", closing="200", number="2")
    assert new(document(first, second)) == [True, True]
    assert new(document(first, second, first, second)) == [False] * 4
    notices = (statement(of(payer), tag="Ntfctn") for payer in ("A Ltd", "B Ltd"))
    assert new(document(*notices, message="054")) == [False, False]


async def test_a_number_with_an_equals_sign_is_no_amount_where_it_is_an_invoice(world: World) -> None:
    await opened(world, number="Q")
    assert wanted_of(world.service, ["Q=5"], "EUR") == {"Q": euros(5)}
    await world.start(RULES, number="Q=5", buyer=BUYER)
    assert wanted_of(world.service, ["Q=5"], "EUR") == {"Q=5": None}
    assert wanted_of(world.service, ["ACME/Q=5"], "EUR") == {"ACME/Q=5": None}
    assert wanted_of(world.service, ["Q=5=7.50", "Q=5.00"], "EUR") == {"Q=5": euros("7.50"), "Q": euros(5)}


async def test_two_people_who_decide_at_once_apply_the_money_once(world: World) -> None:
    await opened(world)
    paid = entry("400.00", "P", payer="Nobody Known Ltd")
    await booked(world, paid)
    book = BankBook(world.ledger.engine)
    seen = deciding.find(world.service, paid.key)
    await deciding.assign(world.service, paid.key, {NAME: None}, "anna")
    with pytest.raises(LedgerConflict, match="somebody else"):
        book.undo(seen, "late", "berta", ())
    assert (await world.case(NAME)).outstanding == euros(600)


async def test_what_is_undone_before_its_case_heard_of_it_is_told_in_order(world: World) -> None:
    await opened(world)
    paid = entry("400.00", "P", remittance=[NAME])
    keeper = Bookkeeper(world.service, (), "ACME")
    whole = Statement(file="s.xml", format="camt.053", account=ACCOUNT, currency="EUR", entries=(paid,))
    assert [one.status for one in keeper.book(BankFile("s.xml", "camt.053", (whole,)))] == ["matched"]
    _, told = await deciding.undo(world.service, paid.key, "wrong", "berta")
    assert (told.told, world.ledger.undelivered()) == (2, [])
    case = await world.case(NAME)
    assert (case.outstanding, [p.reversed for p in case.payments]) == (euros(1000), [True])


async def test_money_for_a_closed_case_is_kept_and_undone_without_a_trace_in_the_case(world: World) -> None:
    await opened(world)
    await world.tell(e.PaymentReceived, NAME, amount="1000.00 EUR", received_on=on(0))
    paid = entry("400.00", "P", payer="Nobody Known Ltd")
    await booked(world, paid)
    with pytest.raises(InputRefused, match="nothing is owed of it"):
        await deciding.assign(world.service, paid.key, {NAME: None}, "anna")
    await deciding.assign(world.service, paid.key, {NAME: euros(400)}, "anna")
    assert [task.startswith("payment_received-bank-") for task in world.open_tasks(NAME)] == [True]
    assert balance(world, "unapplied_cash") == euros(-400)
    numbers, told = await deciding.undo(world.service, paid.key, "not theirs", "berta")
    assert (list(numbers), told.waiting, world.open_tasks(NAME)) == ([NAME], (), [])
    assert waiting(world) == [("unmatched", "400.00", "400.00")]
    assert balance(world, "unapplied_cash") == euros(-400)
    assert (await world.show(NAME))["unapplied"] == []


async def test_a_return_that_names_several_is_taken_back_by_a_person_once(world: World) -> None:
    await opened(world)
    await booked(world, entry("300.00", "P1", remittance=[NAME]), entry("300.00", "P2", payer="Muster Handel GmbH"))
    first, second = entry("300.00", "P1"), entry("300.00", "P2")
    if waiting(world):
        await deciding.assign(world.service, second.key, {NAME: None}, "anna")
    back = entry("300.00", "R", "reversal", end_to_end="", booked_on=on(5))
    assert (await booked(world, back))[0] == ["proposed"]
    (row,) = [deciding.waiting_json(r) for r in BankBook(world.ledger.engine).worklist()]
    assert set(row["takes_back"]) == {first.key, second.key}
    booking, _ = await deciding.take_back(world.service, back.key, first.key, "anna")
    assert [share.message.type for share in booking.shares] == ["payment_reversed"]
    await world.settle()
    assert (await world.case(NAME)).outstanding == euros(700)
    for attempt in (back.key, first.key):
        with pytest.raises(InputRefused):
            await deciding.take_back(world.service, attempt, first.key, "anna")
    with pytest.raises(InputRefused, match="takes a payment back"):
        await deciding.undo(world.service, back.key, "no", "anna")
    assert balance(world, "bank_clearing") == euros(300)


async def test_what_is_left_over_and_what_came_back_from_nowhere_is_said(world: World) -> None:
    await opened(world)
    entries = entry("1100.00", "P", remittance=[NAME]), entry("7.00", "R", "reversal", end_to_end="", payer="X")
    whole = Statement(file="s.xml", format="camt.053", account=ACCOUNT, currency="EUR", entries=entries)
    report = BankReport()
    report.booked(BankFile("s.xml", "camt.053", (whole,)), Bookkeeper(world.service, (), "ACME"), None)
    assert [note.split(":")[0] for note in report.files[0]["notes"]] == [
        "1 paid more than is owed", "1 taken back by the bank, and not certain which payment",
    ]  # fmt: skip
    assert sorted(waiting(world)) == [("matched", "1100.00", "100.00"), ("unmatched", "7.00", "7.00")]


async def test_a_return_does_not_overlook_what_a_person_decides_in_the_same_moment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await opened(world)
    paid = entry("400.00", "P", payer="Nobody Known Ltd")
    await booked(world, paid)
    row, back = deciding.find(world.service, paid.key), entry("400.00", "R", "reversal", end_to_end="E2E-P")
    message = e.PaymentReceived(id=reference(paid.key, 1), amount=euros(400), received_on=on(0), by="anna")
    decision = Booking(
        paid, "ACME", "s.xml", row.statement, "matched", "assigned by anna", 100, euros(0), "B-1",
        shares=(Share(NAME, message, euros(400), 100, "assigned by anna"),), by="anna",
    )  # fmt: skip

    book = BankBook.book

    def book_a_moment_late(self: BankBook, bookings: Iterable[Booking]) -> list[Booking]:
        decided = list(bookings)
        monkeypatch.undo()
        self.decide(decision, row)
        return book(self, decided)

    monkeypatch.setattr(BankBook, "book", book_a_moment_late)
    with pytest.raises(InputRefused, match=r"s\.xml: entry .* has just been decided on by somebody else"):
        await booked(world, back)
    assert (await booked(world, back))[0] == ["matched"]
    case = await world.case(NAME)
    assert (case.outstanding, [p.reversed for p in case.payments]) == (euros(1000), [True])
    assert balance(world, "bank_clearing") == balance(world, "unapplied_cash") == euros(0)


async def test_a_payment_comes_back_once(world: World) -> None:
    await opened(world)
    paid = entry("400.00", "P", payer="Nobody Known Ltd")
    await booked(world, paid, entry("400.00", "R1", "reversal", end_to_end="E2E-P"))
    second = Booking(
        entry("400.00", "R2", "reversal"), "ACME", "t.xml", "t", "matched", "the same again", 100, euros(0),
        takes_back=paid.key,
    )  # fmt: skip
    with pytest.raises(LedgerConflict, match="has just been decided on"):
        BankBook(world.ledger.engine).book([second])
    assert BankBook(world.ledger.engine).find(second.entry.key) == []


async def test_every_return_takes_one_payment_back_and_the_next_the_next(world: World) -> None:
    """Collected, returned, collected again, returned again: each return finds the one that is still there."""
    await opened(world)
    for n in (1, 2):
        paid = entry("1000.00", f"P{n}", remittance=[NAME], booked_on=on(n))
        back = entry("1000.00", f"R{n}", "reversal", end_to_end="", booked_on=on(n), payer=BUYER["name"])
        assert (await booked(world, paid, back))[0] == ["matched", "matched"]
    case = await world.case(NAME)
    assert (case.outstanding, Counter(p.reversed for p in case.payments)) == (euros(1000), {True: 2})


def test_shares_name_the_payment_with_which_a_rest_was_let_go() -> None:
    one = Match(
        creditor="ACME", number=NUMBER, amount=euros(985), score=98, reason="r", shortfall=euros(15),
        shortfall_reason="bank_charges",
    )  # fmt: skip
    paid = entry("985.00", "P")
    credit, payment = shares_of(paid, Matching(status="matched", matches=(one,), unapplied=euros(0), reason="r"), "s")
    assert isinstance(credit.message, e.CreditNoteIssued) and credit.message.payment == payment.message.id
