import sys

sys.path.append("..")
from common.base_model import BaseModel
from common.time_layers import *


def weights(*shape):
    return (np.random.randn(*shape) / np.sqrt(shape[0])).astype("f")


class Encoder:
    def __init__(self, V, D, H):
        self.embed = TimeEmbedding(weights(V, D))
        self.lstm = TimeLSTM(weights(D, 4 * H), weights(H, 4 * H), np.zeros(4 * H, dtype="f"), stateful=False)
        self.params = self.embed.params + self.lstm.params
        self.grads = self.embed.grads + self.lstm.grads
        self.hs = None

    def forward(self, xs):
        self.hs = self.lstm.forward(self.embed.forward(xs))
        return self.hs[:, -1]

    def backward(self, dh):
        dhs = np.zeros_like(self.hs)
        dhs[:, -1] = dh
        return self.embed.backward(self.lstm.backward(dhs))


class Decoder:
    def __init__(self, V, D, H):
        self.embed = TimeEmbedding(weights(V, D))
        self.lstm = TimeLSTM(weights(D, 4 * H), weights(H, 4 * H), np.zeros(4 * H, dtype="f"), stateful=True)
        self.affine = TimeAffine(weights(H, V), np.zeros(V, dtype="f"))
        self.params = self.embed.params + self.lstm.params + self.affine.params
        self.grads = self.embed.grads + self.lstm.grads + self.affine.grads

    def forward(self, xs, h):
        self.lstm.set_state(h)
        return self.affine.forward(self.lstm.forward(self.embed.forward(xs)))

    def backward(self, dscore):
        self.embed.backward(self.lstm.backward(self.affine.backward(dscore)))
        return self.lstm.dh

    def generate(self, h, start_id, sample_size):
        self.lstm.set_state(h)
        ids = [start_id]
        for _ in range(sample_size):
            out = self.embed.forward(np.array([[ids[-1]]]))
            ids.append(int(np.argmax(self.affine.forward(self.lstm.forward(out)))))
        return ids[1:]


class Seq2seq(BaseModel):
    def __init__(self, vocab_size, wordvec_size, hidden_size):
        sizes = vocab_size, wordvec_size, hidden_size
        self.encoder, self.decoder = Encoder(*sizes), Decoder(*sizes)
        self.softmax = TimeSoftmaxWithLoss()
        self.params = self.encoder.params + self.decoder.params
        self.grads = self.encoder.grads + self.decoder.grads

    def forward(self, xs, ts):
        score = self.decoder.forward(ts[:, :-1], self.encoder.forward(xs))
        return self.softmax.forward(score, ts[:, 1:])

    def backward(self, dout=1):
        return self.encoder.backward(self.decoder.backward(self.softmax.backward(dout)))

    def generate(self, xs, start_id, sample_size):
        return self.decoder.generate(self.encoder.forward(xs), start_id, sample_size)
