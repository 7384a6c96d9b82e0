# Every target makes the environment it needs: nothing has to be installed by hand.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Two test workers; one BLAS thread each, so that they do not fight for the cores.
WORKERS ?= 2
ONE_THREAD := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1
# Hundreds of tests start a Python: bytecode is kept, whatever the environment says, or each would compile everything.
KEEP_BYTECODE := PYTHONDONTWRITEBYTECODE=

# Where the emulated aarch64 processor and all that runs on it are kept.
AARCH64 ?= .venv-aarch64
# Values, and workers that wait for one another.
EMULATED := tests/kernels/test_values.py $(addprefix tests/kernels/cpu/test_,gemm.py math.py units.py)

.PHONY: demo test check sanitize aarch64 bench format clean
.DELETE_ON_ERROR:

demo: $(VENV)/.demo
	$(BIN)/fasts2s train addition --model peeky --reverse --epochs 14 --out demo --overwrite

test: $(VENV)/.test
	$(ONE_THREAD) $(KEEP_BYTECODE) MPLBACKEND=Agg $(BIN)/python -m pytest tests benchmarks --benchmark-disable -n $(WORKERS) --dist worksteal --cov --cov-report=term:skip-covered $(ARGS)

check: $(VENV)/.check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright --warnings --pythonpath $(BIN)/python

# The CUDA kernels under the address and the undefined-behaviour sanitizer, on the CPU: eight minutes.
sanitize: $(VENV)/.test
	$(BIN)/python -m tests.cuda_shim.sanitize $(ARGS)

# Values of the CPU kernels on an aarch64 processor that QEMU emulates: see kernels/README.md.
aarch64: $(AARCH64)/.made
	$(ONE_THREAD) $(KEEP_BYTECODE) FASTS2S_TEST_BACKENDS=numba $(AARCH64)/python -m pytest -p no:cacheprovider $(EMULATED) $(ARGS)

# Beside this package: the book's code with FASTS2S_BOOK=checkout, PyTorch and JAX where they are installed.
bench: $(VENV)/.demo
	$(BIN)/fasts2s bench $(ARGS)

format: $(VENV)/.check
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) $(AARCH64) build dist .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	touch $@

$(VENV)/.check: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[test,check]"
	touch $@

$(AARCH64)/.made: pyproject.toml tests/aarch64.sh | $(BIN)/python
	tests/aarch64.sh $(AARCH64) $(BIN)/python
	touch $@
