// Keras's activations and their derivatives. The activation is the same for all threads of a launch, so the switch does
// not diverge. All of them propagate NaN.
#pragma once

// ACTIVATIONS is an option of the compiler: the names in the order of io.framecast.backend.Activation.
enum Activation { ACTIVATIONS, ACTIVATION_COUNT };
static_assert(ACTIVATION_COUNT == 6, "activate() and derivative() know all activations");

// Clipped to [0, 1]; fminf and fmaxf do not propagate NaN.
__device__ __forceinline__ float clip01(float x) {
    x = x < 0.0f ? 0.0f : x;
    return x > 1.0f ? 1.0f : x;
}

// Where e^-x overflows the result is 0, as it should be.
__device__ __forceinline__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

__device__ __forceinline__ float activate(int activation, float x) {
    switch (activation) {
        case RELU: return x < 0.0f ? 0.0f : x;
        case SIGMOID: return sigmoid(x);
        case TANH: return tanhf(x);
        case HARD_SIGMOID: return clip01(x * (1.0f / 6) + 0.5f);
        case HARD_SIGMOID_KERAS2: return clip01(x * 0.2f + 0.5f);
        default: return x;
    }
}

// The derivative of the activation, as a function of its value y.
__device__ __forceinline__ float derivative(int activation, float y) {
    switch (activation) {
        case RELU: return y > 0.0f ? 1.0f : 0.0f;
        case SIGMOID: return y * (1.0f - y);
        case TANH: return 1.0f - y * y;
        case HARD_SIGMOID: return y > 0.0f && y < 1.0f ? 1.0f / 6 : 0.0f;
        case HARD_SIGMOID_KERAS2: return y > 0.0f && y < 1.0f ? 0.2f : 0.0f;
        default: return 1.0f;
    }
}
