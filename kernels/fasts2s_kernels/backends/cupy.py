"""The kernels on a GPU: CUDA C++ compiled by CuPy, matrix products by cuBLAS.

Arrays are CuPy's; ids, labels and masks may come from the host. Nothing waits for the device: a loss and a norm are
arrays without dimensions there, fetched by whoever wants the number. Importing this package imports CuPy.
Every function is described in :class:`fasts2s_kernels.contract.Kernels`.
"""

from fasts2s_kernels.gpu.device import xp
from fasts2s_kernels.gpu.host import asarray, to_numpy
from fasts2s_kernels.ops.affine.gpu import affine_backward, affine_forward
from fasts2s_kernels.ops.attention.gpu import attention_backward, attention_forward
from fasts2s_kernels.ops.convolution.gpu import (
    convolution_backward,
    convolution_forward,
    pooling_backward,
    pooling_forward,
)
from fasts2s_kernels.ops.decoding.gpu import argmax, best, sample
from fasts2s_kernels.ops.embedded_lstm.gpu import attention_greedy, lstm_encode, lstm_greedy, lstm_ids_step
from fasts2s_kernels.ops.embedding.gpu import embedding_backward, embedding_forward
from fasts2s_kernels.ops.gru.gpu import gru_backward, gru_forward, gru_step
from fasts2s_kernels.ops.lstm.gpu import lstm_backward, lstm_forward, lstm_ids_backward, lstm_ids_forward, lstm_step
from fasts2s_kernels.ops.optimizers.gpu import (
    adagrad_update,
    adam_update,
    clip_grads,
    clip_rate,
    momentum_update,
    nesterov_update,
    rmsprop_update,
    sgd_update,
)
from fasts2s_kernels.ops.rnn.gpu import rnn_backward, rnn_forward, rnn_step
from fasts2s_kernels.ops.softmax_loss.gpu import softmax_loss_backward, softmax_loss_forward
from fasts2s_kernels.ops.text.gpu import lstm_text
