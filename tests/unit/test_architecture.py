"""The dependency rule: imports run one way, and what decides does not touch the world.

models <- activities <- workflows <- worker, gateway <- starter
"""

import ast
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]

# Part of the house -> the parts it may import, besides itself.
MAY_IMPORT = {
    "models": set(),
    "activities": {"models"},
    "workflows": {"models", "activities"},
    "gateway": {"models", "activities", "workflows", "worker"},
    "worker": {"models", "activities", "workflows", "gateway"},
    "starter": {"gateway"},
}
# Decides, hence does no I/O and reads no clock. The ledger's tables are the exception.
PURE = {"models", "workflows"}
LEDGER = PurePosixPath("models/ledger.py")
WORLD = {
    *("sqlalchemy", "sqlmodel", "sqlite3", "psycopg"),
    *("http", "urllib.request", "requests", "httpx", "aiohttp", "socket", "ssl", "smtplib", "aiosmtplib"),
    *("os", "pathlib", "shutil", "tempfile", "glob", "subprocess", "importlib", "dotenv"),
    *("random", "secrets", "yaml"),
}
# In a module above, yet pure: a path that is only a name.
NOT_WORLD = {"pathlib.PurePath", "pathlib.PurePosixPath"}
CLOCK_AND_CHANCE = {
    *("open", "io.open", "input", "__import__"),
    *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today"),
    *("time.time", "time.time_ns", "time.monotonic", "time.perf_counter", "time.sleep"),
    *("uuid.uuid1", "uuid.uuid4"),
}


def violations(path: PurePosixPath, source: str) -> list[str]:
    """What a file of the project does against the rule, one line each: `file:line: what and why`."""
    part = path.parts[0].removesuffix(".py")
    tree = ast.parse(source)
    imports = list(_imports(tree, path))
    found = []
    for line, module, _ in imports:
        other = module.split(".")[0]
        if other in MAY_IMPORT and other != part and other not in MAY_IMPORT[part]:
            allowed = ", ".join(sorted(MAY_IMPORT[part])) or "no other part"
            found.append((line, f"{part} imports {module}; it may import {allowed}"))
    if part == "workflows":
        passed_through = _passed_through(tree)
        for line, module, _ in imports:
            if module.split(".")[0] == "activities" and line not in passed_through:
                found.append((line, f"{module} is imported outside workflow.unsafe.imports_passed_through()"))
    if part in PURE and path != LEDGER:
        for line, module, _ in imports:
            if _is_under(module, {*WORLD, "models.ledger"}) and module not in NOT_WORLD:
                found.append((line, f"{part} decides and must not reach the world: import of {module}"))
        for line, name in _uses(tree, {local: module for _, module, local in imports}):
            if name in CLOCK_AND_CHANCE:
                found.append((line, f"{part} decides from what it is given: no {name}"))
    if part == "models":
        for line, module, _ in imports:
            if _is_under(module, {"temporalio"}):
                found.append((line, f"models know nothing of the engine: import of {module}"))
    return [f"{path}:{line}: {text}" for line, text in sorted(set(found))]


def _imports(tree: ast.AST, path: PurePosixPath) -> Iterator[tuple[int, str, str]]:
    """Every import as line, full dotted name and the local name it binds."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                # `import a.b` binds `a`; `import a.b as c` binds `a.b` to `c`.
                yield node.lineno, alias.name, alias.asname or alias.name
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(path.parts[: -node.level]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            for alias in node.names:
                yield node.lineno, f"{module}.{alias.name}", alias.asname or alias.name


def _is_under(module: str, roots: set[str]) -> bool:
    return any(module == root or module.startswith(f"{root}.") for root in roots)


def _passed_through(tree: ast.AST) -> set[int]:
    """The lines inside `with workflow.unsafe.imports_passed_through():`."""
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.With) and any(
            ast.unparse(item.context_expr).endswith("unsafe.imports_passed_through()") for item in node.items
        ):
            lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


def _uses(tree: ast.AST, bound: dict[str, str]) -> Iterator[tuple[int, str]]:
    """Every name and attribute that is read, spelled out in full: `dt.now` as `datetime.datetime.now`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            first, _, rest = ast.unparse(node).partition(".")
            full = bound.get(first, first)
            yield node.lineno, f"{full}.{rest}" if rest else full


def project_files() -> Iterator[Path]:
    for part in MAY_IMPORT:
        yield from sorted((ROOT / part).rglob("*.py"))
        if (ROOT / f"{part}.py").exists():
            yield ROOT / f"{part}.py"


def test_the_project_keeps_the_dependency_rule() -> None:
    found = [
        line
        for file in project_files()
        for line in violations(PurePosixPath(file.relative_to(ROOT).as_posix()), file.read_text())
    ]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("path", "source", "complaint"),
    [
        (
            "models/case.py",
            "\nimport workflows.case",
            "models/case.py:2: models imports workflows.case; it may import",
        ),
        ("models/case.py", "from activities import notices", "models imports activities.notices"),
        ("models/a/b.py", "from ...gateway import service", "models imports gateway.service"),
        ("activities/mail.py", "import workflows", "activities imports workflows; it may import models"),
        ("activities/mail.py", "from gateway.service import Service", "activities imports gateway.service"),
        ("gateway/cli/main.py", "import starter", "gateway imports starter"),
        ("starter.py", "from models.money import Money", "starter imports models.money"),
        ("worker.py", "import starter", "worker imports starter"),
        ("workflows/case.py", "from activities.step import perform", "outside workflow.unsafe"),
        ("workflows/case.py", "from gateway import service", "workflows imports gateway.service"),
        ("workflows/case.py", "def f():\n    from models import ledger", "case.py:2: workflows decides"),
        ("models/case.py", "from .ledger import Row", "import of models.ledger.Row"),
        ("models/case.py", "import os.path", "import of os.path"),
        ("models/case.py", "from pathlib import Path, PurePath", "import of pathlib.Path"),
        ("models/case.py", "from sqlmodel import SQLModel", "import of sqlmodel.SQLModel"),
        ("models/case.py", "import urllib.request", "import of urllib.request"),
        ("models/case.py", "from urllib import request", "import of urllib.request"),
        ("models/case.py", "from temporalio import workflow", "know nothing of the engine"),
        ("models/ledger.py", "from temporalio import activity", "know nothing of the engine"),
        ("models/case.py", "open('x')", "no open"),
        ("models/case.py", "from datetime import datetime as dt\ndt.now()", "case.py:2: models decides from"),
        ("models/case.py", "import datetime\ndatetime.date.today()", "no datetime.date.today"),
        ("models/case.py", "import datetime as d\nd.datetime.utcnow()", "no datetime.datetime.utcnow"),
        ("models/case.py", "from datetime import datetime\nf(default_factory=datetime.now)", "no datetime"),
        ("workflows/case.py", "from uuid import uuid4\nuuid4()", "no uuid.uuid4"),
        ("workflows/case.py", "import time\ntime.time()", "no time.time"),
        ("workflows/case.py", "from time import time\ntime()", "no time.time"),
    ],
)
def test_an_offence_is_found_and_named(path: str, source: str, complaint: str) -> None:
    found = violations(PurePosixPath(path), source)
    assert any(complaint in line for line in found), found


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (
            "models/case.py",
            "from datetime import date\nfrom models.money import Money\nfrom .ids import case_id",
        ),
        ("models/ledger.py", "from sqlmodel import SQLModel\nfrom datetime import datetime\ndatetime.now()"),
        ("models/urls.py", "from urllib.parse import urlsplit"),
        ("models/settings.py", "from pathlib import PurePath"),
        ("activities/mail.py", "import os\nfrom models.ledger import Row\nopen('x')"),
        ("workflows/case.py", "from temporalio import workflow\nworkflow.now()\nworkflow.uuid4()"),
        (
            "workflows/case.py",
            "from temporalio import workflow\n"
            "with workflow.unsafe.imports_passed_through():\n    from activities.step import perform",
        ),
        ("gateway/embedded.py", "import worker\nimport workflows.case\nimport subprocess"),
        ("worker.py", "import gateway.settings\nimport activities\nimport workflows\nimport models"),
        ("starter.py", "from gateway.cli import main"),
    ],
)
def test_what_the_rule_allows_passes(path: str, source: str) -> None:
    assert violations(PurePosixPath(path), source) == []
