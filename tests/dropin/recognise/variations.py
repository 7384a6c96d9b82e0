"""Small changes of ``plain_layers.py``: such as mean the same, and such as do not.

Each is: a class that is looked at, then pairs of an old and a new text.
"""

_H = "H = Wh.shape[0]\n        total"
_GATES = """        forget = sigmoid(total[:, :H])
        gain = np.tanh(total[:, H : 2 * H])
        enter = sigmoid(total[:, 2 * H : 3 * H])
        leave = sigmoid(total[:, 3 * H :])
"""
_PARTS = """        forget, gain, enter, leave = total[:, :H], total[:, H : 2 * H], total[:, 2 * H : 3 * H], total[:, 3 * H : 4 * H]
        forget, gain, enter, leave = sigmoid(forget), np.tanh(gain), sigmoid(enter), sigmoid(leave)
"""
_SPLIT = """        forget, gain, enter, leave = np.split(total, 4, axis=1)
        forget, enter, leave = sigmoid(forget), sigmoid(enter), sigmoid(leave)
        gain = np.tanh(gain)
"""
_NAMED = """        one, two, three = H, 2 * H, 3 * H
        forget = sigmoid(total[:, 0:one])
        gain = np.tanh(total[:, one:two])
        enter = sigmoid(total[:, two:three])
        leave = sigmoid(total[:, three:])
"""
_ADD_AT = "        np.add.at(table, self.idx, d_rows)\n"
_LOOP = "        for row, i in enumerate(self.idx):\n            table[i] += d_rows[row]\n"

SAME = {
    "@ for dot": ("TimeLSTM", ("np.dot(x, Wx) + np.dot(h_old, Wh) + b", "x @ Wx + h_old @ Wh + b")),
    "the method dot": ("TimeLSTM", ("np.dot(x, Wx) + np.dot(h_old, Wh) + b", "x.dot(Wx) + h_old.dot(Wh) + b")),
    "matmul": ("TimeAffine", ("np.dot(d_rows, W.T)", "np.matmul(d_rows, W.T)")),
    "the method max": ("TimeSoftmaxWithLoss", ("np.max(scores, axis=-1, keepdims=True)", "scores.max(axis=-1, keepdims=True)")),
    "one line for three": (
        "TimeSoftmaxWithLoss",
        ("shifted = scores - np.max(scores, axis=-1, keepdims=True)\n    powers = np.exp(shifted)",
         "powers = np.exp(scores - np.max(scores, axis=-1, keepdims=True))"),
    ),
    "another axis for the last": ("TimeSoftmaxWithLoss", ("axis=-1, keepdims=True)", "axis=1, keepdims=True)")),
    "gates as a tuple": ("TimeLSTM", (_GATES, _PARTS)),
    "gates by split": ("TimeLSTM", (_GATES, _SPLIT)),
    "names for the bounds": ("TimeLSTM", (_GATES, _NAMED)),
    "factors in another order": ("TimeLSTM", ("forget * c_old + gain * enter", "enter * gain + c_old * forget")),
    "statements in another order": (
        "TimeLSTM",
        ("        self.grads[0][...] = np.dot(x.T, d_total)\n        self.grads[1][...] = np.dot(h_old.T, d_total)\n",
         "        self.grads[1][...] = np.dot(h_old.T, d_total)\n        self.grads[0][...] = np.dot(x.T, d_total)\n"),
    ),
    "concatenate for hstack": (
        "TimeLSTM", ("np.hstack((d_forget, d_gain, d_enter, d_leave))", "np.concatenate([d_forget, d_gain, d_enter, d_leave], axis=1)")
    ),
    "in place": ("TimeLSTM", ("d_gain = dc * enter * (1 - gain**2)", "d_gain = dc * enter\n        d_gain *= 1 - gain**2")),
    "a square as a product": ("TimeLSTM", ("1 - bent**2", "1 - bent * bent")),
    "a single step with another attribute": (
        "TimeEmbedding", ("        self.idx = None\n\n    def forward(self, idx):\n        self.idx = idx\n", "\n    def forward(self, idx):\n        self.index = idx\n"),
        ("np.add.at(table, self.idx, d_rows)", "np.add.at(table, self.index, d_rows)"),
    ),
    "another form of a square": ("TimeRNN", ("1 - after * after", "1 - np.square(after)")),
    "sigmoid by tanh": ("TimeLSTM", ("return 1 / (1 + np.exp(-z))", "return 0.5 * (1 + np.tanh(0.5 * z))")),
    "a private attribute of another name": ("TimeLSTM", ("self.saved", "self._kept")),
    "layers for steps": ("TimeLSTM", ("self.steps", "self.layers")),
    "another order in what is saved": (
        "TimeRNN", ("(x, before, after)", "(after, before, x)"), ("x, before, after = self.saved", "after, before, x = self.saved")
    ),
    "a default of the constructor": (
        "TimeSoftmaxWithLoss", ("def __init__(self):\n        self.params, self.grads = [], []\n        self.saved = None\n        self.ignore_label = -1",
                                "def __init__(self, ignore_label=-1):\n        self.params, self.grads = [], []\n        self.saved = None\n        self.ignore_label = ignore_label")
    ),
    "an attribute that nobody reads": ("TimeSoftmaxWithLoss", ("self.ignore_label = -1", "self.ignore_label = -1\n        self.loss = None")),
    "params and grads in one line": (
        "TimeAffine", ("self.params = [W, b]\n        self.grads = [np.zeros_like(W), np.zeros_like(b)]",
                       "self.params, self.grads = [W, b], [np.zeros_like(W), np.zeros_like(b)]")
    ),
    "a loop for add.at": ("TimeEmbedding", (_ADD_AT, _LOOP)),
    "reshape with a tuple": ("TimeAffine", ("reshape(batch, length, -1)", "reshape((batch, length, -1))")),
    "einsum": ("TimeAttention", ("np.sum(hs * asked, axis=2)", "np.einsum('nth,nkh->nt', hs, asked)")),
    "broadcasting for repeat": ("TimeAttention", (".repeat(length, axis=1)", "")),
    "nansum": ("TimeSoftmaxWithLoss", ("-np.sum(logs)", "-np.nansum(logs)")),
    "a print that is commented out": ("TimeLSTM", ("        self.steps = []\n", "        # print(xs.shape)\n        self.steps = []\n")),
    "an assert": ("TimeLSTM", ("        self.steps = []\n", "        assert xs.ndim == 3\n        self.steps = []\n")),
    "annotations and a docstring": (
        "TimeAffine", ("def forward(self, x):\n        batch", "def forward(self, x: np.ndarray) -> np.ndarray:\n        \"\"\"Apply it.\"\"\"\n        batch")
    ),
    "super().__init__()": ("TimeAffine", ("class TimeAffine:\n    def __init__(self, W, b):\n", "class Layer:\n    def __init__(self):\n        self.name = None\n\n\nclass TimeAffine(Layer):\n    def __init__(self, W, b):\n        super().__init__()\n")),
    "a method that the book has not": ("TimeLSTM", ("    def reset_state(self):\n        self.h, self.c = None, None", "    def reset_state(self):\n        self.h, self.c = None, None\n\n    def count(self):\n        return sum(p.size for p in self.params)")),
    "no reset_state": ("TimeRNN", ("    def reset_state(self):\n        self.h = None\n", "")),
    "a helper": ("TimeRNN", ("after = np.tanh(np.dot(x, Wx) + np.dot(before, Wh) + b)", "after = self._bent(np.dot(x, Wx) + np.dot(before, Wh) + b)"),
                 ("    def backward(self, d_after):", "    def _bent(self, a):\n        return np.tanh(a)\n\n    def backward(self, d_after):")),
    "a branch that the book has not": ("Affine", ("        self.x = x\n        return np.dot(x, W) + b", "        if x.ndim == 3:\n            x = x.reshape(-1, x.shape[2])\n        self.x = x\n        return np.dot(x, W) + b")),
    "empty for zeros": ("TimeLSTM", ("outputs = np.zeros(", "outputs = np.empty(")),
    "a list of outputs": ("TimeRNN", ("            outputs[:, t, :] = self.h\n", "            rows.append(self.h)\n"), ("outputs = np.zeros((batch, length, size), dtype=\"f\")", "rows = []"), ("        return outputs\n\n    def backward(self, d_outputs):\n        batch, length, size = d_outputs.shape\n        d_inputs = np.zeros((batch, length, self.params[0].shape[0]), dtype=\"f\")\n        dh = 0", "        return np.stack(rows, axis=1).astype(\"f\")\n\n    def backward(self, d_outputs):\n        batch, length, size = d_outputs.shape\n        d_inputs = np.zeros((batch, length, self.params[0].shape[0]), dtype=\"f\")\n        dh = 0")),
    "another name of the input kept": ("TimeAffine", ("self.x", "self.rows_in")),
    "no switch for a state": ("TimeRNN", (", stateful=False):\n        self.params = [Wx, Wh, b]\n        self.grads = [np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)]\n        self.steps = None\n        self.h = None\n        self.dh = None\n        self.stateful = stateful", "):\n        self.params = [Wx, Wh, b]\n        self.grads = [np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)]\n        self.steps = None\n        self.h = None\n        self.dh = None"), ("        if not self.stateful or self.h is None:\n            self.h = np.zeros((batch, size), dtype=\"f\")\n        for t in range(length):\n            step = RNN", "        self.h = np.zeros((batch, size), dtype=\"f\")\n        for t in range(length):\n            step = RNN")),
}  # fmt: skip

SAME |= {
    "repeat for broadcasting": ("TimeAttention", ("asked = h.reshape(batch, 1, size)", "asked = h.reshape(batch, 1, size).repeat(length, axis=1)"), ("shares = weights.reshape(batch, length, 1)", "shares = weights.reshape(batch, length, 1).repeat(size, axis=2)")),
    "a shape that is kept": ("Affine", ("        self.x = None\n\n    def forward(self, x):\n        W, b = self.params\n        self.x = x\n        return np.dot(x, W) + b\n", "        self.x = None\n        self.lead = None\n\n    def forward(self, x):\n        W, b = self.params\n        self.lead = x.shape\n        if len(self.lead) == 3:\n            x = x.reshape(-1, x.shape[2])\n        self.x = x\n        return np.dot(x, W) + b\n")),
    "no W beside params": ("TimeEmbedding", ("        self.W = W\n", ""), ("self.W.shape[1]", "self.params[0].shape[1]"), ("Embedding(self.W)", "Embedding(self.params[0])")),
    "names beside params": ("TimeAffine", ("        self.x = None\n\n    def forward(self, x):\n        batch, length, width = x.shape\n        W, b = self.params\n", "        self.x = None\n        self.weight, self.bias = W, b\n\n    def forward(self, x):\n        batch, length, width = x.shape\n        W, b = self.weight, self.bias\n")),
    "SGD by number": ("SGD", ("for p, g in zip(params, grads):\n            p -= self.lr * g\n", "for k in range(len(params)):\n            params[k] -= self.lr * grads[k]\n")),
    "Adam in place": ("Adam", ("self.m[k] = self.beta1 * self.m[k] + (1 - self.beta1) * grads[k]", "self.m[k] += (1 - self.beta1) * (grads[k] - self.m[k])")),
    "AdaGrad with a square": ("AdaGrad", ("h += g**2", "h += np.square(g)")),
    "Momentum in one line": ("Momentum", ("            self.v[k] *= self.momentum\n            self.v[k] -= self.lr * grads[k]\n", "            self.v[k] = self.momentum * self.v[k] - self.lr * grads[k]\n")),
}  # fmt: skip

#: The same, and a part of the reason.
DIFFERENT = {
    "order of the gates": ("TimeLSTM", "differs", ("gain = np.tanh(total[:, H : 2 * H])\n        enter = sigmoid(total[:, 2 * H : 3 * H])", "enter = sigmoid(total[:, H : 2 * H])\n        gain = np.tanh(total[:, 2 * H : 3 * H])")),
    "no bias": ("TimeLSTM", "differs", ("np.dot(h_old, Wh) + b", "np.dot(h_old, Wh)")),
    "a bias of the forget gate": ("TimeLSTM", "differs", ("sigmoid(total[:, :H])", "sigmoid(total[:, :H] + 1)")),
    "peephole": ("TimeLSTM", "differs", ("sigmoid(total[:, :H])", "sigmoid(total[:, :H] + c_old)")),
    "another activation": ("TimeLSTM", "differs", ("gain = np.tanh(", "gain = np.sin(")),
    "a wrong derivative of one gate": ("TimeLSTM", "the gradient of Wx differs in the columns of the forget gate", ("dc * c_old * forget * (1 - forget)", "dc * c_old * forget * (1 + forget)")),
    "a condition on values": ("TimeLSTM", "a condition on values", ("        h_new = leave * np.tanh(c_new)\n", "        if c_new.max() > 50:\n            c_new = c_new / 2\n        h_new = leave * np.tanh(c_new)\n")),
    "a condition on sizes": ("TimeLSTM", "a condition on values", ("        self.dh = dh\n        return d_inputs\n\n    def set_state(self, h, c=None)", "        if length > 100:\n            dh = 0\n        self.dh = dh\n        return d_inputs\n\n    def set_state(self, h, c=None)")),
    "clipping": ("TimeRNN", "np.clip", ("            d_inputs[:, t, :], dh = self.steps[t].backward(d_outputs[:, t, :] + dh)\n", "            d_inputs[:, t, :], dh = self.steps[t].backward(np.clip(d_outputs[:, t, :] + dh, -9, 9))\n")),
    "maximum": ("TimeRNN", "np.maximum", ("np.tanh(np.dot(x, Wx) + np.dot(before, Wh) + b)", "np.maximum(0, np.dot(x, Wx) + np.dot(before, Wh) + b)")),
    "the larger of two": ("TimeAffine", "the function min", ("        self.x = x\n        return (", "        self.x = x\n        x = x * min(1, batch)\n        return (")),
    "a truncated sequence": ("TimeRNN", "the whole number 64", ("for t in reversed(range(length)):\n            d_inputs[:, t, :], dh = ", "for t in reversed(range(length)[:64]):\n            d_inputs[:, t, :], dh = ")),
    "a last step of its own": ("TimeRNN", "", ("            self.h = step.forward(xs[:, t, :], self.h)\n", "            self.h = step.forward(xs[:, t, :], self.h) if t < 5 else self.h\n")),
    "duplicate ids lost": ("TimeEmbedding", "the gradient of W differs", (_ADD_AT, "        table[self.idx] += d_rows\n")),
    "a padding label": ("TimeEmbedding", "differs", ("            rows[:, t, :] = step.forward(xs[:, t])", "            rows[:, t, :] = step.forward(xs[:, t]) * (xs[:, t] != -1)[:, None]")),
    "outputs of another dtype": ("TimeLSTM", "float64", ("outputs = np.zeros((batch, length, size), dtype=\"f\")", "outputs = np.zeros((batch, length, size))")),
    "a state of another dtype": ("TimeRNN", "", ("self.h = np.zeros((batch, size), dtype=\"f\")", "self.h = np.zeros((batch, size))")),
    "extra outputs": ("TimeLSTM", "tuple", ("            self.steps.append(step)\n        return outputs\n\n    def backward(self, d_outputs):\n        batch, length, size = d_outputs.shape\n        d_inputs = np.zeros((batch, length, self.params[0].shape[0]), dtype=\"f\")\n        dh, dc", "            self.steps.append(step)\n        return outputs, self.h\n\n    def backward(self, d_outputs):\n        batch, length, size = d_outputs.shape\n        d_inputs = np.zeros((batch, length, self.params[0].shape[0]), dtype=\"f\")\n        dh, dc")),
    "a gradient that adds up": ("TimeAffine", "differs", ("self.grads[0][...] = np.dot(rows.T, d_rows)", "self.grads[0] += np.dot(rows.T, d_rows)")),
    "a new list of gradients": ("TimeAffine", "", ("        self.grads[0][...] = np.dot(rows.T, d_rows)\n        self.grads[1][...] = np.sum(d_rows, axis=0)\n", "        self.grads = [np.dot(rows.T, d_rows), np.sum(d_rows, axis=0)]\n")),
    "weight decay": ("TimeAffine", "differs", ("np.dot(rows.T, d_rows)\n", "np.dot(rows.T, d_rows) + 0.0001 * W\n")),
    "a mean for a sum": ("TimeAffine", "differs", ("np.sum(d_rows, axis=0)", "np.mean(d_rows, axis=0)")),
    "an input that is changed": ("TimeAffine", "", ("        self.x = x\n        return (", "        x *= 1.5\n        self.x = x\n        return (")),
    "a loss that is a sum": ("TimeSoftmaxWithLoss", "differs", ("        loss /= counted.sum()\n", "")),
    "a small number in the logarithm": ("TimeSoftmaxWithLoss", "differs", ("np.log(shares[np.arange(batch * length), labels])", "np.log(shares[np.arange(batch * length), labels] + 1e-7)")),
    "an ignored label that counts": ("TimeSoftmaxWithLoss", "differs", ("change /= counted.sum()", "change /= batch * length")),
    "no use of dout": ("TimeSoftmaxWithLoss", "differs", ("        change *= dout\n", "")),
    "label smoothing": ("TimeSoftmaxWithLoss", "differs", ("labels] -= 1", "labels] -= 0.9")),
    "scaled attention": ("TimeAttention", "differs", ("np.sum(hs * asked, axis=2)", "np.sum(hs * asked, axis=2) / np.sqrt(size)")),
    "attention without one gradient": ("TimeAttention", "differs", ("spread * shares + d_scores * asked", "spread * shares")),
    "a print": ("TimeLSTM", "a print", ("        self.steps = []\n", "        print(xs.shape)\n        self.steps = []\n")),
    "a counter of the module": ("TimeLSTM", "COUNTS", ("        self.steps = []\n", "        COUNTS[0] += 1\n        self.steps = []\n"), ("class RNN:", "COUNTS = [0]\n\n\nclass RNN:")),
    "chance": ("TimeLSTM", "np.random", ("c_new = forget * c_old + gain * enter", "c_new = forget * c_old + gain * enter * (np.random.rand(*enter.shape) != 0.5)")),
    "a try": ("TimeAffine", "a try", ("        self.x = x\n        return (np.dot(x.reshape(batch * length, -1), W) + b).reshape(batch, length, -1)", "        self.x = x\n        try:\n            return (np.dot(x.reshape(batch * length, -1), W) + b).reshape(batch, length, -1)\n        except ValueError:\n            return None")),
    "a while": ("TimeRNN", "a loop without a known number of turns", ("        self.dh = dh\n        return d_inputs\n\n    def set_state(self, h):", "        while dh is None:\n            dh = 0\n        self.dh = dh\n        return d_inputs\n\n    def set_state(self, h):")),
    "a property": ("TimeLSTM", "", ("    def reset_state(self):\n        self.h, self.c = None, None", "    @property\n    def dh(self):\n        return 0\n\n    @dh.setter\n    def dh(self, value):\n        pass\n\n    def reset_state(self):\n        self.h, self.c = None, None")),
    "a renamed state": ("TimeRNN", "", ("self.h ", "self.hidden "), ("self.h)", "self.hidden)"), ("self.h\n", "self.hidden\n"), ("self.h,", "self.hidden,")),
    "a rounded value": ("TimeRNN", "np.round", ("after = np.tanh(np.dot(x, Wx) + np.dot(before, Wh) + b)", "after = np.round(np.tanh(np.dot(x, Wx) + np.dot(before, Wh) + b), 3)")),
    "a halved precision": ("TimeRNN", "float16", ("after = np.tanh(np.dot(x, Wx) + np.dot(before, Wh) + b)", "after = np.tanh(np.dot(x, Wx) + np.dot(before, Wh) + b).astype('float16')")),
}  # fmt: skip

DIFFERENT |= {
    "a copy of the input": ("TimeAffine", "who shares memory after forward", ("        self.x = x\n        return (", "        self.x = x.copy()\n        return (")),
    "a length that is no shape": ("Affine", "which may be no shape", ("        self.x = None\n\n    def forward(self, x):\n        W, b = self.params\n        self.x = x\n        return np.dot(x, W) + b\n", "        self.x = None\n        self.lead = []\n\n    def forward(self, x):\n        W, b = self.params\n        self.lead.append(1)\n        if len(self.lead) == 3:\n            x = 2 * x\n        self.x = x\n        return np.dot(x, W) + b\n")),
    "a further argument": ("TimeRNN", "forward takes other arguments", ("    def forward(self, xs):\n        batch, length, width = xs.shape\n        size = self.params[1].shape[0]\n        self.steps = []\n        outputs = np.zeros((batch, length, size), dtype=\"f\")\n        if not self.stateful or self.h is None:\n            self.h = np.zeros((batch, size), dtype=\"f\")\n        for t in range(length):\n            step = RNN", "    def forward(self, xs, scale=1):\n        batch, length, width = xs.shape\n        size = self.params[1].shape[0]\n        self.steps = []\n        outputs = np.zeros((batch, length, size), dtype=\"f\")\n        if not self.stateful or self.h is None:\n            self.h = np.zeros((batch, size), dtype=\"f\")\n        for t in range(length):\n            step = RNN")),
    "another default": ("TimeSoftmaxWithLoss", "backward has a default", ("def backward(self, dout=1):", "def backward(self, dout=2):")),
    "a label that cannot be changed": ("TimeSoftmaxWithLoss", "", ("counted = ts != self.ignore_label", "counted = ts != -1")),
    "a counter of calls": ("TimeAffine", "the attribute calls", ("        self.x = None\n\n    def forward(self, x):\n        batch, length, width = x.shape", "        self.x = None\n        self.calls = 0\n\n    def forward(self, x):\n        self.calls += 1\n        batch, length, width = x.shape")),
    "SGD with weight decay": ("SGD", "the weights", ("p -= self.lr * g", "p -= self.lr * (g + 0.0001 * p)")),
    "Adam without correction": ("Adam", "the weights", ("rate = self.lr * np.sqrt(1 - self.beta2**self.iter) / (1 - self.beta1**self.iter)", "rate = self.lr")),
    "Adam with another small number": ("Adam", "the weights", ("(np.sqrt(self.v[k]) + 1e-7)", "(np.sqrt(self.v[k]) + 1e-8)")),
    "SGD that clips": ("SGD", "np.clip", ("p -= self.lr * g", "p -= self.lr * np.clip(g, -5, 5)")),
    "new arrays": ("SGD", "", ("for p, g in zip(params, grads):\n            p -= self.lr * g\n", "for k in range(len(params)):\n            params[k] = params[k] - self.lr * grads[k]\n")),
}  # fmt: skip


def varied(text, *pairs):
    """Return a text with old texts replaced by new ones, each of which must be there."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text
