"""Perplexity and exact answers: the book's printed text and values, and nothing run twice."""

import numpy as np
import pytest

from fasts2s import evaluation
from fasts2s.evaluation import eval_perplexity, eval_seq2seq, exact_answers, perplexity, print_answer
from fasts2s.models import AttentionSeq2seq, BetterRnnlm, PeekySeq2seq, Rnnlm, Seq2seq

LETTERS = dict(enumerate("0123456789_+ "))


@pytest.fixture(autouse=True)
def _seed():
    np.random.seed(20260101)


class Constant:
    """A language model without train_flg that says given losses and keeps what it is asked."""

    def __init__(self, losses):
        self.losses, self.calls = losses, []

    def forward(self, xs, ts):
        self.calls.append((xs.copy(), ts.copy()))
        return self.losses[len(self.calls) - 1]


class WithFlag(Constant):
    def forward(self, xs, ts, train_flg=True):
        assert train_flg is False
        return super().forward(xs, ts)


class Answering:
    """A seq2seq model with prepared answers, found by the first id of the question."""

    def __init__(self, answers):
        self.answers, self.calls = answers, []

    def generate(self, xs, start_id, sample_size):
        self.calls.append((xs.shape, start_id, sample_size))
        return self.answers[int(xs[0, 0])]


# ---- perplexity --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [Constant, WithFlag])
def test_eval_perplexity_prints_the_books_lines_and_calls_once_per_batch(make, capsys):
    losses = [1.0, 2.0, 1.5]
    model = make(losses)
    value = eval_perplexity(model, np.arange(100) % 13, batch_size=3, time_size=11)
    assert capsys.readouterr().out == "evaluating perplexity ...\n\r0 / 3\r1 / 3\r2 / 3\n"
    assert value == pytest.approx(np.exp(np.mean(losses)), rel=1e-12)
    assert type(value) is float
    assert len(model.calls) == 3


def test_perplexity_prints_nothing_and_reports_progress(capsys):
    seen = []
    value = perplexity(Constant([1.0, 2.0]), np.arange(23), 2, 5, lambda k, n: seen.append((k, n)))
    assert capsys.readouterr().out == ""
    assert seen == [(0, 2), (1, 2)]
    assert value == pytest.approx(np.exp(1.5))


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
@pytest.mark.parametrize("L", [83, 84, 85])  # the last word of a text is only ever an answer
def test_perplexity_reads_parallel_streams(L, dtype, rng):
    corpus = rng.integers(0, 50, L).astype(dtype)
    N, T = 3, 7
    model = Constant([0.0] * 10)
    assert perplexity(model, corpus, N, T) == 1.0
    assert len(model.calls) == (L - 1) // 21
    for k, (xs, ts) in enumerate(model.calls):
        expected = np.zeros((2, N, T), dtype=int)
        for row in range(N):
            for step in range(T):
                place = row * ((L - 1) // N) + k * T + step
                expected[:, row, step] = corpus[place], corpus[place + 1]
        assert xs.dtype.kind == ts.dtype.kind == "i"
        assert xs.tolist() == expected[0].tolist()
        assert ts.tolist() == expected[1].tolist()


def test_a_type_error_inside_forward_goes_through_unchanged():
    class Broken(WithFlag):
        def forward(self, xs, ts, train_flg=True):
            super().forward(xs, ts, train_flg)
            raise TypeError("from the inside")

    model = Broken([0.0, 0.0])
    with pytest.raises(TypeError, match=r"^from the inside$"):
        eval_perplexity(model, np.arange(30), 2, 3)
    assert len(model.calls) == 1


@pytest.mark.parametrize("V", [7, 11])
def test_perplexity_of_a_uniform_model_is_the_size_of_the_vocabulary(V, backend, rng):
    for model in (Rnnlm(V, 5, 3, backend=backend), BetterRnnlm(V, 5, 5, backend=backend)):
        for p in model.params:
            p[...] = 0
        assert perplexity(model, rng.integers(0, V, 200), 3, 5) == pytest.approx(V, rel=1e-6)


def test_perplexity_measures_without_dropout(rng):
    corpus = rng.integers(0, 11, 130)
    model = BetterRnnlm(11, 7, 7, dropout_ratio=0.9)
    for p in model.params:
        p *= 3
    state = np.random.get_state()[1].copy()
    first = perplexity(model, corpus, 3, 5)
    model.reset_state()
    assert perplexity(model, corpus, 3, 5) == first
    assert np.array_equal(np.random.get_state()[1], state)
    plain = BetterRnnlm(11, 7, 7, dropout_ratio=0.0)
    plain.set_params(model.params)
    assert perplexity(plain, corpus, 3, 5) == pytest.approx(first, rel=1e-6)


def test_perplexity_refuses_a_short_corpus_and_wrong_types():
    model = Constant([1.0])
    with pytest.raises(ValueError, match=r"corpus has 350 ids, expected at least batch_size \* time_size \+ 1 = 351"):
        perplexity(model, np.arange(350))
    for wrong in (np.arange(600.0), np.zeros((2, 600), dtype=int), [1] * 600):
        with pytest.raises(ValueError, match="corpus"):
            perplexity(model, wrong)
    assert model.calls == []


@pytest.mark.parametrize("sizes", [{"batch_size": 0}, {"time_size": 0}, {"batch_size": -1, "time_size": -1}])
def test_perplexity_refuses_sizes_below_one(sizes):
    with pytest.raises(ValueError, match="size"):
        perplexity(Constant([1.0]), np.arange(400), **sizes)


# ---- one answer --------------------------------------------------------------------------------------------------

MARKS_ON_WINDOWS = {True: "O", False: "X"}
MARKS = {True: "\033[92m☑\033[0m", False: "\033[91m☒\033[0m"}


@pytest.mark.parametrize("windows", [False, True])
@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("is_reverse", [False, True])
def test_eval_seq2seq_prints_the_books_format(right, is_reverse, windows, monkeypatch, capsys):
    monkeypatch.setattr(evaluation, "os", type("os", (), {"name": "nt" if windows else "posix"}))
    model = Answering({1: [4, 12] if right else [4, 4]})
    question, correct = np.array([[1, 2, 11, 2]]), np.array([[10, 4, 12]])
    came = eval_seq2seq(model, question, correct, LETTERS, True, is_reverse)
    mark = (MARKS_ON_WINDOWS if windows else MARKS)[right]
    asked = "2+21" if is_reverse else "12+2"
    answer = "4 " if right else "44"
    assert capsys.readouterr().out == f"Q {asked}\nT 4 \n{mark} {answer}\n---\n"
    assert came == int(right)
    assert type(came) is int
    assert model.calls == [((1, 4), 10, 2)]
    assert type(model.calls[0][1]) is int


@pytest.mark.parametrize(
    ("options", "lines"),
    [({}, 0), ({"verbose": True}, 4), ({"verbos": True}, 4), ({"verbose": True, "verbos": False}, 0)],
    ids=str,
)
def test_both_spellings_of_verbose(options, lines, capsys):
    model = Answering({1: [4]})
    assert eval_seq2seq(model, np.array([[1, 2]]), np.array([[10, 4]]), LETTERS, **options) == 1
    assert len(capsys.readouterr().out.splitlines()) == lines


def test_answers_are_compared_as_text():
    same_letters = {1: "a", 2: "b", 3: "b"}
    model = Answering({1: [3]})
    assert eval_seq2seq(model, np.array([[1]]), np.array([[1, 2]]), same_letters) == 1


def test_eval_seq2seq_refuses_what_it_cannot_read():
    model = Answering({1: [77]})
    with pytest.raises(IndexError, match="id 77 has no character"):
        eval_seq2seq(model, np.array([[1, 2]]), np.array([[10, 4]]), LETTERS)
    with pytest.raises(ValueError, match="correct is empty"):
        eval_seq2seq(model, np.array([[1, 2]]), np.zeros((1, 0), dtype=int), LETTERS)
    with pytest.raises(ValueError, match="correct has dtype float64"):
        eval_seq2seq(model, np.array([[1, 2]]), np.array([[10.0, 4.0]]), LETTERS)


def test_print_answer_marks_right_and_wrong(capsys):
    print_answer("1+1", "2", "2")
    print_answer("1+1", "2", "3")
    out = capsys.readouterr().out
    assert out.count("Q 1+1\nT 2\n") == 2
    assert out.count("---\n") == 2
    assert out.splitlines()[2] != out.splitlines()[6]


# ---- many answers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [Seq2seq, PeekySeq2seq, AttentionSeq2seq])
@pytest.mark.parametrize("batch_size", [1, 7, 5000])
def test_exact_answers_equals_a_loop_of_eval_seq2seq(make, batch_size, backend, rng):
    model = make(13, 5, 7, backend=backend)
    for p in model.params:
        p *= 3
    xs = rng.integers(0, 10, (23, 3))
    # Half of the correct answers are those of the model, so that both outcomes occur.
    ts = np.concatenate((np.full((23, 1), 10), model.generate_batch(xs, 10, 2)), axis=1)
    ts[::2, 1:] = rng.integers(0, 10, (12, 2))
    came = exact_answers(model, xs, ts, batch_size=batch_size)
    expected = [eval_seq2seq(model, xs[[i]], ts[[i]], LETTERS) for i in range(23)]
    assert came.dtype == bool
    assert came.tolist() == [bool(e) for e in expected]
    assert 0 < sum(expected) < 23


def test_exact_answers_wants_the_whole_answer_right(monkeypatch):
    model = Seq2seq(13, 3, 5)
    monkeypatch.setattr(model, "generate_batch", lambda xs, start, size: [[1, 2], [1, 3], [4, 2], [1, 2]])
    ts = np.array([[9, 1, 2], [9, 1, 2], [9, 1, 2], [9, 2, 1]])
    assert exact_answers(model, np.zeros((4, 3), dtype=int), ts).tolist() == [True, False, False, False]


def test_exact_answers_of_nothing():
    model = Seq2seq(13, 3, 5)
    assert exact_answers(model, np.zeros((0, 3), dtype=int), np.zeros((0, 4), dtype=int)).shape == (0,)
    assert exact_answers(model, np.zeros((3, 2), dtype=int), np.full((3, 1), 7)).tolist() == [True] * 3


def test_exact_answers_refuses_bad_input():
    model = Seq2seq(13, 3, 5)
    xs, ts = np.zeros((4, 3), dtype=int), np.zeros((4, 2), dtype=int)
    for wrong_xs, wrong_ts in [(xs[:3], ts), (xs[0], ts), (xs, ts[:, :0]), (xs * 1.0, ts), (xs, ts * 1.0)]:
        with pytest.raises(ValueError, match=r"xs|ts"):
            exact_answers(model, wrong_xs, wrong_ts)


@pytest.mark.parametrize("batch_size", [5000, 3, 1])
def test_exact_answers_refuses_several_start_marks(batch_size):
    xs, ts = np.zeros((4, 3), dtype=int), np.zeros((4, 2), dtype=int)
    ts[3, 0] = 5
    with pytest.raises(ValueError, match="the same start mark"):
        exact_answers(Seq2seq(13, 3, 5), xs, ts, batch_size=batch_size)


@pytest.mark.parametrize("batch_size", [0, -1])
def test_exact_answers_refuses_a_batch_size_below_one(batch_size):
    xs, ts = np.zeros((4, 3), dtype=int), np.zeros((4, 2), dtype=int)
    with pytest.raises(ValueError, match="batch_size"):
        exact_answers(Seq2seq(13, 3, 5), xs, ts, batch_size=batch_size)
