import sys

sys.path.append("..")
import numpy as np
from ch06.rnnlm import Rnnlm
from common.functions import softmax


class RnnlmGen(Rnnlm):
    def generate(self, start_id, skip_ids=None, sample_size=100):
        ids = [start_id]
        while len(ids) < sample_size:
            p = softmax(self.predict(np.array([[ids[-1]]])).flatten())
            drawn = np.random.choice(len(p), size=1, p=p)
            if skip_ids is None or drawn not in skip_ids:
                ids.append(int(drawn))
        return ids
