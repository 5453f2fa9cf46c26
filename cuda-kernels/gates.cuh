// The gates i, f, g, o of a ConvLSTM's unit (Keras calls g "c"), and the two orders in which they are stored.
//
//   Keras's       (rows, GATES, filters)   weights and biases as parameters: a block of filters for each gate
//   interleaved   (rows, filters, GATES)   inside the engine: the gates of a unit are one float4
#pragma once

constexpr int GATES = 4;
static_assert(sizeof(float4) == GATES * sizeof(float), "a unit's gates are one float4");

// In Keras's order, the index of gate i of a unit, counted over (rows, filters); the next gates follow at distances of
// `filters`.
__device__ __forceinline__ long long kerasIndex(long long unit, int filters) {
    return unit / filters * GATES * filters + unit % filters;
}
