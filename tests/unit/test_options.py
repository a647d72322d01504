"""Messages from the options of a command: what is wrong is said, with the option where it is one."""

from typing import Any

import pytest

from gateway.cli.session import message
from gateway.errors import InputRefused
from models import events as e

NOTHING = {"amount": "0.00", "currency": "EUR"}
ONE = {"amount": "1.00", "currency": "EUR"}


@pytest.mark.parametrize(
    ("kind", "fields", "reason"),
    [
        (e.PaymentReceived, {"id": "A", "amount": NOTHING, "received_on": "2026-03-02"}, "--amount: a payment is more"),
        (e.PaymentReceived, {"id": "", "amount": ONE, "received_on": "2026-03-02"}, "--reference: "),
        (e.PaymentAllocated, {"id": "A", "payment": "P", "counts_as": NOTHING}, "a payment counts for more than zero"),
        (e.CreditNoteIssued, {"id": "A", "amount": ONE, "payment": "P"}, "a credit_note goes with no payment: only"),
    ],
)
def test_what_is_wrong_is_said_with_its_option_if_it_is_one(
    kind: type[e.Message], fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InputRefused) as refusal:
        message(kind, **fields)
    assert str(refusal.value).startswith(reason)
