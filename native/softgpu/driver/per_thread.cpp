// Variants of functions for programs that are compiled with a default stream per thread: a null stream is
// CU_STREAM_PER_THREAD in them. A variant marks the call and goes on to the function.
#include "driver/state/call.h"

#define PER_THREAD(name, variant)                                                                          \
    asm(".pushsection .text\n.globl " #variant "\n.type " #variant ",@function\n" #variant ":\n"            \
        "movq null_stream_is_per_thread@gottpoff(%rip), %rax\nmovb $1, %fs:(%rax)\njmp " #name "@PLT\n"   \
        ".size " #variant ",.-" #variant "\n.popsection");
#include "driver/per_thread.inc"
#undef PER_THREAD
