// Clipping and parameter updates: all parameters in one launch.
//
// A table of 64-bit integers describes the parameters, FS_COLUMNS per parameter: number of elements, the first of its
// chunks, addresses of p, g and up to two slots. A block works on one chunk of FS_CHUNK elements.

#define COLUMNS FS_COLUMNS
#define CHUNK FS_CHUNK

struct Part {
    long long size, from;
    real *p, *g, *s0, *s1;
};

__device__ __forceinline__ Part part_of(const long long* table, int count) {
    int low = 0, high = count;  // the parameter whose chunks this block's is among
    while (high - low > 1) {
        const int middle = (low + high) / 2;
        if (table[middle * COLUMNS + 1] <= (long long)blockIdx.x) low = middle;
        else high = middle;
    }
    const long long* row = table + low * COLUMNS;
    const long long skip = ((long long)blockIdx.x - row[1]) * CHUNK, left = row[0] - skip;
    return {left < CHUNK ? left : CHUNK, skip, (real*)row[2] + skip, (real*)row[3] + skip, (real*)row[4] + skip,
            (real*)row[5] + skip};
}

// Sum of squares of all g in double, in a fixed order; the last block writes the root of the total to norm.
extern "C" __global__ void __launch_bounds__(256, 1) gradient_norm(
    const long long* __restrict__ table, int count, double* sums, double* norm, unsigned* ticket) {
    __shared__ double shared[256];
    __shared__ bool last;
    const Part part = part_of(table, count);
    const int j = threadIdx.x;
    double sum = 0;
    for (long long k = j; k < part.size; k += 256) sum += (double)part.g[k] * (double)part.g[k];
    for (int round = 0; round < 2; round++) {
        shared[j] = sum;
        __syncthreads();
        for (int half = 128; half; half /= 2) {
            if (j < half) shared[j] += shared[j + half];
            __syncthreads();
        }
        if (round) break;
        if (j == 0) {
            sums[blockIdx.x] = shared[0];
            __threadfence();
            last = atomicAdd(ticket, 1u) == gridDim.x - 1;
            __threadfence();
        }
        __syncthreads();
        if (!last) return;
        sum = 0;
        for (unsigned k = j; k < gridDim.x; k += 256) sum += __ldcg(sums + k);
    }
    if (j == 0) {
        *norm = sqrt(shared[0]);
        *ticket = 0;
    }
}

// The factor of clipping: below 1, or 1 where the norm is small enough or not finite.
__device__ __forceinline__ double rate_of(double norm, double max_norm) {
    const double rate = max_norm / (norm + 1e-6);
    return norm - norm == 0 && rate < 1 ? rate : 1.0;
}

extern "C" __global__ void clip_factor(const double* __restrict__ norm, double max_norm, double* rate) {
    *rate = rate_of(*norm, max_norm);
}

extern "C" __global__ void __launch_bounds__(256, 1) clip_gradients(
    const long long* __restrict__ table, int count, const double* __restrict__ norm, double max_norm) {
    const Part part = part_of(table, count);
    const double rate = rate_of(*norm, max_norm);
    if (rate == 1.0) return;
    for (long long k = threadIdx.x; k < part.size; k += 256) part.g[k] *= (real)rate;
}

// What every update does first: take its part and the scale of the gradients. A scale of NaN changes nothing at all.
#define UPDATE_BEGINS                                                  \
    const double given = scale ? *scale : scale_value;                 \
    if (given != given) return;                                        \
    const real by = (real)given;                                       \
    const Part part = part_of(table, count);                           \
    for (long long k = threadIdx.x; k < part.size; k += 256) {         \
        const real g = part.g[k] * by;

extern "C" __global__ void __launch_bounds__(256, 1) sgd(
    const long long* __restrict__ table, int count, const double* __restrict__ scale, double scale_value, double lr,
    double, double, double) {
    UPDATE_BEGINS
        part.p[k] -= (real)lr * g;
    }
}

extern "C" __global__ void __launch_bounds__(256, 1) momentum(
    const long long* __restrict__ table, int count, const double* __restrict__ scale, double scale_value, double lr,
    double mass, double, double) {
    UPDATE_BEGINS
        const real v = (real)mass * part.s0[k] - (real)lr * g;
        part.s0[k] = v;
        part.p[k] += v;
    }
}

extern "C" __global__ void __launch_bounds__(256, 1) nesterov(
    const long long* __restrict__ table, int count, const double* __restrict__ scale, double scale_value, double lr,
    double mass, double, double) {
    UPDATE_BEGINS
        const real v = (real)mass * part.s0[k] - (real)lr * g;
        part.s0[k] = v;
        part.p[k] = part.p[k] + (real)(mass * mass) * v - (real)((1 + mass) * lr) * g;
    }
}

// AdaGrad with keep = add = 1; RMSprop with keep = decay, add = 1 - decay.
extern "C" __global__ void __launch_bounds__(256, 1) rmsprop(
    const long long* __restrict__ table, int count, const double* __restrict__ scale, double scale_value, double lr,
    double keep, double add, double) {
    UPDATE_BEGINS
        const real h = (real)keep * part.s0[k] + (real)add * g * g;
        part.s0[k] = h;
        part.p[k] -= (real)lr * g / (fs_sqrt(h) + (real)1e-7);
    }
}

// lr with the bias correction in it; less1 = 1 - beta1, less2 = 1 - beta2.
extern "C" __global__ void __launch_bounds__(256, 1) adam(
    const long long* __restrict__ table, int count, const double* __restrict__ scale, double scale_value, double lr,
    double less1, double less2, double) {
    UPDATE_BEGINS
        const real m = part.s0[k] + (real)less1 * (g - part.s0[k]);
        const real v = part.s1[k] + (real)less2 * (g * g - part.s1[k]);
        part.s0[k] = m;
        part.s1[k] = v;
        part.p[k] -= (real)lr * m / (fs_sqrt(v) + (real)1e-7);
    }
}
