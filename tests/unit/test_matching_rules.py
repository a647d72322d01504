"""What holds for every statement: no money out of nothing, no dependence on order, no certainty without support."""

from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.statement_noise import errors, statement
from bench.trade import Trade, trade
from models.bank import BankEntry
from models.matches import Matching
from models.matching import apply, match
from models.money import Money
from models.open_invoices import OpenInvoice
from models.register import Register

DAY = date(2026, 10, 20)
BUYERS = {
    "B-1": "Meyer Maschinenbau GmbH",
    "B-2": "Meyer Maschinenbau AG",
    "B-3": "Koch & Söhne",
    "B-4": "上海东方贸易有限公司",
}

amounts = st.one_of(st.integers(1, 300_000), st.sampled_from([10_000, 12_345, 50_000, 100_000]))
numbers = st.one_of(
    st.integers(1, 99_999).map(lambda n: f"RE-2026-{n:06d}"),
    st.integers(1, 9_999).map(str),
    st.integers(1, 999).map("{:08d}".format),
)


@st.composite
def invoices(draw: st.DrawFn) -> list[OpenInvoice]:
    found = []
    for number in draw(st.lists(numbers, min_size=1, max_size=12, unique=True)):
        buyer, minor = draw(st.sampled_from(sorted(BUYERS))), draw(amounts)
        found.append(
            OpenInvoice(
                creditor="ACME", number=number,
                buyer=buyer, buyer_name=BUYERS[buyer], amount=Money.from_minor(minor, "EUR"),
                outstanding=Money.from_minor(draw(st.sampled_from([0, minor, (minor + 1) // 2])), "EUR"),
                due=DAY - timedelta(days=draw(st.integers(-30, 90))),
            )
        )  # fmt: skip
    return found


@st.composite
def entries(draw: st.DrawFn, owed: list[OpenInvoice]) -> BankEntry:
    named = draw(st.lists(st.sampled_from(owed), max_size=4))
    texts = [one.number for one in named] + draw(st.lists(st.text(max_size=20), max_size=2))
    total = sum(one.outstanding.minor for one in named)
    minor = draw(st.one_of(st.just(total), amounts, st.integers(max(1, total - 2_000), total + 2_000)))
    return BankEntry(
        account="DE1", entry="1", kind="payment", booked_on=DAY, amount=Money.from_minor(max(minor, 1), "EUR"),
        remittance=(draw(st.sampled_from([" ", ", ", "/", ""])).join(texts),),
        payer=draw(st.sampled_from([*BUYERS.values(), "", "Somebody"])),
    )  # fmt: skip


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[OpenInvoice], list[BankEntry]]:
    owed = draw(invoices())
    return owed, draw(st.lists(entries(owed), min_size=1, max_size=4))


@given(situations())
@settings(max_examples=120, deadline=None)
def test_no_entry_pays_more_than_it_is_and_no_invoice_gets_more_than_is_open(
    situation: tuple[list[OpenInvoice], list[BankEntry]],
) -> None:
    owed, paid = situation
    register = Register(owed)
    for entry in paid:
        found = match(entry, register)
        used = sum((one.amount for one in found.matches), Money.zero("EUR"))
        assert used + found.unapplied == entry.amount
        for one in found.matches:
            assert one.amount.minor > 0
            assert one.settles <= register.standing("ACME", one.number)
        assert len({one.number for one in found.matches}) == len(found.matches)
        assert (found.status == "matched") == bool(found.matches and found.score >= 90)
        apply(found, register, entry)


@given(situations(), st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_neither_the_order_of_the_invoices_nor_asking_twice_plays_a_part(
    situation: tuple[list[OpenInvoice], list[BankEntry]], chance: Random
) -> None:
    owed, paid = situation
    shuffled = list(owed)
    chance.shuffle(shuffled)
    one, other = Register(owed), Register(shuffled)
    for entry in paid:
        assert match(entry, one) == match(entry, other) == match(entry, one)


@given(st.text(max_size=140), st.text(max_size=40), amounts, st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_no_text_is_certain_without_support(text: str, payer: str, minor: int, seed: int) -> None:
    found = match(
        BankEntry(
            account="DE1", entry="1", kind="payment", booked_on=DAY, remittance=(text,), payer=payer,
            amount=Money.from_minor(minor, "EUR"),
        ),
        Register(small(seed).invoices),
    )  # fmt: skip
    assert found.status != "matched"


TRADES: dict[int, Trade] = {}


def small(seed: int) -> Trade:
    if seed not in TRADES:
        TRADES[seed] = trade(seed, invoices=300)
    return TRADES[seed]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_on_a_noisy_statement_nothing_is_matched_wrongly_and_most_is_matched(seed: int) -> None:
    made = trade(seed, invoices=10_000)
    register = Register(made.invoices)
    mistakes: list[str] = []
    results: list[Matching] = []
    for entry, truth in statement(made, seed, entries=1_000):
        found = match(entry, register)
        results.append(found)
        mistakes += errors(found, truth)
        if found.status == "matched":
            apply(found, register, entry)
    assert mistakes == []
    assert sum(found.status == "matched" for found in results) > 0.75 * len(results)


def test_the_same_seed_makes_the_same_statement() -> None:
    one, other = (statement(trade(5, invoices=500), 5, entries=50) for _ in range(2))
    assert one == other
