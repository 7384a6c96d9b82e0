import sys

sys.path.append("..")
from ch07.seq2seq import Encoder, Seq2seq, weights
from ch08.attention_layer import TimeAttention
from common.time_layers import *


class AttentionEncoder(Encoder):
    def forward(self, xs):
        return self.lstm.forward(self.embed.forward(xs))

    def backward(self, dhs):
        return self.embed.backward(self.lstm.backward(dhs))


class AttentionDecoder:
    def __init__(self, V, D, H):
        self.embed = TimeEmbedding(weights(V, D))
        self.lstm = TimeLSTM(weights(D, 4 * H), weights(H, 4 * H), np.zeros(4 * H, dtype="f"), stateful=True)
        self.attention = TimeAttention()
        self.affine = TimeAffine(weights(2 * H, V), np.zeros(V, dtype="f"))
        self.params = self.embed.params + self.lstm.params + self.affine.params
        self.grads = self.embed.grads + self.lstm.grads + self.affine.grads

    def forward(self, xs, enc_hs):
        self.lstm.set_state(enc_hs[:, -1])
        hs = self.lstm.forward(self.embed.forward(xs))
        return self.affine.forward(np.concatenate((self.attention.forward(enc_hs, hs), hs), axis=2))

    def backward(self, dscore):
        dout = self.affine.backward(dscore)
        H = dout.shape[2] // 2
        denc, dhs = self.attention.backward(dout[:, :, :H])
        self.embed.backward(self.lstm.backward(dhs + dout[:, :, H:]))
        denc[:, -1] += self.lstm.dh
        return denc

    def generate(self, enc_hs, start_id, sample_size):
        self.lstm.set_state(enc_hs[:, -1])
        ids = [start_id]
        for _ in range(sample_size):
            hs = self.lstm.forward(self.embed.forward(np.array([[ids[-1]]])))
            out = np.concatenate((self.attention.forward(enc_hs, hs), hs), axis=2)
            ids.append(np.argmax(self.affine.forward(out)))
        return ids[1:]


class AttentionSeq2seq(Seq2seq):
    def __init__(self, vocab_size, wordvec_size, hidden_size):
        sizes = vocab_size, wordvec_size, hidden_size
        self.encoder, self.decoder = AttentionEncoder(*sizes), AttentionDecoder(*sizes)
        self.softmax = TimeSoftmaxWithLoss()
        self.params = self.encoder.params + self.decoder.params
        self.grads = self.encoder.grads + self.decoder.grads
