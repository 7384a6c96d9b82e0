"""Another compiler reads the same texts: nvcc, where a toolkit is installed."""

import shutil
import subprocess

import pytest

from fasts2s_kernels.gpu.sources import PARTS, text
from tests.kernels.gpu.compile_gate import catalogue, cubin, ptxas_log

ARCH = 90


@pytest.mark.parametrize("module", PARTS)
def test_nvcc_takes_it(absent, tmp_path, module):
    nvcc = shutil.which("nvcc") or absent("nvcc", "it is part of the CUDA toolkit")
    wanted = catalogue.chosen(ARCH, module)[-1]
    source, code = tmp_path / f"{module}.cu", tmp_path / f"{module}.cubin"
    source.write_text(text(module), encoding="utf-8")
    command = [nvcc, "-cubin", f"-arch=sm_{ARCH}", "-std=c++17", *wanted.defines, "-o", code, source]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert ptxas_log.warnings(done.stderr) == []
    assert set(wanted.kernels) <= cubin.kernels(code.read_bytes())
