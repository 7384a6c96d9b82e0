"""The kernels on a GPU. Importing this package imports nothing; :mod:`fasts2s_kernels.cupy_gpu.kernels` imports CuPy.

So that what needs no device can be asked without one: :mod:`.setup` why CuPy does not run, :mod:`.dispatch` which
kernel a shape gets, :mod:`.sources` and :mod:`.specialisations` what has to be compiled.
"""
