"""The kernel contract: what every backend module provides, with every shape and dtype, once.

Letters: N batch rows, T time steps, S encoder time steps, D inputs, H hidden units, M outputs, V classes or
vocabulary, R rows (usually N*T), g gate blocks of a cell (LSTM 4, GRU 3, RNN 1).

Rules that hold for every function
    * Kernels compute and return in the dtype of the weights, float32 or float64.
    * Inputs, states, masks and ids are never written to. Outputs are fresh arrays that alias nothing.
    * Gradient buffers (``dWx``, ``dWh``, ``db``, ``dW``) belong to the caller and are overwritten in place.
    * A cache is opaque; backward may be called on it any number of times.
    * Strides, byte order and read-only flags of inputs do not matter. Weight matrices are float32 or float64 in
      native byte order, all of one call alike; so are gradient buffers.
    * Bad input raises ValueError or IndexError before anything is computed, with the name of the argument,
      what came and what was expected. A kernel never raises TypeError.
    * Sizes of zero are legal and give empty or neutral results.

On a device (cupy), further
    * Float arrays of one call all lie there; one of the host is a ValueError. Ids, labels and bool masks may come
      from the host.
    * Nothing waits for the device: a loss, a norm and what is computed from them are arrays without dimensions there.
    * An id or label out of range that lies there is an IndexError of a later call: see ``Settings.check``.

Sources: *Deep Learning from Scratch 2* ("the book"), chapters 5 to 8; LSTM: Hochreiter and Schmidhuber 1997,
Gers et al. 2000; GRU: Cho et al. 2014; Adam: Kingma and Ba 2015; dot attention: Luong et al. 2015.
"""

from types import ModuleType
from typing import Any, Protocol

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.ops.affine.contract import Affine
from fasts2s_kernels.ops.attention.contract import Attention
from fasts2s_kernels.ops.convolution.contract import Convolution
from fasts2s_kernels.ops.decoding.contract import Decoding
from fasts2s_kernels.ops.embedded_lstm.contract import EmbeddedLstm
from fasts2s_kernels.ops.embedding.contract import Embedding
from fasts2s_kernels.ops.gru.contract import Gru
from fasts2s_kernels.ops.lstm.contract import Lstm
from fasts2s_kernels.ops.optimizers.contract import Optimizers
from fasts2s_kernels.ops.rnn.contract import Rnn
from fasts2s_kernels.ops.softmax_loss.contract import SoftmaxLoss
from fasts2s_kernels.ops.text.contract import Text


class Kernels(
    Lstm,
    EmbeddedLstm,
    Gru,
    Rnn,
    Affine,
    Embedding,
    SoftmaxLoss,
    Attention,
    Convolution,
    Decoding,
    Text,
    Optimizers,
    Protocol,
):
    """The functions of a backend. A module satisfies it; ``fasts2s_kernels`` lets the type checker prove so."""

    xp: ModuleType  # the array library of the results: numpy or cupy

    def asarray(self, a: Any) -> Array:
        """Bring an array of the host to the backend: same shape and dtype; no copy where none is needed."""
        ...

    def to_numpy(self, a: Array) -> Array:
        """Bring an array of the backend to the host: same shape and dtype; no copy where none is needed."""
        ...
