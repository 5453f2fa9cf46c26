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
 * A network, its loss and Adam on a device, and their work on a batch of videos: the inputs are the frames 0..T-2, the
 * targets the frames 1..T-1.
 */
final class TrainingNetwork implements AutoCloseable {

    private final Network network;
    private final LossOp loss;
    private final Adam adam;
    /** The batch, (frames, batch, height, width, channels). */
    private final Tensor videos;
    /** Null if the settings have no scheduled sampling. */
    private final ScheduledSampling sampling;

    /** The key of a recorded program: each is created at its first use. */
    private record Pass(int videos, boolean sample, boolean training) {
    }

    private final Map<Pass, Program> programs = new HashMap<>();

    /** Closes the fields above in reverse order of creation. */
    private final Deque<Runnable> closing = new ArrayDeque<>();

    /**
     * @param frames of a video
     * @param batch the largest batch
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

    /** The optimiser, for its step count and moving averages. */
    Adam adam() {
        return adam;
    }

    /** Whether the settings have scheduled sampling. */
    boolean samples() {
        return sampling != null;
    }

    /** Copies a batch to the device; the device may still be computing with the previous batch. */
    void upload(Batch batch) {
        videos.write(0, batch.values(), 0, batch.values().length);
    }

    /** Starts an optimiser step with the uploaded batch; {@link #loss} waits for it. */
    void train(Batch batch, double learningRate, boolean sample) {
        adam.begin(learningRate);
        program(batch, new Pass(batch.size(), sample, true)).run();
    }

    /** Starts the computation of the uploaded batch's loss, with the moving averages of batch normalisation. */
    void validate(Batch batch) {
        program(batch, new Pass(batch.size(), samples(), false)).run();
    }

    /** Waits for the mean loss of the batch. */
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
