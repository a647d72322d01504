"""Replaying a history and looking at what the workflow orders meanwhile.

Replay alone compares the kinds of commands and their order. What is in them (how long a timer runs, what an activity
is given) it takes from the history; so the commands are written down on their way out and compared here.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import WorkflowHistory
from temporalio.worker import (
    Replayer,
    UnsandboxedWorkflowRunner,
    WorkflowInstance,
    WorkflowInstanceDetails,
    WorkflowRunner,
)
from temporalio.workflow import Info, _Definition

from workflows.invoice_case import InvoiceCase
from workflows.plugin import arrears_plugin

_PATCHES = "TemporalChangeVersion"
"""What the engine itself notes beside the marker of `workflow.patched`."""


class Deed(NamedTuple):
    """Something a workflow did: the kind of thing, which one of its kind, and what was in it."""

    kind: str
    which: str
    content: Any


async def replay(history: WorkflowHistory) -> list[Deed]:
    """What today's workflow orders when it lives through `history` again.

    Raises:
        NondeterminismError: if it would have done other things, or in another order.
    """
    plugin = arrears_plugin()
    recorder = _Recorder(UnsandboxedWorkflowRunner())
    await Replayer(workflows=[InvoiceCase], workflow_runner=recorder, plugins=[plugin]).replay_workflow(history)
    return list(_ordered(recorder.commands))


def done(history: WorkflowHistory) -> list[Deed]:
    """What the workflow of a history ordered in its time."""
    return list(_done(history.events))


def differences(then: Sequence[Deed], now: Sequence[Deed], fields_added: bool = False) -> list[str]:
    """Where two lives of a workflow differ, in words; with `fields_added`, what is only new does not count."""
    before = {(deed.kind, deed.which): _given(deed.content) for deed in then}
    after = {(deed.kind, deed.which): _given(deed.content) for deed in now}
    assert (len(before), len(after)) == (len(then), len(now)), "two deeds of one name"
    return [
        f"{' '.join(key)} was {before.get(key)!r} and would be {after.get(key)!r}"
        for key in {**before, **after}
        if not _same(before.get(key), after.get(key), fields_added)
    ]


def _same(before: Any, after: Any, fields_added: bool) -> bool:
    if fields_added and isinstance(before, dict) and isinstance(after, dict):
        return all(key in after and _same(value, after[key], True) for key, value in before.items())
    if fields_added and isinstance(before, list | tuple) and isinstance(after, list | tuple):
        return len(before) == len(after) and all(map(_same, before, after, [True] * len(before)))
    return bool(before == after)


def _given(content: Any) -> Any:
    """Content without what is null in it: a field that was added since is not there in an old history."""
    match content:
        case dict():
            return {key: _given(value) for key, value in content.items() if value is not None}
        case list() | tuple():
            return [_given(value) for value in content]
        case _:
            return content


# --- from the history -----------------------------------------------------------------------------------------


def _done(events: Iterable[HistoryEvent]) -> Iterable[Deed]:
    upserts = 0
    for event in events:
        match event.WhichOneof("attributes"):
            case "timer_started_event_attributes":
                timer = event.timer_started_event_attributes
                yield Deed("timer", timer.timer_id, timer.start_to_fire_timeout.ToTimedelta())
            case "activity_task_scheduled_event_attributes":
                activity = event.activity_task_scheduled_event_attributes
                timeout = activity.start_to_close_timeout.ToTimedelta()
                content = (activity.activity_type.name, timeout, _read(activity.input.payloads))
                yield Deed("activity", activity.activity_id, content)
            case "upsert_workflow_search_attributes_event_attributes":
                fields = event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields
                if set(fields) == {_PATCHES}:
                    continue
                upserts += 1
                yield Deed("attributes", str(upserts), {name: _value(fields[name]) for name in sorted(fields)})
            case "workflow_execution_update_completed_event_attributes":
                answer = event.workflow_execution_update_completed_event_attributes
                yield Deed("answer", answer.meta.update_id, _read(answer.outcome.success.payloads))
            case "workflow_execution_continued_as_new_event_attributes":
                carried = event.workflow_execution_continued_as_new_event_attributes
                yield Deed("new run", "", _read(carried.input.payloads))
            case "workflow_execution_completed_event_attributes":
                yield Deed("end", "", _read(event.workflow_execution_completed_event_attributes.result.payloads))


# --- from the commands ----------------------------------------------------------------------------------------


def _ordered(commands: Sequence[WorkflowCommand]) -> Iterable[Deed]:
    upserts = 0
    for command in commands:
        match command.WhichOneof("variant"):
            case "start_timer":
                timer = command.start_timer
                yield Deed("timer", str(timer.seq), timer.start_to_fire_timeout.ToTimedelta())
            case "schedule_activity":
                activity = command.schedule_activity
                timeout = activity.start_to_close_timeout.ToTimedelta()
                yield Deed(
                    "activity", activity.activity_id, (activity.activity_type, timeout, _read(activity.arguments))
                )  # fmt: skip
            case "upsert_workflow_search_attributes":
                upserts += 1
                fields = command.upsert_workflow_search_attributes.search_attributes.indexed_fields
                yield Deed("attributes", str(upserts), {name: _value(fields[name]) for name in sorted(fields)})
            case "update_response":
                answer = command.update_response
                if answer.WhichOneof("response") == "completed":
                    yield Deed("answer", answer.protocol_instance_id, [_value(answer.completed)])
            case "continue_as_new_workflow_execution":
                carried = command.continue_as_new_workflow_execution
                yield Deed("new run", "", _read(carried.arguments))
            case "complete_workflow_execution":
                yield Deed("end", "", [_value(command.complete_workflow_execution.result)])


def _read(payloads: Iterable[Payload]) -> list[Any]:
    return [_value(payload) for payload in payloads]


def _value(payload: Payload) -> Any:
    return json.loads(payload.data) if payload.data else None


# --- on their way out -----------------------------------------------------------------------------------------


class _Recorder(WorkflowRunner):
    """A runner that writes down every command of the workflows it runs."""

    def __init__(self, inner: WorkflowRunner) -> None:
        self._inner = inner
        self.commands: list[WorkflowCommand] = []

    def prepare_workflow(self, defn: _Definition) -> None:
        self._inner.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        return _Recorded(self._inner.create_instance(det), self.commands)


class _Recorded(WorkflowInstance):
    def __init__(self, inner: WorkflowInstance, commands: list[WorkflowCommand]) -> None:
        self._inner = inner
        self._commands = commands

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        completion = self._inner.activate(act)
        self._commands.extend(completion.successful.commands)
        return completion

    def get_serialization_context(self, command_info: Any) -> Any:
        return self._inner.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> Any:
        return self._inner.get_external_store_context(command_info)

    def get_info(self) -> Info:
        return self._inner.get_info()

    def get_thread_id(self) -> int | None:
        return self._inner.get_thread_id()
