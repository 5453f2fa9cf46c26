// Strided arrays in device memory: cuDNN's tensors and filters, cuBLAS's matrices.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "libraries/numbers.h"

namespace softgpu {

struct Strided {
    static constexpr int MAX_RANK = 9;
    Number type = Number::f32;
    int rank = 0;
    int64_t dims[MAX_RANK] = {};
    int64_t strides[MAX_RANK] = {};     // in elements; 0 repeats an element

    void append(int64_t dim, int64_t stride) {
        dims[rank] = dim;
        strides[rank++] = stride;
    }
    int64_t count() const {
        int64_t n = 1;
        for (int i = 0; i < rank; ++i) n *= dims[i];
        return n;
    }
    // Axis i of the result is axis order[i] of this.
    Strided permuted(const std::vector<int> &order) const {
        Strided to{type};
        for (int axis : order) to.append(dims[axis], strides[axis]);
        return to;
    }
    bool same_dims(const Strided &other) const {
        return rank == other.rank && std::equal(dims, dims + rank, other.dims);
    }
    // Whether two indices may have the same address, so that writing would be undefined.
    bool overlaps_itself() const;
    // The range of the array, in bytes relative to the element of index 0. It begins before that if a stride is
    // negative.
    int64_t first_byte() const {
        int64_t first = 0;
        for (int i = 0; i < rank; ++i) first += std::min<int64_t>(0, (dims[i] - 1) * strides[i]);
        return first * size(type);
    }
    int64_t end_byte() const {
        int64_t last = 0;
        for (int i = 0; i < rank; ++i) last += std::max<int64_t>(0, (dims[i] - 1) * strides[i]);
        return (last + 1) * size(type);
    }
    // The axes longer than 1, sorted by stride, smallest first, with strides made positive.
    Strided by_stride() const;
};

// Calls f(offset in elements) for every index, the last axis fastest.
template <class F> void for_each_offset(const Strided &s, int axis, int64_t offset, F &&f) {
    if (axis == s.rank) {
        f(offset);
    } else if (axis == s.rank - 1) {
        for (int64_t i = 0; i < s.dims[axis]; ++i) f(offset + i * s.strides[axis]);
    } else {
        for (int64_t i = 0; i < s.dims[axis]; ++i) for_each_offset(s, axis + 1, offset + i * s.strides[axis], f);
    }
}

// A Strided at a device address. Plain data, since it is copied into streams.
struct Operand {
    uint64_t address = 0;
    Strided layout;

    // 0, or the CUresult to end with. `function` and `what` name the operand in the report.
    int check(const char *function, const char *what, bool read) const;
    void mark_written() const;

    // Reads all elements, the last axis fastest.
    std::vector<double> read() const;
    void write(const std::vector<double> &values) const;
    // Writes alpha * values + beta * old contents. The old contents are not read if beta is 0. `values` are
    // overwritten.
    void blend(std::vector<double> &values, double alpha, double beta) const;
    Operand permuted(const std::vector<int> &order) const { return {address, layout.permuted(order)}; }

    bool overlaps(const Operand &other) const {
        return address + layout.first_byte() < other.address + other.layout.end_byte() &&
               other.address + other.layout.first_byte() < address + layout.end_byte();
    }
};

}  // namespace softgpu
