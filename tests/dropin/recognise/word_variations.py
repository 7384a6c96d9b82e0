"""Small changes of ``plain_words.py``: such as mean the same, and such as do not.

Each is: a class or function that is looked at, then (a reason and) pairs of an old and a new text.
"""

_DRAW = "            p = np.copy(self.word_p)\n"
_GPU = (
    "import collections\n",
    "import collections\nimport types\n\nGPU = False\nconfig = types.ModuleType('config')\nconfig.GPU = False\n",
)
_ALL = "        n = target.shape[0]\n        drawn = np.zeros"
_WITH_GPU = (
    "        n = target.shape[0]\n"
    "        if {}GPU:\n            return np.random.choice(self.vacab_size, size=(n, self.size), p=self.word_p)\n"
    "        drawn = np.zeros"
)
_PRINT = 'print(f"epoch {epoch + 1}, loss {total_loss / loss_count:.2f}, {seconds:.1f} s")'
_FORWARD = "                loss = model.forward(batch_x, batch_t)\n"
_BACKWARD = "                model.backward()\n"
_CLIP = "                if max_grad is not None:\n                    clip_grads(grads, max_grad)\n"
_UPDATE = "                optimizer.update(params, grads)\n"
_NAMES = "        model, optimizer = self.model, self.optimizer\n"
_STEP = "                if cnt % (total // 10 + 1) == 0:\n"
_SAID = 'print(f"{100 * cnt / total:.1f}% of it")'
_SPLIT = "        x, t = x[idx], t[idx]\n"

SAME = {
    "shares in place": ("UnigramSampler", ("            p = p / np.sum(p)\n", "            p /= p.sum()\n")),
    "the method copy": ("UnigramSampler", ("np.copy(self.word_p)", "self.word_p.copy()")),
    "names of arguments": (
        "UnigramSampler",
        ("(self.vocab_size, self.sample_size, replace=False, p=p)",
         "(a=self.vocab_size, size=self.sample_size, replace=False, p=p)"),
    ),
    "words of len": ("UnigramSampler", ("np.random.choice(self.vocab_size,", "np.random.choice(len(p),")),
    "rows in a list": (
        "UnigramSampler",
        ("        drawn = np.zeros((n, self.sample_size), dtype=np.int32)\n", "        drawn = []\n"),
        ("            drawn[i] = np.random.choice(self.vocab_size, self.sample_size, replace=False, p=p)\n        return drawn",
         "            drawn.append(np.random.choice(self.vocab_size, self.sample_size, replace=False, p=p))\n"
         "        return np.array(drawn, dtype=np.int32)"),
    ),
    "a branch for the GPU": ("UnigramSampler", _GPU, (_ALL, _WITH_GPU.format(""))),
    "a branch of another module": ("UnigramSampler", _GPU, (_ALL, _WITH_GPU.format("config."))),
    "shares counted otherwise": (
        "UnigramSampler",
        ("        counts = collections.Counter()\n        for word in corpus:\n            counts[word] += 1\n",
         "        counts = dict(zip(*np.unique(corpus, return_counts=True)))\n        self.corpus = corpus\n"),
    ),
    "a loss that is kept": (
        "SigmoidWithLoss", ("        self.y = None\n", "        self.y = None\n        self.loss = None\n"),
        ("        return cross_entropy(both, t)", "        self.loss = cross_entropy(both, t)\n        return self.loss"),
    ),
    "one column": ("EmbeddingDot", ("dout.reshape(-1, 1)", "dout[:, np.newaxis]")),
    "factors in another order": ("EmbeddingDot", ("np.sum(h * rows, axis=1)", "(rows * h).sum(axis=1)")),
    "words from 1": (
        "NegativeSamplingLoss", ("for i in range(self.sample_size):", "for i in range(1, self.sample_size + 1):"),
        ("self.embed_dot_layers[i + 1].forward(h, drawn[:, i])", "self.embed_dot_layers[i].forward(h, drawn[:, i - 1])"),
        ("self.loss_layers[i + 1]", "self.loss_layers[i]"),
    ),
    "a list in a constructor": (
        "CBOW", ("        self.vectors = W_in\n\n    def forward(self, contexts, target):\n        h = 0",
                 "        self.V = vocab_size\n\n    def forward(self, contexts, target):\n        h = 0"),
    ),
    "a mean as a product": ("CBOW", ("h /= len(self.in_layers)\n        return", "h *= 1 / len(self.in_layers)\n        return")),
    "places counted": ("SkipGram", ("for layer in self.loss_layers:\n            dh", "for i, layer in enumerate(self.loss_layers):\n            dh")),
    "another line": ("Trainer", (_PRINT, 'print("%d of %d" % (iters + 1, max_iters), loss, flush=True)')),
    "a shuffle of the number": ("Trainer", ("np.random.permutation(np.arange(data_size))", "np.random.permutation(data_size)")),
    "parts by their own names": (
        "Trainer", (_NAMES, ""), ("model.forward(", "self.model.forward("), ("model.backward()", "self.model.backward()"),
        ("(model.params, model.grads)", "(self.model.params, self.model.grads)"),
        ("optimizer.update", "self.optimizer.update"),
    ),
    "nothing is clipped": ("Trainer", (_CLIP, "")),
    "always clipped": ("Trainer", (_CLIP, "                clip_grads(grads, max_grad or 5.0)\n")),
    "counted in the midst": (
        "Trainer", ("                total_loss += loss\n                loss_count += 1\n", ""),
        (_BACKWARD, "                total_loss += loss\n                loss_count += 1\n" + _BACKWARD),
    ),
    "lines in the midst": ("Trainer", (_BACKWARD, "                print(loss)\n" + _BACKWARD)),
    "a while": (
        "Trainer", ("        for epoch in range(max_epoch):\n", "        epoch = -1\n        while epoch < max_epoch - 1:\n            epoch += 1\n"),
    ),
    "more that is returned": ("Trainer", ("            self.current_epoch += 1\n", "            self.current_epoch += 1\n        return self.loss_list[-1]\n")),
    "a line of the first edition": ("ppmi", ("total // 10 + 1", "total // 10"), (_SAID, 'print("%.1f%% done" % (100 * cnt / total))')),
    "a line put together": ("ppmi", (_SAID, 'print("{} of {}".format(cnt, total))')),
    "nothing is said": (
        "ppmi", ("            if verbose:\n                cnt += 1\n" + _STEP + "                    " + _SAID + "\n", ""),
    ),
    "sums of columns": ("ppmi", ("S = np.sum(C, axis=0)", "S = C.sum(axis=0)")),
    "another eps": ("ppmi", ("eps=1e-8", "eps=1e-6")),
    "said if nobody asks": ("ppmi", ("verbose=False", "verbose=True")),
    "the last size": ("ppmi", ("C.shape[0] * C.shape[1]", "C.shape[-1] * C.shape[0]")),
    "said before": (
        "ppmi", ("            M[i, j] = max(0, value)\n", ""),
        (_SAID, _SAID + "\n            M[i, j] = max(0, value)"),
    ),
    "names of another": ("ppmi", ("S[i] * S[j]", "S[j] * S[i]"), ("cnt", "done"), ("total", "every")),
}  # fmt: skip

_CHOICE = "np.random.choice(self.vocab_size, self.sample_size, replace=False, p=p)"
DIFFERENT = {
    "the first word of all": ("UnigramSampler", "asks np.random.choice for", ("p[target[i]] = 0", "p[target[0]] = 0")),
    "its own word too": ("UnigramSampler", "asks np.random.choice for", ("            p[target[i]] = 0\n", "")),
    "put back": ("UnigramSampler", "asks np.random.choice for", (_CHOICE, _CHOICE.replace("replace=False", "replace=True"))),
    "put back unsaid": ("UnigramSampler", "asks np.random.choice for", (_CHOICE, _CHOICE.replace("replace=False, ", ""))),
    "shares rounded otherwise": ("UnigramSampler", "asks np.random.choice for", ("p = p / np.sum(p)", "p = p * (1 / np.sum(p))")),
    "rows from the end": ("UnigramSampler", "asks np.random.choice for", ("for i in range(n):", "for i in reversed(range(n)):")),
    "a draw for nothing": ("UnigramSampler", "asks np.random.choice for", ("        return drawn", "        np.random.choice(2)\n        return drawn")),
    "a draw of another kind": ("UnigramSampler", "np.random.rand", ("        return drawn", "        np.random.rand()\n        return drawn")),
    "whole numbers of another kind": ("UnigramSampler", "the words that it returns", ("dtype=np.int32)\n        for i in range(n)", "dtype=np.int64)\n        for i in range(n)")),
    "sorted": ("UnigramSampler", "np.sort", (f"drawn[i] = {_CHOICE}", f"drawn[i] = np.sort({_CHOICE})")),
    "it is kept": ("UnigramSampler", "it changes something", ("        return drawn", "        self.drawn = drawn\n        return drawn")),
    "shares that are spoilt": ("UnigramSampler", "", (_DRAW, "            p = self.word_p\n")),
    "another power": (
        "UnigramSampler", "asks for power", (_DRAW, "            p = self.word_p**self.power\n"),
        ("        self.sample_size = sample_size\n", "        self.sample_size = sample_size\n        self.power = power\n"),
    ),
    "a default": ("UnigramSampler", "other arguments", ("(self, target):\n        n = target", "(self, target=None):\n        n = target")),
    "larger numbers in the logarithm": ("SigmoidWithLoss", "differs", ("+ 1e-7", "+ 1e-3")),
    "clipped": ("SigmoidWithLoss", "np.clip", ("        both = np", "        self.y = np.clip(self.y, 0.1, 0.9)\n        both = np")),
    "a logarithm of what is negative": ("SigmoidWithLoss", "differs", ("np.c_[1 - self.y", "np.c_[0 - self.y")),
    "a sum for a mean": ("SigmoidWithLoss", "differs", ("(self.y - self.t) * dout / n", "(self.y - self.t) * dout")),
    "labels that are copied": ("SigmoidWithLoss", "shares memory", ("        self.t = t\n", "        self.t = t.copy()\n")),
    "something more is kept": ("SigmoidWithLoss", "attributes", ("        self.y = sigmoid", "        self.x = x\n        self.y = sigmoid")),
    "the gradient of the rows": ("EmbeddingDot", "differs", ("self.embed.backward(column * h)", "self.embed.backward(column * rows)")),
    "rows kept by copy": ("EmbeddingDot", "", ("self.cache = (h, rows)", "self.cache = (h.copy(), rows)")),
    "all words wrong": ("NegativeSamplingLoss", "differs", ("np.ones(n, dtype=np.int32)", "np.zeros(n, dtype=np.int32)")),
    "the last loss": ("NegativeSamplingLoss", "differs", ("loss += self.loss_layers[i + 1]", "loss = self.loss_layers[i + 1]")),
    "another word for the label": ("NegativeSamplingLoss", "", ("wrong = np.zeros(n, dtype=np.int32)", "wrong = np.zeros(n)")),
    "a sum of vectors": ("CBOW", "differs", ("        h /= len(self.in_layers)\n", "")),
    "half of the gradient": ("CBOW", "differs", ("        dh /= len(self.in_layers)\n", "        dh /= 2\n")),
    "the last words": ("SkipGram", "differs", ("            loss += layer.forward(h", "            loss = layer.forward(h")),
    "a model that is saved": ("Trainer", "else that is done with model", ("            self.current_epoch += 1\n", "            self.current_epoch += 1\n            model.save()\n")),
    "weights that are printed": ("Trainer", "done with params", ("            self.current_epoch += 1\n", "            self.current_epoch += 1\n            print(params[0].sum())\n")),
    "gradients that are kept": ("Trainer", "in the midst", (_UPDATE, "                self.last = grads\n" + _UPDATE)),
    "all gradients": ("Trainer", "in the midst", ("update(params, grads)", "update(model.params, model.grads)")),
    "a step that is broken off": ("Trainer", "in the midst", (_BACKWARD, "                if loss != loss:\n                    break\n" + _BACKWARD)),
    "a batch that is changed": ("Trainer", "in the midst", (_BACKWARD, "                batch_t += 1\n" + _BACKWARD)),
    "forward twice": ("Trainer", "in the midst", (_FORWARD, _FORWARD + _FORWARD.replace("loss =", "more =")) ),
    "a forward for an evaluation": ("Trainer", "where forward", (_SPLIT, _SPLIT + "            before = model.forward(x, t)\n")),
    "backward with a gradient": ("Trainer", "in the midst", ("model.backward()", "model.backward(0.5)")),
    "another order": ("Trainer", "in the midst", (_FORWARD, ""), (_BACKWARD, _BACKWARD + _FORWARD)),
    "a method of its own": ("Trainer", "a call of self.tell", ("            self.current_epoch += 1\n", "            self.current_epoch += 1\n            self.tell()\n")),
    "a trainer that is handed on": ("Trainer", "done with self", ("            self.current_epoch += 1\n", "            self.current_epoch += 1\n            print(self)\n")),
    "another function": ("Trainer", "a call of open", ("            self.current_epoch += 1\n", "            self.current_epoch += 1\n            open('losses')\n")),
    "names of the module": ("Trainer", "declares global", ("        data_size = len(x)\n", "        global lines\n        data_size = len(x)\n")),
    "another remove_duplicate": ("Trainer", "remove_duplicate", ("                grads[i] += grads[j]\n", "                grads[i] += 2 * grads[j]\n")),
    "another clip_grads": ("Trainer", "clip_grads", ("g *= max_norm / norm", "g *= max_norm / norm / 2")),
    "a model of two names": ("Trainer", "", (_NAMES, _NAMES + "        if max_grad:\n            model = None\n")),
    "sums of rows": ("ppmi", "the output differs", ("np.sum(C, axis=0)", "np.sum(C, axis=1)")),
    "eps in the divisor": ("ppmi", "the output differs", ("(S[i] * S[j]) + eps", "(S[i] * S[j] + eps)")),
    "what is not positive": ("ppmi", "the output differs", ("max(0, value)", "value")),
    "a whole eps": ("ppmi", "other arguments", ("eps=1e-8", "eps=0")),
    "any number of arguments": ("ppmi", "other arguments", ("eps=1e-8)", "eps=1e-8, *more)")),
    "another number of all": ("ppmi", "what it says", ("C.shape[0] * C.shape[1]", "C.shape[0] * 5")),
    "counted too late": (
        "ppmi", "it cannot be tried", ("    cnt = 0\n", ""), ("    return M", "    cnt = 0\n    return M"),
    ),
    "counted too often": ("ppmi", "what it says", ("for i in range(C.shape[0])", "for i in range(-1, C.shape[0])")),
    "a limit": ("ppmi", "the larger of several", ("max(0, value)", "max(0.1, value)")),
    "another way to count": ("ppmi", "how far it is", (_STEP, "                if cnt * 10 % total == 0:\n")),
    "a count from 1": ("ppmi", "count", ("    cnt = 0\n", "    cnt = 1\n")),
    "what is printed in each row": ("ppmi", "how far it is", ("    for i in range(C.shape[0]):\n", "    for i in range(C.shape[0]):\n        print(i)\n")),
    "numbers of it": ("ppmi", "how far it is", (_SAID, "print(cnt, M)")),
    "float64": ("ppmi", "the output differs", ("dtype=np.float32", "dtype=np.float64")),
    "a diagonal of its own": ("ppmi", "a condition on values", ("            value = np", "            if i == j:\n                continue\n            value = np")),
}  # fmt: skip
