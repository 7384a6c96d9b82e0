"""What fresh processes do with threads and forks: each function returns what its test asserts."""

import multiprocessing
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import fasts2s
from fasts2s_kernels.calling import Call, everything
from fasts2s_kernels.cases import Function, functions, whole
from fasts2s_kernels.cores import available_cores, group_quota
from fasts2s_kernels.cpu import jit, numba_api
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
    cases = [(function, sizes) for function in whole() for sizes in SIZES]
    for function, sizes in cases:
        results = []
        for workers in (1, 2, 3, 8):
            _threads.POOL.wanted = workers
            _threads.workers_for = plain if workers <= 3 else lambda work: 8
            results.append(_everything(function, sizes))
        differ += [f"{function.name} {sizes} {k}" for k in results[0] if len({r[k] for r in results}) > 1]
    return {"differ": differ, "cases": len(cases), "teams": sorted(_threads.POOL.teams), "layer": _threads.POOL.layer}


def many_regions(count: int, workers: int) -> int:
    """Run small regions of three phases, in which workers wait for one another; return how many results differ."""
    parallel_always()
    _threads.workers_for(1)  # starts the threads
    _threads.workers_for = lambda work: workers
    function = functions()["lstm_backward"]
    sizes = {"N": 13, "T": 3, "D": 5, "H": 17}
    back = Call(kernels(), function, values(function, np.random.default_rng(0), sizes, dtype=np.float32))
    return len({back()["grad_Wx"].tobytes() for _ in range(count)})


def _choose(layer: str) -> None:
    """Let there be no tbb, or have GNU OpenMP chosen; then make every kernel parallel."""
    if layer == "workqueue":
        _threads._load_tbb = lambda: False
    elif layer == "omp":
        numba_api.config.THREADING_LAYER = "omp"
        warnings.filterwarnings("ignore", "NUMBA_THREADING_LAYER is omp")
    parallel_always()


def two_threads(steps: int, layer: str) -> dict[str, Any]:
    """Train two models in turn, then the same at the same time."""
    _choose(layer)
    serial = [Learner(name).steps(steps) for name in MODELS]
    learners = [Learner(name) for name in MODELS]
    same_time = in_threads([lambda k=k: learners[k].steps(steps) for k in range(len(MODELS))])
    return {"equal": serial == same_time, "layer": _threads.POOL.layer}


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


def team_of_two_threads() -> bool:
    """Whether two threads that ask for one team at the same time get the same one, which stays alive."""
    barrier = threading.Barrier(2)
    loaded = _threads.parallel_region.ensure

    def slowly() -> Any:
        barrier.wait(30)
        return loaded()

    _threads.parallel_region.ensure = slowly
    addresses = in_threads([lambda: _threads.POOL.team(2)] * 2)
    return addresses[0] == addresses[1] == _threads.POOL.team(2)


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


def fork_after_training(layer: str, pairs: int = 1) -> list[dict[str, Any]]:
    """Train, fork, and go on in both processes; then once more, with the fork in a thread."""
    _choose(layer)
    learner = Learner("AttentionSeq2seq")
    learner.steps(3)
    found = []
    for in_thread in (False, True) * pairs:
        work = lambda: _in_child(lambda: learner.steps(5))
        child = in_threads([work])[0] if in_thread else work()
        found.append({**child, "equal": child["result"] == learner.steps(5)})
    return found


def fork_beside_training(layer: str, count: int) -> list[dict[str, Any]]:
    """Fork while another thread trains, which is in a parallel region most of the time."""
    _choose(layer)
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


def unusable_tbb() -> str | None:
    """Train where there is a tbb that Numba cannot use; return the layer."""
    _threads._load_tbb = lambda: True
    parallel_always()
    Learner("Rnnlm").steps(1)
    return _threads.POOL.layer


def _train(name: str) -> str:
    return Learner(name).steps(5)


def pool_after_training(layer: str) -> dict[str, Any]:
    """Train, and train again in the processes of a pool that forks."""
    _choose(layer)
    expected = [_train(name) for name in MODELS] * 2
    with multiprocessing.get_context("fork").Pool(2) as pool:
        found = pool.map_async(_train, [*MODELS, *MODELS]).get(timeout=30)
    return {"equal": found == expected, "layer": _threads.POOL.layer}


def openmp() -> dict[str, Any]:
    """Train and fork where the environment chose GNU OpenMP."""
    numba_api.config.THREADING_LAYER = "omp"
    parallel_always()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        learner = Learner("Rnnlm")
        try:
            learner.steps(3)
        except ValueError as error:
            return {"layer": "", "error": str(error)}
        learner.steps(1)
        child = _in_child(lambda: learner.steps(5))
    texts = [f"{w.category.__name__} {w.message}" for w in caught if w.category is not DeprecationWarning]
    return {**child, "equal": child["result"] == learner.steps(5), "warnings": texts, "layer": _threads.POOL.layer}


def layer_of_the_environment(layer: str = "default") -> dict[str, Any]:
    """Train with the number of threads and the layer that the environment chose."""
    numba_api.config.THREADING_LAYER = layer
    _threads.SERIAL_BELOW = 0
    digest = Learner("Rnnlm").steps(2)
    return {"digest": digest, "layer": _threads.POOL.layer, "teams": len(_threads.POOL.teams)}


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
