package io.framecast.tools.bench;

import io.framecast.backend.Backend;
import io.framecast.backend.Loss;
import io.framecast.backend.LossOp;
import io.framecast.backend.Tensor;
import io.framecast.nn.Adam;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.Network;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;

/** This engine's training behind the interface of a peer: our side of a comparison. */
public final class OwnTraining implements Peer.Training {

    private static final double LEARNING_RATE = 1e-3;

    private final int frames;
    private final int batch;
    private final Network network;
    private final LossOp loss;
    private final Adam adam;
    private final Tensor inputs;
    private final Tensor targets;
    private final Deque<AutoCloseable> owned = new ArrayDeque<>();

    /**
     * @param backend closed by the caller
     * @param initial the initial parameters, by name
     * @param batch videos per step
     * @param frames input frames per video
     */
    public OwnTraining(Backend backend, ModelConfig model, Map<String, HostTensor> initial, int batch, int frames) {
        this.frames = frames;
        this.batch = batch;
        try {
            network = own(Network.forTraining(backend, model, Loss.BINARY_CROSSENTROPY, frames, batch));
            network.parameters().set(initial);
            long size = (long) frames * batch * model.output().size();
            loss = own(backend.loss(model.computedAs(Loss.BINARY_CROSSENTROPY), size));
            adam = own(new Adam(network));
            inputs = own(backend.tensor((long) frames * batch * model.input().size()));
            targets = own(backend.tensor(size));
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private <T extends AutoCloseable> T own(T resource) {
        owned.push(resource);
        return resource;
    }

    @Override
    public double step(float[] inputValues, float[] targetValues) {
        inputs.write(inputValues);
        targets.write(targetValues);
        loss.forward(network.forward(inputs, frames, batch, true), targets, targets.size(), true);
        double value = loss.value();
        network.backward(loss.gradient());
        adam.begin(LEARNING_RATE);
        adam.update();
        // Waits for the device, which may still be computing when the calls return.
        network.parameters().trained().read(0, new float[1], 0, 1);
        return value;
    }

    @Override
    public void close() {
        while (!owned.isEmpty()) {
            try {
                owned.pop().close();
            } catch (Exception e) {
                throw new IllegalStateException("closing failed", e);
            }
        }
    }
}
