package io.framecast.peer;

import io.framecast.JavaCpp;
import io.framecast.backend.Precision;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import io.framecast.tools.bench.Peer;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.Loader;
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
            return "PyTorch"; // Its jar was packed anew, without its version.
        }
    }

    @Override
    public List<String> ways() {
        return Arrays.stream(Idiom.values()).map(Idiom::words).toList();
    }

    @Override
    public Training train(ModelConfig model, Map<String, HostTensor> initial, Precision precision, int threads,
            int batch, int frames, String way) {
        torch.set_num_threads(threads);
        return new TorchTraining(model, initial, precision, batch, frames, Idiom.of(way));
    }
}
