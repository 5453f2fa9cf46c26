package io.framecast.peer;

import io.framecast.backend.Precision;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import io.framecast.system.JavaCpp;
import io.framecast.tools.bench.Peer;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.presets.openblas_nolapack;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.bytedeco.pytorch.global.torch;

/** PyTorch on the CPU, called through JavaCPP: the same ATen operators and autograd as from Python, without Python. */
public final class TorchPeer implements Peer {

    static {
        JavaCpp.configure();
    }

    @Override
    public String name() {
        return "pytorch";
    }

    @Override
    public String description() {
        try {
            return "PyTorch " + Loader.getVersion("org.bytedeco", "pytorch").replaceFirst("-.*", "");
        } catch (IOException e) {
            return "PyTorch"; // The jar was repackaged without its version.
        }
    }

    @Override
    public List<String> ways() {
        return Arrays.stream(Idiom.values()).map(Idiom::words).toList();
    }

    @Override
    public Training train(ModelConfig model, Map<String, HostTensor> initial, Precision precision, int threads,
            int batch, int frames, String way) {
        setThreads(threads);
        return new TorchTraining(model, initial,
                precision == Precision.BF16 ? ScalarType.BFloat16 : ScalarType.Float, ScalarType.Float, batch, frames,
                Idiom.of(way));
    }

    /**
     * Runs other code than {@link #train}: oneDNN has no convolutions in float64, so that they are matrix products
     * here.
     */
    @Override
    public double[] lossesInFloat64(ModelConfig model, Map<String, HostTensor> initial, int threads, int batch,
            int frames, float[] inputs, float[] targets) {
        setThreads(threads);
        try (TorchTraining training = new TorchTraining(model, initial, ScalarType.Double, ScalarType.Double, batch,
                frames, Idiom.CONCATENATED)) {
            return new double[] {training.loss(inputs, targets, true), training.loss(inputs, targets, false)};
        }
    }

    private static void setThreads(int threads) {
        torch.set_num_threads(threads);
        // OpenBLAS computes the float64 matrix products, with its own number of threads.
        openblas_nolapack.blas_set_num_threads(threads);
    }
}
