// See block_matching.h. FRAMECAST_ISA names the instruction set this copy is compiled for.
//
// Vectors run over the blocks of a row. For that, frames are split into phases, one for each column of a block and
// channel: phase (u, c) has the pixels of column u of all blocks of a row, so that a displacement of the frame before
// leads to another phase, shifted by whole blocks, and a block's sum needs no sum within a vector. Rows of blocks are
// padded to whole vectors.
#include <algorithm>
#include <cstring>

#include "activations.h"
#include "block_matching.h"
#include "vectors.h"

namespace framecast {
namespace FRAMECAST_ISA {

namespace {

inline int floor_divide(int a, int b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

// Where things are in the scratch memory of a thread.
struct Layout {
    explicit Layout(const MatchingShape &shape)
        : padded((shape.columns() + lanes - 1) / lanes * lanes),
          left(-floor_divide(-shape.reach, shape.block)),
          line(left + padded + floor_divide(shape.block - 1 + shape.reach, shape.block)),
          radius(std::min(shape.window / 2, shape.columns() - 1)), rows(shape.rows()),
          phases(size_t(shape.block) * shape.channels) {
        before = shape.height * phases * padded;
        sums = before + (shape.height + 2 * size_t(shape.reach)) * phases * line;
        window_line = sums + size_t(rows) * padded;
        scale = window_line + padded + 2 * size_t(radius);
        costs = scale + size_t(rows) * padded;
        values = costs + shape.displacements() * rows * padded;
    }

    const int padded;       // columns of blocks, in whole vectors
    const int left;         // blocks before the first of a line of the frame before
    const int line;         // blocks of a line of the frame before
    const int radius;       // blocks to each side that can be inside the window
    const int rows;
    const size_t phases;
    // From here on: the frame begins at 0, (height, phases, padded).
    size_t before;          // the frame before, (height + 2*reach, phases, line)
    size_t sums;            // sums over the columns of the window, (rows, padded)
    size_t window_line;     // a row of blocks with zeros around it
    size_t scale;           // from the window's sum to the cost, (rows, padded)
    size_t costs;           // (displacements, rows, padded)
    size_t values;
};

size_t scratch_values(const MatchingShape &shape) { return Layout(shape).values; }

// Row by row; `to` has lines of `line` blocks, the first after `left`.
void split(const MatchingShape &shape, const float *frame, float *to, int left, int line) {
    const size_t phases = size_t(shape.block) * shape.channels;
    for (int row = 0; row < shape.height; row++, to += phases * line) {
        for (int column = 0; column < shape.columns(); column++) {
            for (size_t phase = 0; phase < phases; phase++) {
                to[phase * line + left + column] = *frame++;
            }
        }
    }
}

// How many of the blocks of the window around `at` are inside.
inline int inside(int at, int window, int size) {
    return std::min(at, window / 2) + 1 + std::min(size - 1 - at, window / 2);
}

// D of a row of blocks, for the displacement (dy, dx).
void differences(const MatchingShape &shape, const Layout &at, const float *scratch, int row, int dy, int dx,
        float *sums) {
    // The block and its column that hold the pixel dx after the first of block 0.
    const int first_block = floor_divide(dx, shape.block), first = dx - first_block * shape.block;
    const size_t phase_x = size_t(shape.channels) * at.padded, phase_before = size_t(shape.channels) * at.line;
    for (int column = 0; column < at.padded; column += lanes) {
        Vector sum = {};
        for (int k = 0; k < shape.block; k++) {
            const int y = row * shape.block + k;
            const float *x = scratch + y * at.phases * at.padded + column;
            const float *line = scratch + at.before + size_t(y + dy + shape.reach) * at.phases * at.line + at.left
                    + first_block + column;
            for (int u = 0; u < shape.block; u++, x += phase_x) {
                const int u_before = u + first;
                const float *before = u_before < shape.block ? line + u_before * phase_before
                        : line + (u_before - shape.block) * phase_before + 1;
                for (int c = 0; c < shape.channels; c++) {
                    const Vector difference = load(x + size_t(c) * at.padded) - load(before + size_t(c) * at.line);
                    sum += difference * difference;
                }
            }
        }
        store(sums + column, sum);
    }
}

// The costs of one displacement.
void cost(const MatchingShape &shape, const Layout &at, int dy, int dx, float *scratch, float *costs) {
    float *sums = scratch + at.sums, *padded_line = scratch + at.window_line, *line = padded_line + at.radius;
    for (int row = 0; row < at.rows; row++) {
        differences(shape, at, scratch, row, dy, dx, line);
        // What follows the last block must be zero for the sums.
        std::fill(line + shape.columns(), line + at.padded, 0.0f);
        for (int column = 0; column < at.padded; column += lanes) {
            Vector sum = {};
            for (int k = 0; k <= 2 * at.radius; k++) {
                sum += load(padded_line + column + k);
            }
            store(sums + size_t(row) * at.padded + column, sum);
        }
    }
    const int radius = shape.window / 2;
    for (int row = 0; row < at.rows; row++) {
        const int first = std::max(row - radius, 0), last = std::min(row + radius, at.rows - 1);
        for (int column = 0; column < at.padded; column += lanes) {
            Vector sum = {};
            for (int r = first; r <= last; r++) {
                sum += load(sums + size_t(r) * at.padded + column);
            }
            const size_t here = size_t(row) * at.padded + column;
            store(costs + here, sum * load(scratch + at.scale + here));
        }
    }
}

void run(const MatchingShape &shape, const float *x, const float *before, float *y, float *scratch) {
    const Layout at(shape);
    const int side = 2 * shape.reach + 1;
    const size_t blocks = size_t(at.rows) * at.padded;
    std::memset(scratch, 0, at.costs * sizeof(float));
    split(shape, x, scratch, 0, at.padded);
    split(shape, before, scratch + at.before + shape.reach * at.phases * at.line, at.left, at.line);
    for (int row = 0; row < at.rows; row++) {
        for (int column = 0; column < shape.columns(); column++) {
            const float count = static_cast<float>(inside(row, shape.window, at.rows))
                    * static_cast<float>(inside(column, shape.window, shape.columns()));
            scratch[at.scale + size_t(row) * at.padded + column]
                    = static_cast<float>(shape.window) * static_cast<float>(shape.window) / count;
        }
    }
    float *costs = scratch + at.costs;
    for (int dy = 0; dy < side; dy++) {
        for (int dx = 0; dx < side; dx++) {
            cost(shape, at, dy - shape.reach, dx - shape.reach, scratch, costs + (size_t(dy) * side + dx) * blocks);
        }
    }

    for (int row = 0; row < at.rows; row++) {
        for (int column = 0; column < at.padded; column += lanes) {
            const float *of = costs + size_t(row) * at.padded + column;
            float least[lanes], sum[lanes] = {}, sum_y[lanes] = {}, sum_x[lanes] = {};
            std::copy(of, of + lanes, least);
            for (size_t d = 1; d < shape.displacements(); d++) {
                for (int k = 0; k < lanes; k++) {
                    const float value = of[d * blocks + k];
                    least[k] = value < least[k] ? value : least[k];
                }
            }
            for (int dy = 0; dy < side; dy++) {
                for (int dx = 0; dx < side; dx++) {
                    const float *value = of + (size_t(dy) * side + dx) * blocks;
                    for (int k = 0; k < lanes; k++) {
                        const float p = exp_f32(least[k] - value[k]);
                        sum[k] += p;
                        sum_y[k] += p * (dy - shape.reach);
                        sum_x[k] += p * (dx - shape.reach);
                    }
                }
            }
            for (int k = 0; k < lanes && column + k < shape.columns(); k++) {
                float *to = y + (size_t(row) * shape.columns() + column + k) * 3;
                to[0] = sum_y[k] / sum[k];
                to[1] = sum_x[k] / sum[k];
                to[2] = least[k] > 8 ? 1 : least[k] / 8;
            }
        }
    }
}

}  // namespace

extern const MotionPass motion_pass;
const MotionPass motion_pass{scratch_values, run};

}  // namespace FRAMECAST_ISA
}  // namespace framecast
