"""What tests of texts share: the data beside the checkout, libraries of the extra."""

import importlib.util
import os

import pytest


@pytest.fixture
def shared_data(book_data):
    """Folder of the third-party data, of which the book's is a part; skips where it is absent."""
    folder = book_data.parent
    if not (folder / "mt" / "kor.txt.gz").exists():
        pytest.skip(f"the other third-party data is not beside {book_data}")
    return folder


@pytest.fixture
def extra():
    """Return a function that skips where a library of the extra `text` is absent, or fails where it is required."""

    def need(library):
        if importlib.util.find_spec(library) is None:
            required = "text" in os.environ.get("FASTS2S_TEST_REQUIRE", "").split(",")
            (pytest.fail if required else pytest.skip)(f"there is no {library}: pip install 'fasts2s[text]'")

    return need
