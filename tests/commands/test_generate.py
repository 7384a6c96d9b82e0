"""fasts2s generate: how a prompt is cut, what is read, how text is chosen, folders of former versions."""

import numpy as np
import pytest

from fasts2s.cli import main
from fasts2s.generation import sample
from fasts2s.models import Rnnlm, load_model, save_model
from fasts2s.text import load_tokenizer

_SPOKEN = "Alice, said the cat, don't go (yet)! The cat's gone.\n" * 60


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """Return the folder of a model of words."""
    folder = tmp_path_factory.mktemp("spoken")
    (folder / "own.txt").write_text(_SPOKEN, encoding="utf-8")
    small = ["--epochs", "1", "--hidden", "4", "--batch-size", "2", "--time-size", "5"]
    assert main(["train", "lm", str(folder / "own.txt"), "--out", str(folder / "run"), *small]) == 0
    return folder / "run"


@pytest.mark.parametrize(
    ("start", "shown"),
    [
        ("alice,", "alice,"),
        ("Alice, said THE cat,", "alice, said the cat,"),
        ("the cat's", "the cat's"),
        ("don't go (yet)!", "don't go (yet)!"),
        ("<eos> the", "\nthe"),
    ],
)
def test_a_prompt_is_cut_like_the_text(spoken, generate, start, shown):
    status, printed = generate(spoken, "--start", start, "--skip", "(yet)!")
    assert (status, printed.err) == (0, "")
    assert printed.out.startswith(shown)
    assert set("(!") & set(printed.out.removeprefix(shown)) == set()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--start", "alice, xyzzy"], "the model does not know the word 'xyzzy' of --start"),
        (["--start", "  "], "--start is '  ', expected at least one word"),
        (["--start", "alice", "--skip", "the", "foo"], "does not know the word 'foo' of --skip"),
        (["--start", "alice", "--ban", "foo"], "does not know the word 'foo' of --ban"),
        (["--start", "alice", "--stop", "bar"], "does not know the word 'bar' of --stop"),
        (["--start", "alice", "--stop", "cat,"], "--stop is 'cat,', which is 'cat', ',', expected one word"),
    ],
)
def test_what_the_model_cannot_read_is_named(spoken, generate, options, said):
    status, printed = generate(spoken, *options)
    assert (status, printed.out) == (1, "")
    assert said in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize(
    ("level", "start", "prompt"),
    [
        ({}, "B a,", ["b", "a", ","]),  # the first versions knew words alone, and did not name that
        ({"level": "word"}, "<eos> b", ["<eos>", "b"]),
        ({"level": "char"}, "ba", ["b", "a"]),
    ],
)
def test_folders_of_former_versions_write_what_they_wrote(level, start, prompt, tmp_path, generate):
    words = ["a", "b", ",", "<eos>", "<unk>"]
    np.random.seed(4)
    model = Rnnlm(5, 3, 4, backend="numpy")
    model.params[-1][...] = np.random.randn(5)
    save_model(tmp_path / "model.npz", model, {"task": "lm", "words": words, **level})
    ids = [words.index(word) for word in prompt]
    state = None
    for i in ids[:-1]:
        _, state = model.step(np.array([i]), state)
    (drawn,) = sample(model.step, state, np.array([ids[-1]]), 8, rng=1, skip_ids=[1, 4])
    status, printed = generate(tmp_path, "--start", start, "--skip", "b")
    assert (status, printed.err) == (0, "")
    shown = "".join(words[i] for i in [*ids, *drawn]).replace("<eos>", "\n")
    assert "".join(printed.out.split(" ")).removesuffix("\n") == shown.removesuffix("\n")


def test_a_text_of_several_words_is_read_before_the_first_is_written(spoken, generate):
    model, _ = load_model(spoken / "model.npz")
    tokenizer = load_tokenizer(spoken, "text")
    for start in ("alice", "the cat's", "alice, said the cat, don't"):
        model.reset_state()
        scores = model.predict(np.array([tokenizer.encode(start)]))[0, -1]
        scores[:3] = -np.inf  # marks
        best = tokenizer.decode([*tokenizer.encode(start), int(scores.argmax())])
        assert generate(spoken, "--start", start, "--temperature", "0", "--length", "1")[1].out == f"{best}\n"


def test_texts_are_chosen_with_all_options(spoken, generate):
    def written(*options):
        status, printed = generate(spoken, "--start", "alice", *options)
        assert (status, printed.err) == (0, "")
        return printed.out.removesuffix("\n")

    assert written() == written() != written("--seed", "2")
    assert not set(",!") & set(written("--ban", ",", "!", "--length", "60"))  # also those after a blank
    once = written("--temperature", "0", "--no-repeat-ngram", "1", "--length", "9").removeprefix("alice")
    words = once.replace(",", " ,").split()  # only what was written: the start may come again
    assert len(words) == len(set(words))
    assert written("--temperature", "0") == written("--beam", "1", "--temperature", "0") == written("--top-k", "1")
    assert written("--top-p", "0.001") == written("--temperature", "0")
    several = written("--beam", "4", "--nbest", "3", "--length", "5").split("\n\n")
    scores = [float(text.partition("\n")[0].removeprefix("log-probability ")) for text in several]
    assert scores == sorted(scores, reverse=True)
    assert len({text.partition("\n")[2] for text in several}) == 3
    assert len(written("--nbest", "2").split("\n\n")) == 2  # drawn
    stopped = written("--stop", ".", "--max-length", "60")
    assert stopped.endswith(".")
    assert stopped.count(".") == 1
    assert written("--stop", "<eos>", "--min-length", "20", "--length", "20").count("\n") == 0
