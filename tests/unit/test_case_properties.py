"""What holds for the books and deadlines of any case, whatever is paid, credited, waived or agreed."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from models import events as e
from models.books import late_charges
from models.case import Case, Refused
from models.money import Money
from models.policy import Policy
from tests.cases import Walk, after_due, day, euros, on, policy, step
from tests.unit.bookkeeping import adds_up

LAWS = st.sampled_from(["DE", "UK", "NL", "FR", "CN", None])
AMOUNTS = st.integers(1, 130_000).map(lambda cents: Money.from_minor(cents, "EUR"))
DAYS = st.integers(0, 80)


def claiming(rest: str = "pursue", tolerance: bool = False) -> Policy:
    return policy(
        step("demand", after_due(5), "formal_demand"), claim_interest={"from_step": "demand", "rest": rest},
        **({"tolerance": ["3.00 EUR"]} if tolerance else {}),
    )  # fmt: skip


RULES = st.sampled_from([claiming(), claiming("waive"), claiming(tolerance=True), policy(step("one", after_due(5)))])

MONEY_EVENTS = st.one_of(
    st.tuples(st.just(e.PaymentReceived), st.fixed_dictionaries({"amount": AMOUNTS, "received_on": DAYS.map(on)})),
    st.tuples(st.just(e.PaymentReceived), st.fixed_dictionaries({
        "amount": AMOUNTS, "received_on": DAYS.map(on),
        "designation": st.sampled_from(["costs", "interest", "principal"]),
    })),
    st.tuples(st.just(e.PaymentReceived), st.fixed_dictionaries({
        "amount": st.just("80.00 USD"), "received_on": DAYS.map(on),
    })),
    st.tuples(st.just(e.PaymentReversed), st.fixed_dictionaries({"payment": st.integers(0, 5)})),
    st.tuples(st.just(e.PaymentAllocated), st.fixed_dictionaries({
        "payment": st.integers(0, 5), "first": st.sampled_from(["costs", "interest", "principal"]),
    })),
    st.tuples(st.just(e.PaymentAllocated), st.fixed_dictionaries({"payment": st.integers(0, 5), "counts_as": AMOUNTS})),
    st.tuples(st.just(e.Refunded), st.fixed_dictionaries({
        "payment": st.integers(0, 5), "amount": AMOUNTS | st.none(),
    })),
    st.tuples(st.just(e.CreditNoteIssued), st.fixed_dictionaries({
        "kind": st.sampled_from(["credit_note", "set_off", "goods_in_lieu"]), "amount": AMOUNTS,
        "issued_on": DAYS.map(on) | st.none(),
    })),
    st.tuples(st.just(e.CreditNoteIssued), st.fixed_dictionaries({
        "kind": st.sampled_from(["cash_discount", "bank_charges"]), "amount": AMOUNTS, "payment": st.integers(0, 5),
    })),
    st.tuples(st.just(e.InterestWaived), st.fixed_dictionaries({"amount": AMOUNTS | st.none()})),
    st.tuples(st.just(e.DisputeRaised), st.fixed_dictionaries({"amount": AMOUNTS | st.none()})),
    st.tuples(st.just(e.DisputeResolved), st.fixed_dictionaries({"upheld": st.booleans()})),
)  # fmt: skip


def told(walk: Walk, at: int, kind: type[e.Message], body: dict[str, Any]) -> None:
    """Tell a case something; a payment is named by its place, a refund is of what is unapplied, if nothing is given."""
    case = walk.case
    if "payment" in body:
        if not case.payments:
            return
        payment = case.payments[body["payment"] % len(case.payments)].id
        free = next((p.amount for p in case.unapplied if p.id == payment), None)
        body = {**body, "payment": payment}
        if kind is e.Refunded and body["amount"] is None:
            body["amount"] = free or euros(1)
    try:
        walk.tell(day(at, 12), kind, **body)
    except Refused:
        assert walk.case.sequence >= case.sequence
    walk.until(day(at, 13))


@settings(max_examples=150)
@given(LAWS, RULES, st.lists(st.tuples(st.integers(0, 12), MONEY_EVENTS), max_size=10))
def test_money_is_never_lost(law: str | None, rules: Policy, story: list[tuple[int, tuple[Any, Any]]]) -> None:
    walk, at = Walk(rules, law=law), 0
    for later, (kind, body) in story:
        at += later
        told(walk, at, kind, body)
        adds_up(walk.case)


@settings(max_examples=60)
@given(LAWS, st.permutations([("A", 300), ("B", 55), ("C", 720), ("D", 1)]), st.integers(5, 60))
def test_the_order_of_payments_within_a_day_does_not_matter(
    law: str | None, payments: list[tuple[str, int]], at: int
) -> None:
    def paid(order: list[tuple[str, int]]) -> Case:
        walk = Walk(claiming(), law=law).until(day(at, 10))
        for name, amount in order:
            walk.tell(day(at, 11), e.PaymentReceived, id=name, amount=euros(amount), received_on=on(at))
        return walk.case

    one, other = paid(payments), paid(sorted(payments))
    assert one.owed == other.owed
    assert sum(p.amount.amount for p in one.unapplied) == sum(p.amount.amount for p in other.unapplied)


@settings(max_examples=60)
@given(LAWS, st.lists(st.tuples(DAYS, AMOUNTS), max_size=4), DAYS, DAYS)
def test_more_time_never_costs_less(law: str | None, payments: list[tuple[int, Money]], one: int, other: int) -> None:
    walk = Walk(claiming(), law=law)
    for n, amount in payments:
        walk.events.clear()
        walk.apply(e.PaymentReceived(id=f"P{len(walk.case.payments)}", at=walk.now, amount=amount, received_on=on(n)))
    last = max([n for n, _ in payments], default=0)
    costs = [late_charges(walk.case.invoice, walk.case, on(last + n)) for n in sorted((one, other))]

    assert costs[0].interest <= costs[1].interest and costs[0].total <= costs[1].total


@settings(max_examples=60)
@given(LAWS, st.lists(st.integers(6, 80), max_size=5))
def test_booking_in_between_changes_nothing(law: str | None, days: list[int]) -> None:
    # A payment books interest up to its day; one of a cent that is taken back again must leave no trace.
    walk = Walk(claiming(), law=law).until(day(5))
    for n in sorted(days):
        walk.tell(day(n, 10), e.PaymentReceived, id=f"P{n}-{walk.case.sequence}", amount="0.01 EUR", received_on=on(n))
        walk.tell(day(n, 11), e.PaymentReversed, payment=walk.case.payments[-1].id)
    walk.tell(day(81), e.PaymentReceived, amount="100.00 EUR", received_on=on(81))
    straight = Walk(claiming(), law=law).until(day(5))
    straight.tell(day(81), e.PaymentReceived, amount="100.00 EUR", received_on=on(81))

    assert walk.case.owed == straight.case.owed


TERMS = {
    "source": "policy 4711", "maximum_extension": "P60D",
    "duties": {
        "insurer_notice": {"within": "P15D"}, "claim_filing": {"within": "P240D"},
        "collection_mandate": {"within": "P30D", "of": "extension"},
        "adverse_information": {"within": "P10D", "of": "knowledge"},
    },
}  # fmt: skip
PAUSES: list[tuple[type[e.Message], dict[str, Any]]] = [
    (e.HoldPlaced, {}), (e.HoldReleased, {}), (e.DisputeRaised, {}), (e.DisputeResolved, {}),
    (e.PromiseMade, {"days": 4}), (e.ExtensionGranted, {"days": 9}), (e.DebtorReplied, {}), (e.ContactLost, {}),
]  # fmt: skip


@settings(max_examples=60)
@given(
    st.sampled_from(["DE", "FR", "MX", "HK"]), st.integers(-30, 40),
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from(PAUSES)), max_size=10),
)  # fmt: skip
def test_no_pause_moves_a_deadline_to_later(law: str, opened: int, story: list[tuple[int, tuple[Any, Any]]]) -> None:
    walk = Walk(policy(step("x", after_due(400))), opened=day(opened), law=law, insurance=TERMS)
    at = opened
    for later, (kind, body) in story:
        at += later
        before = {d.kind: d for d in walk.case.deadlines}
        date = on(at) + timedelta(days=body.get("days", 0))
        named = {e.PromiseMade: {"pay_by": date}, e.ExtensionGranted: {"until": date}}.get(kind, {})
        try:
            walk.tell(day(at, 12), kind, **named)
        except Refused:
            pass
        for deadline in walk.case.deadlines:
            was = before.get(deadline.kind)
            assert was is None or (deadline.day, deadline.met) == (was.day, None)
        assert all(d.missed for d in walk.until(day(at, 13)).case.deadlines if d.day < on(at))
