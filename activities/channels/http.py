"""One HTTP request to a provider, and what its answer means; whatever comes back is an answer, a refusal or a trouble.

A provider may be slow, talk rubbish or be somebody else: the answer is bounded in size and time, and no redirect is
followed.
"""

import http.client
import json
import socket
import ssl
import threading
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from activities.channels.ports import ChannelRefused, ChannelUnavailable
from activities.mime import one_line
from models.settings import Provider

TIMEOUT_S = 20.0
"""For the whole exchange."""
MAX_ANSWER = 64 * 1024

_OUR_SETTINGS = frozenset({401, 403, 404, 405, 407})
_LATER = frozenset({408, 409, 423, 425, 429})


class Answer(NamedTuple):
    """What a provider said yes with; `id` is its own reference."""

    status: int
    id: str
    body: dict[str, Any]


def post(provider: Provider, content: dict[str, Any], key: str, timeout: float = TIMEOUT_S) -> Answer:
    """Send `content` as JSON, under an idempotency key.

    Raises:
        ChannelRefused: The provider refused the content for good.
        ChannelUnavailable: It did not take it now, or its answer does not say.
    """
    url = urlsplit(provider.url.get_secret_value())
    where = f"{url.hostname}:{url.port or (443 if url.scheme == 'https' else 80)}"
    try:
        status, location, body = _exchange(provider, content, key, timeout)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ChannelUnavailable(
            f"the provider at {where} did not answer ({_said(error)}): check {provider.variable}, and that it runs"
        ) from error
    said = one_line(body[:300].decode("utf-8", "replace"))
    if 200 <= status < 300:
        return _accepted(status, body, said, where)
    if 300 <= status < 400:
        raise ChannelUnavailable(
            f"the provider at {where} answered {status} and points to {one_line(location)[:100]}: correct "
            f"{provider.variable}, redirects are not followed"
        )
    if status in _OUR_SETTINGS:
        raise ChannelUnavailable(f"the provider at {where} answered {status} {said}: check {provider.variable}")
    if status >= 500 or status in _LATER:
        raise ChannelUnavailable(f"the provider at {where} answered {status} {said}: it will be tried again")
    raise ChannelRefused(f"the provider at {where} refused it: {status} {said}")


def _accepted(status: int, body: bytes, said: str, where: str) -> Answer:
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = None
    reference = parsed.get("id") if isinstance(parsed, dict) else None
    if not isinstance(reference, str | int) or isinstance(reference, bool) or not str(reference).strip():
        # It may have been taken: the idempotency key makes the next try safe.
        raise ChannelUnavailable(
            f"the provider at {where} answered {status}, but not with a JSON object that has an id: {said!r}"
        )
    return Answer(status, one_line(str(reference))[:200], parsed if isinstance(parsed, dict) else {})


def _exchange(provider: Provider, content: dict[str, Any], key: str, timeout: float) -> tuple[int, str, bytes]:
    url = urlsplit(provider.url.get_secret_value())
    connection: http.client.HTTPConnection
    if url.scheme == "https":
        trusted = ssl.create_default_context()
        connection = http.client.HTTPSConnection(url.hostname or "", url.port, timeout=timeout, context=trusted)
    else:
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=timeout)
    headers = {
        "Content-Type": "application/json", "Accept": "application/json", "User-Agent": "arrears",
        "Idempotency-Key": key, "Connection": "close",
    }  # fmt: skip
    if provider.token is not None:
        headers["Authorization"] = f"Bearer {provider.token.get_secret_value()}"
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    late = threading.Event()
    try:
        connection.connect()
        # Each read may wait `timeout` anew: one that gets a byte now and then would never end.
        clock = threading.Timer(timeout, _hang_up, (connection.sock, late))
        clock.daemon = True
        clock.start()
        try:
            connection.request("POST", path, json.dumps(content).encode(), headers)
            answer = connection.getresponse()
            said = answer.status, answer.getheader("Location") or "", answer.read(MAX_ANSWER)
            if late.is_set():  # what came before the line was cut may look like the whole of it
                raise TimeoutError
            return said
        except (OSError, http.client.HTTPException) as error:
            if late.is_set():
                raise TimeoutError(f"no answer within {timeout:.0f} s") from error
            raise
        finally:
            clock.cancel()
    finally:
        connection.close()


def _hang_up(line: socket.socket, late: threading.Event) -> None:
    late.set()
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _said(error: BaseException) -> str:
    return (one_line(str(error)) or type(error).__name__)[:200]
