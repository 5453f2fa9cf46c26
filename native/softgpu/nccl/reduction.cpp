#include "nccl/reduction.h"

#include <cmath>

#include "libraries/numbers.h"

namespace softgpu::nccl {

namespace {

template <class T> constexpr bool is_integer = std::is_integral_v<T>;

template <class T> T combine(int op, T a, T b) {
    if constexpr (is_integer<T>) {
        // Without a sign: numbers that are too large wrap around.
        using Bits = std::make_unsigned_t<T>;
        switch (op) {
            case ncclProd: return static_cast<T>(uint64_t(Bits(a)) * uint64_t(Bits(b)));
            case ncclMax: return std::max(a, b);
            case ncclMin: return std::min(a, b);
            default: return static_cast<T>(uint64_t(Bits(a)) + uint64_t(Bits(b)));
        }
    } else {
        // Of two floats or halves, double is exact enough that rounding it rounds once.
        const double x = value(a), y = value(b);
        switch (op) {
            case ncclProd: return rounded<T>(x * y);
            case ncclMax: return rounded<T>(std::fmax(x, y));
            case ncclMin: return rounded<T>(std::fmin(x, y));
            default: return rounded<T>(x + y);
        }
    }
}

// The average of integers divides their sum; that of others sums the shares, as NCCL does.
template <class T> T share(T x, size_t ranks) {
    if constexpr (is_integer<T>) return x;
    else return rounded<T>(value(x) * value(rounded<T>(1.0 / static_cast<double>(ranks))));
}

template <class T>
void reduce_as(int op, const std::vector<const std::byte *> &parts, size_t count, std::byte *to) {
    T *const sums = reinterpret_cast<T *>(to);
    const bool average = op == ncclAvg;
    for (size_t r = 0; r < parts.size(); ++r) {
        const T *const part = reinterpret_cast<const T *>(parts[r]);
        for (size_t i = 0; i < count; ++i) {
            const T x = average ? share(part[i], parts.size()) : part[i];
            sums[i] = r == 0 ? x : combine(op, sums[i], x);
        }
    }
    if constexpr (is_integer<T>)
        if (average)
            for (size_t i = 0; i < count; ++i) sums[i] = static_cast<T>(sums[i] / static_cast<T>(parts.size()));
}

}  // namespace

size_t size_of(int type) {
    constexpr size_t SIZES[] = {1, 1, 4, 4, 8, 8, 2, 4, 8, 2};
    return SIZES[type];
}

void reduce(int type, int op, const std::vector<const std::byte *> &parts, size_t count, std::byte *to) {
    switch (type) {
        case ncclInt8: return reduce_as<int8_t>(op, parts, count, to);
        case ncclUint8: return reduce_as<uint8_t>(op, parts, count, to);
        case ncclInt32: return reduce_as<int32_t>(op, parts, count, to);
        case ncclUint32: return reduce_as<uint32_t>(op, parts, count, to);
        case ncclInt64: return reduce_as<int64_t>(op, parts, count, to);
        case ncclUint64: return reduce_as<uint64_t>(op, parts, count, to);
        case ncclFloat16: return reduce_as<Half>(op, parts, count, to);
        case ncclFloat64: return reduce_as<double>(op, parts, count, to);
        case ncclBfloat16: return reduce_as<BFloat16>(op, parts, count, to);
        default: return reduce_as<float>(op, parts, count, to);
    }
}

}  // namespace softgpu::nccl
