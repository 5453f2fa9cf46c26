package io.framecast.tools.render;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import io.framecast.predict.ForecastScores.Metric;
import io.framecast.predict.ForecastScores.Result;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class ReportTest {

    @TempDir
    Path directory;

    @Test
    void tellsEveryNumberItWasGiven() throws Exception {
        Document page = parse(full());
        assertEquals(List.of("Scores", "Training", "Model", "Run"), texts(page, "h2"));
        List<String> cells = texts(page, "td");
        assertEquals(List.of("MSE", "MAE", "PSNR (dB)", "SSIM", "1", "2", "1", "2", "0", "1", "total"),
                headers(page, "row"));
        assertEquals(List.of("mean", "model", "baseline", "change"), headers(page, "col").subList(0, 4));
        for (String expected : List.of(
                // The means, their changes, then the scores of each frame.
                "60.50", "121.00", "\u221250.0%", "100.00", "200.00", "20.50", "10.25", "+10.25", "0.8500", "0.4000",
                "+0.4500", "40.25", "80.75", "101.00", "141.00", "0.9000", "0.8000", "0.6000", "0.2000",
                // Epochs.
                "0.51234", "0.61234", "1.00e-03", "0.41234", "\u2013", "1.00e-04",
                // Layers.
                "ConvLSTM2D", "(20, 64, 64, 64)", "416,256", "Conv3D", "1,729", "417,985")) {
            assertTrue(cells.contains(expected), expected + " is not in " + cells);
        }
        assertEquals(List.of("cpu", "3 min"), texts(page, "dd"));
    }

    @Test
    void drawsOneCurveForEachSeriesThroughAllItsPoints() throws Exception {
        Document page = parse(full());
        NodeList charts = page.getElementsByTagName("svg");
        List<String> names = new ArrayList<>();
        for (int i = 0; i < charts.getLength(); i++) {
            names.add(((Element) charts.item(i)).getAttribute("aria-label"));
        }
        assertEquals(List.of("MSE", "SSIM", "Loss"), names);
        // Two series of two frames; only one of the two epochs has a validation loss.
        assertEquals(List.of(4, 4, 3), List.of(dots(charts, 0), dots(charts, 1), dots(charts, 2)));
        assertEquals(List.of("model, predicted frame 1: 40.25", "model, predicted frame 2: 80.75",
                "baseline, predicted frame 1: 101", "baseline, predicted frame 2: 141"),
                texts((Element) charts.item(0), "title"));
        // The MSE axis starts at zero: heights are proportional to the values.
        NodeList dots = ((Element) charts.item(0)).getElementsByTagName("circle");
        double bottom = LineChart.HEIGHT - 44;
        double low = bottom - Double.parseDouble(((Element) dots.item(0)).getAttribute("cy"));
        double high = bottom - Double.parseDouble(((Element) dots.item(3)).getAttribute("cy"));
        // Coordinates are rounded to 0.1, of about 60.
        assertEquals(141 / 40.25, high / low, 0.01);
    }

    @Test
    void comparesWithAnotherModelColumnByColumn() throws Exception {
        Document page = parse(full().compared("trained 4 min", "another", result(30.5, 31.5, 90, 22, 0.95, 0.85)));
        assertEquals(List.of("mean", "trained 4 min", "another", "baseline", "frame", "MSE trained 4 min",
                "MSE another", "MSE baseline", "SSIM trained 4 min", "SSIM another", "SSIM baseline"),
                headers(page, "col").subList(0, 11));
        assertEquals(List.of("60.50", "31.00", "121.00"), texts(page, "td").subList(0, 3));
        assertEquals(List.of("40.25", "30.50", "101.00", "0.9000", "0.9500", "0.6000"),
                texts(page, "td").subList(12, 18));
        assertEquals(6, dots(page.getElementsByTagName("svg"), 0));
    }

    @Test
    void framesWithoutErrorAreSaidInWords() throws Exception {
        Metric none = new Metric(new double[2]);
        Metric most = new Metric(new double[] {100, 100});
        Result exact = new Result(7, none, none, most, new Metric(new double[] {1, 1}), none, none, new int[] {7, 7});
        String text = parse(new Report("still").scores(exact, exact)).getDocumentElement().getTextContent();
        assertTrue(text.contains("without error PSNR, baseline without error"), text);
        assertTrue(text.contains("Of 14 frames, 14 of the model and 14 of the repeated frame have no error; such a "
                + "frame counts as a PSNR of 100 dB."), text);
        assertFalse(text.contains("100.00"), text);
    }

    @Test
    void needsNothingBesideIt() throws Exception {
        Path gif = Files.write(directory.resolve("a.gif"), new byte[] {'G', 'I', 'F', 1, 2, 3});
        Path png = Files.write(directory.resolve("b.png"), new byte[] {7, 8, 9});
        Document page = parse(full().animation("video 3", "a ball that falls", gif, png));
        Element image = (Element) page.getElementsByTagName("img").item(0);
        assertArrayEquals(Files.readAllBytes(gif), decoded(image, "src", "data:image/gif;base64,"));
        assertEquals("a ball that falls", image.getAttribute("alt"));
        // With reduced motion, the still picture is shown instead of the animation.
        Element still = (Element) page.getElementsByTagName("source").item(0);
        assertEquals(image.getParentNode(), still.getParentNode());
        assertEquals("(prefers-reduced-motion: reduce)", still.getAttribute("media"));
        assertArrayEquals(Files.readAllBytes(png), decoded(still, "srcset", "data:image/png;base64,"));
        assertEquals(List.of("video 3"), texts(page, "figcaption"));
        assertEquals("Forecasts", texts(page, "h2").get(0));

        String html = Files.readString(directory.resolve("report.html"));
        assertFalse(html.contains("http"), "no address");
        assertFalse(html.contains("url(") || html.contains("@import"), "no style from elsewhere");
        for (String tag : List.of("script", "link", "iframe")) {
            assertEquals(0, page.getElementsByTagName(tag).getLength(), tag);
        }
    }

    @Test
    void showsTextAsItIs() throws Exception {
        String nasty = "<b>&amp; \"quoted\" 'x' \u0000\u001b</b>";
        String shown = "<b>&amp; \"quoted\" 'x' \ufffd\ufffd</b>";
        Path png = Files.write(directory.resolve("c.png"), new byte[1]);
        Document page = parse(new Report(nasty).fact(nasty, nasty).animation(nasty, nasty, png, png).notice(nasty)
                .model(List.of(new Report.Layer(nasty, nasty, 0))));
        assertEquals(List.of(shown), texts(page, "h1"));
        assertEquals(List.of(shown), texts(page, "dt"));
        assertEquals(List.of(shown), texts(page, "dd"));
        assertEquals(shown, texts(page, "td").get(0));
        assertEquals(shown, texts(page, "p").get(0));
        assertEquals(shown, ((Element) page.getElementsByTagName("img").item(0)).getAttribute("alt"));
    }

    @Test
    void leavesOutWhatItWasNotGiven() throws Exception {
        Document page = parse(new Report("bare"));
        assertEquals(List.of("bare"), texts(page, "h1"));
        assertEquals(0, page.getElementsByTagName("section").getLength());
        page = parse(new Report("one epoch").training(List.of(), new double[] {3, 2}));
        assertEquals(List.of("Training"), texts(page, "h2"));
        assertEquals(0, page.getElementsByTagName("table").getLength());
    }

    @Test
    void numbersThatAreHugeOrNoneStayReadable() throws Exception {
        double nan = Double.NaN;
        Document page = parse(new Report("diverged").notice("The loss became NaN at step 4.")
                .scores(result(1e60, 3e70, 1e30, -600, 0, 0), result(0, 0, 0, 100, 1, 1))
                .training(List.of(new Report.Epoch(1, 0.5, OptionalDouble.of(0.6), 1e-3),
                        new Report.Epoch(2, nan, OptionalDouble.of(Double.POSITIVE_INFINITY), 1e-3),
                        new Report.Epoch(3, nan, OptionalDouble.empty(), 1e-3)), new double[0]));
        String text = page.getDocumentElement().getTextContent();
        assertTrue(text.contains("The loss became NaN at step 4."));
        assertFalse(text.replace("The loss became NaN", "").matches("(?s).*(NaN|Infinity|\\d{12}).*"), text);
        assertTrue(texts(page, "td").containsAll(List.of("1.50e+70", "0.00", "baseline 0", "not finite")), text);
        List<String> labels = texts(page, "text");
        assertTrue(labels.contains("training is not finite at epoch 2, validation is not finite at epoch 2"),
                labels.toString());
        assertEquals(2, dots(page.getElementsByTagName("svg"), 2), "what is finite is drawn");
    }

    @Test
    void longRunsStaySmallPages() throws Exception {
        List<Report.Epoch> epochs = IntStream.rangeClosed(1, 100_000)
                .mapToObj(k -> new Report.Epoch(k, k == 77_777 ? 9 : 1.0 / k, OptionalDouble.of(0.5), 1e-3)).toList();
        Document page = parse(new Report("long").training(epochs, new double[0]));
        assertTrue(Files.size(directory.resolve("report.html")) < 500_000);
        assertTrue(texts(page, "summary").get(0).matches("1?\\d{3} of 100000 epochs"), texts(page, "summary").get(0));
        assertTrue(headers(page, "row").contains("100000"), "the last one");
        // A peak of one epoch stays visible: the curve reaches the top of the axis, which ends at 10.
        String points = ((Element) page.getElementsByTagName("polyline").item(0)).getAttribute("points");
        double top = Arrays.stream(points.split(" ")).mapToDouble(p -> Double.parseDouble(p.split(",")[1])).min()
                .orElseThrow();
        assertEquals(40 + 0.1 * (LineChart.HEIGHT - 44 - 40), top, 0.1);
    }

    @Test
    void namesAPictureThatIsMissing() {
        Path missing = directory.resolve("gone.gif");
        FramecastException e = assertThrows(FramecastException.class,
                () -> new Report("x").animation("y", "z", missing, missing).write(directory.resolve("none.html")));
        assertTrue(e.getMessage().contains(missing.toString()), e.getMessage());
        assertTrue(Files.notExists(directory.resolve("none.html")));
    }

    private static Report full() {
        return new Report("Moving digits").fact("device", "cpu").fact("time", "3 min")
                .scores(result(40.25, 80.75, 100, 20.5, 0.9, 0.8), result(101, 141, 200, 10.25, 0.6, 0.2))
                .training(List.of(new Report.Epoch(1, 0.51234, OptionalDouble.of(0.61234), 1e-3),
                        new Report.Epoch(2, 0.41234, OptionalDouble.empty(), 1e-4)), new double[] {1})
                .model(List.of(new Report.Layer("ConvLSTM2D", "(20, 64, 64, 64)", 416256),
                        new Report.Layer("Conv3D", "(20, 64, 64, 1)", 1729)));
    }

    private static Result result(double mse1, double mse2, double mae, double psnr, double ssim1, double ssim2) {
        return new Result(7, new Metric(new double[] {mse1, mse2}), new Metric(new double[] {mae, mae}),
                new Metric(new double[] {psnr, psnr}), new Metric(new double[] {ssim1, ssim2}),
                new Metric(new double[2]), new Metric(new double[2]), new int[2]);
    }

    /** Reads the page as XML; fails for unclosed elements and unescaped text. */
    private Document parse(Report report) throws Exception {
        Path file = directory.resolve("report.html");
        report.write(file);
        return DocumentBuilderFactory.newInstance().newDocumentBuilder()
                .parse(new ByteArrayInputStream(Files.readString(file).getBytes(StandardCharsets.UTF_8)));
    }

    private static byte[] decoded(Element image, String attribute, String prefix) {
        String source = image.getAttribute(attribute);
        assertTrue(source.startsWith(prefix), source);
        return Base64.getDecoder().decode(source.substring(prefix.length()));
    }

    private static int dots(NodeList charts, int index) {
        return ((Element) charts.item(index)).getElementsByTagName("circle").getLength();
    }

    private static List<String> headers(Document page, String scope) {
        NodeList nodes = page.getElementsByTagName("th");
        return IntStream.range(0, nodes.getLength()).mapToObj(i -> (Element) nodes.item(i))
                .filter(cell -> cell.getAttribute("scope").equals(scope)).map(Element::getTextContent).toList();
    }

    private static List<String> texts(Document page, String tag) {
        return texts(page.getDocumentElement(), tag);
    }

    private static List<String> texts(Element element, String tag) {
        NodeList nodes = element.getElementsByTagName(tag);
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < nodes.getLength(); i++) {
            texts.add(nodes.item(i).getTextContent());
        }
        return texts;
    }
}
