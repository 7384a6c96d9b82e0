from common.np import *


def to_cpu(x):
    import numpy

    return x if isinstance(x, numpy.ndarray) else np.asnumpy(x)


def to_gpu(x):
    import cupy

    return cupy.asarray(x)


def cos_similarity(x, y, eps=1e-8):
    left, right = x / (np.sqrt(np.sum(x**2)) + eps), y / (np.sqrt(np.sum(y**2)) + eps)
    return np.dot(left, right)


def most_similar(query, word_to_id, id_to_word, word_matrix, top=5):
    if query not in word_to_id:
        print("no", query)
        return
    found = np.zeros(len(id_to_word))
    for i in range(len(id_to_word)):
        found[i] = cos_similarity(word_matrix[i], word_matrix[word_to_id[query]])
    for i in (-found).argsort()[1 : top + 1]:
        print(" %s: %s" % (id_to_word[i], found[i]))


def convert_one_hot(corpus, vocab_size):
    found = np.zeros((*corpus.shape, vocab_size), dtype=np.int32)
    for place in np.ndindex(*corpus.shape):
        found[place][corpus[place]] = 1
    return found


def create_co_matrix(corpus, vocab_size, window_size=1):
    found = np.zeros((vocab_size, vocab_size), dtype=np.int32)
    for i in range(len(corpus)):
        for k in range(max(0, i - window_size), min(len(corpus), i + window_size + 1)):
            if k != i:
                found[corpus[i], corpus[k]] += 1
    return found


def ppmi(C, verbose=False, eps=1e-8):
    found, N, S = np.zeros_like(C, dtype=np.float32), np.sum(C), np.sum(C, axis=0)
    for count, (i, j) in enumerate(np.ndindex(*C.shape)):
        found[i, j] = max(0, np.log2(C[i, j] * N / (S[j] * S[i]) + eps))
        if verbose and (count + 1) % (C.size // 100 + 1) == 0:
            print("%.1f%% of it" % (100 * (count + 1) / C.size))
    return found


def create_contexts_target(corpus, window_size=1):
    contexts, places = [], range(window_size, len(corpus) - window_size)
    for i in places:
        contexts.append([corpus[i + k] for k in range(-window_size, window_size + 1) if k != 0])
    return np.array(contexts), np.array([corpus[i] for i in places])


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
