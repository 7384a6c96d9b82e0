// One step of an Elman RNN beside a matrix product. One unit of one row per thread.

extern "C" __global__ void rnn_fwd_step(
    const real* __restrict__ a, const real* __restrict__ xw, const real* __restrict__ b,
    const real* __restrict__ row_bias, const unsigned char* __restrict__ mask, real* h, real* hprev, real* news,
    real* hs, int N, int T, int H, int t) {
    const int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= N * H) return;
    const int n = k / H, unit = k % H;
    const long long step = (long long)n * T + t, place = step * H + unit;
    real now = h[k];
    hprev[place] = now;
    if (fs_on(mask, step)) {
        real v = xw[place] + a[k];
        if (b) v += b[unit];
        if (row_bias) v += row_bias[k];
        now = fs_tanh(v);
    }
    news[place] = now;
    h[k] = now;
    hs[place] = now;
}

// product : (N, H), what comes back through the weights from step t + 1; null behind the last step. dh in place.
extern "C" __global__ void rnn_bwd_step(
    const real* __restrict__ product, const real* __restrict__ dhs, const unsigned char* __restrict__ mask,
    const real* __restrict__ news, real* dh, real* step_dA, real* dA, int N, int T, int H, int t) {
    const int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= N * H) return;
    const int n = k / H, unit = k % H;
    const long long step = (long long)n * T + t, place = step * H + unit;
    real d = product && fs_on(mask, step + 1) ? product[k] : dh[k];
    if (t >= 0 && dhs) d = dhs[place] + d;
    dh[k] = d;
    if (t < 0) return;
    const real h = news[place], out = fs_on(mask, step) ? d * (1 - h * h) : real(0);
    step_dA[k] = out;
    dA[place] = out;
}
