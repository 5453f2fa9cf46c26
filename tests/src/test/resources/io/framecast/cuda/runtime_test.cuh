#include "runtime_test_shape.cuh"
#define DOUBLE 2
