"""The folders of the replies in the data folder: what waits, what was filed or refused, and every mail's bytes.

In `replies/`: `inbox/` holds mails to file (`*.eml`; write them under another name, and rename them once whole),
`done/` those of the inbox that were filed, `refused/` those that cannot be read and `unfiled/` those that no case was
found for, each with a `.reason.txt`; `archive/` has every mail under the SHA-256 of its bytes.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from activities.mime import one_line
from activities.whole_file import write_whole


class ReplyFolder:
    """The folder of the replies in a data folder."""

    def __init__(self, data_dir: str | Path) -> None:
        """Nothing is made before something is written."""
        self.path = Path(data_dir) / "replies"
        self.inbox = self.path / "inbox"

    def archive(self, sha256: str, raw: bytes) -> Path:
        """Keep a mail's bytes under their digest; what is there stays."""
        target = self.path / "archive" / f"{sha256}.eml"
        if not target.exists():
            write_whole(target, raw)
        return target

    def archived(self, sha256: str) -> bytes | None:
        """The bytes of a mail; None if they are not here, or cannot be read."""
        with suppress(OSError):
            return (self.path / "archive" / f"{sha256}.eml").read_bytes()
        return None

    def set_aside(self, sha256: str, raw: bytes, reason: str) -> Path:
        """Lay a mail on the pile of those that no case was found for."""
        target = self.path / "unfiled" / f"{sha256}.eml"
        write_whole(target, raw)
        write_whole(target.with_suffix(".reason.txt"), f"{reason}\n".encode())
        return target

    def take_off_the_pile(self, sha256: str) -> None:
        """A mail of the pile has found its case."""
        for suffix in (".eml", ".reason.txt"):
            (self.path / "unfiled" / f"{sha256}{suffix}").unlink(missing_ok=True)

    def waiting(self) -> list[Path]:
        """The mails in the inbox, by name."""
        with suppress(OSError):
            found = (p for p in self.inbox.iterdir() if p.suffix.lower() == ".eml" and not p.name.startswith("."))
            return sorted(p for p in found if p.is_file() and not p.is_symlink())
        return []

    def done(self, mail: Path) -> Path:
        """A mail of the inbox was filed."""
        return self._moved(mail, "done")

    def refused(self, mail: Path, reason: str) -> Path:
        """A mail of the inbox cannot be read."""
        target = self._moved(mail, "refused")
        write_whole(target.with_suffix(".reason.txt"), f"{mail.name}: {reason}\n".encode())
        return target

    def keep_refused(self, name: str, raw: bytes, reason: str) -> Path:
        """A mail from elsewhere that cannot be read."""
        target = self.path / "refused" / f"{one_line(name).replace('/', '_')[:100]}.eml"
        write_whole(target, raw)
        write_whole(target.with_suffix(".reason.txt"), f"{reason}\n".encode())
        return target

    def _moved(self, mail: Path, folder: str) -> Path:
        target = self.path / folder / mail.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            target = target.with_name(f"{mail.stem}-{secrets.token_hex(4)}{mail.suffix}")
        with suppress(FileNotFoundError):  # another worker was faster
            os.rename(mail, target)
        return target
