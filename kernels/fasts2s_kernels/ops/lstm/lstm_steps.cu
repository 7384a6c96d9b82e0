// One step of an LSTM beside a matrix product, for all shapes and both number types. One unit of one row per thread.

extern "C" __global__ void lstm_fwd_step(
    const real* __restrict__ a, const real* __restrict__ xw, const int* __restrict__ ids, const real* __restrict__ b,
    const real* __restrict__ row_bias, const unsigned char* __restrict__ mask, const real* __restrict__ h,
    const real* __restrict__ c, real* h_next, real* c_next, real* hs, real* hprev, real* gates, real* cs, int N, int T,
    int H, int t) {
    const int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= N * H) return;
    const int n = k / H, unit = k % H, H4 = 4 * H;
    const long long step = (long long)n * T + t, place = step * H + unit;
    real now = h ? h[k] : real(0), cell = c ? c[k] : real(0);
    if (hprev) hprev[place] = now;
    if (fs_on(mask, step)) {
        const int id = ids ? ids[step] : 0;
        const real* x = xw + (ids ? (long long)id : step) * H4;
        real v[4];
#pragma unroll
        for (int q = 0; q < 4; q++) {
            const int at = q * H + unit;
            v[q] = id < 0 ? fs_nan(real(0)) : x[at];
            if (a) v[q] += a[(long long)n * H4 + at];
            if (b) v[q] += b[at];
            if (row_bias) v[q] += row_bias[(long long)n * H4 + at];
        }
        const real f = fs_sigmoid(v[0]), g = fs_tanh(v[1]), i = fs_sigmoid(v[2]), o = fs_sigmoid(v[3]);
        if (gates) {
            real* to = gates + step * H4 + unit;
            to[0] = f, to[H] = g, to[2 * H] = i, to[3 * H] = o;
        }
        cell = f * cell + g * i;
        now = o * fs_tanh(cell);
    }
    h_next[k] = now;
    c_next[k] = cell;
    if (hs) hs[place] = now;
    if (cs) cs[place] = cell;
}

// product : (N, H), what comes back through the weights from step t + 1; null behind the last step.
// dh, dc : (N, H), in place; step_dA : (N, 4H), the rows of dA of this step side by side for the next product.
extern "C" __global__ void lstm_bwd_step(
    const real* __restrict__ product, const real* __restrict__ dhs, const unsigned char* __restrict__ mask,
    const real* __restrict__ c0, const real* __restrict__ gates, const real* __restrict__ cs, real* dh, real* dc,
    real* step_dA, real* dA, int N, int T, int H, int t) {
    const int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= N * H) return;
    const int n = k / H, unit = k % H, H4 = 4 * H;
    const long long step = (long long)n * T + t, place = step * H + unit;
    real d = product && fs_on(mask, step + 1) ? product[k] : dh[k];
    if (t < 0) {
        dh[k] = d;
        return;
    }
    if (dhs) d = dhs[place] + d;
    dh[k] = d;
    real out[4] = {0, 0, 0, 0};
    if (fs_on(mask, step)) {
        const real* gate = gates + step * H4 + unit;
        const real f = gate[0], g = gate[H], i = gate[2 * H], o = gate[3 * H], tc = fs_tanh(cs[place]);
        const real before = t ? cs[place - H] : (c0 ? c0[k] : real(0));
        const real ds = dc[k] + d * o * (1 - tc * tc);
        out[0] = ds * before * (f * (1 - f));
        out[1] = ds * i * (1 - g * g);
        out[2] = ds * g * (i * (1 - i));
        out[3] = d * tc * (o * (1 - o));
        dc[k] = ds * f;
    }
#pragma unroll
    for (int q = 0; q < 4; q++) {
        step_dA[(long long)n * H4 + q * H + unit] = out[q];
        dA[step * H4 + q * H + unit] = out[q];
    }
}
