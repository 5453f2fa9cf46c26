package io.framecast.tools.render;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LossPlotTest {

    @TempDir
    Path directory;

    @Test
    void fallingLossGoesFromTopLeftToBottomRight() throws IOException {
        List<Report.Epoch> epochs = List.of(new Report.Epoch(1, 0.5, OptionalDouble.empty(), 1e-3),
                new Report.Epoch(2, 0.3, OptionalDouble.empty(), 1e-3),
                new Report.Epoch(3, 0.1, OptionalDouble.empty(), 1e-3));
        BufferedImage image = plot(epochs, new double[] {9, 9});
        assertEquals(960, image.getWidth());
        assertEquals(600, image.getHeight());
        int[] heights = curve(image, Palette.SERIES[0]);
        int first = first(heights);
        int last = last(heights);
        assertTrue(last - first > 700, "the curve spans the plot: " + first + " to " + last);
        // Equal steps down: the middle epoch lies half way, to within the width of the stroke.
        assertEquals((heights[first] + heights[last]) / 2.0, heights[(first + last) / 2], 4);
        assertTrue(heights[last] - heights[first] > 300, "and falls: " + heights[first] + " to " + heights[last]);
    }

    @Test
    void showsValidationOnlyWhereThereIsOne() throws IOException {
        List<Report.Epoch> epochs = List.of(new Report.Epoch(1, 0.5, OptionalDouble.of(0.6), 1e-3),
                new Report.Epoch(2, 0.3, OptionalDouble.of(0.4), 1e-3));
        assertTrue(last(curve(plot(epochs, new double[0]), Palette.SERIES[1])) > 0);
        List<Report.Epoch> without = epochs.stream()
                .map(e -> new Report.Epoch(e.epoch(), e.loss(), OptionalDouble.empty(), e.lr())).toList();
        assertEquals(-1, last(curve(plot(without, new double[0]), Palette.SERIES[1])));
    }

    @Test
    void showsStepsUntilTheSecondEpochIsOver() {
        List<Report.Epoch> one = List.of(new Report.Epoch(1, 0.5, OptionalDouble.of(0.6), 1e-3));
        LineChart.Series steps = LossPlot.chart(one, new double[] {3, 2, 1}).series().get(0);
        assertEquals(List.of(3.0, 2.0, 1.0), Arrays.stream(steps.y()).boxed().toList());
        // 1000 steps in at most 400 points: means of three.
        double[] many = new double[1000];
        many[3] = 6;
        LineChart chart = LossPlot.chart(one, many);
        assertEquals("step (means of 3)", chart.xLabel());
        assertEquals(334, chart.series().get(0).y().length);
        assertEquals(2, chart.series().get(0).y()[1]);
    }

    @Test
    void drawsAxesWhateverTheNumbers() throws IOException {
        plot(List.of(), new double[0]);
        plot(List.of(), new double[] {0.25});
        plot(List.of(), new double[] {0, 0, 0});
        plot(List.of(), new double[] {1e-9, 1e9, Double.NaN, Double.POSITIVE_INFINITY});
        plot(List.of(), new double[] {Double.NaN});
    }

    private BufferedImage plot(List<Report.Epoch> epochs, double[] steps) throws IOException {
        Path file = directory.resolve("loss.png");
        LossPlot.write(file, epochs, steps);
        return ImageIO.read(file.toFile());
    }

    /** For every column of the plot area, the mean row of the pixels in one colour, or -1. */
    private static int[] curve(BufferedImage image, int color) {
        int[] heights = new int[image.getWidth()];
        for (int x = 0; x < heights.length; x++) {
            int sum = 0;
            int count = 0;
            for (int y = 60; y < image.getHeight(); y++) {
                if ((image.getRGB(x, y) & 0xffffff) == color) {
                    sum += y;
                    count++;
                }
            }
            heights[x] = count == 0 ? -1 : sum / count;
        }
        return heights;
    }

    private static int first(int[] heights) {
        int x = 0;
        while (heights[x] < 0) {
            x++;
        }
        return x;
    }

    private static int last(int[] heights) {
        int x = heights.length - 1;
        while (x >= 0 && heights[x] < 0) {
            x--;
        }
        return x;
    }
}
