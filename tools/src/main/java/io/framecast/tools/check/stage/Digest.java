package io.framecast.tools.check.stage;

import io.framecast.backend.Backend;
import io.framecast.backend.Convolutions;
import io.framecast.backend.Precision;
import io.framecast.nn.HostTensor;
import io.framecast.tools.check.golden.Golden;
import io.framecast.tools.check.golden.GoldenRecipe;
import io.framecast.tools.check.golden.OpScope;
import io.framecast.train.Checkpoint;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;

/** A short training, and the SHA-256 of the weights that it ends with: equal digests are equal bits. */
public final class Digest {

    private static final String CASE = "everything";

    private Digest() {
    }

    /** Of a training on the device. */
    public static String of(DeviceUnderTest device, Precision precision) {
        Golden.Case c = Golden.load("recipes").named(CASE);
        try (Backend backend = device.open(precision, Convolutions.KERNELS); OpScope scope = new OpScope(backend)) {
            return of(GoldenRecipe.run(scope, c, GoldenRecipe.start(c), 0).last());
        }
    }

    private static String of(Checkpoint checkpoint) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (Map.Entry<String, HostTensor> one : new TreeMap<>(checkpoint.parameters()).entrySet()) {
                digest.update(one.getKey().getBytes(StandardCharsets.UTF_8));
                float[] values = one.getValue().values();
                ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * values.length);
                bytes.asFloatBuffer().put(values);
                digest.update(bytes);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
