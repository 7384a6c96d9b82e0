// Fibers: stacks in one slab per OS thread, and the switch between them.
#pragma once

#if !defined(__x86_64__) && !defined(FS_SHIM_UCONTEXT)
#define FS_SHIM_UCONTEXT 1
#endif
#ifdef FS_SHIM_UCONTEXT
#include <ucontext.h>
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace fs_shim {

// Frames of instrumented code are several times as large.
#ifdef __SANITIZE_ADDRESS__
constexpr size_t STACK = 256 << 10;
#else
constexpr size_t STACK = 64 << 10;
#endif
constexpr size_t PAGE = 4096;
// What a switch needs at most below the stack pointer; less than this left is an overflow.
constexpr size_t RESERVE = 2048;

#ifdef FS_SHIM_UCONTEXT
using Context = ucontext_t;
inline void switch_to(Context& from, Context& to) { swapcontext(&from, &to); }
#else
using Context = void*;
extern "C" void fs_shim_switch(void** save, void* to);
// Saves what the ABI lets a callee keep. Signal masks and floating-point modes are the same in all fibers.
asm(R"(
    .text
    .p2align 4
    .hidden fs_shim_switch
    .globl fs_shim_switch
    .type fs_shim_switch, @function
fs_shim_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size fs_shim_switch, .-fs_shim_switch
)");
inline void switch_to(Context& from, Context& to) { fs_shim_switch(&from, to); }
#endif

// Let a fiber start in `entry` on the stack whose lowest byte is `stack`, its top lowered by `stagger` bytes.
inline void prepare(Context& context, char* stack, size_t stagger, void (*entry)()) {
#ifdef __SANITIZE_ADDRESS__
    __asan_unpoison_memory_region(stack, STACK);  // frames of a fiber that was here before and was given up
#endif
#ifdef FS_SHIM_UCONTEXT
    getcontext(&context);
    context.uc_stack.ss_sp = stack;
    context.uc_stack.ss_size = STACK - stagger;
    context.uc_link = nullptr;
    makecontext(&context, entry, 0);
#else
    void** top = reinterpret_cast<void**>(stack + STACK - stagger);
    *--top = nullptr;  // where a return address of entry would be: keeps the stack aligned as in a call
    *--top = reinterpret_cast<void*>(entry);
    for (int i = 0; i < 6; ++i) *--top = nullptr;
    context = top;
#endif
}

// Stacks of one OS thread: one mapping, for a mapping per fiber exhausts the kernel's limit on mappings.
class Slab {
  public:
    explicit Slab(unsigned stacks) : size_(stacks * STACK + 2 * PAGE), stacks_(stacks), used_(0), free_(0) {
        void* got = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        base_ = got == MAP_FAILED ? nullptr : static_cast<char*>(got);
        if (base_ && (mprotect(base_, PAGE, PROT_NONE) || mprotect(base_ + size_ - PAGE, PAGE, PROT_NONE))) release();
        if (base_ && !(given_back_ = new (std::nothrow) unsigned[stacks])) release();
    }
    ~Slab() { release(); }
    Slab(const Slab&) = delete;
    Slab& operator=(const Slab&) = delete;

    bool ok() const { return base_; }
    unsigned take() { return free_ ? given_back_[--free_] : used_++; }
    void give_back(unsigned stack) { given_back_[free_++] = stack; }
    void forget_all() { used_ = free_ = 0; }
    char* at(unsigned stack) const { return base_ + PAGE + stack * STACK; }
    unsigned count() const { return stacks_; }

  private:
    void release() {
        if (base_) munmap(base_, size_);
        delete[] given_back_;
        base_ = nullptr;
        given_back_ = nullptr;
    }
    char* base_ = nullptr;
    size_t size_;
    unsigned stacks_, used_, free_;
    unsigned* given_back_ = nullptr;
};

}  // namespace fs_shim
