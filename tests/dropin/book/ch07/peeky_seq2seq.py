import sys

sys.path.append("..")
from common.time_layers import *
from seq2seq import Encoder, Seq2seq, weights


class PeekyDecoder:
    def __init__(self, V, D, H):
        self.embed = TimeEmbedding(weights(V, D))
        self.lstm = TimeLSTM(weights(H + D, 4 * H), weights(H, 4 * H), np.zeros(4 * H, dtype="f"), stateful=True)
        self.affine = TimeAffine(weights(2 * H, V), np.zeros(V, dtype="f"))
        self.params = self.embed.params + self.lstm.params + self.affine.params
        self.grads = self.embed.grads + self.lstm.grads + self.affine.grads
        self.cache = None

    def forward(self, xs, h):
        self.lstm.set_state(h)
        peek = np.repeat(h[:, None], xs.shape[1], axis=1)
        hs = self.lstm.forward(np.concatenate((peek, self.embed.forward(xs)), axis=2))
        self.cache = h.shape[1]
        return self.affine.forward(np.concatenate((peek, hs), axis=2))

    def backward(self, dscore):
        H = self.cache
        dout = self.affine.backward(dscore)
        dxs = self.lstm.backward(dout[:, :, H:])
        self.embed.backward(dxs[:, :, H:])
        return self.lstm.dh + (dout[:, :, :H] + dxs[:, :, :H]).sum(axis=1)

    def generate(self, h, start_id, sample_size):
        self.lstm.set_state(h)
        ids = [start_id]
        for _ in range(sample_size):
            out = self.lstm.forward(np.concatenate((h[:, None], self.embed.forward(np.array([[ids[-1]]]))), axis=2))
            ids.append(np.argmax(self.affine.forward(np.concatenate((h[:, None], out), axis=2))))
        return ids[1:]


class PeekySeq2seq(Seq2seq):
    def __init__(self, vocab_size, wordvec_size, hidden_size):
        sizes = vocab_size, wordvec_size, hidden_size
        self.encoder, self.decoder = Encoder(*sizes), PeekyDecoder(*sizes)
        self.softmax = TimeSoftmaxWithLoss()
        self.params = self.encoder.params + self.decoder.params
        self.grads = self.encoder.grads + self.decoder.grads
