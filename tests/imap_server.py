"""A mailbox inside the test: as much of IMAP4rev1 (RFC 3501) as a client needs to empty one folder."""

import re
import socket
import socketserver
import ssl
import threading
from dataclasses import dataclass, field

from pydantic import SecretStr

from models.settings import ImapSettings

USER, PASSWORD = "replies@acme.example", 's3 "cret\\'


@dataclass
class Kept:
    """A mail in a folder."""

    uid: int
    content: bytes
    flags: set[str] = field(default_factory=set)


class ImapServer:
    """Listens on a free port. Its folders can be looked at; it can be told to break off in the middle."""

    def __init__(self, tls: ssl.SSLContext | None = None, move: bool = False) -> None:
        self.folders: dict[str, list[Kept]] = {"INBOX": [], "Done": []}
        self.commands: list[str] = []
        self.break_off_at: str | None = None
        """Once a command begins so, the connection ends without an answer; once only."""
        self.says: dict[str, str] = {}
        """What a command is answered instead of what it asks for: `{"UID SEARCH": "NO busy"}`."""
        self.tls, self.move = tls, move
        self._uid = 0
        box = self

        class Session(_Session):
            server_box = box

        self._listening = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session, bind_and_activate=True)
        self._listening.daemon_threads = True
        self.port = int(self._listening.server_address[1])
        self._thread = threading.Thread(target=self._listening.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def settings(self, **changes: object) -> ImapSettings:
        security = "tls" if self.tls else "none"
        given = {"host": "localhost", "port": self.port, "username": USER, "password": SecretStr(PASSWORD)}
        return ImapSettings.model_validate({**given, "security": security, **changes})

    def put(self, *mails: bytes, folder: str = "INBOX") -> None:
        for content in mails:
            self._uid += 1
            self.folders[folder].append(Kept(self._uid, content))

    def unseen(self) -> int:
        return sum(1 for mail in self.folders["INBOX"] if r"\Seen" not in mail.flags)

    def close(self) -> None:
        self._listening.shutdown()
        self._listening.server_close()
        self._thread.join(5)


class _Session(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    server_box: ImapServer
    folder = ""

    def setup(self) -> None:
        if self.server_box.tls is not None:
            self.request = self.server_box.tls.wrap_socket(
                self.request, server_side=True, do_handshake_on_connect=False
            )  # fmt: skip
        super().setup()

    def handle(self) -> None:
        try:
            if isinstance(self.request, ssl.SSLSocket):
                self.request.do_handshake()
            self._say("* OK ready")
            while line := self.rfile.readline().decode("ascii", "replace").rstrip("\r\n"):
                tag, _, command = line.partition(" ")
                self.server_box.commands.append(command)
                breaking = self.server_box.break_off_at
                if breaking is not None and command.startswith(breaking):
                    self.server_box.break_off_at = None
                    return
                refusal = next((said for at, said in self.server_box.says.items() if command.startswith(at)), None)
                answer = refusal or self._answer(command)
                self._say(f"{tag} {answer}")
                if command.upper() == "LOGOUT":
                    return
        except OSError:
            pass  # the client went away

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:
            pass
        self.request.close()

    def _say(self, text: str, literal: bytes = b"") -> None:
        self.wfile.write(text.encode() + literal + (b")\r\n" if literal else b"\r\n"))
        self.wfile.flush()

    def _answer(self, command: str) -> str:
        words = command.split(" ")
        match words[0].upper():
            case "CAPABILITY":
                self._say("* CAPABILITY IMAP4rev1" + (" MOVE" if self.server_box.move else ""))
            case "LOGIN":
                quoted = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
                if command != f'{words[0]} {USER} "{quoted}"':
                    return "NO [AUTHENTICATIONFAILED] wrong user name or password"
            case "SELECT":
                self.folder = command.partition(" ")[2].strip('"')
                if self.folder not in self.server_box.folders:
                    return "NO no such mailbox"
                self._say(f"* {len(self._mails())} EXISTS")
            case "UID":
                return self._with_uid(words[1].upper(), " ".join(words[2:]))
            case "EXPUNGE":
                self.server_box.folders[self.folder] = [m for m in self._mails() if r"\Deleted" not in m.flags]
            case "LOGOUT":
                self._say("* BYE")
            case _:
                return "BAD unknown command"
        return "OK done"

    def _mails(self) -> list[Kept]:
        return self.server_box.folders[self.folder]

    def _with_uid(self, verb: str, rest: str) -> str:
        if verb == "SEARCH":
            found = [m for m in self._mails() if rest == "ALL" or r"\Seen" not in m.flags]
            self._say("* SEARCH " + " ".join(str(m.uid) for m in found))
            return "OK done"
        uid, _, what = rest.partition(" ")
        mail = next((m for m in self._mails() if m.uid == int(uid)), None)
        if mail is None:
            return "OK nothing"
        if verb == "FETCH" and "RFC822.SIZE" in what:
            self._say(f"* 1 FETCH (UID {uid} RFC822.SIZE {len(mail.content)})")
        elif verb == "FETCH":
            body = mail.content.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if "HEADER" in what else mail.content
            self._say(f"* 1 FETCH (UID {uid} BODY[] {{{len(body)}}}\r\n", body)
        elif verb == "STORE":
            mail.flags |= set(re.findall(r"\\\w+", what))
        elif verb in ("COPY", "MOVE"):
            target = what.strip('"')
            if target not in self.server_box.folders:
                return "NO [TRYCREATE] no such mailbox"
            self.server_box.put(mail.content, folder=target)
            if verb == "MOVE":
                self._mails().remove(mail)
        return "OK done"


def free_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
