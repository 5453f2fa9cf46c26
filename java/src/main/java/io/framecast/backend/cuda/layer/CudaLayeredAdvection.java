package io.framecast.backend.cuda.layer;

import static io.framecast.backend.cuda.launch.CudaOps.memory;

import io.framecast.backend.LayeredAdvectionSpec;
import io.framecast.backend.MultiInputOp;
import io.framecast.backend.Plan;
import io.framecast.backend.Tensor;
import io.framecast.backend.cuda.driver.CudaKernel;
import io.framecast.backend.cuda.driver.DeviceMemory;
import io.framecast.backend.cuda.launch.CudaOps;
import io.framecast.backend.cuda.launch.DeviceArena.Region;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Layers moved by cuda-kernels/advection.cu. */
final class CudaLayeredAdvection implements MultiInputOp {

    private static final String FILE = "advection.cu";
    private static final int FRAMES = 0;
    private static final int GATES = 1;
    private static final int FILTERS = 2;
    private static final int FLOW = 3;

    private final CudaOps ops;
    private final LayeredAdvectionSpec spec;
    private final Plan plan;
    private final OpResources resources;

    private final CudaKernel gateSoftmax;
    private final CudaKernel filterSoftmax;
    private final CudaKernel correctFirst;
    private final CudaKernel moveVertically;
    private final CudaKernel moveOn;
    private final CudaKernel outputBackward;
    private final CudaKernel moveBack;
    private final CudaKernel correctBackward;
    private final CudaKernel weightGradients;
    private final CudaKernel filterBackward;

    private final Region gates;
    private final Region weights;
    /** The corrected layers and those moved vertically: of all frames in training, else of one. */
    private final Region corrected;
    private final Region vertical;
    private final Region y;
    /** In training, of all frames; else null. */
    private final Region sums;
    private final Region dl;
    private final Region dv;
    /** By input; null: not computed. That of the filters is computed for that of the flow, too. */
    private final List<Region> gradients = new ArrayList<>();
    /** The layers after the last committed frame; null in training. */
    private final Region state;
    private boolean hasState;

    /** Of the last forward pass. */
    private DeviceMemory x;
    private int frames;
    private int batch;

    CudaLayeredAdvection(CudaOps ops, LayeredAdvectionSpec spec, Plan plan) {
        this.ops = ops;
        this.spec = spec;
        this.plan = plan;
        List<String> options = options(spec);
        gateSoftmax = ops.kernel(FILE, "gateSoftmax", options);
        filterSoftmax = ops.kernel(FILE, "filterSoftmax", options);
        correctFirst = ops.kernel(FILE, "correctFirst", options);
        moveVertically = ops.kernel(FILE, "moveVertically", options);
        moveOn = ops.kernel(FILE, "moveOn", options);
        outputBackward = ops.kernel(FILE, "outputBackward", options);
        moveBack = ops.kernel(FILE, "moveBack", options);
        correctBackward = ops.kernel(FILE, "correctBackward", options);
        weightGradients = ops.kernel(FILE, "weightGradients", options);
        filterBackward = ops.kernel(FILE, "filterBackward", options);
        resources = new OpResources(ops.arena(), plan.batch());
        long images = (long) plan.frames() * plan.batch();
        boolean training = plan.training();
        gates = resources.perVideo(images * inputSize(GATES));
        weights = resources.perVideo(images * inputSize(FILTERS));
        corrected = resources.perVideo((training ? images : plan.batch()) * layersSize());
        vertical = resources.perVideo((training ? images : plan.batch()) * layersSize());
        y = resources.perVideo(images * inputSize(FRAMES));
        sums = training ? resources.perVideo(images * inputSize(FRAMES)) : null;
        dl = training ? resources.perVideo(images * layersSize()) : null;
        dv = training ? resources.perVideo(images * layersSize()) : null;
        for (int input = FRAMES; input <= FLOW; input++) {
            gradients.add(training && (wanted(input) || input == FILTERS && wanted(FLOW))
                    ? resources.perVideo(images * inputSize(input)) : null);
        }
        state = training ? null : resources.perVideo(plan.batch() * layersSize());
    }

    /** The compiler's options for advection.cu. */
    static List<String> options(LayeredAdvectionSpec spec) {
        return List.of("-DHEIGHT=" + spec.height(), "-DWIDTH=" + spec.width(), "-DCHANNELS=" + spec.channels(),
                "-DBLOCK=" + spec.block(), "-DLAYERS=" + spec.layers(), "-DREACH=" + spec.maxDisplacement(),
                "-DFLOW_CHANNELS=" + spec.flowChannels());
    }

    private boolean wanted(int input) {
        return plan.inputGradients().get(input);
    }

    private long inputSize(int input) {
        return spec.inputSizes().get(input);
    }

    private long layersSize() {
        return spec.layers() * inputSize(FRAMES);
    }

    @Override
    public Tensor forward(List<Tensor> inputs, int frames, int batch, boolean training) {
        return run(inputs, frames, batch, null, 0);
    }

    @Override
    public void begin() {
        hasState = false;
    }

    @Override
    public Tensor step(List<Tensor> inputs, int frames, int batch, int commit) {
        Tensor output = run(inputs, frames, batch, hasState ? state.memory() : null, commit);
        hasState |= commit > 0;
        return output;
    }

    private Tensor run(List<Tensor> inputs, int frames, int batch, DeviceMemory from, int commit) {
        this.frames = frames;
        this.batch = batch;
        x = memory(inputs.get(FRAMES));
        long images = (long) frames * batch;
        long pixels = images * spec.height() * spec.width();
        long filters = images * inputSize(FILTERS) / spec.offsets();
        launch(gateSoftmax, pixels, memory(inputs.get(GATES)), gates.memory());
        launch(filterSoftmax, filters, memory(inputs.get(FILTERS)), memory(inputs.get(FLOW)), weights.memory(),
                spec.flowPrecision());
        long values = batch * inputSize(FRAMES);
        launch(correctFirst, values, x, gates.memory(), from, corrected.memory());
        for (int t = 0; t < frames; t++) {
            boolean last = t + 1 == frames;
            DeviceMemory w = frame(weights.memory(), t, inputSize(FILTERS));
            launch(moveVertically, batch * layersSize(), w, layers(corrected, t), layers(vertical, t));
            launch(moveOn, values, w, layers(vertical, t),
                    sums == null ? null : frame(sums.memory(), t, inputSize(FRAMES)),
                    frame(y.memory(), t, inputSize(FRAMES)),
                    last ? null : frame(x, t + 1, inputSize(FRAMES)),
                    last ? null : frame(gates.memory(), t + 1, inputSize(GATES)),
                    last ? null : layers(corrected, t + 1),
                    t + 1 == commit ? state.memory() : null);
        }
        return ops.view(y, images * inputSize(FRAMES));
    }

    @Override
    public List<Tensor> backward(Tensor outputGradient) {
        DeviceMemory dy = memory(outputGradient);
        long images = (long) frames * batch;
        launch(outputBackward, batch * inputSize(FRAMES), frame(sums.memory(), frames - 1, inputSize(FRAMES)),
                frame(dy, frames - 1, inputSize(FRAMES)), layers(dl, frames - 1));
        for (int t = frames - 1; t >= 0; t--) {
            boolean first = t == 0;
            DeviceMemory w = frame(weights.memory(), t, inputSize(FILTERS));
            launch(moveBack, batch * layersSize(), w, layers(dl, t), layers(dv, t));
            launch(correctBackward, (long) batch * spec.height() * spec.width(), frame(x, t, inputSize(FRAMES)),
                    frame(gates.memory(), t, inputSize(GATES)), w, layers(dv, t),
                    first ? null : frame(sums.memory(), t - 1, inputSize(FRAMES)),
                    first ? null : frame(dy, t - 1, inputSize(FRAMES)),
                    gradient(FRAMES, t), gradient(GATES, t), first ? null : layers(dl, t - 1));
        }
        if (gradients.get(FILTERS) != null) {
            DeviceMemory dweights = gradients.get(FILTERS).memory();
            launch(weightGradients, images * inputSize(FILTERS), corrected.memory(), vertical.memory(), dl.memory(),
                    dv.memory(), dweights);
            launch(filterBackward, images * inputSize(FILTERS) / spec.filterChannels(), weights.memory(), dweights,
                    gradients.get(FLOW) == null ? null : gradients.get(FLOW).memory(), spec.flowPrecision());
        }
        List<Tensor> of = new ArrayList<>();
        for (int input = FRAMES; input <= FLOW; input++) {
            of.add(wanted(input) ? ops.view(gradients.get(input), images * inputSize(input)) : null);
        }
        return of;
    }

    /** Of frame t; null: not computed. */
    private DeviceMemory gradient(int input, int t) {
        Region region = gradients.get(input);
        return region == null ? null : frame(region.memory(), t, inputSize(input));
    }

    private DeviceMemory layers(Region region, int t) {
        return frame(region.memory(), plan.training() ? t : 0, layersSize());
    }

    /** The images of frame t, each of so many values. */
    private DeviceMemory frame(DeviceMemory memory, int t, long size) {
        long bytes = Float.BYTES * batch * size;
        return memory.view(t * bytes, bytes);
    }

    /** With a thread for each of n items; n is the kernels' last parameter. */
    private void launch(CudaKernel kernel, long n, Object... arguments) {
        List<Object> all = new ArrayList<>(Arrays.asList(arguments));
        all.add(n);
        kernel.launch(ops.itemGrid(n), CudaOps.BLOCK, 0, all.toArray());
    }

    @Override
    public void close() {
        resources.close();
    }
}
