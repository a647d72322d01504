"""Worlds for the workflow tests. What must always hold is checked at the end of each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cases import day
from tests.workflows.servers import LAPSE, real_server, skipping_server
from tests.workflows.world import World, open_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A world on a server that skips time."""
    async with await skipping_server() as env, open_world(env, tmp_path) as world:
        yield world
        await world.audit()


@pytest.fixture
async def real_world(tmp_path: Path) -> AsyncIterator[World]:
    """A world in time-lapse on the real server."""
    async with await real_server() as env, open_world(env, tmp_path, day(0, 0), LAPSE) as world:
        yield world
        await world.audit()
