def drawn(rows, columns):
    return (np.random.randn(rows, columns) / np.sqrt(rows)).astype("f")


class Encoder:
    def __init__(self, vocab_size, wordvec_size, hidden_size):
        V, D, H = vocab_size, wordvec_size, hidden_size
        self.embed = TimeEmbedding(drawn(V, D))
        self.lstm = TimeLSTM(drawn(D, 4 * H), drawn(H, 4 * H), np.zeros(4 * H).astype("f"), stateful=False)
        self.params = self.embed.params + self.lstm.params
        self.grads = self.embed.grads + self.lstm.grads
        self.hs = None

    def forward(self, xs):
        vectors = self.embed.forward(xs)
        self.hs = self.lstm.forward(vectors)
        return self.hs[:, -1, :]

    def backward(self, dh):
        dhs = np.zeros_like(self.hs)
        dhs[:, -1, :] = dh
        d_vectors = self.lstm.backward(dhs)
        return self.embed.backward(d_vectors)


class Decoder:
    def __init__(self, vocab_size, wordvec_size, hidden_size):
        V, D, H = vocab_size, wordvec_size, hidden_size
        self.embed = TimeEmbedding(drawn(V, D))
        self.lstm = TimeLSTM(drawn(D, 4 * H), drawn(H, 4 * H), np.zeros(4 * H).astype("f"), stateful=True)
        self.affine = TimeAffine(drawn(H, V), np.zeros(V).astype("f"))
        self.params, self.grads = [], []
        for layer in (self.embed, self.lstm, self.affine):
            self.params += layer.params
            self.grads += layer.grads

    def forward(self, xs, h):
        self.lstm.set_state(h)
        vectors = self.embed.forward(xs)
        hs = self.lstm.forward(vectors)
        return self.affine.forward(hs)

    def backward(self, d_scores):
        dhs = self.affine.backward(d_scores)
        d_vectors = self.lstm.backward(dhs)
        self.embed.backward(d_vectors)
        return self.lstm.dh

    def generate(self, h, start_id, sample_size):
        answer = []
        word = start_id
        self.lstm.set_state(h)
        for _ in range(sample_size):
            x = np.array(word).reshape((1, 1))
            vectors = self.embed.forward(x)
            hs = self.lstm.forward(vectors)
            scores = self.affine.forward(hs)
            word = np.argmax(scores.flatten())
            answer.append(int(word))
        return answer


class Seq2seq:
    def __init__(self, vocab_size, wordvec_size, hidden_size):
        self.encoder = Encoder(vocab_size, wordvec_size, hidden_size)
        self.decoder = Decoder(vocab_size, wordvec_size, hidden_size)
        self.softmax = TimeSoftmaxWithLoss()
        self.params = self.encoder.params + self.decoder.params
        self.grads = self.encoder.grads + self.decoder.grads

    def forward(self, xs, ts):
        h = self.encoder.forward(xs)
        scores = self.decoder.forward(ts[:, :-1], h)
        return self.softmax.forward(scores, ts[:, 1:])

    def backward(self, dout=1):
        dout = self.softmax.backward(dout)
        dh = self.decoder.backward(dout)
        return self.encoder.backward(dh)

    def generate(self, xs, start_id, sample_size):
        h = self.encoder.forward(xs)
        return self.decoder.generate(h, start_id, sample_size)


class AttentionEncoder(Encoder):
    def forward(self, xs):
        vectors = self.embed.forward(xs)
        return self.lstm.forward(vectors)

    def backward(self, dhs):
        d_vectors = self.lstm.backward(dhs)
        return self.embed.backward(d_vectors)


class AttentionDecoder:
    def __init__(self, vocab_size, wordvec_size, hidden_size):
        V, D, H = vocab_size, wordvec_size, hidden_size
        self.embed = TimeEmbedding(drawn(V, D))
        self.lstm = TimeLSTM(drawn(D, 4 * H), drawn(H, 4 * H), np.zeros(4 * H).astype("f"), stateful=True)
        self.attention = TimeAttention()
        self.affine = TimeAffine(drawn(2 * H, V), np.zeros(V).astype("f"))
        self.params, self.grads = [], []
        for layer in (self.embed, self.lstm, self.attention, self.affine):
            self.params += layer.params
            self.grads += layer.grads

    def forward(self, xs, enc_hs):
        self.lstm.set_state(enc_hs[:, -1])
        hs = self.lstm.forward(self.embed.forward(xs))
        found = self.attention.forward(enc_hs, hs)
        return self.affine.forward(np.concatenate((found, hs), axis=2))

    def backward(self, d_scores):
        d_both = self.affine.backward(d_scores)
        H = d_both.shape[2] // 2
        d_found, dhs = d_both[:, :, :H], d_both[:, :, H:]
        d_enc, d_more = self.attention.backward(d_found)
        self.embed.backward(self.lstm.backward(dhs + d_more))
        d_enc[:, -1] += self.lstm.dh
        return d_enc

    def generate(self, enc_hs, start_id, sample_size):
        answer = []
        word = start_id
        self.lstm.set_state(enc_hs[:, -1])
        for _ in range(sample_size):
            x = np.array([word]).reshape((1, 1))
            hs = self.lstm.forward(self.embed.forward(x))
            found = self.attention.forward(enc_hs, hs)
            scores = self.affine.forward(np.concatenate((found, hs), axis=2))
            word = np.argmax(scores.flatten())
            answer.append(word)
        return answer
