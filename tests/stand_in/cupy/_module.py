"""RawModule: the text is built by g++ and run on the memory of the stand-in. Takes no more than what fits exactly."""

import operator

import numpy as np

from cupy import _device
from cupy._array import ndarray
from cupy._memory import check_pads, describe_address
from cupy._state import LaunchRecord, counts, records, run
from cupy.cuda.compiler import CompileException
from cupy.cuda.driver import CUDADriverError
from tests.cuda_shim import builder, library

_WITHOUT_ASKING = 49152


class RawModule:
    """A text of CUDA C++ under one set of options."""

    def __init__(self, *, code=None, path=None, options=(), backend="nvrtc", translate_cucomplex=False,
                 enable_cooperative_groups=False, name_expressions=None, jitify=False):  # fmt: skip
        if (
            not isinstance(code, str)
            or path
            or translate_cucomplex
            or name_expressions
            or jitify
            or backend != "nvrtc"
        ):
            raise NotImplementedError("only code=, options=, enable_cooperative_groups= and the backend nvrtc")
        if not isinstance(options, tuple) or not all(isinstance(o, str) for o in options):
            raise TypeError(f"options is {options!r}, expected a tuple of str")
        self.code, self.options, self.backend = code, options, backend
        self.enable_cooperative_groups = enable_cooperative_groups

    def compile(self, log_stream=None):
        try:
            return library.load(self.code, self.options)
        except builder.BuildError as error:
            raise CompileException(str(error), self.code, "kernel.cu", self.options, self.backend) from error

    def get_function(self, name):
        kernels = self.compile().kernels
        if name not in kernels:
            raise CUDADriverError(f"CUDA_ERROR_NOT_FOUND: named symbol not found: {name}")
        return RawKernel(kernels[name], self.enable_cooperative_groups)


class RawKernel:
    """A kernel of a RawModule, to be called with grid, block and arguments."""

    num_regs, local_size_bytes, shared_size_bytes, const_size_bytes = 32, 0, 0, 0

    def __init__(self, kernel, cooperative):
        self._kernel, self.enable_cooperative_groups = kernel, cooperative
        self.name, self.max_threads_per_block = kernel.name, kernel.threads
        self._most_shared = _WITHOUT_ASKING

    @property
    def max_dynamic_shared_size_bytes(self):
        return self._most_shared

    @max_dynamic_shared_size_bytes.setter
    def max_dynamic_shared_size_bytes(self, size):
        most = _device.attributes()["MaxSharedMemoryPerBlockOptin"]
        if not 0 <= size <= most:
            raise CUDADriverError(f"CUDA_ERROR_INVALID_VALUE: {size} bytes of shared memory, expected at most {most}")
        self._most_shared = size

    def __call__(self, grid, block, args, *, shared_mem=0):
        grid, block, shared_mem = _three(grid), _three(block), operator.index(shared_mem)
        self._check_shape(grid, block, shared_mem)
        if self.enable_cooperative_groups and np.prod(grid) > _device.attributes()["MultiProcessorCount"]:
            raise AssertionError(f"{self.name}: cooperative grid {grid}, which CuPy would make smaller or refuse")
        slots = self._slots(args)
        drawn = run.seed * 1_000_003 + run.launch & 0xFFFFFFFF
        run.launch += 1
        self._kernel.run(
            grid, block, slots, shared_bytes=shared_mem, cooperative=self.enable_cooperative_groups,
            order=run.order, seed=drawn, patience=run.patience,
        )  # fmt: skip
        touched = check_pads(self._kernel.find_written_pad)
        if touched is not None:
            raise library.KernelFault(f"{self.name} wrote {describe_address(touched)}")
        counts.launches += 1
        counts.by_kernel[self.name] += 1
        for record in records:
            record.append(LaunchRecord(self.name, grid, block, shared_mem, self.enable_cooperative_groups))

    def _check_shape(self, grid, block, shared_mem):
        limits = _device.attributes()
        for axis, n, m in zip("XYZ", grid, block, strict=True):
            if not 1 <= n <= limits[f"MaxGridDim{axis}"]:
                raise CUDADriverError(f"CUDA_ERROR_INVALID_VALUE: {self.name}: grid {grid}")
            if not 1 <= m <= limits[f"MaxBlockDim{axis}"]:
                raise CUDADriverError(f"CUDA_ERROR_INVALID_VALUE: {self.name}: block {block}")
        if np.prod(block) > self.max_threads_per_block:
            raise CUDADriverError(
                f"CUDA_ERROR_INVALID_VALUE: {self.name}: block {block}, expected at most {self.max_threads_per_block}"
            )
        if not 0 <= shared_mem <= self._most_shared:
            raise CUDADriverError(
                f"CUDA_ERROR_INVALID_VALUE: {self.name}: {shared_mem} bytes of shared memory, "
                f"expected at most {self._most_shared}"
            )

    def _slots(self, args):
        if not isinstance(args, tuple | list):
            raise TypeError(f"{self.name}: args is {type(args)}, expected a tuple")
        expected = self._kernel.parameters
        if len(args) != len(expected):
            raise TypeError(f"{self.name} takes {len(expected)} arguments, {len(args)} came")
        return [self._slot(i, a, p) for i, (a, p) in enumerate(zip(args, expected, strict=True))]

    def _slot(self, i, a, parameter):
        # The bits that go to the kernel. CuPy passes whatever comes: an int as 8 bytes, an array of another dtype as
        # it is, an array of the host with one element by value.
        dtype = np.dtype(parameter.dtype)
        wanted = f"argument {i} of {self.name}: expected {'an array' if parameter.pointer else 'a scalar'} of {dtype}"
        if not parameter.pointer:
            if not isinstance(a, np.generic) or a.dtype != dtype:
                raise TypeError(f"{wanted}, {type(a)} came")
            return int.from_bytes(a.tobytes(), "little")
        if a is None:
            return 0
        if isinstance(a, np.uintp):
            return int(a)
        if not isinstance(a, ndarray) or a.dtype != dtype:
            raise TypeError(f"{wanted}, {type(a)} {getattr(a, 'dtype', '')} came")
        if not a.flags.forc:
            raise ValueError(f"{wanted}, one that is not contiguous came: strides {a.strides}, shape {a.shape}")
        return a.data.ptr


def _three(extent):
    found = tuple(map(operator.index, extent)) if isinstance(extent, tuple | list) else (operator.index(extent),)
    if not 1 <= len(found) <= 3:
        raise ValueError(f"{extent} has {len(found)} dimensions, expected 1 to 3")
    return (*found, 1, 1)[:3]
