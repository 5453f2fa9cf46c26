package io.framecast.backend.cpu;

import static io.framecast.backend.cpu.CpuTensor.pointer;

import io.framecast.backend.ConcatenateSpec;
import io.framecast.backend.MultiInputOp;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.cpu.NativeCpu;
import java.util.ArrayList;
import java.util.List;

/** See native/cpu/merge.h. */
final class CpuConcatenate implements MultiInputOp {

    private final CpuOps ops;
    private final ConcatenateSpec spec;
    private final CpuTensors memory;
    private final Tensor y;
    /** By input; null: not computed. */
    private final List<Tensor> gradients = new ArrayList<>();
    private long pixels;

    CpuConcatenate(CpuOps ops, ConcatenateSpec spec, Plan plan) {
        this.ops = ops;
        this.spec = spec;
        memory = new CpuTensors(ops);
        long most = pixels(plan.frames(), plan.batch());
        y = memory.zeros(most * spec.outputChannels());
        for (int i = 0; i < spec.channels().size(); i++) {
            gradients.add(plan.training() && plan.inputGradients().get(i)
                    ? memory.zeros(most * spec.channels().get(i)) : null);
        }
    }

    private long pixels(int frames, int batch) {
        return (long) spec.height() * spec.width() * frames * batch;
    }

    @Override
    public Tensor forward(List<Tensor> inputs, int frames, int batch, boolean training) {
        pixels = pixels(frames, batch);
        int column = 0;
        for (int i = 0; i < inputs.size(); i++) {
            int channels = spec.channels().get(i);
            NativeCpu.copy_columns(ops.device(), pixels, channels, pointer(inputs.get(i)), channels, 0, pointer(y),
                    spec.outputChannels(), column);
            column += channels;
        }
        return y.slice(0, pixels * column);
    }

    @Override
    public List<Tensor> backward(Tensor dy) {
        List<Tensor> of = new ArrayList<>();
        int column = 0;
        for (int i = 0; i < gradients.size(); i++) {
            int channels = spec.channels().get(i);
            Tensor dx = gradients.get(i);
            if (dx != null) {
                NativeCpu.copy_columns(ops.device(), pixels, channels, pointer(dy), spec.outputChannels(), column,
                        pointer(dx), channels, 0);
            }
            of.add(dx == null ? null : dx.slice(0, pixels * channels));
            column += channels;
        }
        return of;
    }

    @Override
    public void close() {
        memory.close();
    }
}
