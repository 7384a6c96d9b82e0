"""How kernels of a GPU are chosen, compiled and launched. Importing this package imports nothing.

So that what needs no device can be asked without one: :mod:`.setup` why CuPy does not run, :mod:`.dispatch` which
kernel a shape gets, :mod:`.sources` and :mod:`.specialisations` what has to be compiled.
"""
