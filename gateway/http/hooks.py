"""`POST /hooks/receipts/CHANNEL`: what a provider reports on a notice. Who may, is told by a secret that both know.

Every answer is JSON: what was noted, or `error` in a sentence. What comes with the secret and cannot be taken is kept,
with the reason, for a person to look at.
"""

import asyncio
import hashlib
import hmac
from pathlib import Path
from typing import get_args

import structlog
from pydantic import SecretStr, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from activities.database import LedgerUnreachable
from activities.whole_file import write_whole
from gateway.errors import Unreachable
from gateway.receipts import OtherReport, ProviderReport, ReceiptDesk, StillLeaving, UnknownNotice
from models import ids
from models.parties import Channel

SIGNATURE = "Arrears-Signature"
"""The header `sha256=HEX`: HMAC-SHA256 of the body under the secret."""
MAX_BODY = 64 * 1024
BODY_WITHIN_S = 20.0
_AGAIN = {"Retry-After": "60"}

log = structlog.get_logger("arrears.hooks")


def hooks_app(desk: ReceiptDesk, secret: SecretStr, data_dir: str | Path) -> Starlette:
    """The application: one address for each channel."""
    door = _Door(desk, secret.get_secret_value().encode(), Path(data_dir) / "receipts" / "refused")
    return Starlette(
        routes=[Route("/hooks/receipts/{channel}", door.receive, methods=["POST"])],
        exception_handlers={HTTPException: _refused, Exception: _failed},
    )


class _Door:
    def __init__(self, desk: ReceiptDesk, secret: bytes, refused: Path) -> None:
        self._desk, self._secret, self._pile = desk, secret, refused

    async def receive(self, request: Request) -> Response:
        channel = request.path_params["channel"]
        bearer = self._bearer(request)
        body = await _body(request)
        if not (bearer or self._signed(request, body)):
            raise HTTPException(401, f"say who you are: `Authorization: Bearer SECRET`, or {SIGNATURE} over the body")
        try:
            return await self._take(channel, body)
        except HTTPException as refusal:
            if refusal.status_code < 500:
                await asyncio.to_thread(self._keep, channel, body, refusal.detail)
            raise

    async def _take(self, channel: str, body: bytes) -> Response:
        if channel not in get_args(Channel):
            raise HTTPException(404, f"there is no channel {channel!r}; there are {', '.join(get_args(Channel))}")
        try:
            noted = await self._desk.take(channel, ProviderReport.model_validate_json(body))
        except ValidationError as error:
            raise HTTPException(400, _explained(error)) from None
        except UnknownNotice as refusal:
            raise HTTPException(404, str(refusal)) from None
        except OtherReport as refusal:
            raise HTTPException(409, str(refusal)) from None
        except StillLeaving as early:
            raise HTTPException(503, str(early), _AGAIN) from None
        except (Unreachable, LedgerUnreachable) as trouble:
            log.warning("receipt_not_taken", channel=channel, reason=str(trouble))
            raise HTTPException(503, "it cannot be taken now: send it again", _AGAIN) from None
        if noted.reason:
            log.warning("receipt_left_to_people", channel=channel, notice=noted.notice, reason=noted.reason)
            await asyncio.to_thread(self._keep, channel, body, noted.reason)
        return JSONResponse({"result": noted.result, "notice": noted.notice, "note": noted.reason})

    def _bearer(self, request: Request) -> bool:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._secret)

    def _signed(self, request: Request, body: bytes) -> bool:
        wanted = f"sha256={hmac.new(self._secret, body, hashlib.sha256).hexdigest()}"
        given = request.headers.get(SIGNATURE, "").strip().lower()
        return hmac.compare_digest(given.encode(), wanted.encode())

    def _keep(self, channel: str, body: bytes, reason: str) -> None:
        """Lay aside what could not be taken; the same again under the same name."""
        log.warning("receipt_refused", channel=channel, reason=reason)
        name = ids.digest(body)[:32]
        write_whole(self._pile / f"{name}.json", body)
        write_whole(self._pile / f"{name}.reason.txt", f"{channel}: {reason}\n".encode())


async def _body(request: Request) -> bytes:
    """The body, bounded in size and time, whatever its headers promise."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            async for piece in request.stream():
                body += piece
                if len(body) > MAX_BODY:
                    # The rest is not read: the line is closed instead.
                    raise HTTPException(413, f"a report has at most {MAX_BODY // 1024} KB", {"Connection": "close"})
    except TimeoutError:
        raise HTTPException(408, "the body did not come in time", {"Connection": "close"}) from None
    except ClientDisconnect:
        raise HTTPException(400, "the body was cut off") from None
    return bytes(body)


def _explained(error: ValidationError) -> str:
    """The faults of a report, field by field."""
    faults = []
    for fault in error.errors(include_url=False):
        field = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "json_invalid" or not field:
            return f"expected a JSON object with id, reference and status: {fault['msg']}"
        given = "" if fault["type"] == "missing" else f" (given: {str(fault['input'])[:100]!r})"
        faults.append(f"{field}: {fault['msg']}{given}")
    return "; ".join(faults)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def _failed(_: Request, error: Exception) -> Response:
    log.error("receipt_failed", exc_info=error)
    return JSONResponse({"error": "it cannot be taken now: send it again"}, 500, _AGAIN)
