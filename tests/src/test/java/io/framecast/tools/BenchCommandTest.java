package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.framecast.softgpu.SoftGpu;
import io.framecast.train.SafeTensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BenchCommandTest {

    @TempDir
    Path directory;
    private Workplace work;

    @BeforeEach
    void prepare() {
        work = Workplace.in(directory);
    }

    private JsonNode figures(String options) throws IOException {
        Path json = work.file("bench.json");
        Cli.run("bench --steps 2 --batch-size 2 " + options + " --json", json, "--model", work.model()).done();
        return SafeTensorsFile.json(Files.readString(json));
    }

    private static double number(JsonNode figures, String pointer) {
        JsonNode node = figures.at(pointer);
        assertTrue(node.isNumber(), () -> pointer + " of " + figures);
        return node.doubleValue();
    }

    private static void assertAtMost(double whole, double parts, String what) {
        // Times are measured one after the other, and sums are rounded.
        assertTrue(parts <= whole * (1 + 1e-9), () -> what + ": parts of " + parts + " in " + whole);
    }

    /** The keys that other programs read, and the consistency of the figures. */
    @Test
    void figuresAreAllThereAndAddUp() throws IOException {
        JsonNode figures = figures("--threads 2 --precision fp32");
        for (String key : List.of("seconds_per_video", "gflop_per_video", "gflops", "mb_per_video", "matmul_gflops",
                "matmul_gflops_fp32", "copy_gbs", "of_matmul", "of_copy", "forward_seconds", "backward_seconds",
                "optimiser_seconds", "profiled_seconds")) {
            assertTrue(number(figures, "/" + key) > 0, key);
        }
        assertEquals("fp32", figures.get("precision").textValue());
        assertEquals(2, figures.get("threads").intValue());
        assertEquals(2, figures.get("batch_size").intValue());
        assertEquals(19, figures.get("frames").intValue());
        assertEquals(number(figures, "/matmul_gflops_fp32"), number(figures, "/matmul_gflops"));
        assertTrue(figures.get("peak_rss_bytes").isIntegralNumber());
        // The device's memory is that of the process: by the end of a step, at least the activations are resident.
        assertAtMost(number(figures, "/peak_rss_bytes"), number(figures, "/device_bytes"), "memory");
        assertEquals(number(figures, "/gflop_per_video") / number(figures, "/seconds_per_video"),
                number(figures, "/gflops"), 1e-9 * number(figures, "/gflops"));

        List<JsonNode> parts = new ArrayList<>(List.of(figures.get("loss"), figures.get("optimiser")));
        double gflop = 0;
        double forward = number(figures, "/loss/seconds");
        double backward = 0;
        List<String> types = new ArrayList<>();
        for (JsonNode layer : figures.get("layers")) {
            assertEquals(types.size(), layer.get("index").intValue());
            types.add(layer.get("type").textValue());
            gflop += number(layer, "/forward/gflop") + number(layer, "/backward/gflop");
            forward += number(layer, "/forward/seconds");
            backward += number(layer, "/backward/seconds");
            parts.addAll(List.of(layer.get("forward"), layer.get("backward")));
        }
        assertEquals(List.of("ConvLSTM2D", "BatchNormalization", "Conv3D"), types);
        assertEquals(number(figures, "/gflop_per_video"), gflop, 1e-9 * gflop);
        assertEquals(number(figures, "/forward_seconds"), forward, 1e-9 * forward);
        assertEquals(number(figures, "/backward_seconds"), backward, 1e-9 * backward);
        double all = forward + backward + number(figures, "/optimiser_seconds");
        assertEquals(number(figures, "/profiled_seconds"), all, 1e-9 * all);
        double megabytes = 0;
        for (JsonNode part : parts) {
            assertFalse(part.get("ops").isEmpty(), part::toString);
            double seconds = 0;
            double moved = 0;
            for (JsonNode op : part.get("ops")) {
                seconds += number(op, "/seconds");
                moved += number(op, "/mb");
            }
            assertAtMost(number(part, "/seconds"), seconds, part.toString());
            assertEquals(number(part, "/mb"), moved, 1e-9 * moved);
            megabytes += moved;
        }
        assertEquals(number(figures, "/mb_per_video"), megabytes, 1e-9 * megabytes);
        assertEquals(List.of(1, 2), List.of(figures.at("/rollout/0/batch_size").intValue(),
                figures.at("/rollout/1/batch_size").intValue()));
        assertEquals(2 * 10 / number(figures, "/rollout/1/seconds"), number(figures, "/rollout/1/frames_per_second"),
                1e-6 * number(figures, "/rollout/1/frames_per_second"));
    }

    /**
     * The profile of the ops, in C++, contains the operations that {@link io.framecast.nn.Flop} counts and, in
     * addition, those of the pointwise passes over the cells: at most about 40 per 288 in this model's smallest
     * convolution.
     */
    @Test
    void whatOpsPutDownIsWhatIsCounted() throws IOException {
        JsonNode figures = figures("--threads 1");
        for (JsonNode layer : figures.get("layers")) {
            for (String pass : List.of("forward", "backward")) {
                double counted = number(layer, "/" + pass + "/gflop");
                double kept = 0;
                for (JsonNode op : layer.at("/" + pass + "/ops")) {
                    kept += number(op, "/gflop");
                }
                assertTrue(kept >= counted * (1 - 1e-9) && (counted == 0 || kept <= 1.25 * counted),
                        kept + " of " + counted + " in " + layer.get("type") + " " + pass);
            }
        }
    }

    @Test
    void costIsShownToGrowWithFramesSizeFiltersAndThreads() throws IOException {
        // A model with little work per pixel and channels in multiples of 16: the largest videos have 20 frames of
        // 128x128.
        Workplace.write(work.model(), """
                {"input": {"height": 6, "width": 10, "channels": 1}, "layers": [
                  {"type": "ConvLSTM2D", "filters": 16, "kernel_size": 1, "padding": "same"},
                  {"type": "Conv3D", "filters": 1, "kernel_size": 1}]}
                """);
        JsonNode rows = figures("--scaling").get("scaling");
        List<String> varied = new ArrayList<>();
        for (JsonNode row : rows) {
            varied.add(row.get("varied").textValue());
            assertTrue(row.get("failure").isNull(), row::toString);
            assertTrue(number(row, "/seconds_per_video") > 0, row::toString);
        }
        assertEquals(List.of("frames", "size", "filters", "threads"), varied.stream().distinct().toList());
        // Sizes 32 and 64: four times the pixels.
        assertEquals(4 * number(rows, "/4/gflop_per_video"), number(rows, "/5/gflop_per_video"), 1e-12);
        assertEquals(List.of(32, 64), List.of(rows.at("/4/value").intValue(), rows.at("/5/value").intValue()));
    }

    /** A backend whose profile knows the times of kernels alone, and whose ceilings are not measured. */
    @Test
    void whatIsNotKnownIsNotMadeUp() throws IOException {
        JsonNode figures = figures("--device softgpu");
        for (String key : List.of("threads", "matmul_gflops", "copy_gbs", "of_matmul", "of_copy", "mb_per_video")) {
            assertTrue(figures.has(key) && figures.get(key).isNull(), key);
        }
        assertTrue(number(figures, "/gflop_per_video") > 0 && number(figures, "/seconds_per_video") > 0);
        assertTrue(number(figures, "/layers/0/backward/seconds") > 0);
        JsonNode kernels = figures.at("/layers/0/backward/ops");
        assertFalse(kernels.isEmpty());
        for (JsonNode kernel : kernels) {
            assertTrue(kernel.get("seconds").doubleValue() > 0 && kernel.get("gflop").isNull()
                    && kernel.get("mb").isNull(), kernel::toString);
        }
    }

    /** A step on a GPU that is not there: each line says so, and the figures of the JSON file add up. */
    @ParameterizedTest
    @CsvSource({"a100, A100 SXM, 108, 19.5", "H100, H100 SXM, 132, 66.9"})
    void aGpuThatIsNotThereIsModelled(String as, String board, int multiprocessors, double peak) throws IOException {
        Path json = work.file("model.json");
        String before = SoftGpu.options();
        String said = Cli.run("bench --device softgpu --batch-size 2 --as " + as + " --json", json, "--model",
                work.model()).done().out();
        assertEquals(before, SoftGpu.options(), "the device is what it was");
        for (String line : said.lines().toList()) {
            assertTrue(line.startsWith("modelled  "), line);
        }
        JsonNode figures = SafeTensorsFile.json(Files.readString(json));
        assertTrue(figures.get("modelled").booleanValue());
        assertEquals(board, figures.get("gpu").textValue());
        assertEquals(multiprocessors, figures.get("multiprocessors").intValue());
        assertEquals(peak, number(figures, "/limit_gflops") / 1e3, 0.05);
        double step = number(figures, "/modelled_seconds_per_step");
        double all = 0;
        long launches = 0;
        Set<String> kernels = new TreeSet<>();
        for (JsonNode kernel : figures.get("kernels")) {
            kernels.add(kernel.get("kernel").textValue());
            double seconds = number(kernel, "/modelled_seconds");
            double most = number(kernel, "/modelled_resource_seconds/" + kernel.get("bound").textValue());
            for (JsonNode resource : kernel.get("modelled_resource_seconds")) {
                assertTrue(resource.doubleValue() <= most, kernel::toString);
                assertTrue(resource.doubleValue() <= seconds, kernel::toString);
            }
            assertTrue(number(kernel, "/registers") >= 8, kernel::toString);
            all += seconds;
            launches += kernel.get("launches").longValue();
        }
        assertEquals(step, all, 1e-9 * step);
        assertEquals(launches, figures.get("launches_per_step").longValue());
        assertTrue(kernels.containsAll(Set.of("convolutionForward", "convolutionBackwardWeights", "gatesBackward",
                "batchNormBackward1", "adam", "lossMean")), kernels::toString);
        assertEquals(450 * step, number(figures, "/modelled_epoch_seconds"), 1e-9);
        assertEquals(number(figures, "/gflop_per_step") / step, number(figures, "/modelled_gflops"), 1e-6);
        assertTrue(said.contains("modelled  step: %.2f ms, %d launches; ".formatted(1e3 * step, launches)), said);
        assertTrue(said.contains("modelled  epoch of 900 videos: %.1f s".formatted(450 * step)), said);
    }

    @Test
    void whatCannotBeModelledIsRefused() {
        Object[] model = {"--model", work.model()};
        Cli.run("bench --as a100", model).refused(2, "--device softgpu");
        Cli.run("bench --as v100 --device softgpu", model).refused(2, "--as", "h100, a100, rtx4090", "v100");
        Cli.run("bench --as a100 --device softgpu --conv vendor", model).refused(2, "--conv");
        Cli.run("bench --as a100 --device softgpu --scaling", model).refused(2, "--scaling");
        Cli.run("bench --as a100 --device softgpu --steps 5", model).refused(2, "--steps");
    }

    /** The tables show the figures of the JSON file of the same run, with a row for each part and each of its ops. */
    @Test
    void tablesSayWhereTheStepGoes() throws IOException {
        Path json = work.file("bench.json");
        String said = Cli.run("bench --steps 1 --batch-size 1 --threads 1 --json", json, "--model", work.model()).done()
                .out();
        JsonNode figures = SafeTensorsFile.json(Files.readString(json));
        List<String> lines = said.lines().toList();
        assertRow(lines, "training step", "%.4f s (median of %d)".formatted(number(figures, "/seconds_per_video"),
                figures.get("steps").intValue()));
        assertRow(lines, "", "%.2f GFLOP, %.1f GFLOP/s, %s of the matrix product's".formatted(
                number(figures, "/gflop_per_video"), number(figures, "/gflops"),
                percent(number(figures, "/of_matmul"))));

        double step = number(figures, "/profiled_seconds");
        List<String> expected = new ArrayList<>();
        for (JsonNode layer : figures.get("layers")) {
            for (String pass : List.of("forward", "backward")) {
                addRows(expected, layer.get("index") + " " + layer.get("type").textValue() + ", " + pass,
                        layer.get(pass), step);
            }
        }
        addRows(expected, "loss", figures.get("loss"), step);
        addRows(expected, "optimiser", figures.get("optimiser"), step);
        int first = lines.indexOf("%-44s %9s %7s %8s %9s %8s %7s %6s".formatted("", "ms", "share", "GFLOP", "GFLOP/s",
                "matmul", "MB", "copy")) + 1;
        List<String> rows = lines.subList(first, first + lines.subList(first, lines.size()).indexOf(""));
        List<String> parts = rows.subList(0, rows.size() - 3).stream().filter(row -> !row.startsWith("    other "))
                .map(row -> row.substring(0, 71) + row.substring(90, 98)).toList();
        assertEquals(expected, parts);
        List<String> totals = rows.subList(rows.size() - 3, rows.size()).stream().map(row -> row.substring(0, 62))
                .toList();
        assertEquals(List.of(row("forward, with the loss", number(figures, "/forward_seconds"), step),
                row("backward", number(figures, "/backward_seconds"), step), row("step", step, step)), totals);

        String product = "ceilings, measured before and after: matrix product %.1f GFLOP/s (fp32 %.1f, ".formatted(
                number(figures, "/matmul_gflops"), number(figures, "/matmul_gflops_fp32"));
        assertTrue(lines.stream().anyMatch(line -> line.startsWith(product)), said);
        assertTrue(lines.stream().anyMatch(line -> line.strip().startsWith("copying %.1f GB/s, ".formatted(
                number(figures, "/copy_gbs")))), said);
        for (JsonNode rollout : figures.get("rollout")) {
            String speed = "rollout, batches of %d: %.1f predicted frames a second (10 frames seen, 10 predicted)"
                    .formatted(rollout.get("batch_size").intValue(), number(rollout, "/frames_per_second"));
            assertTrue(lines.contains(speed), () -> speed + " in " + said);
        }
    }

    private static String percent(double share) {
        return "%.1f%%".formatted(100 * share);
    }

    private static void assertRow(List<String> lines, String name, String begins) {
        assertTrue(lines.stream().anyMatch(line -> line.startsWith("%-44s".formatted(name))
                && line.substring(44).strip().startsWith(begins)), () -> name + " " + begins + " in " + lines);
    }

    private static String row(String name, double seconds, double step) {
        return "%-44s %9.3f %7s".formatted(name, 1e3 * seconds, percent(seconds / step));
    }

    /** The rows of a part and of its ops: milliseconds, share, GFLOP and MB. */
    private static void addRows(List<String> rows, String name, JsonNode part, double step) {
        double gflop = number(part, "/gflop");
        rows.add(row(name, number(part, "/seconds"), step) + " %8s %7.1f".formatted(
                gflop > 0 ? "%.3f".formatted(gflop) : "-", number(part, "/mb")));
        for (JsonNode op : part.path("ops")) {
            addRows(rows, "    " + op.get("op").textValue(), op, step);
        }
    }

    @Test
    void wrongOptionsAreRefusedInASentence() {
        Object[] model = {"--model", work.model()};
        Cli.run("bench --steps 0", model).refused(2, "--steps must be at least 1, not 0");
        Cli.run("bench --batch-size -1", model).refused(2, "--batch-size must be at least 1, not -1");
        Cli.run("bench --threads 2000", model).refused(2, "--threads");
        Cli.run("bench --scaling --steps many", model).refused(2, "--steps", "many");
        Cli.run("bench --faster", model).refused(2, "--faster");
    }
}
