// Sums in double over the threads of a block, in a fixed order.
#pragma once

// Thread 0 returns the sum over the block's 256 threads.
__device__ double blockSum(double value) {
    __shared__ double sums[256];
    sums[threadIdx.x] = value;
    for (int half = 128; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) sums[threadIdx.x] = value += sums[threadIdx.x + half];
    }
    return value;
}
