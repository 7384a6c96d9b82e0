// LSTM over all steps, one block per row of the batch: no block waits for another.
//
// The recurrent weights stay on the chip: FS_KREG of the H weights of every thread in its registers, the others in
// shared memory. FS_KREG is a multiple of 4; with FS_KREG >= FS_H all are in registers, the surplus ones zero.

#define G4 (4 * FS_H)
#define HP ((FS_H + 3) / 4 * 4)
#define KREG FS_KREG
#define KMEM (HP > FS_KREG ? HP - FS_KREG : 0)  // rows of shared memory, those behind H zero

// Sum over v[k] w[k]: those of the registers, then those of the column of ws. v is padded with zeros to HP.
__device__ __forceinline__ float rows_dot(const float* v, const float (&w)[KREG], const float* ws) {
    float s0 = 0.0f, s1 = 0.0f, s2 = 0.0f, s3 = 0.0f;
    const float4* v4 = (const float4*)v;
#pragma unroll
    for (int k = 0; k < (KREG < HP ? KREG : HP); k += 4) {
        float4 a = v4[k / 4];
        s0 = fmaf(a.x, w[k], s0);
        s1 = fmaf(a.y, w[k + 1], s1);
        s2 = fmaf(a.z, w[k + 2], s2);
        s3 = fmaf(a.w, w[k + 3], s3);
    }
#pragma unroll 4
    for (int k = 0; k < KMEM; k += 4) {
        float4 a = v4[(KREG + k) / 4];
        s0 = fmaf(a.x, ws[k * G4], s0);
        s1 = fmaf(a.y, ws[(k + 1) * G4], s1);
        s2 = fmaf(a.z, ws[(k + 2) * G4], s2);
        s3 = fmaf(a.w, ws[(k + 3) * G4], s3);
    }
    return (s0 + s1) + (s2 + s3);
}

// What the input brings to one gate column: a row of x Wx, or of a table by id (-1: an id that was out of range).
__device__ __forceinline__ float rows_input(const float* xw, const int* ids, long long step, int j) {
    if (!ids) return xw[step * G4 + j];
    int id = ids[step];
    return id < 0 ? fs_nan(0.0f) : xw[(long long)id * G4 + j];
}
