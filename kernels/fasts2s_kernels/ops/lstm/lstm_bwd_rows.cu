// LSTM backward, one block per row: see rows.cu.

// What one unit needs of one step on the way back.
struct RowsStep {
    float dh, f, g, i, o, c, before;
};

__device__ __forceinline__ void rows_fetch(
    RowsStep& to, const float* dhs, const float* gates, const float* cs, const unsigned char* mask, const float* c0,
    int n, int t, int T, int k) {
    const long long step = (long long)n * T + t, place = step * FS_H + k, gate = step * G4 + k;
    to.dh = dhs ? dhs[place] : 0.0f;
    if (!fs_on(mask, step)) return;  // nothing else was kept of padding
    to.f = gates[gate];
    to.g = gates[gate + FS_H];
    to.i = gates[gate + 2 * FS_H];
    to.o = gates[gate + 3 * FS_H];
    to.c = cs[place];
    to.before = t ? cs[place - FS_H] : (c0 ? c0[(long long)n * FS_H + k] : 0.0f);
}

// Thread (q, k) holds the weights from unit k to gate block q; thread k < H also owns unit k.
// dA is 0 on padding, where the gradients of h and c pass through.
extern "C" __global__ void __launch_bounds__(G4, 1) lstm_bwd_rows(
    const float* __restrict__ dhs, const float* __restrict__ dh_last, const float* __restrict__ dc_last,
    const float* __restrict__ Wh, const unsigned char* __restrict__ mask, const float* __restrict__ c0,
    const float* __restrict__ gates, const float* __restrict__ cs, float* dA, float* dh0, float* dc0, int N, int T) {
    extern __shared__ float fs_smem[];
    float* ws = fs_smem;            // (KMEM, 4H)
    float* da = ws + KMEM * G4;     // (4, HP)
    float* part = da + 4 * HP;      // (4, H)
    const int j = threadIdx.x, q = j / FS_H, k = j % FS_H;
    const float* mine = Wh + (long long)k * G4 + q * FS_H;
    float w[KREG];
#pragma unroll
    for (int i = 0; i < KREG; i++) w[i] = i < FS_H ? mine[i] : 0.0f;
    for (int i = 0; i < KMEM; i++) ws[i * G4 + j] = KREG + i < FS_H ? mine[KREG + i] : 0.0f;
    for (int i = j; i < 4 * HP; i += G4) da[i] = 0.0f;
    __syncthreads();

    for (int n = blockIdx.x; n < N; n += gridDim.x) {
        const long long row = (long long)n * T, unit = (long long)n * FS_H + k;
        const bool owner = q == 0;
        RowsStep now;
        float dh = 0.0f, dc = 0.0f;
        if (owner) {
            dh = dh_last ? dh_last[unit] : 0.0f;
            dc = dc_last ? dc_last[unit] : 0.0f;
            if (T) rows_fetch(now, dhs, gates, cs, mask, c0, n, T - 1, T, k);
        }
        for (int t = T - 1; t >= 0; t--) {
            const bool on = fs_on(mask, row + t);
            if (owner) {
                dh = now.dh + dh;
                if (on) {
                    const float f = now.f, g = now.g, i = now.i, o = now.o;
                    const float tc = fs_tanh(now.c), ds = dc + dh * o * (1.0f - tc * tc);
                    da[k] = ds * now.before * (f * (1.0f - f));
                    da[HP + k] = ds * i * (1.0f - g * g);
                    da[2 * HP + k] = ds * g * (i * (1.0f - i));
                    da[3 * HP + k] = dh * tc * (o * (1.0f - o));
                    dc = ds * f;
                }
                if (t) rows_fetch(now, dhs, gates, cs, mask, c0, n, t - 1, T, k);  // arrives during the products
            }
            __syncthreads();
            dA[(row + t) * G4 + j] = on ? da[q * HP + k] : 0.0f;
            if (on) part[j] = rows_dot(da + q * HP, w, ws + j);
            __syncthreads();
            if (owner && on) dh = (part[k] + part[FS_H + k]) + (part[2 * FS_H + k] + part[3 * FS_H + k]);
        }
        if (owner) {
            dh0[unit] = dh;
            dc0[unit] = dc;
        }
    }
}
