"""One folder per operation: the reference, the entries and the loops of the CPU, the kernels of the GPU."""
