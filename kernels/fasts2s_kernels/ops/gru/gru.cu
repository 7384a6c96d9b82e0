// Parts of a GRU step between its matrix products. One unit of one row per thread; blocks z, r, n of 3H columns.

// a : (N, 2H) = h Wh_zr. Writes z, r and r h; the last also to its place among all steps, for the gradients.
extern "C" __global__ void gru_fwd_gates(
    const real* __restrict__ a, const real* __restrict__ xw, const real* __restrict__ b,
    const real* __restrict__ row_bias, const unsigned char* __restrict__ mask, const real* __restrict__ h, real* gates,
    real* rh, real* rhs, int N, int T, int H, int t) {
    const int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= N * H) return;
    const int n = k / H, unit = k % H, H3 = 3 * H;
    const long long step = (long long)n * T + t;
    real v[2] = {0, 0}, product = 0;
    if (fs_on(mask, step)) {
#pragma unroll
        for (int q = 0; q < 2; q++) {
            const int at = q * H + unit;
            v[q] = xw[step * H3 + at] + a[(long long)n * 2 * H + at];
            if (b) v[q] += b[at];
            if (row_bias) v[q] += row_bias[(long long)n * H3 + at];
            v[q] = fs_sigmoid(v[q]);
        }
        product = v[1] * h[k];
    }
    gates[step * H3 + unit] = v[0];
    gates[step * H3 + H + unit] = v[1];
    rh[k] = product;
    rhs[step * H + unit] = product;
}

// a : (N, H) = (r h) Wh_n. h in place.
extern "C" __global__ void gru_fwd_state(
    const real* __restrict__ a, const real* __restrict__ xw, const real* __restrict__ b,
    const real* __restrict__ row_bias, const unsigned char* __restrict__ mask, real* gates, real* h, real* hprev,
    real* hs, int N, int T, int H, int t) {
    const int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= N * H) return;
    const int n = k / H, unit = k % H, H3 = 3 * H, at = 2 * H + unit;
    const long long step = (long long)n * T + t, place = step * H + unit;
    real now = h[k], candidate = 0;
    hprev[place] = now;
    if (fs_on(mask, step)) {
        real v = xw[step * H3 + at] + a[k];
        if (b) v += b[at];
        if (row_bias) v += row_bias[(long long)n * H3 + at];
        candidate = fs_tanh(v);
        const real z = gates[step * H3 + unit];
        now = (1 - z) * now + z * candidate;
    }
    gates[step * H3 + at] = candidate;
    h[k] = now;
    hs[place] = now;
}

// The gradient of the candidate's pre-activation. dh (N, H) in place: what arrives at h of step t.
// product : (N, H) = dzr Wh_zr^T of step t + 1; null behind the last step. direct : (N, H), the rest of dh of t + 1.
extern "C" __global__ void gru_bwd_candidate(
    const real* __restrict__ product, const real* __restrict__ direct, const real* __restrict__ dhs,
    const unsigned char* __restrict__ mask, const real* __restrict__ gates, real* dh, real* dn, int N, int T, int H,
    int t) {
    const int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= N * H) return;
    const int n = k / H, unit = k % H, H3 = 3 * H;
    const long long step = (long long)n * T + t;
    real d = product && fs_on(mask, step + 1) ? direct[k] + product[k] : dh[k];
    if (t >= 0 && dhs) d = dhs[step * H + unit] + d;
    dh[k] = d;
    if (t < 0) return;
    const real z = gates[step * H3 + unit], candidate = gates[step * H3 + 2 * H + unit];
    dn[k] = fs_on(mask, step) ? d * z * (1 - candidate * candidate) : real(0);
}

// drh : (N, H) = dn Wh_n^T. Writes dA (N, T, 3H), dzr (N, 2H) for the next product, and the direct part of dh.
extern "C" __global__ void gru_bwd_gates(
    const real* __restrict__ drh, const real* __restrict__ dn, const real* __restrict__ dh,
    const unsigned char* __restrict__ mask, const real* __restrict__ gates, const real* __restrict__ hprev, real* direct,
    real* dzr, real* dA, int N, int T, int H, int t) {
    const int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= N * H) return;
    const int n = k / H, unit = k % H, H3 = 3 * H;
    const long long step = (long long)n * T + t;
    real dz = 0, dr = 0;
    if (fs_on(mask, step)) {
        const real* gate = gates + step * H3 + unit;
        const real z = gate[0], r = gate[H], candidate = gate[2 * H], h = hprev[step * H + unit];
        dz = dh[k] * (candidate - h) * (z * (1 - z));
        dr = drh[k] * h * (r * (1 - r));
        direct[k] = dh[k] * (1 - z) + r * drh[k];
    }
    dzr[(long long)n * 2 * H + unit] = dz;
    dzr[(long long)n * 2 * H + H + unit] = dr;
    dA[step * H3 + unit] = dz;
    dA[step * H3 + H + unit] = dr;
    dA[step * H3 + 2 * H + unit] = dn[k];
}
