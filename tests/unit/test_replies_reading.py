"""A mail from outside is read as far as it can be, or refused with a reason; nothing it holds raises anything else."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.replies.reading import MAX_BYTES, MailUnreadable, read_mail
from gateway.replies.text import decoded, html_to_text, without_quotes
from tests.incoming import NOTICE, answer, delivery_report

HEAD = b"From: a@b.example\r\nSubject: Re: x\r\nMIME-Version: 1.0\r\n"


def test_an_answer_is_read_with_whom_it_is_from_and_what_it_answers() -> None:
    mail = read_mail(answer("We pay on Friday.\n\n> Please pay\n> now\n"))
    assert (mail.sender, mail.subject) == ("debtor@buyer.example", "Re: Payment reminder")
    assert (mail.message_id, mail.answers) == ("<r1@buyer.example>", (NOTICE,))
    assert mail.said == "We pay on Friday."
    assert mail.at is not None and mail.at.utcoffset() is not None


def test_the_answered_mail_comes_before_its_ancestors() -> None:
    chain = "<first@x.example> <second@x.example> <third@x.example>"
    mail = read_mail(answer(to=None, References=chain, In_Reply_To="<third@x.example>"))
    assert mail.answers == ("<third@x.example>", "<second@x.example>", "<first@x.example>")


def test_ten_megabytes_are_too_much_and_the_refusal_says_so() -> None:
    with pytest.raises(MailUnreadable, match=r"it has 10\.0 MB; at most 10 MB are read.*`arrears reply`"):
        read_mail(HEAD + b"\r\n" + b"x" * MAX_BYTES)


@pytest.mark.parametrize(
    "content", [b"", b"\x00\x01\x02", b"%PDF-1.7\n", b"PK\x03\x04", b"just words\n", b"X-A: 1\r\n\r\nz"]
)
def test_what_is_no_mail_is_refused(content: bytes) -> None:
    with pytest.raises(MailUnreadable, match="no mail"):
        read_mail(content)


def test_a_mail_nested_a_thousand_times_is_refused_at_once() -> None:
    parts = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n' for n in range(1_000))
    began = time.monotonic()
    with pytest.raises(MailUnreadable, match="nested too deeply"):
        read_mail(HEAD + parts.encode())
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("many", [b"\n", b"X: a\r\n", b">\n"])
def test_a_mail_of_millions_of_lines_is_refused_at_once(many: bytes) -> None:
    began = time.monotonic()
    with pytest.raises(MailUnreadable, match="which nobody wrote"):
        read_mail(HEAD + many * 1_000_000)
    assert time.monotonic() - began < 1


def test_a_sender_of_nothing_but_brackets_is_nobody() -> None:
    assert read_mail(b"From: " + b"(" * 100_000 + b"\r\n\r\nWe paid.").sender == ""


def test_a_mail_without_message_id_is_known_by_its_bytes() -> None:
    content = answer(message_id=None)
    assert (
        read_mail(content).message_id
        == read_mail(content).message_id
        == f"<{read_mail(content).sha256[:40]}@no-message-id.invalid>"
    )


@pytest.mark.parametrize(
    ("charset", "text"),
    [("gb2312", "我们将于周五付款。"), ("gb18030", "㐀款项已汇出"), ("big5", "我們週五付款"), ("utf-8", "支払いました"),
     ("iso-8859-1", "Wir überweisen 5 € morgen"), ("windows-1252", "réglé – merci")],
)  # fmt: skip
def test_text_is_read_in_its_charset(charset: str, text: str) -> None:
    codec = {"iso-8859-1": "cp1252"}.get(charset, charset)
    body = HEAD + f"Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n".encode()
    assert read_mail(body + text.encode(codec)).text == text


@pytest.mark.parametrize(
    "charset", ["", "; charset=nonsense-7", "; charset=us-ascii", "; charset=punycode", '; charset="']
)
@pytest.mark.parametrize(
    ("codec", "text"),
    [("gb18030", "我们将于周五付款，请勿再催。"), ("utf-8", "Überweisung folgt"), ("cp1252", "Überweisung folgt")],
)
def test_text_without_a_charset_to_trust_is_read_all_the_same(charset: str, codec: str, text: str) -> None:
    body = HEAD + f"Content-Type: text/plain{charset}\r\n\r\n".encode() + text.encode(codec)
    assert read_mail(body).text == text


def test_a_chinese_subject_and_name_are_read_encoded_or_not() -> None:
    encoded = read_mail(answer(subject="回复：付款提醒", sender="王伟 <wang@buyer.example>"))
    bare = read_mail("From: 王伟 <wang@buyer.example>\r\nSubject: 回复：付款提醒\r\n\r\n好的".encode())
    for mail in (encoded, bare):
        assert (mail.subject, mail.sender) == ("回复：付款提醒", "wang@buyer.example")
    assert bare.text == "好的"


@pytest.mark.parametrize("subject", ["=?utf-8?b?%%%?=", "=?x-none?q?=FF?=", "=?utf-8?q?=E4=BD?= =?utf-8?q?=A0?=", "=?"])
def test_a_broken_subject_does_not_matter(subject: str) -> None:
    assert read_mail(f"From: a@b.example\r\nSubject: {subject}\r\n\r\nWe paid.".encode()).text == "We paid."


def test_html_alone_becomes_text_without_what_it_quotes_or_hides() -> None:
    source = """<html><head><title>T</title><style>p {color: red}</style></head><body><!-- c -->
        <p>We pay&nbsp;on<br>Friday.</p>
        <script>alert(1)</script><img src="http://tracker.example/x.png">
        <table><tr><td>Best,</td></tr><tr><td>Kim</td></tr></table>
        <div class="gmail_quote">On Monday ACME wrote:<blockquote>Please pay<div>now</div></blockquote></div>
        </body></html>"""
    body = HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n" + source.encode()
    mail = read_mail(body)
    assert mail.said.split() == "We pay on Friday. Best, Kim".split()
    assert "Please pay" in mail.text and "alert" not in mail.text and "color" not in mail.text


def test_plain_text_counts_before_html_and_attachments_count_for_nothing() -> None:
    assert read_mail(answer("Plain.", html="<p>Rich.</p>")).text == "Plain."
    content = HEAD + (
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Disposition: attachment; filename=x.txt\r\n'
        b"Content-Type: text/plain\r\n\r\nenclosed\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>Said.</p>\r\n--b--\r\n"
    )
    assert read_mail(content).text == "Said."


def test_a_mail_cut_off_in_the_middle_is_read_as_far_as_it_goes() -> None:
    content = answer("We paid.", html="<p>We paid.</p>")
    for end in range(60, len(content), 7):
        try:
            assert read_mail(content[:end]).sender == "debtor@buyer.example"
        except MailUnreadable:
            pytest.fail(f"cut off after {end} bytes it is still a mail")


@pytest.mark.parametrize(
    "quote",
    [
        "On Mon, 2 Mar 2026 at 09:00, ACME <a@acme.example> wrote:\n> Please pay",
        "On Mon, 2 Mar 2026 at 09:00, ACME Receivables\n<receivables@acme.example> wrote:\n> Please pay",
        "Am 02.03.2026 um 09:00 schrieb ACME:\n> Bitte zahlen",
        "Le lun. 2 mars 2026 à 09:00, ACME <a@acme.example> a écrit :\n> Payez",
        "El lun, 2 mar 2026 a las 9:00, ACME (<a@acme.example>) escribió:\n> Pague",
        "在 2026年3月2日，ACME <a@acme.example> 写道：\n> 请付款",
        "-----Original Message-----\nFrom: ACME\nPlease pay",
        "-----Ursprüngliche Nachricht-----\nVon: ACME\nBitte zahlen",
        "------------------ 原始邮件 ------------------\n发件人: ACME\n请付款",
        "From: ACME <a@acme.example>\nSent: Monday, 2 March 2026 09:00\nTo: Kim\nSubject: Reminder\n\nPlease pay",
        "Von: ACME\nGesendet: Montag\nAn: Kim\nBetreff: Erinnerung\n\nBitte zahlen",
        "发件人: ACME\n发送时间: 2026年3月2日\n收件人: Kim\n主题: 提醒\n\n请付款",
    ],
)
def test_what_is_quoted_falls_away(quote: str) -> None:
    assert without_quotes(f"We pay on Friday.\n\nKim\n\n{quote}\n") == "We pay on Friday.\n\nKim"


def test_an_answer_below_the_quote_or_between_its_lines_is_kept() -> None:
    assert without_quotes("On Monday, 2 March 2026 ACME wrote:\n> Pay\n\nWe did.\n> Really?\nYes.") == "We did.\nYes."
    assert without_quotes("> only\n> this") == "> only\n> this"
    assert without_quotes("On reflection we will pay.\nFrom: now on, monthly.") == (
        "On reflection we will pay.\nFrom: now on, monthly."
    )


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([HEAD, HEAD + b"Content-Type: ", delivery_report()[:700], b""]))
def test_any_bytes_are_read_or_refused(garbage: bytes, head: bytes) -> None:
    try:
        mail = read_mail(head + garbage)
    except MailUnreadable as refusal:
        assert str(refusal)
    else:
        assert len(mail.sha256) == 64 and mail.message_id and isinstance(mail.said, str)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200), st.binary(max_size=100))
def test_any_html_and_any_bytes_become_text(source: str, content: bytes) -> None:
    assert isinstance(html_to_text(source), str)
    assert isinstance(decoded(content, None), str)
