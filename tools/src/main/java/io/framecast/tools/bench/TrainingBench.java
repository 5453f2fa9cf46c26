package io.framecast.tools.bench;

import io.framecast.backend.Backend;
import io.framecast.backend.Loss;
import io.framecast.backend.LossOp;
import io.framecast.backend.Program;
import io.framecast.backend.Tensor;
import io.framecast.nn.Adam;
import io.framecast.nn.Flop;
import io.framecast.nn.LayerListener.Pass;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.Network;
import io.framecast.nn.Parameters;
import io.framecast.tools.bench.Part.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;

/** Measures training steps of a model on a device, with binary cross-entropy and Adam, as the trainer makes them. */
final class TrainingBench implements AutoCloseable {

    /** The first step loads and compiles code and packs weights; in the second, a backend may record its programs. */
    static final int WARM_UP = 2;

    private static final double LEARNING_RATE = 1e-3;

    private final Backend backend;
    private final ModelConfig model;
    private final int frames;
    private final int batch;
    private final List<Flop> flop;
    private final Network network;
    private final LossOp loss;
    private final Adam adam;
    private final Tensor videos;
    private final Tensor inputs;
    private final Tensor targets;
    private final Program program;
    private final Deque<AutoCloseable> made = new ArrayDeque<>();
    /** When the last layer had computed, and when the gradients of all processes were summed. */
    private long computed;
    private long summed;

    /**
     * Creates the network.
     *
     * @param frames input frames per video; a video has one more
     * @param batch videos per step
     */
    TrainingBench(Backend backend, ModelConfig model, int frames, int batch) {
        this.backend = backend;
        this.model = model;
        this.frames = frames;
        this.batch = batch;
        flop = Flop.ofLayers(model, frames);
        long frame = (long) batch * model.input().size();
        try {
            network = own(Network.forTraining(backend, model, Loss.BINARY_CROSSENTROPY, frames, batch));
            loss = own(backend.loss(model.computedAs(Loss.BINARY_CROSSENTROPY), frames * frame));
            adam = own(new Adam(network));
            videos = own(backend.tensor((frames + 1) * frame));
            program = own(backend.program(this::compute));
        } catch (RuntimeException e) {
            close();
            throw e;
        }
        inputs = videos.slice(0, frames * frame);
        targets = videos.slice(frame, frames * frame);
        network.parameters().set(Parameters.initial(model, 1));
        BenchVideos.fill(videos);
    }

    /** Floating-point operations by the definition, per video. */
    double flop() {
        return flop.stream().mapToDouble(Flop::total).sum();
    }

    /** The median of at least {@code steps} steps after the warm-up, in seconds per video. */
    Times.Median measure(int steps) {
        for (int k = 0; k < WARM_UP; k++) {
            step();
        }
        Times.Median median = Times.median(steps, this::step);
        return new Times.Median(median.seconds() / batch, median.runs());
    }

    /** A step as the trainer makes it: the next batch is uploaded while the device computes. */
    void step() {
        adam.begin(LEARNING_RATE);
        program.run();
        BenchVideos.fill(videos);
        loss.value();
    }

    /** The time in which the last step, which must not have been replayed, only waited for other processes' gradients. */
    double waitingSeconds() {
        return (summed - computed) / 1e9;
    }

    private void compute() {
        forward();
        network.listen((index, pass) -> computed = System.nanoTime());
        network.backward(loss.gradient());
        summed = System.nanoTime();
        adam.update();
    }

    private void forward() {
        loss.forward(network.forward(inputs, frames, batch, true), targets, inputs.size(), true);
    }

    /** Profiles at least {@code fewest} further steps, and returns the profile of the step with the median time. */
    StepAccount account(int fewest) {
        List<StepAccount> accounts = new ArrayList<>();
        for (double all = 0; accounts.size() < fewest || all < Times.LEAST;) {
            StepAccount account = account();
            accounts.add(account);
            all += account.seconds() * batch;
        }
        accounts.sort(Comparator.comparingDouble(StepAccount::seconds));
        return accounts.get((accounts.size() - 1) / 2);
    }

    private StepAccount account() {
        backend.setProfiling(true);
        StepClock clock = new StepClock(backend, network.parameters().trained(), batch);
        network.listen((index, pass) -> {
            Flop layer = flop.get(index);
            clock.ended(pass == Pass.FORWARD ? Kind.FORWARD : Kind.BACKWARD, index, model.layers().get(index).type(),
                    pass == Pass.FORWARD ? layer.forward() : layer.backward());
        });
        try {
            forward();
            clock.ended(Kind.LOSS, -1, "loss", 0);
            network.backward(loss.gradient());
            adam.begin(LEARNING_RATE);
            adam.update();
            clock.ended(Kind.OPTIMISER, -1, "optimiser", 0);
            return clock.account();
        } finally {
            network.listen((index, pass) -> { });
            backend.setProfiling(false);
        }
    }

    private <T extends AutoCloseable> T own(T thing) {
        made.push(thing);
        return thing;
    }

    @Override
    public void close() {
        for (AutoCloseable thing : made) {
            try {
                thing.close();
            } catch (RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
