from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.supervisor.client import Client, SupervisorProcess


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[SupervisorProcess]:
    with SupervisorProcess(tmp_path) as process:
        yield process


@pytest.fixture
def client(supervisor: SupervisorProcess) -> Iterator[Client]:
    with supervisor.link() as client:
        yield client
