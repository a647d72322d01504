"""Letters on paper: a print queue in a folder, or a provider that prints and posts."""

import base64
import json
from pathlib import Path

from activities.channels import http
from activities.channels.ports import ChannelUnavailable, Delivery, Taken
from activities.whole_file import write_whole
from models import ids
from models.settings import Provider

_SUFFIX = {"application/pdf": "pdf", "text/plain": "txt"}


class PrintFolder:
    """A folder that somebody prints from: each letter is a document and a ticket of the same name.

    The ticket is written last: what has one is whole. The same letter again replaces itself.
    """

    def __init__(self, folder: Path) -> None:
        """The folder is made with the first letter."""
        self._folder = folder

    def send(self, delivery: Delivery) -> Taken:
        """Lay a letter into the folder; that it was posted, a person says by completing the task."""
        document = f"{delivery.name}.{_SUFFIX[delivery.media_type]}"
        ticket = {
            "key": delivery.key, "notice": delivery.message_id, "document": document,
            "sha256": ids.digest(delivery.content), "media_type": delivery.media_type,
            "to": {"name": delivery.addressee, "address": delivery.to.split("\n") if delivery.to else []},
            **delivery.facts,
        }  # fmt: skip
        try:
            write_whole(self._folder / document, delivery.content)
            note = json.dumps(ticket, ensure_ascii=False, indent=1)
            write_whole(self._folder / f"{delivery.name}.json", note.encode())
        except OSError as error:
            raise ChannelUnavailable(f"the print queue {self._folder} cannot be written: {error.strerror}") from error
        whom = "" if delivery.to else " No postal address is on file: find one first."
        task = (
            f"Print and post print/{document} to {delivery.addressee}, and keep the slip that names the contents."
            f"{whom} Complete this task with the number of the posting as its note."
        )
        return Taken(f"in the print queue as {document}", task)


class PrintProvider:
    """A provider that takes a document by HTTP, prints and posts it."""

    def __init__(self, provider: Provider) -> None:
        """With its address and token."""
        self._provider = provider

    def send(self, delivery: Delivery) -> Taken:
        """Hand a letter over; proof of posting follows as a receipt."""
        content = {
            "reference": delivery.key, "media_type": delivery.media_type,
            "document": base64.b64encode(delivery.content).decode("ascii"), "sha256": ids.digest(delivery.content),
            "to": {"name": delivery.addressee, "address": delivery.to.split("\n")}, **delivery.facts,
        }  # fmt: skip
        answer = http.post(self._provider, content, delivery.key)
        return Taken(f"{answer.status}, taken by the print provider as {answer.id}")
