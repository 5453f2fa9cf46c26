#include "convolution.h"

#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "onednn.h"

namespace framecast {

using dnnl::memory;
using dnnl::prop_kind;
using Dims = memory::dims;
using Args = std::unordered_map<int, memory>;

namespace {

enum class Kind { forward, forward_bias, forward_accumulate, backward_data, backward_weights, backward_weights_bias };

// A primitive for one number of images, with the layout it wants its weights in.
struct Plan {
    dnnl::primitive primitive;
    memory::desc weights;
};

}  // namespace

// The convolution as oneDNN's primitives, each made when it is first needed.
class Convolution::Primitives {
  public:
    Primitives(Device &device, const ConvolutionShape &shape, std::string name)
        : device_(device), onednn_(device.onednn()), shape_(shape), name_(std::move(name)) {}

    void set_weights(const float *weights);
    Plan &plan(Kind kind, int images);
    void execute(const char *what, int images, const Plan &plan, const Args &args);
    // Copies the gradient of the weights from the layout of gradient() to the caller's.
    void reorder_gradient(float *to);

    // Arguments of a plan.
    memory packed_weights(const memory::desc &wanted);
    memory operand(int images, const void *data, bool input);
    memory result(int images, float *data, bool input);
    memory bias(float *data);
    memory gradient(const memory::desc &wanted);

  private:
    Plan make(Kind kind, int images);
    void reorder(memory &from, memory &to) { dnnl::reorder(from, to).execute(onednn_->stream, from, to); }
    memory::desc weights_desc(memory::data_type type) const;
    memory::desc image_desc(int images, bool input, memory::data_type type) const;

    struct Packed {
        dnnl::memory memory;
        bool current;
    };

    Device &device_;
    const std::shared_ptr<OneDnn> onednn_;
    const ConvolutionShape shape_;
    const std::string name_;
    const float *weights_ = nullptr;
    std::map<std::pair<Kind, int>, Plan> plans_;
    std::vector<Packed> packed_;
    memory gradient_;
};

Convolution::Convolution(Device &device, const ConvolutionShape &shape, std::string name)
    : shape_(shape), primitives_(std::make_unique<Primitives>(device, shape, std::move(name))) {}

Convolution::~Convolution() = default;

void Convolution::set_weights(const float *weights) { primitives_->set_weights(weights); }

void Convolution::forward(int images, const void *input, const float *bias, float *output) {
    Primitives &p = *primitives_;
    const Plan &plan = p.plan(bias ? Kind::forward_bias : Kind::forward, images);
    Args args{{DNNL_ARG_SRC, p.operand(images, input, true)}, {DNNL_ARG_WEIGHTS, p.packed_weights(plan.weights)},
            {DNNL_ARG_DST, p.result(images, output, false)}};
    if (bias) {
        args[DNNL_ARG_BIAS] = p.bias(const_cast<float *>(bias));
    }
    p.execute("forward", images, plan, args);
}

void Convolution::forward_accumulate(int images, const void *input, float *output) {
    Primitives &p = *primitives_;
    const Plan &plan = p.plan(Kind::forward_accumulate, images);
    p.execute("forward", images, plan, {{DNNL_ARG_SRC, p.operand(images, input, true)},
            {DNNL_ARG_WEIGHTS, p.packed_weights(plan.weights)}, {DNNL_ARG_DST, p.result(images, output, false)}});
}

void Convolution::backward_data(int images, const void *output_gradient, float *input_gradient) {
    Primitives &p = *primitives_;
    const Plan &plan = p.plan(Kind::backward_data, images);
    p.execute("backward data", images, plan, {{DNNL_ARG_DIFF_DST, p.operand(images, output_gradient, false)},
            {DNNL_ARG_WEIGHTS, p.packed_weights(plan.weights)},
            {DNNL_ARG_DIFF_SRC, p.result(images, input_gradient, true)}});
}

void Convolution::backward_weights(int images, const void *input, const void *output_gradient,
        float *weights_gradient, float *bias_gradient) {
    Primitives &p = *primitives_;
    const Plan &plan = p.plan(bias_gradient ? Kind::backward_weights_bias : Kind::backward_weights, images);
    Args args{{DNNL_ARG_SRC, p.operand(images, input, true)},
            {DNNL_ARG_DIFF_DST, p.operand(images, output_gradient, false)},
            {DNNL_ARG_DIFF_WEIGHTS, p.gradient(plan.weights)}};
    if (bias_gradient) {
        args[DNNL_ARG_DIFF_BIAS] = p.bias(bias_gradient);
    }
    p.execute("backward weights", images, plan, args);
    p.reorder_gradient(weights_gradient);
}

void Convolution::Primitives::set_weights(const float *weights) {
    weights_ = weights;
    for (auto &packed : packed_) {
        packed.current = false;
    }
}

void Convolution::Primitives::reorder_gradient(float *to) {
    named("reorder of a weights gradient", [&] {
        memory target(weights_desc(memory::data_type::f32), onednn_->engine, to);
        reorder(gradient_, target);
    });
}

void Convolution::Primitives::execute(const char *what, int images, const Plan &plan, const Args &args) {
    const std::string op = name_ + ", " + what;
    const double out = double(shape_.output_size()) * images, in = double(shape_.input_size()) * images;
    const double products = out * shape_.kernel_height * shape_.kernel_width * shape_.in;
    const double bytes = (in + out) * 4 + shape_.weights_size() * 4.0;
    timed(device_.profile(), op.c_str(), 2 * products, bytes,
            [&] { named(op, [&] { plan.primitive.execute(onednn_->stream, args); }); });
}

Plan &Convolution::Primitives::plan(Kind kind, int images) {
    const auto key = std::make_pair(kind, images);
    auto found = plans_.find(key);
    if (found == plans_.end()) {
        found = plans_.emplace(key, named("planning a convolution", [&] { return make(kind, images); })).first;
    }
    return found->second;
}

Plan Convolution::Primitives::make(Kind kind, int images) {
    const auto f32 = memory::data_type::f32;
    const auto type = operand_type(device_);
    const auto any = memory::format_tag::any;
    const Dims weights_dims{shape_.out, shape_.in, shape_.kernel_height, shape_.kernel_width};
    const Dims strides{shape_.stride_height, shape_.stride_width};
    const Dims dilates{shape_.dilation_height - 1, shape_.dilation_width - 1};
    const Dims before{shape_.pad_top(), shape_.pad_left()};
    const Dims after{shape_.pad_bottom(), shape_.pad_right()};
    const memory::desc weights(weights_dims, type, any);
    const memory::desc weights_gradient(weights_dims, f32, any);
    const memory::desc bias({shape_.out}, f32, memory::format_tag::x);
    const auto algorithm = dnnl::algorithm::convolution_direct;
    auto &engine = onednn_->engine;

    const auto forward = [&](const memory::desc &bias_desc, bool accumulate) {
        dnnl::primitive_attr attributes;
        if (accumulate) {
            dnnl::post_ops sum;
            sum.append_sum(1.0f);
            attributes.set_post_ops(sum);
        }
        return dnnl::convolution_forward::primitive_desc(engine, prop_kind::forward_training, algorithm,
                image_desc(images, true, type), weights, bias_desc, image_desc(images, false, f32), strides, dilates,
                before, after, attributes);
    };

    switch (kind) {
        case Kind::forward:
        case Kind::forward_bias:
        case Kind::forward_accumulate: {
            const auto desc = forward(kind == Kind::forward_bias ? bias : memory::desc(),
                    kind == Kind::forward_accumulate);
            return {dnnl::convolution_forward(desc), desc.weights_desc()};
        }
        case Kind::backward_data: {
            const dnnl::convolution_backward_data::primitive_desc desc(engine, algorithm, image_desc(images, true, f32),
                    weights, image_desc(images, false, type), strides, dilates, before, after,
                    forward(memory::desc(), false));
            return {dnnl::convolution_backward_data(desc), desc.weights_desc()};
        }
        default: {
            const auto bias_desc = kind == Kind::backward_weights_bias ? bias : memory::desc();
            const dnnl::convolution_backward_weights::primitive_desc desc(engine, algorithm,
                    image_desc(images, true, type), weights_gradient, bias_desc, image_desc(images, false, type),
                    strides, dilates, before, after, forward(bias_desc, false));
            return {dnnl::convolution_backward_weights(desc), desc.diff_weights_desc()};
        }
    }
}

memory Convolution::Primitives::packed_weights(const memory::desc &wanted) {
    Packed *entry = nullptr;
    for (auto &packed : packed_) {
        if (packed.memory.get_desc() == wanted) {
            entry = &packed;
        }
    }
    if (!entry) {
        packed_.push_back({memory(wanted, onednn_->engine), false});
        entry = &packed_.back();
    }
    if (!entry->current) {
        memory source(weights_desc(memory::data_type::f32), onednn_->engine, const_cast<float *>(weights_));
        if (device_.operands() == Operands::ROUNDED) {
            // Through a bfloat16 copy, so that the float32 convolution multiplies rounded weights.
            memory rounded(weights_desc(memory::data_type::bf16), onednn_->engine);
            reorder(source, rounded);
            reorder(rounded, entry->memory);
        } else {
            reorder(source, entry->memory);
        }
        entry->current = true;
    }
    return entry->memory;
}

memory::desc Convolution::Primitives::weights_desc(memory::data_type type) const {
    return memory::desc({shape_.out, shape_.in, shape_.kernel_height, shape_.kernel_width}, type,
            memory::format_tag::hwio);
}

memory::desc Convolution::Primitives::image_desc(int images, bool input, memory::data_type type) const {
    const Dims dims = input ? Dims{images, shape_.in, shape_.height, shape_.width}
                            : Dims{images, shape_.out, shape_.out_height(), shape_.out_width()};
    return memory::desc(dims, type, memory::format_tag::nhwc);
}

memory Convolution::Primitives::operand(int images, const void *data, bool input) {
    return memory(image_desc(images, input, operand_type(device_)), onednn_->engine, const_cast<void *>(data));
}

memory Convolution::Primitives::result(int images, float *data, bool input) {
    return memory(image_desc(images, input, memory::data_type::f32), onednn_->engine, data);
}

memory Convolution::Primitives::bias(float *data) {
    return memory({{shape_.out}, memory::data_type::f32, memory::format_tag::x}, onednn_->engine, data);
}

memory Convolution::Primitives::gradient(const memory::desc &wanted) {
    if (!gradient_ || gradient_.get_desc() != wanted) {
        gradient_ = memory(wanted, onednn_->engine);
    }
    return gradient_;
}

}  // namespace framecast
