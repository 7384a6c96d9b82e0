"""How CPU kernels are written and run: vectors, tiles, products; compiler, cache, threads, memory."""
