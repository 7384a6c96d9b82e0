// Blocks and launches: who runs when, the block barrier, and what is found wrong.
#pragma once

#include <cstdarg>

namespace fs_shim {

struct uint3_t {
    unsigned x, y, z;
};

enum State { READY, AT_BARRIER, IN_WARP_OPERATION, GONE };
enum Order { FORWARD, REVERSE, RANDOM };

// One launch, as Python asks for it (library.py has the same fields), and what all its blocks share.
struct Launch {
    uint3_t grid, block;
    unsigned shared_bytes;
    int cooperative;
    int order;
    unsigned seed;
    double patience;  // seconds that blocks may sleep while none of them moves
    char message[512];
    // Of the shim itself:
    int failed;
    unsigned long progress;
    void (*call)(const void*);
    const void* arguments;
    unsigned char* (*shared)();
};

constexpr unsigned SHARED_PAD = 4096;
constexpr unsigned SHARED_MOST = 232448;
constexpr unsigned char CANARY = 0xC5;

struct Block;

struct Fiber {
    Context context;
    uint3_t thread;
    Block* block;
    unsigned rank, stack;
    State state;
    bool started;
    unsigned site;
    // The warp operation it is in:
    unsigned mask, from, ballot, partners;
    unsigned long long value, result;
    bool undefined;
};

// Lanes that have not returned, and those that wait in a warp operation, as bits.
struct Warp {
    unsigned alive, meeting;
};

struct Block {
    Launch* launch;
    Slab* slab;
    Fiber* fibers;
    unsigned* turn;
    Warp warps[32];
    uint3_t index;
    Context scheduler;
    unsigned count, gone, waiting;
    unsigned long long random;
    int votes, votes_result;
    unsigned long sleeps, seen_progress;
    double seen_at;
};

static thread_local Fiber* self = nullptr;

inline double now() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// Only the first failure of a launch is kept: the others follow from it.
__attribute__((format(printf, 2, 3))) inline void note_failure(Launch* launch, const char* format, ...) {
    int before = 0;
    char text[sizeof launch->message];
    va_list rest;
    va_start(rest, format);
    vsnprintf(text, sizeof text, format, rest);
    va_end(rest);
    if (__atomic_compare_exchange_n(&launch->failed, &before, 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        memcpy(launch->message, text, sizeof text);
}

inline bool has_failed(const Launch* launch) { return __atomic_load_n(&launch->failed, __ATOMIC_RELAXED); }

// Back to the scheduler. With state GONE, or after a failure, this never returns.
inline void leave(State state) {
    Fiber* me = self;
    me->state = state;
    switch_to(me->context, me->block->scheduler);
}

#define FS_WHERE "thread (%u, %u, %u) of block (%u, %u, %u)"
#define FS_OF(f)                                   \
    (f)->thread.x, (f)->thread.y, (f)->thread.z,   \
        (f)->block->index.x, (f)->block->index.y, (f)->block->index.z

inline void check_stack(const Fiber* me) {
    const char here = 0;
    const char* low = me->block->slab->at(me->stack);
    if (reinterpret_cast<uintptr_t>(&here) < reinterpret_cast<uintptr_t>(low) + RESERVE) {
        note_failure(me->block->launch, FS_WHERE ": its stack of %zu bytes is full", FS_OF(me), STACK);
        leave(GONE);
    }
}

inline int block_barrier(unsigned site, bool vote) {
    Fiber* me = self;
    check_stack(me);
    me->site = site;
    me->block->votes += vote;
    ++me->block->waiting;
    leave(AT_BARRIER);
    return me->block->votes_result;
}

void lane_is_gone(Fiber*);  // warp.h

inline void thread_entry() {
    Fiber* me = self;
    me->block->launch->call(me->block->launch->arguments);
    ++me->block->gone;
    lane_is_gone(me);
    me->block->slab->give_back(me->stack);  // nobody runs on it before the scheduler has taken over
    leave(GONE);
}

inline void resume(Block& b, Fiber& f) {
    if (!f.started) {
        f.started = true;
        f.stack = b.slab->take();
        prepare(f.context, b.slab->at(f.stack), (f.stack % 32) * 192, thread_entry);
    }
    self = &f;
    switch_to(b.scheduler, f.context);
}

inline unsigned next_random(Block& b, unsigned below) {  // splitmix64
    unsigned long long z = (b.random += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return static_cast<unsigned>((z >> 32) * below >> 32);
}

inline void shuffle(Block& b) {
    for (unsigned i = b.count - 1; i > 0; --i) std::swap(b.turn[i], b.turn[next_random(b, i + 1)]);
}

// All threads that are left wait at a barrier: let them through, if it is one barrier and everybody is there.
inline void release_barrier(Block& b) {
    const Fiber* first = nullptr;
    for (unsigned i = 0; i < b.count; ++i) {
        Fiber& f = b.fibers[i];
        if (f.state == AT_BARRIER && !first) first = &f;
        if (f.state == AT_BARRIER && f.site != first->site) {
            note_failure(b.launch, "divergent barriers: " FS_WHERE " waits at the barrier of line %u, "
                         "thread (%u, %u, %u) at that of line %u", FS_OF(first), first->site & 0xffff, f.thread.x,
                         f.thread.y, f.thread.z, f.site & 0xffff);
            return;
        }
    }
    if (b.gone) {
        note_failure(b.launch, "divergent exit: " FS_WHERE " waits at the barrier of line %u, but %u threads of the "
                     "block have returned", FS_OF(first), first->site & 0xffff, b.gone);
        return;
    }
    for (unsigned i = 0; i < b.count; ++i) b.fibers[i].state = READY;
    b.votes_result = b.votes;
    b.votes = 0;
    b.waiting = 0;
    __atomic_add_fetch(&b.launch->progress, 1, __ATOMIC_RELAXED);
}

inline void report_deadlock(Block& b) {
    const Fiber *warp = nullptr, *barrier = nullptr;
    for (unsigned i = 0; i < b.count; ++i) {
        if (b.fibers[i].state == IN_WARP_OPERATION && !warp) warp = &b.fibers[i];
        if (b.fibers[i].state == AT_BARRIER && !barrier) barrier = &b.fibers[i];
    }
    char other[96] = "";
    if (barrier)
        snprintf(other, sizeof other, "; thread (%u, %u, %u) waits at the barrier of line %u", barrier->thread.x,
                 barrier->thread.y, barrier->thread.z, barrier->site & 0xffff);
    note_failure(b.launch, "deadlock: " FS_WHERE " waits in the warp operation of line %u with mask 0x%08x for lanes "
                 "that never come with this mask%s; %u threads have returned", FS_OF(warp), warp->site & 0xffff,
                 warp->mask, other, b.gone);
}

inline void schedule(Block& b) {
    while (b.gone < b.count) {
        bool moved = false;
        if (b.launch->order == RANDOM) shuffle(b);
        for (unsigned i = 0; i < b.count; ++i) {
            Fiber& f = b.fibers[b.turn[i]];
            if (f.state != READY) continue;
            moved = true;
            resume(b, f);
            if (has_failed(b.launch)) return;
        }
        if (b.waiting && b.waiting + b.gone == b.count) release_barrier(b);
        else if (!moved) report_deadlock(b);
        if (has_failed(b.launch)) return;
    }
}

}  // namespace fs_shim

#include "launch.h"

#define __syncthreads() static_cast<void>(fs_shim::block_barrier(FS_SITE, false))
#define __syncthreads_count(p) fs_shim::block_barrier(FS_SITE, (p) != 0)
#define __syncthreads_or(p) (fs_shim::block_barrier(FS_SITE, (p) != 0) != 0)
#define __syncthreads_and(p) \
    (fs_shim::block_barrier(FS_SITE, (p) != 0) == static_cast<int>(blockDim.x * blockDim.y * blockDim.z))
