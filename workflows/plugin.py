"""One plugin for client, worker and replayer alike: data converter, sandbox, interceptors."""

import dataclasses

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.plugin import SimplePlugin
from temporalio.worker import WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from workflows.doors import ArityInterceptor

PASSED_THROUGH = (
    "models", "activities", "workflows", "pydantic", "pydantic_core", "annotated_types", "iso4217", "structlog",
    "sqlmodel", "sqlalchemy", "jinja2", "zoneinfo", "tzdata",
)  # fmt: skip
"""Modules that workflows share with the worker: importing them anew for every case would cost 0.4 s each. That our
own rules stay pure is shown by the architecture test and by replaying the golden histories."""


def _sandbox(runner: WorkflowRunner | None) -> WorkflowRunner:
    if runner is None or not isinstance(runner, SandboxedWorkflowRunner):
        return runner or SandboxedWorkflowRunner()
    return dataclasses.replace(runner, restrictions=runner.restrictions.with_passthrough_modules(*PASSED_THROUGH))


def arrears_plugin() -> SimplePlugin:
    """The plugin; given to the client, the worker inherits it."""
    return SimplePlugin(
        "arrears", data_converter=pydantic_data_converter, interceptors=[ArityInterceptor()], workflow_runner=_sandbox
    )
