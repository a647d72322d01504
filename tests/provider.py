"""A provider inside the test: it takes what it is given by HTTP, and can be slow, rude or somebody else."""

import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from pydantic import SecretStr

from models.settings import Provider


class Request(NamedTuple):
    """What was asked of it."""

    path: str
    headers: dict[str, str]
    content: Any


class ProviderServer:
    """Listens on a free port. `answers` is what the next requests get: a status, bytes for the wire, or a manner."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: list[int | bytes | str] = []
        """`hang`: no answer; `trickle`: a byte now and then; `drop`: the line ends; bytes: exactly these."""
        self.body = b'{"id": "P-17"}'
        self.over = threading.Event()
        provider = self

        class Handler(_Handler):
            server_provider = provider

        self._listening = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._listening.daemon_threads = True
        self.port = int(self._listening.server_address[1])
        self._thread = threading.Thread(target=self._listening.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def at(self, path: str = "/send", token: str | None = None, scheme: str = "http") -> Provider:
        url = SecretStr(f"{scheme}://127.0.0.1:{self.port}{path}")
        return Provider(url=url, token=SecretStr(token) if token else None, variable="ARREARS_CHAT_SMS")

    def close(self) -> None:
        self.over.set()
        self._listening.shutdown()
        self._listening.server_close()
        self._thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    server_provider: ProviderServer

    def do_POST(self) -> None:
        provider = self.server_provider
        raw = self.rfile.read(int(self.headers["Content-Length"] or 0))
        provider.requests.append(Request(self.path, dict(self.headers.items()), json.loads(raw)))
        manner = provider.answers.pop(0) if provider.answers else 201
        try:
            self._answer(provider, manner)
        except OSError:
            pass  # the client lost patience

    def _answer(self, provider: ProviderServer, manner: int | bytes | str) -> None:
        self.close_connection = True
        match manner:
            case int():
                self.send_response(manner)
                self.send_header("Location", "http://elsewhere.example/")
                self.send_header("Content-Length", str(len(provider.body)))
                self.end_headers()
                self.wfile.write(provider.body)
            case bytes():
                self.wfile.write(manner)
            case "hang":
                provider.over.wait(10)
            case "trickle":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not provider.over.wait(0.02):
                    self.wfile.write(b"x")

    def log_message(self, *_: Any) -> None:
        pass
