// wmma.load, wmma.store and wmma.mma (PTX manual, "Warp Level Matrix Instructions using wmma"): the matrix instructions
// of nvcuda::wmma.
//
// The manual leaves open which elements a lane holds. Here, the elements of a matrix are numbered as they lie in
// memory, along its rows (.row, and c and d) or its columns (.col), and lane l holds n consecutive ones from l * n on. A matrix
// of f16 has more registers than that takes for some shapes: they repeat the elements.
//
// Sums are computed as those of mma.sync (tensor.cpp): in double, in the order of k, rounded once.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>

#include "base/formats.h"
#include "instructions/addressing.h"
#include "instructions/families.h"
#include "machine/memory.h"
#include "machine/warp.h"
#include "program/decoding.h"
#include "program/target.h"

namespace softgpu {
namespace {

using ptx::Operand;
using ptx::Space;
using ptx::Type;
using enum ptx::Type;

constexpr int MOST_ROWS = 32;                           // or columns, of a matrix
constexpr uint32_t MOST_BYTES = 16;                     // of one access of a lane

int bytes_of(Type type) { return type == tf32 ? 4 : ptx::size(type); }

// A matrix in the registers of a warp.
struct Fragment {
    int rows = 0, columns = 0;
    Type type = none;
    bool column_major = false;  // the elements of a lane go down a column
    int registers = 0;

    int elements() const { return rows * columns / LANES; }     // of a lane, which are in one line
    int line() const { return column_major ? rows : columns; }  // a power of two
    int per_register() const { return type == f64 ? 1 : 4 / bytes_of(type); }
    bool wide() const { return type == f64; }
};

// The line of element e of a lane, and where it is in it.
struct Index {
    int major, minor;
};
Index index_of(const Fragment &f, int lane, int e) {
    const int at = lane * f.elements() + e;
    return {at >> std::countr_zero(static_cast<uint32_t>(f.line())), at & (f.line() - 1)};
}

struct Shape {
    std::string_view name;
    int m, n, k;
};
constexpr Shape SHAPES[] = {{"m16n16k16", 16, 16, 16}, {"m8n32k16", 8, 32, 16}, {"m32n8k16", 32, 8, 16},
                            {"m16n16k8", 16, 16, 8}, {"m8n8k4", 8, 8, 4}};

bool has_operands(const Shape &shape, Type type) {
    switch (type) {
    case f16: case bf16: case s8: case u8: return shape.k == 16;
    case tf32: return shape.k == 8;
    case f64: return shape.k == 4;
    default: return false;
    }
}
bool has_accumulators(const Shape &shape, Type type) {
    switch (type) {
    case f16: case s32: return shape.k == 16;
    case f32: return shape.k != 4;
    case f64: return shape.k == 4;
    default: return false;
    }
}

Fragment fragment(const Shape &shape, char role, Type type, bool column_major) {
    Fragment f;
    f.rows = role == 'b' ? shape.k : shape.m;
    f.columns = role == 'a' ? shape.k : shape.n;
    f.type = type;
    const bool operand = role == 'a' || role == 'b';
    f.column_major = operand && column_major;
    f.registers = operand && type == f16 ? 8 : f.elements() / f.per_register();
    return f;
}

[[gnu::always_inline]] inline double number(Type type, uint64_t bits) {
    switch (type) {
    case f16: return widen<F16, double>(static_cast<uint32_t>(bits));
    case bf16: return widen<BF16, double>(static_cast<uint32_t>(bits));
    case tf32: return std::bit_cast<float>(static_cast<uint32_t>(bits) & ~0x1fffu);     // its lowest bits are ignored
    case f32: return std::bit_cast<float>(static_cast<uint32_t>(bits));
    case s8: return static_cast<int8_t>(bits);
    case u8: return static_cast<uint8_t>(bits);
    case s32: return static_cast<int32_t>(bits);
    default: return std::bit_cast<double>(bits);
    }
}

[[gnu::always_inline]] inline uint64_t bits_of(Type type, double sum, bool satfinite) {
    switch (type) {
    case f16: return narrow<F16, Round::nearest>(sum);
    case f32: return std::bit_cast<uint32_t>(canonical(static_cast<float>(sum)));
    case s32:
        if (satfinite)
            sum = std::clamp<double>(sum, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max());
        return static_cast<uint32_t>(static_cast<int64_t>(sum));
    default: return std::bit_cast<uint64_t>(sum);
    }
}

// An element in the registers of a fragment: of which register, and from which bit on.
struct Part {
    int number;
    int shift;
    uint32_t mask;
};
Part part_of(const Fragment &f, int e) {
    const int bits = 8 * bytes_of(f.type), per = f.per_register();
    return {e / per, e % per * bits, bits >= 32 ? ~0u : (1u << bits) - 1};
}
// Of how many registers the elements are; more repeat them.
int distinct_registers(const Fragment &f) { return f.elements() / f.per_register(); }

uint64_t element(const Warp &w, const Fragment &f, const Slot *slots, int lane, int e) {
    const Part part = part_of(f, e);
    if (f.wide()) return w.lanes<uint64_t>(slots[part.number])[lane];
    return w.lanes<uint32_t>(slots[part.number])[lane] >> part.shift & part.mask;
}

void set_element(Warp &w, const Fragment &f, const Slot *slots, int lane, int e, uint64_t value) {
    const Part part = part_of(f, e);
    if (f.wide()) {
        w.lanes<uint64_t>(slots[part.number])[lane] = value;
        return;
    }
    for (int r = part.number; r < f.registers; r += distinct_registers(f)) {
        uint32_t &word = w.lanes<uint32_t>(slots[r])[lane];
        word = (word & ~(part.mask << part.shift)) | (static_cast<uint32_t>(value) & part.mask) << part.shift;
    }
}

// Calls f with the type as a constant, so that a loop in it is compiled for each.
template <class F> void with_type(Type type, F f) {
    switch (type) {
    case f16: return f(std::integral_constant<Type, f16>());
    case bf16: return f(std::integral_constant<Type, bf16>());
    case tf32: return f(std::integral_constant<Type, tf32>());
    case f32: return f(std::integral_constant<Type, f32>());
    case s8: return f(std::integral_constant<Type, s8>());
    case u8: return f(std::integral_constant<Type, u8>());
    case s32: return f(std::integral_constant<Type, s32>());
    default: return f(std::integral_constant<Type, f64>());
    }
}

// By row and column.
using Numbers = double[MOST_ROWS][MOST_ROWS];

void read(const Warp &w, const Fragment &f, const Slot *slots, Numbers &to) {
    with_type(f.type, [&](auto type) {
        using Lane = std::conditional_t<type() == f64, uint64_t, uint32_t>;
        const int row = f.column_major ? 1 : MOST_ROWS, column = f.column_major ? MOST_ROWS : 1;
        for (int e = 0; e < f.elements(); ++e) {
            const Part part = part_of(f, e);
            const Lane *const from = w.lanes<Lane>(slots[part.number]);
            for (int l = 0; l < LANES; ++l) {
                const Index at = index_of(f, l, e);
                const Lane bits = type() == f64 ? from[l] : from[l] >> part.shift & part.mask;
                (&to[0][0])[at.major * row + at.minor * column] = number(type, bits);
            }
        }
    });
}

// The elements of a lane are rounded to d's type and placed in its registers.
void write(Warp &w, const Fragment &f, const Slot *slots, const Numbers &from, bool satfinite) {
    with_type(f.type, [&](auto type) {
        for (int e = 0; e < f.elements(); ++e)
            for (int l = 0; l < LANES; ++l) {
                const Index at = index_of(f, l, e);
                set_element(w, f, slots, l, e, bits_of(type, from[at.major][at.minor], satfinite));
            }
    });
}

void need_target_of(Type type, Operands &operands) {
    if (type == bf16 || type == tf32 || type == f64) need_target(operands, 80);
}

// ---- Loads and stores -----------------------------------------------------------------------------------------------

struct Transfer {
    std::string_view shape, role;
    Fragment fragment;
    bool column_major;      // in memory
    Type type;
    uint32_t per_element = 1;   // of the fragment: elements smaller than a byte are loaded as words
};

// All there are, by number: Instr::target.
const std::vector<Transfer> &transfers() {
    static const std::vector<Transfer> all = [] {
        std::vector<Transfer> made;
        for (const Shape &shape : SHAPES)
            for (const bool column : {false, true})
                for (const Type type : {f16, bf16, tf32, f32, s8, u8, s32, f64}) {
                    if (has_operands(shape, type))
                        for (const char *role : {"a", "b"})
                            made.push_back({shape.name, role, fragment(shape, *role, type, column), column, type});
                    if (has_accumulators(shape, type))
                        made.push_back({shape.name, "c", fragment(shape, 'c', type, column), column, type});
                }
        // These are multiplied as by mma.sync (tensor.cpp), whose fragments have the same elements in the same lanes.
        for (const auto &[shape, type, per_word] : {std::tuple("m8n8k32", s4, 8u), {"m8n8k32", u4, 8u},
                                                    {"m8n8k128", b1, 32u}}) {
            made.push_back({shape, "a", {8, 4, b32, false, 1}, false, type, per_word});
            made.push_back({shape, "b", {4, 8, b32, true, 1}, true, type, per_word});
        }
        for (const char *shape : {"m8n8k32", "m8n8k128"})
            for (const bool column : {false, true})
                made.push_back({shape, "c", {8, 8, s32, false, 2}, column, s32});
        return made;
    }();
    return all;
}

// What is undefined of elements that are loaded or stored: those from `first` on, which lie together.
template <bool STORE> void pass_origins(Warp &w, const Instr &i, const Unwritten &unwritten, Space space,
                                        const uint64_t *address, uint32_t mask, int first, int together) {
    const Fragment &f = transfers()[i.target].fragment;
    const Slot *const slots = w.slots + i.more;
    const int per = f.per_register(), repeat = distinct_registers(f);
    const auto bytes = static_cast<uint32_t>(bytes_of(f.type));
    for (uint32_t rest = mask; rest; rest &= rest - 1)
        for (int x = 0; x < together; ++x) {
            const int l = __builtin_ctz(rest), r = (first + x) / per;
            const uint32_t offset = static_cast<uint32_t>(x) * bytes;
            const auto within = static_cast<uint32_t>((first + x) % per) * bytes;
            if (STORE) store_origins(w, space, address[l] + offset, bytes, {slots[r], l, f.wide(), within});
            for (int to = r; !STORE && to < f.registers; to += repeat)
                add_origins(w, {i, unwritten, space, l, address[l]}, offset, bytes, {slots[to], l, f.wide(), within});
        }
}

// Loads or stores element e.
template <bool STORE> void move_elements(Warp &w, const Fragment &f, const Slot *slots, std::byte *const *at,
                                         uint32_t mask, int e) {
    const auto bytes = static_cast<size_t>(bytes_of(f.type));
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        uint64_t value = 0;
        if (STORE) value = element(w, f, slots, l, e), std::memcpy(at[l], &value, bytes);
        else std::memcpy(&value, at[l], bytes), set_element(w, f, slots, l, e, value);
    }
}

// Loads or stores the registers from that of element e on: in memory, too, the elements of a register are one word.
template <bool STORE> void move_registers(Warp &w, const Fragment &f, const Slot *slots, std::byte *const *at,
                                          uint32_t mask, int e, int bytes) {
    const auto move = [&](auto *lane, size_t offset) {
        for (uint32_t rest = mask; rest; rest &= rest - 1) {
            const int l = __builtin_ctz(rest);
            if (STORE) std::memcpy(at[l] + offset, lane + l, sizeof *lane);
            else std::memcpy(lane + l, at[l] + offset, sizeof *lane);
        }
    };
    const int register_bytes = f.wide() ? 8 : 4, first = part_of(f, e).number;
    for (int r = 0; r < bytes / register_bytes; ++r)
        for (int to = first + r; to < (STORE ? first + r + 1 : f.registers); to += distinct_registers(f)) {
            const auto offset = static_cast<size_t>(r * register_bytes);
            if (f.wide()) move(w.lanes<uint64_t>(slots[to]), offset);
            else move(w.lanes<uint32_t>(slots[to]), offset);
        }
}

template <bool STORE> void transfer(Warp &w, const Instr &i) {
    const Transfer &t = transfers()[i.target];
    const Fragment &f = t.fragment;
    const int bytes = bytes_of(f.type), elements = f.elements();
    const int line = t.column_major ? f.rows : f.columns;
    const bool along = t.column_major == f.column_major;    // a lane's elements are consecutive in memory
    const int together = along ? std::min(elements, static_cast<int>(MOST_BYTES) / bytes) : 1;
    const Slot *const slots = w.slots + i.more;
    uint64_t base[LANES];
    addresses(w, i, i.op[0], base);
    by_space(w, i, base, [&](Space space, uint32_t mask) {
        for (int e = 0; e < elements; e += together) {
            uint64_t address[LANES];
            std::byte *at[LANES];
            for (int l = 0; l < LANES; ++l) {
                auto [major, minor] = index_of(f, l, e);
                if (!along) std::swap(major, minor);
                const uint64_t stride = i.op[1] == NO_SLOT ? static_cast<uint64_t>(line) * t.per_element
                                                           : w.lanes<uint32_t>(i.op[1])[l];
                address[l] = base[l] + static_cast<uint64_t>(major) * stride * bytes / t.per_element +
                             static_cast<uint64_t>(minor) * bytes;
            }
            Unwritten unwritten;
            resolve(w, i, space, address, mask, static_cast<uint32_t>(together * bytes),
                    STORE ? Access::store : Access::load, at, nullptr, &unwritten);
            if (unwritten.lanes || w.undefined) [[unlikely]]
                pass_origins<STORE>(w, i, unwritten, space, address, mask, e, together);
            if (along) move_registers<STORE>(w, f, slots, at, mask, e, together * bytes);
            else move_elements<STORE>(w, f, slots, at, mask, e);
        }
    });
}

bool decode_transfer(Decoding &d) {
    const bool store = d.take("store");
    if (!store && !d.take("load")) return false;
    constexpr const char *ROLES[] = {"a", "b", "c"};
    const char *const role = store ? (d.need_one({"d"}), "c") : ROLES[d.need_one({"a", "b", "c"})];
    for (std::string_view modifier : {"sync", "aligned"}) d.need_one({modifier});
    const bool column_major = d.need_one({"row", "col"}) == 1;
    const Type type = d.take_type(ptx::matrix_type_of);
    const Space space = space_of(d.in);
    d.take_one({"global", "shared", "shared::cta"});
    const auto &all = transfers();
    const auto found = std::ranges::find_if(all, [&](const Transfer &t) {
        return t.role == role && t.column_major == column_major && t.type == type && d.take(t.shape);
    });
    if (found == all.end()) d.operands.reject("this shape is not provided for this type");
    if (d.in.operands.size() != 2 && d.in.operands.size() != 3) d.operands.reject("needs 2 or 3 operands");
    const Operand &registers = d.in.operands[store ? 1 : 0];
    const Fragment &f = found->fragment;
    if (registers.kind != Operand::Kind::vector || registers.parts.size() != static_cast<size_t>(f.registers))
        d.operands.reject("needs " + std::to_string(f.registers) + " registers");
    const Type lane = f.wide() ? f64 : type == f32 ? f32 : b32;
    if (store) d.operands.more_sources(registers, lane);
    else d.operands.more_results(registers, lane);
    decode_address(d.in.operands[store ? 0 : 1], 0, space, d.instr, d.operands);
    if (d.in.operands.size() == 3) d.operands.source(1, d.in.operands[2], u32);
    d.instr.decides |= 1 << 1;
    need_target_of(type, d.operands);
    d.instr.target = static_cast<uint32_t>(found - all.begin());
    d.instr.cls = space == Space::shared ? (store ? Class::store_shared : Class::load_shared)
                                         : (store ? Class::store_global : Class::load_global);
    d.finish(store ? transfer<true> : transfer<false>);
    return true;
}

// ---- Products -------------------------------------------------------------------------------------------------------

struct Product : TensorKind {
    Fragment a, b, c, d;
    bool a_column, b_column, satfinite;
};

const std::vector<Product> &products() {
    static const std::vector<Product> &all = *new std::vector<Product>([] {     // never freed, as TensorKind is
        struct Types {
            Type d, c, a, b;
        };
        constexpr Types TYPES[] = {{f16, f16, f16, f16}, {f16, f32, f16, f16}, {f32, f16, f16, f16}, {f32, f32, f16, f16},
                                   {f32, f32, bf16, bf16}, {f32, f32, tf32, tf32}, {s32, s32, s8, s8}, {s32, s32, u8, u8},
                                   {f64, f64, f64, f64}};
        std::vector<Product> made;
        for (const Shape &shape : SHAPES)
            for (const Types &t : TYPES) {
                if (!has_operands(shape, t.a) || !has_accumulators(shape, t.c)) continue;
                for (const bool a_column : {false, true})
                    for (const bool b_column : {false, true})
                        for (const bool satfinite : {false, true}) {
                            if (satfinite && t.d != s32) continue;
                            made.push_back({{shape.name, t.a, static_cast<uint32_t>(2 * shape.m * shape.n * shape.k)},
                                            fragment(shape, 'a', t.a, a_column), fragment(shape, 'b', t.b, b_column),
                                            fragment(shape, 'c', t.c, false), fragment(shape, 'd', t.d, false), a_column,
                                            b_column, satfinite});
                        }
            }
        return made;
    }());
    return all;
}

void multiply(Warp &w, const Instr &i) {
    const Product &p = *static_cast<const Product *>(i.tensor);
    const Slot *const d = w.slots + i.more, *const a = d + p.d.registers, *const b = a + p.a.registers,
               *const c = b + p.b.registers;
    Numbers left, right, sums;
    read(w, p.a, a, left);
    read(w, p.b, b, right);
    read(w, p.c, c, sums);
    for (int row = 0; row < p.d.rows; ++row)
        for (int k = 0; k < p.a.columns; ++k)
            // Products are exact but those of f64, which are fused.
            for (int n = 0; n < p.d.columns; ++n) sums[row][n] = std::fma(left[row][k], right[k][n], sums[row][n]);
    write(w, p.d, d, sums, p.satfinite);
}

void decode_product(Decoding &d) {
    for (std::string_view modifier : {"mma", "sync", "aligned"}) d.need_one({modifier});
    const bool satfinite = d.take("satfinite");
    std::vector<bool> columns;      // of a and b: column-major
    for (const std::string &m : d.in.modifiers)
        if (m == "row" || m == "col") columns.push_back(m == "col"), d.take(m);
    if (columns.size() != 2) d.operands.reject("needs the layouts of a and b");
    d.take("rn");
    // ".f32.f16" are those of d and c for f16 operands; else there are four: d, a, b, c.
    std::vector<Type> types;
    for (Type type = d.take_type(); type != none; type = d.take_type()) types.insert(types.begin(), type);
    if (types.size() == 2) types = {types[0], f16, f16, types[1]};
    if (types.size() != 4) d.operands.reject("needs 2 or 4 types");
    const auto &all = products();
    const auto found = std::ranges::find_if(all, [&](const Product &p) {
        return p.d.type == types[0] && p.a.type == types[1] && p.b.type == types[2] && p.c.type == types[3] &&
               p.a_column == columns[0] && p.b_column == columns[1] && p.satfinite == satfinite && d.take(p.shape);
    });
    if (found == all.end()) d.operands.reject("this shape is not provided for these types");
    d.expect(4);
    const Fragment *const fragments[] = {&found->d, &found->a, &found->b, &found->c};
    for (int i = 0; i < 4; ++i) {
        const Operand &operand = d.in.operands[i];
        if (operand.kind != Operand::Kind::vector || operand.parts.size() != static_cast<size_t>(fragments[i]->registers))
            d.operands.reject("operand " + std::to_string(i) + " needs " + std::to_string(fragments[i]->registers) + " registers");
        const Type lane = fragments[i]->wide() ? f64 : fragments[i]->type == f32 ? f32 : b32;
        if (i == 0) d.operands.more_results(operand, lane);
        else d.operands.more_sources(operand, lane);
    }
    need_target_of(found->a.type, d.operands);
    d.instr.cls = Class::tensor;
    d.instr.tensor = &*found;
    d.finish(multiply);
}

}  // namespace

bool decode_wmma(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    if (in.opcode != "wmma") return false;
    Decoding d(in, instr, operands);
    if (!decode_transfer(d)) decode_product(d);
    instr.flow = Flow::converge;
    instr.has_mask = false;
    return true;
}

}  // namespace softgpu
