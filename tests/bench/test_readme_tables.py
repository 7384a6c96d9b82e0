"""The tables of the pages are those of the committed results; goals are met or missed as the numbers say."""

import re

import pytest

from benchmarks import readme_tables
from fasts2s.bench import goals
from fasts2s.bench.results import Result, Row


@pytest.mark.parametrize(
    "path", readme_tables.FILES, ids=lambda path: path.relative_to(readme_tables.ROOT).as_posix()
)
def test_tables_and_results_agree_and_a_number_edited_by_hand_is_seen(path):
    text = path.read_text(encoding="utf-8")
    assert readme_tables.renewed(text) == text, "run: python benchmarks/readme_tables.py"
    assert text.count("<!-- table: ") == text.count("<!-- end -->") == len(readme_tables._BLOCK.findall(text)) > 0
    found = next(found for found in readme_tables._BLOCK.finditer(text) if re.search(r"\d", found["text"]))
    digit = found.start("text") + re.search(r"\d", found["text"]).start()
    edited = text[:digit] + str((int(text[digit]) + 1) % 10) + text[digit + 1 :]
    assert readme_tables.renewed(edited) == text != edited


def test_every_table_stands_on_a_page_and_no_other_page_has_tables():
    pages = [*readme_tables.ROOT.glob("*.md"), *readme_tables.ROOT.glob("*/*.md")]
    found = {
        page: {block["name"] for block in readme_tables._BLOCK.finditer(page.read_text("utf-8"))} for page in pages
    }
    assert {page for page, names in found.items() if names} == set(readme_tables.FILES)
    assert set().union(*found.values()) == set(readme_tables.TABLES)


def test_a_table_that_is_new_is_written_and_nothing_else_and_one_that_there_is_not_is_an_error():
    def page(table):
        return f"a\n<!-- table: start -->\n{table}<!-- end -->\nb\n<!-- table: start -->\nold\n<!-- end -->\n"

    sentence = f"{readme_tables.start()}\n"
    assert readme_tables.renewed(page("")) == page(sentence).replace("old\n", sentence)
    with pytest.raises(KeyError, match="no-such-table"):
        readme_tables.renewed("<!-- table: no-such-table -->\nold\n<!-- end -->")


def test_every_committed_result_can_be_read():
    paths = list(readme_tables.RESULTS.glob("*.json"))
    assert len(paths) >= 4
    for path in paths:
        own = path.stem in {
            "readme_commands",
            "applications",
            "onnx_captions",
            "distributed",
            "exchange",
        }  # of other programs than fasts2s bench
        assert own or readme_tables.load(path.stem).rows


def _result(*rows, plan="full"):
    return Result(plan, "2026-01-01T00:00:00", 1.0, {}, {}, {}, [], 0.0, list(rows))


def _row(contestant, *rounds, case="Rnnlm H=100"):
    middle = sorted(rounds)[len(rounds) // 2]
    return Row("steps", case, contestant, "s", middle, middle, middle, 0.0, rounds)


@pytest.mark.parametrize(
    ("plan", "case", "ours", "other", "peer", "verdict"),
    [
        ("full", "Rnnlm H=100", "numba", "PyTorch", 3.7, "met"),
        ("full", "Rnnlm H=100", "numba", "PyTorch", 3.5, "missed"),
        ("gpu", "Seq2seq H=128", "cupy", "PyTorch cuda", 4.1, "met"),
        ("gpu", "Seq2seq H=128", "cupy", "PyTorch cuda", 3.9, "missed"),
    ],
)
def test_a_goal_is_judged_by_ratios_within_rounds(plan, case, ours, other, peer, verdict):
    rows = _row(ours, 1.0, 2.0, 3.0, case=case), _row(other, 1.0, peer, 9.0, case=case)
    (goal,) = [goal for goal in goals.goals(_result(*rows, plan=plan)) if goal.measured is not None]
    assert (case in goal.what, goal.measured, goal.verdict) == (True, pytest.approx(peer / 2), verdict)
    *_, measured, verdicts = (column.cells for column in goals.columns(_result(*rows, plan=plan)))
    assert [verdicts[k] for k, text in enumerate(measured) if text] == [verdict]


def _timed(load=0.2):
    def step(section, text, seconds, said=""):
        return {"section": section, "text": text, "seconds": seconds, "said": said}

    machine = {"processor": "a fast one", "threads": 2, "load_before": load}
    steps = [
        step("A tour", "fasts2s train date", 133.4),
        step("A tour", "fasts2s info", 1.2),
        step("A tour", "fasts2s skipped", None),
        step("Two commands", "make demo", 65.0, "accuracy\ntime 31 s, peak memory 262 MB\n"),
    ]
    return {"started": "2026-01-02T00:00:00", "machine": machine, "steps": steps}


def test_the_readme_says_what_its_commands_took_and_where():
    assert readme_tables.tour(_timed()) == (
        "It takes 2 min 15 s: `train date`: 2 min 13 s; `info`: 1 s.\nThe first one compiles its kernels, as on a "
        "new machine. Timed by `benchmarks/readme_commands.py` (a fast one, 2 cores, 2026-01-02)."
    )
    said = readme_tables.demo(_timed())
    assert said.startswith("`make demo` took 1 min 5 s (a fast one, 2 cores, 2026-01-02): 31 s of training")
    assert all("CAUTION" in part(_timed(load=3.0)) for part in (readme_tables.tour, readme_tables.demo))
    assert not re.search(r"\d", readme_tables.tour({"steps": []}) + readme_tables.demo({"steps": []}))
