package io.framecast.backend.cuda.layer;

import static io.framecast.backend.cuda.launch.CudaOps.memory;

import io.framecast.backend.ConcatenateSpec;
import io.framecast.backend.MultiInputOp;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena.Region;
import java.util.ArrayList;
import java.util.List;

/** Copies of channels by cuda-kernels/merge.cu. */
final class CudaConcatenate implements MultiInputOp {

    private final CudaOps ops;
    private final ConcatenateSpec spec;
    /** Values that a thread copies: 4, or 1 if the channels of an input are not a multiple of 4. */
    private final int width;
    private final CudaKernel copy;
    private final OpResources resources;
    private final Region y;
    /** By input; null: not computed. */
    private final List<Region> gradients = new ArrayList<>();
    private long pixels;

    CudaConcatenate(CudaOps ops, ConcatenateSpec spec, Plan plan) {
        this.ops = ops;
        this.spec = spec;
        width = spec.channels().stream().allMatch(channels -> channels % 4 == 0) ? 4 : 1;
        copy = ops.kernel("merge.cu", "copyColumns" + width);
        resources = new OpResources(ops.arena(), plan.batch());
        long most = pixels(plan.frames(), plan.batch());
        y = resources.perVideo(most * spec.outputChannels());
        for (int i = 0; i < spec.channels().size(); i++) {
            gradients.add(plan.training() && plan.inputGradients().get(i)
                    ? resources.perVideo(most * spec.channels().get(i)) : null);
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
            copy(channels, memory(inputs.get(i)), channels, 0, y.memory(), spec.outputChannels(), column);
            column += channels;
        }
        return ops.view(y, pixels * column);
    }

    @Override
    public List<Tensor> backward(Tensor dy) {
        List<Tensor> of = new ArrayList<>();
        int column = 0;
        for (int i = 0; i < gradients.size(); i++) {
            int channels = spec.channels().get(i);
            Region dx = gradients.get(i);
            if (dx != null) {
                copy(channels, memory(dy), spec.outputChannels(), column, dx.memory(), channels, 0);
            }
            of.add(dx == null ? null : ops.view(dx, pixels * channels));
            column += channels;
        }
        return of;
    }

    private void copy(int channels, DeviceMemory from, int fromColumns, int fromColumn, DeviceMemory to, int toColumns,
            int toColumn) {
        long n = pixels * channels / width;
        copy.launch(ops.itemGrid(n), CudaOps.BLOCK, 0, n, channels / width, from, fromColumns / width,
                fromColumn / width, to, toColumns / width, toColumn / width);
    }

    @Override
    public void close() {
        resources.close();
    }
}
