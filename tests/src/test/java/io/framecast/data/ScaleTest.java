package io.framecast.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How values are scaled, and which values are refused. */
class ScaleTest {

    private static final NpyVideos.Progress SILENT = (done, total) -> { };

    @TempDir
    private Path directory;

    /** 4 videos of 3 frames of 2x2, 0 except for some values at the end of video 2. */
    private NpyVideos of(String descr, String scale, double... values) {
        int bytes = descr.charAt(2) - '0';
        ByteBuffer data = ByteBuffer.allocate(48 * bytes).order(ByteOrder.LITTLE_ENDIAN);
        for (int k = 0; k < values.length; k++) {
            int at = (36 - values.length + k) * bytes;
            switch (descr) {
                case "|u1", "|i1", "|b1" -> data.put(at, (byte) values[k]);
                case "<u2", "<i2" -> data.putShort(at, (short) (int) values[k]);
                case "<i4", "<u4" -> data.putInt(at, (int) (long) values[k]);
                case "<i8" -> data.putLong(at, (long) values[k]);
                case "<f4" -> data.putFloat(at, (float) values[k]);
                case "<f8" -> data.putDouble(at, values[k]);
                default -> throw new AssertionError(descr);
            }
        }
        Path file = ArrayFile.write(directory.resolve("made.npy"), descr, false, "(4, 3, 2, 2)", data.array());
        return NpyVideos.open(file, VideoLayout.NTHW, scale == null ? null : Scale.of(scale));
    }

    @ParameterizedTest
    @CsvSource({
        "|u1, 200, 0, 255", "|u1, 1, 0, 255", "|b1, 1, 0, 1", "|i1, 100, 0, 127", "|i1, -3, -128, 127",
        "<u2, 255, 0, 255", "<u2, 1023, 0, 1023", "<u2, 4095, 0, 4095", "<u2, 4094, 0, 65535", "<u2, 65535, 0, 65535",
        "<i2, 4095, 0, 4095", "<i2, 20000, 0, 32767", "<i2, -20000, -32768, 32767", "<i4, 255, 0, 255",
        "<i8, 65535, 0, 65535", "<u4, 4e9, 0, 4294967295", "<i4, -2e9, -2147483648, 2147483647", "<f4, 0.5, 0, 1",
        "<f8, 1, 0, 1"})
    void theWholeFileSaysWhichValuesAreBlackAndWhite(String descr, double value, double black, double white) {
        NpyVideos videos = of(descr, null, value);
        assertEquals(new Scale(black, white), videos.scale());
        // The first video is scaled as the whole file, although it does not have the largest value.
        assertEquals((float) (-black / (white - black)), videos.get(0).values()[0], 1e-7f);
        assertEquals((float) ((value - black) / (white - black)), videos.get(2).values()[11], 1e-7f);
    }

    @ParameterizedTest
    @CsvSource({"0..255, 51, 0.2", "255, 51, 0.2", "-1..1, 0, 0.5", "1, 1, 1", "-0.5..0.5, 0.25, 0.75",
        "1e3..2e3, 1500, 0.5"})
    void aScaleCanBeGiven(String scale, double value, float brightness) {
        double[] values = new double[12];
        Arrays.fill(values, value);
        assertEquals(brightness, of("<f8", scale, values).get(2).values()[11], 1e-7f);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "255..0", "1..1", "..", "0..", "..1", "a..b", "NaN", "0..1e999", "0..255..3", "0-255"})
    void whatIsNoScaleIsRefused(String text) {
        assertThrows(FramecastException.class, () -> Scale.of(text));
    }

    @Test
    void aLittleBeyondBlackAndWhiteIsBlackAndWhiteAndIsCounted() {
        NpyVideos videos = of("<f4", null, 1.0004, -0.049, 1.049, 0.5, 1, -1e-9);
        ValueRange range = videos.check(4, 3, SILENT);
        assertEquals(4, range.outside());
        assertEquals(48, range.count());
        assertEquals(-0.049, range.least(), 1e-8);
        assertEquals(1.049, range.most(), 1e-7);
        float[] read = videos.get(2).values();
        assertArrayEquals(new float[] {1, 0, 1, 0.5f, 1, 0}, Arrays.copyOfRange(read, 6, 12));
        assertEquals(0, videos.check(2, 3, SILENT).outside(), "not in the first two videos");
        assertEquals(1, of("|u1", "0..200", 210).check(4, 3, SILENT).outside());
    }

    @ParameterizedTest
    @CsvSource({"255, 0, 0..255", "255, 7, 0..255", "-1, 1, -1..1", "-0.9, 0.9, -1..1", "1.3, 0, 0..1.3",
        "-2.31, 3.07, -2.4..3.1", "-127, 120, -128..127", "1000, 0, 0..1023", "30000, 1, 0..65535", "1e9, 0, 0..1e9"})
    void farBeyondIsRefusedWithItsPlaceAndTheScaleThatFits(float first, float second, String fitting) {
        NpyVideos videos = of("<f4", null, first, second, 0.25);
        for (boolean before : new boolean[] {true, false}) {
            ScaleException refusal = assertThrows(ScaleException.class,
                    () -> videos.get(before ? videos.check(4, 3, SILENT).outside() > 0 ? 0 : 1 : 2));
            assertTrue(refusal.fault().contains("made.npy has the value " + first
                    + " in video 2, frame 2, outside [0, 1]"), refusal.fault());
            assertEquals(Scale.of(fitting), refusal.fitting());
            assertTrue(refusal.getMessage().endsWith("; a scale of " + refusal.fitting() + " would take them."));
        }
        of("<f4", fitting, first, second, 0.25).check(4, 3, SILENT);
        assertThrows(ScaleException.class, () -> of("<f4", "0..10", 11).check(4, 3, SILENT));
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
    void whatIsNoNumberIsRefusedWithItsPlaceOnAnyScale(double value) {
        for (String scale : new String[] {null, "0..255"}) {
            NpyVideos videos = of("<f4", scale, value, 0.5, 0, 0, 0.5);
            String expected = "made.npy has the value " + (float) value
                    + " in video 2, frame 1; values must be numbers";
            for (boolean before : new boolean[] {true, false}) {
                String message = assertThrows(FramecastException.class, () -> {
                    if (before) {
                        videos.check(4, 3, SILENT);
                    }
                    videos.get(2);
                }).getMessage();
                assertTrue(message.contains(expected), message);
            }
            // Values that are not used are not checked.
            videos.check(4, 1, SILENT);
            videos.check(2, 3, SILENT);
            videos.get(2, 0, 1);
        }
    }

    @ParameterizedTest
    @CsvSource({"|u1, 1, true", "|u1, 15, true", "|u1, 16, false", "|b1, 1, false", "<u2, 1000, true",
        "<u2, 1023, false",
        "<i2, -300, true", "<f4, 0.004, true", "<f4, 0.5, false", "|u1, 0, true"})
    void videosThatAreAllButBlackAreTold(String descr, double value, boolean dark) {
        assertEquals(dark, of(descr, null, value).check(4, 3, SILENT).dark());
    }

    @Test
    void largeNumbersOnTheScaleOfTheirTypeWouldBeBlack() {
        ScaleException refusal = assertThrows(ScaleException.class, () -> of("<i8", null, 200).get(0));
        assertTrue(refusal.fault().contains("made.npy holds int64 numbers from 0 to 200"), refusal.fault());
        assertEquals(new Scale(0, 255), refusal.fitting());
        assertEquals(200 / 255f, of("<i8", "255", 200).get(2).values()[11]);
    }

    @Test
    void ofBrightBytesNoMoreThanTheBeginningIsLookedAt() {
        byte[] data = new byte[3_000_000];
        data[7] = 99;
        Path file = ArrayFile.write(directory.resolve("bright.npy"), "|u1", false, "(3, 10, 200, 500)", data);
        ValueRange range = NpyVideos.open(file).check(3, 10, SILENT);
        assertFalse(range.dark());
        assertTrue(range.count() < 1_000_000, range::toString);
        data[7] = 0;
        data[2_999_999] = 1;
        ArrayFile.write(file, "|u1", false, "(3, 10, 200, 500)", data);
        assertEquals(new ValueRange(0, 1, 0, 3_000_000, true), NpyVideos.open(file).check(3, 10, SILENT));
    }
}
