"""The channels besides e-mail: what they hand over, and what they make of every answer a provider can give."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from activities.channels import http
from activities.channels.chat import AppriseChat, HttpChat, chat_over
from activities.channels.dispatch import Channels
from activities.channels.ports import ChannelRefused, ChannelUnavailable, Delivery
from activities.channels.post import PrintFolder, PrintProvider
from activities.channels.short_texts import _TEXTS, short_text
from activities.database import open_engine
from activities.letter_check import harsh_words
from activities.refusals import CannotCompose
from gateway.environment import SettingsError, load_settings
from models import ids
from models.parties import Contact
from models.policy import Policy, Step
from models.settings import Provider
from tests.cases import after_due, policy, step
from tests.imap_server import free_port
from tests.notices import acme, an_invoice, an_order
from tests.provider import ProviderServer

# Apprise loads all its services at the first use, and one of them a module that Python will drop.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

LETTER = "Dear debtor,\nplease pay.\n尊敬的客户\n".encode()


@pytest.fixture
def server() -> Iterator[ProviderServer]:
    provider = ProviderServer()
    yield provider
    provider.close()


def delivery(content: bytes = LETTER, media_type: str = "text/plain", to: str = "+49 30 123") -> Delivery:
    return Delivery(
        key="invoice/ACME/0017/letter/1/sms", message_id="<m@arrears.invalid>", name="ACME-0017-letter-1", to=to,
        addressee="Beispiel GmbH", content=content, media_type=media_type, facts={"kind": "reminder", "language": "de"},
    )  # fmt: skip


# --- by HTTP ------------------------------------------------------------------------------------------------------


def test_a_message_is_handed_over_with_its_key_and_the_providers_reference_is_the_proof(server: ProviderServer) -> None:
    taken = HttpChat(server.at("/v1/send?x=1", token="s3cret")).send(delivery())
    assert taken.proof == "201, taken by the provider as P-17"
    (request,) = server.requests
    assert request.path == "/v1/send?x=1"
    assert request.headers["Idempotency-Key"] == "invoice/ACME/0017/letter/1/sms"
    assert request.headers["Authorization"] == "Bearer s3cret"
    assert (request.content["to"], request.content["text"]) == ("+49 30 123", LETTER.decode())


@pytest.mark.parametrize("status", [400, 402, 410, 413, 422])
def test_a_refusal_for_good_is_quoted(server: ProviderServer, status: int) -> None:
    server.answers, server.body = [status], b'{"error": "no such number"}'
    with pytest.raises(ChannelRefused, match=rf"refused it: {status} .*no such number"):
        http.post(server.at(), {}, "k")


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503])
def test_a_trouble_of_the_provider_passes(server: ProviderServer, status: int) -> None:
    server.answers = [status]
    with pytest.raises(ChannelUnavailable, match=rf"127\.0\.0\.1:{server.port} answered {status}.*tried again"):
        http.post(server.at(), {}, "k")


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_wrong_address_or_token_blames_the_settings_and_never_shows_them(server: ProviderServer, status: int) -> None:
    server.answers = [status]
    with pytest.raises(ChannelUnavailable, match="check ARREARS_CHAT_SMS") as caught:
        http.post(server.at("/secret-path", token="s3cret"), {}, "k")
    assert "s3cret" not in str(caught.value) and "secret-path" not in str(caught.value)


def test_a_redirect_is_not_followed(server: ProviderServer) -> None:
    server.answers = [302]
    with pytest.raises(ChannelUnavailable, match=r"points to http://elsewhere\.example/"):
        http.post(server.at(), {}, "k")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"OK",
        b"<html>hello</html>",
        b'{"id": null}',
        b'{"id": ""}',
        b'{"id": true}',
        b"[1]",
        b"\xff\xfe",
        b"{" * 500,
    ],
)
def test_a_yes_that_is_rubbish_is_not_taken_for_one(server: ProviderServer, body: bytes) -> None:
    server.body = body
    with pytest.raises(ChannelUnavailable, match="answered 201, but not with a JSON object that has an id"):
        http.post(server.at(), {}, "k")


@pytest.mark.parametrize(
    "wire", [b"", b"220 mail.example ESMTP\r\n", b"\x00\x01\x02", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{",
             b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n"]
)  # fmt: skip
def test_what_is_no_answer_is_a_trouble(server: ProviderServer, wire: bytes) -> None:
    server.answers = [wire]
    with pytest.raises(ChannelUnavailable, match=r"did not answer \(.+\)|JSON"):
        http.post(server.at(), {}, "k")


def test_an_answer_without_end_is_cut_off(server: ProviderServer) -> None:
    server.body = b" " * (http.MAX_ANSWER + 10) + b'{"id": 1}'
    with pytest.raises(ChannelUnavailable, match="not with a JSON object"):
        http.post(server.at(), {}, "k")


@pytest.mark.parametrize("manner", ["hang", "trickle", "drop"])
def test_a_provider_that_is_slow_or_hangs_up_is_given_up_in_time(server: ProviderServer, manner: str) -> None:
    server.answers = [manner]
    with pytest.raises(ChannelUnavailable, match="did not answer"):
        http.post(server.at(), {}, "k", timeout=0.3)
    assert HttpChat(server.at()).send(delivery()).proof.endswith("P-17"), "the next one is taken"


def test_nobody_listening_says_where() -> None:
    port = free_port()
    nobody = Provider(url=SecretStr(f"http://127.0.0.1:{port}/"), variable="ARREARS_PRINT_URL")
    with pytest.raises(ChannelUnavailable, match=f"127.0.0.1:{port} did not answer .*check ARREARS_PRINT_URL"):
        http.post(nobody, {}, "k")


def test_an_encrypted_provider_is_not_spoken_to_in_the_clear(server: ProviderServer) -> None:
    with pytest.raises(ChannelUnavailable, match="did not answer"):
        http.post(server.at(scheme="https"), {}, "k", timeout=2)
    assert server.requests == []


# --- post ---------------------------------------------------------------------------------------------------------


def test_a_letter_lies_in_the_print_queue_with_a_ticket_and_is_there_once(tmp_path: Path) -> None:
    queue = PrintFolder(tmp_path / "print")
    pdf = b"%PDF-1.7 letter"
    for _ in range(2):
        taken = queue.send(delivery(pdf, "application/pdf", "Beispiel GmbH\nStraße 1\n10117 Berlin"))
    assert sorted(p.name for p in (tmp_path / "print").iterdir()) == [
        "ACME-0017-letter-1.json",
        "ACME-0017-letter-1.pdf",
    ]
    assert (tmp_path / "print" / "ACME-0017-letter-1.pdf").read_bytes() == pdf
    ticket = json.loads((tmp_path / "print" / "ACME-0017-letter-1.json").read_text())
    assert ticket["to"] == {"name": "Beispiel GmbH", "address": ["Beispiel GmbH", "Straße 1", "10117 Berlin"]}
    assert (ticket["document"], ticket["sha256"]) == ("ACME-0017-letter-1.pdf", ids.digest(pdf))
    assert "print/ACME-0017-letter-1.pdf" in taken.task and "number of the posting" in taken.task
    assert "find one first" not in taken.task
    assert "find one first" in queue.send(delivery(to="")).task


def test_a_print_queue_that_cannot_be_written_is_a_trouble(tmp_path: Path) -> None:
    (tmp_path / "print").write_text("a file")
    with pytest.raises(ChannelUnavailable, match=r"print queue .*print cannot be written"):
        PrintFolder(tmp_path / "print").send(delivery())


def test_a_print_provider_gets_the_document_and_its_digest(server: ProviderServer) -> None:
    taken = PrintProvider(server.at()).send(delivery(to="Straße 1\n10117 Berlin"))
    assert (taken.proof, taken.task) == ("201, taken by the print provider as P-17", "")
    content = server.requests[0].content
    assert content["sha256"] == ids.digest(LETTER) and content["to"]["address"] == ["Straße 1", "10117 Berlin"]


# --- by apprise ---------------------------------------------------------------------------------------------------


def apprise_at(server: ProviderServer, path: str = "/{to}") -> AppriseChat:
    chat = chat_over(server.at(path, scheme="json"))
    assert isinstance(chat, AppriseChat)
    return chat


def test_apprise_takes_a_message_to_the_debtors_own_address(server: ProviderServer) -> None:
    taken = apprise_at(server).send(delivery(to="a/../b?c=d&e"))
    assert taken.proof == "taken by json; it gives no receipt"
    (request,) = server.requests
    assert request.content["message"] == LETTER.decode().strip() or request.content["message"] == LETTER.decode()
    assert "?" not in request.path.removesuffix("/") and ".." not in request.path.split("/")


@pytest.mark.parametrize("answer", [500, 404, "drop", b"rubbish"])
def test_apprise_that_failed_is_a_trouble_with_its_reason_and_without_the_secret(
    server: ProviderServer, answer: int | str | bytes
) -> None:
    server.answers = [answer]
    with pytest.raises(ChannelUnavailable, match=r"was not taken \(.+\): check ARREARS_CHAT_SMS") as caught:
        apprise_at(server, "/token-s3cret/{to}").send(delivery(to="1"))
    assert "s3cret" not in str(caught.value)


def test_an_address_that_apprise_does_not_know_blames_the_settings() -> None:
    unknown = Provider(url=SecretStr("pigeon://{to}"), variable="ARREARS_CHAT_LINE")
    with pytest.raises(ChannelUnavailable, match="check ARREARS_CHAT_LINE"):
        AppriseChat(unknown).send(delivery())


# --- what is said and by which way --------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh", "de", "fr", "es"])
@pytest.mark.parametrize(("kind", "day"), [("reminder", -3), ("reminder", 7), ("formal_demand", 15)])
def test_a_short_message_says_who_what_how_much_and_where_to_answer(language: str, kind: str, day: int) -> None:
    invoice = an_invoice(language)
    order = an_order(invoice, kind, day)
    text, written, note = short_text(order, invoice, acme(), order.at)
    assert written == language or note
    for part in (acme().name, invoice.number, acme().reply_to or acme().sender):
        assert part in text
    assert "100000" in "".join(c for c in text if c.isdigit()), "a thousand, as the language writes it"
    assert "\n" not in text and len(text) <= 400 and "{" not in text
    assert not harsh_words(text, [])


@pytest.mark.parametrize("language", ["en", "zh", "de", "fr", "es"])
@pytest.mark.parametrize("outstanding", ["0.00 USD", "400.00 USD"])
def test_where_a_payment_crossed_our_letter_the_short_message_asks_for_nothing(language: str, outstanding: str) -> None:
    invoice = an_invoice(language)
    order = an_order(invoice, day=9, outstanding=outstanding, letter="correction")
    text, written, _ = short_text(order, invoice, acme(), order.at)
    assert written == language and invoice.number in text and "USD" not in text
    assert text == " ".join(_TEXTS[language]["correction"].split()).format(
        creditor=acme().name, number=invoice.number, reach=acme().reply_to or acme().sender
    )


def test_a_language_without_messages_falls_back_to_the_creditors() -> None:
    invoice = an_invoice("it")
    order = an_order(invoice, day=7)
    text, written, note = short_text(order, invoice, acme().but(language="de"), order.at)
    assert written == "de" and "überfällig" in text and "'it'" in note
    assert short_text(order, invoice, acme().but(language=None), order.at)[1] == "en"


def test_every_language_has_every_message() -> None:
    assert {language: set(texts) for language, texts in _TEXTS.items()} == dict.fromkeys(
        ("en", "de", "fr", "es", "zh"), {"before", "overdue", "letter", "correction"}
    )
    for texts in _TEXTS.values():
        for text in texts.values():
            assert not harsh_words(text, []), text


def test_nothing_is_said_about_what_is_in_dispute() -> None:
    invoice = an_invoice()
    order = an_order(invoice, day=7, disputed="1000.00 USD")
    with pytest.raises(CannotCompose, match="nothing undisputed"):
        short_text(order, invoice, acme(), order.at)


@pytest.mark.parametrize(
    ("kind", "channels", "served", "by_hand"),
    [
        ("reminder", ["email"], ("email",), ()),
        ("reminder", ["email", "post", "sms", "line"], ("email", "post", "sms"), ("line",)),
        ("formal_demand", ["post", "phone"], ("post",), ("phone",)),
        ("referral", ["email", "post"], ("email",), ("post",)),
        ("referral", ["post"], (), ("post",)),
        ("call", ["phone"], (), ("phone",)),
        ("call", ["sms"], (), ("sms",)),
    ],
)
def test_a_step_goes_by_the_channels_that_are_set_up_and_the_rest_is_for_people(
    kind: str, channels: list[str], served: tuple[str, ...], by_hand: tuple[str, ...], tmp_path: Path
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/ledger.db")
    nowhere = HttpChat(Provider(url=SecretStr("http://nowhere.invalid"), variable="X"))
    ways = Channels(engine, {"post": PrintFolder(tmp_path), "sms": nowhere}).ways(
        Step.model_validate(step("x", after_due(1), kind, channels=channels))
    )
    assert (ways.served, ways.by_hand) == (served, by_hand)
    engine.dispose()


def test_a_formal_demand_is_served_as_a_letter() -> None:
    with pytest.raises(ValidationError, match="must be served as a letter"):
        policy(step("x", after_due(1), "formal_demand", channels=["sms", "line"]))
    assert isinstance(policy(step("x", after_due(1), "formal_demand", channels=["sms", "post"])), Policy)


def test_a_contact_that_knows_no_other_address_is_what_it_was() -> None:
    before = '{"email":"kreditoren@buyer.example","phone":"+49 30 23125 000","language":"en","timezone":"UTC"}'
    assert an_invoice().buyer.contact.model_dump_json(exclude_none=True) == before
    known = Contact(address=("Straße 1",), chat={"sms": "+4930123"})
    assert Contact.model_validate_json(known.model_dump_json()) == known


@pytest.mark.parametrize("chat", [{"telex": "1"}, {"sms": ""}, {"sms": "1\n2"}, {"sms": "x" * 201}])
def test_a_contact_refuses_a_channel_or_address_that_cannot_be_one(chat: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Contact.model_validate({"chat": chat})


def test_channels_are_set_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARREARS_CHAT_SMS", "https://sms.example/v1")
    monkeypatch.setenv("ARREARS_CHAT_FEISHU", "feishu://{to}")
    monkeypatch.setenv("ARREARS_CHAT_TOKEN", "t")
    monkeypatch.setenv("ARREARS_PRINT_URL", "https://print.example/")
    settings = load_settings()
    assert list(settings.chat) == ["sms", "feishu"]
    assert settings.chat["sms"].variable == "ARREARS_CHAT_SMS"
    assert settings.printing is not None and settings.printing.token is None
    assert isinstance(chat_over(settings.chat["sms"]), HttpChat)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ARREARS_CHAT_WECOM", "wecombot://all-the-same-group"),
        ("ARREARS_CHAT_SMS", "12345"),
        ("ARREARS_PRINT_URL", "/dev/lp0"),
    ],
)
def test_an_address_that_would_reach_everybody_or_nobody_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"{name} (has a value that )?cannot be used") as caught:
        load_settings()
    assert value not in str(caught.value)


def test_apprise_leaves_the_log_as_it_was(server: ProviderServer) -> None:
    before = list(logging.getLogger("apprise").handlers)
    apprise_at(server).send(delivery(to="1"))
    assert logging.getLogger("apprise").handlers == before
