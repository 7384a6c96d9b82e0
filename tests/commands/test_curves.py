"""The picture of a training: whatever its text is called, it is drawn, and where it is not, the training goes on."""

import dataclasses
import json
import os
import warnings

import matplotlib
import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from fasts2s.checkpoint.errors import CheckpointWarning
from fasts2s.cli import main
from fasts2s.commands import fonts, run_folder
from fasts2s.commands.attention_map import draw_attention
from fasts2s.commands.curves import draw_curve, text_curve
from fasts2s.text_to_text import Said
from tests.fresh_python import run_python

EPOCHS = [{"epoch": k, "loss": 2.0 / k, "perplexity": 8.0 / k} for k in (1, 2, 3)]
SMALL = ["--hidden", "4", "--batch-size", "5", "--time-size", "9"]
# No formula, letters that the usual font lacks, braces, an underscore, a line end, bytes that are no text.
NAMES = ["price_$5_to_$6^", "소나기", "吾輩は猫である　二", "a_{b}%#&~", "two\nlines\t", "\udcff"]


@pytest.fixture
def figures(monkeypatch):
    """The figures that are drawn."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - looks for fonts, see conftest.py

    drawn, save = [], Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda figure, *a, **k: (drawn.append(figure), save(figure, *a, **k))[1])
    return drawn


def _is_png(path):
    return path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", NAMES)
def test_every_title_is_drawn_without_a_warning(name, tmp_path, figures):
    draw_curve(tmp_path / "curve.png", EPOCHS, f"language model: {name}.txt", "perplexity", "perplexity")
    assert _is_png(tmp_path / "curve.png")
    shown = " ".join(f"language model: {name}.txt".split()).replace("\udcff", "?")
    assert figures[0].get_suptitle() == shown


@pytest.mark.skipif(os.name == "nt", reason="names that Windows does not allow")
@pytest.mark.parametrize("name", ["price_$5_to_$6^.txt", "소나기.txt", "猫.txt"])
def test_a_text_of_any_name_is_learned_where_warnings_are_errors(name, tmp_path):
    text, folder = tmp_path / name, tmp_path / "run"
    text.write_text("the cat and the dog .\n" * 300, encoding="utf-8")
    words = ["train", "lm", str(text), "--epochs", "2", "--out", str(folder), *SMALL]
    # run_python makes warnings errors.
    done = run_python(f"from fasts2s.cli import main; raise SystemExit(main({words!r}))", FASTS2S_BACKEND="numpy")
    assert (done.returncode, done.stderr) == (0, "")
    assert _is_png(folder / "curve.png")


def test_a_picture_that_cannot_be_drawn_is_said_once(tmp_path, capsys, monkeypatch):
    text, folder = tmp_path / "text.txt", tmp_path / "run"
    text.write_text("the cat and the dog .\n" * 300, encoding="utf-8")
    monkeypatch.setattr("fasts2s.commands.training_run.draw_curve", lambda *_: 1 / 0)
    assert main(["train", "lm", str(text), "--epochs", "3", "--out", str(folder), *SMALL]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "fasts2s: warning: drawing curve.png failed, the rest goes on (ZeroDivisionError: division by zero)"
    ]
    assert len(json.loads((folder / "history.json").read_text(encoding="utf-8"))["epochs"]) == 3


def test_a_history_that_cannot_be_written_is_said_once(tmp_path, capsys, monkeypatch):
    text, folder = tmp_path / "text.txt", tmp_path / "run"
    text.write_text("the cat and the dog .\n" * 300, encoding="utf-8")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_folder, "write_history", full)
    assert main(["train", "lm", str(text), "--epochs", "2", "--out", str(folder), *SMALL]) == 0
    assert capsys.readouterr().err.count("\n") == 1
    assert (folder / "model.npz").exists()


def test_a_warning_of_the_checkpoint_is_no_error(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(run_folder, "save_model", lambda *_: warnings.warn("flaky disk", CheckpointWarning, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run_folder.write_model(tmp_path, None, {}, first=True)
    assert capsys.readouterr().err == "fasts2s: warning: flaky disk\n"


def test_settings_of_the_user_do_not_make_formulas(tmp_path, figures):
    with matplotlib.rc_context({"text.usetex": True}):
        draw_curve(tmp_path / "curve.png", EPOCHS, "a_b", "perplexity", "perplexity")
    assert not figures[0].axes[0].title.get_usetex()


@pytest.mark.parametrize("count", [1, 2, 3, 30])
def test_ticks_are_epochs(count, tmp_path, figures):
    epochs = [{"epoch": k, "loss": 1.0, "accuracy": 50.0} for k in range(1, count + 1)]
    draw_curve(tmp_path / "curve.png", epochs, "title", "accuracy", "accuracy")
    for axes in figures[0].axes:
        low, high = axes.get_xlim()
        ticks = [t for t in axes.get_xticks() if low <= t <= high]
        assert all(t == int(t) and 1 <= t <= count for t in ticks)
        assert ticks if count > 1 else ticks == [1]


def test_a_picture_is_replaced_when_the_new_one_is_complete(tmp_path, monkeypatch):
    path = tmp_path / "curve.png"
    path.write_bytes(b"old")
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        draw_curve(path, EPOCHS, "title", "perplexity", "perplexity")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["curve.png"]


def test_infinite_values_are_left_out(tmp_path):
    epochs = [*EPOCHS, {"epoch": 4, "loss": float("nan"), "perplexity": float("inf")}]
    draw_curve(tmp_path / "curve.png", epochs, "title", "perplexity", "perplexity")
    assert _is_png(tmp_path / "curve.png")
    assert text_curve(epochs, "perplexity", "").endswith("| inf")


def _write_font(path, family, characters):
    """Write a font in which each of some characters is a square."""
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    for corner in ((100, 700), (800, 700), (800, 0)):
        pen.lineTo(corner)
    pen.closePath()
    square = pen.glyph()
    names = [".notdef", *(f"uni{ord(c):04X}" for c in characters)]
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(names)
    font.setupCharacterMap({ord(c): name for c, name in zip(characters, names[1:], strict=True)})
    font.setupGlyf(dict.fromkeys(names, square))
    font.setupHorizontalMetrics(dict.fromkeys(names, (900, 100)))
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": family, "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    font.save(path)


@pytest.fixture
def fonts_of_a_machine(tmp_path, monkeypatch):
    """A machine with DejaVu, a font of Korean and one of Japanese, and a file that is no font."""
    from matplotlib.font_manager import fontManager  # noqa: PLC0415

    own = [entry for entry in fontManager.ttflist if entry.name == "DejaVu Sans"]
    monkeypatch.setattr(fontManager, "ttflist", own)
    for family, characters in (("Little Hangul", "소나기가"), ("Little Kana", "ねこ猫ご")):
        path = tmp_path / f"{family}.ttf"
        _write_font(path, family, characters)
        fontManager.addfont(str(path))
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    entry = dataclasses.replace(own[0], fname=str(broken), name="Broken")
    monkeypatch.setattr(fontManager, "ttflist", [entry, *fontManager.ttflist])
    fonts._others.cache_clear()
    yield
    fonts._others.cache_clear()


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("plain, ü and Ω", []),
        ("소나기", ["Little Hangul"]),
        ("ねこ 猫", ["Little Kana"]),
        ("ねこ 가", ["Little Hangul", "Little Kana"]),
        ("ねこ \U00020000", ["Little Kana"]),  # which no font has
        ("\U00020000", []),
    ],
)
def test_a_font_is_looked_for_where_the_usual_one_lacks_a_letter(text, others, fonts_of_a_machine):
    assert fonts.families_for(text) == ["sans-serif", *others]


def test_letters_without_a_font_are_known(fonts_of_a_machine):
    assert fonts.without_font("소나기 \U00020000ねこ\U00020001\U00020000") == "\U00020000\U00020001"


def test_the_map_of_an_answer_says_which_letters_it_cannot_show(tmp_path, fonts_of_a_machine, capsys):
    for words, complaint in ((["가"], ""), (["犬", "가"], "boxes for 犬, which no font")):
        said = Said("", 0.0, words, ["a"], np.ones((2, len(words) + 1)) / 2, [])
        draw_attention(tmp_path / "map.png", said)
        assert complaint in capsys.readouterr().err if complaint else not capsys.readouterr().err


def test_letters_of_a_found_font_are_shown(tmp_path, fonts_of_a_machine, figures):
    draw_curve(tmp_path / "curve.png", EPOCHS, "소나기 price ねこ.txt", "perplexity", "perplexity")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of every letter that it cannot show
        figures[0].canvas.draw()
