// Chooses this processor's copy of passes.cpp, cells.cpp, functions.cpp and motion.cpp, which are compiled once for
// each instruction set.
#include "block_matching.h"
#include "cells.h"
#include "elementwise.h"
#include "passes.h"

namespace framecast {

namespace avx2 {
extern const Passes table;
extern const CellPasses cell_table[3];
extern const FunctionPass function_pass;
extern const MotionPass motion_pass;
}
namespace avx512 {
extern const Passes table;
extern const CellPasses cell_table[3];
extern const FunctionPass function_pass;
extern const MotionPass motion_pass;
}

namespace {

bool wide() {
    static const bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return has;
}

}  // namespace

const Passes &passes() { return wide() ? avx512::table : avx2::table; }

const CellPasses &cell_passes(int kernel) { return (wide() ? avx512::cell_table : avx2::cell_table)[kernel / 2]; }

const FunctionPass &function_pass() { return wide() ? avx512::function_pass : avx2::function_pass; }

const MotionPass &motion_pass() { return wide() ? avx512::motion_pass : avx2::motion_pass; }

}  // namespace framecast
