"""What came in is told apart: an answer, a machine, a report, a receipt, and our own voice."""

import pytest

from gateway.replies.classify import Judged, judge
from gateway.replies.reading import read_mail
from tests.incoming import DEBTOR, NOTICE, answer, delivery_report, raw, read_receipt

OURS = {"receivables@acme.example"}


def judged(content: bytes) -> Judged:
    return judge(read_mail(content), OURS)


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Re: Reminder", "We pay on Friday."),
        ("Automatic doors: invoice 17", "The doors do not work, see our complaint."),
        ("Re: Reminder", "I am out of the office until Monday; the payment leaves on Tuesday."),
        ("AW: Mahnung", "Ich bin im Urlaub, Frau Weber überweist die Rechnung morgen."),
        ("回复：付款提醒", "我正在出差中，货款下周一付款。"),
        ("Re: Reminder", "The goods arrived damaged and we will not accept them. Our buyer is on vacation, call me."),
        ("Re: Reminder", "Please send us the delivery note again. I am on annual leave from Friday, so be quick."),
        ("Re: Reminder", "Our accountant is on vacation until Monday, she will get back to you then."),
        ("Re: Reminder", "I am on vacation, but you should know that we are closing the plant."),
        ("Re: Reminder", "I am out of the office until Monday.\nAsk your own people who signed for it."),
        ("AW: Mahnung", "Die Ware war mangelhaft. Herr Meier ist im Urlaub, bitte rufen Sie mich an."),
        ("AW: Mahnung", "Ihre Hotline ist nicht erreichbar."),
        ("Re: Reminder", "Hello, nobody here knows you. I am out of the office."),
        ("Out of office next week", "I reject the goods."),
        ("回复：付款提醒", "货物有质量问题，已要求退货。负责人出差中，请联系我。"),
        ("Re: relance", "Les marchandises étaient abîmées. Je suis en vacances."),
    ],
)
def test_an_answer_is_an_answer(subject: str, text: str) -> None:
    assert judged(answer(text, subject=subject)).kind == "reply"


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"}, {"Auto_Submitted": "auto-generated; owner-email=x@y.example"},
        {"X_Autoreply": "yes"}, {"X_Autorespond": "1"}, {"Precedence": "bulk"}, {"Precedence": "auto_reply"},
    ],
)  # fmt: skip
def test_a_machine_is_known_by_its_headers(headers: dict[str, str]) -> None:
    assert judged(answer("Thank you for your message.", **headers)).kind == "auto_reply"


@pytest.mark.parametrize("headers", [{"Auto_Submitted": "no"}, {"X_Autoreply": "no"}, {"List_Id": "<ar.acme.example>"}])
def test_a_header_that_denies_it_or_comes_from_our_own_list_makes_no_machine(headers: dict[str, str]) -> None:
    assert judged(answer("We pay on Friday.", **headers)).kind == "reply"
    assert judged(answer("Buy shoes!", to=None, List_Unsubscribe="<mailto:x@y.example>")).kind == "auto_reply"


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Automatic reply: Reminder", "Back on Monday."),
        ("Out of Office: Re: Reminder", "-"),
        ("Automatische Antwort: Zahlungserinnerung", "Ich bin bis Montag nicht im Büro."),
        ("Abwesenheitsnotiz", "Vielen Dank für Ihre Nachricht."),
        ("Réponse automatique : relance", "Je suis absent du bureau."),
        ("Respuesta automática: aviso", "Estoy fuera de la oficina."),
        ("自动回复：付款提醒", "您好，我不在办公室。"),
        ("Re: Reminder", "Thank you for your mail. I am currently out of the office and back on 9 March."),
        ("Re: Zahlungserinnerung", "Ich bin derzeit im Urlaub. In dringenden Fällen: Frau Weber."),
        ("Re: relance", "Je suis actuellement absent, de retour lundi."),
        ("Re: aviso", "Estoy de vacaciones hasta el lunes."),
        ("回复：提醒", "您好，我正在休假，3月9日返回。"),
        ("Absence", "Je serai absente jusqu'au 3 décembre inclus. Pour toute urgence, contactez M. Dupont."),
        ("Re: relance", "Bonjour, je suis en vacances."),
        ("Re: Zahlungserinnerung", "Ich bin bis zum 3. Dezember nicht erreichbar."),
        ("Re: Zahlungserinnerung", "Ich bin bis 3.12. nicht erreichbar."),
        ("Re: aviso", "Estaré ausente hasta el 3 de diciembre."),
        ("Risposta automatica: avviso", "Sono fuori ufficio fino al 3."),
        ("Re: Reminder", "Hello,\n\nI am on annual leave with no\naccess to my e-mails.\n\nBest regards\nKim Lee"),
    ],
)
def test_out_of_office_is_known_by_its_words(subject: str, text: str) -> None:
    assert judged(answer(text, subject=subject)).kind == "auto_reply"


@pytest.mark.parametrize(
    ("action", "status", "kind"),
    [("failed", "5.1.1", "bounced"), ("delayed", "4.4.1", "delayed"), ("delivered", "2.0.0", "delivered"),
     ("relayed", "2.0.0", "relayed"), ("expanded", "2.0.0", "delivered"), ("failed (see below)", "4.4.7", "bounced")],
)  # fmt: skip
def test_a_delivery_report_is_read_with_address_code_and_the_mail_it_is_about(
    action: str, status: str, kind: str
) -> None:
    found = judged(delivery_report(action, status, "smtp; 550 said so", case="invoice/ACME/0017"))
    assert (found.kind, found.notices[0], found.case, found.address) == (kind, NOTICE, "invoice/ACME/0017", DEBTOR)
    assert status in found.detail and "550 said so" in found.detail


def test_a_report_on_several_recipients_counts_by_the_gravest() -> None:
    both = delivery_report("delivered", "2.0.0").replace(
        b"--b1\r\nContent-Type: text/rfc822-headers",
        b"Final-Recipient: rfc822; gone@buyer.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        b"--b1\r\nContent-Type: text/rfc822-headers",
    )
    assert (judged(both).kind, judged(both).address) == ("bounced", "gone@buyer.example")


def test_a_report_that_returns_the_whole_mail_or_only_quotes_it_is_understood() -> None:
    whole = delivery_report().replace(b"text/rfc822-headers", b"message/rfc822")
    assert judged(whole).notices[0] == NOTICE
    plain = delivery_report().replace(b"message/delivery-status\r\n", b"message/delivery-status; charset=utf-8\r\n")
    assert judged(plain).kind == "bounced"
    prose = raw(
        "Return-Path: <>", "From: MAILER-DAEMON@relay.example", "To: receivables@acme.example",
        "Subject: failure notice", "", "Hi. This is the qmail-send program at relay.example.",
        "I'm afraid I wasn't able to deliver your message to the following addresses.", "<gone@buyer.example>:",
        "550 5.1.1 User unknown", "", "--- Below this line is a copy of the message.", "Message-ID: {id}", id=NOTICE,
    )  # fmt: skip
    found = judged(prose)
    assert (found.kind, found.notices, found.address) == ("bounced", (NOTICE,), "gone@buyer.example")
    assert "550 5.1.1 User unknown" in found.detail


def test_a_warning_in_prose_is_a_delay() -> None:
    found = judged(raw(
        "From: postmaster@relay.example", "Subject: Undeliverable so far: delivery delayed", "",
        "The mail to a@buyer.example was delayed. It will retry for 4 days.",
    ))  # fmt: skip
    assert found.kind == "delayed"


def test_a_complaint_about_delivery_by_a_person_is_no_bounce() -> None:
    assert judged(answer("The goods were not delivered. 550 boxes are missing.")).kind == "reply"


@pytest.mark.parametrize(
    ("disposition", "kind"),
    [("displayed", "read"), ("deleted", "deleted"), ("displayed/error", "read"), ("", "auto_reply")],
)
def test_a_read_receipt_is_no_answer(disposition: str, kind: str) -> None:
    found = judged(read_receipt(disposition))
    assert (found.kind, found.notices[0]) == (kind, NOTICE)


def test_our_own_voice_is_a_loop() -> None:
    assert judged(answer(sender="ACME <Receivables@acme.example>")).kind == "loop"
    assert judged(answer(X_Arrears_Case="invoice/ACME/0017")).kind == "loop"
