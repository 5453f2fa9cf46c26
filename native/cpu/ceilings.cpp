#include "ceilings.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "onednn.h"
#include "parallel.h"

namespace framecast {

namespace {

constexpr int fewest_tries = 4;
constexpr double seconds_to_try = 0.5;

// The shortest time of `work`. The first run, which touches memory and packs operands, is not counted.
template <typename Work>
double least_seconds(Work work) {
    work();
    double least = 0;
    const double begin = Profile::now();
    for (int tries = 0; tries < fewest_tries || Profile::now() - begin < seconds_to_try; tries++) {
        const double start = Profile::now();
        work();
        const double seconds = Profile::now() - start;
        least = tries == 0 ? seconds : std::min(least, seconds);
    }
    return least;
}

}  // namespace

double matmul_flops(Device &device, int size, bool bf16) {
    device.enter();
    return named("a matrix product", [&] {
        using dnnl::memory;
        auto &engine = device.onednn()->engine;
        auto &stream = device.onednn()->stream;
        const auto type = bf16 ? memory::data_type::bf16 : memory::data_type::f32;
        // oneDNN chooses the layouts, as it does for the weights of convolutions.
        const memory::desc operand({size, size}, type, memory::format_tag::any);
        const memory::desc result({size, size}, memory::data_type::f32, memory::format_tag::ab);
        const dnnl::matmul::primitive_desc desc(engine, operand, operand, result);
        const dnnl::matmul matmul(desc);
        memory a(desc.src_desc(), engine), b(desc.weights_desc(), engine), c(desc.dst_desc(), engine);
        // All values 0.747, in both types and any layout: with zeros a processor may run at a higher clock.
        std::memset(a.get_data_handle(), 0x3f, desc.src_desc().get_size());
        std::memset(b.get_data_handle(), 0x3f, desc.weights_desc().get_size());
        const double seconds = least_seconds([&] {
            matmul.execute(stream, {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}});
            stream.wait();
        });
        return 2.0 * size * size * size / seconds;
    });
}

double copy_bytes(Device &device, size_t bytes) {
    device.enter();
    // Not allocated from the device, whose peak memory must be that of the model.
    const std::unique_ptr<char[]> from(new char[bytes]), to(new char[bytes]);
    const size_t part = (bytes + device.threads() - 1) / device.threads();
    parallel_for(bytes, part, [&](size_t begin, size_t end) { std::memset(&from[begin], 1, end - begin); });
    const double seconds = least_seconds([&] {
        parallel_for(bytes, part,
                [&](size_t begin, size_t end) { std::memcpy(&to[begin], &from[begin], end - begin); });
    });
    return 2.0 * bytes / seconds;
}

}  // namespace framecast
