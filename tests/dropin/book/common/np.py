from common.config import GPU

if GPU:
    import cupy as np

    np.cuda.set_allocator(np.cuda.MemoryPool().malloc)
    print("on the GPU")
else:
    import numpy as np
