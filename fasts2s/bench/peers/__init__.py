"""Who is measured: the backends of this package, PyTorch, JAX, the book's own code, and the peak of the machine."""
