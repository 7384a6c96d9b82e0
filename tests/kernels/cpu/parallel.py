"""What fresh processes do with threads and forks: each function returns what its test asserts."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import fasts2s
from fasts2s_kernels.calling import Call, everything
from fasts2s_kernels.cases import Function, functions, whole
from fasts2s_kernels.cores import available_cores, group_quota
from fasts2s_kernels.cpu import jit, native
from fasts2s_kernels.cpu import threads as _threads
from fasts2s_kernels.drawing import values
from tests.kernels.cpu.cached import work
from tests.kernels.cpu.training import Learner, in_threads, kernels, parallel_always

MODELS = ("Rnnlm", "AttentionSeq2seq")
#: Odd sizes, some beyond a panel of columns or a block of rows.
SIZES = (
    {"N": 7, "T": 5, "S": 11, "D": 17, "H": 33, "M": 11, "V": 67, "R": 7, "K": 3},
    {"N": 53, "T": 3, "S": 17, "D": 70, "H": 65, "M": 257, "V": 131, "R": 131, "K": 5},
    {"N": 2, "T": 9, "S": 5, "D": 300, "H": 130, "M": 3, "V": 1000, "R": 300, "K": 20},
)


def _everything(function: Function, sizes: dict[str, int]) -> dict[str, bytes]:
    """The bytes of all results of a function, for always the same inputs."""
    rng = np.random.default_rng([len(function.name), *sizes.values()])
    given = values(function, rng, sizes, dtype=np.float32, given=function.inputs)
    return {name: np.asarray(a).tobytes() for name, a in everything(kernels(), function, given).items()}


def different_teams() -> dict[str, Any]:
    """Compare one worker with several: as many as there are threads, and more."""
    plain = _threads.workers_for
    parallel_always()
    differ: list[str] = []
    teams: set[int] = set()
    run = native.run

    def noted(plan: int, board: int, workers: int, *more: Any) -> None:
        teams.update({workers} if board else ())
        run(plan, board, workers, *more)

    native.run = noted
    cases = [(function, sizes) for function in whole() for sizes in SIZES]
    for function, sizes in cases:
        results = []
        for workers in (1, 2, 3, 8):
            _threads.POOL.wanted = workers
            _threads.workers_for = plain if workers <= 3 else lambda work: 8
            results.append(_everything(function, sizes))
        differ += [f"{function.name} {sizes} {k}" for k in results[0] if len({r[k] for r in results}) > 1]
    return {"differ": differ, "cases": len(cases), "teams": sorted(teams)}


def many_regions(count: int, workers: int) -> int:
    """Run small regions of three phases, in which workers wait for one another; return how many results differ."""
    parallel_always()
    _threads.workers_for = lambda work: workers
    function = functions()["lstm_backward"]
    sizes = {"N": 13, "T": 3, "D": 5, "H": 17}
    back = Call(kernels(), function, values(function, np.random.default_rng(0), sizes, dtype=np.float32))
    return len({back()["grad_Wx"].tobytes() for _ in range(count)})


def two_threads(steps: int) -> bool:
    """Whether two models that are trained at the same time are as those that are trained in turn."""
    parallel_always()
    serial = [Learner(name).steps(steps) for name in MODELS]
    learners = [Learner(name) for name in MODELS]
    same_time = in_threads([lambda k=k: learners[k].steps(steps) for k in range(len(MODELS))])
    return serial == same_time


def two_threads_from_the_first_call(steps: int) -> bool:
    """Train in two threads, which start the layer and load kernels at the same time."""
    parallel_always()
    learners = [Learner(name) for name in MODELS]
    barrier = threading.Barrier(2)

    def train(learner: Learner) -> str:
        barrier.wait()
        return learner.steps(steps)

    same_time = in_threads([lambda k=k: train(learners[k]) for k in range(2)])
    return same_time == [Learner(name).steps(steps) for name in MODELS]


def _in_child(work: Callable[[], str], seconds: int = 30) -> dict[str, Any]:
    """Fork; return what the child made of its work, and how it ended."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.alarm(seconds)  # a child that hangs dies of it
        os.write(write, work().encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    return {"status": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), "result": text}


def fork_after_training(pairs: int = 1) -> list[dict[str, Any]]:
    """Train, fork, and go on in both processes; then once more, with the fork in a thread."""
    parallel_always()
    learner = Learner("AttentionSeq2seq")
    learner.steps(3)
    found = []
    for in_thread in (False, True) * pairs:
        work = lambda: _in_child(lambda: learner.steps(5))
        child = in_threads([work])[0] if in_thread else work()
        found.append({**child, "equal": child["result"] == learner.steps(5)})
    return found


def fork_beside_training(count: int) -> list[dict[str, Any]]:
    """Fork while another thread trains, which is in a parallel region most of the time."""
    parallel_always()
    expected, beside, stop = _train("Rnnlm"), Learner("AttentionSeq2seq"), threading.Event()

    def train() -> None:
        while not stop.is_set():
            beside.step()

    thread = threading.Thread(target=train)
    thread.start()
    try:
        children = [_in_child(lambda: _train("Rnnlm")) for _ in range(count)]
    finally:
        stop.set()
        thread.join()
    return [{**child, "equal": child["result"] == expected} for child in children]


def fork_beside_compiling() -> dict[str, Any]:
    """Fork while another thread compiles; the child needs the compiler too."""
    kernels()
    wanted = [
        c for c in jit.REGISTRY if c.function.__module__.endswith(("embedding.cpu_loops", "softmax_loss.cpu_loops"))
    ]
    assert wanted
    thread = threading.Thread(target=lambda: [c.ensure() for c in wanted])
    thread.start()
    time.sleep(0.1)
    child = _in_child(lambda: str(work()))
    thread.join()
    return child


def _train(name: str) -> str:
    return Learner(name).steps(5)


def pool_after_training() -> bool:
    """Train, and train again in the processes of a pool that forks."""
    parallel_always()
    expected = [_train(name) for name in MODELS] * 2
    with multiprocessing.get_context("fork").Pool(2) as pool:
        found = pool.map_async(_train, [*MODELS, *MODELS]).get(timeout=30)
    return found == expected


def threads_of_the_environment() -> dict[str, Any]:
    """Train with the number of threads that the environment chose; return how many work, and who helps."""
    kernels()
    _threads.SERIAL_BELOW = 0
    digest = Learner("Rnnlm").steps(2)
    team = _threads.POOL.team
    return {"digest": digest, "workers": team.workers if team else 1}


def more_threads_later() -> list[int]:
    """Return how many workers there are after each of some numbers of threads was wanted."""
    parallel_always()
    found = []
    for wanted in (1, 2, 3):
        _threads.POOL.wanted = wanted
        _train("Rnnlm")
        found.append(_threads.POOL.team.workers if _threads.POOL.team else 1)
    return found


def asleep_and_awake() -> dict[str, Any]:
    """Let the helpers fall asleep between calls; return how often they were rung for, and results that differ."""
    parallel_always()
    expected, found = _train("Rnnlm"), []
    for _ in range(3):
        time.sleep(0.3)
        found.append(_train("Rnnlm"))
    team = _threads.POOL.team
    assert team is not None
    return {"rung": team._rung, "equal": found == [expected] * 3}


def on_one_core() -> dict[str, Any]:
    """Run where the process may use one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    _threads.SERIAL_BELOW = 0
    Learner("Rnnlm").steps(1)
    return {"cores": available_cores(), "workers": _threads.workers_for(float("inf"))}


def settings_are_refused(values: list[str]) -> list[str]:
    """Return what is said to each number of threads."""
    said = []
    for value in values:
        os.environ["FASTS2S_NUM_THREADS"] = value
        try:
            fasts2s.get_backend("numba").kernels()
            said.append("accepted")
        except ValueError as error:
            said.append(str(error))
    return said


def write_quota(root: str, files: dict[str, str]) -> int | None:
    """Write files of a control group; return the cores it grants."""
    for name, text in files.items():
        place = Path(root, name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode("latin-1"))
    return group_quota(Path(root))
