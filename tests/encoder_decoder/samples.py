"""Settings of every kind, and small batches with padding."""

import numpy as np

from fasts2s.models.encoder_decoder import EncoderDecoder, EncoderDecoderSettings

#: Name -> options. Together they meet every option, and those that act on one another.
OPTIONS: dict[str, dict] = {
    "plain lstm": {"attention": "none"},
    "plain gru": {"attention": "none", "cell": "gru", "layers": 2},
    "plain rnn": {"attention": "none", "cell": "rnn", "reverse": True},
    "bridge h": {"attention": "none", "bridge": "h", "layers": 2, "residual": True},
    "peeky": {"attention": "none", "decoder": "peeky"},
    "peeky gru": {"decoder": "peeky", "cell": "gru", "attention": "general", "bidirectional": True, "layers": 2},
    "dot": {},
    "general": {"attention": "general", "reverse": True},
    "additive": {"attention": "additive", "cell": "rnn", "bidirectional": True},
    "deep": {"layers": 3, "residual": True, "bidirectional": True},
    "tied": {"tied": True},
    "tied without attention": {"tied": True, "attention": "none", "wordvec_size": 6},
    "feeding": {"input_feeding": True},
    "feeding peeky": {"input_feeding": True, "decoder": "peeky", "attention": "additive", "layers": 2},
    "feeding general": {"input_feeding": True, "attention": "general", "cell": "gru", "bridge": "h", "tied": True},
    "smoothing": {"label_smoothing": 0.2, "attention": "none"},
    "dropout": {"dropout": 0.3, "layers": 2, "residual": True},
    "variational": {"dropout": 0.3, "variational": True, "layers": 2, "input_feeding": True, "bidirectional": True},
    "sampling": {"scheduled_sampling": 0.5, "decoder": "peeky"},
}
SIZES = {"source_size": 11, "target_size": 9, "wordvec_size": 5, "hidden_size": 6}


def settings(name: str, **more) -> EncoderDecoderSettings:
    """Return small settings by their name in OPTIONS."""
    return EncoderDecoderSettings(**{**SIZES, **OPTIONS[name], **more})


def model(name: str, backend=None, **more) -> EncoderDecoder:
    """Return a small model whose weights are large enough that nothing is nearly linear."""
    np.random.seed(1)
    made = EncoderDecoder(settings(name, **more), backend=backend)
    for p in made.params:
        p[...] += made.backend.kernels().asarray(np.random.randn(*p.shape).astype(p.dtype) * 0.4)
    return made


def batch(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return sources (3, 5) and targets (3, 6), padded on the right; one row is as long as it can be."""
    rng = np.random.default_rng(seed)
    xs, ts = rng.integers(1, 11, (3, 5)), rng.integers(2, 9, (3, 6))
    ts[:, 0] = 2
    xs[1, 2:] = xs[2, 4:] = 0
    ts[0, 3:] = ts[1, 5:] = 0
    return xs, ts
