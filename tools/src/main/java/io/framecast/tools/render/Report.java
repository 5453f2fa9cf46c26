package io.framecast.tools.render;

import io.framecast.AtomicFiles;
import io.framecast.Count;
import io.framecast.FramecastException;
import io.framecast.predict.ForecastScores.Metric;
import io.framecast.predict.ForecastScores.Result;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * A run on one HTML page that needs nothing beside it: styles, charts (SVG) and pictures are inside, there are no
 * scripts, and it follows the reader's light or dark setting. Parts that were not given are left out.
 */
public final class Report {

    /**
     * A layer of the model.
     *
     * @param outputShape as text, for example "(20, 64, 64, 64)"
     * @param parameters  trainable or not
     */
    public record Layer(String type, String outputShape, long parameters) {
    }

    /** An epoch that is over, counted from 1; {@code lr} is the learning rate. */
    public record Epoch(int epoch, double loss, OptionalDouble valLoss, double lr) {
    }

    private record Fact(String name, String value) {
    }

    private record Image(String caption, Path file) {
    }

    private final String title;
    private final List<Fact> facts = new ArrayList<>();
    private final List<Image> images = new ArrayList<>();
    private List<Layer> layers = List.of();
    private List<Epoch> epochs = List.of();
    private double[] stepLosses = {};
    private Result scores;
    private Result baseline;

    public Report(String title) {
        this.title = title;
    }

    /** Adds a line to the table about the run. */
    public Report fact(String name, String value) {
        facts.add(new Fact(name, value));
        return this;
    }

    /** Adds a GIF or PNG file; it is read when the report is written. */
    public Report image(String caption, Path file) {
        images.add(new Image(caption, file));
        return this;
    }

    /** The layers from the input on. */
    public Report model(List<Layer> layers) {
        this.layers = List.copyOf(layers);
        return this;
    }

    /**
     * The losses.
     *
     * @param epochs     the epochs that are over
     * @param stepLosses the training loss of every step; drawn while there are not yet two epochs
     */
    public Report training(List<Epoch> epochs, double[] stepLosses) {
        this.epochs = List.copyOf(epochs);
        this.stepLosses = stepLosses.clone();
        return this;
    }

    /** The scores of the model's forecasts, and those of repeating the last seen frame. */
    public Report scores(Result scores, Result baseline) {
        this.scores = scores;
        this.baseline = baseline;
        return this;
    }

    /**
     * Writes the page.
     *
     * @throws FramecastException if an image cannot be read or the page cannot be written
     */
    public void write(Path file) {
        AtomicFiles.write(file, html());
    }

    private String html() {
        StringBuilder html = new StringBuilder("""
                <!DOCTYPE html>
                <html lang="en">
                <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <title>%1$s</title>
                <style>
                %2$s</style>
                </head>
                <body>
                <main>
                <h1>%1$s</h1>
                """.formatted(Html.escape(title), styles()));
        if (scores != null) {
            html.append(headline());
        }
        if (!images.isEmpty()) {
            html.append(section("Forecasts", "Light grey borders: frames that the model was shown. Orange border: "
                    + "frames that it predicted, each from its own prediction of the frame before.", figures()));
        }
        if (scores != null) {
            html.append(section("Scores", "Mean over " + Count.of(scores.videos(), "video") + " and "
                    + Count.of(scores.mse().perFrame().length, "predicted frame") + ". MSE and MAE are summed over the "
                    + "pixels of a frame; the baseline repeats the last seen frame.", meanScores() + frameScores()));
        }
        if (!epochs.isEmpty() || stepLosses.length > 0) {
            html.append(section("Training", "", training()));
        }
        if (!layers.isEmpty()) {
            html.append(section("Model", "", model()));
        }
        if (!facts.isEmpty()) {
            html.append(section("Run", "", facts()));
        }
        return html.append("</main>\n</body>\n</html>\n").toString();
    }

    private static String section(String heading, String introduction, String content) {
        String paragraph = introduction.isEmpty() ? "" : "<p>" + Html.escape(introduction) + "</p>\n";
        return "<section>\n<h2>" + heading + "</h2>\n" + paragraph + content + "</section>\n";
    }

    private String headline() {
        return "<ul class=\"headline\">\n"
                + card(number(scores.mse().mean()), "MSE, " + change(scores.mse(), baseline.mse()) + " vs baseline")
                + card(number(scores.mae().mean()), "MAE, " + change(scores.mae(), baseline.mae()) + " vs baseline")
                + card(number(scores.psnr().mean()) + " dB", "PSNR, baseline " + number(baseline.psnr().mean()) + " dB")
                + card(similarity(scores.ssim().mean()), "SSIM, baseline " + similarity(baseline.ssim().mean()))
                + "</ul>\n";
    }

    private static String card(String number, String meaning) {
        return "<li><strong>" + Html.escape(number) + "</strong> <span>" + Html.escape(meaning) + "</span></li>\n";
    }

    private String figures() {
        StringBuilder html = new StringBuilder("<div class=\"figures\">\n");
        for (Image image : images) {
            String caption = Html.escape(image.caption());
            html.append("<figure><img alt=\"" + caption + "\" src=\"" + dataUri(image.file()) + "\"/>"
                    + "<figcaption>" + caption + "</figcaption></figure>\n");
        }
        return html.append("</div>\n").toString();
    }

    private static String dataUri(Path file) {
        String type = file.toString().toLowerCase(Locale.ROOT).endsWith(".gif") ? "gif" : "png";
        try {
            return "data:image/" + type + ";base64," + Base64.getEncoder().encodeToString(Files.readAllBytes(file));
        } catch (IOException e) {
            throw new FramecastException("Cannot read " + file + ", a picture of the report: it is missing or not "
                    + "readable.", e);
        }
    }

    private String meanScores() {
        return Html.table(List.of("mean", "model", "baseline", "change"), List.of(
                List.of("MSE", number(scores.mse().mean()), number(baseline.mse().mean()),
                        change(scores.mse(), baseline.mse())),
                List.of("MAE", number(scores.mae().mean()), number(baseline.mae().mean()),
                        change(scores.mae(), baseline.mae())),
                List.of("PSNR (dB)", number(scores.psnr().mean()), number(baseline.psnr().mean()),
                        signed("%+.2f", scores.psnr().mean() - baseline.psnr().mean())),
                List.of("SSIM", similarity(scores.ssim().mean()), similarity(baseline.ssim().mean()),
                        signed("%+.4f", scores.ssim().mean() - baseline.ssim().mean()))));
    }

    private String frameScores() {
        List<List<String>> rows = IntStream.range(0, scores.mse().perFrame().length).mapToObj(t -> List.of(
                Integer.toString(t + 1),
                number(scores.mse().perFrame()[t]), number(baseline.mse().perFrame()[t]),
                similarity(scores.ssim().perFrame()[t]), similarity(baseline.ssim().perFrame()[t]))).toList();
        return "<div class=\"charts\">\n" + chart("MSE", Result::mse, true) + chart("SSIM", Result::ssim, false)
                + "</div>\n" + Html.table(
                        List.of("frame", "MSE model", "MSE baseline", "SSIM model", "SSIM baseline"), rows);
    }

    private String chart(String name, Function<Result, Metric> metric, boolean fromZero) {
        double[] frames = IntStream.rangeClosed(1, metric.apply(scores).perFrame().length).asDoubleStream().toArray();
        return SvgChart.of(new LineChart(name, "predicted frame", List.of(
                new LineChart.Series("model", frames, metric.apply(scores).perFrame()),
                new LineChart.Series("baseline", frames, metric.apply(baseline).perFrame())), fromZero));
    }

    private String training() {
        String chart = "<div class=\"charts\">\n" + SvgChart.of(LossPlot.chart(epochs, stepLosses)) + "</div>\n";
        if (epochs.isEmpty()) {
            return chart;
        }
        List<List<String>> rows = epochs.stream().map(e -> List.of(Integer.toString(e.epoch()), loss(e.loss()),
                e.valLoss().isPresent() ? loss(e.valLoss().getAsDouble()) : "\u2013", rate(e.lr()))).toList();
        return chart + "<details><summary>All epochs</summary>\n"
                + Html.table(List.of("epoch", "loss", "validation loss", "learning rate"), rows) + "</details>\n";
    }

    private String model() {
        List<List<String>> rows = new ArrayList<>();
        for (int i = 0; i < layers.size(); i++) {
            Layer layer = layers.get(i);
            rows.add(List.of(Integer.toString(i), layer.type(), layer.outputShape(), count(layer.parameters())));
        }
        rows.add(List.of("", "total", "", count(layers.stream().mapToLong(Layer::parameters).sum())));
        return "<div class=\"model\">" + Html.table(List.of("layer", "type", "output shape", "parameters"), rows)
                + "</div>\n";
    }

    private String facts() {
        StringBuilder html = new StringBuilder("<dl>\n");
        for (Fact fact : facts) {
            html.append("<dt>" + Html.escape(fact.name()) + "</dt><dd>" + Html.escape(fact.value()) + "</dd>\n");
        }
        return html.append("</dl>\n").toString();
    }

    private static String change(Metric metric, Metric reference) {
        return signed("%+.1f%%", -100 * metric.reductionFrom(reference));
    }

    /** With a real minus sign, which is as wide as the plus. */
    private static String signed(String format, double value) {
        return String.format(Locale.ROOT, format, value).replace('-', '\u2212');
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.2f", value);
    }

    private static String similarity(double value) {
        return String.format(Locale.ROOT, "%.4f", value);
    }

    private static String loss(double value) {
        return String.format(Locale.ROOT, "%.5f", value);
    }

    private static String rate(double value) {
        return String.format(Locale.ROOT, "%.2e", value);
    }

    private static String count(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }

    private static String styles() {
        try (InputStream in = Report.class.getResourceAsStream("report.css")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
