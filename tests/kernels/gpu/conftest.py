"""Nothing here runs without kernels; every test leaves no complaint of the device behind."""

import pytest


@pytest.fixture(autouse=True)
def _needs_the_shim(shim):
    """Skips, or fails, where no kernel can be built."""
