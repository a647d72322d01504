"""Short messages to a phone: SMS, WhatsApp, WeCom, DingTalk, Feishu, LINE.

An address that begins with http is a provider that answers with a reference of its own; anything else is an address
of apprise, which knows a hundred services but says no more than whether it worked.
"""

import logging
from urllib.parse import quote

from activities.channels import http
from activities.channels.ports import ChannelUnavailable, Delivery, Taken
from activities.mime import one_line
from models.settings import Provider

PLACE = "{to}"
"""Where in an address of apprise the debtor's own address goes."""


def chat_over(provider: Provider) -> "HttpChat | AppriseChat":
    """The channel behind an address."""
    url = provider.url.get_secret_value()
    return HttpChat(provider) if url.startswith(("http://", "https://")) else AppriseChat(provider)


class HttpChat:
    """A provider that takes a message by HTTP and reports on it later."""

    def __init__(self, provider: Provider) -> None:
        """With its address and token."""
        self._provider = provider

    def send(self, delivery: Delivery) -> Taken:
        """Hand a message over; its delivery follows as a receipt."""
        content = {"reference": delivery.key, "to": delivery.to, "text": delivery.text, **delivery.facts}
        answer = http.post(self._provider, content, delivery.key)
        return Taken(f"{answer.status}, taken by the provider as {answer.id}")


class AppriseChat:
    """One of the services that apprise knows."""

    def __init__(self, provider: Provider) -> None:
        """With its address, which says where the debtor's own goes."""
        self._provider = provider

    def send(self, delivery: Delivery) -> Taken:
        """Hand a message over. Nobody knows more than that it was taken."""
        import apprise  # half a second that only those who use it should wait

        variable, url = self._provider.variable, self._provider.url.get_secret_value()
        # A new one for each message: it would otherwise rest for seconds between two.
        service = apprise.Apprise()
        if not service.add(url.replace(PLACE, quote(delivery.to, safe=""))):
            raise ChannelUnavailable(f"apprise knows no such address: check {variable}")
        with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as said:  # type: ignore[no-untyped-call]
            taken = bool(service.notify(body=delivery.text, body_format="text"))
            why = one_line(said.getvalue().replace(url, "…")) if said is not None else ""
        if not taken:
            raise ChannelUnavailable(f"the message was not taken ({why[:300] or 'no reason given'}): check {variable}")
        return Taken(f"taken by {url.partition(':')[0]}; it gives no receipt")
