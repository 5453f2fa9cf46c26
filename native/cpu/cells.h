// A frame of a ConvLSTM whose convolutions are Winograd's (see winograd.h), in bands that one thread takes.
//
// Both convolutions of a frame are one, over the channels of h and x together, and what follows is done while it is
// in cache. Forward, for a band of tiles:
//
//   inputs    h and x, transformed                                          (points, tiles, depth)
//   products  times the transformed kernel, 16 hidden units at a time       (points, tiles, 4 gates, 16 units)
//   gates     transformed back to z, then gates, cell and output; z itself never reaches memory
//
// Backward, the transposes: gates to the gradient of z, transformed; its products with the kernel give the gradients of
// h and x in transformed form, its products with the transformed inputs add to the gradient of the transformed kernel.
// The tiles of an image overlap in their inputs by the kernel's size less one: each band adds up its own part, with a
// margin, and combine() adds the margins.
//
// Gates and cells are kept in blocks of 16 pixels by 16 hidden units: a block is a tile of 4x4, or 16 tiles of 1x1. All
// other images are NHWC.
#pragma once

#include <cstddef>

#include "convlstm.h"
#include "passes.h"

namespace framecast {

constexpr int unit_chunk = 16;                              // hidden units at a time
constexpr int block_pixels = 16;                            // pixels of a block
constexpr int block_size = unit_chunk * block_pixels;       // values of a block of cells
constexpr int gate_columns = gate_count * unit_chunk;                // i, f, g, o of a chunk

// What a layer's frames have in common.
struct Cells {
    // The kernels are square, of 1, 3 or 5.
    Cells(const ConvLstmPlan &plan, bool rounded, int threads);

    int height, width, in, filters, kernel;
    Activation activation, recurrent;
    bool rounded;       // whether operands of convolutions are rounded to bfloat16

    int tile;           // outputs of a tile: (tile, tile)
    int points;         // products a channel in a tile: (tile + kernel - 1)^2
    int tiles_across, tiles_down;
    int band_rows;      // rows of tiles in a band
    int bands;          // of an image
    int chunks;         // filters / unit_chunk
    int in_padded;      // in, rounded up to whole vectors
    int depth;          // channels of h and x together, h first
    int depth_padded;   // the same with in_padded

    int band_tiles() const { return band_rows * tiles_across; }
    // Blocks of 16 pixels in a band.
    int band_blocks() const {
        const int tiles = block_pixels / (tile * tile);
        return (band_tiles() + tiles - 1) / tiles;
    }
    // Values of an image's cells in blocks; its gates are gate_count times as many.
    size_t cell_values() const { return size_t(bands) * band_values(); }
    size_t band_values() const { return size_t(band_blocks()) * chunks * block_size; }
    // Values of the transformed kernel, and of its transpose.
    size_t kernel_values() const { return size_t(points) * chunks * depth * gate_columns; }
    size_t transposed_values() const { return size_t(points) * chunks * gate_columns * depth_padded; }
    // Values of the gradient of `channels` input channels of a band, with its margins.
    int margin() const { return kernel - 1; }
    size_t margin_rows() const { return size_t(band_rows) * tile + margin(); }
    size_t margin_columns() const { return size_t(tiles_across) * tile + margin(); }
    size_t margin_values(int channels) const { return margin_rows() * margin_columns() * channels; }

    // A position's pitch is longer by a line of cache than its values: with a power of two, the positions of a tile
    // would all fall into the same few sets of the cache.
    size_t input_pitch() const { return size_t(band_tiles()) * depth_padded + 16; }
    size_t gate_pitch() const { return size_t(band_tiles()) * gate_columns + 16; }
    // Values of scratch a thread needs, forward and backward.
    size_t scratch_values(bool backward) const {
        return points * (input_pitch() * (backward ? 2 : 1) + gate_pitch()) + seen_values();
    }
    // Room for 64 bits for each tile of a band, in whole lines of cache.
    size_t seen_values() const { return (band_tiles() * 2 + 15) / 16 * 16; }
};

// Seconds a thread spent on each kind of work; null where nobody asks.
struct CellSeconds {
    double transforms = 0, gates = 0;
    double products = 0;            // forward; backward those that give gradients of h and x
    double kernel_products = 0;     // those that give the gradient of the kernel
};

struct ForwardBand {
    int band;                   // of the image
    const float *x;             // (height, width, in)
    const float *h_before;      // (height, width, filters), or null where it is zero
    const float *kernel;        // transformed
    const float *bias;          // (4*filters)
    const float *c_before;      // the band's blocks, or null where they are zero
    float *c;                   // the band's blocks
    float *gates;               // the band's blocks, activated gates for backward, or null
    float *h;                   // (height, width, filters)
    float *scratch;
    CellSeconds *seconds;
};

struct BackwardBand {
    int band;
    const float *x, *h_before;
    const float *transposed;    // transformed kernel, transposed
    const float *c_before, *c, *gates;
    const float *dy;            // (height, width, filters): from the layer above
    const float *dh;            // (height, width, filters): from the frame after, or null at the last frame
    float *dc;                  // the band's blocks: in, from the frame after; out, for the frame before
    bool last;                  // at the last frame dc is not read
    float *kernel_gradient;     // transformed; added to
    double *bias_gradient;      // (4*filters), added to
    float *dh_before;           // the band's gradient of h_before with margins, or null at the first frame
    float *dx;                  // the band's gradient of x with margins, (.., in_padded), or null
    float *scratch;
    CellSeconds *seconds;
};

struct CellPasses {
    // Transforms rows [begin, end) of the depth of the kernels (k, k, in, 4*filters) and (k, k, filters, 4*filters).
    // `transposed` may be null.
    void (*transform_kernel)(const Cells &cells, const float *kernel, const float *recurrent_kernel, int begin, int end,
            float *transformed, float *transposed);
    // The gradients of the same rows from that of the transformed kernel.
    void (*kernel_gradient)(const Cells &cells, const float *transformed, int begin, int end, float *kernel,
            float *recurrent_kernel);
    void (*forward)(const Cells &cells, const ForwardBand &band);
    void (*backward)(const Cells &cells, const BackwardBand &band);
    // Row `row` of an image, (width, channels), from its bands' gradients with margins, (.., channels_padded).
    void (*combine)(const Cells &cells, const float *bands, int row, int channels, int channels_padded, float *out);
};

// For the kernel's size and the processor at hand.
const CellPasses &cell_passes(int kernel);

}  // namespace framecast
