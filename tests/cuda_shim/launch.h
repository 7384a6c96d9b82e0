// Launches: blocks one after another on this OS thread, or, cooperatively, each on an OS thread of its own.
#pragma once

#include <tuple>

namespace fs_shim {

inline uint3_t place(unsigned long long rank, uint3_t extent) {
    return {static_cast<unsigned>(rank % extent.x), static_cast<unsigned>(rank / extent.x % extent.y),
            static_cast<unsigned>(rank / extent.x / extent.y)};
}

inline void start_block(Block& b, unsigned long long rank) {
    Launch* l = b.launch;
    b.index = place(rank, l->grid);
    b.gone = b.waiting = 0;
    b.votes = b.votes_result = 0;
    b.random = l->seed * 0x9E3779B97F4A7C15ull + rank;
    b.slab->forget_all();
    for (unsigned first = 0; first < b.count; first += 32)
        b.warps[first / 32] = {b.count - first >= 32 ? 0xffffffffu : (1u << (b.count - first)) - 1, 0};
    for (unsigned i = 0; i < b.count; ++i) {
        Fiber& f = b.fibers[i];
        f.thread = place(i, l->block);
        f.block = &b;
        f.rank = i;
        f.state = READY;
        f.started = false;
        b.turn[i] = l->order == REVERSE ? b.count - 1 - i : i;
    }
}

// Run one block in shared memory that holds NaN, and look behind it afterwards.
inline void run_block(Block& b, unsigned long long rank) {
    Launch* l = b.launch;
    start_block(b, rank);
    unsigned char* shared = l->shared ? l->shared() : nullptr;
    if (shared) {
#ifdef __SANITIZE_ADDRESS__
        __asan_unpoison_memory_region(shared, SHARED_MOST + SHARED_PAD);
#endif
        memset(shared, 0xff, l->shared_bytes);
        memset(shared + l->shared_bytes, CANARY, SHARED_PAD);
#ifdef __SANITIZE_ADDRESS__
        __asan_poison_memory_region(shared + l->shared_bytes, SHARED_MOST + SHARED_PAD - l->shared_bytes);
#endif
    }
    schedule(b);
#ifdef __SANITIZE_ADDRESS__
    if (shared) __asan_unpoison_memory_region(shared, SHARED_MOST + SHARED_PAD);
#endif
    for (unsigned i = 0; shared && i < SHARED_PAD; ++i)
        if (shared[l->shared_bytes + i] != CANARY) {
            note_failure(l, "block (%u, %u, %u) wrote byte %u of its dynamic shared memory, which has %u", b.index.x,
                         b.index.y, b.index.z, l->shared_bytes + i, l->shared_bytes);
            return;
        }
    __atomic_add_fetch(&l->progress, 1, __ATOMIC_RELAXED);
}

// What one OS thread needs to run blocks; ok() is false when there is no memory for it.
struct Worker {
    Slab slab;
    Block block;

    explicit Worker(Launch* l) : slab(l->block.x * l->block.y * l->block.z), block() {
        block.launch = l;
        block.slab = &slab;
        block.count = slab.count();
        block.fibers = new (std::nothrow) Fiber[block.count];
        block.turn = new (std::nothrow) unsigned[block.count];
        if (!ok()) note_failure(l, "no memory for the stacks of %u threads", block.count);
    }
    ~Worker() {
        delete[] block.fibers;
        delete[] block.turn;
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    bool ok() const { return slab.ok() && block.fibers && block.turn; }
};

inline unsigned long long blocks_of(const Launch* l) {
    return static_cast<unsigned long long>(l->grid.x) * l->grid.y * l->grid.z;
}

inline void launch_ordinary(Launch* l) {
    Worker w(l);
    const unsigned long long blocks = blocks_of(l);
    unsigned long long start = l->order == REVERSE ? blocks - 1 : 0, step = start ? start : 1;  // -1, modulo blocks
    if (l->order == RANDOM) {  // a walk whose step shares no divisor with the number of blocks meets all of them
        w.block.random = l->seed;
        start = next_random(w.block, static_cast<unsigned>(blocks));
        for (step = 1 + next_random(w.block, static_cast<unsigned>(blocks)); step > 1; --step) {
            unsigned long long a = step, rest = blocks;
            while (rest) a = std::exchange(rest, a % rest);
            if (a == 1) break;
        }
    }
    for (unsigned long long i = 0; w.ok() && i < blocks && !has_failed(l); ++i)
        run_block(w.block, (start + i * step) % blocks);
}

// The first byte of the pads of all arrays that has been written, or 0. Pads without an address are left out.
inline size_t find_written_pad(const size_t* pads, size_t n, size_t size, int filled) {
    for (size_t i = 0; i < n; ++i) {
        const unsigned char* pad = reinterpret_cast<const unsigned char*>(pads[i]);
        for (size_t k = 0; pad && k < size; k += 8) {
            unsigned long long word;
            memcpy(&word, pad + k, 8);
            if (word != static_cast<unsigned long long>(filled) * 0x0101010101010101ull)
                for (size_t j = 0; j < 8; ++j)
                    if (pad[k + j] != filled) return pads[i] + k + j;
        }
    }
    return 0;
}

struct OneBlock {
    Launch* launch;
    unsigned long long rank;
    pthread_t thread;
};

inline void* run_one(void* argument) {
    OneBlock* one = static_cast<OneBlock*>(argument);
    Worker w(one->launch);
    if (w.ok()) run_block(w.block, one->rank);
    return nullptr;
}

// All blocks at once, so that they can wait for one another.
inline void launch_cooperative(Launch* l) {
    const unsigned long long blocks = blocks_of(l);
    OneBlock* all = new OneBlock[blocks];
    unsigned long long started = 0;
    for (; started < blocks && !has_failed(l); ++started) {
        all[started] = {l, l->order == REVERSE ? blocks - 1 - started : started, {}};
        if (pthread_create(&all[started].thread, nullptr, run_one, &all[started])) {
            note_failure(l, "block %llu of %llu got no OS thread", started, blocks);
            break;
        }
    }
    while (started) pthread_join(all[--started].thread, nullptr);
    delete[] all;
}

// Give way while waiting for another thread. Nobody waits for ever: after `patience` seconds in which no block came
// further, the launch has failed.
inline void sleep_a_little() {
    Fiber* me = self;
    Block& b = *me->block;
    Launch* l = b.launch;
    sched_yield();
    if (b.sleeps++ % 64 == 0) {
        const unsigned long progress = __atomic_load_n(&l->progress, __ATOMIC_RELAXED);
        const double time = now();
        if (b.sleeps == 1 || progress != b.seen_progress) {
            b.seen_progress = progress;
            b.seen_at = time;
        } else if (time - b.seen_at > l->patience) {
            note_failure(l, "hang: " FS_WHERE " sleeps, and no block came further in %.1f s", FS_OF(me), l->patience);
        }
    }
    leave(READY);
}

template <class... A>
struct Kernel {
    using Function = void (*)(A...);
    struct Arguments {
        Function function;
        std::tuple<A...> values;
    };

    static void call(const void* p) {
        const Arguments* a = static_cast<const Arguments*>(p);
        std::apply(a->function, a->values);
    }

    template <size_t... I>
    static std::tuple<A...> values_of(const unsigned long long* slots, std::index_sequence<I...>) {
        std::tuple<A...> values;
        (memcpy(&std::get<I>(values), &slots[I], sizeof(A)), ...);
        return values;
    }

    static int run(Function function, Launch* l, const unsigned long long* slots, unsigned char* (*shared)()) {
        const Arguments arguments{function, values_of(slots, std::index_sequence_for<A...>())};
        l->call = call;
        l->arguments = &arguments;
        l->shared = shared;
        l->failed = 0;
        l->progress = 0;
        l->cooperative ? launch_cooperative(l) : launch_ordinary(l);
        return l->failed;
    }
};

// The type of a parameter in NumPy's letters; a pointer has a star in front. There is none for what cannot be passed.
template <class T> struct Letters;
#define FS_LETTERS(type, letters) template <> struct Letters<type> { static constexpr const char* of = letters; };
FS_LETTERS(bool, "?") FS_LETTERS(char, "i1") FS_LETTERS(signed char, "i1") FS_LETTERS(unsigned char, "u1")
FS_LETTERS(short, "i2") FS_LETTERS(unsigned short, "u2") FS_LETTERS(int, "i4") FS_LETTERS(unsigned, "u4")
FS_LETTERS(long long, "i8") FS_LETTERS(unsigned long long, "u8") FS_LETTERS(float, "f4") FS_LETTERS(double, "f8")
template <class T> struct Letters<T*> { static constexpr const char* of = "u8"; };  // arrays of addresses

template <class T> struct Parameter { static constexpr const char* star = ""; using Of = std::remove_cv_t<T>; };
template <class T> struct Parameter<T*> { static constexpr const char* star = "*"; using Of = std::remove_cv_t<T>; };

template <class... A>
inline void describe(void (*)(A...), char* text, size_t size) {
    size_t used = 0;
    text[0] = 0;
    ((used += static_cast<size_t>(snprintf(text + used, size - used, "%s%s ", Parameter<std::remove_cv_t<A>>::star,
                                           Letters<typename Parameter<std::remove_cv_t<A>>::Of>::of))), ...);
}

template <class... A>
inline int run(void (*function)(A...), Launch* l, const unsigned long long* slots, unsigned char* (*shared)()) {
    return Kernel<std::remove_cv_t<A>...>::run(function, l, slots, shared);
}

}  // namespace fs_shim

#define __nanosleep(ns) (static_cast<void>(ns), fs_shim::sleep_a_little())
