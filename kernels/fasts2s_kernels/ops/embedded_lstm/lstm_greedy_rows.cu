// A whole answer of an LSTM in one launch: a block decodes its rows step by step, the best id being the next input.
//
// As lstm_fwd_rows: thread j holds gate column j of the recurrent weights. table (V, 4H) is what every word brings to the
// gates; W_out (H, V) is read from the caches.

extern "C" __global__ void __launch_bounds__(G4, 1) lstm_greedy_rows(
    const float* __restrict__ table, const int* __restrict__ start, const float* __restrict__ Wh,
    const float* __restrict__ b, const float* __restrict__ row_bias, const float* __restrict__ h0,
    const float* __restrict__ c0, const float* __restrict__ W_out, const float* __restrict__ b_out,
    const float* __restrict__ score_bias, long long* out, int N, int T, int V) {
    extern __shared__ float fs_smem[];
    float* ws = fs_smem;
    float* h = ws + KMEM * G4;
    float* act = h + HP;             // (4H), later the best score of every thread
    int* ids = (int*)(act + G4);     // (4H)
    const int j = threadIdx.x, looking = V < G4 ? V : G4;
    float w[KREG];
#pragma unroll
    for (int k = 0; k < KREG; k++) w[k] = k < FS_H ? Wh[(long long)k * G4 + j] : 0.0f;
    for (int k = 0; k < KMEM; k++) ws[k * G4 + j] = KREG + k < FS_H ? Wh[(long long)(KREG + k) * G4 + j] : 0.0f;
    int top = 1;
    while (2 * top < looking) top *= 2;

    for (int n = blockIdx.x; n < N; n += gridDim.x) {
        float c = 0.0f;
        if (j < FS_H) {
            h[j] = h0[(long long)n * FS_H + j];
            c = c0 ? c0[(long long)n * FS_H + j] : 0.0f;
        } else if (j < HP) {
            h[j] = 0.0f;
        }
        const float bias = (b ? b[j] : 0.0f) + (row_bias ? row_bias[(long long)n * G4 + j] : 0.0f);
        int id = start[n];
        __syncthreads();
        for (int t = 0; t < T; t++) {
            const float x = id < 0 ? fs_nan(0.0f) : table[(long long)id * G4 + j];
            const float acc = x + bias + rows_dot(h, w, ws + j);
            act[j] = j / FS_H == 1 ? fs_tanh(acc) : fs_sigmoid(acc);
            __syncthreads();
            if (j < FS_H) {
                c = act[j] * c + act[FS_H + j] * act[2 * FS_H + j];
                h[j] = act[3 * FS_H + j] * fs_tanh(c);
            }
            __syncthreads();
            float best = 0.0f;
            int chosen = -1;
            for (int v = j; v < V; v += G4) {
                float score = (b_out ? b_out[v] : 0.0f) + (score_bias ? score_bias[(long long)n * V + v] : 0.0f);
#pragma unroll 4
                for (int k = 0; k < FS_H; k++) score = fmaf(h[k], W_out[(long long)k * V + v], score);
                if (fs_beats(score, v, best, chosen)) best = score, chosen = v;
            }
            act[j] = best;
            ids[j] = chosen;
            __syncthreads();
            for (int half = top; half; half /= 2) {
                if (j < half && j + half < looking && fs_beats(act[j + half], ids[j + half], act[j], ids[j])) {
                    act[j] = act[j + half];
                    ids[j] = ids[j + half];
                }
                __syncthreads();
            }
            id = ids[0];  // written again only behind two barriers
            if (j == 0) out[(long long)n * T + t] = act[0] - act[0] == 0.0f ? id : -1;  // NaN, infinity: no choice
        }
    }
}
