#include "libraries/strided.h"

#include <string>

#include "driver/stream/library_work.h"

namespace softgpu {

namespace {

// Calls f(first byte, bytes) for every contiguous run of bytes.
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

}  // namespace

Strided Strided::by_stride() const {
    std::vector<int> order;
    for (int i = 0; i < rank; ++i)
        if (dims[i] > 1) order.push_back(i);
    std::sort(order.begin(), order.end(),
              [this](int a, int b) { return std::abs(strides[a]) < std::abs(strides[b]); });
    Strided s = permuted(order);
    for (int i = 0; i < s.rank; ++i) s.strides[i] = std::abs(s.strides[i]);
    return s;
}

bool Strided::overlaps_itself() const {
    const Strided s = by_stride();
    int64_t end = 1;                // just after the last element of the axes so far
    for (int i = 0; i < s.rank; ++i) {
        if (s.strides[i] < end) return true;
        end += (s.dims[i] - 1) * s.strides[i];
    }
    return false;
}

int Operand::check(const char *function, const char *what, bool read) const {
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

void Operand::mark_written() const {
    for_each_run(layout, [&](int64_t at, int64_t bytes) { softgpu_mark_written(address + at, bytes); });
}

std::vector<double> Operand::read() const {
    std::vector<double> values(layout.count());
    dispatch(layout.type, [&](auto type) {
        const auto *from = reinterpret_cast<const decltype(type) *>(address);
        double *to = values.data();
        for_each_offset(layout, 0, 0, [&](int64_t at) { *to++ = value(from[at]); });
    });
    return values;
}

void Operand::write(const std::vector<double> &values) const {
    dispatch(layout.type, [&](auto type) {
        auto *to = reinterpret_cast<decltype(type) *>(address);
        const double *from = values.data();
        for_each_offset(layout, 0, 0, [&](int64_t at) { to[at] = rounded<decltype(type)>(*from++); });
    });
    mark_written();
}

void Operand::blend(std::vector<double> &values, double alpha, double beta) const {
    if (beta != 0) {
        const std::vector<double> old = read();
        for (size_t i = 0; i < values.size(); ++i) values[i] = alpha * values[i] + beta * old[i];
    } else if (alpha != 1) {
        for (double &v : values) v *= alpha;
    }
    write(values);
}

}  // namespace softgpu
