// CUDA C++ on the CPU: included before the unchanged text of a .cu file, which g++ then compiles as C++17.
//
// A thread is a fiber (fibers.h), a block runs on one OS thread (block.h, launch.h), warp operations are in warp.h,
// vector types, mathematics, atomics and loads in device.h. __CUDA_ARCH__ is not defined: what it guards is not seen.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>
#include <utility>

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <time.h>

// Every barrier and warp operation of the source has an identity of its own, which also names its line.
#define FS_SITE (static_cast<unsigned>(__COUNTER__) << 16 | static_cast<unsigned>(__LINE__ & 0xffff))

#include "fibers.h"

#include "block.h"
#include "warp.h"
#include "device.h"

// Keywords. Defined after the system's headers, which use some of these words themselves.
#define __global__
#define __device__
#define __host__
#define __constant__ const
#define __shared__ thread_local  // one block per OS thread at a time; block scope makes it static
#define __forceinline__ __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __align__(n) __attribute__((aligned(n)))
#define __launch_bounds__(...)

#define threadIdx (fs_shim::self->thread)
#define blockIdx (fs_shim::self->block->index)
#define blockDim (fs_shim::self->block->launch->block)
#define gridDim (fs_shim::self->block->launch->grid)
#define warpSize 32
