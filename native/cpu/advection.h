// Layer images that are corrected by each frame and moved to the next one, by filters that are data. With x the frame,
// and images and frames of `channels` channels:
//
//   g = softmax(gates) over layers + 1 channels; the last one goes to no layer
//   C_k = L_k + g_k*(x - clamp(sum of L, 0, 1))
//   w = softmax(filters - precision*(o - flow)^2) over the offsets o = -R..R, for each patch, layer and axis
//   v_k[y][x] = sum over o of w[k][vertical][o] * C_k[y + o][x]           zero outside the image, the weights are
//   L_k[y][x] = sum over o of w[k][horizontal][o] * v_k[y][x + o]         those of the patch of (y, x)
//   output = clamp(sum of the new L, 0, 1)
//
// Frames are (frames, batch, height, width, channels), gates (..., height, width, layers + 1). Filters and flow have
// one pixel for each patch of block x block pixels, (..., height/block, width/block, .): filters the channels (layers,
// 2 axes, 2R + 1 offsets), flow at least 2: the offset in rows and columns, in pixels, of where content comes from.
//
// Threads share a frame by bands, the rows of one row of patches. A band moves its rows of all layers, sums them, and
// at once corrects them by the next frame: only the vertical filters read rows of other bands. Backward likewise: a
// band is done with frame t + 1 down to the gradient of L, and goes on with frame t as far as the gradient of v.
#pragma once

#include <memory>

#include "device.h"

namespace framecast {

struct AdvectionPlan {
    int height, width, channels;
    int block;                      // of the patches, divides height and width
    int flow_channels;
    int layers, max_displacement;
    float flow_precision;
    int frames, batch;              // the most at once
    bool training;                  // keep what backward needs
    bool gradients[4];              // in training: of the frames, gates, filters and flow; which backward computes

    void set_gradient(int input, bool wanted) { gradients[input] = wanted; }
    int offsets() const { return 2 * max_displacement + 1; }
    int filter_channels() const { return layers * 2 * offsets(); }
    int bands() const { return height / block; }
    int patches() const { return width / block; }           // of a band
    size_t row() const { return size_t(width) * channels; }
    size_t image() const { return row() * height; }
};

class LayeredAdvection {
  public:
    LayeredAdvection(Device &device, const AdvectionPlan &plan);

    // The output of all frames, from layers of zeros. Valid until the next call. Until then the frames must not change:
    // backward reads them.
    float *forward(const float *x, const float *gates, const float *filters, const float *flow, int frames, int batch);

    // Computes the gradients that the plan asks for from that of the output. The clamp of the output passes a gradient
    // also where the sum is outside [0, 1] and descent would move it back.
    void backward(const float *dy);
    // Of input 0 to 3, after backward; null if not asked for.
    float *gradient(int input) const { return gradients_[input] ? gradients_[input]->floats() : nullptr; }

    // Resets the layers to zero.
    void begin() { has_state_ = false; }
    // The output of `frames` further frames. The layers after the first `commit` of them are kept.
    float *step(const float *x, const float *gates, const float *filters, const float *flow, int frames, int batch,
            int commit);

  private:
    // A band of one image: the index of the image in (frames, batch), and that of the video.
    struct Band {
        size_t image;
        int video, band;
    };

    float *run(const float *x, const float *gates, const float *filters, const float *flow, int frames, int batch,
            bool from_state, int commit);
    void softmax(const float *gates, const float *filters, const float *flow, Band at) const;
    void correct(Band at, const float *layers, size_t layer_size, const float *sum) const;
    void move(Band at, bool commit, float *moved) const;
    void correct_backward(Band at, bool first, float *dl) const;
    void move_backward(Band at, const float *dy, float *dl) const;
    void filters_backward(Band at, int layer, int axis, float *dw) const;

    // Calls body(step, video, band) for all, step after step. Where the videos are shared out evenly, each thread does
    // all steps of its own, without waiting for the others at each step.
    template <typename Body>
    void each_step(int steps, Body body) const;

    // What the threads share. `image` counts the images of (frames, batch); those that only backward needs for all
    // frames are two frames or one when not training.
    float *gates(size_t image, int row) const;
    float *weights(size_t image, int band, int layer, int axis) const;
    float *corrected(size_t image, int layer) const;
    float *vertical(size_t image, int layer, int row) const;
    float *sum(size_t image, int row) const { return sum_.floats() + image * plan_.image() + row * plan_.row(); }
    float *dv(size_t image, int layer, int row) const;
    float *state(int video) const { return state_->floats() + video * (plan_.layers + 1) * plan_.image(); }
    // Of the calling thread: the layers of a band, and then rows.
    float *scratch_layers() const;
    float *scratch_rows() const { return scratch_layers() + layers_size(); }
    size_t layers_size() const { return plan_.layers * plan_.block * plan_.row(); }
    size_t rows_size() const;
    size_t scratch_size() const;
    size_t margin() const { return size_t(plan_.max_displacement) * plan_.channels; }

    Device &device_;
    const AdvectionPlan plan_;
    Memory gates_;              // (frames, batch, height, layers + 1, width): after the softmax
    Memory weights_;            // (frames, batch, bands, layers, 2 axes, offsets, patches): after the softmax
    Memory corrected_;          // (frames, batch, layers, height, row)
    Memory vertical_;           // (frames, batch, layers, height, row with margins of zeros)
    Memory sum_;                // (frames, batch, height, row)
    Memory y_;
    Memory scratch_;
    std::unique_ptr<Memory> dv_;            // (2 frames, batch, layers, height, row)
    std::unique_ptr<Memory> gradients_[4];
    std::unique_ptr<Memory> state_;         // (batch, layers + 1, height, row): the layers, and their sum
    bool has_state_ = false;

    const float *x_ = nullptr;  // of the last forward, for backward
    int frames_ = 0, batch_ = 0;
};

}  // namespace framecast
