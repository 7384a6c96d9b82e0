"""What the driver raises."""


class CUDADriverError(RuntimeError):
    pass


def get_build_version():
    return 12090
