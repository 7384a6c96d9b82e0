class BaseModel:
    def __init__(self):
        self.params, self.grads = None, None
