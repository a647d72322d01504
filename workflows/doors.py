"""Both doors of a case, made from the one table of messages.

For every message a signal (for the Temporal UI and simple integrations) and an update (validated; the caller gets the
answer) of the same name. They are put on the class before `@workflow.defn` reads it: handlers that are registered in
the constructor would reorder signals that arrive with the first task.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, cast

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.worker import (
    HandleSignalInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

with workflow.unsafe.imports_passed_through():
    from pydantic import ValidationError

    from models.events import MESSAGES, Message
    from models.orders import Answer


class Household(Protocol):
    """What a class needs behind its doors."""

    async def signaled(self, name: str, given: Any) -> None:
        """Take a signal; record it as rejected if it cannot be taken. Never raises."""

    async def updated(self, name: str, given: RawValue) -> Answer:
        """Take an update and answer."""

    def admit(self, name: str, given: RawValue) -> None:
        """Raise if the update would be refused; changes nothing."""


H = TypeVar("H", bound=type)


def doors(table: Mapping[str, type[Message]]) -> Callable[[H], H]:
    """Give a workflow class a signal and an update for every message of `table`, and one for unknown signals."""

    def build(cls: H) -> H:
        for name in table:
            setattr(cls, f"signal_{name}", _signal_door(name))
            setattr(cls, f"update_{name}", _update_door(name))
        setattr(cls, "signal_unknown", _unknown_door())  # noqa: B010
        return cls

    return build


def _signal_door(name: str) -> Callable[..., Any]:
    async def door(self: Household, given: RawValue) -> None:
        await self.signaled(name, given)

    signal: Callable[..., Any] = workflow.signal(name=name)(_named(door, f"signal_{name}"))
    return signal


def _update_door(name: str) -> Callable[..., Any]:
    async def door(self: Household, given: RawValue) -> Answer:
        return await self.updated(name, given)

    def admit(self: Household, given: RawValue) -> None:
        self.admit(name, given)

    update: Any = workflow.update(name=name)(_named(door, f"update_{name}"))
    update.validator(_named(admit, f"update_{name}"))
    return cast("Callable[..., Any]", update)


def _unknown_door() -> Callable[..., Any]:
    async def door(self: Household, name: str, given: Sequence[RawValue]) -> None:
        await self.signaled(name, None)

    signal: Callable[..., Any] = workflow.signal(dynamic=True)(_named(door, "signal_unknown"))
    return signal


def _named(door: Any, name: str) -> Any:
    # The SDK takes an annotated `self` for the first argument of the message.
    door.__annotations__.pop("self")
    door.__name__ = name
    door.__qualname__ = f"InvoiceCase.{name}"
    return door


class Undecodable(ValueError):
    """What was given is not the message it claims to be; the text says why."""


def decode(name: str, given: Any) -> Message:
    """The message in a raw payload.

    Raises:
        Undecodable: with the reason in words.
    """
    model = MESSAGES.get(name)
    if model is None:
        raise Undecodable(f"there is no message {name!r}")
    if not isinstance(given, RawValue):
        raise Undecodable("it takes exactly one argument, a JSON object")
    encoding = given.payload.metadata.get("encoding", b"").decode(errors="replace")
    if encoding not in ("json/plain", "json/protobuf"):
        raise Undecodable(f"it takes a JSON object, not {encoding or 'an unmarked payload'}")
    try:
        return model.model_validate_json(given.payload.data)
    except ValidationError as error:
        raise Undecodable(explain(error)) from None


def explain(error: ValidationError) -> str:
    """A validation error as one sentence per field."""
    return "; ".join(
        f"{'.'.join(str(part) for part in detail['loc']) or 'content'}: {detail['msg'].removeprefix('Value error, ')}"
        for detail in error.errors(include_url=False)[:5]
    )


class ArityInterceptor(Interceptor):
    """Turns a signal with a wrong number of arguments into one that can be recorded as rejected."""

    def workflow_interceptor_class(
        self, given: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        """The inbound side; there is no other."""
        return _ArityInbound


class _ArityInbound(WorkflowInboundInterceptor):
    async def handle_signal(self, given: HandleSignalInput) -> None:
        known = given.signal in MESSAGES
        if known and not (len(given.args) == 1 and isinstance(given.args[0], RawValue)):
            given.args = [list(given.args)]
        await super().handle_signal(given)
