package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.framecast.FramecastException;
import io.framecast.backend.Convolutions;
import io.framecast.backend.Precision;
import io.framecast.device.Device;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.Models;
import io.framecast.peer.TorchPeer;
import io.framecast.tools.bench.Peer;
import io.framecast.tools.option.DeviceOptions;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The comparison as a command, and its errors. */
class PeerComparisonTest {

    private static final String MODEL = """
            {"input": {"height": 16, "width": 16, "channels": 1}, "layers": [
              {"type": "ConvLSTM2D", "filters": 3, "kernel_size": [3, 3], "padding": "same"},
              {"type": "Conv3D", "filters": 1, "kernel_size": [3, 3, 3], "activation": "sigmoid"}]}
            """;

    /** PyTorch with wrong losses: {@code by} gives the error for each way, and for null that of float64. */
    private record Wrong(ToDoubleFunction<String> by) implements Peer {

        @Override
        public String name() {
            return "wrong";
        }

        @Override
        public String description() {
            return "Wrong";
        }

        @Override
        public List<String> ways() {
            return new TorchPeer().ways();
        }

        @Override
        public Training train(ModelConfig model, Map<String, HostTensor> initial, Precision precision, int threads,
                int batch, int frames, String way) {
            Training right = new TorchPeer().train(model, initial, precision, threads, batch, frames, way);
            return new Training() {
                @Override
                public double step(float[] inputs, float[] targets) {
                    return right.step(inputs, targets) + by.applyAsDouble(way);
                }

                @Override
                public void close() {
                    right.close();
                }
            };
        }

        @Override
        public double[] lossesInFloat64(ModelConfig model, Map<String, HostTensor> initial, int threads, int batch,
                int frames, float[] inputs, float[] targets) {
            double[] losses = new TorchPeer().lossesInFloat64(model, initial, threads, batch, frames, inputs, targets);
            return new double[] {losses[0] + by.applyAsDouble(null), losses[1] + by.applyAsDouble(null)};
        }
    }

    @TempDir
    Path directory;
    private Path model;
    private String said;

    @BeforeEach
    void write() throws Exception {
        model = Files.writeString(directory.resolve("model.json"), MODEL);
    }

    @Test
    void comparesBothPrecisions() throws Exception {
        Path json = directory.resolve("figures.json");
        assertEquals(0, Main.run("bench", "--peer", "pytorch", "--model", model.toString(), "--batch-size", "2",
                "--steps", "2", "--threads", "2", "--json", json.toString()));
        JsonNode peer = new ObjectMapper().readTree(json.toFile()).get("peer");
        assertEquals("PyTorch 2.10.0", peer.get("description").asText());
        double best = Double.POSITIVE_INFINITY;
        for (String precision : List.of("fp32", "bf16")) {
            best = Math.min(best, peer.get("precisions").get(precision).get("peer_seconds_per_video").asDouble());
        }
        assertEquals(best, peer.get("peer_best_seconds_per_video").asDouble());
        for (String precision : List.of("fp32", "bf16")) {
            JsonNode figures = peer.get("precisions").get(precision);
            double ours = figures.get("seconds_per_video").asDouble();
            assertTrue(ours > 0);
            assertEquals((figures.get("steps").get(0).asDouble() + figures.get("steps").get(1).asDouble()) / 2, ours,
                    1e-12);
            assertEquals(2, figures.get("peer_steps").size());
            assertEquals(ours / figures.get("peer_seconds_per_video").asDouble(), figures.get("of_peer").asDouble(),
                    1e-12);
            assertEquals(ours / best, figures.get("of_peer_best").asDouble(), 1e-12);
        }
        assertTrue(peer.get("loss_differences").get("fp32").get(0).asDouble() <= 1e-5);
        assertEquals(2, peer.get("float64_losses").size());
        assertTrue(peer.get("ways_left_out").isArray());
    }

    @Test
    void whereOnePrecisionIsAskedForTheCheckIsInFp32StillAndTheOtherIsLeftOut() throws Exception {
        Path json = directory.resolve("figures.json");
        assertEquals(0, Main.run("bench", "--peer", "pytorch", "--model", model.toString(), "--batch-size", "1",
                "--steps", "1", "--precision", "bf16", "--json", json.toString()));
        JsonNode peer = new ObjectMapper().readTree(json.toFile()).get("peer");
        assertTrue(peer.get("loss_differences").has("fp32"));
        assertFalse(peer.get("precisions").has("fp32"));
    }

    /** Like PyTorch 2.10 on a Zen 5: convolutions of some shapes are wrong in one memory format. */
    @Test
    void aWayThatComputesSomethingElseIsLeftOutWithALineAndTheOthersAreCompared() {
        List<String> ways = new TorchPeer().ways();
        for (double by : new double[] {3e-5, -0.09, Double.NaN}) {
            Map<String, Object> figures = compare(new Wrong(way -> way != null && way.endsWith("first") ? by : 0));
            assertEquals(2, ways.stream().filter(way -> way.endsWith("first")).count());
            List<?> left = (List<?>) figures.get("ways_left_out");
            assertEquals(ways.stream().filter(way -> way.endsWith("first")).toList(),
                    left.stream().map(one -> ((Map<?, ?>) one).get("way")).toList());
            for (Object one : left) {
                List<?> off = (List<?>) ((Map<?, ?>) one).get("loss_differences");
                assertEquals(Math.abs(by), (Double) off.get(0), 1e-5);
                assertEquals("fp32", ((Map<?, ?>) one).get("precision"));
            }
            Map<?, ?> fp32 = (Map<?, ?>) ((Map<?, ?>) figures.get("precisions")).get("fp32");
            assertTrue(fp32.get("peer_way").toString().endsWith("last"), fp32::toString);
            List<?> kept = (List<?>) ((Map<?, ?>) figures.get("loss_differences")).get("fp32");
            assertTrue((Double) kept.get(0) <= 1e-5, "of what is compared");
            assertEquals(2, said.lines().filter(line -> line.startsWith("  left out, ") && line.contains("first (")
                    && line.contains("off by")).count(), said);
        }
        assertEquals(List.of(), compare(new Wrong(way -> 1e-6)).get("ways_left_out"));
    }

    @Test
    void whereNoWayIsRightThereIsNothingToCompareWith() {
        for (double by : new double[] {3e-5, -3e-5, Double.NaN}) {
            FramecastException e = assertThrows(FramecastException.class,
                    () -> compare(new Wrong(way -> way == null ? 0 : by)));
            assertTrue(e.getMessage().startsWith("Wrong computes the right losses in none of its ways in fp32"),
                    e.getMessage());
        }
    }

    /** A wrong float64 result looks the same as an error of ours; the comparison relies on float64. */
    @Test
    void whereOurOwnLossesAreWrongThatIsSaid() {
        FramecastException e = assertThrows(FramecastException.class,
                () -> compare(new Wrong(way -> way == null ? 3e-5 : 0)));
        assertTrue(e.getMessage().startsWith("Framecast computes wrong losses in fp32 here"), e.getMessage());
    }

    private Map<String, Object> compare(Peer peer) {
        DeviceOptions device = new DeviceOptions();
        device.device = Device.CPU;
        device.convolutions = Convolutions.KERNELS;
        device.threads = 1;
        PrintStream out = System.out;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
            return new PeerComparison(peer, device, Models.load(model.toString()), 1, 1).run(List.of(Precision.FP32));
        } finally {
            System.setOut(out);
            said = bytes.toString(StandardCharsets.UTF_8);
        }
    }

    @Test
    void refusesUnknownPeersOtherDevicesAndPrecisionsAsBadUsage() {
        assertEquals(2, Main.run("bench", "--peer", "nobody"));
        assertEquals(2, Main.run("bench", "--peer", "pytorch", "--device", "softgpu"));
        assertEquals(2, Main.run("bench", "--peer", "pytorch", "--precision", "tf32"));
        assertEquals(2, Main.run("bench", "--peer", "pytorch", "--batch-size", "2000000000"));
    }
}
