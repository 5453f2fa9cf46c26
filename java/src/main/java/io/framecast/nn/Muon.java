package io.framecast.nn;

import io.framecast.FramecastException;
import io.framecast.backend.MuonOp;
import java.util.HashMap;
import java.util.Map;

/**
 * Muon (Jordan et al. 2024) for the kernels of convolutions, and {@link Adam} for all other parameters. The rows of a
 * kernel's matrix are its taps and input channels, the columns its filters; each gate of a ConvLSTM is a matrix. The
 * learning rate is the same for both, since Muon's steps are scaled to be as large as Adam's (Liu et al. 2025).
 * {@link MuonOp} has the formulas.
 */
public final class Muon implements Optimizer {

    private static final double MOMENTUM = 0.95;

    private final Parameters parameters;
    private final MuonOp op;
    private final Adam others;

    /**
     * Step 0, with all moving averages zero.
     *
     * @param network a network made for training, to be closed after this
     * @throws FramecastException if it has no convolution
     */
    public Muon(Network network) {
        parameters = network.parameters();
        long size = parameters.matricesSize();
        if (size == 0) {
            throw new FramecastException("Muon trains the kernels of convolutions, and the model has none; choose "
                    + "Adam.");
        }
        op = network.backend().muon(parameters.trained().slice(0, size), parameters.gradients().slice(0, size),
                parameters.matrices(), MOMENTUM);
        try {
            others = new Adam(network, size);
        } catch (RuntimeException e) {
            op.close();
            throw e;
        }
    }

    @Override
    public void begin(double learningRate) {
        op.setRate(learningRate);
        others.begin(learningRate);
    }

    @Override
    public void update() {
        op.update();
        others.update();
    }

    @Override
    public long step() {
        return others.step();
    }

    @Override
    public Map<String, HostTensor> m() {
        Map<String, HostTensor> all = new HashMap<>(parameters.split(op.momentum(), 0));
        all.putAll(others.m());
        return all;
    }

    @Override
    public Map<String, HostTensor> v() {
        return others.v();
    }

    @Override
    public void restore(long steps, Map<String, HostTensor> m, Map<String, HostTensor> v) {
        parameters.join(m, op.momentum(), 0);
        others.restore(steps, m, v);
    }

    @Override
    public void close() {
        others.close();
        op.close();
    }
}
