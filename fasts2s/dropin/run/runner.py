"""Running a script, a module or a piece of code as plain ``python`` does."""

import builtins
import contextlib
import importlib.util
import os
import signal
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import Any

from fasts2s.dropin import frames
from fasts2s.dropin.recognise import sources
from fasts2s.dropin.run import heard
from fasts2s.dropin.run.options import COMMANDS, Options


class CannotRunError(Exception):
    """There is no such script or module; the text is the line that plain python prints."""


def run(options: Options) -> int:
    """Run it in a new ``__main__``; return the exit status.

    An exception of the script is printed as plain python prints it, without our own frames. ``SystemExit`` is raised.
    """
    main = ModuleType("__main__")
    main.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = main
    try:
        sys.argv = [options.what if options.kind == "script" else options.kind, *options.args]
        code = _PREPARE[options.kind](options.what, main)
    except CannotRunError as error:
        print(f"{sys.executable}: {error}", file=sys.stderr)
        return 2 if options.kind == "script" else 1
    except SyntaxError as error:
        return _failed(error, None)
    try:
        exec(heard.prepared(code), main.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        frames.hide_ours(error)  # the first is that of run
        return _failed(error, error.__traceback__)
    return 0


def _failed(error: BaseException, trace: TracebackType | None) -> int:
    """Hand an exception to ``sys.excepthook``; return the exit status."""
    error.__traceback__ = trace
    if isinstance(error, SyntaxError) and trace is None:
        error.__context__ = error.__cause__ = None
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, trace
    sys.excepthook(type(error), error, trace)
    if isinstance(error, KeyboardInterrupt):
        global interrupted  # noqa: PLW0603
        interrupted = True
        return 130
    return 1


#: Whether the script was ended by Ctrl-C: the process then ends by the signal, see :func:`end_by_signal`.
interrupted = False


def end_by_signal() -> None:
    """End the process as plain python ends after Ctrl-C, so that a shell's loop around it ends too."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)


def _put_first(folder: str) -> None:
    """Let modules be looked for in a folder first, where ``python -m`` has put the current one."""
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = folder


def _prepare_script(what: str, main: ModuleType) -> CodeType:
    if what == "-":
        _put_first("")
        return _compiled(sys.stdin.read(), "<stdin>")
    path = Path(what)
    if path.is_dir():
        said = f"can't run directory {str(path.absolute())!r}: give the script in it, or use -m"
        raise CannotRunError(said + _meant_as_command(what))
    try:
        text = path.read_bytes()
    except OSError as error:
        said = f"can't open file {str(path.absolute())!r}: [Errno {error.errno}] {error.strerror}"
        raise CannotRunError(said + _meant_as_command(what)) from None
    _put_first(str(path.resolve().parent))
    # As it was given, behind the current folder: that is how plain python names it, in tracebacks too.
    file = str(Path.cwd() / "_")[:-1] + what if not path.is_absolute() else what
    loader = SourceFileLoader("__main__", file)
    main.__dict__.update(__file__=file, __spec__=None, __package__=None, __cached__=None, __loader__=loader)
    return compile(text, file, "exec", dont_inherit=True)


def _meant_as_command(what: str) -> str:
    """Return a line for who typed a command of the console script where a script is expected."""
    if what not in COMMANDS:
        return ""
    import shlex  # noqa: PLC0415 - for who has mistaken one program for the other

    rest = shlex.join(sys.argv)
    return f"\npython -m fasts2s runs scripts. The command is: fasts2s {rest}, or python -m fasts2s.cli {rest}"


def _prepare_module(what: str, main: ModuleType) -> CodeType:
    _put_first(str(Path.cwd()))
    spec = _spec(what)
    if spec is not None and spec.submodule_search_locations is not None:
        what = f"{what}.__main__"
        spec = _spec(what)
    loader: Any = None if spec is None else spec.loader
    if spec is None or not hasattr(loader, "get_code"):
        raise CannotRunError(f"No module named {what}")
    code = loader.get_code(spec.name)
    if code is None:
        raise CannotRunError(f"No code object available for {what}")
    sys.argv[0] = spec.origin or what
    main.__dict__.update(
        __file__=spec.origin, __spec__=spec, __package__=spec.parent, __cached__=spec.cached, __loader__=loader
    )
    found: CodeType = code
    return found


def _spec(name: str) -> Any:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError) as error:
        raise CannotRunError(
            f"Error while finding module specification for {name!r} ({type(error).__name__}: {error})"
        ) from None


def _prepare_code(what: str, main: ModuleType) -> CodeType:
    _put_first("")
    main.__dict__.update(__spec__=None, __package__=None, __loader__=None)
    return _compiled(what, "<string>")


def _compiled(text: str, name: str) -> CodeType:
    """Compile a text that is in no file; who looks for the text of its classes finds it."""
    sources.given[name] = text
    return compile(text, name, "exec", dont_inherit=True)


_PREPARE = {"script": _prepare_script, "-m": _prepare_module, "-c": _prepare_code}
