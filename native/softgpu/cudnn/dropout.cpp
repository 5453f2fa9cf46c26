// Dropout. Which elements are dropped is not cuDNN's choice: its generator is not documented. Here, element i after n
// that were drawn before has random bits that are a hash of the seed and n + i (SplitMix64; Steele, Lea and Flood,
// 2014), so equal states drop equally. The reserve space has a byte for each element, which is 1 where it is kept.

#include <cmath>

#include "cudnn/api.h"

namespace softgpu::cudnn {
namespace {

struct States {
    uint64_t seed, drawn;
};

// Whether it is kept, if so many of all are dropped.
bool keeps(const States &states, uint64_t element, double dropped) {
    uint64_t z = states.seed + (states.drawn + element + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return static_cast<double>((z ^ z >> 31) >> 11) * 0x1p-53 >= dropped;
}

// Kept elements are larger by as much as the others are missing.
double kept_scale(double dropped) { return dropped < 1 ? 1 / (1 - dropped) : 0; }

// Device memory that is no tensor.
template <class T> T *memory(uint64_t address) { return reinterpret_cast<T *>(address); }

struct SeedJob {
    const char *function;
    uint64_t states, seed;
    int run() const {
        if (int error = softgpu_check_range((std::string(function) + ": states").c_str(), states, sizeof(States), 0))
            return error;
        *memory<States>(states) = {seed, 0};
        softgpu_mark_written(states, sizeof(States));
        return 0;
    }
};

struct DropJob {
    const char *function;
    double dropped;
    uint64_t states, reserve;
    Operand x, y;
    int run() const {
        const uint64_t count = static_cast<uint64_t>(x.layout.count());
        if (int error = softgpu_check_range((std::string(function) + ": states").c_str(), states, sizeof(States), 1))
            return error;
        if (int error = softgpu_check_range((std::string(function) + ": reserve space").c_str(), reserve, count, 0))
            return error;
        if (int error = x.check(function, "x", true)) return error;
        if (int error = y.check(function, "y", false)) return error;
        std::vector<double> values = x.read();
        States &now = *memory<States>(states);
        uint8_t *const kept = memory<uint8_t>(reserve);
        for (uint64_t i = 0; i < count; ++i) {
            kept[i] = keeps(now, i, dropped);
            values[i] = kept[i] ? values[i] * kept_scale(dropped) : 0;
        }
        now.drawn += count;
        softgpu_mark_written(reserve, count);
        y.write(values);
        return 0;
    }
};

struct DropGradientJob {
    const char *function;
    double dropped;
    uint64_t reserve;
    Operand dy, dx;
    int run() const {
        const uint64_t count = static_cast<uint64_t>(dy.layout.count());
        if (int error = softgpu_check_range((std::string(function) + ": reserve space").c_str(), reserve, count, 1))
            return error;
        if (int error = dy.check(function, "dy", true)) return error;
        if (int error = dx.check(function, "dx", false)) return error;
        std::vector<double> values = dy.read();
        const uint8_t *const kept = memory<const uint8_t>(reserve);
        for (uint64_t i = 0; i < count; ++i) values[i] = kept[i] ? values[i] * kept_scale(dropped) : 0;
        dx.write(values);
        return 0;
    }
};

void set_dropout(const char *function, cudnnDropoutDescriptor_t descriptor, cudnnHandle_t handle, float dropout,
                 void *states, size_t bytes, unsigned long long seed, bool begins) {
    cudnnDropoutStruct &d = live(descriptor, "descriptor");
    const cudnnContext &context = live(handle);
    require(dropout >= 0 && dropout <= 1, "the part to drop is not between 0 and 1");
    require_pointer(states, "states");
    require(reinterpret_cast<uint64_t>(states) % alignof(States) == 0, "states are not aligned to 8 bytes",
            CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER);
    require(bytes >= sizeof(States), "the states need " + std::to_string(sizeof(States)) + " bytes",
            CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT);
    d = {dropout, states, seed};
    if (begins) launch(context, function, SeedJob{function, reinterpret_cast<uint64_t>(states), seed});
}

// A descriptor that was set.
const cudnnDropoutStruct &ready_dropout(cudnnDropoutDescriptor_t descriptor) {
    const cudnnDropoutStruct &d = live(descriptor, "dropout descriptor");
    require(d.states != nullptr, "the dropout descriptor was created and never set");
    return d;
}

uint64_t reserve_of(void *reserve, size_t bytes, const Operand &operand) {
    require_pointer(reserve, "reserve space");
    const auto needed = static_cast<size_t>(operand.layout.count());
    require(bytes >= needed, "the reserve space needs " + std::to_string(needed) + " bytes",
            CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT);
    return reinterpret_cast<uint64_t>(reserve);
}

void check_pair(const Operand &from, const Operand &to, const char *what, const char *target) {
    require_same_shape(from, to, what);
    require_same_type(from, to, what);
    require_writable(to, target);
    require_in_place_or_apart(from, to, what);
}

}  // namespace
}  // namespace softgpu::cudnn

using namespace softgpu;
using namespace softgpu::cudnn;

CUDNN_API cudnnStatus_t cudnnCreateDropoutDescriptor(cudnnDropoutDescriptor_t *descriptor) {
    return create(__func__, descriptor);
}
CUDNN_API cudnnStatus_t cudnnDestroyDropoutDescriptor(cudnnDropoutDescriptor_t descriptor) {
    return destroy(__func__, descriptor);
}

CUDNN_API cudnnStatus_t cudnnDropoutGetStatesSize(cudnnHandle_t handle, size_t *bytes) {
    return guarded(__func__, [&] {
        live(handle);
        require_pointer(bytes, "size");
        *bytes = sizeof(States);
    });
}
CUDNN_API cudnnStatus_t cudnnDropoutGetReserveSpaceSize(cudnnTensorDescriptor_t x, size_t *bytes) {
    return guarded(__func__, [&] {
        require_pointer(bytes, "size");
        *bytes = static_cast<size_t>(layout(ready(x, "x")).count());
    });
}

CUDNN_API cudnnStatus_t cudnnSetDropoutDescriptor(cudnnDropoutDescriptor_t descriptor, cudnnHandle_t handle,
                                                  float dropout, void *states, size_t bytes, unsigned long long seed) {
    const char *const function = __func__;
    return guarded(function, [&] { set_dropout(function, descriptor, handle, dropout, states, bytes, seed, true); });
}
// The states stay as they are.
CUDNN_API cudnnStatus_t cudnnRestoreDropoutDescriptor(cudnnDropoutDescriptor_t descriptor, cudnnHandle_t handle,
                                                      float dropout, void *states, size_t bytes,
                                                      unsigned long long seed) {
    const char *const function = __func__;
    return guarded(function, [&] { set_dropout(function, descriptor, handle, dropout, states, bytes, seed, false); });
}
CUDNN_API cudnnStatus_t cudnnGetDropoutDescriptor(cudnnDropoutDescriptor_t descriptor, cudnnHandle_t handle,
                                                  float *dropout, void **states, unsigned long long *seed) {
    return guarded(__func__, [&] {
        const cudnnDropoutStruct &d = live(descriptor, "descriptor");
        live(handle);
        require_pointer(dropout, "dropout");
        require_pointer(states, "states");
        require_pointer(seed, "seed");
        *dropout = d.dropout;
        *states = d.states;
        *seed = d.seed;
    });
}

CUDNN_API cudnnStatus_t cudnnDropoutForward(cudnnHandle_t handle, const cudnnDropoutDescriptor_t descriptor,
                                            const cudnnTensorDescriptor_t x_descriptor, const void *x,
                                            const cudnnTensorDescriptor_t y_descriptor, void *y, void *reserve,
                                            size_t reserve_bytes) {
    const char *const function = __func__;
    return guarded(function, [&] {
        const cudnnContext &context = live(handle);
        const cudnnDropoutStruct &d = ready_dropout(descriptor);
        DropJob job{function, d.dropout, reinterpret_cast<uint64_t>(d.states), 0, operand(x_descriptor, x, "x"),
                       operand(y_descriptor, y, "y")};
        check_pair(job.x, job.y, "x and y", "y");
        job.reserve = reserve_of(reserve, reserve_bytes, job.x);
        launch(context, function, job);
    });
}

CUDNN_API cudnnStatus_t cudnnDropoutBackward(cudnnHandle_t handle, const cudnnDropoutDescriptor_t descriptor,
                                             const cudnnTensorDescriptor_t dy_descriptor, const void *dy,
                                             const cudnnTensorDescriptor_t dx_descriptor, void *dx, void *reserve,
                                             size_t reserve_bytes) {
    const char *const function = __func__;
    return guarded(function, [&] {
        const cudnnContext &context = live(handle);
        const cudnnDropoutStruct &d = ready_dropout(descriptor);
        DropGradientJob job{function, d.dropout, 0, operand(dy_descriptor, dy, "dy"), operand(dx_descriptor, dx, "dx")};
        check_pair(job.dy, job.dx, "dy and dx", "dx");
        job.reserve = reserve_of(reserve, reserve_bytes, job.dy);
        launch(context, function, job);
    });
}
