"""What a text that does not compile raises."""


class CompileException(Exception):
    def __init__(self, msg, source, name, options, backend="nvrtc"):
        super().__init__(msg)
        self._msg, self.source, self.name, self.options, self.backend = msg, source, name, options, backend

    def get_message(self):
        return self._msg

    def __str__(self):
        return self._msg
