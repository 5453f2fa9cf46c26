package io.framecast.backend.cpu;

import static io.framecast.backend.cpu.CpuTensor.pointer;

import io.framecast.backend.Matrices;
import io.framecast.backend.MuonOp;
import io.framecast.backend.Tensor;
import io.framecast.cpu.NativeCpu;
import java.util.List;

/** See native/cpu/muon.h. */
final class CpuMuon implements MuonOp {

    private final Tensor parameters;
    private final Tensor gradients;
    private final Tensor momentum;
    private final NativeCpu.Muon muon;
    private double rate;

    CpuMuon(CpuOps ops, Tensor parameters, Tensor gradients, List<Matrices> matrices, double momentum) {
        this.parameters = parameters;
        this.gradients = gradients;
        this.momentum = ops.zeros(parameters.size());
        try {
            muon = new NativeCpu.Muon(ops.device(), momentum);
            for (Matrices some : matrices) {
                for (int k = 0; k < some.count(); k++) {
                    muon.add(some.offset() + (long) k * some.columns(), some.rows(), some.columns(), some.pitch());
                }
            }
        } catch (RuntimeException e) {
            this.momentum.close();
            throw e;
        }
    }

    @Override
    public void setRate(double value) {
        rate = value;
    }

    @Override
    public void update() {
        muon.update(pointer(parameters), pointer(gradients), pointer(momentum), rate);
    }

    @Override
    public Tensor momentum() {
        return momentum;
    }

    @Override
    public void close() {
        muon.close();
        momentum.close();
    }
}
