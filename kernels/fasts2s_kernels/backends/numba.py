"""Fused kernels for the CPU, compiled by Numba. Every function is described in the contract."""

import numpy as xp

from fasts2s_kernels.checks.scalars import clip_rate
from fasts2s_kernels.cpu.host import asarray, to_numpy
from fasts2s_kernels.ops.affine.cpu import affine_backward, affine_forward
from fasts2s_kernels.ops.attention.cpu import attention_backward, attention_forward
from fasts2s_kernels.ops.convolution.cpu import convolution_backward, convolution_forward
from fasts2s_kernels.ops.convolution.reference import pooling_backward, pooling_forward
from fasts2s_kernels.ops.decoding.cpu import best, sample
from fasts2s_kernels.ops.decoding.reference import argmax
from fasts2s_kernels.ops.embedded_lstm.cpu import attention_greedy, lstm_encode, lstm_greedy, lstm_ids_step
from fasts2s_kernels.ops.embedding.cpu import embedding_backward, embedding_forward
from fasts2s_kernels.ops.gru.cpu import gru_backward, gru_forward, gru_step
from fasts2s_kernels.ops.lstm.cpu import lstm_backward, lstm_forward, lstm_ids_backward, lstm_ids_forward, lstm_step
from fasts2s_kernels.ops.optimizers.cpu import (
    adagrad_update,
    adam_update,
    clip_grads,
    momentum_update,
    nesterov_update,
    rmsprop_update,
    sgd_update,
)
from fasts2s_kernels.ops.rnn.cpu import rnn_backward, rnn_forward, rnn_step
from fasts2s_kernels.ops.softmax_loss.cpu import softmax_loss_backward, softmax_loss_forward
from fasts2s_kernels.ops.text.cpu import lstm_text
