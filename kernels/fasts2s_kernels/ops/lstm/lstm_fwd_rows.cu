// LSTM forward, one block per row: see rows.cu.

// Thread j < 4H computes gate column j; thread j < H also owns unit j. Outputs that are null are not wanted.
extern "C" __global__ void __launch_bounds__(G4, 1) lstm_fwd_rows(
    const float* __restrict__ xw, const int* __restrict__ ids, const float* __restrict__ Wh,
    const float* __restrict__ b, const float* __restrict__ row_bias, const unsigned char* __restrict__ mask,
    const float* __restrict__ h0, const float* __restrict__ c0, float* hs, float* h_last, float* c_last, float* hprev,
    float* gates, float* cs, int N, int T) {
    extern __shared__ float fs_smem[];
    float* ws = fs_smem;            // (KMEM, 4H)
    float* h = ws + KMEM * G4;      // (HP), behind a multiple of 16 bytes
    float* act = h + HP;            // (4H)
    const int j = threadIdx.x;
    float w[KREG];
#pragma unroll
    for (int k = 0; k < KREG; k++) w[k] = k < FS_H ? Wh[(long long)k * G4 + j] : 0.0f;
    for (int k = 0; k < KMEM; k++) ws[k * G4 + j] = KREG + k < FS_H ? Wh[(long long)(KREG + k) * G4 + j] : 0.0f;

    for (int n = blockIdx.x; n < N; n += gridDim.x) {
        const long long row = (long long)n * T;
        float c = 0.0f;
        if (j < FS_H) {
            h[j] = h0 ? h0[(long long)n * FS_H + j] : 0.0f;
            c = c0 ? c0[(long long)n * FS_H + j] : 0.0f;
        } else if (j < HP) {
            h[j] = 0.0f;
        }
        const float bias = (b ? b[j] : 0.0f) + (row_bias ? row_bias[(long long)n * G4 + j] : 0.0f);
        float x = T ? rows_input(xw, ids, row, j) : 0.0f;
        __syncthreads();
        for (int t = 0; t < T; t++) {
            const bool on = fs_on(mask, row + t);
            float acc = x + bias;
            if (t + 1 < T) x = rows_input(xw, ids, row + t + 1, j);  // long before it is needed
            if (on) {
                acc += rows_dot(h, w, ws + j);
                act[j] = j / FS_H == 1 ? fs_tanh(acc) : fs_sigmoid(acc);
                if (gates) gates[(row + t) * G4 + j] = act[j];
            }
            __syncthreads();
            if (j < FS_H) {
                const long long place = (row + t) * FS_H + j;
                if (hprev) hprev[place] = h[j];
                if (on) {
                    c = act[j] * c + act[FS_H + j] * act[2 * FS_H + j];
                    h[j] = act[3 * FS_H + j] * fs_tanh(c);
                }
                if (cs) cs[place] = c;
                if (hs) hs[place] = h[j];
            }
            __syncthreads();
        }
        if (j < FS_H) {
            h_last[(long long)n * FS_H + j] = h[j];
            c_last[(long long)n * FS_H + j] = c;
        }
        // The next row writes h before its first barrier; all have passed the last one of this row.
    }
}
