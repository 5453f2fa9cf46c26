// Chooses the copy of passes.cpp for the processor at hand.
#include "passes.h"

namespace framecast {

namespace avx2 {
extern const Passes table;
}
namespace avx512 {
extern const Passes table;
}

const Passes &passes() {
    static const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return wide ? avx512::table : avx2::table;
}

}  // namespace framecast
