package io.framecast.train;

import io.framecast.backend.Backend;
import io.framecast.backend.ClipOp;
import io.framecast.backend.DataParallel;
import io.framecast.backend.Program;
import io.framecast.backend.Tensor;
import io.framecast.data.Batch;
import io.framecast.data.FrameShift;
import io.framecast.nn.HostTensor;
import io.framecast.nn.Network;
import io.framecast.nn.Optimizer;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * A network, its loss and its optimiser on a device, and their work on a batch of videos: the inputs are the frames
 * 0..T-2, the targets the frames 1..T-1.
 */
final class TrainingNetwork implements AutoCloseable {

    private final Network network;
    private final FrameLoss loss;
    private final Optimizer optimizer;
    /** Null if the settings have no limit of the gradients' norm. */
    private final ClipOp clip;
    /** Null if the settings have no average of the weights. */
    private final WeightAverage average;
    /** The batch, (frames, batch, height, width, channels). */
    private final Tensor videos;
    /** Null if the settings have no scheduled sampling. */
    private final ScheduledSampling sampling;

    /**
     * The key of a recorded program: each is created at its first use.
     *
     * @param weight of these videos in the batch that several processes share
     */
    private record Pass(int videos, double weight, boolean sample, boolean training) {
    }

    private final Map<Pass, Program> programs = new HashMap<>();

    /** Closes the fields above in reverse order of creation. */
    private final Deque<Runnable> closing = new ArrayDeque<>();

    /**
     * @param frames of a video
     * @param batch the largest batch
     */
    TrainingNetwork(Backend backend, Checkpoint start, TrainingSettings settings, int frames, int batch) {
        long frame = (long) batch * start.model().input().size();
        int first = settings.lossFrames() == TrainingSettings.LossFrames.ALL ? 0 : settings.contextOf(frames) - 1;
        try {
            network = own(Network.forTraining(backend, start.model(), settings.loss(), frames - 1, batch),
                    Network::close);
            loss = own(new FrameLoss(backend, start.model().computedAs(settings.loss()), first, frames, frame),
                    FrameLoss::close);
            optimizer = own(settings.optimizer().optimizer(network), Optimizer::close);
            clip = settings.clipNorm() > 0
                    ? own(backend.clip(network.parameters().gradients(), settings.clipNorm()), ClipOp::close) : null;
            videos = own(backend.tensor(frames * frame), Tensor::close);
            sampling = settings.sampling().isOn()
                    ? own(new ScheduledSampling(network, settings, frames, batch), ScheduledSampling::close) : null;
            network.parameters().set(start.parameters());
            average = settings.ema() > 0 ? own(new WeightAverage(backend, network.parameters(), settings.ema()),
                    WeightAverage::close) : null;
            if (start.training() != null) {
                if (start.training().weights() != null) {
                    network.parameters().set(start.training().weights());
                }
                optimizer.restore(start.training().progress().step(), start.training().m(), start.training().v());
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** The parameters to forecast with: the averages, if the settings have them. */
    Map<String, HostTensor> parameters() {
        return average == null ? weights() : average.get();
    }

    /** Whether {@link #parameters} and {@link #weights} differ. */
    boolean averages() {
        return average != null;
    }

    /** The parameters that the optimiser changes. */
    Map<String, HostTensor> weights() {
        return network.parameters().get();
    }

    /** A copy of all parameters that the optimiser changes, in one row. */
    float[] trained() {
        return network.parameters().trained().read();
    }

    /** The optimiser, for its step count and moving averages. */
    Optimizer optimizer() {
        return optimizer;
    }

    /** Copies a batch to the device; the device may still be computing with the previous batch. */
    void upload(Batch batch) {
        videos.write(0, batch.values(), 0, batch.values().length);
    }

    /**
     * Starts an optimiser step with the uploaded batch; {@link #loss} waits for it.
     *
     * @param probability that an input after the context is a prediction
     */
    void train(Batch batch, double learningRate, double probability) {
        optimizer.begin(learningRate);
        if (average != null) {
            average.begin(optimizer.step());
        }
        boolean sample = probability > 0 && sampling.draw(optimizer.step(), batch.part(), probability);
        program(batch, new Pass(batch.size(), batch.part().weight(), sample, true)).run();
    }

    /**
     * Computes something by {@link #validate}, with the averages if the settings have them. Where each process has its
     * own statistics of batch normalisation, all take the moving averages of process 0, which the checkpoints have.
     */
    <R> R validating(Supplier<R> work) {
        return average == null ? sharing(work) : average.during(() -> sharing(work));
    }

    private <R> R sharing(Supplier<R> work) {
        DataParallel dataParallel = network.backend().dataParallel();
        Tensor statistics = network.parameters().notTrained();
        if (dataParallel.localBatchNorm() && statistics.size() > 0) {
            ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(statistics.size() * Float.BYTES));
            bytes.asFloatBuffer().put(statistics.read());
            float[] values = new float[Math.toIntExact(statistics.size())];
            ByteBuffer.wrap(dataParallel.group().broadcast(bytes.array())).asFloatBuffer().get(values);
            statistics.write(values);
        }
        return work.get();
    }

    /**
     * Starts the computation of the uploaded batch's loss, with the moving averages of batch normalisation. If the
     * settings have scheduled sampling, all inputs after the context are predictions.
     */
    void validate(Batch batch) {
        boolean sample = sampling != null && sampling.draw(optimizer.step(), batch.part(), 1);
        program(batch, new Pass(batch.size(), 1, sample, false)).run();
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
        network.setPadding(pass.weight == 0);
        Tensor inputs = pass.sample ? sampling.inputs(videos, shift, pass.videos) : videos;
        Tensor outputs = network.forward(inputs.slice(0, shift.length()), shift.frames(), pass.videos, pass.training);
        loss.forward(outputs, videos, shift, pass.weight, pass.training);
        if (pass.training) {
            network.backward(loss.gradient());
            if (clip != null) {
                clip.clip();
            }
            optimizer.update();
            if (average != null) {
                average.update();
            }
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
