from common.np import *


def to_cpu(x):
    import numpy

    return x if isinstance(x, numpy.ndarray) else np.asnumpy(x)


def to_gpu(x):
    import cupy

    return cupy.asarray(x)


def cos_similarity(x, y):
    return np.sum(x * y) / np.sqrt(np.sum(x * x) * np.sum(y * y))


def most_similar(query, word_to_id, id_to_word, word_matrix, top=5):
    found = np.array([-cos_similarity(row, word_matrix[word_to_id[query]]) for row in word_matrix])
    for i in found.argsort()[1 : top + 1]:
        print(" %s: %.3f" % (id_to_word[i], -found[i]))


def eval_perplexity(model, corpus, batch_size=2, time_size=3):
    jump, total = (len(corpus) - 1) // batch_size, 0
    for first in range(0, jump - time_size + 1, time_size):
        xs = np.zeros((batch_size, time_size), dtype=np.int32)
        ts = np.zeros((batch_size, time_size), dtype=np.int32)
        for t in range(time_size):
            for i in range(batch_size):
                xs[i, t], ts[i, t] = corpus[i * jump + first + t], corpus[i * jump + first + t + 1]
        try:
            total += model.forward(xs, ts, train_flg=False)
        except TypeError:
            total += model.forward(xs, ts)
    return np.exp(total / (jump // time_size))


def clip_grads(grads, max_norm):
    norm = np.sqrt(sum((g * g).sum() for g in grads))
    if norm > max_norm:
        for g in grads:
            g *= max_norm / (norm + 1e-6)


def eval_seq2seq(model, question, correct, id_to_char, verbose=False, is_reverse=False):
    guess = model.generate(question, correct[0, 0], correct.shape[1] - 1)
    if verbose:
        print("".join(id_to_char[int(c)] for c in guess))
    return int([int(c) for c in guess] == correct[0, 1:].tolist())
