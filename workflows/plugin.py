"""One plugin for client, worker and replayer alike: data converter, workflow runner, interceptors."""

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.plugin import SimplePlugin
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from workflows.doors import ArityInterceptor


def _runner(given: WorkflowRunner | None) -> WorkflowRunner:
    """Without the sandbox, unless a runner of another kind was asked for.

    All our modules would have to be passed through it (importing them anew for every case costs 0.4 s each), so that
    it could hold back nothing, and still it costs a quarter of the worker's time. That the rules and workflows reach
    for no clock, chance or I/O is shown by the architecture test; that they do the same again, by the golden histories.
    """
    if given is None or isinstance(given, SandboxedWorkflowRunner):
        return UnsandboxedWorkflowRunner()
    return given


def arrears_plugin() -> SimplePlugin:
    """The plugin; given to the client, the worker inherits it."""
    return SimplePlugin(
        "arrears", data_converter=pydantic_data_converter, interceptors=[ArityInterceptor()], workflow_runner=_runner
    )
