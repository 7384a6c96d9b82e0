"""Machine code in memory: loaded by LLVM alone, without Numba, which has made it."""

import ctypes
from typing import Any, NamedTuple

import llvmlite.binding as llvm

#: How names begin that only code which raises an error needs; and what is called in their place.
_OF_ERRORS = "numba_", "Py"
_NEVER = "define void @fasts2s_never() { call void @llvm.trap() unreachable }\ndeclare void @llvm.trap()"

# Again and again is harmless: Numba does the same.
llvm.initialize_native_target()
llvm.initialize_native_asmprinter()


def _engine(module: Any) -> Any:
    machine = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=llvm.get_host_cpu_name(), opt=1, jit=True
    )
    return llvm.create_mcjit_compiler(module, machine)


class Object(NamedTuple):
    """An object file.

    Attributes
    ----------
    symbol : str
        Name of the function in it that is called.
    needs : tuple of str
        Names that it finds elsewhere.
    code : bytes
    """

    symbol: str
    needs: tuple[str, ...]
    code: bytes

    def to_bytes(self) -> bytes:
        """Return what :meth:`from_bytes` reads."""
        return " ".join((self.symbol, *self.needs)).encode() + b"\0" + self.code

    @classmethod
    def from_bytes(cls, content: bytes) -> "Object":
        """Return the object that became these bytes."""
        names, _, code = content.partition(b"\0")
        symbol, *needs = names.decode().split(" ")
        return cls(symbol, tuple(needs), code)


def load(found: Object) -> int:
    """Return the address of the function of an object file.

    Raises
    ------
    RuntimeError
        It is no object file of this system, or something that it needs is not there.
    """
    for name in found.needs:
        _require(name)
    engine = _engine(llvm.parse_assembly(""))
    engine.add_object_file(llvm.ObjectFileRef.from_data(found.code))
    return _address(engine, found.symbol)


def _require(name: str) -> None:
    """Raise RuntimeError where a name is unknown: LLVM would leave the addresses of all others out as well.

    How an error is raised in Python is not known as long as Numba is not there. No kernel ever raises one.
    """
    if llvm.address_of_symbol(name):
        return
    if not name.startswith(_OF_ERRORS):
        raise RuntimeError(f"{name} is not there")
    define(name, compiled(_NEVER, "fasts2s_never"))


def compiled(text: str, symbol: str) -> int:
    """Return the address of a function of a module in LLVM's language."""
    return _address(_engine(llvm.parse_assembly(text)), symbol)


def _address(engine: Any, symbol: str) -> int:
    engine.finalize_object()
    found = int(engine.get_function_address(symbol))
    engine.detach()  # it is never unloaded: threads may be in its code while the process ends
    if not found:
        raise RuntimeError(f"there is no function {symbol} in the code that was loaded")
    return found


def define(name: str, address: int) -> None:
    """Let code that is loaded from now on find a function by its name."""
    llvm.add_symbol(name, address)


def function_of(address: int, arguments: int) -> Any:
    """Return the function at an address, which takes whole numbers; the GIL is released while it runs."""
    return ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * arguments)(address)
