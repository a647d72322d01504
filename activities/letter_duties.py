"""What keeps a letter back: facts that do not allow it, elements that it lacks, words that it may not say.

How a finished text is searched is in letter_check.py; what is asked of it, by kind, content and jurisdiction, is here.
"""

from collections.abc import Sequence

from activities.letter_check import Expected, ExpectedLine, harsh_words, missing_elements, missing_in_print
from activities.letter_content import LetterContent, LetterKind
from activities.letter_document import addressee_lines, open_principal, reference_of, segment_rows, third_party_of
from activities.mime import one_line
from activities.refusals import CannotCompose
from activities.wording import Wording
from models.jurisdiction import LetterRule
from models.parties import Party


def sound(kind: LetterKind, content: LetterContent) -> None:
    """Refuse a letter that the facts do not allow.

    Raises:
        CannotCompose: with the reason, and what to do.
    """
    if len({line.figures.demanded.currency for line in content.invoices}) != 1:
        raise CannotCompose("a letter is about invoices of one currency: write one for each")
    overdue, first = overdue_days(content), min(line.due for line in content.invoices)
    if kind.overdue and overdue <= 0:
        raise CannotCompose(f"a {kind.name} is about what is overdue, and nothing is (the first due date is {first})")
    if kind.name == "reminder_before_due" and overdue > 0:
        raise CannotCompose(f"a {kind.name} comes before the due date, and {first} is past: send a reminder")
    if kind.demand and content.deadline is None:
        raise CannotCompose(f"a {kind.name} sets a final date for payment, and none was given")
    least = max((rule.days or 0 for rule in _rules_for(kind, content)), default=0)
    if kind.demand and content.deadline is not None and (content.deadline - content.today).days < least:
        raise CannotCompose(
            f"the letter gives {(content.deadline - content.today).days} days, but the law asks for {least} "
            f"({'; '.join(rule.source for rule in _rules_for(kind, content) if rule.days)}): "
            f"set `cure_period: P{least}D` in the policy's step"
        )
    if kind.third_party and third_party_of(content) is None:
        raise CannotCompose(
            f"creditor {content.creditor.code} has no agency, to which a {kind.name} refers the debtor: add `agency` "
            "with name and e-mail to its file"
        )
    if kind.instalments and not content.instalments:
        raise CannotCompose("there is no payment plan to confirm: agree one first (`arrears plan`)")


def _rules_for(kind: LetterKind, content: LetterContent) -> list[LetterRule]:
    """The jurisdiction's rules that are for this addressee and this day."""
    return [
        rule
        for rule in content.rules
        if kind.demand and rule.to in ("any", content.addressee) and rule.valid_from <= content.today
    ]


def check(
    kind: LetterKind, name: str, subject: str, text: str, html: str, expected: Expected, content: LetterContent
) -> None:
    """Refuse a finished letter that lacks what it must say, or says what it must not.

    Raises:
        CannotCompose: naming the elements or words, and what to mend.
    """
    creditor = content.creditor
    needs = [need for rule in _rules_for(kind, content) for need in rule.needs]
    missing = dict.fromkeys(
        [
            *missing_elements(kind.name, text, expected, needs=needs),
            *missing_elements(kind.name, html, expected, html=True, needs=needs),
        ]
    )
    if missing:
        remedies = dict.fromkeys(_remedy(element, name, expected, content) for element in missing)
        raise CannotCompose(f"the letter lacks {', '.join(missing)}: {'; '.join(remedies)}")
    harsh = harsh_words(f"{subject}\n{text}", expected.quoted, name.partition("/")[0])
    if harsh:
        said = ", ".join(map(repr, harsh))
        raise CannotCompose(f"the letter says {said}, which is no way to ask: reword {name} (creditor {creditor.code})")


def check_print(kind: LetterKind, shown: str, expected: Expected, content: LetterContent) -> None:
    """Refuse a letter whose pages leave out what its text says, as a layout of the creditor's own may.

    Raises:
        CannotCompose: naming the elements.
    """
    needs = [need for rule in _rules_for(kind, content) for need in rule.needs]
    missing = missing_in_print(kind.name, shown, expected, needs)
    if missing:
        raise CannotCompose(
            f"the {kind.name} in print lacks {', '.join(missing)}: mend the layout letter.typ of creditor "
            f"{content.creditor.code}"
        )


def _remedy(element: str, template: str, expected: Expected, content: LetterContent) -> str:
    creditor = content.creditor
    if element.startswith("law firm") and not expected.law_firm:
        return f"creditor {creditor.code} has no law firm: add `law_firm` with name and e-mail to its file"
    if element == "law firm's contact" and not expected.law_firm_contact:
        return f"the law firm of creditor {creditor.code} has neither e-mail nor phone: add one to its file"
    if element == "third party's contact" and not expected.third_party_contact:
        return f"the third party of creditor {creditor.code} has neither e-mail nor phone: add one to its file"
    if element == "payment details" and not expected.account:
        return f"creditor {creditor.code} has no bank account: add `bank_account` with its iban to its file"
    if element == "payment received" and not expected.received:
        return "no payment is known that could have crossed a letter"
    return f"mend the template {template}"


def expected_of(kind: LetterKind, content: LetterContent, wording: Wording) -> Expected:
    """What a letter has to say, in the words of its language."""
    creditor, day, money = content.creditor, wording.calendar_day, wording.money
    first, firm, third = content.invoices[0], creditor.law_firm, third_party_of(content)
    account = " ".join(one_line(creditor.bank_account.iban).split())
    addressee = one_line(content.buyer.name)
    return Expected(
        labels=wording.labels, number=first.number, amount=money(content.demanded), due=day(first.due),
        date=day(content.today), days_overdue=overdue_days(content),
        deadline=day(content.deadline) if content.deadline and kind.demand else "",
        dispute_to=creditor.reply_to or creditor.sender,
        late_fee=tuple(row["formula"] for line in content.invoices for row in segment_rows(line, wording))
        if overdue_days(content) > 0
        else (),
        per_day=money(content.total("per_day")),
        law_firm=one_line(firm.name) if firm else "", law_firm_contact=_reach(firm), account=account,
        quoted=_quoted(content, addressee),
        lines=tuple(
            ExpectedLine(line.number, money(open_principal(line.figures)), day(line.due),
                         line.figures.days_overdue if line.figures.demanded else 0)
            for line in content.invoices
        ) if content.many else (),
        reference=one_line(reference_of(content)),
        parties=(one_line(creditor.name), *addressee_lines(content, wording)),
        third_party=one_line(third.name) if third else "", third_party_contact=_reach(third),
        instalments=tuple((day(part.due), money(part.amount)) for part in content.instalments),
        received=tuple((day(payment.on), money(payment.amount)) for payment in content.received),
    )  # fmt: skip


def _reach(party: Party | None) -> tuple[str, ...]:
    return tuple(way for way in (party.email, one_line(party.phone or "")) if way) if party else ()


def overdue_days(content: LetterContent) -> int:
    """For how many days the oldest invoice that is still asked for has been overdue; negative before its due date."""
    asked = [line.figures for line in content.invoices if line.figures.demanded]
    return max((figures.days_overdue for figures in asked), default=0)


def _quoted(content: LetterContent, addressee: str) -> Sequence[str]:
    creditor, account = content.creditor, content.creditor.bank_account
    firm, third = creditor.law_firm, third_party_of(content)
    words = (
        addressee, content.buyer.id, content.reference, creditor.name, creditor.sender, creditor.reply_to,
        creditor.phone, *creditor.address, *content.buyer.postal, account.holder, account.iban, account.bic,
        account.bank,
        *(word for line in content.invoices for word in (line.number, line.contract, line.order)),
        *(line.number for line in (*content.also_open, *content.contested)),
        *(word for party in (firm, third) if party for word in (party.name, party.email, *party.address)),
        *(payment.reference for payment in content.received),
        *(segment.source.partition(":")[0] for line in content.invoices if line.figures.interest
          for segment in line.figures.interest.segments),
    )  # fmt: skip
    return [clean for word in words if word and (clean := one_line(word))]
