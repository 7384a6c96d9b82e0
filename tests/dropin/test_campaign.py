"""A sample of ``benchmarks/dropin_campaign.py`` on the small library: plain Python's numbers, and no leak."""

import importlib.util
import warnings
from pathlib import Path

import pytest

import fasts2s

_FILE = Path(__file__).resolve().parents[2] / "benchmarks" / "dropin_campaign.py"
_spec = importlib.util.spec_from_file_location("dropin_campaign", _FILE)
campaign = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(campaign)


@pytest.mark.parametrize("name", campaign.ALL)
def test_three_times(book, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fasts2s.FallbackWarning)
        row = campaign.run(name, 3, "numpy")
    assert (row.times, row.failed) == (3, 0), row


def test_a_difference_is_found(book, monkeypatch):
    numbers = iter(range(4))
    monkeypatch.setitem(campaign.ALL, "chance", campaign.compared(lambda seed: [next(numbers)]))
    assert campaign.run("chance", 2, "numpy").failed == 2


def test_a_leak_is_found(book, monkeypatch):
    kept = []
    monkeypatch.setitem(campaign.ALL, "leak", lambda seed, backend: kept.append(bytes(5000)) or 0.0)
    assert campaign.run("leak", 30, "numpy").traced > 4900
