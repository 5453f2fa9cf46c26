// Splitting a pass over the threads of the device.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace framecast {

// Calls body(begin, end) on parts of [0, n). Parts are cut at multiples of `grain`, so that they do not depend on
// the number of threads; which thread takes which part does not change what a part computes.
template <typename Body>
void parallel_for(size_t n, size_t grain, Body body) {
    const auto parts = static_cast<std::ptrdiff_t>((n + grain - 1) / grain);
#pragma omp parallel for schedule(static)
    for (std::ptrdiff_t part = 0; part < parts; part++) {
        body(part * grain, std::min(n, (part + 1) * grain));
    }
}

// The same for reductions: body(begin, end, partial) fills `width` doubles for its part, and the parts are added in
// their order, whatever the number of threads.
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
