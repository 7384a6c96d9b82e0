"""NVRTC for the tests of this folder, and the rule about what is not there."""

import os

import pytest

from tests.kernels.gpu.compile_gate.nvrtc import Nvrtc, NvrtcMissingError, library


@pytest.fixture(scope="session")
def absent():
    """Call it with the name of a tool and the reason why it is not there: skips the test.

    Where FASTS2S_TEST_REQUIRE lists the name, as continuous integration does, the test fails: nothing may go unseen.
    """

    def absent(name, reason):
        required = name in os.environ.get("FASTS2S_TEST_REQUIRE", "").split(",")
        (pytest.fail if required else pytest.skip)(f"no {name}: {reason}")

    return absent


@pytest.fixture(scope="session")
def nvrtc(absent):
    """NVRTC of the wheel."""
    try:
        return Nvrtc(library())
    except NvrtcMissingError as error:
        return absent("nvrtc", str(error))
