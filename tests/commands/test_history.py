"""``fasts2s history``: runs side by side."""

import csv
import json

import pytest

from fasts2s.cli import main
from fasts2s.commands.history import Run
from fasts2s.commands.run_log import GROUP, RunLog, read_log
from fasts2s.models import Seq2seq
from fasts2s.optimizers import Adam
from fasts2s.trainer import Trainer


def write_run(folder, measure, values, *, steps=3):
    folder.mkdir()
    rows = [{"epoch": k, "loss": 2.0 / k, measure: v, "seconds": 1.5} for k, v in enumerate(values, start=1)]
    (folder / "history.json").write_text(json.dumps({"parameters": 1234, "epochs": rows}), encoding="utf-8")
    lines = [
        {"step": k, "epoch": 1, "loss": 3.0 - k, "lr": 0.1, "norm": None, "labels_per_second": 100.0 * k}
        for k in range(1, steps + 1)
    ]
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return str(folder)


def test_table_picture_and_csv(tmp_path, capsys):
    runs = [
        write_run(tmp_path / "a", "accuracy", [10.0, 50.0, 40.0]),
        write_run(tmp_path / "_b$", "perplexity", [9.0, 3.5]),
    ]
    table, picture = tmp_path / "log.csv", tmp_path / "curves.png"
    assert main(["history", *runs, "--csv", str(table), "--picture", str(picture)]) == 0
    printed = capsys.readouterr()
    head, *lines = [line.split() for line in printed.out.splitlines()[:3]]
    assert head == ["run", "parameters", "epochs", "loss", "best", "measure", "epoch", "labels/s", "seconds"]
    assert lines[0] == [runs[0], "1,234", "3", "0.6667", "50.00", "accuracy", "2", "200", "4"]
    assert lines[1] == [runs[1], "1,234", "2", "1.0000", "3.50", "perplexity", "2", "200", "3"]
    assert picture.read_bytes().startswith(b"\x89PNG")
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["run", "step", "epoch", "loss", "lr", "norm", "labels_per_second"]
    assert rows[1] == [runs[0], "1", "1", "2.0", "0.1", "", "100.0"] and len(rows) == 7


def test_a_run_in_its_first_epoch_and_none(tmp_path, capsys):
    folder = write_run(tmp_path / "a", "accuracy", [1.0])
    (tmp_path / "a" / "history.json").unlink()
    assert main(["history", folder, "--picture", str(tmp_path / "p.png")]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == [
        folder,
        *["-", "0", "0.0000", "-", "-", "-", "200", "0"],
    ]
    (tmp_path / "empty").mkdir()
    for wrong in (tmp_path / "empty", tmp_path / "none"):
        assert main(["history", str(wrong)]) == 1
        assert f"{wrong} holds no run" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["{", "[1]", '{"epochs": 3}', '{"epochs": [3]}'])
def test_a_damaged_history(tmp_path, capsys, content):
    (tmp_path / "history.json").write_text(content)
    assert main(["history", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_line_cut_by_a_kill_is_left_out(tmp_path):
    folder = write_run(tmp_path / "a", "accuracy", [1.0])
    with (tmp_path / "a" / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"step": 4, "lo')
    assert [line["step"] for line in Run.read(folder).log] == [1, 2, 3]


def test_groups_of_steps_and_what_is_removed_when_a_run_goes_on(tmp_path):
    trainer = Trainer(Seq2seq(5, 2, 2), Adam(0.25))
    trainer.last_norm, per_epoch = 0.5, 2 * GROUP + 3
    log = RunLog(tmp_path, trainer, 0)
    for epoch in (1, 2):
        losses = []
        for k in range(per_epoch):
            losses.append(float(k))
            trainer.labels += 7
            log.step(epoch, losses, per_epoch)
    lines = read_log(tmp_path)
    assert [line["step"] for line in lines] == [20, 40, 43, 63, 83, 86]
    assert [line["loss"] for line in lines[:3]] == [9.5, 29.5, 41.0]
    assert {line["lr"] for line in lines} == {0.25} and {line["norm"] for line in lines} == {0.5}
    again = RunLog(tmp_path, trainer, 50)
    assert len(read_log(tmp_path)) == 6  # untouched until there is a line for it
    again.step(2, [1.0] * GROUP, per_epoch)
    assert [line["step"] for line in read_log(tmp_path)] == [20, 40, 43, 63]
