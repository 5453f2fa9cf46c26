package io.framecast.tools.render;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Line2D;
import java.awt.geom.Path2D;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The loss curves as a PNG: training and validation loss per epoch, or the training loss per step until two epochs have
 * finished. Text is drawn with {@link PixelFont}, so that no font has to be installed.
 */
public final class LossPlot {

    private static final int SCALE = 2;
    /** Of longer runs, the means of neighbouring steps are shown. */
    private static final int STEP_POINTS = 400;

    private LossPlot() {
    }

    /**
     * Writes the plot, 960x600 pixels.
     *
     * @param epochs the finished epochs, may be empty
     * @param stepLosses the training loss of every step, may be empty
     * @throws io.framecast.FramecastException if the file cannot be written
     */
    public static void write(Path file, List<Report.Epoch> epochs, double[] stepLosses) {
        Picture picture = new Picture(LineChart.WIDTH * SCALE, LineChart.HEIGHT * SCALE, Palette.PAPER);
        Graphics2D graphics = picture.image.createGraphics();
        graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        graphics.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
        graphics.scale(SCALE, SCALE);
        chart(epochs, stepLosses).draw(new Raster(picture, graphics));
        graphics.dispose();
        picture.writePng(file);
    }

    static LineChart chart(List<Report.Epoch> epochs, double[] stepLosses) {
        return epochs.size() > 1 || stepLosses.length == 0 ? perEpoch(epochs) : perStep(stepLosses);
    }

    private static LineChart perEpoch(List<Report.Epoch> epochs) {
        double[] x = epochs.stream().mapToDouble(Report.Epoch::epoch).toArray();
        List<LineChart.Series> series = new ArrayList<>();
        series.add(new LineChart.Series("training", x, epochs.stream().mapToDouble(Report.Epoch::loss).toArray()));
        List<Report.Epoch> validated = epochs.stream().filter(e -> e.valLoss().isPresent()).toList();
        if (!validated.isEmpty()) {
            series.add(new LineChart.Series("validation", validated.stream().mapToDouble(Report.Epoch::epoch).toArray(),
                    validated.stream().mapToDouble(e -> e.valLoss().getAsDouble()).toArray()));
        }
        return new LineChart("Loss", "epoch", series, false);
    }

    private static LineChart perStep(double[] losses) {
        int size = (losses.length + STEP_POINTS - 1) / STEP_POINTS;
        int points = (losses.length + size - 1) / size;
        double[] x = new double[points];
        double[] y = new double[points];
        for (int i = 0; i < points; i++) {
            int to = Math.min(losses.length, (i + 1) * size);
            x[i] = to;
            y[i] = Arrays.stream(losses, i * size, to).average().orElseThrow();
        }
        String label = size == 1 ? "step" : "step (means of " + size + ")";
        return new LineChart("Loss", label, List.of(new LineChart.Series("training", x, y)), false);
    }

    private record Raster(Picture picture, Graphics2D graphics) implements LineChart.Surface {

        @Override
        public void line(double x1, double y1, double x2, double y2, LineChart.Ink ink) {
            graphics.setColor(new Color(ink == LineChart.Ink.GRID ? Palette.FAINT : Palette.SEEN));
            graphics.setStroke(new BasicStroke(0.5f));
            graphics.draw(new Line2D.Double(x1, y1, x2, y2));
        }

        @Override
        public void text(String text, double x, double baseline, LineChart.Align align, LineChart.Ink ink) {
            double width = PixelFont.width(text);
            double left = switch (align) {
                case LEFT -> x;
                case CENTRE -> x - width / 2;
                case RIGHT -> x - width;
            };
            picture.text(text, (int) Math.round(left * SCALE), (int) Math.round((baseline - 7) * SCALE), SCALE,
                    Palette.INK);
        }

        @Override
        public void curve(double[] x, double[] y, int index) {
            graphics.setColor(new Color(Palette.SERIES[index]));
            graphics.setStroke(new BasicStroke(1.8f, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
            Path2D path = new Path2D.Double();
            IntStream.range(0, x.length).forEach(i -> {
                if (i == 0) {
                    path.moveTo(x[i], y[i]);
                } else {
                    path.lineTo(x[i], y[i]);
                }
            });
            graphics.draw(path);
        }

        @Override
        public void dot(double x, double y, int index, String meaning) {
            graphics.setColor(new Color(Palette.SERIES[index]));
            graphics.fill(new Ellipse2D.Double(x - 2.5, y - 2.5, 5, 5));
        }
    }
}
