#include "convolution.h"

namespace framecast {

using dnnl::memory;
using dnnl::prop_kind;
using Dims = memory::dims;
using Args = std::unordered_map<int, memory>;

void Convolution::set_weights(const float *weights) {
    weights_ = weights;
    for (auto &packed : packed_) {
        packed.current = false;
    }
}

void Convolution::forward(int images, const void *input, const float *bias, float *output) {
    Plan &p = plan(bias ? Kind::forward_bias : Kind::forward, images);
    Args args{{DNNL_ARG_SRC, operand(images, input, true)}, {DNNL_ARG_WEIGHTS, packed_weights(p.weights)},
            {DNNL_ARG_DST, result(images, output, false)}};
    if (bias) {
        args[DNNL_ARG_BIAS] = memory({{shape_.out}, memory::data_type::f32, memory::format_tag::x}, device_.engine(),
                const_cast<float *>(bias));
    }
    execute("forward", images, p, args);
}

void Convolution::forward_accumulate(int images, const void *input, float *output) {
    Plan &p = plan(Kind::forward_accumulate, images);
    execute("forward", images, p, {{DNNL_ARG_SRC, operand(images, input, true)},
            {DNNL_ARG_WEIGHTS, packed_weights(p.weights)}, {DNNL_ARG_DST, result(images, output, false)}});
}

void Convolution::backward_data(int images, const void *output_gradient, float *input_gradient) {
    Plan &p = plan(Kind::backward_data, images);
    execute("backward data", images, p, {{DNNL_ARG_DIFF_DST, operand(images, output_gradient, false)},
            {DNNL_ARG_WEIGHTS, packed_weights(p.weights)}, {DNNL_ARG_DIFF_SRC, result(images, input_gradient, true)}});
}

void Convolution::backward_weights(int images, const void *input, const void *output_gradient,
        float *weights_gradient, float *bias_gradient) {
    Plan &p = plan(bias_gradient ? Kind::backward_weights_bias : Kind::backward_weights, images);
    if (!gradient_ || gradient_.get_desc() != p.weights) {
        gradient_ = memory(p.weights, device_.engine());
    }
    Args args{{DNNL_ARG_SRC, operand(images, input, true)},
            {DNNL_ARG_DIFF_DST, operand(images, output_gradient, false)}, {DNNL_ARG_DIFF_WEIGHTS, gradient_}};
    if (bias_gradient) {
        args[DNNL_ARG_DIFF_BIAS] = memory({{shape_.out}, memory::data_type::f32, memory::format_tag::x},
                device_.engine(), bias_gradient);
    }
    execute("backward weights", images, p, args);
    named("reorder of a weights gradient", [&] {
        memory target(weights_desc(), device_.engine(), weights_gradient);
        dnnl::reorder(gradient_, target).execute(device_.stream(), gradient_, target);
    });
}

void Convolution::execute(const char *what, int images, const Plan &plan, const Args &args) {
    const std::string op = name_ + ", " + what;
    const double out = double(shape_.output_size()) * images, in = double(shape_.input_size()) * images;
    const double products = out * shape_.kernel_height * shape_.kernel_width * shape_.in;
    const double bytes = (in + out) * 4 + shape_.weights_size() * 4.0;
    timed(device_.profile(), op.c_str(), 2 * products, bytes,
            [&] { named(op, [&] { plan.primitive.execute(device_.stream(), args); }); });
}

Convolution::Plan &Convolution::plan(Kind kind, int images) {
    const auto key = std::make_pair(kind, images);
    auto found = plans_.find(key);
    if (found == plans_.end()) {
        found = plans_.emplace(key, named("planning a convolution", [&] { return make(kind, images); })).first;
    }
    return found->second;
}

Convolution::Plan Convolution::make(Kind kind, int images) {
    const auto f32 = memory::data_type::f32;
    const auto type = device_.operand_type();
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
    auto &engine = device_.engine();

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

memory Convolution::packed_weights(const memory::desc &wanted) {
    Packed *entry = nullptr;
    for (auto &packed : packed_) {
        if (packed.memory.get_desc() == wanted) {
            entry = &packed;
        }
    }
    if (!entry) {
        packed_.push_back({memory(wanted, device_.engine()), false});
        entry = &packed_.back();
    }
    if (!entry->current) {
        memory source(weights_desc(), device_.engine(), const_cast<float *>(weights_));
        if (device_.operands() == OPERANDS_ROUNDED) {
            // Through a bfloat16 copy, so that the float32 convolution multiplies rounded weights.
            memory::desc plain({shape_.out, shape_.in, shape_.kernel_height, shape_.kernel_width},
                    memory::data_type::bf16, memory::format_tag::hwio);
            memory rounded(plain, device_.engine());
            dnnl::reorder(source, rounded).execute(device_.stream(), source, rounded);
            dnnl::reorder(rounded, entry->memory).execute(device_.stream(), rounded, entry->memory);
        } else {
            dnnl::reorder(source, entry->memory).execute(device_.stream(), source, entry->memory);
        }
        entry->current = true;
    }
    return entry->memory;
}

memory::desc Convolution::weights_desc() const {
    return memory::desc({shape_.out, shape_.in, shape_.kernel_height, shape_.kernel_width}, memory::data_type::f32,
            memory::format_tag::hwio);
}

memory::desc Convolution::image_desc(int images, bool input, memory::data_type type) const {
    const Dims dims = input ? Dims{images, shape_.in, shape_.height, shape_.width}
                            : Dims{images, shape_.out, shape_.out_height(), shape_.out_width()};
    return memory::desc(dims, type, memory::format_tag::nhwc);
}

memory Convolution::operand(int images, const void *data, bool input) {
    return memory(image_desc(images, input, device_.operand_type()), device_.engine(), const_cast<void *>(data));
}

memory Convolution::result(int images, float *data, bool input) {
    return memory(image_desc(images, input, memory::data_type::f32), device_.engine(), data);
}

}  // namespace framecast
