"""Builds the text of a .cu file, unchanged, into a library for the CPU: the sources of the shim around it, and g++.

A library is built once: its name is a hash of everything it is made of. Several processes may build at once.
"""

import functools
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
HEADERS = ("shim.h", "fibers.h", "block.h", "launch.h", "warp.h", "device.h")
_FLAGS = (
    "-std=gnu++17", "-O2", "-g1", "-fPIC", "-shared", "-pthread", "-fvisibility=hidden", "-fno-exceptions",
    "-fno-rtti", "-fno-math-errno", "-ffp-contract=fast", "-fno-extern-tls-init", "-Wall", "-Wextra", "-Werror",
    # Usual in CUDA C++, and no sign of an error there.
    "-Wno-unknown-pragmas", "-Wno-unused", "-Wno-unused-parameter", "-Wno-sign-compare", "-Wno-attributes",
    "-Wno-maybe-uninitialized", "-Wno-ignored-qualifiers", "-Wno-empty-body",
)  # fmt: skip
_SANITIZE = ("-fsanitize=address,undefined", "-fno-omit-frame-pointer")
_KERNEL = re.compile(
    r'extern\s+"C"\s+__global__\s+void\s+(?:__launch_bounds__\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)\s*)?(\w+)\s*\('
)
_SHARED = re.compile(r"extern\s+__shared__\s+(?:__align__\s*\(\s*\d+\s*\)\s*)?([\w ]+?)\s+(\w+)\s*\[\s*\]")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


class BuildError(Exception):
    """The text does not compile, or is not what this builder understands; the message says where."""


@functools.cache
def compiler() -> str | None:
    """Return the path of g++, or None."""
    return shutil.which(os.environ.get("FASTS2S_TEST_CXX", "g++"))


@functools.cache
def _machine() -> str:
    # What -march=native means here: a cache may be shared by machines that differ.
    cpu = Path("/proc/cpuinfo")
    text = cpu.read_text() if cpu.exists() else ""
    return "\n".join([platform.machine(), *sorted(set(re.findall(r"^(?:flags|Features).*", text, re.MULTILINE)))])


@functools.cache
def _version() -> str:
    path = compiler()
    if path is None:
        raise BuildError(
            "there is no g++ here, which the stand-in for a GPU needs: install it, or name it in FASTS2S_TEST_CXX"
        )
    return subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout


@functools.cache
def _headers() -> str:
    return "\n".join((HERE / name).read_text() for name in HEADERS)


def sanitizing() -> bool:
    """Return whether libraries are built with the address sanitizer: FASTS2S_TEST_SHIM_SANITIZE=1."""
    return os.environ.get("FASTS2S_TEST_SHIM_SANITIZE") == "1"


def cache_folder() -> Path:
    """Return the folder of the libraries: FASTS2S_TEST_SHIM_CACHE, or one of this user's in the folder for caches."""
    named = os.environ.get("FASTS2S_TEST_SHIM_CACHE")
    if named:
        return Path(named)
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "fasts2s-cuda-shim"


def kernels_of(text: str) -> dict[str, str]:
    """Return name -> largest number of threads of a block (an expression of C++) for the kernels of a text."""
    found = {name: (bounds or "1024").split(",")[0] for bounds, name in _KERNEL.findall(_COMMENT.sub(" ", text))}
    if not found:
        raise BuildError('the text has no kernel: none begins with extern "C" __global__ void')
    return found


def source_of(text: str) -> str:
    """Return the whole source: the shim, the text with its own line numbers, one entry per kernel."""
    plain = _COMMENT.sub(" ", text)
    if re.search(r"^\s*#\s*include", plain, re.MULTILINE):
        raise BuildError("the text has an #include: NVRTC finds no headers")
    shared = set(_SHARED.findall(plain))
    if len({array for _, array in shared}) > 1:
        raise BuildError(f"the text has several dynamic shared arrays: {sorted(shared)}, expected one name")
    end = ['#line 1 "entries"', '#define FS_EXPORT extern "C" __attribute__((visibility("default")))']
    end.append(
        "FS_EXPORT size_t fs_find_written_pad(const size_t* pads, size_t n, size_t size, int filled) "
        "{ return fs_shim::find_written_pad(pads, n, size, filled); }"
    )
    array = "nullptr"
    if shared:
        kind, array = shared.pop()
        end.append(
            f"alignas(128) thread_local {kind} "
            f"{array}[(fs_shim::SHARED_MOST + fs_shim::SHARED_PAD) / sizeof({kind})];\n"
            f"static unsigned char* fs_shared() {{ return reinterpret_cast<unsigned char*>({array}); }}"
        )
        array = "fs_shared"
    for kernel, bounds in kernels_of(text).items():
        end.append(
            f"FS_EXPORT int fs_run_{kernel}(fs_shim::Launch* l, const unsigned long long* slots) "
            f"{{ return fs_shim::run({kernel}, l, slots, {array}); }}\n"
            f"FS_EXPORT void fs_describe_{kernel}(char* text, size_t size) "
            f"{{ fs_shim::describe({kernel}, text, size); }}\n"
            f"FS_EXPORT int fs_threads_{kernel}() {{ return {bounds}; }}"
        )
    name = next(iter(kernels_of(text)))
    return "\n".join(['#include "shim.h"', f'#line 1 "{name}.cu"', text, *end]) + "\n"


def _mutated(text: str) -> str:
    # mutants.py names a file that says what to put in the place of what, and wants to know that it was there.
    named = os.environ.get("FASTS2S_TEST_SHIM_MUTANT")
    if not named:
        return text
    plan = json.loads(Path(named).read_text())
    if plan["old"] in text:
        Path(named).with_suffix(".built").touch()
    return text.replace(plan["old"], plan["new"])


def build(text: str, options: tuple[str, ...] = ()) -> Path:
    """Return the library of a text; it is compiled if it is not in the cache.

    Parameters
    ----------
    text : str
        CUDA C++ without any #include. Messages call it by the name of its first kernel.
    options : tuple of str
        As for NVRTC. Definitions, ``-DNAME`` or ``-DNAME=VALUE``, count; the others mean nothing here.

    Raises
    ------
    BuildError
        It does not compile, or there is no g++.
    """
    flags = [
        *_FLAGS,
        *(_SANITIZE if sanitizing() else ("-march=native",)),
        *(o for o in options if o.startswith("-D")),
    ]
    source = source_of(_mutated(text))
    key = hashlib.sha256("\0".join([source, _headers(), _version(), _machine(), *flags]).encode()).hexdigest()[:32]
    library = cache_folder() / f"{key}.so"
    if not library.exists():
        _compile(source, flags, library)
    return library


def _compile(source: str, flags: list[str], library: Path) -> None:
    library.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=library.parent, prefix="building-") as folder:
        made = Path(folder) / "kernel.so"
        command = [str(compiler()), *flags, f"-I{HERE}", "-x", "c++", "-", "-o", str(made)]
        done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
        if done.returncode:
            if os.environ.get("FASTS2S_TEST_SHIM_MUTANT"):
                Path(os.environ["FASTS2S_TEST_SHIM_MUTANT"]).with_suffix(".refused").write_text(done.stderr)
            raise BuildError(done.stderr)
        made.replace(library)  # whole or not at all, whoever else builds it
