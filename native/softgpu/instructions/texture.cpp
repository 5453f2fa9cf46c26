// tex, tld4, txq, and suld, sust, suq of surfaces (PTX ISA, "Texture Instructions" and "Surface Instructions").
//
// Filtering is that of the CUDA C++ Programming Guide, "Texture Fetching": the weights of linear filtering have 8 bits
// of fraction. What the guide leaves open is exact here: a normalised coordinate times the size; a weight, which is
// rounded to the nearest; and the sum of the weighted texels, which is rounded once to f32.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "instructions/families.h"
#include "machine/fault.h"
#include "machine/memory.h"
#include "machine/texture.h"
#include "machine/warp.h"
#include "program/decoding.h"

namespace softgpu {

// Its names are not those of other families, with which this file is compiled as one.
namespace textures {

using ptx::Operand;
using ptx::Space;
using ptx::Type;

struct Geometry {
    int axes;           // along which texels are filtered
    int coordinates;    // without the layer
    bool layered, cube;
    size_t operands;    // the vector of the instruction, which is padded
};
// In the order of take_geometry.
constexpr Geometry GEOMETRY[] = {{1, 1, false, false, 1}, {2, 2, false, false, 2}, {3, 3, false, false, 4},
                                 {1, 1, true, false, 2},  {2, 2, true, false, 4},  {2, 3, false, true, 4},
                                 {2, 3, true, true, 4}};

// Bits of Instr::flags.
constexpr uint8_t INTEGER_COORDINATES = 1, FLOAT_RESULT = 2;
// Instr::width is the index of the geometry. Instr::target is what else a modifier says: see each function.
const Geometry &geometry_of(const Instr &i) { return GEOMETRY[i.width]; }

[[noreturn]] void misused(int lane, const std::string &what) {
    throw Fault{Check::illegal_instruction, lane, what, CUDA_ERROR_LAUNCH_FAILED};
}

// Calls f(image, mask) once for each object that the active lanes name, with the lanes that name it. A texture
// reference is a variable that holds the handle of what is bound to it.
template <class F> void each_image(const Warp &w, const Instr &i, bool surface, F f) {
    uint64_t handle[LANES];
    if (i.op[0] == NO_SLOT) std::fill_n(handle, LANES, *reinterpret_cast<const uint64_t *>(i.imm));
    else std::copy_n(w.lanes<uint64_t>(i.op[0]), LANES, handle);
    for (uint32_t rest = w.active; rest;) {
        const int first = __builtin_ctz(rest);
        uint32_t mask = 0;
        for (uint32_t more = rest; more; more &= more - 1)
            if (handle[__builtin_ctz(more)] == handle[first]) mask |= more & -more;
        rest &= ~mask;
        const auto image = BoundImages::get().find(handle[first]);
        const std::string kind = surface ? "surface" : "texture";
        if (!image) misused(first, "no " + kind + " has " + BoundImages::get().describe(handle[first]));
        if (image->is_surface != surface) misused(first, "the object is no " + kind);
        f(*image, mask);
    }
}

int axes_of(const Image &image) {
    const bool has_depth = image.depth > 0 && !image.layered && !image.cubemap;
    return image.memory == Image::Memory::linear ? 1 : has_depth ? 3 : image.height > 0 ? 2 : 1;
}

void require_geometry(const Image &image, const Geometry &geometry, int lane) {
    // An array of one row is as good as one without rows.
    const int axes = geometry.axes == 1 && image.height <= 1 && axes_of(image) == 2 ? 1 : axes_of(image);
    if (axes != geometry.axes || image.layered != geometry.layered || image.cubemap != geometry.cube)
        misused(lane, "the image has " + std::to_string(axes_of(image)) + " dimensions" +
                          (image.cubemap ? " (of a cubemap)" : "") + (image.layered ? " and layers" : "") +
                          ", which does not fit the instruction");
}

// ---- Coordinates ----------------------------------------------------------------------------------------------------

// The texels index and index + 1 along an axis, and the weight of the second one.
struct Footprint {
    int64_t index;
    double weight;
};

Footprint footprint(double x, bool linear) {
    constexpr double MOST = uint64_t(1) << 50;
    if (linear) x -= 0.5;
    if (!(std::fabs(x) < MOST)) x = std::isnan(x) ? 0 : std::copysign(MOST, x);
    const double index = std::floor(x);
    return {static_cast<int64_t>(index), linear ? std::nearbyint((x - index) * 256) / 256 : 0};
}

// The texel that an index stands for, or -1 for the border.
int64_t texel(int64_t index, int64_t size, AddressMode mode) {
    if (index >= 0 && index < size) return index;
    const auto modulo = [index](int64_t n) { return (index % n + n) % n; };
    switch (mode) {
    case AddressMode::wrap: return modulo(size);
    case AddressMode::mirror: return std::min(modulo(2 * size), 2 * size - 1 - modulo(2 * size));
    case AddressMode::clamp: return index < 0 ? 0 : size - 1;
    default: return -1;
    }
}

// The face of a cubemap in a direction, which becomes the place on it, from 0 to 1 (the guide, "Cubemap Textures").
uint32_t face(double (&direction)[3]) {
    const auto [x, y, z] = direction;
    const double ax = std::fabs(x), ay = std::fabs(y), az = std::fabs(z);
    uint32_t number;
    double s, t, m;
    if (ax >= ay && ax >= az) {
        number = x < 0;
        s = number ? z : -z;
        t = -y;
        m = ax;
    } else if (ay >= az) {
        number = 2 + (y < 0);
        s = x;
        t = y < 0 ? -z : z;
        m = ay;
    } else {
        number = 4 + (z < 0);
        s = z < 0 ? -x : x;
        t = -y;
        m = az;
    }
    direction[0] = (s / m + 1) / 2;
    direction[1] = (t / m + 1) / 2;
    direction[2] = 0;
    return number;
}

// Where a lane reads: the axes that the geometry has.
struct Place {
    Footprint axis[3];
    uint32_t layer;
};

void set_place(Place &place, const Warp &w, const Instr &i, const BoundImage &bound, const Slot *coordinates, int lane,
               bool linear) {
    const Geometry &geometry = geometry_of(i);
    const Image &image = bound.image;
    const uint32_t sizes[3] = {image.width, image.height, image.depth};
    const auto bits = [&](int c) { return w.lanes<uint32_t>(coordinates[c])[lane]; };
    place.layer = 0;
    if (geometry.layered) {
        const uint32_t layers = geometry.cube ? image.depth / 6 : image.depth;
        place.layer = static_cast<uint32_t>(std::clamp<int64_t>(static_cast<int32_t>(bits(0)), 0, layers - 1));
        ++coordinates;
    }
    double x[3] = {};
    for (int c = 0; c < geometry.coordinates; ++c)
        x[c] = i.flags & INTEGER_COORDINATES ? static_cast<int32_t>(bits(c)) : std::bit_cast<float>(bits(c));
    if (geometry.cube) place.layer = 6 * place.layer + face(x);
    const bool normalized = geometry.cube || (bound.sampling.normalized && !(i.flags & INTEGER_COORDINATES));
    for (int a = 0; a < geometry.axes; ++a) place.axis[a] = footprint(normalized ? x[a] * sizes[a] : x[a], linear);
}

// ---- Reading texels -------------------------------------------------------------------------------------------------

// The channels of one texel for each lane of `mask`: `corner` has a bit for each axis, 1 for the second texel of the
// footprint. Calls f(lane, texel), with null for one outside the image.
template <class F> void read_texels(Warp &w, const Instr &i, const BoundImage &bound, const Place *places,
                                    uint32_t mask, unsigned corner, F f) {
    const Image &image = bound.image;
    const Geometry &geometry = geometry_of(i);
    const uint32_t sizes[3] = {image.width, std::max(image.height, 1u), image.depth};
    const bool fetch = i.flags & INTEGER_COORDINATES;
    uint64_t address[LANES] = {};
    std::byte *at[LANES];
    uint32_t inside = 0;
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        int64_t index[3] = {0, 0, places[l].layer};
        bool border = false;
        for (int a = 0; a < geometry.axes; ++a) {
            // Wrap and mirror are for normalised coordinates only, otherwise they are clamp.
            AddressMode mode = bound.sampling.mode[a];
            if (fetch) mode = AddressMode::border;
            else if (geometry.cube || (!bound.sampling.normalized && mode != AddressMode::border))
                mode = AddressMode::clamp;
            index[a] = texel(places[l].axis[a].index + (corner >> a & 1), sizes[a], mode);
            border |= index[a] < 0;
        }
        if (border) continue;
        inside |= 1u << l;
        address[l] = image.address + static_cast<uint64_t>(index[2]) * image.slice +
                     static_cast<uint64_t>(index[1]) * image.pitch +
                     static_cast<uint64_t>(index[0]) * image.format.bytes();
    }
    if (inside) resolve(w, i, Space::global, address, inside, image.format.bytes(), Access::load, at);
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        f(l, inside >> l & 1 ? at[l] : nullptr);
    }
}

// A texel's channel as the texture returns it. Channels that the format does not have are 0, and the fourth is 1. A
// fetch by integer coordinates outside the image returns 0.
double value_of(const Instr &i, const BoundImage &bound, const std::byte *texel, int channel) {
    if (!texel) {
        if (i.flags & INTEGER_COORDINATES) return 0;
        const float border = bound.sampling.border[channel];
        return bound.returns_floats() ? border : std::bit_cast<int32_t>(border);
    }
    if (channel >= bound.image.format.channels) return channel == 3 ? 1 : 0;
    return channel_value(bound.image.format, texel, channel, bound.scaled());
}

uint32_t result_bits(const BoundImage &bound, double value) {
    return bound.returns_floats() ? std::bit_cast<uint32_t>(static_cast<float>(value))
                                  : static_cast<uint32_t>(static_cast<int64_t>(value));
}

void require_fit(const Instr &i, const BoundImage &bound, int lane) {
    require_geometry(bound.image, geometry_of(i), lane);
    if (bound.image.memory == Image::Memory::linear && !(i.flags & INTEGER_COORDINATES))
        misused(lane, "a texture of linear memory is read by integer coordinates only");
    if (bound.returns_floats() != static_cast<bool>(i.flags & FLOAT_RESULT))
        misused(lane, std::string("the texture returns ") + (bound.returns_floats() ? "floating-point numbers"
                                                                                    : "integers") +
                          ", and the instruction says other ones");
}

void sample(Warp &w, const Instr &i) {
    const Slot *const results = w.slots + i.more, *const coordinates = results + 4;
    uint32_t bits[4][LANES];
    each_image(w, i, false, [&](const BoundImage &bound, uint32_t mask) {
        require_fit(i, bound, __builtin_ctz(mask));
        const bool linear = bound.sampling.linear && !(i.flags & INTEGER_COORDINATES);
        Place places[LANES];
        for (uint32_t rest = mask; rest; rest &= rest - 1) {
            const int l = __builtin_ctz(rest);
            set_place(places[l], w, i, bound, coordinates, l, linear);
        }
        double sum[4][LANES] = {};
        const int axes = geometry_of(i).axes;
        for (unsigned corner = 0; corner < (linear ? 1u << axes : 1u); ++corner) {
            double weight[LANES];
            uint32_t weighted = 0;      // a texel of weight 0 is not read
            for (uint32_t rest = mask; rest; rest &= rest - 1) {
                const int l = __builtin_ctz(rest);
                weight[l] = 1;
                for (int a = 0; a < axes; ++a) {
                    const double second = places[l].axis[a].weight;
                    weight[l] *= corner >> a & 1 ? second : 1 - second;
                }
                if (weight[l] != 0) weighted |= 1u << l;
            }
            read_texels(w, i, bound, places, weighted, corner, [&](int l, const std::byte *texel) {
                // Of the channels that the format does not have, all but the last are 0.
                const int channels = texel ? bound.image.format.channels : 4;
                for (int c = 0; c < channels; ++c) sum[c][l] += weight[l] * value_of(i, bound, texel, c);
                if (channels < 4) sum[3][l] += weight[l];
            });
        }
        for (uint32_t rest = mask; rest; rest &= rest - 1)
            for (int l = __builtin_ctz(rest), c = 0; c < 4; ++c) bits[c][l] = result_bits(bound, sum[c][l]);
    });
    for (int c = 0; c < 4; ++c) for_lanes(w, w.lanes<uint32_t>(results[c]), [&](int l) { return bits[c][l]; });
}

// One channel, Instr::target, of the four texels that linear filtering would use: first those of the second row, the
// left one before the right one, then those of the first row, the right one before the left one.
void gather(Warp &w, const Instr &i) {
    constexpr unsigned CORNERS[4] = {2, 3, 1, 0};
    const Slot *const results = w.slots + i.more, *const coordinates = results + 4;
    uint32_t bits[4][LANES];
    each_image(w, i, false, [&](const BoundImage &bound, uint32_t mask) {
        require_fit(i, bound, __builtin_ctz(mask));
        if (!bound.image.gather) misused(__builtin_ctz(mask), "the array was not made for gathers");
        Place places[LANES];
        for (uint32_t rest = mask; rest; rest &= rest - 1) {
            const int l = __builtin_ctz(rest);
            set_place(places[l], w, i, bound, coordinates, l, true);
        }
        for (int k = 0; k < 4; ++k)
            read_texels(w, i, bound, places, mask, CORNERS[k], [&](int l, const std::byte *texel) {
                bits[k][l] = result_bits(bound, value_of(i, bound, texel, static_cast<int>(i.target)));
            });
    });
    for (int k = 0; k < 4; ++k) for_lanes(w, w.lanes<uint32_t>(results[k]), [&](int l) { return bits[k][l]; });
}

// ---- Queries --------------------------------------------------------------------------------------------------------

// Instr::target is the index of what is asked, in the order of query_size.
template <bool SURFACE> void query(Warp &w, const Instr &i) {
    uint32_t answer[LANES];
    each_image(w, i, SURFACE, [&](const BoundImage &bound, uint32_t mask) {
        const Image &image = bound.image;
        const uint32_t layers = image.layered ? image.cubemap ? image.depth / 6 : image.depth : 0;
        const uint32_t answers[] = {image.width, image.height, image.layered || image.cubemap ? 0 : image.depth,
                                    layers, bound.sampling.normalized, 1};
        for (uint32_t rest = mask; rest; rest &= rest - 1) answer[__builtin_ctz(rest)] = answers[i.target];
    });
    for_lanes(w, w.lanes<uint32_t>(i.op[1]), [&](int l) { return answer[l]; });
}

// ---- Surfaces -------------------------------------------------------------------------------------------------------

enum Outside : uint32_t { TRAP, CLAMP, ZERO };      // Instr::target of suld and sust

// Calls f(mask, addresses) with the lanes that access `bytes` inside the image. `first` is the first coordinate.
template <class F> void each_surface(Warp &w, const Instr &i, const Slot *first, uint32_t bytes, F f) {
    const Geometry &geometry = geometry_of(i);
    each_image(w, i, true, [&](const BoundImage &bound, uint32_t mask) {
        // The faces of a cubemap are layers here.
        Image image = bound.image;
        image.layered |= std::exchange(image.cubemap, false);
        require_geometry(image, geometry, __builtin_ctz(mask));
        // Of x in bytes, y and z; and of the layer.
        const int64_t size[4] = {image.width * image.format.bytes(), std::max(image.height, 1u),
                                 std::max(image.depth, 1u), std::max(image.depth, 1u)};
        uint64_t address[LANES] = {};
        uint32_t inside = 0;
        for (uint32_t rest = mask; rest; rest &= rest - 1) {
            const int l = __builtin_ctz(rest);
            int64_t at[3] = {};
            const Slot *coordinate = first;
            if (geometry.layered) at[2] = static_cast<int32_t>(w.lanes<uint32_t>(*coordinate++)[l]);
            for (int a = 0; a < geometry.axes; ++a) at[a] = static_cast<int32_t>(w.lanes<uint32_t>(coordinate[a])[l]);
            if (at[0] % bytes)
                throw Fault{Check::alignment, l, "surface access of " + std::to_string(bytes) + " bytes at byte " +
                            std::to_string(at[0]) + " of a row", CUDA_ERROR_MISALIGNED_ADDRESS};
            bool in = true;
            for (int a = 0; a < 3; ++a) {
                const int64_t last = size[a] - (a == 0 ? bytes : 1);
                if (at[a] >= 0 && at[a] <= last) continue;
                in &= i.target == CLAMP && last >= 0;
                if (i.target == TRAP)
                    throw Fault{Check::bounds, l, "surface access outside the image: coordinate " + std::to_string(a) +
                                " is " + std::to_string(at[a]) + ", and the image has " + std::to_string(size[a]) +
                                (a == 0 ? " bytes in a row" : ""), CUDA_ERROR_ILLEGAL_ADDRESS};
                at[a] = std::clamp<int64_t>(at[a], 0, std::max<int64_t>(last, 0));
            }
            if (!in) continue;
            inside |= 1u << l;
            address[l] = image.address + static_cast<uint64_t>(at[2]) * image.slice +
                         static_cast<uint64_t>(at[1]) * image.pitch + static_cast<uint64_t>(at[0]);
        }
        f(mask, inside, address);
    });
}

// T: an element in memory; D: its lane; Instr::imm: how many.
template <class T, class D> void load_surface(Warp &w, const Instr &i) {
    const auto count = static_cast<uint32_t>(i.imm);
    const Slot *const results = w.slots + i.more;
    const auto load = [&](uint32_t mask, uint32_t inside, const uint64_t *address) {
        std::byte *at[LANES];
        if (inside) resolve(w, i, Space::global, address, inside, count * sizeof(T), Access::load, at);
        for (uint32_t rest = mask; rest; rest &= rest - 1) {
            const int l = __builtin_ctz(rest);
            for (uint32_t e = 0; e < count; ++e) {
                T value = 0;
                if (inside >> l & 1) std::memcpy(&value, at[l] + e * sizeof(T), sizeof(T));
                w.lanes<D>(results[e])[l] = value;
            }
        }
    };
    each_surface(w, i, results + count, count * sizeof(T), load);
}

template <class T, class D> void store_surface(Warp &w, const Instr &i) {
    const auto count = static_cast<uint32_t>(i.imm);
    const Slot *const sources = w.slots + i.more;
    each_surface(w, i, sources + count, count * sizeof(T), [&](uint32_t, uint32_t inside, const uint64_t *address) {
        std::byte *at[LANES];
        if (inside) resolve(w, i, Space::global, address, inside, count * sizeof(T), Access::store, at);
        for (uint32_t rest = inside; rest; rest &= rest - 1) {
            const int l = __builtin_ctz(rest);
            for (uint32_t e = 0; e < count; ++e) {
                const T value = static_cast<T>(w.lanes<D>(sources[e])[l]);
                std::memcpy(at[l] + e * sizeof(T), &value, sizeof(T));
            }
        }
    });
}

// ---- Decoding -------------------------------------------------------------------------------------------------------

// The handle to op[0], or the address of the texture reference that holds it to imm.
void decode_handle(const Operand &operand, Instr &instr, Operands &operands) {
    if (operand.kind != Operand::Kind::address || operand.offset != 0)
        operands.reject("expects a texture or surface in brackets");
    instr.decides |= 1;
    if (operand.base == Operand::Kind::reg) {
        Operand handle;
        handle.kind = Operand::Kind::reg;
        handle.reg = operand.reg;
        return operands.source(0, handle, Type::u64);
    }
    const auto &variables = operands.module().variables;
    const auto known = std::ranges::find(variables, operand.name, &ptx::Variable::name);
    if (operand.base != Operand::Kind::symbol || known == variables.end() || !known->is_texture)
        operands.reject("expects a register with a handle, or a .texref variable");
    instr.imm = static_cast<int64_t>(operands.locate(operand).offset);
}

// "[a, {x, y}]": the image, and its coordinates after what is in Program::slots already.
void decode_place(Decoding &d, const Operand &operand, const Geometry &geometry) {
    decode_handle(operand, d.instr, d.operands);
    if (operand.parts.size() != 1)
        d.operands.reject("expects coordinates after the image (separate samplers are not provided)");
    const Operand &given = operand.parts[0];
    const size_t count = given.kind == Operand::Kind::vector ? given.parts.size() : 1;
    if (count != geometry.operands)
        d.operands.reject("needs " + std::to_string(geometry.operands) + " coordinates");
    d.operands.more_sources(given, Type::b32);
    d.instr.decides |= 1 << 5;      // with the coordinates the values of sust, which are stored to global memory
}

void take_geometry(Decoding &d) {
    d.instr.width = static_cast<uint8_t>(d.need_one({"1d", "2d", "3d", "a1d", "a2d", "cube", "acube"}));
}

// Four results of the last but one type; coordinates of the last type.
void decode_sampling(Decoding &d, Exec exec) {
    d.need_one({"v4"});
    const Type coordinate = d.take_type(), result = d.take_type();
    if (result != Type::f32 && result != Type::s32 && result != Type::u32)
        d.operands.reject("results of .f32, .s32 and .u32 only are provided");
    if (coordinate != Type::f32 && coordinate != Type::s32) d.operands.reject("coordinates are .f32 or .s32");
    d.instr.flags = static_cast<uint8_t>((coordinate == Type::s32 ? INTEGER_COORDINATES : 0) |
                                         (result == Type::f32 ? FLOAT_RESULT : 0));
    const Geometry &geometry = geometry_of(d.instr);
    if (geometry.cube && coordinate == Type::s32) d.operands.reject("cubemaps have coordinates of .f32");
    const Operand &to = d.in.operands.at(0);
    if (to.kind != Operand::Kind::vector || to.parts.size() != 4) d.operands.reject("needs 4 results");
    d.operands.more_results(to, Type::b32);
    decode_place(d, d.in.operands.at(1), geometry);
    d.instr.cls = Class::load_global;
    d.instr.cached = true;
    d.finish(exec);
}

// There are no mipmaps, so the level and the gradients that may be given choose nothing.
void tex(Decoding &d) {
    const int level = d.take_one({"base", "level", "grad"}, 0);
    d.expect(level == 0 ? 2 : level == 1 ? 3 : 4);
    take_geometry(d);
    decode_sampling(d, sample);
}

void tld4(Decoding &d) {
    d.expect(2);
    d.instr.target = static_cast<uint32_t>(d.need_one({"r", "g", "b", "a"}));
    take_geometry(d);
    if (geometry_of(d.instr).axes != 2 || geometry_of(d.instr).cube) d.operands.reject("is provided for 2d and a2d");
    decode_sampling(d, gather);
}

template <bool SURFACE> void query_size(Decoding &d) {
    d.expect(2);
    d.instr.target = static_cast<uint32_t>(
        d.need_one({"width", "height", "depth", "array_size", "normalized_coords", "num_mipmap_levels"}));
    if (d.take_type() != Type::b32) d.operands.reject("is for .b32");
    d.operands.result(1, d.in.operands[0], Type::b32);
    decode_handle(d.in.operands[1], d.instr, d.operands);
    d.instr.cls = Class::move;
    d.finish(query<SURFACE>);
}

template <bool LOADS> void access_surface(Decoding &d) {
    d.expect(2);
    d.need_one({"b"});
    take_geometry(d);
    const Geometry &geometry = geometry_of(d.instr);
    if (geometry.cube) d.operands.reject("a cubemap's surface has the geometry a2d");
    d.instr.target = static_cast<uint32_t>(d.need_one({"trap", "clamp", "zero"}));
    d.take_one({"ca", "cg", "cs", "cv", "wb", "wt"});
    const int width = d.take("v4") ? 4 : d.take("v2") ? 2 : 1;
    const Type type = d.take_type();
    const Operand &values = d.in.operands[LOADS ? 0 : 1], &place = d.in.operands[LOADS ? 1 : 0];
    if (static_cast<int>(values.kind == Operand::Kind::vector ? values.parts.size() : 1) != width)
        d.operands.reject("needs " + std::to_string(width) + " registers");
    d.instr.cls = LOADS ? Class::load_global : Class::store_global;
    const Type lane = type == Type::b64 ? Type::b64 : Type::b32;
    if (LOADS) d.operands.more_results(values, lane);
    else d.operands.more_sources(values, lane);
    if (place.base != Operand::Kind::reg) d.operands.reject("needs a register with the handle of a surface object");
    decode_place(d, place, geometry);
    d.instr.imm = width;
    if (ptx::size(type) * width > 16) d.operands.reject("accesses 16 bytes at most");
    const auto pick = [&]<class T, class D>() -> Exec { return LOADS ? load_surface<T, D> : store_surface<T, D>; };
    d.finish(type == Type::b8    ? pick.template operator()<uint8_t, uint32_t>()
             : type == Type::b16 ? pick.template operator()<uint16_t, uint32_t>()
             : type == Type::b32 ? pick.template operator()<uint32_t, uint32_t>()
             : type == Type::b64 ? pick.template operator()<uint64_t, uint64_t>()
                                 : nullptr);
}

const Opcodes &opcodes() {
    static const Opcodes all = {{"tex", tex}, {"tld4", tld4}, {"txq", query_size<false>}, {"suq", query_size<true>},
                                {"suld", access_surface<true>}, {"sust", access_surface<false>}};
    return all;
}

}  // namespace textures

bool decode_texture(const ptx::Instruction &in, Instr &instr, Operands &operands) {
    const auto known = textures::opcodes().find(in.opcode);
    if (known == textures::opcodes().end()) return false;
    Decoding d(in, instr, operands);
    known->second(d);
    return true;
}

}  // namespace softgpu
