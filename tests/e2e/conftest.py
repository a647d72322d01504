"""One running stack for all tests that only talk to it; each of them uses invoice numbers of its own."""

from collections.abc import Iterator

import pytest

from tests.e2e.command import CommandLine, Up, up


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """`arrears up`, for the whole run."""
    with up(tmp_path_factory.mktemp("stack") / "var") as running:
        yield running


@pytest.fixture
def arrears(stack: Up) -> CommandLine:
    """The command line on the running stack."""
    return CommandLine(stack.folder)
