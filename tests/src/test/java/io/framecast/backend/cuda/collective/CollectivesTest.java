package io.framecast.backend.cuda.collective;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.ChildJvm;
import io.framecast.ChildJvms;
import io.framecast.backend.DataParallel;
import io.framecast.backend.cuda.CudaBackend;
import io.framecast.backend.cuda.compiler.TestCompiler;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** CUDA backends of several processes, each with a software GPU: {@link CollectiveRank}. */
@DisabledIfSystemProperty(named = "framecast.device", matches = "cuda", disabledReason = "for several software devices")
class CollectivesTest {

    private static final String HOST = "the hosts' memory, not NCCL: NCCL is switched off by FRAMECAST_NCCL=off";

    @TempDir
    private Path directory;

    /** @param nccl "on" or "off" */
    private List<List<String>> ranks(int size, String scene, String nccl) throws Exception {
        Path nvrtc = TestCompiler.directory();
        return ChildJvms.run(() -> new ChildJvm().environment("FRAMECAST_NCCL", nccl)
                .environment("FRAMECAST_NVRTC", nvrtc), CollectiveRank.class, size,
                Files.createDirectory(directory.resolve(scene)), scene).stream()
                .map(said -> said.lines().toList()).toList();
    }

    private static String way(String nccl) {
        return nccl.equals("on") ? "NCCL 2.21.5" : HOST;
    }

    @ParameterizedTest
    @CsvSource({"2, on", "4, on", "2, off", "4, off"})
    void bucketsAreSummed(int size, String nccl) throws Exception {
        List<List<String>> outputs = ranks(size, "sums", nccl);
        for (List<String> said : outputs) {
            assertEquals(outputs.get(0), said, "the sums of all processes have the same bits");
            assertEquals(4, said.size(), said.toString());
            assertEquals(way(nccl), said.get(3));
        }
    }

    /**
     * Each process has some of the videos, the fourth has padding alone: together they do what one process does with
     * all. Channels have means up to 150 times their deviation, of which each process has another.
     */
    @ParameterizedTest
    @CsvSource({"2, on", "4, on", "4, off"})
    void batchNormalisationIsThatOfOneProcessWithTheWholeBatch(int size, String nccl) throws Exception {
        List<List<String>> outputs = ranks(size, "batchnorm", nccl);
        int ranks = Math.min(size, 3);
        List<float[]> one;
        try (CudaBackend backend = CollectiveRank.backend(DataParallel.NONE)) {
            one = CollectiveRank.batchNorm(backend, whole(ranks, 1), whole(ranks, 0), videos(ranks), false);
        }
        float[] dgamma = new float[CollectiveRank.CHANNELS];
        float[] dbeta = new float[CollectiveRank.CHANNELS];
        for (int rank = 0; rank < size; rank++) {
            List<String> said = outputs.get(rank);
            assertEquals(way(nccl), said.get(6), said.toString());
            assertEquals(7, said.size(), said.toString());
            float[] gamma = numbers(said.get(2));
            float[] beta = numbers(said.get(3));
            for (int k = 0; k < CollectiveRank.CHANNELS; k++) {
                dgamma[k] += gamma[k];
                dbeta[k] += beta[k];
            }
            // Means and variances: float32 sums of up to 30 numbers on one side, of parts on the other.
            assertClose("mean", one.get(4), numbers(said.get(4)), 1e-6);
            assertClose("variance", one.get(5), numbers(said.get(5)), 1e-6);
            if (CollectiveRank.isPadding(rank)) {
                float[] dx = numbers(said.get(1));
                assertClose("dx of padding", new float[dx.length], dx, 0);
            } else {
                // The mean is up to 4 deviations of the whole batch away from zero: some roundings of 2^-24 of that.
                assertClose("y", part(one.get(0), rank, ranks), numbers(said.get(0)), 4e-6);
                assertClose("dx", part(one.get(1), rank, ranks), numbers(said.get(1)), 4e-6);
            }
        }
        assertClose("dgamma", one.get(2), dgamma, 4e-6);
        assertClose("dbeta", one.get(3), dbeta, 4e-6);
    }

    private static int videos(int ranks) {
        int videos = 0;
        for (int rank = 0; rank < ranks; rank++) {
            videos += CollectiveRank.videos(rank);
        }
        return videos;
    }

    /** The frames of all ranks: time first, then the videos in the order of rank. */
    private static float[] whole(int ranks, int what) {
        float[] whole = new float[CollectiveRank.FRAMES * videos(ranks) * CollectiveRank.PIXELS
                * CollectiveRank.CHANNELS];
        for (int rank = 0; rank < ranks; rank++) {
            copy(CollectiveRank.frames(rank, what), whole, rank, ranks, true);
        }
        return whole;
    }

    private static float[] part(float[] whole, int rank, int ranks) {
        float[] part = new float[CollectiveRank.frames(rank, 0).length];
        copy(part, whole, rank, ranks, false);
        return part;
    }

    private static void copy(float[] part, float[] whole, int rank, int ranks, boolean toWhole) {
        int video = CollectiveRank.PIXELS * CollectiveRank.CHANNELS;
        for (int t = 0; t < CollectiveRank.FRAMES; t++) {
            int length = CollectiveRank.videos(rank) * video;
            int inWhole = (t * videos(ranks) + videos(rank)) * video;
            if (toWhole) {
                System.arraycopy(part, t * length, whole, inWhole, length);
            } else {
                System.arraycopy(whole, inWhole, part, t * length, length);
            }
        }
    }

    private static float[] numbers(String line) {
        String[] texts = line.substring(1, line.length() - 1).split(", ");
        float[] numbers = new float[texts.length];
        for (int k = 0; k < texts.length; k++) {
            numbers[k] = Float.parseFloat(texts[k]);
        }
        return numbers;
    }

    /** @param tolerance of the largest value */
    private static void assertClose(String what, float[] expected, float[] actual, double tolerance) {
        double largest = 0;
        for (float value : expected) {
            largest = Math.max(largest, Math.abs(value));
        }
        assertEquals(expected.length, actual.length, what);
        for (int k = 0; k < expected.length; k++) {
            assertEquals(expected[k], actual[k], tolerance * largest, what + " " + k + ": " + Arrays.toString(actual));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"on", "off"})
    void aProcessThatEndsIsMissedSoon(String nccl) throws Exception {
        List<List<String>> outputs = ranks(4, "ended", nccl);
        for (int rank : new int[] {0, 2, 3}) {
            List<String> said = outputs.get(rank);
            assertTrue(said.contains("soon"), said.toString());
            assertTrue(said.stream().anyMatch(line -> line.equals("ProcessFailedException: Another process has ended.")
                    || line.startsWith("NcclException: ") && line.contains(" has ended")), said.toString());
        }
    }

    @Test
    void theReasonNamesTheProcessThatHasNoNccl() throws Exception {
        Path nvrtc = TestCompiler.directory();
        List<String> nccl = new ArrayList<>(List.of("off", "on"));
        List<String> outputs = ChildJvms.run(() -> {
            synchronized (nccl) {
                return new ChildJvm().environment("FRAMECAST_NVRTC", nvrtc)
                        .environment("FRAMECAST_NCCL", nccl.remove(0));
            }
        }, CollectiveRank.class, 2, directory, "sums");
        String reason = outputs.get(0).lines().toList().get(3);
        assertTrue(reason.equals(HOST) || reason.equals(HOST.replace(": NCCL", ": process 1: NCCL")), reason);
        assertEquals(reason, outputs.get(1).lines().toList().get(3));
    }
}
