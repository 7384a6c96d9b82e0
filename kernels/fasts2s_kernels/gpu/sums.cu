// Sums over the middle axis, in a fixed order: a (B, K, M) -> out (B, M).
//
// A block of 32 by 32 threads has 32 columns; its threads take every 32nd of the K rows, then a tree joins them.

extern "C" __global__ void __launch_bounds__(1024, 1) column_sums(
    const real* __restrict__ a, real* out, long long K, int M) {
    extern __shared__ real fs_smem[];  // (32, 33): one more column, so that a warp meets 32 banks
    const int lane = threadIdx.x % 32, part = threadIdx.x / 32, m = blockIdx.x * 32 + lane;
    const real* from = a + (long long)blockIdx.y * K * M;
    real sum = 0;
    if (m < M)
        for (long long k = part; k < K; k += 32) sum += from[k * M + m];
    fs_smem[part * 33 + lane] = sum;
    __syncthreads();
    for (int half = 16; half; half /= 2) {
        if (part < half) fs_smem[part * 33 + lane] += fs_smem[(part + half) * 33 + lane];
        __syncthreads();
    }
    if (part == 0 && m < M) out[(long long)blockIdx.y * M + m] = fs_smem[lane];
}
