package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.predict.ForecastScores.Metric;
import io.framecast.predict.ForecastScores.Result;
import io.framecast.predict.Forecaster;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ScoreTableTest {

    private static String table(double value) {
        double[] all = new double[1200];
        java.util.Arrays.fill(all, value);
        Metric metric = new Metric(all);
        Result result = new Result(1, metric, metric, metric, metric);
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

    @Test
    void figuresKeepTheirDecimalsWhereThereIsRoom() {
        assertTrue(table(40.25).contains("\n1        40.25    40.25   40.25  40.250     40.25"), table(40.25));
        assertTrue(table(40.25).startsWith("1 video, 1 frame seen, 1200 predicted\n"), table(40.25));
        assertTrue(table(1.25e10).contains(" 1.3e+10 ") || table(1.25e10).contains(" 1.25e+10 "), table(1.25e10));
    }
}
