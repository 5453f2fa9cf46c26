package io.framecast.tools.tune;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.framecast.backend.Backend;
import io.framecast.backend.TestBackend;
import io.framecast.data.Videos;
import io.framecast.nn.ModelJson;
import io.framecast.train.Checkpoint;
import io.framecast.train.MovingSquares;
import io.framecast.train.TrainingSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongFunction;
import java.util.function.LongSupplier;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** With a clock that ticks at each look. The trainings look at their start and after each step. */
class BudgetedTrainingTest {

    private static final String MODEL = """
            {"input": {"height": 4, "width": 4, "channels": 1}, "layers": [
              {"type": "Conv3D", "filters": 1, "kernel_size": 1, "activation": "sigmoid"}]}
            """;

    private static LongSupplier clock(double secondsPerLook) {
        long[] looks = {0};
        return () -> (long) (1e9 * secondsPerLook * looks[0]++);
    }

    private static LongFunction<TrainingSettings> settings(List<Long> asked) {
        return steps -> {
            asked.add(steps);
            return TrainingSettings.builder().batchSize(2).steps(steps).build();
        };
    }

    @ParameterizedTest
    @CsvSource({"2, 0.01, 200", "0.3, 0.1, 3", "0.01, 1, 1"})
    void itMakesAsManyStepsAsFitIntoTheBudget(double budget, double step, long steps) {
        Videos videos = new MovingSquares(3, 4, 4, 4, 1);
        List<Long> trials = new ArrayList<>();
        List<Long> trainings = new ArrayList<>();
        try (TestBackend backend = TestBackend.fp32()) {
            Backend device = backend.get();
            BudgetedTraining.Trained trained = BudgetedTraining.train(device,
                    Checkpoint.initial(ModelJson.parse(MODEL, "the test"), 1), videos, settings(trials),
                    settings(trainings), budget, clock(step));
            assertEquals(List.of(steps), trainings);
            assertEquals(steps, trained.steps());
            assertEquals(steps * step, trained.seconds(), 1e-6);
            assertEquals(steps / 2 * 3 + steps % 2 * 2, trained.videos());
        }
        // At least eight steps, and 5% of the budget; the last trial is made twice.
        assertEquals(budget == 2 ? List.of(8L, 12L, 12L) : List.of(8L, 8L), trials);
    }
}
