package io.framecast.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.framecast.backend.Loss;
import io.framecast.nn.Models;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainingSettingsTest {

    @Test
    void motionHasARecipe() {
        TrainingSettings expected = TrainingSettings.builder().batchSize(2)
                .optimizer(TrainingSettings.OptimizerKind.MUON).learningRate(0.0025)
                .schedule(TrainingSettings.Schedule.COSINE).warmup(0.03).clipNorm(0.05).ema(0.998)
                .scheduledSampling(0.3).loss(Loss.MEAN_SQUARED_ERROR).build();
        assertEquals(expected, TrainingSettings.builder("motion").build());
        assertEquals(true, Models.recipe("motion").get("fresh"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"keras", "small", "./motion", "motion.json"})
    void otherModelsHaveTheDefaults(String model) {
        assertEquals(TrainingSettings.builder().build(), TrainingSettings.builder(model).build());
        assertEquals(0, Models.recipe(model).size());
    }

    @Test
    void sharesOfSamplingAreReadFromText() {
        assertEquals(new TrainingSettings.Sampling(0.5, 0.5), TrainingSettings.Sampling.parse("0.5"));
        assertEquals(new TrainingSettings.Sampling(0.1, 0.25), TrainingSettings.Sampling.parse("0.1..0.25"));
        for (String wrong : new String[] {"", "0.5..", "..0.5", "0.1..0.2..0.3", "0.5..0.1", "1.5", "NaN"}) {
            assertThrows(IllegalArgumentException.class, () -> TrainingSettings.Sampling.parse(wrong), wrong);
        }
    }
}
