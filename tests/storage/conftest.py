from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.storage.project import Project


@pytest.fixture
def project() -> Iterator[Project]:
    """Below a folder that everyone may enter, unlike pytest's own: nothing but the code under test keeps anyone out."""
    with TemporaryDirectory(prefix="hutch-test-") as folder:
        Path(folder).chmod(0o755)
        yield Project(Path(folder))
