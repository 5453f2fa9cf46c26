// A flat index split into coordinates, which a main loop advances without a division. Integer divisions, by constants
// too, are several instructions; advancing with carry is a compare and two adds a coordinate.
#pragma once

namespace convolution {

// A mixed-radix index (high, middle < MIDDLE, low < LOW), such as (image, row, column) or (kernel row, kernel column,
// channel).
template <int MIDDLE, int LOW> struct MixedRadix {
    int high, middle, low;

    __device__ explicit MixedRadix(int value = 0)
            : high(value / LOW / MIDDLE), middle(value / LOW % MIDDLE), low(value % LOW) {}
    __device__ MixedRadix(int high, int middle, int low) : high(high), middle(middle), low(low) {}

    // Adds N. Returns whether more than the lowest digit has changed.
    template <int N> __device__ __forceinline__ bool add() {
        constexpr int ADD_LOW = N % LOW, ADD_MIDDLE = N / LOW % MIDDLE, ADD_HIGH = N / LOW / MIDDLE;
        low += ADD_LOW;
        const bool carry = ADD_LOW != 0 && low >= LOW;
        if (carry) low -= LOW;
        if (N < LOW && !carry) return false;
        middle += ADD_MIDDLE + carry;
        const bool carryMiddle = middle >= MIDDLE;
        if (carryMiddle) middle -= MIDDLE;
        high += ADD_HIGH + carryMiddle;
        return true;
    }
};

}
