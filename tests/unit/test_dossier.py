"""The dossier for an agency and the claim file for an insurer: what is in them, and that it can be trusted."""

import csv
import hashlib
import io
import json
import subprocess
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.bundle import bundle, csv_file, safe_name
from activities.composing import CannotCompose, Composition, EarlierNotice, compose
from models.invoice import Invoice
from models.orders import StepOrder
from models.policy import StepKind
from tests.notices import acme, an_invoice, an_order, body, done, paid, read

PAYMENTS = (
    paid("300.00 USD", "2026-01-10", "=BANK-1"),
    paid("50.00 USD", "2026-01-12", "BANK-2", reversed=True),
    paid("70.00 EUR", "2026-01-13", "BANK-3"),
)


def sent(kind: StepKind, day: int, number: int) -> EarlierNotice:
    at = datetime(2026, 1, 1, 9, tzinfo=UTC) + timedelta(days=day)
    content = f"Subject: {kind}\r\n\r\nletter {number}\r\n".encode()
    notice = f"<{number}@arrears.invalid>"
    return EarlierNotice(notice, f"{kind}_{day}", kind, at, "a@b.example", kind, content)


EARLIER = (sent("formal_demand", 15, 2), sent("reminder", 1, 1), sent("referral", 60, 3))
PERFORMED = (done("reminder", 1, "<1@arrears.invalid>"), done("formal_demand", 15, "<2@arrears.invalid>"))


def order_for(invoice: Invoice, kind: str = "referral", **changes: Any) -> StepOrder:
    given: dict[str, Any] = {"outstanding": "700.00 USD", "disputed": "200.00 USD", "payments": PAYMENTS}
    given |= {"performed": PERFORMED, "dispute_reason": "late\ndelivery"} | changes
    return an_order(invoice, kind, 60, **given)


def made(kind: str = "referral", invoice: Invoice | None = None, **changes: Any) -> Composition:
    invoice = invoice or an_invoice()
    order = order_for(invoice, kind, **changes)
    return compose(order, invoice, acme(), at=order.at, earlier=EARLIER)


def files_of(composition: Composition) -> dict[str, bytes]:
    """The files of the attached zip, without its one folder."""
    (attachment,) = read(composition.content).iter_attachments()
    with zipfile.ZipFile(io.BytesIO(attachment.get_content())) as archive:
        assert archive.testzip() is None
        assert len({name.split("/")[0] for name in archive.namelist()}) == 1
        return {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


# --- dossier ------------------------------------------------------------------------------------------------


def test_a_referral_goes_to_the_agency_with_all_documents() -> None:
    mail = made()
    assert mail.recipient == "cases@sample-collections.example"
    assert set(files_of(mail)) == {
        "README.txt", "SHA256SUMS", "history.csv", "interest.csv", "invoice.json",
        "notices/001-reminder_1-20260102.eml", "notices/002-formal_demand_15-20260116.eml",
        "payments.csv", "statement.csv", "statement.html",
    }  # fmt: skip
    for words in ("CLIENT-0001", "Undisputed debt: USD 500.00", "USD 200.00 of the invoice is in dispute"):
        assert words in body(mail.content)


def test_the_statement_ends_at_what_is_outstanding() -> None:
    rows = rows_of(files_of(made())["statement.csv"])
    assert [(r["entry"], r["reference"], r["debit"], r["credit"], r["balance"]) for r in rows] == [
        ("Invoice", "INV-0007", "1000.00", "", "1000.00"),
        ("Payment", "'=BANK-1", "", "300.00", "700.00"),
    ]
    credited = made(credited="100.00 USD", outstanding="650.00 USD", disputed=None)
    assert [r["entry"] for r in rows_of(files_of(credited)["statement.csv"])][1:] == [
        "Credit note", "Payment", "Other bookings"
    ]  # fmt: skip
    assert rows_of(files_of(credited)["statement.csv"])[-1]["balance"] == "650.00"


def test_payments_say_which_of_them_count() -> None:
    rows = rows_of(files_of(made())["payments.csv"])
    assert [(r["payment"], r["amount"], r["currency"], r["state"]) for r in rows] == [
        ("'=BANK-1", "300.00", "USD", "applied"),
        ("BANK-2", "50.00", "USD", "reversed"),
        ("BANK-3", "70.00", "EUR", "not applied"),
    ]


def test_the_history_joins_steps_and_mails() -> None:
    rows = rows_of(files_of(made())["history.csv"])
    assert [(r["step"], r["performed_at"], r["sent_to"]) for r in rows] == [
        ("reminder_1", "2026-01-02T09:00:00Z", "a@b.example"),
        ("formal_demand_15", "2026-01-16T09:00:00Z", "a@b.example"),
    ]


def test_the_notices_are_the_mails_as_they_were_sent() -> None:
    files = files_of(made())
    assert files["notices/001-reminder_1-20260102.eml"] == EARLIER[1].content
    assert files["notices/002-formal_demand_15-20260116.eml"] == EARLIER[0].content


def test_interest_is_shown_segment_by_segment() -> None:
    rows = rows_of(files_of(made())["interest.csv"])
    assert [(r["days"], r["balance"], r["interest"]) for r in rows] == [
        ("9", "800.00", "3.60"), ("51", "500.00", "12.75"), ("0", "500.00", "16.35")
    ]  # fmt: skip
    without = files_of(made(invoice=an_invoice(late_fee=None)))
    assert b"No contractual late fee" in without["interest.txt"] and "interest.csv" not in without


def test_what_is_internal_stays_inside() -> None:
    buyer = {"id": "B-1", "name": "X", "tier": "watchlist", "contact": {"email": "a@b.example"}}
    invoice = an_invoice(notes="ask our agent", buyer=buyer, cover={"insured_percentage": "85"})
    data = json.loads(files_of(made(invoice=invoice))["invoice.json"])
    assert data["number"] == "INV-0007" and data["buyer"]["name"] == "X"
    assert not {"notes", "cover", "agency"} & set(data) and "tier" not in data["buyer"]


def test_the_manifest_holds(tmp_path: Any) -> None:
    files = files_of(made())
    lines = [line.split("  ", 1) for line in files["SHA256SUMS"].decode().splitlines()]
    sums = {name: digest for digest, name in lines}
    assert set(sums) == set(files) - {"README.txt", "SHA256SUMS"}
    for name, digest in sums.items():
        assert hashlib.sha256(files[name]).hexdigest() == digest
        assert f"{name}" in files["README.txt"].decode() and digest in files["README.txt"].decode()
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=tmp_path, check=True)


def test_the_same_step_gives_the_same_bytes() -> None:
    assert made().content == made().content


@pytest.mark.parametrize("year", [1970, 2026, 2200])
def test_a_bundle_can_be_made_in_any_year(year: int) -> None:
    at = datetime(year, 3, 1, tzinfo=UTC)
    with zipfile.ZipFile(io.BytesIO(bundle("f", "t", {"a": b"b"}, {}, at))) as archive:
        assert archive.read("f/a") == b"b"


@pytest.mark.parametrize("cell", ["=1+1", "+A1", "-A1", "@SUM(A1)", "\t=1", " =1", "=cmd|' /C calc'!A0", "＝1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    rows = list(csv.reader(io.StringIO(csv_file(("a",), [(cell,)]).decode("utf-8-sig"))))
    assert rows[1][0].startswith("'")


def test_numbers_stay_numbers() -> None:
    assert csv_file(("a", "b"), [("-12.50", None)]).decode("utf-8-sig") == "a,b\r\n-12.50,\r\n"


@given(st.text(min_size=1), st.text(min_size=1))
def test_any_number_gives_a_safe_and_distinct_name(one: str, other: str) -> None:
    name = safe_name(one)
    assert name and len(name.encode()) <= 90 and not set(name) & set('/\\:*?"<>|\0\n ') and name[0] not in ".-"
    assert one == other or name != safe_name(other)


@pytest.mark.parametrize("number", ["../../etc/passwd", "发票/1", "CON", "a" * 200, "-rf", "x\\y", "甲" * 60])
def test_any_invoice_number_can_be_packed(number: str) -> None:
    mail = made(invoice=an_invoice(number=number))
    (attachment,) = read(mail.content).iter_attachments()
    with zipfile.ZipFile(io.BytesIO(attachment.get_content())) as archive:
        assert all(".." not in name.split("/") and name.count("/") <= 2 for name in archive.namelist())
    assert rows_of(files_of(mail)["statement.csv"])[0]["reference"].removeprefix("'") == number


def test_the_printed_statement_escapes_what_it_quotes() -> None:
    page = files_of(made(invoice=an_invoice(name="<script>alert(1)</script>")))["statement.html"].decode()
    assert "<script" not in page and "&lt;script&gt;" in page


# --- claim file ---------------------------------------------------------------------------------------------


def test_a_claim_goes_to_the_insurer_on_the_undisputed_part_by_the_cover() -> None:
    cover = {"insured_percentage": "85", "credit_limit": "400.00 USD", "deductible": "40.00 USD"}
    invoice = an_invoice(cover=cover, guarantee={"text": "bank guarantee 7"})
    mail = made("insurance_claim", invoice)
    assert mail.recipient == "claims@sample-insurance.example"
    files = files_of(mail)
    # 85 % of the 400 within the limit (500 are undisputed), less 40.
    assert "Amount claimed: USD 300.00" in body(mail.content)
    assert b"Amount claimed: USD 300.00" in files["claim_calculation.txt"]
    assert b"bank guarantee 7" in files["securities.txt"]
    assert b"Credit limit: USD 400.00" in files["limit_evidence.txt"]
    assert b"disputes USD 200.00 of USD 700.00" in files["dispute_statement.txt"]
    assert b"Reason given: late delivery" in files["dispute_statement.txt"]
    assert {"invoice.json", "statement.csv", "payments.csv", "history.csv"} <= set(files)
    assert "limit evidence" not in body(mail.content) and "proof of delivery" in body(mail.content)
    assert mail.note == ""


def test_without_recorded_cover_the_usual_percentage_is_claimed_and_evidence_follows() -> None:
    mail = made("insurance_claim")
    assert "Amount claimed: USD 450.00" in body(mail.content)
    assert "limit evidence: no cover is recorded" in body(mail.content)
    assert "limit evidence" in mail.note


def test_a_claim_below_the_threshold_is_not_filed() -> None:
    with pytest.raises(CannotCompose, match=r"nothing to claim \(at or below the threshold"):
        made("insurance_claim", an_invoice(cover={"threshold": "5000.00 USD"}))


def test_a_notice_of_overdue_goes_to_the_insurer_whatever_the_claim_would_be() -> None:
    mail = made("insurer_notice", an_invoice(cover={"threshold": "5000.00 USD"}))
    assert mail.subject == "Notice of overdue: ACME Trading Ltd, invoice INV-0007"
    assert "POLICY-0001" in body(mail.content)


# --- to whom ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "role"), [("referral", "agency"), ("insurance_claim", "insurer"), ("insurer_notice", "insurer")]
)
def test_without_counterpart_or_its_address_nothing_is_handed_on(kind: str, role: str) -> None:
    invoice = an_invoice()
    order = order_for(invoice, kind)
    with pytest.raises(CannotCompose, match=f"creditor ACME has no {role}: add `{role}`"):
        compose(order, invoice, acme().but(**{role: None}), at=order.at)
    mute = getattr(acme(), role).but(email=None)
    with pytest.raises(CannotCompose, match=f"the {role} .* has no e-mail address"):
        compose(order, invoice, acme().but(**{role: mute}), at=order.at)


def test_an_invoice_that_names_another_counterpart_is_not_sent_to_the_wrong_one() -> None:
    with pytest.raises(CannotCompose, match="names the agency 'Other Ltd', but creditor ACME knows"):
        made(invoice=an_invoice(agency="Other Ltd"))
    with pytest.raises(CannotCompose, match="names the insurer 'Other Re'"):
        made("insurance_claim", an_invoice(cover={"insurer": "Other Re"}))
    same = made(invoice=an_invoice(agency="sample collections LTD"))
    assert same.recipient == "cases@sample-collections.example"
    assert made(invoice=an_invoice(agency="cases@other.example")).recipient == "cases@other.example"


def test_nothing_is_handed_on_while_all_of_it_is_disputed() -> None:
    with pytest.raises(CannotCompose, match="nothing undisputed is left to hand on"):
        made(disputed="700.00 USD")
