#include "instructions/instruction_set.h"

#include "instructions/families.h"
#include "instructions/system_calls.h"

namespace softgpu {

const InstructionSet &instruction_set() {
    static const InstructionSet all = {
        {decode_half, decode_convert, decode_compare, decode_integer, decode_float, decode_move,
         decode_async_store, decode_load_store, decode_mbarrier, decode_bulk_copy, decode_async_copy, decode_load_matrix, decode_atomic, decode_warp,
         decode_cluster, decode_barrier, decode_tensor, decode_wmma, decode_texture, decode_video},
        system_call};
    return all;
}

}  // namespace softgpu
