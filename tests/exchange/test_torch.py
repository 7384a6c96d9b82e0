"""Models and layers in PyTorch and back: the same scores, the same weights."""

import numpy as np
import pytest

from fasts2s import layers
from fasts2s.exchange import from_torch, to_torch
from fasts2s.exchange._form import form_of
from fasts2s.generation import GenerationOptions, generate
from fasts2s.models import AttentionSeq2seq, EncoderDecoder, EncoderDecoderSettings, NeuralTuringMachine
from tests.exchange.models import BOOK, LANGUAGE_MODELS, SETTINGS, TS, XS, D, H, V, encoder_decoder, filled, scores_of

pytestmark = pytest.mark.usefixtures("torch")


def close(a, b):
    assert np.abs(np.asarray(a) - b.detach().numpy()).max() <= 1e-6


def equal_params(a, b):
    assert type(a) is type(b)
    assert a.config == b.config
    assert all(np.array_equal(p, q) for p, q in zip(a.params, b.params, strict=True))


@pytest.mark.parametrize("name", LANGUAGE_MODELS)
def test_language_models_go_there_and_back(torch, name):
    model = filled(LANGUAGE_MODELS[name])
    module = to_torch(model)
    scores, states = module(torch.from_numpy(XS))
    close(model.predict(XS), scores)
    close(model.predict(XS), module(torch.from_numpy(XS), states)[0])  # the state is carried on
    state = np.random.get_state()[1].copy()
    equal_params(from_torch(module), model)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # nothing was drawn


@pytest.mark.parametrize("name", BOOK)
def test_the_books_models_go_there_and_back(torch, name):
    model = filled(BOOK[name])
    module = to_torch(model)
    close(scores_of(model, TS), module(torch.from_numpy(XS), torch.from_numpy(TS)))
    answers = model.generate_batch(XS, 1, 5)
    assert module.greedy(torch.from_numpy(XS), 1, 5).tolist() == [list(map(int, one)) for one in answers]
    equal_params(from_torch(module), model)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_encoder_decoders_go_there_and_back(torch, settings):
    model = encoder_decoder(settings)
    module = to_torch(model)
    close(scores_of(model, TS), module(torch.from_numpy(XS), torch.from_numpy(TS)))
    best = generate(model, XS, GenerationOptions(start_id=1, max_length=4))
    assert module.greedy(torch.from_numpy(XS), 1, 4).tolist() == [list(map(int, a[0].ids)) for a in best]
    equal_params(from_torch(module), model)


def test_gradients_agree(torch):
    model = filled(lambda: AttentionSeq2seq(V, D, H))
    loss, module = model.forward(XS, TS), to_torch(model)
    model.backward()
    scores = module(torch.from_numpy(XS), torch.from_numpy(TS[:, :-1]))
    there = torch.nn.functional.cross_entropy(scores.flatten(0, 1), torch.from_numpy(TS[:, 1:]).flatten())
    there.backward()
    assert abs(float(loss) - there.item()) <= 1e-6
    close(model.encoder.embed.grads[0], module.encoder_embed.weight.grad)
    close(model.decoder.affine.grads[0].T, module.linear.weight.grad)


@pytest.mark.parametrize("both_ways", [False, True])
def test_two_biases_become_one(torch, both_ways):
    module = torch.nn.LSTM(D, H, batch_first=True, bidirectional=both_ways)
    xs = torch.randn(2, 5, D)
    layer = from_torch(module)
    assert isinstance(layer, layers.TimeBiLSTM if both_ways else layers.TimeLSTM)
    close(layer.forward(xs.numpy()), module(xs)[0])
    again = to_torch(layer)
    assert not again.bias_hh_l0.any()
    close(layer.forward(xs.numpy()), again(xs)[0])


def test_layers_one_above_the_other_become_a_list(torch):
    module, xs = torch.nn.LSTM(D, H, 2, batch_first=True), torch.randn(2, 5, D)
    first, second = from_torch(module)
    close(second.forward(first.forward(xs.numpy())), module(xs)[0])


def test_other_layers_of_pytorch(torch):
    xs = torch.randn(2, 5, D)
    for module in (torch.nn.RNN(D, H, batch_first=True), torch.nn.RNN(D, H, bias=False, batch_first=True)):
        close(from_torch(module).forward(xs.numpy()), module(xs)[0])
    for module in (torch.nn.Linear(D, H), torch.nn.Linear(D, H, bias=False)):
        close(from_torch(module).forward(xs.numpy()), module(xs))
    module = torch.nn.Embedding(V, D)
    close(from_torch(module).forward(XS), module(torch.from_numpy(XS)))


def test_float64_stays(torch):
    module = torch.nn.LSTM(D, H, batch_first=True).double()
    layer = from_torch(module)
    assert {p.dtype.name for p in layer.params} == {"float64"}
    assert to_torch(layer).weight_hh_l0.dtype == torch.float64


def test_the_books_gru_is_a_module_of_its_own(torch, rng):
    for bias in ([], [rng.standard_normal(3 * H).astype("f")]):
        Wx, Wh = (rng.standard_normal((n, 3 * H)).astype("f") for n in (D, H))
        layer, xs = layers.TimeGRU(Wx, Wh, *bias), rng.standard_normal((2, 5, D)).astype("f")
        module = to_torch(layer)
        close(layer.forward(xs), module(torch.from_numpy(xs))[0])
        assert np.array_equal(from_torch(module).params[1], Wh)
    with pytest.raises(ValueError, match=r"nn.GRU, expected an LSTM or RNN: PyTorch's GRU multiplies by the gate r"):
        from_torch(torch.nn.GRU(D, H))


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"cell": "gru"}, "cell of the model is 'gru'"), ({"variational": True, "dropout": 0.1}, "variational of")],
)
def test_what_pytorch_cannot_express_is_named(settings, said):
    with pytest.raises(ValueError, match=said):
        to_torch(EncoderDecoder(EncoderDecoderSettings(V, V, D, H, **settings)))


def test_wrong_things_are_named(torch):
    with pytest.raises(ValueError, match="NeuralTuringMachine, expected one of"):
        to_torch(NeuralTuringMachine(3, 8, 4, 5))
    for wrong, said in (
        (3, "a int, expected a torch.nn.Module"),
        (torch.nn.Conv1d(2, 2, 1), "a Conv1d, expected what to_torch"),
        (torch.nn.LSTM(D, H, proj_size=2), "proj_size of the module is 2"),
        (torch.nn.RNN(D, H, nonlinearity="relu"), "'relu', expected 'tanh'"),
    ):
        with pytest.raises(ValueError, match=said):
            from_torch(wrong)
    with pytest.raises(ValueError, match="what is a int"):
        to_torch(3)


def test_modules_without_real_numbers_are_named(torch):
    for wrong, said in (
        (torch.nn.Linear(2, 3, device="meta"), "is without numbers yet, expected real numbers"),
        (torch.nn.LazyLinear(3), "is without numbers yet"),
        (torch.nn.Linear(2, 3, dtype=torch.complex64), r"is of torch\.complex64, expected real numbers"),
        (torch.nn.Embedding(2, 3, max_norm=1.0), r"max_norm of the module is 1\.0, expected None"),
    ):
        with pytest.raises(ValueError, match=said):
            from_torch(wrong)


def test_modules_and_layers_that_were_altered_are_named(torch):
    module = to_torch(filled(LANGUAGE_MODELS["Rnnlm"]))
    module.recurrent[0] = torch.nn.GRU(D, H)
    with pytest.raises(ValueError, match=r"has the parameters .*recurrent\.0\.weight_hh_l0', \(24, 8\)"):
        from_torch(module)
    module = to_torch(filled(LANGUAGE_MODELS["tied"]))
    module.linear.weight = torch.nn.Parameter(module.linear.weight.detach().clone())
    with pytest.raises(ValueError, match=r"has the parameters \[\('linear\.weight', \(9, 8\)\)\], expected \[\]"):
        from_torch(module)
    with pytest.raises(ValueError, match="of your own, expected what to_torch returned"):
        from_torch(type(module)(form_of(filled(LANGUAGE_MODELS["Rnnlm"]))))
    layer = layers.TimeAffine(np.ones((2, 3), "f"), np.ones(3, "f"))
    for params, said in (([], "expected the 1 of its"), ([layer.params[0], np.ones(2)], r"expected .*\(3,\)")):
        layer.params = params
        with pytest.raises(ValueError, match=f"the layer has parameters of shapes .*{said}"):
            to_torch(layer)
