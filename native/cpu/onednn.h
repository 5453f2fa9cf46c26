// The oneDNN objects of a device. Include only where oneDNN is called: its header is slow to compile.
#pragma once

#include <stdexcept>
#include <string>

#include <oneapi/dnnl/dnnl.hpp>
#include <oneapi/dnnl/dnnl_debug.h>

#include "device.h"

namespace framecast {

struct OneDnn {
    dnnl::engine engine;
    dnnl::stream stream;
};

// The type that convolutions multiply.
inline dnnl::memory::data_type operand_type(const Device &device) {
    return device.operands() == Operands::BF16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
}

// Runs a oneDNN call, and turns its error into one that names the call, the status and its meaning.
template <typename Call>
auto named(const std::string &what, Call call) -> decltype(call()) {
    try {
        return call();
    } catch (const dnnl::error &e) {
        throw std::runtime_error("oneDNN: " + what + " failed with status " + std::to_string(e.status) + " ("
                + dnnl_status2str(e.status) + "): " + e.message);
    }
}

}  // namespace framecast
