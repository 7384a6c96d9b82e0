import pickle

from common.np import *
from common.util import to_cpu, to_gpu


class BaseModel:
    def __init__(self):
        self.params, self.grads = None, None

    def save_params(self, file_name):
        params = [to_cpu(p.astype(np.float16)) if GPU else p.astype(np.float16) for p in self.params]
        with open(file_name, "wb") as file:
            pickle.dump(params, file)

    def load_params(self, file_name):
        with open(file_name, "rb") as file:
            params = [p.astype("f") for p in pickle.load(file)]
        for mine, read in zip(self.params, params):
            mine[...] = to_gpu(read) if GPU else read
