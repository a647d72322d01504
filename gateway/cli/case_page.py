"""A case as `show` prints it for people, from the JSON that it prints for programs."""

from collections.abc import Iterator, Mapping
from typing import Any

from models.money import Money

_LABEL = 13


def case_lines(shown: Mapping[str, Any]) -> Iterator[str]:
    """Where the case stands, what comes next, what is agreed, what happened, what is to be done: line by line."""
    yield f"Invoice {shown['creditor']}/{shown['invoice']}, buyer {shown['buyer']}, policy {shown['policy']['id']}"
    for label, text in (*_standing(shown), *_agreed(shown), *_past(shown), *_ahead(shown)):
        yield f"{label:<{_LABEL}}{text}"


def _standing(shown: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "stage", shown["stage"] + (f" ({shown['outcome']})" if shown["outcome"] else "")
    yield "outstanding", f"{amount(shown['outstanding'])} of {amount(shown['amount'])}, due {shown['due']}"
    balance = shown["balance"]
    if balance["claimed"]:
        parts = (f"{part} {amount(balance[part])}" for part in ("principal", "interest", "costs"))
        yield "", f"{', '.join(parts)} (booked through {balance['booked_through']})"
    if shown["next"]:
        yield "next", f"{shown['next']['step']} at {shown['next']['at']}"
        if shown["next_why"]:
            yield "", shown["next_why"]
    if shown["waiting_for_approval"]:
        yield "approval", f"{', '.join(shown['waiting_for_approval'])} waits for a second person: `arrears approve`"
    for step, until in shown["deferred"].items():
        yield "deferred", f"{step} until {until}"


def _agreed(shown: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if shown["on_hold"]:
        yield "on hold", "the ladder stands still"
    for hold in shown["holds"]:
        yield "hold", f"{hold['id']} since {hold['since'][:10]}" + (f": {hold['reason']}" if hold["reason"] else "")
    if dispute := shown["dispute"]:
        answer = f", to be answered by {dispute['answer_by']}" if dispute["answer_by"] else ""
        reason = f": {dispute['reason']}" if dispute["reason"] else ""
        since = f"since {dispute['since'][:10]} ({dispute['category']})"
        yield "dispute", f"{amount(dispute['amount'])} {since}{answer}{reason}"
    if promise := shown["promise"]:
        pauses = "" if promise["pauses"] else "; it does not pause the ladder"
        yield "promise", f"{amount(promise['amount'])} by {promise['pay_by']}, broken at {promise['deadline']}{pauses}"
    for instalment in shown["plan"] or ():
        yield "instalment", f"{amount(instalment)} by {instalment['due']}"
    if proposal := shown["write_off"]:
        yield "write-off", f"proposed by {proposal['by']}: {proposal['reason']}"


def _past(shown: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for step in shown["steps"]:
        yield "done", f"{step['step']} ({step['kind']}) at {step['performed_at']}  {step['notice'] or ''}".rstrip()
    for skipped in shown["skipped"]:
        yield "skipped", f"{skipped['step']}: {skipped['reason']}"
    for payment in shown["payments"]:
        mark = f", counts as {amount(payment['counts_as'])}" if payment["counts_as"] else ""
        mark += f", {amount(payment['returned'])} of it paid back or set off" if payment["returned"] else ""
        mark += " (reversed)" if payment["reversed"] else ""
        yield "payment", f"{payment['id']}: {amount(payment)} on {payment['received_on']}{mark}"
    for credit in shown["balance"]["credits"]:
        yield "credit", f"{credit['id']}: {amount(credit)} on {credit['on']} ({credit['kind'].replace('_', ' ')})"
    for waiver in shown["balance"]["waived"]:
        yield "waived", f"{waiver['id']}: {amount(waiver)} on {waiver['on']} by {waiver['by']}: {waiver['reason']}"
    for settled in shown["settled"]:
        how = f"{settled['outcome']} on {settled['at'][:10]}"
        yield settled["kind"], f"{settled['id']}: {amount(settled['amount'])}, {how}"
    for cash in shown["unapplied"]:
        yield "unapplied", f"{cash['id']}: {amount(cash)}"
    for cash in shown["buyer_cash"]:
        yield "unmatched", f"{amount(cash)} of {cash['payer'] or 'the buyer'} on {cash['received_on']}: `arrears match`"
    for rejected in shown["rejected"]:
        yield "rejected", f"{rejected['message']}: {rejected['reason']}"


def _ahead(shown: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    interest = shown["interest"] or {"segments": (), "claimed": True, "warnings": ()}
    for segment in interest["segments"]:
        days = f"{segment['from']} to {segment['to']}, {segment['days']} days"
        mark = "" if segment["verified"] else " (unverified)"
        rate = f"none: {segment['source']}" if segment["rate"] == "none" else f"at {segment['rate']}{mark}"
        yield "interest", f"{segment['amount']} for {days}, on {segment['balance']} {rate}"
    if interest["segments"] and not interest["claimed"]:
        yield "", "not claimed in this case so far"
    for warning in interest["warnings"]:
        yield "warning", warning
    for deadline in shown["deadlines"]:
        left = deadline["state"] if deadline["state"] != "open" else f"{deadline['days_left']} days left"
        source = deadline["source"] + ("" if deadline["verified"] else ", not verified")
        yield "deadline", f"{deadline['name']} {deadline['day']}, {left} ({deadline['why']}; {source})"
    for task in shown["tasks"]:
        if not task["done"]:
            yield "task", f"{task['id']}: {task['text']}"


def amount(value: Mapping[str, Any]) -> str:
    """An amount of the JSON as people write it."""
    return str(Money(amount=value["amount"], currency=value["currency"]))
