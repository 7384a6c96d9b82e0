// Softmax with cross entropy: loss and gradient in one launch, the scores read once.
//
// FS_WARPS warps share a row, FS_ROWS rows share a block (one of the two is 1). A thread keeps up to FS_VALUES scores
// of its row in registers; with FS_VALUES = 0 they are read anew for the gradient.

#define GROUP (32 * FS_WARPS)
#define THREADS (GROUP * FS_ROWS)
#define HELD (FS_VALUES > 0 ? FS_VALUES : 1)

// How many labels count. One block; where there are few labels every block counts for itself instead.
extern "C" __global__ void __launch_bounds__(1024, 1) count_labels(
    const long long* __restrict__ ts, long long ignore, long long* count, int R) {
    __shared__ int warps[32];
    int mine = 0;
    for (int r = threadIdx.x; r < R; r += blockDim.x) mine += ts[r] != ignore;
    for (int k = 16; k; k /= 2) mine += __shfl_xor_sync(FS_FULL_WARP, mine, k);
    if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = mine;
    __syncthreads();
    if (threadIdx.x == 0) {
        long long total = 0;
        for (int w = 0; w < (int)blockDim.x / 32; w++) total += warps[w];
        *count = total;
    }
}

// The number of labels that count, in every thread.
__device__ __forceinline__ long long loss_count(const long long* ts, long long ignore, const long long* count, int R,
                                                int* shared) {
    if (count) return *count;
    int mine = 0;
    for (int r = threadIdx.x; r < R; r += THREADS) mine += ts[r] != ignore;
    for (int k = 16; k; k /= 2) mine += __shfl_xor_sync(FS_FULL_WARP, mine, k);
    if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = mine;
    __syncthreads();
    int total = 0;
    for (int w = 0; w < THREADS / 32; w++) total += shared[w];
    return total;
}

// Join the pair (maximum, sum of exponentials below it) of the threads of a row, in the same order in all of them.
__device__ __forceinline__ void loss_join(real& top, real& sum, real* shared) {
    for (int k = 16; k; k /= 2) {
        const real other = __shfl_xor_sync(FS_FULL_WARP, top, k), theirs = __shfl_xor_sync(FS_FULL_WARP, sum, k);
        const real high = max(top, other);
        // Both lanes add the same two numbers, so both get the same bits.
        sum = sum * fs_exp(top - high) + theirs * fs_exp(other - high);
        top = high;
    }
    if (FS_WARPS == 1) return;
    const int warp = threadIdx.x / 32;
    if (threadIdx.x % 32 == 0) shared[2 * warp] = top, shared[2 * warp + 1] = sum;
    __syncthreads();
    top = shared[0];
    for (int w = 1; w < FS_WARPS; w++) top = max(top, shared[2 * w]);
    sum = 0;
    for (int w = 0; w < FS_WARPS; w++) sum += shared[2 * w + 1] * fs_exp(shared[2 * w] - top);
}

// The last block adds the losses of all rows, in a fixed order, and sets the ticket back.
__device__ __forceinline__ void loss_total(const double* losses, double* loss, unsigned* ticket, long long count, int R,
                                           double* shared, bool* last) {
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence();
        *last = atomicAdd(ticket, 1u) == gridDim.x - 1;
        __threadfence();
    }
    __syncthreads();
    if (!*last) return;
    double mine = 0;
    for (int r = threadIdx.x; r < R; r += THREADS) mine += __ldcg(losses + r);
    shared[threadIdx.x] = mine;
    __syncthreads();
    for (int half = 512; half; half /= 2) {
        if ((int)threadIdx.x < half && threadIdx.x + half < THREADS) shared[threadIdx.x] += shared[threadIdx.x + half];
        __syncthreads();
    }
    if (threadIdx.x == 0) {
        *loss = count ? shared[0] / (double)count : 0.0;
        *ticket = 0;
    }
}

// xs (R, V) -> loss () and grad (R, V) = (softmax - onehot) / count, zero in ignored rows, which are never read.
// A label out of range is written down; loss and gradient of its row are NaN.
extern "C" __global__ void __launch_bounds__(THREADS, 1) softmax_loss(
    const real* xs, const long long* __restrict__ ts, long long ignore, const long long* __restrict__ count, real* grad,
    double* losses, double* loss, unsigned* ticket, long long* record, long long what, int R, int V) {
    __shared__ int counts[THREADS / 32];
    __shared__ real pairs[2 * FS_WARPS];
    __shared__ double sums[THREADS];
    __shared__ bool last;
    const long long counted = loss_count(ts, ignore, count, R, counts);
    const int r = blockIdx.x * FS_ROWS + threadIdx.x / GROUP, lane = threadIdx.x % GROUP;
    if (r < R) {  // the same for all threads of a row, and of a block where a row is all of it
        const real* x = xs + (long long)r * V;
        real* g = grad + (long long)r * V;
        const long long label = ts[r];
        if (label == ignore) {
            for (int v = lane; v < V; v += GROUP) g[v] = 0;
            if (lane == 0) losses[r] = 0;
        } else {
            const bool good = label >= 0 && label < V;
            if (!good && lane == 0) fs_complain(record, what, label, r);
            real held[HELD], top = fs_lowest(real(0)), sum = 0;
            if (FS_VALUES > 0) {
#pragma unroll
                for (int i = 0; i < HELD; i++) {
                    held[i] = lane + i * GROUP < V ? x[lane + i * GROUP] : fs_lowest(real(0));
                    top = max(top, held[i]);
                }
#pragma unroll
                for (int i = 0; i < HELD; i++)
                    if (lane + i * GROUP < V) sum += fs_exp(held[i] - top);
            } else {
                for (int v = lane; v < V; v += GROUP) top = max(top, x[v]);
                for (int v = lane; v < V; v += GROUP) sum += fs_exp(x[v] - top);
            }
            loss_join(top, sum, pairs);
            const real factor = good ? real(1) / (real)counted : fs_nan(real(0));
            if (lane == 0) losses[r] = good ? (double)fs_log(sum) - ((double)x[label] - (double)top) : (double)factor;
            if (FS_VALUES > 0) {
#pragma unroll
                for (int i = 0; i < HELD; i++) {
                    const int v = lane + i * GROUP;
                    if (v < V) g[v] = (fs_exp(held[i] - top) / sum - (v == label ? real(1) : real(0))) * factor;
                }
            } else {
                for (int v = lane; v < V; v += GROUP)
                    g[v] = (fs_exp(x[v] - top) / sum - (v == label ? real(1) : real(0))) * factor;
            }
        }
    }
    loss_total(losses, loss, ticket, counted, R, sums, &last);
}
