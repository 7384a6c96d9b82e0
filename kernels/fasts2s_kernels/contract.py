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
from typing import Any, NamedTuple, Protocol, TypeAlias


class AnyArray(Protocol):
    """What a type checker accepts as an array of NumPy or CuPy: no list, no number, no text."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of every axis."""
        ...

    @property
    def dtype(self) -> Any:
        """The type of the elements."""
        ...

    @property
    def ndim(self) -> int:
        """The number of axes."""
        ...

    @property
    def size(self) -> int:
        """The number of elements."""
        ...

    def reshape(self, *args: Any, **kwargs: Any) -> Any:
        """The elements in another shape."""
        ...

    def sum(self, *args: Any, **kwargs: Any) -> Any:
        """The sum over axes."""
        ...

    def min(self, *args: Any, **kwargs: Any) -> Any:
        """The least over axes."""
        ...

    def max(self, *args: Any, **kwargs: Any) -> Any:
        """The largest over axes."""
        ...

    def copy(self, *args: Any, **kwargs: Any) -> Any:
        """The same elements in memory of their own."""
        ...

    def astype(self, *args: Any, **kwargs: Any) -> Any:
        """The elements in another dtype."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, key: Any, /) -> Any: ...


# The stubs of NumPy and CuPy do not unify: what comes out, and what is inside, is Any to the type checkers.
Array: TypeAlias = Any
Cache: TypeAlias = Any


class Settings(NamedTuple):
    """What a user can set for the backends that have use for it.

    Attributes
    ----------
    threads : int or None
        The most threads of a CPU backend, and of the BLAS below NumPy; None is one per core that the process may
        use.
    cache_dir : str or None
        Folder for compiled kernels; None is the user's cache folder.
    check : bool
        Whether ids that lie on a device are looked at at once. It waits for the device in every call; without it an
        id out of range is an IndexError of a later call, at the latest when a result is fetched.
    """

    threads: int | None = None
    cache_dir: str | None = None
    check: bool = False


class Kernels(Protocol):
    """The functions of a backend. A module satisfies it; ``fasts2s_kernels`` lets the type checker prove so."""

    xp: ModuleType  # the array library of the results: numpy or cupy

    def asarray(self, a: Any) -> Array:
        """Bring an array of the host to the backend: same shape and dtype; no copy where none is needed."""
        ...

    def to_numpy(self, a: Array) -> Array:
        """Bring an array of the backend to the host: same shape and dtype; no copy where none is needed."""
        ...

    # ---- recurrent layers -------------------------------------------------------------------------------

    def lstm_forward(
        self,
        xs: Array,
        Wx: Array,
        Wh: Array,
        b: Array | None,
        *,
        h0: Array | None = None,
        c0: Array | None = None,
        row_bias: Array | None = None,
        mask: Array | None = None,
    ) -> tuple[Array, Array, Array, Cache]:
        """Run one LSTM layer over a whole sequence.

        ``a_t = x_t Wx + h_{t-1} Wh + b + row_bias``, cut into the blocks f, g, i, o;
        ``c_t = sigmoid(f) c_{t-1} + tanh(g) sigmoid(i)``; ``h_t = sigmoid(o) tanh(c_t)``.

        Parameters
        ----------
        xs : (N, T, D)
        Wx : (D, 4H), Wh : (H, 4H), b : (4H,) or None
            Column blocks in the order f, g, i, o. ``None`` is a bias of zero.
        h0, c0 : (N, H) or None
            State before the first step; ``None`` is zero.
        row_bias : (N, 4H) or None
            Added at every step: the constant part of an input that does not change over time.
        mask : (N, T) bool or None
            Where False the step is padding: h and c pass through and ``xs[n, t]`` is not read.

        Returns
        -------
        hs : (N, T, H)
            h after every step (on padding: the h passed through).
        h, c : (N, H)
            State after the last step, in memory of their own.
        cache
            For :meth:`lstm_backward`.

        Raises
        ------
        ValueError
            Wrong type, dtype or shape, e.g. "Wh has shape (5, 20), expected (H, 4H) = (11, 44)".

        Notes
        -----
        Source: the book, section 6.3; Gers et al. 2000.
        """
        ...

    def lstm_backward(
        self,
        dhs: Array | None,
        Wx: Array,
        Wh: Array,
        cache: Cache,
        *,
        dh_last: Array | None = None,
        dc_last: Array | None = None,
        dWx: Array,
        dWh: Array,
        db: Array | None,
    ) -> tuple[Array, Array, Array, Array | None]:
        """Gradients of :meth:`lstm_forward`.

        Parameters
        ----------
        dhs : (N, T, H) or None
            Gradient of hs; ``None`` is zero.
        Wx, Wh
            The weights of the forward call.
        dh_last, dc_last : (N, H) or None
            Gradient of the last h and c, added to what ``dhs`` brings.
        dWx : (D, 4H), dWh : (H, 4H), db : (4H,) or None
            Overwritten with the gradients of the weights.

        Returns
        -------
        dxs : (N, T, D); dh0, dc0 : (N, H); drow_bias : (N, 4H), or None if the forward call had no row_bias.
        """
        ...

    def lstm_step(
        self,
        x: Array,
        Wx: Array,
        Wh: Array,
        b: Array | None,
        *,
        h: Array,
        c: Array,
        row_bias: Array | None = None,
    ) -> tuple[Array, Array]:
        """One step of :meth:`lstm_forward` for inference: x (N, D), h, c (N, H) -> next h, c (N, H)."""
        ...

    def lstm_ids_forward(
        self,
        table: Array,
        ids: Array,
        Wh: Array,
        *,
        h0: Array | None = None,
        c0: Array | None = None,
        row_bias: Array | None = None,
        mask: Array | None = None,
    ) -> tuple[Array, Array, Array, Cache]:
        """Run one LSTM layer over sequences of ids: ``a_t = table[id_t] + h_{t-1} Wh + row_bias``.

        With ``table = W Wx + b`` this is :meth:`lstm_forward` on an embedding W, for a vocabulary so small that the
        products of all its words are fewer than those of the batch.

        Parameters
        ----------
        table : (V, 4H)
        ids : (N, T) integers, -V to V - 1; else IndexError
        Wh, h0, c0, row_bias, mask, and what is returned
            As for :meth:`lstm_forward`.
        """
        ...

    def lstm_ids_backward(
        self,
        dhs: Array | None,
        Wh: Array,
        cache: Cache,
        *,
        dh_last: Array | None = None,
        dc_last: Array | None = None,
        dtable: Array,
        dWh: Array,
    ) -> tuple[Array, Array, Array | None]:
        """Gradients of :meth:`lstm_ids_forward`: dtable (V, 4H) and dWh (H, 4H) are overwritten.

        Returns
        -------
        dh0, dc0 : (N, H); drow_bias : (N, 4H), or None if the forward call had no row_bias.
        """
        ...

    def lstm_encode(
        self, W: Array, ids: Array, Wx: Array, Wh: Array, b: Array | None, *, mask: Array | None = None
    ) -> Array:
        """Read sources with an embedding and an LSTM, for inference; return the last h (N, H).

        W (V, D), ids (N, T) integers -V to V - 1, Wx (D, 4H), Wh (H, 4H), b (4H,) or None; mask (N, T) bool or None
        as for :meth:`lstm_forward`.
        """
        ...

    def lstm_greedy(
        self,
        W: Array,
        start_ids: Array,
        length: int,
        Wx: Array,
        Wh: Array,
        b: Array | None,
        W_out: Array,
        b_out: Array | None,
        *,
        h: Array,
        c: Array | None = None,
        row_bias: Array | None = None,
        score_bias: Array | None = None,
    ) -> Array:
        """Choose whole answers greedily: at every step the id with the best score, which is the next input.

        Parameters
        ----------
        W : (V, D)
            Embedding.
        start_ids : (N,) integers
            The first inputs, not part of the result.
        length : int
            Steps T.
        Wx : (D, 4H), Wh : (H, 4H), b : (4H,) or None
        W_out : (H, V), b_out : (V,) or None
            ``scores = h W_out + b_out + score_bias``.
        h, c : (N, H)
            State before the first step; c None is zero.
        row_bias : (N, 4H) or None, score_bias : (N, V) or None
            Added at every step: what a decoder sees that does not change over time.

        Returns
        -------
        ids : (N, T) int64
            The first of equal scores; as :meth:`argmax` of every step. -1 where the best score is NaN or infinite:
            nothing was chosen, and what follows in that row means nothing.
        """
        ...

    def gru_forward(
        self,
        xs: Array,
        Wx: Array,
        Wh: Array,
        b: Array | None,
        *,
        h0: Array | None = None,
        row_bias: Array | None = None,
        mask: Array | None = None,
    ) -> tuple[Array, Array, Cache]:
        """Run one GRU layer over a whole sequence. As :meth:`lstm_forward` with three blocks z, r, n.

        ``z = sigmoid(x Wx_z + h Wh_z + b_z)``, r likewise, ``n = tanh(x Wx_n + (r h) Wh_n + b_n)``,
        ``h' = (1 - z) h + z n``. Wx (D, 3H), Wh (H, 3H), b (3H,), row_bias (N, 3H).

        Returns
        -------
        hs : (N, T, H); h : (N, H); cache

        Notes
        -----
        Source: the book, appendix C. The reset gate acts before the product with Wh_n, as in Cho et al. 2014;
        cuDNN and PyTorch apply it after the product.
        """
        ...

    def gru_backward(
        self,
        dhs: Array | None,
        Wx: Array,
        Wh: Array,
        cache: Cache,
        *,
        dh_last: Array | None = None,
        dWx: Array,
        dWh: Array,
        db: Array | None,
    ) -> tuple[Array, Array, Array | None]:
        """Gradients of :meth:`gru_forward`: returns dxs (N, T, D), dh0 (N, H), drow_bias (N, 3H) or None."""
        ...

    def gru_step(
        self, x: Array, Wx: Array, Wh: Array, b: Array | None, *, h: Array, row_bias: Array | None = None
    ) -> Array:
        """One step of :meth:`gru_forward` for inference: x (N, D), h (N, H) -> next h (N, H)."""
        ...

    def rnn_forward(
        self,
        xs: Array,
        Wx: Array,
        Wh: Array,
        b: Array | None,
        *,
        h0: Array | None = None,
        row_bias: Array | None = None,
        mask: Array | None = None,
    ) -> tuple[Array, Array, Cache]:
        """Run one Elman RNN layer: ``h_t = tanh(h_{t-1} Wh + x_t Wx + b)``. As :meth:`lstm_forward`, one block.

        Wx (D, H), Wh (H, H), b (H,), row_bias (N, H). Returns hs (N, T, H), h (N, H), cache.

        Notes
        -----
        Source: the book, section 5.3.
        """
        ...

    def rnn_backward(
        self,
        dhs: Array | None,
        Wx: Array,
        Wh: Array,
        cache: Cache,
        *,
        dh_last: Array | None = None,
        dWx: Array,
        dWh: Array,
        db: Array | None,
    ) -> tuple[Array, Array, Array | None]:
        """Gradients of :meth:`rnn_forward`: returns dxs (N, T, D), dh0 (N, H), drow_bias (N, H) or None."""
        ...

    def rnn_step(
        self, x: Array, Wx: Array, Wh: Array, b: Array | None, *, h: Array, row_bias: Array | None = None
    ) -> Array:
        """One step of :meth:`rnn_forward` for inference: x (N, D), h (N, H) -> next h (N, H)."""
        ...

    # ---- layers without state ---------------------------------------------------------------------------

    def affine_forward(self, x: Array, W: Array, b: Array | None) -> Array:
        """``x W + b``: x (R, D), W (D, M) in any memory order, b (M,) or None -> (R, M)."""
        ...

    def affine_backward(self, dout: Array, x: Array, W: Array, *, dW: Array, db: Array | None) -> Array:
        """Gradients of :meth:`affine_forward`: dout (R, M), x (R, D) -> dx (R, D); dW, db overwritten."""
        ...

    def embedding_forward(self, W: Array, ids: Array) -> Array:
        """Rows of W (V, D) for integer ids of any shape: ``ids.shape + (D,)``.

        Ids run from 0 to V - 1; -1 to -V count from the end, as in NumPy. Anything else is an IndexError that
        names the id, its position and V.
        """
        ...

    def embedding_backward(self, dout: Array, ids: Array, *, dW: Array) -> None:
        """Gradient of :meth:`embedding_forward`: dW (V, D) = sum of dout (ids.shape + (D,)) by id, in the
        order of the ids, without atomics: the same bits every time."""
        ...

    def softmax_loss_forward(self, xs: Array, ts: Array, *, ignore_label: int) -> tuple[Any, Cache]:
        """Mean cross entropy of a softmax, from logits.

        Parameters
        ----------
        xs : (R, V)
            Scores (logits).
        ts : (R,) integer
            Labels, each 0 to V - 1 or exactly ``ignore_label``; else IndexError.
        ignore_label : int
            Rows with this label are not counted and never read.

        Returns
        -------
        loss : numpy.float64 (cupy: float64 without dimensions, on the device), in nats per counted label
            ``mean(log(sum(exp(xs))) - xs[t])``. With no counted label 0.0. A NaN or +infinity in a counted
            row reaches the loss.
        cache
            For :meth:`softmax_loss_backward`.
        """
        ...

    def softmax_loss_backward(self, dout: float, cache: Cache) -> Array:
        """Gradient of :meth:`softmax_loss_forward` times the number dout: (R, V), zero in ignored rows."""
        ...

    def attention_forward(
        self, hs_enc: Array, hs_dec: Array, *, mask: Array | None = None
    ) -> tuple[Array, Array, Cache]:
        """Dot-product attention of every decoder step over all encoder steps.

        Parameters
        ----------
        hs_enc : (N, S, H)
        hs_dec : (N, T, H)
        mask : (N, S) bool or None
            Where False the encoder step is padding: its weight is exactly 0 and it is not read. A row with no
            valid step has weights 0 and context 0.

        Returns
        -------
        context : (N, T, H); weights : (N, T, S), rows sum to 1; cache

        Notes
        -----
        Source: the book, section 8.1; Luong et al. 2015, score "dot".
        """
        ...

    def attention_backward(self, dout: Array, cache: Cache) -> tuple[Array, Array]:
        """Gradients of :meth:`attention_forward`: dout (N, T, H) -> dhs_enc (N, S, H), dhs_dec (N, T, H)."""
        ...

    # ---- decoding ---------------------------------------------------------------------------------------

    def argmax(self, scores: Array) -> Array:
        """Greedy choice: scores (R, V), V >= 1 -> ids (R,) int64, the first of equal maxima."""
        ...

    def sample(self, scores: Array, uniforms: Array) -> Array:
        """Draw one id per row from softmax(scores) by inversion.

        scores (R, V), V >= 1; uniforms (R,) float64 in [0, 1), drawn by the caller -> ids (R,) int64. With
        ``uniforms = numpy.random.random_sample(R)`` the ids are those of ``numpy.random.choice(V, p=p)``.
        A row whose probabilities are not finite, or all zero, is a ValueError.
        """
        ...

    # ---- training ---------------------------------------------------------------------------------------

    def clip_grads(self, grads: list[Array], max_norm: float | None) -> Any:
        """Scale gradients, arrays of any shape, in place so that their global L2 norm is at most max_norm.

        The factor is ``max_norm / (norm + 1e-6)`` where that is below 1. ``None`` only measures. A norm that
        is not finite changes nothing: the caller decides.

        Returns
        -------
        float (cupy: float64 without dimensions, on the device)
            The norm before scaling, summed in float64.
        """
        ...

    def clip_rate(self, norm: Any, max_norm: float | None) -> Any:
        """Return the factor of :meth:`clip_grads` for gradients of a norm: below 1, or 1 where nothing is clipped.

        norm : what ``clip_grads`` returned for gradients of any shape, on the host or on the device; the factor is of
        the same kind. A norm that is not finite gives 1.
        """
        ...

    def sgd_update(self, params: list[Array], grads: list[Array], *, lr: float, scale: float = 1.0) -> None:
        """``p -= lr g`` in place for every parameter.

        In all updates g is a gradient times ``scale``, in the dtype of the parameter: what ``clip_grads`` would have
        made of it, without writing it. The gradients stay as they are. ``scale`` is a number; cupy takes float64
        without dimensions on the device too, where NaN means: leave all parameters and slots as they are.
        """
        ...

    def momentum_update(
        self,
        params: list[Array],
        grads: list[Array],
        v: list[Array],
        *,
        lr: float,
        momentum: float,
        scale: float = 1.0,
    ) -> None:
        """``v = momentum v - lr g; p += v`` in place."""
        ...

    def nesterov_update(
        self,
        params: list[Array],
        grads: list[Array],
        v: list[Array],
        *,
        lr: float,
        momentum: float,
        scale: float = 1.0,
    ) -> None:
        """``v = momentum v - lr g; p += momentum^2 v - (1 + momentum) lr g`` in place, as in the book."""
        ...

    def adagrad_update(
        self, params: list[Array], grads: list[Array], h: list[Array], *, lr: float, scale: float = 1.0
    ) -> None:
        """``h += g^2; p -= lr g / (sqrt(h) + 1e-7)`` in place."""
        ...

    def rmsprop_update(
        self,
        params: list[Array],
        grads: list[Array],
        h: list[Array],
        *,
        lr: float,
        decay_rate: float,
        scale: float = 1.0,
    ) -> None:
        """``h = decay_rate h + (1 - decay_rate) g^2; p -= lr g / (sqrt(h) + 1e-7)`` in place."""
        ...

    def adam_update(
        self,
        params: list[Array],
        grads: list[Array],
        m: list[Array],
        v: list[Array],
        *,
        lr: float,
        beta1: float,
        beta2: float,
        step: int,
        scale: float = 1.0,
    ) -> None:
        """Adam with bias correction in the step size: ``lr_t = lr sqrt(1 - beta2^step) / (1 - beta1^step)``;
        ``m += (1 - beta1)(g - m); v += (1 - beta2)(g^2 - v); p -= lr_t m / (sqrt(v) + 1e-7)`` in place;
        ``step`` counts from 1."""
        ...
