package io.framecast.train;

import io.framecast.backend.Backend;
import io.framecast.backend.LossOp;
import io.framecast.backend.Program;
import io.framecast.backend.Tensor;
import io.framecast.data.Batch;
import io.framecast.data.FrameShift;
import io.framecast.nn.Adam;
import io.framecast.nn.Network;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A network, its loss and Adam on a device, and what they do with a batch of videos: inputs are the frames 0..T-2,
 * targets the frames 1..T-1.
 */
final class TrainingNetwork implements AutoCloseable {

    private final Network network;
    private final LossOp loss;
    private final Adam adam;
    /** The batch, (frames, batch, height, width, channels). */
    private final Tensor videos;
    /** Null where the settings never sample. */
    private final ScheduledSampling sampling;

    /** The work on a batch differs by these only: a program for each is made at its first use. */
    private record Pass(int videos, boolean sample, boolean training) {
    }

    private final Map<Pass, Program> programs = new HashMap<>();

    /** Closes the above, the last made first. */
    private final Deque<Runnable> closing = new ArrayDeque<>();

    /**
     * @param frames of a video
     * @param batch the most videos at once
     */
    TrainingNetwork(Backend backend, Checkpoint start, TrainingSettings settings, int frames, int batch) {
        long size = (long) frames * batch * start.model().input().size();
        try {
            network = own(Network.forTraining(backend, start.model(), settings.loss(), frames - 1, batch),
                    Network::close);
            loss = own(backend.loss(start.model().computedAs(settings.loss()), size), LossOp::close);
            adam = own(new Adam(network), Adam::close);
            videos = own(backend.tensor(size), Tensor::close);
            sampling = settings.sampling() < 1
                    ? own(new ScheduledSampling(network, batch, size), ScheduledSampling::close) : null;
            network.parameters().set(start.parameters());
            if (start.training() != null) {
                adam.restore(start.training().progress().step(), start.training().m(), start.training().v());
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    Network network() {
        return network;
    }

    /** The optimiser, for its step and its averages. */
    Adam adam() {
        return adam;
    }

    /** Whether the run samples at some time. */
    boolean samples() {
        return sampling != null;
    }

    /** Copies a batch to the device; the device may still compute with the batch before it. */
    void upload(Batch batch) {
        videos.write(0, batch.values(), 0, batch.values().length);
    }

    /** Starts an optimiser step on the batch that was uploaded; {@link #loss} waits for it. */
    void train(Batch batch, double learningRate, boolean sample) {
        adam.begin(learningRate);
        program(batch, new Pass(batch.size(), sample, true)).run();
    }

    /** Starts to compute the loss of the batch that was uploaded, with the moving averages. */
    void validate(Batch batch) {
        program(batch, new Pass(batch.size(), samples(), false)).run();
    }

    /** The mean loss of the batch, once the device has it. */
    double loss() {
        return loss.value();
    }

    private Program program(Batch batch, Pass pass) {
        return programs.computeIfAbsent(pass, p -> {
            FrameShift shift = batch.shift();
            return own(network.backend().program(() -> compute(p, shift)), Program::close);
        });
    }

    private void compute(Pass pass, FrameShift shift) {
        Tensor inputs = pass.sample ? sampling.inputs(videos, shift, pass.videos) : videos;
        Tensor outputs = network.forward(inputs.slice(0, shift.length()), shift.frames(), pass.videos, pass.training);
        loss.forward(outputs, videos.slice(shift.targetOffset(), shift.length()), shift.length(), pass.training);
        if (pass.training) {
            network.backward(loss.gradient());
            adam.update();
        }
    }

    private <T> T own(T resource, Consumer<T> close) {
        closing.push(() -> close.accept(resource));
        return resource;
    }

    @Override
    public void close() {
        while (!closing.isEmpty()) {
            closing.pop().run();
        }
    }
}
