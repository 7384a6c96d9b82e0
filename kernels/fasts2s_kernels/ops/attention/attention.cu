// The part of dot-product attention between its matrix products: rows of scores (N, T, S). One warp per row.

__device__ __forceinline__ real warp_sum(real x) {
    for (int k = 16; k; k /= 2) x += __shfl_xor_sync(FS_FULL_WARP, x, k);
    return x;
}

// scores -> weights, in place. A padded encoder step has weight 0; a row of padding only has no weights at all.
extern "C" __global__ void attention_softmax(real* scores, const unsigned char* __restrict__ mask, int rows, int T,
                                             int S) {
    const int lane = threadIdx.x % 32, row = (int)((blockIdx.x * (long long)blockDim.x + threadIdx.x) / 32);
    if (row >= rows) return;
    const unsigned char* valid = mask ? mask + (long long)(row / T) * S : mask;
    real* x = scores + (long long)row * S;
    real top = fs_lowest(real(0)), sum = 0;
    bool any = false;
    for (int s = lane; s < S; s += 32)
        if (fs_on(valid, s)) top = max(top, x[s]), any = true;
    for (int k = 16; k; k /= 2) top = max(top, __shfl_xor_sync(FS_FULL_WARP, top, k));
    any = __any_sync(FS_FULL_WARP, any);
    for (int s = lane; s < S; s += 32)
        if (fs_on(valid, s)) sum += x[s] = fs_exp(x[s] - top);
        else x[s] = 0;
    sum = warp_sum(sum);
    if (any)
        for (int s = lane; s < S; s += 32)
            if (fs_on(valid, s)) x[s] /= sum;
}

// dweights -> dscores, in place.
extern "C" __global__ void attention_backward(real* dweights, const real* __restrict__ weights, int rows, int S) {
    const int lane = threadIdx.x % 32, row = (int)((blockIdx.x * (long long)blockDim.x + threadIdx.x) / 32);
    if (row >= rows) return;
    real* d = dweights + (long long)row * S;
    const real* w = weights + (long long)row * S;
    real sum = 0;
    for (int s = lane; s < S; s += 32) sum += d[s] * w[s];
    sum = warp_sum(sum);
    for (int s = lane; s < S; s += 32) d[s] = w[s] * (d[s] - sum);
}
