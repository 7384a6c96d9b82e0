"""The process from which the tests of this folder fork others."""

from collections.abc import Iterator

import pytest

from tests.kernels.cpu import processes


@pytest.fixture(scope="session", autouse=True)
def _nursery() -> Iterator[None]:
    yield
    processes.NURSERY.close()
