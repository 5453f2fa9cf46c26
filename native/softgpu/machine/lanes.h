// Makes exec functions from functions of one lane.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include "program/program.h"
#include "machine/warp.h"

namespace softgpu {

// The storage type of a lane of type T: narrow integers are zero-extended to 32 bits.
template <class T> using Held = std::conditional_t<std::is_integral_v<T> && (sizeof(T) < 4), uint32_t, T>;

template <class T> inline Held<T> held(T value) {
    if constexpr (sizeof(T) < 4) return static_cast<std::make_unsigned_t<T>>(value);
    else return value;
}

// An operation that needs more than its operands is constructed from the instruction.
template <class Op> inline Op operation(const Instr &instr) {
    if constexpr (std::is_constructible_v<Op, const Instr &>) return Op(instr);
    else return Op{};
}

// Calls f(source...) with pointers to the lanes of op[first], op[first + 1]...
template <class... S, class F, size_t... I>
inline auto with_sources(const Warp &warp, const Instr &instr, int first, F f, std::index_sequence<I...>) {
    return f(static_cast<const Held<S> *>(warp.lanes<Held<S>>(instr.op[first + I]))...);
}

// d = Op(a, b, ...), lane by lane: op[0] is d of type D, the sources are of types S.
template <class Op, class D, class... S> void lanewise(Warp &warp, const Instr &instr) {
    const Op op = operation<Op>(instr);
    Held<D> *d = warp.lanes<Held<D>>(instr.op[0]);
    with_sources<S...>(warp, instr, 1, [&](const Held<S> *...source) {
        for_lanes(warp, d, [=](int l) { return held<D>(static_cast<D>(op(static_cast<S>(source[l])...))); });
    }, std::index_sequence_for<S...>());
}

// The mask of the lanes, active or not, for which Op(a, b, ...) is true. The sources begin at op[first].
template <class Op, class... S> uint32_t lanes_where(const Warp &warp, const Instr &instr, int first) {
    const Op op = operation<Op>(instr);
    return with_sources<S...>(warp, instr, first, [&](const Held<S> *...source) {
        uint32_t bits = 0;
#pragma GCC unroll 1
        for (int l = 0; l < LANES; ++l) bits |= static_cast<uint32_t>(op(static_cast<S>(source[l])...)) << l;
        return bits;
    }, std::index_sequence_for<S...>());
}

}  // namespace softgpu
