// LSTM over all steps for weights that one multiprocessor cannot hold.
//
// The grid is (S, G): S slices of U = ceil(H / S) hidden units by G groups of FS_R rows. A block keeps the weights of
// its units, all four gates, in shared memory for all steps. After every step the S blocks of a group hand each other
// what they computed and wait for one another; groups know nothing of each other. All blocks of a group must run at
// once: the launch is cooperative, and the host has counted.
//
// What goes from block to block is read past the first-level cache (__ldcg) and never through const __restrict__,
// which would allow a cache that nobody keeps up to date.

#define THREADS FS_THREADS
#define R FS_R
#define RP ((FS_R + 3) / 4 * 4)
#define ITEMS FS_ITEMS  // pairs (row, unit) of a thread: at least R * U / THREADS

// Wait until the blocks of a group have come here ``turn`` times. The counter only grows while the kernel runs.
__device__ __forceinline__ void group_barrier(unsigned* counter, unsigned target) {
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence();
        atomicAdd(counter, 1u);
        while (*(volatile unsigned*)counter < target) __nanosleep(20);
        __threadfence();
    }
    __syncthreads();
}

// The last block of a group to leave sets the counters to zero for the next launch.
__device__ __forceinline__ void group_leave(unsigned* counter, unsigned* left, unsigned blocks) {
    __syncthreads();
    if (threadIdx.x == 0 && atomicAdd(left, 1u) == blocks - 1) {
        *counter = 0;
        *left = 0;
    }
}

__device__ __forceinline__ float slices_input(const float* xw, const int* ids, long long step, int H4, int column) {
    if (!ids) return xw[step * H4 + column];
    int id = ids[step];
    return id < 0 ? fs_nan(0.0f) : xw[(long long)id * H4 + column];
}

extern "C" __global__ void __launch_bounds__(THREADS, 1) lstm_fwd_slices(
    const float* __restrict__ xw, const int* __restrict__ ids, const float* __restrict__ Wh,
    const float* __restrict__ b, const float* __restrict__ row_bias, const unsigned char* __restrict__ mask,
    const float* __restrict__ h0, const float* __restrict__ c0, float* hs, float* h_last, float* c_last, float* hprev,
    float* gates, float* cs, unsigned* counters, int N, int T, int H, int U) {
    extern __shared__ float fs_smem[];
    const int S = gridDim.x, H4 = 4 * H, slices = THREADS / U, n0 = blockIdx.y * R, first = blockIdx.x * U;
    const int mine = max(min(U, H - first), 0), tid = threadIdx.x, u = tid % U, slice = tid / U;
    float4* ws = (float4*)fs_smem;            // (H, U): the weights of a unit's gates f, g, i, o
    float* h = (float*)(ws + (long long)H * U);  // (H, RP)
    float* part = h + H * RP;                 // (slices, 4, R, U)
    float* state = part + slices * 4 * R * U; // (R, U): c
    for (int k = tid; k < H * U; k += THREADS) {
        const float* w = Wh + (long long)(k / U) * H4 + first + k % U;
        const bool real_unit = k % U < mine;
        ws[k] = real_unit ? make_float4(w[0], w[H], w[2 * H], w[3 * H]) : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    }
    for (int k = tid; k < H * RP; k += THREADS) {
        const int n = n0 + k % RP;
        h[k] = h0 && k % RP < R && n < N ? h0[(long long)n * H + k / RP] : 0.0f;
    }
    for (int k = tid; k < R * U; k += THREADS) {
        const int n = n0 + k / U;
        state[k] = c0 && n < N && k % U < mine ? c0[(long long)n * H + first + k % U] : 0.0f;
    }
    __syncthreads();

    for (int t = 0; t < T; t++) {
        float x[ITEMS][4];
#pragma unroll
        for (int item = 0; item < ITEMS; item++) {
            const int k = tid + item * THREADS, n = n0 + k / U, column = first + k % U;
            if (k >= R * U || n >= N || k % U >= mine) continue;
#pragma unroll
            for (int q = 0; q < 4; q++) {
                const int at = q * H + column;
                x[item][q] = slices_input(xw, ids, (long long)n * T + t, H4, at) + (b ? b[at] : 0.0f)
                             + (row_bias ? row_bias[(long long)n * H4 + at] : 0.0f);
            }
        }
        if (slice < slices) {
            float acc[4][R];
#pragma unroll
            for (int q = 0; q < 4; q++)
#pragma unroll
                for (int r = 0; r < R; r++) acc[q][r] = 0.0f;
            for (int k = slice; k < H; k += slices) {
                const float4 w = ws[k * U + u];
                float v[RP];
#pragma unroll
                for (int r = 0; r < RP; r += 4) {
                    const float4 a = *(const float4*)(h + k * RP + r);
                    v[r] = a.x, v[r + 1] = a.y, v[r + 2] = a.z, v[r + 3] = a.w;
                }
#pragma unroll
                for (int r = 0; r < R; r++) {
                    acc[0][r] = fmaf(w.x, v[r], acc[0][r]);
                    acc[1][r] = fmaf(w.y, v[r], acc[1][r]);
                    acc[2][r] = fmaf(w.z, v[r], acc[2][r]);
                    acc[3][r] = fmaf(w.w, v[r], acc[3][r]);
                }
            }
#pragma unroll
            for (int q = 0; q < 4; q++)
#pragma unroll
                for (int r = 0; r < R; r++) part[((slice * 4 + q) * R + r) * U + u] = acc[q][r];
        }
        __syncthreads();
        for (int k = tid; k < 4 * R * U; k += THREADS) {
            float sum = part[k];
            for (int s = 1; s < slices; s++) sum += part[s * 4 * R * U + k];
            part[k] = sum;  // of the first slice: only this thread looks at it
        }
        __syncthreads();
#pragma unroll
        for (int item = 0; item < ITEMS; item++) {
            const int k = tid + item * THREADS, r = k / U, n = n0 + r, column = first + k % U;
            if (k >= R * U || n >= N || k % U >= mine) continue;
            const long long step = (long long)n * T + t, place = step * H + column;
            float c = state[k], now = h[column * RP + r];
            if (hprev) hprev[place] = now;
            if (fs_on(mask, step)) {
                const float f = fs_sigmoid(x[item][0] + part[k]), g = fs_tanh(x[item][1] + part[R * U + k]);
                const float i = fs_sigmoid(x[item][2] + part[2 * R * U + k]);
                const float o = fs_sigmoid(x[item][3] + part[3 * R * U + k]);
                if (gates) {
                    float* to = gates + step * H4 + column;
                    to[0] = f, to[H] = g, to[2 * H] = i, to[3 * H] = o;
                }
                c = f * c + g * i;
                now = o * fs_tanh(c);
            }
            state[k] = c;
            hs[place] = now;
            if (cs) cs[place] = c;
            if (t == T - 1) {
                h_last[(long long)n * H + column] = now;
                c_last[(long long)n * H + column] = c;
            }
        }
        if (t == T - 1) break;
        group_barrier(counters + 2 * blockIdx.y, (unsigned)S * (t + 1));
        for (int k = tid; k < H * R; k += THREADS) {
            const int n = n0 + k / H;
            if (n < N) h[k % H * RP + k / H] = __ldcg(hs + ((long long)n * T + t) * H + k % H);
        }
        __syncthreads();
    }
    group_leave(counters + 2 * blockIdx.y, counters + 2 * blockIdx.y + 1, S);
}

// Back through time. A block computes dA of its own units and what it contributes to the dh of all units; the owner
// of a unit adds the S contributions in their order. share : (2, S, N, H), one half written while the other is read.
extern "C" __global__ void __launch_bounds__(THREADS, 1) lstm_bwd_slices(
    const float* __restrict__ dhs, const float* __restrict__ dh_last, const float* __restrict__ dc_last,
    const float* __restrict__ Wh, const unsigned char* __restrict__ mask, const float* __restrict__ c0,
    const float* __restrict__ gates, const float* __restrict__ cs, float* dA, float* dh0, float* dc0, float* share,
    unsigned* counters, int N, int T, int H, int U) {
    extern __shared__ float fs_smem[];
    const int S = gridDim.x, H4 = 4 * H, n0 = blockIdx.y * R, first = blockIdx.x * U, tid = threadIdx.x;
    const int mine = max(min(U, H - first), 0);
    float* da = fs_smem;              // (4U, RP)
    float* ws = da + 4 * U * RP;      // (4U, H): row c holds the weights of column c
    float* carry = ws + 4 * U * H;    // (R, U): dh that passes through padding
    float* dc = carry + R * U;        // (R, U)
    const long long half = (long long)S * N * H;
    for (int k = tid; k < 4 * U * H; k += THREADS) {
        const int column = k / H, q = column / U, u = column % U;
        ws[k] = u < mine ? Wh[(long long)(k % H) * H4 + q * H + first + u] : 0.0f;
    }
    for (int k = tid; k < 4 * U * RP; k += THREADS) da[k] = 0.0f;
    for (int k = tid; k < R * U; k += THREADS) {
        const int n = n0 + k / U;
        const bool here = n < N && k % U < mine;
        carry[k] = here && dh_last ? dh_last[(long long)n * H + first + k % U] : 0.0f;
        dc[k] = here && dc_last ? dc_last[(long long)n * H + first + k % U] : 0.0f;
    }
    __syncthreads();

    for (int t = T - 1; t >= -1; t--) {
        for (int k = tid; k < R * U; k += THREADS) {
            const int r = k / U, u = k % U, n = n0 + r, column = first + u;
            if (n >= N || u >= mine) continue;
            const long long step = (long long)n * T + t, place = step * H + column;
            float dh = carry[k];
            if (t < T - 1 && fs_on(mask, step + 1)) {
                const float* from = share + ((t + 1) & 1) * half + (long long)n * H + column;
                dh = 0.0f;
                for (int z = 0; z < S; z++) dh += __ldcg(from + (long long)z * N * H);
            }
            if (t < 0) {
                dh0[(long long)n * H + column] = dh;
                dc0[(long long)n * H + column] = dc[k];
                continue;
            }
            if (dhs) dh = dhs[place] + dh;
            carry[k] = dh;
            float a[4] = {0.0f, 0.0f, 0.0f, 0.0f};
            if (fs_on(mask, step)) {
                const float* gate = gates + step * H4 + column;
                const float f = gate[0], g = gate[H], i = gate[2 * H], o = gate[3 * H], tc = fs_tanh(cs[place]);
                const float before = t ? cs[place - H] : (c0 ? c0[(long long)n * H + column] : 0.0f);
                const float ds = dc[k] + dh * o * (1.0f - tc * tc);
                a[0] = ds * before * (f * (1.0f - f));
                a[1] = ds * i * (1.0f - g * g);
                a[2] = ds * g * (i * (1.0f - i));
                a[3] = dh * tc * (o * (1.0f - o));
                dc[k] = ds * f;
            }
#pragma unroll
            for (int q = 0; q < 4; q++) {
                da[(q * U + u) * RP + r] = a[q];
                dA[step * H4 + q * H + column] = a[q];
            }
        }
        if (t < 0) break;
        __syncthreads();
        float* to = share + (t & 1) * half + (long long)blockIdx.x * N * H;
        for (int k = tid; k < H; k += 2 * THREADS) {
            const int second = k + THREADS < H ? k + THREADS : k;  // two units at a time: half the reads of dA
            float acc[2][R];
#pragma unroll
            for (int r = 0; r < R; r++) acc[0][r] = acc[1][r] = 0.0f;
            for (int c = 0; c < 4 * U; c++) {
                const float w0 = ws[c * H + k], w1 = ws[c * H + second];
                float v[RP];
#pragma unroll
                for (int r = 0; r < RP; r += 4) {
                    const float4 a = *(const float4*)(da + c * RP + r);
                    v[r] = a.x, v[r + 1] = a.y, v[r + 2] = a.z, v[r + 3] = a.w;
                }
#pragma unroll
                for (int r = 0; r < R; r++) {
                    acc[0][r] = fmaf(w0, v[r], acc[0][r]);
                    acc[1][r] = fmaf(w1, v[r], acc[1][r]);
                }
            }
#pragma unroll
            for (int r = 0; r < R; r++) {
                if (n0 + r >= N) continue;
                to[(long long)(n0 + r) * H + k] = acc[0][r];
                if (second != k) to[(long long)(n0 + r) * H + second] = acc[1][r];
            }
        }
        group_barrier(counters + 2 * blockIdx.y, (unsigned)S * (T - t));
    }
    group_leave(counters + 2 * blockIdx.y, counters + 2 * blockIdx.y + 1, S);
}
