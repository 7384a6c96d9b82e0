// What stands before every source of this folder: the number type and the functions of one number.
//
// The sources are CUDA C++ without any #include: NVRTC, nvcc and, in the tests, a C++ compiler read the same text.
// Sizes come as -D constants. Letters: N batch rows, T steps, H hidden units, V classes.

#ifndef FS_REAL
#define FS_REAL float
#endif
typedef FS_REAL real;

#define FS_LOWEST_FLOAT (-3.402823466e38f)
#define FS_LOWEST_DOUBLE (-1.7976931348623157e308)
#define FS_FULL_WARP 0xffffffffu

__device__ __forceinline__ float fs_exp(float x) { return expf(x); }
__device__ __forceinline__ double fs_exp(double x) { return exp(x); }
__device__ __forceinline__ float fs_log(float x) { return logf(x); }
__device__ __forceinline__ double fs_log(double x) { return log(x); }
__device__ __forceinline__ float fs_sqrt(float x) { return sqrtf(x); }
__device__ __forceinline__ double fs_sqrt(double x) { return sqrt(x); }
__device__ __forceinline__ float fs_tanh(float x) { return tanhf(x); }
__device__ __forceinline__ double fs_tanh(double x) { return tanh(x); }
__device__ __forceinline__ float fs_lowest(float) { return FS_LOWEST_FLOAT; }
__device__ __forceinline__ double fs_lowest(double) { return FS_LOWEST_DOUBLE; }
__device__ __forceinline__ float fs_nan(float) { return __int_as_float(0x7fffffff); }
__device__ __forceinline__ double fs_nan(double) { return __longlong_as_double(0x7fffffffffffffffLL); }

template <typename number>
__device__ __forceinline__ number fs_sigmoid(number x) {
    return number(1) / (number(1) + fs_exp(-x));
}

// Whether step t of row n is no padding. Without a mask all are.
__device__ __forceinline__ bool fs_on(const unsigned char* mask, long long step) { return !mask || mask[step]; }

// Whether (a, i) is chosen before (b, j): the larger, the first of equal ones, and NaN before all numbers, as in
// numpy.argmax. An index below 0 is none.
template <typename number>
__device__ __forceinline__ bool fs_beats(number a, int i, number b, int j) {
    if (i < 0 || j < 0) return j < 0 && i >= 0;
    const bool odd = a != a, other = b != b;
    if (odd || other) return odd && (!other || i < j);
    return a > b || (a == b && i < j);
}

// Write down the first wrong id or label: what it is, where it stands, and at last that there is one.
// The record lies in memory of the host, which looks at it without waiting for the device.
__device__ __forceinline__ void fs_complain(long long* record, long long what, long long value, long long position) {
    if (!record) return;
    if (atomicCAS((unsigned long long*)record, 0ULL, (unsigned long long)what) != 0ULL) return;
    ((volatile long long*)record)[1] = value;
    ((volatile long long*)record)[2] = position;
    __threadfence_system();
    ((volatile long long*)record)[3] = 1;
}
