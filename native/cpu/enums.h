// Enumerations shared with Java. They are passed by name, so the numbers need not agree.
#pragma once

#include <cstdint>

namespace framecast {

// Keras's activations. HARD_SIGMOID is Keras 3's, HARD_SIGMOID_KERAS2 that of Keras 2.
#define FRAMECAST_ACTIVATIONS(EACH) \
    EACH(LINEAR) EACH(RELU) EACH(SIGMOID) EACH(TANH) EACH(HARD_SIGMOID) EACH(HARD_SIGMOID_KERAS2)

// See io.framecast.backend.Elementwise.
#define FRAMECAST_FUNCTIONS(EACH) \
    EACH(LINEAR) EACH(RELU) EACH(RELU6) EACH(ELU) EACH(SELU) EACH(SILU) EACH(GELU) EACH(SOFTPLUS) EACH(SIGMOID) \
    EACH(HARD_SIGMOID) EACH(HARD_SIGMOID_KERAS2) EACH(TANH) EACH(EXPONENTIAL) EACH(LEAKY_RELU) EACH(RESCALING)

// How the operands of convolutions are stored. Everything else is float32 always.
//   F32      float32
//   BF16     bfloat16 words, for oneDNN's bfloat16 convolutions
//   ROUNDED  bfloat16 values in float32 words, for processors without bfloat16 units
#define FRAMECAST_OPERANDS(EACH) EACH(F32) EACH(BF16) EACH(ROUNDED)

#define FRAMECAST_LOSSES(EACH) \
    EACH(BINARY_CROSSENTROPY_FROM_LOGITS) EACH(BINARY_CROSSENTROPY) EACH(MEAN_SQUARED_ERROR)

#define FRAMECAST_CONSTANT(name) name,
enum class Activation : int32_t { FRAMECAST_ACTIVATIONS(FRAMECAST_CONSTANT) };
enum class Function : int32_t { FRAMECAST_FUNCTIONS(FRAMECAST_CONSTANT) };
enum class Operands : int32_t { FRAMECAST_OPERANDS(FRAMECAST_CONSTANT) };
enum class LossKind : int32_t { FRAMECAST_LOSSES(FRAMECAST_CONSTANT) };
#undef FRAMECAST_CONSTANT

// The constant of that name. Throws std::invalid_argument if there is none.
Activation activation_named(const char *name);
Function function_named(const char *name);
Operands operands_named(const char *name);
LossKind loss_named(const char *name);

}  // namespace framecast
