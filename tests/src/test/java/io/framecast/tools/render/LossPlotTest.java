package io.framecast.tools.render;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
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
        // The losses decrease in equal steps: the middle epoch is half way, within the width of the stroke.
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
        // 1000 steps in at most 400 points: means of three steps.
        double[] many = new double[1000];
        many[3] = 6;
        LineChart chart = LossPlot.chart(one, many);
        assertEquals("step (means of 3)", chart.xLabel());
        assertEquals(334, chart.series().get(0).y().length);
        assertEquals(2, chart.series().get(0).y()[1]);
    }

    /** Records what a chart draws: its texts, and the points of the first curve. */
    private record Drawing(List<String> texts, List<Double> x, List<Double> y) implements LineChart.Surface {

        static Drawing of(double... steps) {
            Drawing drawing = new Drawing(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
            LossPlot.chart(List.of(), steps).draw(drawing);
            return drawing;
        }

        @Override
        public void line(double x1, double y1, double x2, double y2, LineChart.Ink ink) {
            assertInside(x1, y1);
            assertInside(x2, y2);
        }

        @Override
        public void text(String text, double left, double baseline, LineChart.Align align, LineChart.Ink ink) {
            assertInside(left, baseline);
            texts.add(text);
        }

        @Override
        public void curve(double[] xs, double[] ys, int index) {
            IntStream.range(0, xs.length).forEach(i -> assertInside(xs[i], ys[i]));
        }

        @Override
        public void dot(double cx, double cy, int index, String meaning) {
            assertInside(cx, cy);
            x.add(cx);
            y.add(cy);
        }

        private static void assertInside(double x, double y) {
            assertTrue(x >= 0 && x <= LineChart.WIDTH && y >= 0 && y <= LineChart.HEIGHT, x + ", " + y);
        }

        /** The labels of the vertical axis, which are drawn first, after the title and the name of the other axis. */
        List<String> labels(int count) {
            return texts.subList(2, 2 + count);
        }
    }

    @Test
    void drawsAxesWhateverTheNumbers() throws IOException {
        assertEquals(List.of("Loss", "epoch", "no numbers to draw"), Drawing.of().texts());
        assertEquals(-1, last(curve(plot(List.of(), new double[0]), Palette.SERIES[0])));

        // With one value, or equal values, the axis extends around the value.
        Drawing one = Drawing.of(0.25);
        assertEquals(List.of("0.22", "0.24", "0.26", "0.28"), one.labels(4));
        assertEquals(1, one.y().size());
        assertTrue(last(curve(plot(List.of(), new double[] {0.25}), Palette.SERIES[0])) > 0);
        Drawing zeros = Drawing.of(0, 0, 0);
        assertEquals(1, zeros.y().stream().distinct().count());
        assertEquals(3, zeros.x().stream().distinct().count());

        // An axis from 0 to 1e9; a text names the first point that is not finite.
        Drawing wide = Drawing.of(1e-9, 1e9, Double.NaN, Double.POSITIVE_INFINITY);
        assertEquals("training is not finite at step 3", wide.texts().get(1));
        assertEquals(List.of("0.0e+00", "2.0e+08", "4.0e+08", "6.0e+08", "8.0e+08", "1.0e+09"),
                wide.texts().subList(3, 9));
        assertEquals(2, wide.y().size());
        assertTrue(wide.y().get(1) < wide.y().get(0) - 200, wide.y()::toString);

        assertEquals(List.of("Loss", "training is not finite at step 1", "step", "no numbers to draw"),
                Drawing.of(Double.NaN).texts());
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
