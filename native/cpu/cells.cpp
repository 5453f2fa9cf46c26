// See cells.h. FRAMECAST_ISA names the instruction set this copy is compiled for.
#include "cells.h"

#include <algorithm>
#include <cstring>

#include "gates.h"
#include "product.h"
#include "profile.h"
#include "winograd.h"

namespace framecast {
namespace FRAMECAST_ISA {

namespace {

// Puts the time since it last looked down to one kind of work.
class Clock {
  public:
    explicit Clock(CellSeconds *seconds) : seconds_(seconds), last_(seconds ? Profile::now() : 0) {}
    void lap(double CellSeconds::*kind) {
        if (seconds_) {
            const double now = Profile::now();
            seconds_->*kind += now - last_;
            last_ = now;
        }
    }

  private:
    CellSeconds *seconds_;
    double last_;
};

template <typename W>
struct Band {
    static constexpr int m = W::m, n = W::n, pad = (W::r - 1) / 2;
    static constexpr int block_tiles = block_pixels / (m * m);
    static_assert(block_size <= run_units, "a block is a run");

    const Cells &cells;
    const int first_row, tiles;

    Band(const Cells &cells, int band)
        : cells(cells), first_row(band * cells.band_rows),
          tiles(std::min(cells.band_rows, cells.tiles_down - first_row) * cells.tiles_across) {}

    int top(int tile) const { return (first_row + tile / cells.tiles_across) * m; }
    int left(int tile) const { return tile % cells.tiles_across * m; }
    // visit(pixel of the image, pixel of the tile) for those outputs of a tile that lie in the image.
    template <typename Visit>
    void each_pixel(int tile, Visit visit) const {
        const int rows = std::min(m, cells.height - top(tile)), columns = std::min(m, cells.width - left(tile));
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
                visit(size_t(top(tile) + row) * cells.width + left(tile) + column, row * m + column);
            }
        }
    }
};

// Transforms `channels` channels of the tiles of a band into columns `column` and on of (points, tiles, depth). Unless
// null, `seen` has a word for each tile, in which the bits of the pixels (n, n) that are not zero are set.
template <typename W>
void transform_image(const Band<W> &band, const float *image, int channels, int column, float *inputs,
        uint64_t *seen) {
    constexpr int n = W::n;
    const Cells &cells = band.cells;
    const size_t pitch = cells.input_pitch();
    for (int tile = 0; tile < band.tiles; tile++) {
        const int top = band.top(tile) - band.pad, left = band.left(tile) - band.pad;
        const bool inside = top >= 0 && left >= 0 && top + n <= cells.height && left + n <= cells.width;
        for (int channel = 0; channel < channels; channel += lanes) {
            const int some = std::min(lanes, channels - channel);
            float *to = inputs + size_t(tile) * cells.depth_padded + column + channel;
            expand_tile<Input<W>, n>(
                    [&](int k) {
                        const int y = top + k / n, x = left + k % n;
                        if (!inside && (y < 0 || y >= cells.height || x < 0 || x >= cells.width)) {
                            return Vector{};
                        }
                        const float *from = image + (ptrdiff_t(y) * cells.width + x) * channels + channel;
                        const Vector value = some == lanes ? load(from) : load_some(from, some);
                        if (seen) {
                            seen[tile] |= uint64_t(any(value)) << k;
                        }
                        return cells.rounded ? to_nearest_bf16(value) : value;
                    },
                    [&](int point, Vector value) { store(to + point * pitch, value); });
        }
    }
}

// Those of h come first in the depth, then those of x.
template <typename W>
void transform_inputs(const Band<W> &band, const float *x, const float *h_before, float *inputs, uint64_t *seen) {
    if (h_before) {
        transform_image(band, h_before, band.cells.filters, 0, inputs, seen);
    }
    transform_image(band, x, band.cells.in, band.cells.filters, inputs, seen);
}

// The pixels (n, n) of a tile that output `pixel` of (m, m) sees.
template <typename W>
constexpr uint64_t window(int pixel) {
    uint64_t bits = 0;
    for (int row = 0; row < W::r; row++) {
        bits |= ((uint64_t(1) << W::r) - 1) << (row * W::n);
    }
    return bits << (pixel / W::m * W::n + pixel % W::m);
}

template <typename W>
void forward(const Cells &cells, const ForwardBand &work) {
    constexpr int m = W::m, n = W::n, points = n * n;
    const Band<W> band(cells, work.band);
    Clock clock(work.seconds);
    float *inputs = work.scratch, *products = inputs + points * cells.input_pitch();
    // Where an output sees nothing but zeros it is to be zero, and not what rounding leaves of the tile's other pixels:
    // z would lie beside the kink of relu instead of on it, in all of a video's black background. With 1x1 kernels
    // there are no other pixels.
    auto *seen = reinterpret_cast<uint64_t *>(products + points * cells.gate_pitch());
    std::fill(seen, seen + band.tiles, 0);
    transform_inputs(band, work.x, work.h_before, inputs, n > 1 ? seen : nullptr);
    clock.lap(&CellSeconds::transforms);

    const size_t begin = work.h_before ? 0 : cells.filters, depth = cells.depth - begin;
    for (int chunk = 0; chunk < cells.chunks; chunk++) {
        for (int point = 0; point < points; point++) {
            product<false>(band.tiles, gate_columns, depth, inputs + point * cells.input_pitch() + begin,
                    cells.depth_padded, 1,
                    work.kernel + ((size_t(point) * cells.chunks + chunk) * cells.depth + begin) * gate_columns,
                    gate_columns, products + point * cells.gate_pitch(), gate_columns);
        }
        clock.lap(&CellSeconds::products);

        for (int first = 0; first < band.tiles; first += band.block_tiles) {
            const int block_tiles = std::min(band.block_tiles, band.tiles - first);
            const size_t block = (size_t(first / band.block_tiles) * cells.chunks + chunk) * block_size;
            alignas(64) float local[gate_count * block_size];
            // Pixels beyond the last tile of a band are computed on, so they must be numbers.
            if (block_tiles < band.block_tiles) {
                std::memset(local, 0, sizeof local);
            }
            for (int gate = 0; gate < gate_count; gate++) {
                for (int k = 0; k < unit_chunk; k += lanes) {
                    const Vector bias = load(work.bias + gate * cells.filters + chunk * unit_chunk + k);
                    for (int tile = 0; tile < block_tiles; tile++) {
                        const float *from = products + size_t(first + tile) * gate_columns + gate * unit_chunk + k;
                        float *z = local + gate * block_size + tile * m * m * unit_chunk + k;
                        gather_tile<Output<W>, n>([&](int point) { return load(from + point * cells.gate_pitch()); },
                                [&](int pixel, Vector value) {
                                    const bool blank = n > 1 && !(seen[first + tile] & window<W>(pixel));
                                    store(z + pixel * unit_chunk, blank ? bias : value + bias);
                                });
                    }
                }
            }
            clock.lap(&CellSeconds::transforms);

            float *c = work.c + block;
            alignas(64) float h[block_size];
            gates_run(cells.activation, cells.recurrent, block_size, local, local + block_size, local + 2 * block_size,
                    local + 3 * block_size, work.c_before ? work.c_before + block : nullptr, c, h);
            if (work.gates) {
                std::memcpy(work.gates + gate_count * block, local, sizeof local);
            }
            for (int tile = 0; tile < block_tiles; tile++) {
                band.each_pixel(first + tile, [&](size_t pixel, int in_tile) {
                    std::memcpy(work.h + pixel * cells.filters + chunk * unit_chunk,
                            h + (tile * m * m + in_tile) * unit_chunk, unit_chunk * sizeof(float));
                });
            }
            clock.lap(&CellSeconds::gates);
        }
    }
}

// The gradient of `channels` channels from columns `column` on of (points, tiles, depth), added up with margins.
template <typename W>
void gather_image(const Band<W> &band, const float *inputs, int channels, int column, float *image) {
    constexpr int m = W::m, n = W::n;
    const Cells &cells = band.cells;
    const size_t pitch = cells.input_pitch(), across = cells.margin_columns();
    std::memset(image, 0, cells.margin_values(channels) * sizeof(float));
    for (int tile = 0; tile < band.tiles; tile++) {
        const int top = tile / cells.tiles_across * m, left = tile % cells.tiles_across * m;
        for (int channel = 0; channel < channels; channel += lanes) {
            const float *from = inputs + size_t(tile) * cells.depth_padded + column + channel;
            float *to = image + (top * across + left) * channels + channel;
            gather_tile<Input<W>, n>([&](int point) { return load(from + point * pitch); },
                    [&](int k, Vector value) {
                        float *pixel = to + (k / n * across + k % n) * channels;
                        store(pixel, load(pixel) + value);
                    });
        }
    }
}

template <typename W>
void backward(const Cells &cells, const BackwardBand &work) {
    constexpr int m = W::m, n = W::n, points = n * n;
    const Band<W> band(cells, work.band);
    Clock clock(work.seconds);
    float *inputs = work.scratch, *input_gradients = inputs + points * cells.input_pitch();
    float *products = input_gradients + points * cells.input_pitch();
    transform_inputs(band, work.x, work.h_before, inputs, nullptr);
    clock.lap(&CellSeconds::transforms);

    const size_t begin = work.h_before ? 0 : cells.filters, depth = cells.depth - begin;
    // The columns of the depth whose gradient is asked for.
    const size_t first_column = work.dh_before ? 0 : cells.filters;
    const size_t columns = (work.dh_before ? cells.filters : 0) + (work.dx ? cells.in_padded : 0);
    for (int chunk = 0; chunk < cells.chunks; chunk++) {
        Vector bias_gradient[gate_count][unit_chunk / lanes] = {};
        for (int first = 0; first < band.tiles; first += band.block_tiles) {
            const int block_tiles = std::min(band.block_tiles, band.tiles - first);
            const size_t block = (size_t(first / band.block_tiles) * cells.chunks + chunk) * block_size;
            // Pixels outside the image have no gradient.
            alignas(64) float dh[block_size] = {}, dz[gate_count * block_size];
            for (int tile = 0; tile < block_tiles; tile++) {
                band.each_pixel(first + tile, [&](size_t pixel, int in_tile) {
                    const size_t at = pixel * cells.filters + chunk * unit_chunk;
                    float *to = dh + (tile * m * m + in_tile) * unit_chunk;
                    for (int k = 0; k < unit_chunk; k += lanes) {
                        const Vector above = load(work.dy + at + k);
                        store(to + k, work.dh ? above + load(work.dh + at + k) : above);
                    }
                });
            }
            const float *gates = work.gates + gate_count * block;
            gates_backward_run(cells.activation, cells.recurrent, block_size, gates, gates + block_size,
                    gates + 2 * block_size, gates + 3 * block_size, work.c_before ? work.c_before + block : nullptr,
                    work.c + block, work.last, dh, work.dc + block, dz, dz + block_size, dz + 2 * block_size,
                    dz + 3 * block_size);
            clock.lap(&CellSeconds::gates);
            for (int gate = 0; gate < gate_count; gate++) {
                for (int k = 0; k < unit_chunk; k += lanes) {
                    for (int tile = 0; tile < block_tiles; tile++) {
                        const float *z = dz + gate * block_size + tile * m * m * unit_chunk + k;
                        float *to = products + size_t(first + tile) * gate_columns + gate * unit_chunk + k;
                        Vector &sum = bias_gradient[gate][k / lanes];
                        expand_tile<Output<W>, n>(
                                [&](int pixel) {
                                    const Vector exact = load(z + pixel * unit_chunk);
                                    const Vector value = cells.rounded ? to_nearest_bf16(exact) : exact;
                                    sum += value;
                                    return value;
                                },
                                [&](int point, Vector value) { store(to + point * cells.gate_pitch(), value); });
                    }
                }
            }
            clock.lap(&CellSeconds::transforms);
        }
        for (int gate = 0; gate < gate_count; gate++) {
            for (int k = 0; k < unit_chunk; k++) {
                work.bias_gradient[gate * cells.filters + chunk * unit_chunk + k]
                        += bias_gradient[gate][k / lanes][k % lanes];
            }
        }
        for (int point = 0; point < points; point++) {
            const float *dz = products + point * cells.gate_pitch();
            const size_t at = size_t(point) * cells.chunks + chunk;
            product<true>(depth, gate_columns, band.tiles, inputs + point * cells.input_pitch() + begin, 1,
                    cells.depth_padded, dz, gate_columns,
                    work.kernel_gradient + (at * cells.depth + begin) * gate_columns, gate_columns);
        }
        clock.lap(&CellSeconds::kernel_products);
        for (int point = 0; point < points; point++) {
            const float *dz = products + point * cells.gate_pitch();
            const size_t at = size_t(point) * cells.chunks + chunk;
            const float *transposed = work.transposed + at * gate_columns * cells.depth_padded + first_column;
            float *to = input_gradients + point * cells.input_pitch() + first_column;
            if (chunk == 0) {
                product<false>(band.tiles, columns, gate_columns, dz, gate_columns, 1, transposed, cells.depth_padded,
                        to, cells.depth_padded);
            } else {
                product<true>(band.tiles, columns, gate_columns, dz, gate_columns, 1, transposed, cells.depth_padded,
                        to, cells.depth_padded);
            }
        }
        clock.lap(&CellSeconds::products);
    }
    if (work.dh_before) {
        gather_image(band, input_gradients, cells.filters, 0, work.dh_before);
    }
    if (work.dx) {
        gather_image(band, input_gradients, cells.in_padded, cells.filters, work.dx);
    }
    clock.lap(&CellSeconds::transforms);
}

void combine(const Cells &cells, const float *bands, int row, int channels, int channels_padded, float *out) {
    const int band_height = cells.band_rows * cells.tile, before = (cells.kernel - 1) / 2;
    const size_t across = cells.margin_columns();
    const int own = row / band_height;
    // Bands in their order, so that sums are the same whoever computes them.
    bool empty = true;
    for (int band = std::max(0, own - 1); band <= std::min(own + 1, cells.bands - 1); band++) {
        const int line = row - band * band_height + before;
        if (line < 0 || line >= static_cast<int>(cells.margin_rows())) {
            continue;
        }
        const float *from = bands + band * cells.margin_values(channels_padded)
                + (line * across + before) * channels_padded;
        for (int column = 0; column < cells.width; column++) {
            const float *pixel = from + column * channels_padded;
            float *to = out + column * channels;
            for (int k = 0; k < channels; k++) {
                to[k] = empty ? pixel[k] : to[k] + pixel[k];
            }
        }
        empty = false;
    }
}

// Where row `row` of the depth has its taps: pointer to tap (0, 0), and the step from tap to tap.
inline float *taps_of(const Cells &cells, float *kernel, float *recurrent_kernel, int row) {
    const size_t columns = gate_count * size_t(cells.filters);
    return row < cells.filters ? recurrent_kernel + row * columns : kernel + (row - cells.filters) * columns;
}

inline size_t tap_step(const Cells &cells, int row) {
    return (row < cells.filters ? cells.filters : cells.in) * gate_count * size_t(cells.filters);
}

template <typename W>
void transform_kernel(const Cells &cells, const float *kernel, const float *recurrent_kernel, int begin, int end,
        float *transformed, float *transposed) {
    constexpr int n = W::n;
    for (int row = begin; row < end; row++) {
        const float *taps = taps_of(cells, const_cast<float *>(kernel), const_cast<float *>(recurrent_kernel), row);
        const size_t step = tap_step(cells, row);
        for (int chunk = 0; chunk < cells.chunks; chunk++) {
            for (int gate = 0; gate < gate_count; gate++) {
                for (int k = 0; k < unit_chunk; k += lanes) {
                    const int column = gate * unit_chunk + k;
                    expand_tile<Taps<W>, n>(
                            [&](int tap) {
                                const Vector value
                                        = load(taps + tap * step + gate * cells.filters + chunk * unit_chunk + k);
                                return cells.rounded ? to_nearest_bf16(value) : value;
                            },
                            [&](int point, Vector value) {
                                const size_t at = size_t(point) * cells.chunks + chunk;
                                store(transformed + (at * cells.depth + row) * gate_columns + column, value);
                                for (int lane = 0; transposed && lane < lanes; lane++) {
                                    transposed[(at * gate_columns + column + lane) * cells.depth_padded + row]
                                            = value[lane];
                                }
                            });
                }
            }
        }
    }
}

template <typename W>
void kernel_gradient(const Cells &cells, const float *transformed, int begin, int end, float *kernel,
        float *recurrent_kernel) {
    constexpr int n = W::n;
    for (int row = begin; row < end; row++) {
        float *taps = taps_of(cells, kernel, recurrent_kernel, row);
        const size_t step = tap_step(cells, row);
        for (int chunk = 0; chunk < cells.chunks; chunk++) {
            for (int gate = 0; gate < gate_count; gate++) {
                for (int k = 0; k < unit_chunk; k += lanes) {
                    gather_tile<Taps<W>, n>(
                            [&](int point) {
                                const size_t at = size_t(point) * cells.chunks + chunk;
                                return load(transformed + (at * cells.depth + row) * gate_columns + gate * unit_chunk
                                        + k);
                            },
                            [&](int tap, Vector value) {
                                store(taps + tap * step + gate * cells.filters + chunk * unit_chunk + k, value);
                            });
                }
            }
        }
    }
}

template <int m, int r>
constexpr CellPasses passes_of() {
    using W = Winograd<m, r>;
    return {transform_kernel<W>, kernel_gradient<W>, forward<W>, backward<W>, combine};
}

}  // namespace

extern const CellPasses cell_table[3];
const CellPasses cell_table[3]{passes_of<1, 1>(), passes_of<4, 3>(), passes_of<4, 5>()};

}  // namespace FRAMECAST_ISA
}  // namespace framecast
