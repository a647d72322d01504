"""The command line: the commands in the order in which a newcomer meets them.

Each is imported only when it is called: `simulate` and `policy` need neither Temporal's client nor the database, and
should not wait for their import.
"""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from gateway.cli.output import leave

_HOMES = {
    "up": "up:up", "demo": "demo:demo", "start": "start:start", "bank": "bank:bank", "match": "match:app",
    "unmatch": "match:app", "inbox": "inbox:inbox",
    **dict.fromkeys(
        ("pay", "reverse", "credit", "allocate", "set-off", "refund", "waive", "plan"), "money:app",
    ),
    **dict.fromkeys(
        ("dispute", "resolve", "promise", "extend", "hold", "release", "reply", "approve", "reject", "withdraw",
         "write-off"),
        "messages:app",
    ),
    "deadlines": "deadlines:deadlines", "reconcile": "reconcile:reconcile", "replies": "replies:replies",
    "journal": "journal:journal",
    "show": "show:app", "list": "show:app", "task": "show:app", "why": "why:why", "audit": "audit:audit_app",
    "simulate": "simulate:simulate", "interest": "interest:interest", "policy": "policy:policy_app",
    "creditor": "creditor:creditor_app", "letter": "letter:letter_app",
}  # fmt: skip
"""Command to where it is: a module here, and in it the command's function or the Typer app that has it."""


class _Commands(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        """Their names."""
        return list(_HOMES)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | TyperGroup | None:
        """The command of a name, its module imported now."""
        if cmd_name not in _HOMES:
            return None
        module, _, name = _HOMES[cmd_name].partition(":")
        home: Any = getattr(import_module(f"gateway.cli.{module}"), name)
        if not isinstance(home, typer.Typer):
            function, home = home, typer.Typer()
            home.command(cmd_name)(function)
        built: Any = typer.main.get_command(home)
        command: Any = getattr(built, "commands", {}).get(cmd_name, built)
        command.name = cmd_name
        return command  # type: ignore[no-any-return]


class _FrontDoor(typer.Typer):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run as a process does: until its end."""
        leave(lambda: super(_FrontDoor, self).__call__(*args, **kwargs))


app = _FrontDoor(
    name="arrears",
    cls=_Commands,
    help="Pursues overdue invoices: every one a durable case that climbs a ladder until the money is in.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _root() -> None:
    """Pursues overdue invoices: every one a durable case that climbs a ladder until the money is in."""
