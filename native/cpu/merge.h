// What layers of several inputs are made of: sums, and copies of channels.
#pragma once

#include "device.h"

namespace framecast {

// y = a + b, of `size` values; y may be a or b.
void add(Device &device, const float *a, const float *b, float *y, int64_t size);

// Copies `columns` columns of each of `rows` rows: from the matrix `from` of from_columns columns, beginning at column
// from_column, to the matrix `to`, likewise.
void copy_columns(Device &device, int64_t rows, int columns, const float *from, int from_columns, int from_column,
        float *to, int to_columns, int to_column);

}  // namespace framecast
