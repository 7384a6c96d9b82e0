// Rows of a table by id, and the sum of gradients by id, without atomics: the same bits every time.

// ids -> 0 .. V - 1; what is out of range becomes -1 and is written down.
extern "C" __global__ void ids_in_range(
    const long long* __restrict__ ids, int* out, long long* record, long long what, long long count, int V) {
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    const long long id = ids[i];
    const bool good = id >= -(long long)V && id < (long long)V;
    if (!good) fs_complain(record, what, id, i);
    out[i] = good ? (int)(id < 0 ? id + V : id) : -1;
}

// One element of the result per thread; the row of a wrong id is NaN.
extern "C" __global__ void embedding_fwd(
    const real* __restrict__ W, const int* __restrict__ ids, real* out, long long size, int D) {
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= size) return;
    const int id = ids[i / D];
    out[i] = id < 0 ? fs_nan(real(0)) : W[(long long)id * D + i % D];
}

// One warp per row of dW: it looks through all ids, and adds the rows that are its own in their order.
extern "C" __global__ void embedding_bwd(
    const real* __restrict__ dout, const int* __restrict__ ids, real* dW, int count, int V, int D) {
    const int lane = threadIdx.x % 32, v = (int)((blockIdx.x * (long long)blockDim.x + threadIdx.x) / 32);
    if (v >= V) return;
    bool first = true;
    real* row = dW + (long long)v * D;
    for (int base = 0; base < count; base += 32) {
        const bool same = base + lane < count && ids[base + lane] == v;
        unsigned found = __ballot_sync(FS_FULL_WARP, same);
        for (; found; found &= found - 1) {
            const real* from = dout + (long long)(base + __ffs((int)found) - 1) * D;
            for (int d = lane; d < D; d += 32) row[d] = first ? from[d] : row[d] + from[d];
            first = false;
        }
    }
    if (first)
        for (int d = lane; d < D; d += 32) row[d] = 0;
}

// The same for many ids and many words: order sorts the ids, starts (V + 1) says where each begins.
extern "C" __global__ void embedding_bwd_sorted(
    const real* __restrict__ dout, const long long* __restrict__ order, const long long* __restrict__ starts, real* dW,
    int V, int D) {
    const int lane = threadIdx.x % 32, v = (int)((blockIdx.x * (long long)blockDim.x + threadIdx.x) / 32);
    if (v >= V) return;
    real* row = dW + (long long)v * D;
    for (int d = lane; d < D; d += 32) {
        real sum = 0;
        for (long long i = starts[v]; i < starts[v + 1]; i++) sum += dout[order[i] * D + d];
        row[d] = sum;
    }
}
