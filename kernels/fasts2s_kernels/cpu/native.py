"""The one function that Python calls to run kernels: it packs a record, releases the GIL, and starts them.

It is generated for this process in LLVM's language, because the numbers of functions of Python and of its objects'
layout are known here alone. A launch takes half a microsecond; through ctypes each array would take one.
"""

import ctypes
from typing import Any

import numpy as np
from llvmlite import ir

from fasts2s_kernels.cpu import code
from fasts2s_kernels.cpu.kinds import DOUBLE, INT, SINGLE, Kind

#: What a field is packed as, see :func:`plan`.
_INTEGER, _DOUBLE, _SINGLE, _ARRAY = range(4)
_CODES: dict[Any, int] = {INT: _INTEGER, DOUBLE: _DOUBLE, SINGLE: _SINGLE}
#: What a plan holds before the codes of its fields: addresses of the serial and the parallel runner and of three
#: kernels, and the number of fields.
_PLAN_HEAD = 6

_i64, _i32, _i8 = ir.IntType(64), ir.IntType(32), ir.IntType(8)
_any = _i8.as_pointer()
_METH_FASTCALL = 0x80
_NAME = "fasts2s_run"


class _MethodDef(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


class _ArrayHead(ctypes.Structure):
    """What follows the head of an object in an array of NumPy."""

    _fields_ = (("data", ctypes.c_void_p), ("axes", ctypes.c_int), ("shape", ctypes.POINTER(ctypes.c_int64)))


#: Bytes of the head of an object, which ends with the address of its type; and of a tuple.
_HEAD, _TUPLE_HEAD = object.__basicsize__, tuple.__basicsize__


def _require_layout() -> None:
    """Raise ImportError where objects do not lie in memory as the generated code takes for granted."""
    array = np.zeros((2, 3), np.float32)
    head = _ArrayHead.from_address(id(array) + _HEAD)
    kind = ctypes.c_void_p.from_address(id(array) + _HEAD - 8).value
    pair = (array, array)
    items = ctypes.c_void_p.from_address(id(pair) + _TUPLE_HEAD + 8)
    right = head.data == array.ctypes.data and head.axes == 2 and list(head.shape[:2]) == [2, 3]
    if not right or kind != id(np.ndarray) or items.value != id(array):
        raise ImportError("arrays of this NumPy, or tuples of this Python, do not lie in memory as fasts2s expects")


class _Writer:
    """Writes the function; see the module."""

    def __init__(self) -> None:
        self.module = ir.Module()
        kind = ir.FunctionType(_any, [_any, _any.as_pointer(), _i64])
        self.function = ir.Function(self.module, kind, _NAME)
        self.b = ir.IRBuilder(self.function.append_basic_block())
        self.found = self.b.alloca(_i64)

    def constant(self, address: int, kind: Any) -> Any:
        return self.b.inttoptr(ir.Constant(_i64, address), kind)

    def python(self, name: str, result: Any, *args: Any) -> Any:
        """Call a function of Python's by its address."""
        address = ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value
        assert address is not None  # for the type checker
        kind = ir.FunctionType(result, [a.type for a in args])
        return self.b.call(self.constant(address, kind.as_pointer()), args)

    def slot(self, place: Any, k: Any) -> Any:
        """Return the k-th eight bytes at a place."""
        return self.b.load(self.b.gep(place, [k if not isinstance(k, int) else ir.Constant(_i64, k)]))

    def at(self, obj: Any, offset: int, kind: Any) -> Any:
        """Return what lies in an object so many bytes behind its beginning."""
        place = self.b.gep(obj, [ir.Constant(_i64, offset)])
        return self.b.load(self.b.bitcast(place, kind.as_pointer()))

    def whole(self, obj: Any) -> Any:
        return self.python("PyLong_AsLongLong", _i64, obj)

    def real(self, obj: Any) -> Any:
        return self.python("PyFloat_AsDouble", ir.DoubleType(), obj)

    def single(self, obj: Any) -> Any:
        bits = self.b.bitcast(self.b.fptrunc(self.real(obj), ir.FloatType()), _i32)
        return self.b.zext(bits, _i64)

    def array(self, obj: Any) -> Any:
        """Return the address of an array's first element; 0 where it has none, and an error where it is none."""
        b = self.b
        kind = self.at(obj, _HEAD - 8, _any)
        ndarray = self.constant(id(np.ndarray), _any)
        exact = b.icmp_unsigned("==", kind, ndarray)
        with b.if_then(b.not_(exact), likely=False):
            below = self.python("PyType_IsSubtype", _i32, kind, ndarray)
            with b.if_then(b.icmp_signed("==", below, ir.Constant(_i32, 0))):
                self.python("PyErr_SetNone", ir.VoidType(), self.constant(id(TypeError), _any))
                b.ret(ir.Constant(_any, None))
        data = self.at(obj, _HEAD, _i64)
        axes = b.sext(self.at(obj, _HEAD + 8, _i32), _i64)
        shape = self.at(obj, _HEAD + 16, _i64.as_pointer())
        b.store(data, self.found)
        with self.loop(axes) as k, b.if_then(b.icmp_signed("==", self.slot(shape, k), ir.Constant(_i64, 0))):
            b.store(ir.Constant(_i64, 0), self.found)
        return b.load(self.found)

    def loop(self, count: Any) -> Any:
        return _Loop(self.b, count)

    def write(self) -> str:
        """Return the text of the module.

        Arguments of the function: the address of a plan, that of a board or 0, workers, the tasks of the first phase,
        of the second in all and in a turn, of the third, and the record.
        """
        b, given = self.b, self.function.args[1]
        plan, board, workers, *tasks = (self.whole(self.slot(given, k)) for k in range(7))
        fields = self.slot(given, 7)
        plan = b.inttoptr(plan, _i64.as_pointer())
        count = self.slot(plan, _PLAN_HEAD - 1)
        record = b.alloca(_i64, size=count)
        items = b.bitcast(b.gep(fields, [ir.Constant(_i64, _TUPLE_HEAD)]), _any.as_pointer())
        with self.loop(count) as k:
            self._pack(self.slot(items, k), self.slot(plan, b.add(k, ir.Constant(_i64, _PLAN_HEAD))), record, k)
        wrong = self.python("PyErr_Occurred", _any)
        with b.if_then(b.icmp_unsigned("!=", wrong, ir.Constant(_any, None)), likely=False):
            b.ret(ir.Constant(_any, None))
        self._run(plan, board, workers, tasks, b.ptrtoint(record, _i64))
        none = self.constant(id(None), _any)
        self.python("Py_IncRef", ir.VoidType(), none)
        b.ret(none)
        return str(self.module)

    def _pack(self, item: Any, kind: Any, record: Any, k: Any) -> None:
        b = self.b
        after = b.append_basic_block("packed")
        ways = {_INTEGER: self.whole, _SINGLE: self.single, _ARRAY: self.array}
        blocks = {name: b.append_basic_block("pack") for name in (*ways, _DOUBLE)}
        choice = b.switch(kind, blocks[_DOUBLE])
        for name, block in blocks.items():
            if name != _DOUBLE:
                choice.add_case(ir.Constant(_i64, name), block)
            b.position_at_end(block)
            value = ways[name](item) if name in ways else b.bitcast(self.real(item), _i64)
            b.store(value, b.gep(record, [k]))
            b.branch(after)
        b.position_at_end(after)

    def _run(self, plan: Any, board: Any, workers: Any, tasks: list[Any], record: Any) -> None:
        b = self.b
        serial, region, first, second, third = (self.slot(plan, k) for k in range(5))
        n_first, n_second, turn, n_third = tasks
        phases = [first, n_first, second, n_second, turn, third, n_third, record]
        state = self.python("PyEval_SaveThread", _any)
        with b.if_else(b.icmp_signed("==", board, ir.Constant(_i64, 0))) as (alone, together):
            with alone:
                self._call(serial, phases)
            with together:
                self._call(region, [board, workers, *phases])
        self.python("PyEval_RestoreThread", ir.VoidType(), state)

    def _call(self, address: Any, values: list[Any]) -> None:
        kind = ir.FunctionType(ir.VoidType(), [_i64] * len(values))
        self.b.call(self.b.inttoptr(address, kind.as_pointer()), values)


class _Loop:
    """``for k in range(count)`` in the code that is written."""

    def __init__(self, builder: Any, count: Any) -> None:
        self.b, self.count = builder, count

    def __enter__(self) -> Any:
        b = self.b
        before = b.block
        self.head, self.after = b.append_basic_block("head"), b.append_basic_block("after")
        body = b.append_basic_block("body")
        b.branch(self.head)
        b.position_at_end(self.head)
        self.k = b.phi(_i64)
        self.k.add_incoming(ir.Constant(_i64, 0), before)
        b.cbranch(b.icmp_signed("<", self.k, self.count), body, self.after)
        b.position_at_end(body)
        return self.k

    def __exit__(self, *error: object) -> None:
        b = self.b
        self.k.add_incoming(b.add(self.k, ir.Constant(_i64, 1)), b.block)
        b.branch(self.head)
        b.position_at_end(self.after)


def _made() -> Any:
    _require_layout()
    address = code.compiled(_Writer().write(), _NAME)
    method = _MethodDef(b"run", address, _METH_FASTCALL, b"Run kernels on a record, see launch.py.")
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype, make.argtypes = ctypes.py_object, [ctypes.POINTER(_MethodDef), ctypes.py_object, ctypes.py_object]
    return make(ctypes.byref(method), None, None), method  # it must live as long as the function


def plan(runners: tuple[int, int], phases: list[int], kinds: list[Kind]) -> Any:
    """Return what :data:`run` reads of a launch; it must live as long as its address is used.

    Parameters
    ----------
    runners
        Addresses of ``threads.run_serial`` and ``threads.run_parallel``.
    phases : list of int
        Addresses of three kernels, 0 where there is none.
    kinds : list of Kind
        Of the fields of the record.
    """
    codes = [_CODES.get(kind, _ARRAY) for kind in kinds]
    return (ctypes.c_int64 * (_PLAN_HEAD + len(codes)))(*runners, *phases, len(codes), *codes)


#: ``run(plan, board, workers, first, second, turn, third, record)``, see :meth:`_Writer.write`.
run, _method = _made()
