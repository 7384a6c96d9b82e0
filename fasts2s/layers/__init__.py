"""The book's layers, and those of pictures from its first volume: ``params``, ``grads``, ``forward``, ``backward``.

Letters: N batch, T time steps, D inputs, H hidden units, M outputs, V classes, S encoder steps; of pictures
(N, C, H, W) C channels, H height and W width.

Dtypes: a layer with weights computes in their dtype, float32 or float64, and so are its outputs, states, gradients;
one without weights goes by its inputs. As in the book, outputs and input gradients of TimeRNN, TimeLSTM, TimeGRU,
TimeBiLSTM and TimeEmbedding are float32 all the same: for float64 throughout, as gradient checks want it, make them
inside ``with fasts2s.use_backend("numpy", dtype="float64"):``."""

from fasts2s.layers.affine import Affine, MatMul
from fasts2s.layers.attention import Attention, AttentionWeight, TimeAttention, WeightSum
from fasts2s.layers.batch_normalization import BatchNormalization
from fasts2s.layers.convolution import Convolution, Flatten, Pooling, Relu
from fasts2s.layers.dropout import Dropout, TimeDropout
from fasts2s.layers.embedding import Embedding, TimeEmbedding
from fasts2s.layers.functions import cross_entropy_error, relu, sigmoid, softmax
from fasts2s.layers.gru import GRU, TimeGRU
from fasts2s.layers.lstm import LSTM, TimeLSTM
from fasts2s.layers.rnn import RNN, TimeRNN
from fasts2s.layers.softmax_with_loss import Sigmoid, SigmoidWithLoss, Softmax, SoftmaxWithLoss
from fasts2s.layers.time_affine import Simple_TimeAffine, TimeAffine
from fasts2s.layers.time_bilstm import TimeBiLSTM
from fasts2s.layers.time_softmax_with_loss import (
    Simple_TimeSoftmaxWithLoss,
    TimeSigmoidWithLoss,
    TimeSoftmaxWithLoss,
)

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Affine",
    "Attention",
    "AttentionWeight",
    "BatchNormalization",
    "Convolution",
    "Dropout",
    "Embedding",
    "Flatten",
    "MatMul",
    "Pooling",
    "Relu",
    "Sigmoid",
    "SigmoidWithLoss",
    "Simple_TimeAffine",
    "Simple_TimeSoftmaxWithLoss",
    "Softmax",
    "SoftmaxWithLoss",
    "TimeAffine",
    "TimeAttention",
    "TimeBiLSTM",
    "TimeDropout",
    "TimeEmbedding",
    "TimeGRU",
    "TimeLSTM",
    "TimeRNN",
    "TimeSigmoidWithLoss",
    "TimeSoftmaxWithLoss",
    "WeightSum",
    "cross_entropy_error",
    "relu",
    "sigmoid",
    "softmax",
]
