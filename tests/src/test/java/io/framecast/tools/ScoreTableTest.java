package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.predict.ForecastScores.Metric;
import io.framecast.predict.ForecastScores.Result;
import io.framecast.predict.Forecaster;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ScoreTableTest {

    private static String table(double value) {
        double[] all = new double[1200];
        Arrays.fill(all, value);
        Metric metric = new Metric(all);
        Result result = new Result(1, metric, metric, metric, metric, metric, metric, new int[all.length]);
        return ScoreTable.of(new Forecaster.Evaluation(1, all.length, result, result));
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.5, -0.125, 40.25, 99999.99, 123456.7, 1e10, -9.876e99, 1e300, Double.MAX_VALUE,
        -Double.MAX_VALUE, 1e-300, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
    void fits80ColumnsWhateverTheScores(double value) {
        List<String> lines = table(value).lines().toList();
        assertEquals(1 + 2 + 1200 + 2, lines.size());
        lines.forEach(line -> assertTrue(line.length() <= 80, line));
        List<String> rows = lines.subList(3, 1204);
        for (String row : rows) {
            assertEquals(9, row.strip().split(" +").length, row);
            assertEquals(lines.get(2).length(), row.length(), "columns below their headings: " + row);
        }
    }

    private static Result result(double... mse) {
        Metric metric = new Metric(mse);
        int[] exact = Arrays.stream(mse).mapToInt(value -> value == 0 ? 5 : value < 1 ? 2 : 0).toArray();
        return new Result(5, metric, metric, metric, metric, metric, metric, exact);
    }

    @Test
    void framesWithoutErrorAreSaidInWords() {
        String table = ScoreTable.of(new Forecaster.Evaluation(1, 3, result(0, 0.5, 7), result(0, 0, 0)));
        List<String> lines = table.lines().toList();
        assertEquals("1 0.00 0.00 exact 0.000 0.00 0.00 exact 0.000", lines.get(3).replaceAll(" +", " "));
        assertEquals("2 0.50 0.50 0.50 0.500 0.00 0.00 exact 0.000", lines.get(4).replaceAll(" +", " "));
        assertEquals("mean 2.50 2.50 2.50 2.500 0.00 0.00 exact 0.000", lines.get(6).replaceAll(" +", " "));
        assertEquals("Of 15 frames, 7 of the model and 15 of the repeated frame have no error; such a frame counts as "
                + "a PSNR of 100 dB.", lines.get(8));
        assertEquals(lines.get(2).length(), lines.get(3).length());
    }

    @Test
    void twoModelsStandBesideEachOther() {
        List<String> lines = ScoreTable.of(List.of("trained 4 min", "moving-mnist"),
                new Forecaster.Evaluation(1, 2, result(40.25, 80), result(101, 102)),
                new Forecaster.Evaluation(1, 2, result(30, 31), result(101, 102))).lines().toList();
        assertEquals(" trained 4 min moving-mnist repeat the frame", lines.get(0).replaceAll(" +", " "));
        assertEquals("1 40.25 40.250 30.00 30.000 101.00 101.000", lines.get(2).replaceAll(" +", " "));
        assertEquals("mean 60.13 60.125 30.50 30.500 101.50 101.500", lines.get(4).replaceAll(" +", " "));
        lines.forEach(line -> assertTrue(line.length() <= 80, line));
    }

    @Test
    void figuresKeepTheirDecimalsWhereThereIsRoom() {
        assertTrue(table(40.25).contains("\n1        40.25    40.25   40.25  40.250     40.25"), table(40.25));
        assertTrue(table(40.25).startsWith("1 video, 1 frame seen, 1200 predicted\n"), table(40.25));
        assertTrue(table(1.25e10).contains(" 1.3e+10 ") || table(1.25e10).contains(" 1.25e+10 "), table(1.25e10));
    }
}
