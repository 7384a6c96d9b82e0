// Warp operations: the lanes that a mask names meet; those that have returned, or never were, are not waited for.
#pragma once

namespace fs_shim {

inline unsigned lanes_alive(const Fiber* f) { return f->block->warps[f->rank / 32].alive; }

// If everybody who is named by f's operation has come to it, give them their results and let them go on.
inline bool complete(Fiber* f) {
    Warp& w = f->block->warps[f->rank / 32];
    Fiber* lanes = f->block->fibers + (f->rank & ~31u);
    const unsigned partners = f->mask & w.alive;
    if (partners & ~w.meeting) return false;
    unsigned ballot = 0;
    for (unsigned i = 0; i < 32; ++i) {
        if (!(partners >> i & 1)) continue;
        const Fiber& g = lanes[i];
        if (g.site != f->site || g.mask != f->mask) return false;
        ballot |= static_cast<unsigned>(g.value != 0) << i;
    }
    for (unsigned i = 0; i < 32; ++i) {
        if (!(partners >> i & 1)) continue;
        Fiber& g = lanes[i];
        g.undefined = !(partners >> g.from & 1);
        g.result = g.undefined ? 0 : lanes[g.from].value;
        g.ballot = ballot;
        g.partners = partners;
        g.state = READY;
    }
    w.meeting &= ~partners;
    return true;
}

// A thread returned: somebody may have waited for it alone.
inline void lane_is_gone(Fiber* gone) {
    Block& b = *gone->block;
    b.warps[gone->rank / 32].alive &= ~(1u << (gone->rank & 31));
    const unsigned first = gone->rank & ~31u;
    for (unsigned i = first; i < b.count && i < first + 32; ++i)
        if (b.fibers[i].state == IN_WARP_OPERATION) complete(&b.fibers[i]);
}

inline Fiber* meet(unsigned site, unsigned mask, unsigned long long value, unsigned from) {
    Fiber* me = self;
    check_stack(me);
    me->site = site;
    me->mask = mask;
    me->value = value;
    me->from = from;
    if (!(mask >> (me->rank & 31) & 1)) {
        note_failure(me->block->launch, FS_WHERE " is not in the mask 0x%08x of the warp operation of line %u",
                     FS_OF(me), mask, site & 0xffff);
        leave(GONE);
    }
    me->block->warps[me->rank / 32].meeting |= 1u << (me->rank & 31);
    const bool last = complete(me);
    leave(last ? READY : IN_WARP_OPERATION);
    return me;
}

// What a lane gets from one that does not take part: on a GPU it is undefined.
inline float undefined_value(float) { return __builtin_nanf(""); }
inline double undefined_value(double) { return __builtin_nan(""); }
template <class T> inline T undefined_value(T) { return static_cast<T>(0xBAADBAADBAADBAADull); }

template <class T>
inline T shuffle_from(unsigned site, unsigned mask, T value, unsigned from) {
    static_assert(sizeof(T) <= 8, "4 or 8 bytes travel between lanes");
    unsigned long long bits = 0;
    memcpy(&bits, &value, sizeof value);
    const Fiber* me = meet(site, mask, bits, from);
    if (me->undefined) return undefined_value(value);
    memcpy(&value, &me->result, sizeof value);
    return value;
}

inline unsigned lane() { return self->rank & 31; }

// The rules of PTX's shfl: a source outside the segment of `width` lanes is the lane itself.
template <class T>
inline T shfl(unsigned site, unsigned mask, T value, int source, int width = 32) {
    const unsigned w = static_cast<unsigned>(width);
    return shuffle_from(site, mask, value, (lane() & ~(w - 1)) | (static_cast<unsigned>(source) & (w - 1)));
}
template <class T>
inline T shfl_up(unsigned site, unsigned mask, T value, unsigned delta, int width = 32) {
    const unsigned first = lane() & ~(static_cast<unsigned>(width) - 1);
    return shuffle_from(site, mask, value, lane() < first + delta ? lane() : lane() - delta);
}
template <class T>
inline T shfl_down(unsigned site, unsigned mask, T value, unsigned delta, int width = 32) {
    const unsigned last = lane() | (static_cast<unsigned>(width) - 1);
    return shuffle_from(site, mask, value, lane() + delta > last ? lane() : lane() + delta);
}
template <class T>
inline T shfl_xor(unsigned site, unsigned mask, T value, int bits, int width = 32) {
    const unsigned last = lane() | (static_cast<unsigned>(width) - 1), from = lane() ^ static_cast<unsigned>(bits);
    return shuffle_from(site, mask, value, from > last ? lane() : from);
}

inline unsigned ballot(unsigned site, unsigned mask, bool p) { return meet(site, mask, p, lane())->ballot; }
inline int all(unsigned site, unsigned mask, bool p) {
    const Fiber* me = meet(site, mask, p, lane());
    return me->ballot == me->partners;
}
inline void syncwarp(unsigned site, unsigned mask = 0xffffffffu) { meet(site, mask, 0, lane()); }

}  // namespace fs_shim

#define __shfl_sync(...) fs_shim::shfl(FS_SITE, __VA_ARGS__)
#define __shfl_up_sync(...) fs_shim::shfl_up(FS_SITE, __VA_ARGS__)
#define __shfl_down_sync(...) fs_shim::shfl_down(FS_SITE, __VA_ARGS__)
#define __shfl_xor_sync(...) fs_shim::shfl_xor(FS_SITE, __VA_ARGS__)
#define __ballot_sync(mask, p) fs_shim::ballot(FS_SITE, mask, (p) != 0)
#define __any_sync(mask, p) (fs_shim::ballot(FS_SITE, mask, (p) != 0) != 0)
#define __all_sync(mask, p) fs_shim::all(FS_SITE, mask, (p) != 0)
#define __syncwarp(...) fs_shim::syncwarp(FS_SITE __VA_OPT__(, ) __VA_ARGS__)
// Lanes of a warp do not run in step here: all that are left count as active.
#define __activemask() fs_shim::lanes_alive(fs_shim::self)
