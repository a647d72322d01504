"""camt messages made to order: batches, charges, currencies, returns, control sums, identity."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.bank.statement import BankFile
from models.bank import BankEntry
from tests.bank_files import balance, document, entry, read, statement

ACCOUNT = "NL91ABNA0417164300"


def entries(*given: str, message: str = "054") -> list[BankEntry]:
    tag = {"052": "Rpt", "053": "Stmt", "054": "Ntfctn"}[message]
    file = read(document(statement(*given, tag=tag), message=message))
    assert not file.rejects, file.rejects
    return list(file.entries)


def ignored(*given: str) -> list[tuple[str, str, str]]:
    (found,) = read(document(statement(*given, tag="Ntfctn"), message="054")).statements
    assert not found.entries
    return [(item.entry.kind, str(item.entry.amount), item.reason) for item in found.ignored]


def reason(file: BankFile) -> str:
    assert not file.statements
    return file.rejects[0].reason


def amount(value: str, currency: str = "EUR") -> str:
    return f'<Amt Ccy="{currency}">{value}</Amt>'


def charges(value: str, included: str = "", sign: str = "DBIT", currency: str = "EUR") -> str:
    indicator = f"<ChrgInclInd>{included}</ChrgInclInd>" if included else ""
    return f"<Chrgs><Rcrd>{amount(value, currency)}<CdtDbtInd>{sign}</CdtDbtInd>{indicator}</Rcrd></Chrgs>"


def instructed(value: str, currency: str = "EUR") -> str:
    return f"<AmtDtls><InstdAmt>{amount(value, currency)}</InstdAmt></AmtDtls>"


def codes(family: str, sub: str) -> str:
    return f"<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{sub}</SubFmlyCd></Fmly></Domn></BkTxCd>"


# --- what an entry says --------------------------------------------------------------------------------------------


def test_a_payment_says_who_paid_what_for_what() -> None:
    (found,) = entries(
        entry(
            "119.00",
            "<Refs><EndToEndId>E2E-1</EndToEndId></Refs>"
            "<RltdPties><Dbtr><Pty><Nm>Muster \n GmbH</Nm></Pty></Dbtr>"
            "<DbtrAcct><Id><IBAN>DE89 3704 0044 0532 0130 00</IBAN></Id></DbtrAcct></RltdPties>"
            "<RmtInf><Ustrd>Invoice 4711</Ustrd><Strd><RfrdDocInf><Nb>2026-002</Nb></RfrdDocInf>"
            "<CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf></Strd></RmtInf>",
            reference="BANK-1",
        )
    )
    assert (found.kind, str(found.amount), found.received_on.isoformat()) == ("payment", "119.00 EUR", "2026-03-02")
    assert (found.payer, found.payer_iban) == ("Muster GmbH", "DE89370400440532013000")
    assert (found.end_to_end, found.servicer_reference, found.creditor_reference) == (
        "E2E-1", "BANK-1", "RF18539007547034",
    )  # fmt: skip
    assert found.remittance == ("Invoice 4711", "2026-002")


def test_a_batch_is_taken_apart_and_its_parts_keep_the_sum() -> None:
    file = entry(
        "300.00", *(f"{amount(v)}<CdtDbtInd>CRDT</CdtDbtInd>" for v in ("100", "150.5", "49.50")), reference="B"
    )
    found = entries(file)
    assert [(e.entry, str(e.amount)) for e in found] == [
        ("1.1", "100.00 EUR"),
        ("1.2", "150.50 EUR"),
        ("1.3", "49.50 EUR"),
    ]
    assert len({e.key for e in found}) == 3 and len({e.group for e in found}) == 1


def test_a_batch_that_does_not_add_up_refuses_the_file_with_the_figures() -> None:
    file = read(document(statement(entry("10", amount("100")), entry("300", amount("100"), amount("150")))))
    assert reason(file) == ("its 2 transactions make 250.00 EUR, the entry says 300.00 EUR: difference 50.00 EUR")
    assert file.rejects[0].entry == "2"


def test_transactions_without_amounts_stay_one_payment_with_all_they_say() -> None:
    (found,) = entries(entry("300", *(f"<RmtInf><Ustrd>INV {n}</Ustrd></RmtInf>" for n in (1, 2, 3))))
    assert (found.entry, str(found.amount), found.remittance) == ("1", "300.00 EUR", ("INV 1", "INV 2", "INV 3"))


def test_a_batch_may_hold_returns_among_its_payments() -> None:
    found = entries(
        entry(
            "60.00",
            f"{amount('100')}<CdtDbtInd>CRDT</CdtDbtInd>",
            f"{amount('40')}<CdtDbtInd>DBIT</CdtDbtInd><RtrInf><Rsn><Cd>MD06</Cd></Rsn></RtrInf>",
        )
    )
    assert [(e.kind, str(e.amount), e.return_reason) for e in found] == [
        ("payment", "100.00 EUR", ""),
        ("reversal", "40.00 EUR", "MD06"),
    ]


@pytest.mark.parametrize(
    ("booked", "details", "paid", "kept"),
    [
        ("95", instructed("100") + charges("5", "true"), "100.00 EUR", "5.00 EUR"),
        ("95", charges("5", "true"), "100.00 EUR", "5.00 EUR"),
        ("95", instructed("100") + charges("5"), "100.00 EUR", "5.00 EUR"),  # the figures prove it
        ("95", charges("5"), "95.00 EUR", None),  # nothing says that it was taken out
        ("95", charges("5", "false"), "95.00 EUR", None),
        ("95", instructed("95") + charges("5", "true"), "95.00 EUR", None),  # and this denies it
        ("95", instructed("100") + charges("5", "true", sign="CRDT"), "95.00 EUR", None),  # paid back
        ("95", instructed("100") + charges("5", "true", currency="USD"), "95.00 EUR", None),
    ],
)
def test_charges_that_were_taken_out_were_paid_by_the_debtor(
    booked: str, details: str, paid: str, kept: str | None
) -> None:
    (found,) = entries(entry(booked, details))
    assert (str(found.amount), found.charges and str(found.charges)) == (paid, kept)


def test_charges_of_a_whole_batch_are_an_entry_of_their_own() -> None:
    (found,) = read(
        document(statement(entry("298", amount("100"), amount("200"), more=charges("2")), tag="Ntfctn"), message="054")
    ).statements
    assert [str(e.amount) for e in found.entries] == ["100.00 EUR", "200.00 EUR"]
    assert [(i.entry.kind, str(i.entry.amount)) for i in found.ignored] == [("charge", "2.00 EUR")]


def test_of_a_foreign_payment_the_amount_booked_counts_and_the_original_is_kept() -> None:
    (found,) = entries(entry("92.53", amount("100", "USD") + instructed("100", "USD")))
    assert (str(found.amount), str(found.original)) == ("92.53 EUR", "100.00 USD")


def test_five_decimals_are_the_same_amount() -> None:
    (found,) = entries(entry("5442.09000"))
    assert str(found.amount.amount) == "5442.09"
    assert "more decimals than EUR has" in reason(read(document(statement(entry("1.005")))))


# --- kinds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sign", "more", "details", "kind"),
    [
        ("CRDT", codes("RCDT", "ESCT"), "", "payment"),
        ("DBIT", "<RvslInd>true</RvslInd>", "", "reversal"),
        ("DBIT", codes("IDDT", "UPDD"), "", "reversal"),
        ("DBIT", codes("RCDT", "RRTN"), "", "reversal"),
        ("DBIT", "", "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>", "reversal"),
        ("DBIT", "<BkTxCd><Prtry><Cd>NRTI+109+00931</Cd><Issr>DK</Issr></Prtry></BkTxCd>", "", "reversal"),
    ],
)
def test_what_is_our_business_is_taken(sign: str, more: str, details: str, kind: str) -> None:
    (found,) = entries(entry("50", details, sign=sign, more=more))
    assert (found.kind, str(found.amount)) == (kind, "50.00 EUR")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (entry("50", sign="DBIT", more=codes("ICDT", "ESCT")), ("outgoing", "50.00 EUR", "our own payment")),
        (entry("50", more=codes("ICDT", "RRTN")), ("outgoing", "50.00 EUR", "our own payment came back")),
        (entry("50", more="<RvslInd>true</RvslInd>"), ("outgoing", "50.00 EUR", "our own payment came back")),
        (
            entry("5", sign="DBIT", more=codes("MDOP", "CHRG")),
            ("charge", "5.00 EUR", "charges or interest of the bank"),
        ),
        (entry("5", more=codes("MCOP", "CHRG")), ("charge", "5.00 EUR", "charges that the bank paid back")),
        (entry("0"), ("payment", "0.00 EUR", "amount zero")),
        (entry("7", status="PDNG"), ("payment", "7.00 EUR", "pending: not booked yet")),
        (entry("7", status="<Cd>INFO</Cd>"), ("payment", "7.00 EUR", "for information only: not booked")),
    ],
)
def test_what_is_not_our_business_is_ignored_with_a_reason(given: str, expected: tuple[str, str, str]) -> None:
    assert ignored(given) == [expected]


def test_a_return_names_its_payment_and_is_less_the_fees_of_the_return() -> None:
    details = (
        "<Refs><EndToEndId>INV-7</EndToEndId></Refs>" + instructed("100") + charges("3.50", "true")
        + "<RltdPties><Dbtr><Nm>Muster</Nm></Dbtr></RltdPties><RtrInf><Rsn><Cd>AM04</Cd></Rsn>"
        "<AddtlInf>insufficient funds</AddtlInf></RtrInf>"
    )  # fmt: skip
    (found,) = entries(entry("103.50", details, sign="DBIT"))
    assert (found.kind, str(found.amount), str(found.charges)) == ("reversal", "100.00 EUR", "3.50 EUR")
    assert (found.returned_reference, found.return_reason, found.payer) == (
        "INV-7", "AM04: insufficient funds", "Muster",
    )  # fmt: skip


# --- control sums ---------------------------------------------------------------------------------------------------


def test_a_statement_that_adds_up_is_taken() -> None:
    file = read(document(statement(entry("10"), entry("3", sign="DBIT"), opening="1.00", closing="8.00")))
    assert not file.rejects and len(list(file.entries)) == 1


def test_a_pending_entry_does_not_count_among_the_booked() -> None:
    file = read(document(statement(entry("10"), entry("3", status="PDNG"), opening="1", closing="11")))
    assert not file.rejects


def summary(count: int, total: str, net: str, credits: tuple[int, str], debits: tuple[int, str]) -> str:
    return (
        f"<TxsSummry><TtlNtries><NbOfNtries>{count}</NbOfNtries><Sum>{total}</Sum><TtlNetNtry><Amt>{net}</Amt>"
        f"<CdtDbtInd>CRDT</CdtDbtInd></TtlNetNtry></TtlNtries><TtlCdtNtries><NbOfNtries>{credits[0]}</NbOfNtries>"
        f"<Sum>{credits[1]}</Sum></TtlCdtNtries><TtlDbtNtries><NbOfNtries>{debits[0]}</NbOfNtries>"
        f"<Sum>{debits[1]}</Sum></TtlDbtNtries></TxsSummry>"
    )


def test_the_announced_sums_must_be_true() -> None:
    given = (entry("10"), entry("3", sign="DBIT"))
    right = read(document(statement(*given, more=summary(2, "13", "7", (1, "10"), (1, "3")))))
    wrong = read(document(statement(*given, more=summary(3, "13.5", "6", (2, "11"), (0, "0")))))
    assert not right.rejects
    assert [reject.reason for reject in wrong.rejects] == [
        "3 entries are announced, the file has 2",
        "13.50 EUR announced, the entries make 13.00 EUR: difference 0.50 EUR",
        "6.00 EUR announced, the entries make 7.00 EUR: difference -1.00 EUR",
        "2 credit entries are announced, the file has 1",
        "11.00 EUR announced, the entries make 10.00 EUR: difference 1.00 EUR",
        "0 debit entries are announced, the file has 1",
        "0.00 EUR announced, the entries make 3.00 EUR: difference -3.00 EUR",
    ]


def test_a_statement_must_open_with_what_the_one_before_closed_with() -> None:
    one = statement(entry("10"), opening="0", closing="10", number="1")
    other = statement(entry("5"), opening="12", closing="17", number="2")
    assert reason(read(document(one, other))) == (
        "the statement before it closes with 10.00 EUR: difference 2.00 EUR; is a statement missing?"
    )
    # Newest first is as good as oldest first; another account has its own chain.
    following = statement(entry("5"), opening="10", closing="15", number="2")
    assert not read(document(following, one)).rejects
    elsewhere = statement(entry("5"), opening="12", closing="17", number="2", account="DE89370400440532013000")
    assert not read(document(one, elsewhere)).rejects


def test_a_hole_in_the_numbers_is_noted() -> None:
    one = statement(opening="0", closing="0", number="4")
    other = statement(opening="0", closing="0", number="6")
    assert "statement 6 of NL91ABNA0417164300 follows statement 4: is one missing?" in read(document(one, other)).notes


def test_a_statement_in_pages_opens_and_closes_with_interim_balances() -> None:
    first = statement(entry("10"), more=balance("OPBD", "1") + balance("ITBD", "11"))
    wrong = statement(entry("10"), more=balance("OPBD", "1") + balance("ITBD", "12"))
    assert not read(document(first)).rejects
    assert "difference 1.00 EUR" in reason(read(document(wrong)))


# --- identity --------------------------------------------------------------------------------------------------------


def keys(file: str) -> list[str]:
    return [found.key for found in read(file).entries]


def test_two_equal_payments_of_a_day_stay_apart_and_are_known_again() -> None:
    twice = document(statement(entry("10"), entry("10"), opening="0", closing="20"))
    assert len(set(keys(twice))) == 2
    assert keys(twice) == keys(twice.replace("<MsgId>M<", "<MsgId>sent again<"))


def test_a_statement_that_is_in_the_file_twice_holds_no_more_entries() -> None:
    one = statement(entry("10"), opening="0", closing="10")
    assert len(set(keys(document(one, one)))) == 1
    following = statement(entry("10"), opening="10", closing="20", number="2")
    assert len(set(keys(document(one, following)))) == 2


def test_the_same_entry_is_known_in_the_report_the_notification_and_the_statement() -> None:
    given = entry("10", reference="BANK-1")
    found = {
        keys(document(statement(given, tag=tag), message=message))[0]
        for message, tag in (("052", "Rpt"), ("053", "Stmt"), ("054", "Ntfctn"))
    }
    assert len(found) == 1


def test_a_reference_that_is_a_constant_does_not_make_two_days_one() -> None:
    days = entry("10", reference="555", day="2026-03-01"), entry("10", reference="555", day="2026-03-02")
    assert len({e.key for e in entries(*days)}) == 2


# --- all there is to say, and back ------------------------------------------------------------------------------------

AMOUNTS = st.decimals(Decimal("0.01"), Decimal("999999999.99"), places=2)
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs", "Cn")), max_size=40)


@given(st.lists(st.tuples(AMOUNTS, st.sampled_from(["CRDT", "DBIT"]), NAMES), max_size=8), AMOUNTS)
def test_a_generated_statement_is_read_back_exactly(rows: list[tuple[Decimal, str, str]], opening: Decimal) -> None:
    total = opening + sum((a if sign == "CRDT" else -a for a, sign, _ in rows), Decimal(0))

    def escaped(text: str) -> str:
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    given_entries = [
        entry(str(a), f"<RmtInf><Ustrd>{escaped(name)}</Ustrd></RmtInf>", sign=sign, reference=f"R{n}")
        for n, (a, sign, name) in enumerate(rows)
    ]
    file = read(document(statement(*given_entries, opening=str(opening), closing=str(total))))
    assert not file.rejects
    (found,) = file.statements
    parts = sorted((*found.entries, *(item.entry for item in found.ignored)), key=lambda e: int(e.entry))
    assert [(e.amount.amount, e.kind == "payment", e.remittance, e.servicer_reference) for e in parts] == [
        (a, sign == "CRDT", (name,) if name else (), f"R{n}") for n, (a, sign, name) in enumerate(rows)
    ]


@given(st.lists(AMOUNTS, min_size=1, max_size=5), AMOUNTS)
def test_no_statement_that_is_off_by_any_amount_is_taken(rows: list[Decimal], off: Decimal) -> None:
    closing = sum(rows, Decimal(0)) + off
    file = read(document(statement(*(entry(str(a)) for a in rows), opening="0", closing=str(closing))))
    assert not file.statements and f"difference {off} EUR" in file.rejects[0].reason
