package io.framecast.tools.bench;

import io.framecast.FramecastException;
import io.framecast.backend.Backend;
import io.framecast.nn.FrameShape;
import io.framecast.nn.ModelConfig;
import io.framecast.system.Processor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.function.Supplier;

/** How the cost of a training step grows with frames, size, filters and threads, one varied at a time. */
public final class ScalingBench {

    /** Videos per step. */
    static final int BATCH = 1;

    private static final int[] FRAMES = {5, 10, 19, 38};
    private static final int[] SIZES = {32, 64, 96, 128};
    private static final int[] FILTERS = {16, 32, 64};

    /**
     * A row of the table.
     *
     * @param varied what was varied: "frames", "size", "filters" or "threads"
     * @param seconds seconds of a training step, per video; NaN if it could not be measured
     * @param flop floating-point operations by the definition, per video; NaN likewise
     * @param failure why it could not be measured, or null
     */
    public record Row(String varied, int value, double seconds, double flop, String failure) {
    }

    private record Case(ModelConfig model, int frames) {
    }

    private record Cost(double seconds, double flop) {
    }

    private final Backend backend;
    private final int steps;
    private final Map<Case, Cost> measured = new HashMap<>();

    /** @param steps the minimal number of steps of each row's median */
    public ScalingBench(Backend backend, int steps) {
        this.backend = backend;
        this.steps = steps;
    }

    /** @param withThreads opens the same device with the given number of threads; used if the backend has threads */
    public List<Row> run(ModelConfig model, int frames, IntFunction<Backend> withThreads) {
        List<Row> rows = new ArrayList<>();
        for (int count : FRAMES) {
            rows.add(row("frames", count, () -> cost(model, count)));
        }
        for (int size : SIZES) {
            rows.add(row("size", size, () -> cost(model.withInput(new FrameShape(size, size,
                    model.input().channels())), frames)));
        }
        for (int filters : FILTERS) {
            rows.add(row("filters", filters, () -> cost(model.withFilters(filters), frames)));
        }
        if (backend.threads().isPresent()) {
            for (int threads : threadCounts(Processor.threads())) {
                rows.add(row("threads", threads, () -> {
                    try (Backend other = withThreads.apply(threads)) {
                        return cost(other, model, frames);
                    }
                }));
            }
        }
        return rows;
    }

    /** 1, 2, 4 and so on, and the number of processors. */
    private static List<Integer> threadCounts(int processors) {
        List<Integer> counts = new ArrayList<>();
        for (int count = 1; count < processors; count *= 2) {
            counts.add(count);
        }
        counts.add(processors);
        return counts;
    }

    /** A row; with a failure if the model cannot be varied like that, or needs too much memory. */
    private static Row row(String varied, int value, Supplier<Cost> cost) {
        try {
            Cost found = cost.get();
            return new Row(varied, value, found.seconds, found.flop, null);
        } catch (FramecastException e) {
            return new Row(varied, value, Double.NaN, Double.NaN, e.getMessage());
        }
    }

    private Cost cost(ModelConfig model, int frames) {
        // Cached: the unchanged model is in several rows.
        Case key = new Case(model, frames);
        Cost known = measured.get(key);
        if (known == null) {
            known = cost(backend, model, frames);
            measured.put(key, known);
        }
        return known;
    }

    private Cost cost(Backend on, ModelConfig model, int frames) {
        model.requireFramesToFrames();
        try (TrainingBench bench = new TrainingBench(on, model, frames, BATCH)) {
            return new Cost(bench.measure(steps).seconds(), bench.flop());
        }
    }
}
