from common.np import *


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
