package io.framecast.predict;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.backend.Tensor;
import io.framecast.backend.TestBackend;
import io.framecast.data.Video;
import io.framecast.data.Videos;
import io.framecast.golden.Closeness;
import io.framecast.nn.FrameShape;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.ModelJson;
import io.framecast.nn.Network;
import io.framecast.train.Checkpoint;
import io.framecast.train.MovingSquares;
import java.awt.image.BufferedImage;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ForecasterTest {

    private static final int HEIGHT = 6;
    private static final int WIDTH = 8;

    private TestBackend backend;

    @BeforeEach
    void open() {
        backend = TestBackend.fp32();
    }

    @AfterEach
    void close() {
        backend.close();
    }

    /** With a Conv3D that looks one frame ahead. */
    private static Checkpoint checkpoint(int channels) {
        ModelConfig model = ModelJson.parse("""
                {"input": {"height": %d, "width": %d, "channels": %d}, "layers": [
                  {"type": "ConvLSTM2D", "filters": 4, "kernel_size": 3, "padding": "same"},
                  {"type": "Conv3D", "filters": %3$d, "kernel_size": 3, "activation": "sigmoid"}]}"""
                .formatted(HEIGHT, WIDTH, channels), "test");
        return Checkpoint.initial(model, 5);
    }

    private Forecaster forecaster(int channels) {
        return backend.own(Forecaster.open(backend.get(), checkpoint(channels)));
    }

    private static Videos squares(int channels) {
        return new MovingSquares(3, 7, HEIGHT, WIDTH, channels);
    }

    private static float[] context(Videos videos, int index, int frames) {
        return videos.get(index, 0, frames).values();
    }

    /** More frames than fit into the block on the device, so that it is reused. */
    @Test
    void aForecastIsTheLastFrameOfTheGrowingSequenceRunAnewHoweverLongItIs() {
        Checkpoint checkpoint = checkpoint(1);
        int context = 3;
        int frames = 35;
        int size = HEIGHT * WIDTH;
        Network network = backend.own(Network.forInference(backend.get(), checkpoint.model(), context + frames, 1));
        network.parameters().set(checkpoint.parameters());
        float[][] forecast = forecaster(1).forecast(context(squares(1), 1, context), frames);
        assertEquals(frames, forecast.length);
        float[] sequence = Arrays.copyOf(context(squares(1), 1, context), (context + frames) * size);
        for (int t = 0; t < frames; t++) {
            int seen = context + t;
            Tensor output = network.forward(backend.tensor(Arrays.copyOf(sequence, seen * size)), seen, 1, false);
            float[] last = new float[size];
            output.read((seen - 1L) * size, last, 0, size);
            Closeness.assertClose("frame " + t, last, forecast[t], Closeness.OUTPUT);
            System.arraycopy(forecast[t], 0, sequence, seen * size, size);
        }
    }

    @Test
    void manyVideosAreForecastAsOneByOneWhateverTheGroups() {
        Videos videos = squares(1);
        Forecaster single = forecaster(1);
        for (int atOnce : new int[] {1, 2, 3, 10}) {
            Forecaster forecaster = backend.own(Forecaster.open(backend.get(), checkpoint(1), atOnce));
            int[] given = new int[3];
            forecaster.forecast(videos, new int[] {2, 0, 1}, 4, 20, (index, frame, values) -> {
                assertEquals(given[index]++, frame, "the frames of a video come in order");
                float[] alone = single.forecast(context(videos, index, 4), 20)[frame];
                Closeness.assertClose("video " + index, alone, values, Closeness.OUTPUT);
            });
            assertArrayEquals(new int[] {20, 20, 20}, given);
        }
    }

    @Test
    void imagesAreForecastAsTheirValues() {
        for (int channels : new int[] {1, 3}) {
            Forecaster forecaster = forecaster(channels);
            FrameShape shape = new FrameShape(HEIGHT, WIDTH, channels);
            assertEquals(shape, forecaster.frameShape());
            // Multiples of 1/255, which images represent exactly.
            Video video = squares(channels).get(0, 0, 4);
            List<BufferedImage> images = IntStream.range(0, 4).mapToObj(t -> Images.image(
                    video.frames(t, t + 1).values(), shape)).toList();
            assertArrayEquals(video.values(), Images.values(images, shape));
            float[][] values = forecaster.forecast(video.values(), 3);
            List<BufferedImage> forecast = forecaster.forecast(images, 3);
            assertEquals(3, forecast.size());
            for (int t = 0; t < 3; t++) {
                float[] drawn = Images.values(List.of(forecast.get(t)), shape);
                for (int i = 0; i < drawn.length; i++) {
                    assertEquals(values[t][i], drawn[i], 0.5 / 255 + 1e-6);
                }
            }
        }
    }

    @Test
    void imagesOfEveryKindAreReadAsTheyLook() {
        FrameShape grey = new FrameShape(1, 2, 1);
        FrameShape colour = new FrameShape(1, 2, 3);
        for (int type : new int[] {BufferedImage.TYPE_INT_RGB, BufferedImage.TYPE_3BYTE_BGR,
            BufferedImage.TYPE_INT_ARGB, BufferedImage.TYPE_4BYTE_ABGR}) {
            BufferedImage image = new BufferedImage(2, 1, type);
            image.setRGB(0, 0, 0xffff8000);
            image.setRGB(1, 0, 0xff0000ff);
            assertArrayEquals(new float[] {1, 128 / 255f, 0, 0, 0, 1}, Images.values(List.of(image), colour));
            assertArrayEquals(new float[] {0.299f + 0.587f * 128 / 255, 0.114f}, Images.values(List.of(image), grey),
                    1e-6f);
        }
        BufferedImage deep = new BufferedImage(2, 1, BufferedImage.TYPE_USHORT_GRAY);
        deep.getRaster().setSample(1, 0, 0, 13107);
        assertArrayEquals(new float[] {0, 0.2f}, Images.values(List.of(deep), grey), 1e-7f);
        assertArrayEquals(new float[] {0, 0, 0, 0.2f, 0.2f, 0.2f}, Images.values(List.of(deep), colour), 1e-7f);
        BufferedImage indexed = new BufferedImage(2, 1, BufferedImage.TYPE_BYTE_INDEXED);
        indexed.setRGB(0, 0, 0xffff0000);
        assertArrayEquals(new float[] {1, 0, 0, 0, 0, 0}, Images.values(List.of(indexed), colour));
        // Outside [0, 1].
        BufferedImage drawn = Images.image(new float[] {-0.5f, 1.5f}, grey);
        assertEquals(0, drawn.getRaster().getSample(0, 0, 0));
        assertEquals(255, drawn.getRaster().getSample(1, 0, 0));
    }

    private static void refused(String message, Runnable call) {
        String said = assertThrows(IllegalArgumentException.class, call::run).getMessage();
        assertTrue(said.matches(message), said);
    }

    @Test
    void whatDoesNotFitIsRefused() {
        Forecaster forecaster = forecaster(1);
        float[] good = context(squares(1), 0, 2);
        refused("47 values .*6x8x1 has 48", () -> forecaster.forecast(new float[47], 1));
        refused("0 values .*", () -> forecaster.forecast(new float[0], 1));
        for (float wrong : new float[] {-0.1f, 1.1f, Float.NaN}) {
            float[] bad = good.clone();
            bad[50] = wrong;
            refused("value 50 of the context is " + wrong + ".*", () -> forecaster.forecast(bad, 1));
        }
        refused("0 frames to predict.*", () -> forecaster.forecast(good, 0));
        refused("-1 frames to predict.*", () -> forecaster.forecast(good, -1));
        refused("image 1 has 9x8 pixels, .*6x8x1", () -> forecaster.forecast(List.of(
                new BufferedImage(8, 6, BufferedImage.TYPE_BYTE_GRAY),
                new BufferedImage(8, 9, BufferedImage.TYPE_BYTE_GRAY)), 1));
        refused("frames of 2 channels .*", () -> forecaster(2).forecast(List.of(
                new BufferedImage(8, 6, BufferedImage.TYPE_INT_RGB)), 1));
        ForecastListener nobody = (index, frame, values) -> { };
        Videos others = new MovingSquares(3, 7, 8, 6, 1);
        refused(".*8x6x1, .*6x8x1", () -> forecaster.forecast(others, new int[] {0}, 2, 1, nobody));
        refused(".*8x6x1, .*6x8x1", () -> forecaster.forecastEachFrame(others, new int[] {0}, nobody));
        refused(".*8x6x1, .*6x8x1", () -> forecaster.evaluate(others, 2, 1));
        Videos videos = squares(1);
        for (int context : new int[] {0, 8}) {
            refused("a context of " + context + " frames in videos of 7",
                    () -> forecaster.forecast(videos, new int[] {0}, context, 1, nobody));
        }
        refused(".* 4 frames and 4 that follow", () -> forecaster.evaluate(videos, 4, 4));
        refused("0 videos .*", () -> forecaster.evaluate(videos.slice(0, 0), 4, 3));
        refused("0 videos at once.*", () -> Forecaster.open(backend.get(), checkpoint(1), 0));
        assertThrows(IndexOutOfBoundsException.class,
                () -> forecaster.forecast(videos, new int[] {3}, 2, 1, nobody));
        // The forecaster can still be used.
        assertEquals(2, forecaster.forecast(good, 2).length);
    }

    /** Videos whose frames do not have the shape that they report. */
    @Test
    void unequalVideosAreRefused() {
        Videos videos = squares(1);
        Videos unequal = new Videos() {
            @Override
            public int count() {
                return 3;
            }

            @Override
            public int frames() {
                return 7;
            }

            @Override
            public int height() {
                return HEIGHT;
            }

            @Override
            public int width() {
                return WIDTH;
            }

            @Override
            public int channels() {
                return 1;
            }

            @Override
            public Video get(int index) {
                return index == 2 ? new MovingSquares(3, 7, 3, WIDTH, 1).get(2) : videos.get(index);
            }
        };
        refused("frame 0 of video 2 has 24 values, not 48",
                () -> forecaster(1).forecast(unequal, new int[] {0, 1, 2}, 2, 1, (index, frame, values) -> { }));
    }

    /** Its own listener is the simplest case of two at once; the forecast in progress is not harmed. */
    @Test
    void oneForecastAtATime() {
        Forecaster forecaster = forecaster(1);
        Videos squares = squares(1);
        float[] seen = context(squares, 0, 3);
        float[][] expected = forecaster.forecast(seen, 2);
        forecaster.forecast(squares, new int[] {0}, 3, 2, (index, frame, values) -> {
            assertEquals("the forecaster is busy with another forecast",
                    assertThrows(IllegalStateException.class, () -> forecaster.forecast(seen, 1)).getMessage());
            assertArrayEquals(expected[frame], values);
        });
        assertArrayEquals(expected[0], forecaster.forecast(seen, 1)[0]);
    }

    @Test
    void aClosedForecasterSaysSo() {
        Forecaster forecaster = Forecaster.open(backend.get(), checkpoint(1));
        forecaster.close();
        forecaster.close();
        assertThrows(IllegalStateException.class, () -> forecaster.forecast(context(squares(1), 0, 2), 1));
        assertThrows(IllegalStateException.class,
                () -> forecaster.forecastEachFrame(squares(1), new int[] {0}, (index, frame, values) -> { }));
        assertThrows(IllegalStateException.class, () -> forecaster.evaluate(squares(1), 2, 1));
    }

    @Test
    void anEvaluationScoresTheForecastsAndTheLastFrameSeen() {
        Videos videos = squares(1);
        Forecaster forecaster = forecaster(1);
        Forecaster.Evaluation evaluation = forecaster.evaluate(videos, 4, 3);
        double model = 0;
        double baseline = 0;
        for (int k = 0; k < 3; k++) {
            float[] truth = videos.get(k, 5, 6).values();
            float[] last = videos.get(k, 3, 4).values();
            float[] predicted = forecaster.forecast(context(videos, k, 4), 2)[1];
            for (int i = 0; i < truth.length; i++) {
                model += Math.pow((double) predicted[i] - truth[i], 2) / 3;
                baseline += Math.pow((double) last[i] - truth[i], 2) / 3;
            }
        }
        assertEquals(model, evaluation.model().mse().perFrame()[1], 1e-4);
        assertEquals(baseline, evaluation.baseline().mse().perFrame()[1], 1e-9);
        assertEquals(3, evaluation.model().videos());
        assertEquals(List.of(4, 3), List.of(evaluation.context(), evaluation.frames()));
    }

    @Test
    void newImagesOfRandomValuesComeBackAsTheyWere() {
        Random random = new Random(3);
        FrameShape shape = new FrameShape(5, 4, 3);
        BufferedImage image = new BufferedImage(4, 5, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < 5; y++) {
            for (int x = 0; x < 4; x++) {
                image.setRGB(x, y, random.nextInt(1 << 24));
            }
        }
        BufferedImage again = Images.image(Images.values(List.of(image), shape), shape);
        for (int y = 0; y < 5; y++) {
            for (int x = 0; x < 4; x++) {
                assertEquals(image.getRGB(x, y), again.getRGB(x, y));
            }
        }
    }
}
