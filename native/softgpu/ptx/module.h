// The result of parsing PTX: one module with its variables and functions, names resolved. The parser knows only PTX's
// grammar; program/decoder.cpp knows the meaning of opcodes.
#pragma once

#include <compare>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace softgpu::ptx {

enum class Type : uint8_t {
    none, pred,
    b8, u8, s8, b16, u16, s16, b32, u32, s32, b64, u64, s64, b128,
    f16, f16x2, bf16, bf16x2, tf32, f32, f64,
    e4m3x2, e5m2x2,
    e4m3, e5m2, u4, s4, b1      // of matrices only
};

// Bytes of one value: 0 for none, pred and the types of matrices only, 4 for the packed pairs of halves and for tf32.
int size(Type type);
bool is_signed(Type type);
bool is_float(Type type);
std::string_view name(Type type);
// The type named by a modifier ("u32"), or Type::none. The second also knows those of matrices only.
Type type_of(std::string_view modifier);
Type matrix_type_of(std::string_view modifier);

enum class Space : uint8_t { generic, global, shared, local, param, constant };

struct SourceLine {
    uint32_t file = 0;  // index into Module::files; 0 where .loc said nothing
    uint32_t line = 0;  // from 1
    uint32_t inlined = 0;   // index into Module::inlined_calls: the call that was inlined here; or 0

    auto operator<=>(const SourceLine &) const = default;
};

struct Operand {
    enum class Kind : uint8_t {
        reg,        // reg; negated for !p and, in vmad, -r; of a video instruction, name is the part selected ("b0")
        integer,    // integer, as its 64 bits
        floating,   // bits of 0f... (is_double false) or 0d... (true); decimal literals are doubles
        symbol,     // variable or function by name, plus offset
        address,    // [base + offset], base a reg, a symbol or an absolute integer: `base` says which. What follows
                    // it in the brackets, such as coordinates, is in parts
        vector,     // {a, b, ...} in parts
        label,      // index of the instruction it names, in `target`
        special,    // %tid.x and its kind, by name with its component
        pair,       // a|b in parts: p|q of setp and shfl
        list,       // ( a, b ) in parts: arguments of a call
        sink        // _
    };
    Kind kind = Kind::sink;
    Kind base = Kind::sink;     // of an address: reg, symbol or integer
    bool negated = false;
    bool is_double = false;
    uint32_t reg = 0;           // index into Function::registers
    int32_t variable = -1;      // of a symbol or an address: index into Function::variables where the body declares it
    uint32_t target = 0;        // index into Function::body; for a jump table (.branchtargets), into Function::tables
    uint64_t integer = 0;       // value, or bits of a float
    int64_t offset = 0;
    std::string name;           // of a symbol, a label or a special register ("%tid.x"); see reg
    std::vector<Operand> parts;
};

// Operands are in PTX's order. A call always has four: the list of results, the callee (a symbol or a reg), the list of
// arguments, and the prototype or the list of possible callees of an indirect call (else a sink).
struct Instruction {
    std::string opcode;                     // "ld"
    std::vector<std::string> modifiers;     // "global", "nc", "v4", "f32"; "::" stays inside one ("L2::128B")
    std::vector<Operand> operands;
    int32_t guard = -1;                     // register of @p, or -1
    bool guard_negated = false;
    uint32_t line = 0;                      // of the PTX text, from 1
    SourceLine source;

    bool has(std::string_view modifier) const {
        for (const std::string &m : modifiers)
            if (m == modifier) return true;
        return false;
    }
    std::string full_opcode() const;        // "ld.global.nc.v4.f32"
};

struct Register {
    std::string name;
    Type type = Type::none;
};

// Eight bytes of an initialiser, at `at`: the address of `symbol` + addend.
struct Relocation {
    uint64_t at = 0;
    std::string symbol;
    int64_t addend = 0;
    bool generic = false;
};

struct Variable {
    Space space = Space::global;
    Type type = Type::none;                 // of an element
    std::string name;
    uint64_t align = 1;
    uint64_t bytes = 0;                     // 0 for an extern array without a size (dynamic shared memory)
    bool is_extern = false;
    bool is_texture = false;                // .texref: eight bytes, the handle of what is bound to it
    std::vector<uint8_t> initial;           // empty, or `bytes` of them
    std::vector<Relocation> relocations;
    uint32_t line = 0;
};

struct Function {
    std::string name;
    bool is_entry = false;
    bool is_extern = false;                 // declared, not defined (vprintf)
    std::vector<Variable> results;          // .param space; one in .reg has Space::generic and a register of its name
    std::vector<Variable> parameters;
    std::vector<Register> registers;        // all scopes; a shadowing declaration has its own entry
    std::vector<Variable> variables;        // of the body: .shared, .local, .param (call arguments)
    std::vector<Variable> globals;          // of the body: .global, .const; the parser moves them to Module::variables
    std::vector<Instruction> body;
    std::vector<std::vector<uint32_t>> tables;      // .branchtargets, as indices into body
    std::vector<std::string> prototypes;            // names of .callprototype labels
    std::vector<std::pair<std::string, uint32_t>> labels;   // name and index into body (may be body.size())
    uint32_t max_threads[3] = {0, 0, 0};    // .maxntid; 0: not given
    uint32_t required_threads[3] = {0, 0, 0};   // .reqntid
    uint32_t cluster[3] = {0, 0, 0};        // .reqnctapercluster
    uint32_t min_blocks = 0;                // .minnctapersm
    uint32_t max_registers = 0;             // .maxnreg
    uint32_t line = 0;
};

struct Module {
    int version_major = 0, version_minor = 0;
    std::string target;                     // "sm_80", "sm_90a"
    int address_bits = 64;
    std::vector<std::string> files;         // as .file numbers them; entry 0 is empty
    std::vector<SourceLine> inlined_calls;  // of functions that were inlined; entry 0 is empty
    std::vector<Variable> variables;        // of the module: .global, .const, .shared
    std::vector<Function> functions;        // a definition replaces its declaration
    std::vector<std::string> text;          // the lines of the PTX, for reports and listings
};

// An error in a PTX text, with its line.
class Error : public std::runtime_error {
public:
    Error(uint32_t line, const std::string &what)
        : std::runtime_error("PTX line " + std::to_string(line) + ": " + what), line(line) {}
    const uint32_t line;
};

}  // namespace softgpu::ptx
