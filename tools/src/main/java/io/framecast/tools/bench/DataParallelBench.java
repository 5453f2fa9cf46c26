package io.framecast.tools.bench;

import io.framecast.backend.AllReduceOp;
import io.framecast.backend.Backend;
import io.framecast.backend.ProcessGroup;
import io.framecast.backend.Tensor;
import io.framecast.nn.ModelConfig;
import io.framecast.text.Count;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Training by several processes beside training by one: with the same batch, which they share (strong scaling), and
 * with a batch for each (weak scaling). And what the exchange of gradients and statistics costs by itself.
 *
 * @param processes how many
 * @param rows the measured trainings
 * @param gradientBytes of the gradients that a step sums
 * @param gathers how often a step gathers statistics of batch normalisation
 * @param sumSeconds the time of summing all gradients in one piece, while nothing computes
 * @param gatherSeconds the time of a gather of statistics, while nothing computes; NaN where it is not through the host
 */
public record DataParallelBench(int processes, List<Row> rows, long gradientBytes, int gathers, double sumSeconds,
        double gatherSeconds) {

    private static final int EXCHANGES = 20;
    /** Sums and sums of squares of 64 channels, and a count. */
    private static final int STATISTICS = 129;

    /**
     * A training.
     *
     * @param videos of a step, over all processes
     * @param seconds the median time of a step
     * @param waiting the median time in which a step waits for sums of gradients, after all layers have computed; NaN
     *     where the device waits and not the host
     */
    public record Row(String name, int processes, int videos, double seconds, double waiting) {
    }

    /**
     * Measures. All processes of the backend must call this.
     *
     * @param alone opens the same device for one process
     * @param batch videos of a step, a multiple of the number of processes
     * @param steps to measure for each row
     */
    public static DataParallelBench measure(Backend backend, Supplier<Backend> alone, ModelConfig model, int frames,
            int batch, int steps) {
        ProcessGroup group = backend.dataParallel().group();
        int processes = group.size();
        List<Row> rows = new ArrayList<>();
        if (group.rank() == 0) {
            try (Backend one = alone.get()) {
                rows.add(row("alone", 1, one, model, frames, batch, steps));
            }
        }
        group.allGather(0); // The others wait, and leave the machine to the first.
        rows.add(row("the same batch, shared", processes, backend, model, frames, batch / processes, steps));
        rows.add(row("a batch for each process", processes, backend, model, frames, batch, steps));
        long gradientBytes = Float.BYTES * model.parameters().values().stream().filter(spec -> spec.trainable())
                .mapToLong(spec -> spec.size()).sum();
        boolean gathers = backend.dataParallel().globalBatchNorm();
        long normalisations = model.layers().stream().filter(layer -> layer.type().equals("BatchNormalization"))
                .count();
        double sum;
        try (Tensor gradients = backend.tensor(gradientBytes / Float.BYTES);
                AllReduceOp allReduce = backend.allReduce(List.of(gradients))) {
            sum = exchange(group, () -> {
                allReduce.start(0);
                allReduce.await();
                gradients.read(0, new float[1], 0, 1); // Waits for the device.
            });
        }
        // A GPU's statistics do not go through the host.
        double gather = backend.threads().isEmpty() ? Double.NaN
                : exchange(group, () -> group.allGather(new double[STATISTICS]));
        return new DataParallelBench(processes, rows, gradientBytes, gathers ? 2 * (int) normalisations : 0, sum,
                gather);
    }

    private static double exchange(ProcessGroup group, Runnable work) {
        double[] seconds = new double[EXCHANGES];
        for (int k = 0; k < EXCHANGES; k++) {
            group.allGather(0);
            long begin = System.nanoTime();
            work.run();
            seconds[k] = (System.nanoTime() - begin) / 1e9;
        }
        return Times.median(seconds);
    }

    private static Row row(String name, int processes, Backend backend, ModelConfig model, int frames, int batch,
            int steps) {
        double[] seconds = new double[steps];
        double[] waiting = new double[steps];
        try (TrainingBench bench = new TrainingBench(backend, model, frames, batch)) {
            for (int k = -TrainingBench.WARM_UP; k < steps; k++) {
                long begin = System.nanoTime();
                bench.step();
                if (k >= 0) {
                    seconds[k] = (System.nanoTime() - begin) / 1e9;
                    waiting[k] = backend.threads().isPresent() ? bench.waitingSeconds() : Double.NaN;
                }
            }
        }
        return new Row(name, processes, batch * processes, Times.median(seconds), Times.median(waiting));
    }

    /** Videos a second in relation to those of as many processes alone. */
    private double efficiency(Row row) {
        Row alone = rows.get(0);
        return row.videos / row.seconds / (alone.videos / alone.seconds * row.processes);
    }

    /** The bytes that a ring all-reduce sends from each process: 2 (n - 1)/n of the data. */
    private double ringBytes() {
        return 2.0 * (processes - 1) / processes * gradientBytes;
    }

    /** The figures as a table, in the first process. */
    public String text() {
        StringBuilder text = new StringBuilder();
        line(text, "%-26s %9s %7s %9s %9s %11s %9s", "", "processes", "videos", "s/step", "videos/s", "efficiency",
                "waiting");
        for (Row row : rows) {
            line(text, "%-26s %9d %7d %9.4f %9.2f %10.0f%% %9s", row.name, row.processes, row.videos, row.seconds,
                    row.videos / row.seconds, 100 * efficiency(row), Double.isNaN(row.waiting) ? "-"
                    : String.format(Locale.ROOT, "%.1f%%", 100 * row.waiting / row.seconds));
        }
        line(text, "Waiting: the share of a step in which all layers have computed and sums of gradients are awaited.");
        line(text, "");
        line(text, "A step exchanges, here measured while nothing computes:");
        line(text, "%.2f MB of gradients in %.2f ms; a ring sends %.2f MB from each process: %.3f GB/s",
                gradientBytes / 1e6, 1e3 * sumSeconds, ringBytes() / 1e6, ringBytes() / sumSeconds / 1e9);
        if (gathers > 0 && !Double.isNaN(gatherSeconds)) {
            line(text, "statistics of batch normalisation in %s of %.3f ms", Count.of(gathers, "gather"),
                    1e3 * gatherSeconds);
        }
        return text.toString();
    }

    private static void line(StringBuilder text, String format, Object... values) {
        text.append(String.format(Locale.ROOT, format, values).stripTrailing()).append('\n');
    }

    /** The figures for a JSON file, in the first process. */
    public Map<String, Object> json() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("processes", processes);
        map.put("rows", rows.stream().map(row -> {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("name", row.name);
            one.put("processes", row.processes);
            one.put("videos", row.videos);
            one.put("step_seconds", row.seconds);
            one.put("efficiency", efficiency(row));
            one.put("waiting_seconds", Double.isNaN(row.waiting) ? null : row.waiting);
            return one;
        }).toList());
        map.put("gradient_bytes", gradientBytes);
        map.put("ring_bytes", ringBytes());
        map.put("gathers", gathers);
        map.put("sum_seconds", sumSeconds);
        map.put("gather_seconds", Double.isNaN(gatherSeconds) ? null : gatherSeconds);
        return map;
    }
}
