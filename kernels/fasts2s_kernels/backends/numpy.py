"""The reference kernels: plain NumPy, one time step at a time. The truth that every other backend is tested against.

Written with ufuncs, ``np.dot`` and ``np.zeros_like(x, shape=...)`` only, never with bare constructors, so that
NumPy's dispatch carries the same text to CuPy arrays. Proved by central differences in float64 (tests/kernels).
Every function is described in :class:`fasts2s_kernels.contract.Kernels`.
"""

import numpy as xp

from fasts2s_kernels.checks.scalars import clip_rate
from fasts2s_kernels.cpu.host import asarray, to_numpy
from fasts2s_kernels.ops.affine.reference import affine_backward, affine_forward
from fasts2s_kernels.ops.attention.reference import attention_backward, attention_forward
from fasts2s_kernels.ops.convolution.reference import (
    convolution_backward,
    convolution_forward,
    pooling_backward,
    pooling_forward,
)
from fasts2s_kernels.ops.decoding.reference import argmax, best, sample
from fasts2s_kernels.ops.embedded_lstm.reference import attention_greedy, lstm_encode, lstm_greedy, lstm_ids_step
from fasts2s_kernels.ops.embedding.reference import embedding_backward, embedding_forward
from fasts2s_kernels.ops.gru.reference import gru_backward, gru_forward, gru_step
from fasts2s_kernels.ops.lstm.reference import (
    lstm_backward,
    lstm_forward,
    lstm_ids_backward,
    lstm_ids_forward,
    lstm_step,
)
from fasts2s_kernels.ops.optimizers.reference import (
    adagrad_update,
    adam_update,
    clip_grads,
    momentum_update,
    nesterov_update,
    rmsprop_update,
    sgd_update,
)
from fasts2s_kernels.ops.rnn.reference import rnn_backward, rnn_forward, rnn_step
from fasts2s_kernels.ops.softmax_loss.reference import softmax_loss_backward, softmax_loss_forward
from fasts2s_kernels.ops.text.reference import lstm_text
