#include "ptx/module.h"

#include <array>

namespace softgpu::ptx {

namespace {

struct TypeInfo {
    std::string_view name;
    int size;
    bool is_signed, is_float;
};

// In the order of Type.
constexpr std::array<TypeInfo, 29> TYPES = {{
    {"none", 0, false, false}, {"pred", 0, false, false},
    {"b8", 1, false, false}, {"u8", 1, false, false}, {"s8", 1, true, false},
    {"b16", 2, false, false}, {"u16", 2, false, false}, {"s16", 2, true, false},
    {"b32", 4, false, false}, {"u32", 4, false, false}, {"s32", 4, true, false},
    {"b64", 8, false, false}, {"u64", 8, false, false}, {"s64", 8, true, false}, {"b128", 16, false, false},
    {"f16", 2, true, true}, {"f16x2", 4, true, true}, {"bf16", 2, true, true}, {"bf16x2", 4, true, true},
    {"tf32", 4, true, true}, {"f32", 4, true, true}, {"f64", 8, true, true},
    {"e4m3x2", 2, true, true}, {"e5m2x2", 2, true, true},
    {"e4m3", 0, true, true}, {"e5m2", 0, true, true}, {"u4", 0, false, false}, {"s4", 0, true, false},
    {"b1", 0, false, false},
}};
static_assert(TYPES.size() == static_cast<size_t>(Type::b1) + 1);

const TypeInfo &info(Type type) { return TYPES[static_cast<size_t>(type)]; }

}  // namespace

int size(Type type) { return info(type).size; }
bool is_signed(Type type) { return info(type).is_signed; }
bool is_float(Type type) { return info(type).is_float; }
std::string_view name(Type type) { return info(type).name; }

Type matrix_type_of(std::string_view modifier) {
    for (size_t i = 1; i < TYPES.size(); ++i)
        if (TYPES[i].name == modifier) return static_cast<Type>(i);
    return Type::none;
}

Type type_of(std::string_view modifier) {
    const Type type = matrix_type_of(modifier);
    return type < Type::e4m3 ? type : Type::none;
}

std::string Instruction::full_opcode() const {
    std::string full = opcode;
    for (const std::string &m : modifiers) full += "." + m;
    return full;
}

}  // namespace softgpu::ptx
