// Parallel loops and sums over the device's threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace framecast {

// Calls body(begin, end) for parts of [0, n). Parts begin at multiples of `grain`, whatever the number of threads; a
// part's result does not depend on the thread that computes it.
template <typename Body>
void parallel_for(size_t n, size_t grain, Body body) {
    const auto parts = static_cast<std::ptrdiff_t>((n + grain - 1) / grain);
#pragma omp parallel for schedule(static)
    for (std::ptrdiff_t part = 0; part < parts; part++) {
        body(part * grain, std::min(n, (part + 1) * grain));
    }
}

// The same for sums: body(begin, end, partial) fills `width` doubles for its part. Parts are added in order, so that
// the bits do not depend on the number of threads.
template <typename Body>
std::vector<double> parallel_sum(size_t n, size_t grain, size_t width, Body body) {
    const size_t parts = (n + grain - 1) / grain;
    std::vector<double> partial(parts * width);
    parallel_for(n, grain, [&](size_t begin, size_t end) { body(begin, end, &partial[begin / grain * width]); });
    std::vector<double> total(width);
    for (size_t part = 0; part < parts; part++) {
        for (size_t k = 0; k < width; k++) {
            total[k] += partial[part * width + k];
        }
    }
    return total;
}

}  // namespace framecast
