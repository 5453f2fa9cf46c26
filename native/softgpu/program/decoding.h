// Helpers for the decoders of arithmetic: modifiers are consumed one by one, so that unknown ones are detected;
// operands in order; template instances by PTX type.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "program/operands.h"

namespace softgpu {

class Decoding {
public:
    Decoding(const ptx::Instruction &in, Instr &instr, Operands &operands)
        : in(in), instr(instr), operands(operands), left_(in.modifiers.begin(), in.modifiers.end()) {}

    const ptx::Instruction &in;
    Instr &instr;
    Operands &operands;

    // Whether the modifier is present; consumes it.
    bool take(std::string_view modifier) {
        for (auto m = left_.begin(); m != left_.end(); ++m) {
            if (*m != modifier) continue;
            left_.erase(m);
            return true;
        }
        return false;
    }
    // The index of the modifier that is present, or `otherwise`.
    int take_one(std::initializer_list<std::string_view> modifiers, int otherwise = -1) {
        int index = 0;
        for (std::string_view m : modifiers) {
            if (take(m)) return index;
            ++index;
        }
        return otherwise;
    }
    // The same, if one of them must be present.
    int need_one(std::initializer_list<std::string_view> modifiers) {
        const int index = take_one(modifiers);
        if (index < 0) {
            std::string names;
            for (std::string_view m : modifiers) names.append(" .").append(m);
            operands.reject("needs one of" + names);
        }
        return index;
    }
    // The last modifier, which is the type in most instructions.
    ptx::Type take_type(ptx::Type (*named)(std::string_view) = ptx::type_of) {
        const ptx::Type type = left_.empty() ? ptx::Type::none : named(left_.back());
        if (type != ptx::Type::none) left_.pop_back();
        return type;
    }

    // Operand 0 is the result, the others are sources; as many as types.
    void bind(std::initializer_list<ptx::Type> types) {
        expect(types.size());
        int index = 0;
        for (ptx::Type type : types) {
            if (index == 0) operands.result(index, in.operands[index], type);
            else operands.source(index, in.operands[index], type);
            ++index;
        }
    }
    void expect(size_t count) {
        if (in.operands.size() != count) operands.reject("needs " + std::to_string(count) + " operands");
    }
    // Call this after all known modifiers are consumed: rejects the others.
    void finish(Exec exec) {
        if (!left_.empty()) operands.reject("modifier ." + std::string(left_.front()) + " is not provided here");
        if (!exec) operands.reject("not provided for this type");
        instr.exec = exec;
    }

private:
    std::vector<std::string_view> left_;
};

// Opcodes by name, each with the function that decodes it.
using Opcodes = std::unordered_map<std::string_view, void (*)(Decoding &)>;

inline bool is_integer(ptx::Type type) { return type >= ptx::Type::b8 && type <= ptx::Type::b128; }

template <class T> constexpr ptx::Type type_for = ptx::Type::none;
template <> inline constexpr ptx::Type type_for<uint16_t> = ptx::Type::u16;
template <> inline constexpr ptx::Type type_for<int16_t> = ptx::Type::s16;
template <> inline constexpr ptx::Type type_for<uint32_t> = ptx::Type::u32;
template <> inline constexpr ptx::Type type_for<int32_t> = ptx::Type::s32;
template <> inline constexpr ptx::Type type_for<uint64_t> = ptx::Type::u64;
template <> inline constexpr ptx::Type type_for<int64_t> = ptx::Type::s64;
template <> inline constexpr ptx::Type type_for<float> = ptx::Type::f32;
template <> inline constexpr ptx::Type type_for<double> = ptx::Type::f64;

// make<T>() for the one of the types T that `type` is, or null.
template <class... T, class Make> Exec pick(ptx::Type type, Make make) {
    Exec exec = nullptr;
    ((type == type_for<T> && (exec = make.template operator()<T>())), ...);
    return exec;
}
template <class Make> Exec pick_integer(ptx::Type type, Make make) {
    return pick<uint16_t, int16_t, uint32_t, int32_t, uint64_t, int64_t>(type, make);
}
// For types of 32 and 64 bits only, as in most bit instructions.
template <class Make> Exec pick_word(ptx::Type type, Make make) {
    return pick<uint32_t, int32_t, uint64_t, int64_t>(type, make);
}
template <class Make> Exec pick_signed(ptx::Type type, Make make) {
    return pick<int16_t, int32_t, int64_t>(type, make);
}
// For the types .b16, .b32 and .b64.
template <class Make> Exec pick_bits(ptx::Type type, Make make) {
    using enum ptx::Type;
    return pick<uint16_t, uint32_t, uint64_t>(type == b16 ? u16 : type == b32 ? u32 : type == b64 ? u64 : none, make);
}

// Rejects a modifier that is not in this list, not a type and, with `hints`, not a cache hint.
inline void require_known(const ptx::Instruction &in, Operands &operands, std::initializer_list<std::string_view> known,
                          bool hints = false) {
    for (const std::string &m : in.modifiers) {
        bool found = ptx::type_of(m) != ptx::Type::none;
        for (std::string_view k : known) found = found || m == k;
        if (hints) found = found || m.rfind("L1::", 0) == 0 || m.rfind("L2::", 0) == 0;
        if (!found) operands.reject("the modifier ." + m + " is not provided");
    }
}

}  // namespace softgpu
