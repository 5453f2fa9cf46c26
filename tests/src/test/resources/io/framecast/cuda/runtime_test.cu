// Small kernels for the tests of what launches them. One block each.
#include "runtime_test.cuh"

#ifndef FACTOR
#define FACTOR 1
#endif

extern "C" __global__ void scale(float *x) { x[threadIdx.x] *= FACTOR * DOUBLE; }

// One parameter of each kind; y[i] is the i-th of them, as a float. The last two tell whether the pointers are null.
extern "C" __global__ void tell(float *y, const float *none, int i, long long l, float f, int rows, int columns,
                                int step) {
    Shape shape = {rows, columns, step};
    y[0] = i;
    y[1] = l >> 32;
    y[2] = f;
    y[3] = shape.rows;
    y[4] = shape.columns;
    y[5] = shape.step;
    y[6] = none == nullptr;
    y[7] = y == nullptr;
}

extern "C" __global__ void pass(float *x, int words) {
    extern __shared__ float dynamic[];
    dynamic[words - 1] = x[0] + 1;
    x[0] = dynamic[words - 1];
}

// 16 KiB of static shared memory beside the dynamic.
extern "C" __global__ void passTwice(float *x, int words) {
    __shared__ float fixed[4096];
    extern __shared__ float dynamic[];
    dynamic[words - 1] = x[0] + 1;
    fixed[words % 4096] = dynamic[words - 1] + 1;
    x[0] = fixed[words % 4096];
}
