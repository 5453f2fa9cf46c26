// Attributes of streams. They are hints that change nothing here, and are kept for the program.
#include <cstring>

#include "driver/stream/queue.h"

namespace softgpu {

namespace {

enum { ACCESS_POLICY_WINDOW = 1, SYNCHRONIZATION_POLICY = 3, PRIORITY = 8 };     // CUstreamAttrID

void require_attribute(int attribute) {
    require(attribute == ACCESS_POLICY_WINDOW || attribute == SYNCHRONIZATION_POLICY || attribute == PRIORITY);
}

}  // namespace

extern "C" {

CU_API cuStreamSetAttribute(CUstream handle, int attribute, const Stream::Attribute *value) {
    return context_call(__func__, [&](Context &context) {
        const auto stream = stream_of(context, handle);
        require(value);
        require_attribute(attribute);
        require(attribute != PRIORITY, CUDA_ERROR_NOT_SUPPORTED);       // it is given when a stream is created
        stream->attributes[attribute] = *value;
    });
}

// What was never set is zero.
CU_API cuStreamGetAttribute(CUstream handle, int attribute, Stream::Attribute *value) {
    return context_call(__func__, [&](Context &context) {
        const auto stream = stream_of(context, handle);
        require(value);
        require_attribute(attribute);
        const auto at = stream->attributes.find(attribute);
        *value = at == stream->attributes.end() ? Stream::Attribute{} : at->second;
        if (attribute == PRIORITY) std::memcpy(value, &stream->priority, sizeof stream->priority);
    });
}

CU_API cuStreamCopyAttributes(CUstream to, CUstream from) {
    return context_call(__func__, [&](Context &context) {
        stream_of(context, to)->attributes = stream_of(context, from)->attributes;
    });
}

}  // extern "C"

}  // namespace softgpu
