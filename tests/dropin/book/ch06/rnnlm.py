import sys

sys.path.append("..")
from common.base_model import BaseModel
from common.time_layers import *


class Rnnlm(BaseModel):
    def __init__(self, vocab_size=20, wordvec_size=8, hidden_size=12):
        V, D, H = vocab_size, wordvec_size, hidden_size
        rn = np.random.randn
        self.lstm_layer = TimeLSTM(
            rn(D, 4 * H).astype("f"), rn(H, 4 * H).astype("f"), np.zeros(4 * H, dtype="f"), stateful=True
        )
        self.layers = [TimeEmbedding(rn(V, D).astype("f")), self.lstm_layer]
        self.layers.append(TimeAffine(rn(H, V).astype("f"), np.zeros(V, dtype="f")))
        self.loss_layer = TimeSoftmaxWithLoss()
        self.params = [p for layer in self.layers for p in layer.params]
        self.grads = [g for layer in self.layers for g in layer.grads]

    def predict(self, xs):
        for layer in self.layers:
            xs = layer.forward(xs)
        return xs

    def forward(self, xs, ts):
        return self.loss_layer.forward(self.predict(xs), ts)

    def backward(self, dout=1):
        dout = self.loss_layer.backward(dout)
        for layer in reversed(self.layers):
            dout = layer.backward(dout)

    def reset_state(self):
        self.lstm_layer.reset_state()
