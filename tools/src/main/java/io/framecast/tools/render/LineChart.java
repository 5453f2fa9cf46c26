package io.framecast.tools.render;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * A small line chart: axes with round numbers, a grid, a legend. Its layout is 480 units wide and 300 high, and can be
 * drawn on any {@link Surface}: as SVG in the report, as pixels in loss.png.
 *
 * @param fromZero whether the vertical axis starts at zero
 */
record LineChart(String title, String xLabel, List<Series> series, boolean fromZero) {

    static final int WIDTH = 480;
    static final int HEIGHT = 300;

    private static final int LEFT = 54;
    private static final int RIGHT = 14;
    private static final int TOP = 40;
    private static final int BOTTOM = 44;
    private static final int TEXT = 12;
    /** Curves with more points than this have no dots. */
    private static final int DOTS = 60;

    /** One curve. Points that are not finite are left out, and a text in the chart says where the first of them is. */
    static final class Series {

        private final String name;
        private final double[] x;
        private final double[] y;
        private final OptionalDouble firstNotFinite;

        Series(String name, double[] x, double[] y) {
            this.name = name;
            int[] finite = IntStream.range(0, y.length).filter(i -> Double.isFinite(y[i])).toArray();
            this.x = pick(x, finite);
            this.y = pick(y, finite);
            firstNotFinite = IntStream.range(0, y.length).filter(i -> !Double.isFinite(y[i])).mapToDouble(i -> x[i])
                    .findFirst();
        }

        private static double[] pick(double[] values, int[] indices) {
            return Arrays.stream(indices).mapToDouble(i -> values[i]).toArray();
        }

        String name() {
            return name;
        }

        double[] x() {
            return x;
        }

        double[] y() {
            return y;
        }
    }

    enum Align { LEFT, CENTRE, RIGHT }

    enum Ink { TITLE, LABEL, GRID, AXIS }

    /** A surface to draw a chart on; y grows downwards, and the y of a text is its baseline. */
    interface Surface {

        void line(double x1, double y1, double x2, double y2, Ink ink);

        void text(String text, double x, double baseline, Align align, Ink ink);

        /** A curve in the colour of series {@code index}. */
        void curve(double[] x, double[] y, int index);

        /** A dot on a curve, with a description of its value. */
        void dot(double x, double y, int index, String meaning);
    }

    void draw(Surface surface) {
        surface.text(title, LEFT, 18, Align.LEFT, Ink.TITLE);
        String notFinite = series.stream().filter(s -> s.firstNotFinite.isPresent())
                .map(s -> s.name() + " is not finite at " + xLabel + " " + number(s.firstNotFinite.getAsDouble()))
                .collect(Collectors.joining(", "));
        if (!notFinite.isEmpty()) {
            surface.text(notFinite, LEFT, 34, Align.LEFT, Ink.LABEL);
        }
        surface.text(xLabel, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 8, Align.CENTRE, Ink.LABEL);
        if (series.stream().allMatch(s -> s.x().length == 0)) {
            surface.text("no numbers to draw", (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT / 2.0, Align.CENTRE, Ink.LABEL);
            return;
        }
        Axis x = Axis.over(series.stream().flatMapToDouble(s -> Arrays.stream(s.x())), LEFT, WIDTH - RIGHT, 1, false);
        Axis y = Axis.over(series.stream().flatMapToDouble(s -> Arrays.stream(s.y())), HEIGHT - BOTTOM, TOP, 0,
                fromZero);
        for (double tick : y.ticks()) {
            surface.line(LEFT, y.at(tick), WIDTH - RIGHT, y.at(tick), Ink.GRID);
            surface.text(y.label(tick), LEFT - 8, y.at(tick) + 4, Align.RIGHT, Ink.LABEL);
        }
        surface.line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, Ink.AXIS);
        for (double tick : x.ticks()) {
            surface.line(x.at(tick), HEIGHT - BOTTOM, x.at(tick), HEIGHT - BOTTOM + 4, Ink.AXIS);
            surface.text(x.label(tick), x.at(tick), HEIGHT - BOTTOM + 8 + TEXT - 2, Align.CENTRE, Ink.LABEL);
        }
        for (int i = 0; i < series.size(); i++) {
            curve(surface, x, y, i);
        }
        legend(surface);
    }

    private void curve(Surface surface, Axis x, Axis y, int index) {
        Series s = series.get(index);
        double[] px = Arrays.stream(s.x()).map(x::at).toArray();
        double[] py = Arrays.stream(s.y()).map(y::at).toArray();
        int[] shown = outline(px, py);
        surface.curve(Series.pick(px, shown), Series.pick(py, shown), index);
        if (px.length <= DOTS) {
            for (int i = 0; i < px.length; i++) {
                surface.dot(px[i], py[i], index, s.name() + ", " + xLabel + " " + number(s.x()[i]) + ": "
                        + number(s.y()[i]));
            }
        }
    }

    /**
     * Reduces many points within one unit of the width to those that are visible: the first, the last and the extremes.
     */
    private static int[] outline(double[] px, double[] py) {
        if (px.length <= 4 * WIDTH) {
            return IntStream.range(0, px.length).toArray();
        }
        List<Integer> shown = new ArrayList<>();
        for (int from = 0; from < px.length;) {
            int to = from;
            int least = from;
            int most = from;
            while (to < px.length && Math.floor(px[to]) == Math.floor(px[from])) {
                least = py[to] < py[least] ? to : least;
                most = py[to] > py[most] ? to : most;
                to++;
            }
            IntStream.of(from, least, most, to - 1).sorted().distinct().forEach(shown::add);
            from = to;
        }
        return shown.stream().mapToInt(Integer::intValue).toArray();
    }

    /** Draws every name with a piece of its curve; the width of a name is an upper estimate. */
    private void legend(Surface surface) {
        double right = WIDTH - RIGHT;
        for (int i = series.size() - 1; i >= 0; i--) {
            surface.curve(new double[] {right - 16, right}, new double[] {14, 14}, i);
            surface.text(series.get(i).name(), right - 22, 18, Align.RIGHT, Ink.LABEL);
            right -= 22 + series.get(i).name().length() * TEXT * 0.62 + 16;
        }
    }

    private static String number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e9 ? Long.toString((long) value)
                : String.format(Locale.ROOT, "%.4g", value);
    }

    /** A scale from values to positions, with round numbers at its ends and ticks. */
    private record Axis(double min, double max, double step, double from, double to) {

        private static final int INTERVALS = 5;

        /** @param leastStep the smallest distance between ticks: 1 if the values are counts, else 0 */
        static Axis over(DoubleStream values, double from, double to, double leastStep, boolean fromZero) {
            var range = values.summaryStatistics();
            double low = fromZero ? Math.min(0, range.getMin()) : range.getMin();
            double high = range.getMax();
            if (high - low < 1e-12 * Math.max(1, Math.abs(high))) {
                double room = Math.max(Math.abs(high) * 0.1, leastStep);
                low -= fromZero ? 0 : Math.max(room, 1e-6);
                high += Math.max(room, 1e-6);
            }
            double step = Math.max(leastStep, round((high - low) / INTERVALS));
            // If the values are counts, the axis may end between ticks.
            double min = leastStep > 0 ? low : Math.floor(low / step + 1e-9) * step;
            double max = leastStep > 0 ? high : Math.ceil(high / step - 1e-9) * step;
            return new Axis(min, max, step, from, to);
        }

        /** The smallest of ..., 0.5, 1, 2, 5, 10, 20, ... that is not below {@code value}. */
        private static double round(double value) {
            double power = Math.pow(10, Math.floor(Math.log10(value)));
            double digit = value / power;
            return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
        }

        double at(double value) {
            return from + (value - min) / (max - min) * (to - from);
        }

        double[] ticks() {
            return DoubleStream.iterate(Math.ceil(min / step - 1e-9), k -> k * step <= max + 1e-9 * step, k -> k + 1)
                    .map(k -> k * step).toArray();
        }

        String label(double tick) {
            int decimals = (int) Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
            return String.format(Locale.ROOT, decimals > 5 || step >= 1e6 ? "%.1e" : "%." + decimals + "f",
                    tick == 0 ? 0.0 : tick); // -0.0 would be shown with a sign.
        }
    }
}
