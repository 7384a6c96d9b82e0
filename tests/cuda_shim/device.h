// What device code calls: vector types, mathematics, loads and stores, bits, atomics. Only what CUDA itself has:
// atomicAdd of long long is missing there too.
#pragma once

using std::isfinite;
using std::isinf;
using std::isnan;

#define FS_VECTOR2(name, type, bytes)                             \
    struct alignas(bytes) name { type x, y; };                    \
    inline name make_##name(type x, type y) { return {x, y}; }
#define FS_VECTOR4(name, type, bytes)                             \
    struct alignas(bytes) name { type x, y, z, w; };              \
    inline name make_##name(type x, type y, type z, type w) { return {x, y, z, w}; }
FS_VECTOR2(float2, float, 8) FS_VECTOR2(int2, int, 8) FS_VECTOR2(uint2, unsigned, 8) FS_VECTOR2(double2, double, 16)
FS_VECTOR2(longlong2, long long, 16)
FS_VECTOR4(float4, float, 16) FS_VECTOR4(int4, int, 16) FS_VECTOR4(uint4, unsigned, 16)
FS_VECTOR4(uchar4, unsigned char, 4) FS_VECTOR4(double4, double, 16)
struct float3 { float x, y, z; };
inline float3 make_float3(float x, float y, float z) { return {x, y, z}; }
using uint3 = fs_shim::uint3_t;
struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

// An array of float4 and the like, as a parameter, is an array of its elements.
namespace fs_shim {
FS_LETTERS(float2, "f4") FS_LETTERS(float4, "f4") FS_LETTERS(double2, "f8") FS_LETTERS(int2, "i4")
FS_LETTERS(int4, "i4") FS_LETTERS(uint2, "u4") FS_LETTERS(uint4, "u4")
}  // namespace fs_shim

#define FS_MINMAX(type, least, most)                              \
    inline type min(type a, type b) { return least; }             \
    inline type max(type a, type b) { return most; }
FS_MINMAX(int, a < b ? a : b, a > b ? a : b)
FS_MINMAX(unsigned, a < b ? a : b, a > b ? a : b)
FS_MINMAX(long, a < b ? a : b, a > b ? a : b)
FS_MINMAX(unsigned long, a < b ? a : b, a > b ? a : b)
FS_MINMAX(long long, a < b ? a : b, a > b ? a : b)
FS_MINMAX(unsigned long long, a < b ? a : b, a > b ? a : b)
FS_MINMAX(float, fminf(a, b), fmaxf(a, b))
FS_MINMAX(double, fmin(a, b), fmax(a, b))
// Of one kind of float and an integer or the other kind, as CUDA converts them.
inline double min(float a, double b) { return fmin(a, b); }
inline double min(double a, float b) { return fmin(a, b); }
inline double max(float a, double b) { return fmax(a, b); }
inline double max(double a, float b) { return fmax(a, b); }

// Overloads for float that CUDA has beside those for double; ::exp(float) of C alone would compute in double.
#define FS_OF_FLOAT(name) using std::name;
FS_OF_FLOAT(exp) FS_OF_FLOAT(exp2) FS_OF_FLOAT(expm1) FS_OF_FLOAT(log) FS_OF_FLOAT(log2) FS_OF_FLOAT(log1p)
FS_OF_FLOAT(tanh) FS_OF_FLOAT(sqrt) FS_OF_FLOAT(fabs) FS_OF_FLOAT(abs) FS_OF_FLOAT(pow) FS_OF_FLOAT(fma)
FS_OF_FLOAT(floor) FS_OF_FLOAT(ceil) FS_OF_FLOAT(fmin) FS_OF_FLOAT(fmax)
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline double rsqrt(double x) { return 1.0 / sqrt(x); }
inline float rsqrt(float x) { return rsqrtf(x); }
inline float __fdividef(float a, float b) { return a / b; }
inline float fdividef(float a, float b) { return a / b; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fsqrt_rn(float x) { return sqrtf(x); }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline double __fma_rn(double a, double b, double c) { return fma(a, b, c); }
inline float __saturatef(float x) { return fminf(fmaxf(x, 0.0f), 1.0f); }
// The compiler would otherwise join these with a neighbour into one rounding, which they exist to prevent.
__attribute__((noinline)) inline float __fmul_rn(float a, float b) { return a * b; }
__attribute__((noinline)) inline float __fadd_rn(float a, float b) { return a + b; }
__attribute__((noinline)) inline double __dmul_rn(double a, double b) { return a * b; }
__attribute__((noinline)) inline double __dadd_rn(double a, double b) { return a + b; }
// glibc declares functions of these names for itself.
#define __expf(x) expf(x)
#define __exp10f(x) exp10f(x)
#define __logf(x) logf(x)
#define __log2f(x) log2f(x)
#define __powf(x, y) powf(x, y)
#define __sinf(x) sinf(x)
#define __cosf(x) cosf(x)

#define FS_BITS(name, to, from)                                   \
    inline to name(from x) {                                      \
        static_assert(sizeof(to) == sizeof(from), "same size");   \
        to y;                                                     \
        memcpy(&y, &x, sizeof y);                                 \
        return y;                                                 \
    }
FS_BITS(__float_as_int, int, float)
FS_BITS(__int_as_float, float, int)
FS_BITS(__float_as_uint, unsigned, float)
FS_BITS(__uint_as_float, float, unsigned)
FS_BITS(__double_as_longlong, long long, double)
FS_BITS(__longlong_as_double, double, long long)

inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x ? __builtin_clz(static_cast<unsigned>(x)) : 32; }
inline int __clzll(long long x) { return x ? __builtin_clzll(static_cast<unsigned long long>(x)) : 64; }

// Loads and stores with a cache hint. The compiler must not take a polled load out of its loop.
template <class T> inline T __ldcg(const T* p) { asm volatile("" ::: "memory"); return *p; }
template <class T> inline T __ldcs(const T* p) { return *p; }
template <class T> inline T __ldca(const T* p) { return *p; }
template <class T> inline T __ldg(const T* p) { return *p; }
template <class T> inline void __stcg(T* p, T x) { *p = x; asm volatile("" ::: "memory"); }
template <class T> inline void __stcs(T* p, T x) { *p = x; }
template <class T> inline void __stwb(T* p, T x) { *p = x; }

inline void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void __threadfence_block() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void __threadfence_system() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void __trap() {
    fs_shim::note_failure(fs_shim::self->block->launch, "__trap()");
    fs_shim::leave(fs_shim::GONE);
}

namespace fs_shim {
template <class T, class F>
inline T change(T* p, F&& changed) {
    T old = __atomic_load_n(p, __ATOMIC_SEQ_CST);
    while (!__atomic_compare_exchange_n(p, &old, changed(old), true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {}
    return old;
}
}  // namespace fs_shim

#define FS_ATOMIC(name, type, builtin) \
    inline type name(type* p, type x) { return __atomic_##builtin(p, x, __ATOMIC_SEQ_CST); }
#define FS_ATOMIC_BITS(type)                                                                             \
    FS_ATOMIC(atomicExch, type, exchange_n) FS_ATOMIC(atomicOr, type, fetch_or)                          \
    FS_ATOMIC(atomicAnd, type, fetch_and) FS_ATOMIC(atomicXor, type, fetch_xor)                          \
    inline type atomicCAS(type* p, type expected, type x) {                                              \
        __atomic_compare_exchange_n(p, &expected, x, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);         \
        return expected;                                                                                 \
    }
#define FS_ATOMIC_ORDER(type)                                                                            \
    inline type atomicMax(type* p, type x) { return fs_shim::change(p, [x](type a) { return max(a, x); }); } \
    inline type atomicMin(type* p, type x) { return fs_shim::change(p, [x](type a) { return min(a, x); }); }
FS_ATOMIC(atomicAdd, int, fetch_add)
FS_ATOMIC(atomicAdd, unsigned, fetch_add)
FS_ATOMIC(atomicAdd, unsigned long long, fetch_add)
FS_ATOMIC(atomicSub, int, fetch_sub)
FS_ATOMIC(atomicSub, unsigned, fetch_sub)
FS_ATOMIC_BITS(int) FS_ATOMIC_BITS(unsigned) FS_ATOMIC_BITS(unsigned long long)
FS_ATOMIC_ORDER(int) FS_ATOMIC_ORDER(unsigned) FS_ATOMIC_ORDER(long long) FS_ATOMIC_ORDER(unsigned long long)
inline unsigned atomicInc(unsigned* p, unsigned most) {
    return fs_shim::change(p, [most](unsigned a) { return a >= most ? 0u : a + 1; });
}
