package io.framecast.backend.cpu;

import static io.framecast.backend.cpu.CpuOps.call;
import static io.framecast.backend.cpu.CpuTensor.pointer;

import io.framecast.backend.LayeredAdvectionSpec;
import io.framecast.backend.MultiInputOp;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.cpu.NativeCpu;
import java.util.ArrayList;
import java.util.List;

/** See native/cpu/advection.h. */
final class CpuLayeredAdvection implements MultiInputOp {

    private final CpuOps ops;
    private final LayeredAdvectionSpec spec;
    private final NativeCpu.LayeredAdvection op;
    private long images;

    CpuLayeredAdvection(CpuOps ops, LayeredAdvectionSpec spec, Plan plan) {
        this.ops = ops;
        this.spec = spec;
        try (NativeCpu.AdvectionPlan nativePlan = new NativeCpu.AdvectionPlan()) {
            nativePlan.height(spec.height());
            nativePlan.width(spec.width());
            nativePlan.channels(spec.channels());
            nativePlan.block(spec.block());
            nativePlan.flow_channels(spec.flowChannels());
            nativePlan.layers(spec.layers());
            nativePlan.max_displacement(spec.maxDisplacement());
            nativePlan.flow_precision(spec.flowPrecision());
            nativePlan.frames(plan.frames());
            nativePlan.batch(plan.batch());
            nativePlan.training(plan.training());
            for (int input = 0; input < plan.inputGradients().size(); input++) {
                nativePlan.set_gradient(input, plan.inputGradients().get(input));
            }
            op = call(() -> new NativeCpu.LayeredAdvection(ops.device(), nativePlan));
        }
    }

    @Override
    public Tensor forward(List<Tensor> inputs, int frames, int batch, boolean training) {
        images = (long) frames * batch;
        return ops.view(op, op.forward(pointer(inputs.get(0)), pointer(inputs.get(1)), pointer(inputs.get(2)),
                pointer(inputs.get(3)), frames, batch), images * spec.inputSizes().get(0));
    }

    @Override
    public List<Tensor> backward(Tensor dy) {
        op.backward(pointer(dy));
        List<Tensor> gradients = new ArrayList<>();
        for (int input = 0; input < spec.inputSizes().size(); input++) {
            gradients.add(ops.view(op, op.gradient(input), images * spec.inputSizes().get(input)));
        }
        return gradients;
    }

    @Override
    public void begin() {
        op.begin();
    }

    @Override
    public Tensor step(List<Tensor> inputs, int frames, int batch, int commit) {
        return ops.view(op, op.step(pointer(inputs.get(0)), pointer(inputs.get(1)), pointer(inputs.get(2)),
                pointer(inputs.get(3)), frames, batch, commit), (long) frames * batch * spec.inputSizes().get(0));
    }

    @Override
    public void close() {
        op.close();
    }
}
