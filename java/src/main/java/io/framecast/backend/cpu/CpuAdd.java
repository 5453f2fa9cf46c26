package io.framecast.backend.cpu;

import static io.framecast.backend.cpu.CpuTensor.pointer;

import io.framecast.backend.AddSpec;
import io.framecast.backend.MultiInputOp;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.cpu.NativeCpu;
import java.util.ArrayList;
import java.util.List;

/** See native/cpu/merge.h. The first gradient that is asked for is that of the output itself, the others are copies. */
final class CpuAdd implements MultiInputOp {

    private final CpuOps ops;
    private final AddSpec spec;
    private final List<Boolean> wanted;
    private final CpuTensors memory;
    private final Tensor y;
    /** By input; null for the first gradient, and for those that are not computed. */
    private final List<Tensor> copies = new ArrayList<>();
    private long images;

    CpuAdd(CpuOps ops, AddSpec spec, Plan plan) {
        this.ops = ops;
        this.spec = spec;
        wanted = plan.inputGradients();
        memory = new CpuTensors(ops);
        long most = imageSize() * plan.frames() * plan.batch();
        y = memory.zeros(most);
        for (int i = 0; i < spec.inputs(); i++) {
            boolean copied = plan.training() && wanted.get(i) && wanted.indexOf(true) != i;
            copies.add(copied ? memory.zeros(most) : null);
        }
    }

    private long imageSize() {
        return (long) spec.height() * spec.width() * spec.channels();
    }

    @Override
    public Tensor forward(List<Tensor> inputs, int frames, int batch, boolean training) {
        images = (long) frames * batch;
        Tensor sum = inputs.get(0);
        for (Tensor input : inputs.subList(1, inputs.size())) {
            NativeCpu.add(ops.device(), pointer(sum), pointer(input), pointer(y), images * imageSize());
            sum = y;
        }
        return y.slice(0, images * imageSize());
    }

    @Override
    public List<Tensor> backward(Tensor dy) {
        List<Tensor> gradients = new ArrayList<>();
        for (int i = 0; i < wanted.size(); i++) {
            Tensor copy = copies.get(i);
            if (copy != null) {
                NativeCpu.copy_columns(ops.device(), images * spec.height() * spec.width(), spec.channels(),
                        pointer(dy), spec.channels(), 0, pointer(copy), spec.channels(), 0);
            }
            Tensor own = copy != null ? copy : dy;
            gradients.add(wanted.get(i) ? own.slice(0, images * imageSize()) : null);
        }
        return gradients;
    }

    @Override
    public void close() {
        memory.close();
    }
}
