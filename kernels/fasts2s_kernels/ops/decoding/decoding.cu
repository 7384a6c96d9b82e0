// The best id of every row of scores: the first of equal ones, and the first NaN before all numbers, as numpy.argmax.

// scores (R, V), bias (R, V) or null -> ids (R,) int64, and next (R,) int32 or null: the ids again, for a gather; with
// next, out gets -1 where the best score is not finite. ids of row r stand at out[r * stride]. 256 threads per row.
extern "C" __global__ void __launch_bounds__(256, 1) argmax_rows(
    const real* __restrict__ scores, const real* __restrict__ bias, long long* out, long long stride, int* next,
    int V) {
    __shared__ real values[256];
    __shared__ int ids[256];
    const int j = threadIdx.x;
    const long long row = blockIdx.x;
    real best = 0;
    int id = -1;
    for (int v = j; v < V; v += 256) {
        const real x = scores[row * V + v] + (bias ? bias[row * V + v] : real(0));
        if (fs_beats(x, v, best, id)) best = x, id = v;
    }
    values[j] = best;
    ids[j] = id;
    __syncthreads();
    for (int half = 128; half; half /= 2) {
        if (j < half && fs_beats(values[j + half], ids[j + half], values[j], ids[j])) {
            values[j] = values[j + half];
            ids[j] = ids[j + half];
        }
        __syncthreads();
    }
    if (j == 0) {
        out[row * stride] = next && values[0] - values[0] != 0 ? -1 : ids[0];
        if (next) next[row] = ids[0];
    }
}
