// A module in executable form: instructions decoded once, registers placed, names resolved.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ptx/module.h"

namespace softgpu {

struct Warp;
struct Instr;

// Runs one instruction for the lanes of warp.active. Throws Fault.
using Exec = void (*)(Warp &warp, const Instr &instr);

// The classes of instructions that are counted.
enum class Class : uint8_t {
    integer, float32, float64, half, special, convert, move, control,
    load_global, store_global, load_shared, store_shared, local, constant, atomic, async_copy,
    warp, barrier, tensor, fence,
    count
};
const char *name(Class c);

// How the scheduler treats an instruction: most just run and continue with the next.
enum class Flow : uint8_t {
    next,
    branch,         // lanes whose guard is true jump to `target`
    table,          // brx.idx: op[0] is the index, `target` the table
    call, call_indirect, ret, exit, trap,
    barrier,        // barrier of the block
    converge        // the lanes of a mask (op[4] if has_mask, else all) execute it together: shfl, vote, mma...
};

// An operand is the byte offset of its 32 lanes. Bit 0 selects the base: the warp's registers (0) or the program's
// constants (1). One lane takes 4 bytes (8- and 16-bit values are zero-extended to 32), or 8 for 64-bit types. A
// predicate operand is twice an index into Warp::predicates (a word with one bit a lane), plus 1 for !p.
using Slot = uint32_t;
constexpr int LANES = 32;
constexpr uint32_t FULL = 0xffffffffu;
constexpr Slot NO_SLOT = 0xffffffffu;

// What an mma.sync multiplies.
struct TensorKind {
    std::string_view shape;     // "m16n8k16"
    ptx::Type type;             // of the elements of a
    uint32_t flop;              // multiplications and additions of one instruction of a warp: 2 * m * n * k
    Exec trial = nullptr;       // runs for the instruction to find its undefined results (machine/trials.h)
};

// Which bytes of the results are undefined if bytes of the sources are (machine/undefined.h). Of an instruction that
// lanes execute together, the results of all lanes. By trial means: the instruction runs with other values instead.
enum class Spread : uint8_t {
    all,            // all
    decided,        // all, if one differs by trial: order, and what is monotone
    bits,           // those that differ by trial: each bit of a result depends on one bit of each source
    upwards,        // from the lowest one on that differs by trial: sums and products of integers
    halves,         // the lower half of a result by the lower halves of the sources, and the upper one likewise; of two
                    // predicates, the second by the upper halves
    pair            // the upper half by op[1], the lower one by op[2]
};

// The bit of Instr::flags of an access to .shared::cluster.
constexpr uint8_t IN_CLUSTER = 64;

struct Instr {
    Exec exec = nullptr;
    Slot op[5] = {NO_SLOT, NO_SLOT, NO_SLOT, NO_SLOT, NO_SLOT};  // results first, then sources, in PTX's order
    uint32_t more = 0;          // first index in Program::slots of elements of vectors and fragments, in PTX's order
    int64_t imm = 0;            // offset of an address, or a modifier's value
    uint32_t target = 0;        // of a branch: an index into Program::code; of brx.idx: into tables; of a call: into
                                // calls; else for the exec function
    uint32_t line = 0;          // of the PTX text
    ptx::SourceLine source;
    const TensorKind *tensor = nullptr;     // of an mma.sync; never freed
    uint32_t guard = 0;         // index into Warp::predicates; where unguarded, the one that is always all true
    uint32_t guard_flip = 0;    // xor-ed to it: FULL for @!p
    Flow flow = Flow::next;
    Class cls = Class::integer;
    ptx::Space space = ptx::Space::generic;
    uint8_t width = 0;          // elements of a vector access
    uint8_t flags = 0;          // for the exec function
    bool has_mask = false;
    bool cached = false;        // reads global memory through the level 1 cache
    bool streams = false;       // says that its data are used once
    bool before_cas = false;    // a load whose value atom.cas compares with (cas_reads.h)
    Spread spread = Spread::all;
    uint8_t steers = 0;         // bit n: if op[n] is undefined, so is all of the result, whatever `spread` says
    uint8_t compares = 0;       // if not 0: op[compares] and the next one are compared, also for equality
    bool takes_carry = false, sets_carry = false;   // for `spread`: the carry is a source, a result
    uint8_t decides = 0;        // bit n: op[n] is an address or the like, which must be defined; bit 5: those in slots
};

// A register or predicate that an instruction names.
struct Reference {
    Slot slot;
    uint32_t where;             // below 5: op[where]; else 5 and its index in Program::slots
    bool result;
    uint8_t bytes;              // of the register; 0 for a predicate
    bool predicate() const { return bytes == 0; }
    uint32_t lane_bytes() const { return bytes == 8 ? 8 : 4; }
};

// Special registers that are constant while a block runs. The executor writes them when the block begins.
enum class Special : uint8_t {
    tid_x, tid_y, tid_z, ntid_x, ntid_y, ntid_z, ctaid_x, ctaid_y, ctaid_z, nctaid_x, nctaid_y, nctaid_z,
    laneid, warpid, nwarpid, smid, nsmid, gridid,
    lanemask_eq, lanemask_le, lanemask_lt, lanemask_ge, lanemask_gt,
    dynamic_smem_size, total_smem_size, aggr_smem_size,
    grid_workspace_low, grid_workspace_high,    // %envreg2, %envreg1
    reserved_begin, reserved_end, reserved_own, reserved_bytes,     // %reserved_smem_offset_begin, _end, _1, _cap
    zero,               // what is not used
    clusterid_x, clusterid_y, clusterid_z, nclusterid_x, nclusterid_y, nclusterid_z,
    cluster_ctaid_x, cluster_ctaid_y, cluster_ctaid_z, cluster_nctaid_x, cluster_nctaid_y, cluster_nctaid_z,
    cluster_ctarank, cluster_nctarank, is_explicit_cluster,
    dynamic_shared      // not PTX's: where the dynamic shared memory begins
};

struct Program;
struct Coverage;

// A parameter, a result, or what is passed for it: its place in a frame in local memory.
struct FramePart {
    uint32_t offset, bytes;
};

// A call instruction.
struct CallSite {
    uint32_t caller = 0;                // indices into Program::functions
    uint32_t callee = 0;                // NO_FUNCTION for an indirect call
    std::vector<FramePart> arguments;   // in the caller's frame, in the order of the callee's parameters
    std::vector<FramePart> results;
    bool saves_registers = false;       // the callee can call the caller again (recursion)
};
constexpr uint32_t NO_FUNCTION = 0xffffffffu;

// One kernel or device function in Program::code.
struct FunctionCode {
    std::string name;
    uint32_t entry = 0, end = 0;        // [entry, end) in Program::code
    uint32_t frame_bytes = 0;           // local memory of a thread: .local variables, call arguments, own parameters
    uint32_t registers = 0;             // estimate of ptxas's count: the most live 32-bit values
    std::vector<FramePart> parameters, results;     // of a device function, in its frame
    uint32_t first_register = 0, register_bytes = 0;    // its part of a warp's registers
    std::vector<std::pair<uint32_t, bool>> places;      // offsets from first_register, and whether of 64-bit lanes
    uint32_t first_predicate = 0, predicates = 0;
};

// What a launch of one entry needs.
struct Kernel {
    std::string name;
    const Program *program = nullptr;
    uint32_t function = 0;              // index into Program::functions
    uint32_t parameter_bytes = 0;
    struct Parameter { uint32_t offset, bytes, align; };
    std::vector<Parameter> parameters;
    uint32_t static_shared = 0;         // bytes, including all functions it can call
    uint32_t local_bytes = 0;           // of a thread, at its deepest (recursion aside)
    uint32_t registers = 0;             // estimate, including all functions it can call
    uint32_t max_threads = 1024;        // .maxntid and what registers allow
    uint32_t required_threads[3] = {0, 0, 0};
    uint32_t cluster[3] = {0, 0, 0};    // .reqnctapercluster; 0: not given
};

// All the code of a module.
struct Program {
    ptx::Module source;
    std::vector<Instr> code;
    std::vector<uint32_t> slots;                // see Instr::more
    std::vector<Reference> references;          // of each instruction in turn
    std::vector<uint32_t> first_reference;      // of each instruction, and the end
    std::vector<std::vector<uint32_t>> tables;  // of brx.idx
    std::vector<uint32_t> constants;            // 32 lanes of each immediate, see Slot
    std::vector<FunctionCode> functions;
    std::vector<CallSite> calls;
    std::vector<Kernel> kernels;
    uint32_t register_bytes = 0;                // of a warp
    uint32_t predicates = 0;                    // of a warp
    std::vector<std::pair<Special, Slot>> specials;     // the special registers that some instruction reads
    bool has_calls = false;
    bool uses_reserved_shared = false;          // of %reserved_smem_offset_begin and its kind
    bool has_addresses = false;                 // of one module's variables in device memory
    uint64_t fingerprint = 0;                   // of the PTX text: FNV-1a of its lines, each with a newline after it
    Coverage *coverage = nullptr;               // its record (coverage.h), if it has one
};

}  // namespace softgpu
