// Arrays of numbers in device memory, in any order and with gaps: cuDNN's tensors and filters, cuBLAS's matrices.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "libraries/numbers.h"
#include "driver/stream/library_work.h"

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
    // Two indices may lie at one place, so that a result there would be anybody's guess.
    bool overlaps_itself() const {
        const Strided s = by_stride();
        int64_t end = 1;                // behind the last element of the axes so far
        for (int i = 0; i < s.rank; ++i) {
            if (s.strides[i] < end) return true;
            end += (s.dims[i] - 1) * s.strides[i];
        }
        return false;
    }
    // Where it begins and ends, in bytes from the element of index 0; begins before it where a stride is negative.
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
    // Axes longer than 1, the closest elements first, strides made positive.
    Strided by_stride() const {
        std::vector<int> order;
        for (int i = 0; i < rank; ++i)
            if (dims[i] > 1) order.push_back(i);
        std::sort(order.begin(), order.end(),
                  [this](int a, int b) { return std::abs(strides[a]) < std::abs(strides[b]); });
        Strided s = permuted(order);
        for (int i = 0; i < s.rank; ++i) s.strides[i] = std::abs(s.strides[i]);
        return s;
    }
};

// f(offset in elements) for every index, the last axis fastest.
template <class F> void for_each_offset(const Strided &s, int axis, int64_t offset, F &&f) {
    if (axis == s.rank) {
        f(offset);
    } else if (axis == s.rank - 1) {
        for (int64_t i = 0; i < s.dims[axis]; ++i) f(offset + i * s.strides[axis]);
    } else {
        for (int64_t i = 0; i < s.dims[axis]; ++i) for_each_offset(s, axis + 1, offset + i * s.strides[axis], f);
    }
}

// f(first byte, bytes) for every stretch of bytes that has no gap.
template <class F> void for_each_run(const Strided &strided, F f) {
    if (strided.count() == 0) return;
    Strided s = strided.by_stride();
    int inner = 0;
    int64_t run = 1;
    for (; inner < s.rank && s.strides[inner] <= run; ++inner) run += (s.dims[inner] - 1) * s.strides[inner];
    std::reverse(s.dims + inner, s.dims + s.rank);
    std::reverse(s.strides + inner, s.strides + s.rank);
    for_each_offset(s, inner, 0, [&](int64_t at) {
        f(strided.first_byte() + at * size(s.type), run * size(s.type));
    });
}

// A Strided at a place. As all else that is put in a stream, plain data.
struct Operand {
    uint64_t address = 0;
    Strided layout;

    // 0, or the CUresult to end with. `function` and `what` name the operand in the report.
    int check(const char *function, const char *what, bool read) const {
        const std::string name = std::string(function) + ": " + what;
        const uint64_t first = address + layout.first_byte();
        if (layout.count() == 0) return 0;
        int error = softgpu_check_range(name.c_str(), first, layout.end_byte() - layout.first_byte(), 0);
        if (error || !read) return error;
        for_each_run(layout, [&](int64_t at, int64_t bytes) {
            if (!error) error = softgpu_check_range(name.c_str(), address + at, bytes, 1);
        });
        return error;
    }
    void mark_written() const {
        for_each_run(layout, [&](int64_t at, int64_t bytes) { softgpu_mark_written(address + at, bytes); });
    }

    // All elements, the last axis fastest.
    std::vector<double> read() const {
        std::vector<double> values(layout.count());
        dispatch(layout.type, [&](auto type) {
            const auto *from = reinterpret_cast<const decltype(type) *>(address);
            double *to = values.data();
            for_each_offset(layout, 0, 0, [&](int64_t at) { *to++ = value(from[at]); });
        });
        return values;
    }
    void write(const std::vector<double> &values) const {
        dispatch(layout.type, [&](auto type) {
            auto *to = reinterpret_cast<decltype(type) *>(address);
            const double *from = values.data();
            for_each_offset(layout, 0, 0, [&](int64_t at) { to[at] = rounded<decltype(type)>(*from++); });
        });
        mark_written();
    }
    // alpha * values + beta * what is there; what is there is not read for beta 0. `values` are lost.
    void blend(std::vector<double> &values, double alpha, double beta) const {
        if (beta != 0) {
            const std::vector<double> old = read();
            for (size_t i = 0; i < values.size(); ++i) values[i] = alpha * values[i] + beta * old[i];
        } else if (alpha != 1) {
            for (double &v : values) v *= alpha;
        }
        write(values);
    }
    Operand permuted(const std::vector<int> &order) const { return {address, layout.permuted(order)}; }

    bool overlaps(const Operand &other) const {
        return address + layout.first_byte() < other.address + other.layout.end_byte() &&
               other.address + other.layout.first_byte() < address + layout.end_byte();
    }
};

}  // namespace softgpu
