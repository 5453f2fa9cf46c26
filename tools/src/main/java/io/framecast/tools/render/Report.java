package io.framecast.tools.render;

import io.framecast.FramecastException;
import io.framecast.files.AtomicFiles;
import io.framecast.predict.ForecastScores.Metric;
import io.framecast.predict.ForecastScores.Result;
import io.framecast.text.Count;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The report on a run: one self-contained HTML page with styles, charts (SVG) and pictures inside, without scripts, in
 * the reader's light or dark mode. Parts that were not given are left out.
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

    /** A finished epoch, counted from 1; {@code lr} is the learning rate. */
    public record Epoch(int epoch, double loss, OptionalDouble valLoss, double lr) {
    }

    private record Fact(String name, String value) {
    }

    private record Image(String caption, String seen, Path gif, Path still) {
    }

    /** Of longer tables, some rows are shown. */
    private static final int MOST_ROWS = 1000;

    private final String title;
    private final List<Fact> facts = new ArrayList<>();
    private final List<Image> images = new ArrayList<>();
    private final List<String> imageNotes = new ArrayList<>();
    private final List<String> notices = new ArrayList<>();
    private List<Layer> layers = List.of();
    private List<Epoch> epochs = List.of();
    private double[] stepLosses = {};
    private Result scores;
    private Result baseline;
    /** The scores of another model, to compare; null if there is none. */
    private Result other;
    private String ownName = "model";
    private String otherName;

    public Report(String title) {
        this.title = title;
    }

    /** Adds a row to the table about the run. */
    public Report fact(String name, String value) {
        facts.add(new Fact(name, value));
        return this;
    }

    /** Adds a sentence at the top of the page, for example about what failed. */
    public Report notice(String sentence) {
        notices.add(sentence);
        return this;
    }

    /**
     * Adds an animation. Readers whose system is set to reduced motion see the still picture instead.
     *
     * @param seen the alternative text of the picture
     * @param gif   read when the report is written
     * @param still a PNG of the same forecast, read when the report is written
     */
    public Report animation(String caption, String seen, Path gif, Path still) {
        images.add(new Image(caption, seen, gif, still));
        return this;
    }

    /** Adds a sentence on what the animations do not show. */
    public Report animationNote(String sentence) {
        imageNotes.add(sentence);
        return this;
    }

    /** Adds the layers, from the input to the output. */
    public Report model(List<Layer> layers) {
        this.layers = List.copyOf(layers);
        return this;
    }

    /**
     * Adds the losses.
     *
     * @param epochs the finished epochs
     * @param stepLosses the training loss of every step; shown if fewer than two epochs have finished
     */
    public Report training(List<Epoch> epochs, double[] stepLosses) {
        this.epochs = List.copyOf(epochs);
        this.stepLosses = stepLosses.clone();
        return this;
    }

    /** Adds the scores of the model's forecasts and of the baseline (repeating the last frame of the context). */
    public Report scores(Result scores, Result baseline) {
        this.scores = scores;
        this.baseline = baseline;
        return this;
    }

    /** Adds the scores of another model on the same videos, and how the two are called. */
    public Report compared(String own, String name, Result scoresOfOther) {
        ownName = own;
        otherName = name;
        other = scoresOfOther;
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
        StringBuilder html = new StringBuilder();
        notices.forEach(notice -> html.append("<p class=\"notice\">" + Html.escape(notice) + "</p>\n"));
        if (scores != null) {
            html.append(headline());
        }
        if (!images.isEmpty()) {
            html.append(section("Forecasts", "Light grey: frames that the model was shown. Orange: "
                    + "frames that it predicted, each from its own prediction of the frame before."
                    + imageNotes.stream().map(note -> " " + note).collect(Collectors.joining()), figures()));
        }
        if (scores != null) {
            html.append(section("Scores", "Mean over " + Count.of(scores.videos(), "video") + " and "
                    + Count.of(scores.mse().perFrame().length, "predicted frame") + ". MSE and MAE are summed over the "
                    + "pixels of a frame; SSIM has a Gaussian window of 11x11; the baseline repeats the last seen "
                    + "frame." + Scores.exactNote(scores, baseline).map(" "::concat).orElse(""),
                    meanScores() + frameScores()));
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
        return Html.page(title, "", html.toString());
    }

    private static String section(String heading, String introduction, String content) {
        String paragraph = introduction.isEmpty() ? "" : "<p>" + Html.escape(introduction) + "</p>\n";
        return "<section>\n<h2>" + heading + "</h2>\n" + paragraph + content + "</section>\n";
    }

    private String headline() {
        return "<ul class=\"headline\">\n"
                + card(error(scores.mse().mean()),
                        "MSE, " + Scores.beside(scores.mse(), baseline.mse(), "the baseline"))
                + card(error(scores.mae().mean()),
                        "MAE, " + Scores.beside(scores.mae(), baseline.mae(), "the baseline"))
                + card(decibels(scores), "PSNR, baseline " + decibels(baseline))
                + card(similarity(scores.ssim().mean()), "SSIM, baseline " + similarity(baseline.ssim().mean()))
                + "</ul>\n";
    }

    private static String card(String number, String meaning) {
        return "<li><strong>" + Html.escape(number) + "</strong> <span>" + Html.escape(meaning) + "</span></li>\n";
    }

    private String figures() {
        StringBuilder html = new StringBuilder("<div class=\"figures\">\n");
        for (Image image : images) {
            html.append("<figure><picture><source media=\"(prefers-reduced-motion: reduce)\" srcset=\""
                    + dataUri(image.still(), "png") + "\"/><img alt=\"" + Html.escape(image.seen()) + "\" src=\""
                    + dataUri(image.gif(), "gif") + "\"/></picture><figcaption>" + Html.escape(image.caption())
                    + "</figcaption></figure>\n");
        }
        return html.append("</div>\n").toString();
    }

    private static String dataUri(Path file, String type) {
        try {
            return "data:image/" + type + ";base64," + Base64.getEncoder().encodeToString(Files.readAllBytes(file));
        } catch (IOException e) {
            throw new FramecastException("Cannot read " + file + ", a picture of the report: it is missing or not "
                    + "readable.", e);
        }
    }

    private static String decibels(Result result) {
        return Scores.isExact(result) ? "without error" : error(result.psnr().mean()) + " dB";
    }

    /** What the tables and charts show: the model, the other one if there is one, and the baseline. */
    private Map<String, Result> compared() {
        Map<String, Result> results = new LinkedHashMap<>();
        results.put(ownName, scores);
        if (other != null) {
            results.put(otherName, other);
        }
        results.put("baseline", baseline);
        return results;
    }

    private String meanScores() {
        List<String> headings = new ArrayList<>(List.of("mean"));
        headings.addAll(compared().keySet());
        if (other == null) {
            headings.add("change");
        }
        return Html.table(headings, List.of(
                means("MSE", r -> error(r.mse().mean()), Scores.change(scores.mse(), baseline.mse())),
                means("MAE", r -> error(r.mae().mean()), Scores.change(scores.mae(), baseline.mae())),
                means("PSNR (dB)", r -> Scores.isExact(r) ? Scores.EXACT : error(r.psnr().mean()),
                        Scores.signed(scores.psnr().mean() - baseline.psnr().mean(), 2)),
                means("SSIM", r -> similarity(r.ssim().mean()),
                        Scores.signed(scores.ssim().mean() - baseline.ssim().mean(), 4))));
    }

    private List<String> means(String name, Function<Result, String> mean, String change) {
        List<String> row = new ArrayList<>(List.of(name));
        compared().values().forEach(result -> row.add(mean.apply(result)));
        if (other == null) {
            row.add(change);
        }
        return row;
    }

    private String frameScores() {
        List<String> headings = new ArrayList<>(List.of("frame"));
        compared().keySet().forEach(name -> headings.add("MSE " + name));
        compared().keySet().forEach(name -> headings.add("SSIM " + name));
        List<List<String>> rows = IntStream.range(0, scores.mse().perFrame().length).mapToObj(t -> {
            List<String> row = new ArrayList<>(List.of(Integer.toString(t + 1)));
            compared().values().forEach(result -> row.add(error(result.mse().perFrame()[t])));
            compared().values().forEach(result -> row.add(similarity(result.ssim().perFrame()[t])));
            return row;
        }).toList();
        return "<div class=\"charts\">\n" + chart("MSE", Result::mse, true) + chart("SSIM", Result::ssim, false)
                + "</div>\n" + Html.table(headings, rows);
    }

    private String chart(String name, Function<Result, Metric> metric, boolean fromZero) {
        double[] frames = IntStream.rangeClosed(1, metric.apply(scores).perFrame().length).asDoubleStream().toArray();
        List<LineChart.Series> series = new ArrayList<>();
        compared().forEach((who, result) ->
                series.add(new LineChart.Series(who, frames, metric.apply(result).perFrame())));
        return SvgChart.of(new LineChart(name, "predicted frame", series, fromZero));
    }

    private String training() {
        String chart = "<div class=\"charts\">\n" + SvgChart.of(LossPlot.chart(epochs, stepLosses)) + "</div>\n";
        if (epochs.isEmpty()) {
            return chart;
        }
        int step = (epochs.size() + MOST_ROWS - 1) / MOST_ROWS;
        List<List<String>> rows = IntStream.range(0, epochs.size()).filter(i -> (epochs.size() - 1 - i) % step == 0)
                .mapToObj(epochs::get).map(e -> List.of(Integer.toString(e.epoch()), Scores.number(e.loss(), 5),
                        e.valLoss().isPresent() ? Scores.number(e.valLoss().getAsDouble(), 5) : "\u2013", rate(e.lr())))
                .toList();
        String summary = step == 1 ? "All epochs" : rows.size() + " of " + epochs.size() + " epochs";
        return chart + "<details><summary>" + summary + "</summary>\n"
                + Html.table(List.of("epoch", "loss", "validation loss", "learning rate"), rows) + "</details>\n";
    }

    private String model() {
        List<List<String>> rows = new ArrayList<>();
        for (int i = 0; i < layers.size(); i++) {
            Layer layer = layers.get(i);
            rows.add(List.of(Integer.toString(i), layer.type(), layer.outputShape(), count(layer.parameters())));
        }
        rows.add(List.of("total", "", "", count(layers.stream().mapToLong(Layer::parameters).sum())));
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

    private static String error(double value) {
        return Scores.number(value, 2);
    }

    private static String similarity(double value) {
        return Scores.number(value, 4);
    }

    private static String rate(double value) {
        return String.format(Locale.ROOT, "%.2e", value);
    }

    private static String count(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }
}
