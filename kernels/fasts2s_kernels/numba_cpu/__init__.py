"""Fused kernels for the CPU, compiled by Numba. Every function is described in the contract."""

import numpy as xp

from fasts2s_kernels.numba_cpu.affine import affine_backward, affine_forward
from fasts2s_kernels.numba_cpu.attention import attention_backward, attention_forward
from fasts2s_kernels.numba_cpu.embedding import embedding_backward, embedding_forward
from fasts2s_kernels.numba_cpu.greedy import lstm_encode, lstm_greedy
from fasts2s_kernels.numba_cpu.gru import gru_backward, gru_forward, gru_step
from fasts2s_kernels.numba_cpu.lstm import lstm_backward, lstm_forward, lstm_ids_backward, lstm_ids_forward, lstm_step
from fasts2s_kernels.numba_cpu.optimizers import (
    adagrad_update,
    adam_update,
    clip_grads,
    momentum_update,
    nesterov_update,
    rmsprop_update,
    sgd_update,
)
from fasts2s_kernels.numba_cpu.rnn import rnn_backward, rnn_forward, rnn_step
from fasts2s_kernels.numba_cpu.softmax_loss import softmax_loss_backward, softmax_loss_forward
from fasts2s_kernels.reference.decoding import argmax, sample
from fasts2s_kernels.reference.host import asarray, to_numpy
from fasts2s_kernels.scalars import clip_rate

__all__ = [
    "adagrad_update",
    "adam_update",
    "affine_backward",
    "affine_forward",
    "argmax",
    "asarray",
    "attention_backward",
    "attention_forward",
    "clip_grads",
    "clip_rate",
    "embedding_backward",
    "embedding_forward",
    "gru_backward",
    "gru_forward",
    "gru_step",
    "lstm_backward",
    "lstm_encode",
    "lstm_forward",
    "lstm_greedy",
    "lstm_ids_backward",
    "lstm_ids_forward",
    "lstm_step",
    "momentum_update",
    "nesterov_update",
    "rmsprop_update",
    "rnn_backward",
    "rnn_forward",
    "rnn_step",
    "sample",
    "sgd_update",
    "softmax_loss_backward",
    "softmax_loss_forward",
    "to_numpy",
    "xp",
]
