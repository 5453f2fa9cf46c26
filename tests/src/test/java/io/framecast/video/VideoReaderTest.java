package io.framecast.video;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Decodes files whose pixels are known. */
@Timeout(60)
class VideoReaderTest {

    /**
     * A channel of 8 bits goes to YUV of limited range and back. Y, U and V are rounded by up to 1/2, which changes
     * blue most: 255/219 * 1/2 + 2 (1 - 0.0722) 255/224 * 1/2 = 1.6 with BT.709; the result is rounded again: 2.1.
     */
    private static final int YUV = 2;

    /** Flat pictures at the encoders' best qualities lose about a step of Y more. */
    private static final int LOSSY = YUV + 2;

    @TempDir
    Path directory;

    private static List<byte[]> read(Path file, FrameFormat format) {
        try (FrameReader reader = new VideoReader(file, format)) {
            return read(reader, format == null ? size(reader.info()) : format.frameSize());
        }
    }

    private static int size(VideoInfo info) {
        return info.height() * info.width() * (info.grey() ? 1 : 3);
    }

    private static List<byte[]> read(FrameReader reader, int size) {
        List<byte[]> frames = new ArrayList<>();
        byte[] frame = new byte[size];
        while (reader.read(frame)) {
            frames.add(frame.clone());
        }
        return frames;
    }

    private static List<Integer> firstValues(List<byte[]> frames) {
        return frames.stream().map(frame -> frame[0] & 0xff).toList();
    }

    private static void assertNear(int expected, byte actual, int tolerance, Object about) {
        assertEquals(expected, actual & 0xff, tolerance, String.valueOf(about));
    }

    private void refused(Path file, String part) {
        String message = assertThrows(FramecastException.class, () -> new VideoReader(file, null)).getMessage();
        assertTrue(message.endsWith(".") && message.lines().count() == 1 + file.toString().lines().count() - 1,
                message);
        assertTrue(message.contains(part), message);
    }

    @ParameterizedTest
    @CsvSource({"mp4, libopenh264, yuv420p, 4", "mov, mpeg4, yuv420p, 4", "avi, mjpeg, yuvj420p, 4",
        "matroska, ffv1, gray, 0", "matroska, ffv1, gray10le, 1", "matroska, ffv1, yuv420p10le, 2",
        "webm, libvpx-vp9, yuv420p, 4", "webm, libvpx, yuv420p, 4", "gif, gif, gray, 0",
        "mpegts, mpeg2video, yuv420p, 4",
        "mov, png, rgb24, 0", "apng, apng, gray, 0", "yuv4mpegpipe, rawvideo, yuv420p, 2", "ogg, libvpx, yuv420p, 4"})
    void readsEveryFrameOfEveryContainer(String muxer, String encoder, String pixels, int tolerance) {
        Map<String, String> best = Map.of("b", "20M", "qmin", "1", "qmax", encoder.equals("mjpeg") ? "2" : "8");
        Encoder.Kind kind = new Encoder.Kind(muxer, encoder, "scale=out_range=" + (pixels.startsWith("yuvj")
                || pixels.startsWith("gray") || pixels.startsWith("rgb") ? "full" : "limited") + ",format=" + pixels,
                List.of("ffv1", "gif", "png", "apng", "rawvideo").contains(encoder) ? Map.of() : best, Map.of());
        Path file = new TestVideo(kind, 32, 48, 1, TestVideo.COUNTING).write(directory.resolve("x"), 12);
        try (FrameReader reader = new VideoReader(file, new FrameFormat(32, 48, 3, 0, 1))) {
            assertEquals(10, reader.info().rate(), 1e-9);
            assertEquals(List.of(32, 48), List.of(reader.info().height(), reader.info().width()));
            byte[] frame = new byte[32 * 48 * 3];
            for (int n = 0; n < 12; n++) {
                assertTrue(reader.read(frame), "frame " + n + " is missing: " + reader.damage());
                for (byte value : frame) {
                    assertNear(20 * n, value, tolerance, "frame " + n);
                }
                assertEquals(n / 10.0, reader.time(), 0.0011); // Some containers count in milliseconds.
            }
            assertTrue(!reader.read(frame) && reader.damage().isEmpty(), reader.damage().toString());
        }
    }

    @ParameterizedTest
    @CsvSource({"bt709, limited, yuv420p, 48", "bt709, full, yuv444p, 48", "bt470bg, limited, yuv420p, 48",
        "bt470bg, full, yuv420p, 48", "unknown601, limited, yuv420p, 48", "unknown709, limited, yuv420p, 720",
        "bt2020nc, limited, yuv420p10le, 48"})
    void colourSpacesAndRangesAreTheFiles(String space, String range, String pixels, int height) {
        int[] colour = {30, 200, 90};
        boolean unknown = space.startsWith("unknown");
        String matrix = space.equals("unknown601") ? "bt470bg" : space.replace("unknown", "bt");
        String filters = "scale=out_color_matrix=" + matrix.replace("bt470bg", "bt601").replace("bt2020nc", "bt2020")
                + ":out_range=" + range + ":flags=accurate_rnd+full_chroma_int,format=" + pixels
                + ",setparams=colorspace=" + (unknown ? "unknown" : matrix) + (unknown ? ":range=unknown" : "");
        Path file = new TestVideo(TestVideo.kind("matroska", "ffv1", filters), height, 16, 3,
                (n, y, x, channel) -> colour[channel]).write(directory.resolve("x.mkv"), 1);
        byte[] frame = read(file, null).get(0);
        for (int k = 0; k < frame.length; k++) {
            assertNear(colour[k % 3], frame[k], YUV, "channel " + k % 3);
        }
        // Grey is always the luma of BT.601, so that a colour has one grey. By way of Y, U and V, as above.
        byte[] grey = read(file, new FrameFormat(height, 16, 1, 0, 1)).get(0);
        assertNear((int) Math.round(0.299 * 30 + 0.587 * 200 + 0.114 * 90), grey[0], YUV, "luma");
    }

    @Test
    void rgbIsExactAndItsGreyIsLuma() {
        int[] colour = {250, 20, 130};
        Path file = new TestVideo(TestVideo.RGB, 16, 16, 3, (n, y, x, channel) -> colour[channel])
                .write(directory.resolve("x.mkv"), 1);
        byte[] frame = read(file, null).get(0);
        assertEquals(List.of(250, 20, 130), List.of(frame[0] & 0xff, frame[1] & 0xff, frame[2] & 0xff));
        byte[] grey = read(file, new FrameFormat(16, 16, 1, 0, 1)).get(0);
        assertNear((int) Math.round(0.299 * 250 + 0.587 * 20 + 0.114 * 130), grey[0], 0, "luma");
    }

    @Test
    void transparentPixelsAreOverBlack() {
        Path file = new TestVideo(TestVideo.kind("mov", "png", "format=rgba,colorchannelmixer=aa=0.5"), 16, 16, 3,
                (n, y, x, channel) -> 200).write(directory.resolve("x.mov"), 1);
        // The alpha is 127 or 128 of 255.
        assertNear(100, read(file, null).get(0)[0], 1, "half of 200");
    }

    /** Four quarters of different brightness, so that every turn and mirror is another picture. */
    @ParameterizedTest
    @ValueSource(ints = {90, 180, 270})
    void picturesAreUpright(int clockwise) {
        int[][] quarters = {{40, 80}, {120, 160}};
        int height = 16;
        int width = 32;
        // MPEG-4 in MOV, at the quantiser 1: quarters are whole blocks of 8x8.
        Encoder.Kind kind = new Encoder.Kind("mov", "mpeg4", "scale=out_range=limited,format=yuv420p",
                Map.of("b", "20M", "qmin", "1", "qmax", "1"), Map.of());
        Path file = new TestVideo(kind, height, width, 1, (n, y, x, channel) -> quarters[y / 8][x / 16])
                .turned(clockwise).write(directory.resolve("x.mov"), 2);
        boolean turned = clockwise != 180;
        try (FrameReader reader = new VideoReader(file, null)) {
            assertEquals(List.of(turned ? width : height, turned ? height : width),
                    List.of(reader.info().height(), reader.info().width()));
        }
        int newHeight = turned ? width : height;
        int newWidth = turned ? height : width;
        byte[] frame = read(file, new FrameFormat(newHeight, newWidth, 1, 0, 1)).get(0);
        for (int y = 4; y < newHeight; y += 8) {
            for (int x = 4; x < newWidth; x += 8) {
                int fromY = clockwise == 90 ? height - 1 - x : clockwise == 180 ? height - 1 - y : x;
                int fromX = clockwise == 90 ? y : clockwise == 180 ? width - 1 - x : width - 1 - y;
                assertNear(quarters[fromY / 8][fromX / 16], frame[y * newWidth + x], LOSSY, y + ", " + x);
            }
        }
    }

    /** Cameras do not turn photos, but write an Exif orientation: 6 means a quarter turn clockwise. */
    @Test
    void photosAreUpright() throws IOException {
        Path photo = new TestVideo(new Encoder.Kind("image2pipe", "mjpeg", "scale=out_range=full,format=yuvj420p",
                Map.of("qmin", "1", "qmax", "1"), Map.of()), 16, 32, 1, (n, y, x, channel) -> x < 16 ? 200 : 50)
                .write(directory.resolve("x.jpg"), 1);
        byte[] exif = ByteBuffer.allocate(36).put(new byte[] {(byte) 0xff, (byte) 0xe1}).putShort((short) 34)
                .put("Exif\0\0II*\0".getBytes(StandardCharsets.US_ASCII)).order(ByteOrder.LITTLE_ENDIAN).putInt(8)
                .putShort((short) 1).putShort((short) 0x112).putShort((short) 3).putInt(1).putInt(6).putInt(0).array();
        byte[] jpeg = Files.readAllBytes(photo);
        Files.write(photo, ByteBuffer.allocate(jpeg.length + exif.length).put(jpeg, 0, 2).put(exif)
                .put(jpeg, 2, jpeg.length - 2).array());
        try (FrameReader reader = new VideoReader(photo, null)) {
            assertEquals(List.of(32, 16), List.of(reader.info().height(), reader.info().width()));
        }
        byte[] frame = read(photo, new FrameFormat(32, 16, 1, 0, 1)).get(0);
        assertNear(200, frame[0], LOSSY, "above");
        assertNear(50, frame[frame.length - 1], LOSSY, "below");
    }

    @Test
    void pixelsBecomeSquare() {
        Path file = new TestVideo(TestVideo.GREY, 16, 16, 1, (n, y, x, channel) -> 10 * x).wide(2)
                .write(directory.resolve("x.mkv"), 1);
        byte[] frame = read(file, null).get(0);
        assertEquals(16 * 32, frame.length);
        for (int x = 0; x < 32; x++) {
            assertNear(10 * (x / 2), frame[x], 0, x);
        }
        // The middle quarter of the width, by 4 pixels of it.
        frame = read(file, new FrameFormat(16, 8, 1, 0, 1)).get(0);
        assertEquals(List.of(60, 60, 70, 70, 80, 80, 90, 90), firstRow(frame, 8));
    }

    private static List<Integer> firstRow(byte[] frame, int width) {
        List<Integer> row = new ArrayList<>();
        for (int x = 0; x < width; x++) {
            row.add(frame[x] & 0xff);
        }
        return row;
    }

    @Test
    void cropsAroundTheCentreAndAveragesAreas() {
        Path file = new TestVideo(TestVideo.RGB, 17, 31, 3, (n, y, x, channel) -> 7 * x + 2 * channel)
                .write(directory.resolve("x.mkv"), 1);
        byte[] frame = read(file, new FrameFormat(17, 17, 3, 0, 1)).get(0);
        assertNear(7 * 7, frame[0], 0, "left");
        assertNear(7 * 23 + 4, frame[frame.length - 1], 0, "right");
        // The middle 17x17 as one pixel: the mean of 7x over the columns 7 to 23.
        frame = read(file, new FrameFormat(1, 1, 3, 0, 1)).get(0);
        assertEquals(List.of(105, 107, 109), firstRow(frame, 3));
    }

    @ParameterizedTest
    @CsvSource({"0, 1, 0 1 2 3 4 5 6 7 8 9 10 11", "0, 5, 0 5 10", "5, 1, 0 2 4 6 8 10", "5, 2, 0 4 8",
        "20, 1, 0 0 1 1 2 2 3 3 4 4 5 5 6 6 7 7 8 8 9 9 10 10 11 11"})
    void takesFramesByRateAndStride(double rate, int stride, String expected) {
        Path file = TestVideo.counting(directory.resolve("x.mkv"), 12);
        List<Integer> numbers = firstValues(read(file, new FrameFormat(16, 16, 1, rate, stride))).stream()
                .map(value -> value / 20).toList();
        assertEquals(Arrays.stream(expected.split(" ")).map(Integer::valueOf).toList(), numbers);
    }

    @Test
    void variableRatesGoByTimestamps() {
        Path file = new TestVideo(TestVideo.GREY, 16, 16, 1, TestVideo.COUNTING).at(0, 1, 5, 6)
                .write(directory.resolve("x.mkv"), 4);
        assertEquals(List.of(0, 20, 40, 60), firstValues(read(file, null)));
        assertEquals(List.of(0, 20, 20, 20, 20, 40, 60), firstValues(read(file, new FrameFormat(16, 16, 1, 10, 1))));
    }

    /** A wrong timestamp must not make frames without end. */
    @Test
    void timestampsThatJumpAreDamage() {
        Path file = new TestVideo(TestVideo.GREY, 16, 16, 1, TestVideo.COUNTING).at(0, 1, 1_000_000, 1_000_001)
                .write(directory.resolve("x.mkv"), 4);
        assertEquals(List.of(0, 20, 40, 60), firstValues(read(file, null)));
        try (FrameReader reader = new VideoReader(file, new FrameFormat(16, 16, 1, 10, 1))) {
            assertEquals(List.of(0, 20), firstValues(read(reader, 256)));
            assertEquals("its timestamps jump by 100000 seconds", reader.damage().orElseThrow());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"mp4", "matroska", "avi"})
    void brokenTailsGiveTheFramesBefore(String muxer) throws IOException {
        Encoder.Kind kind = new Encoder.Kind(muxer, "mpeg4", "scale=out_range=limited,format=yuv420p",
                Map.of("b", "20M", "qmin", "1", "qmax", "1", "g", "1"),
                muxer.equals("mp4") ? Map.of("movflags", "+faststart") : Map.of());
        Path whole = new TestVideo(kind, 64, 64, 1, (n, y, x, channel) -> (y * x * 7 + 20 * n) % 256)
                .write(directory.resolve("whole"), 12);
        byte[] bytes = Files.readAllBytes(whole);
        Path cut = Files.write(directory.resolve("cut"), Arrays.copyOf(bytes, bytes.length * 6 / 10));
        List<byte[]> expected = read(whole, null);
        try (FrameReader reader = new VideoReader(cut, null)) {
            List<byte[]> frames = read(reader, size(reader.info()));
            assertTrue(frames.size() >= 4 && frames.size() <= 8, frames.size() + " frames");
            assertTrue(reader.damage().isPresent());
            for (int n = 0; n < frames.size(); n++) {
                assertTrue(Arrays.equals(expected.get(n), frames.get(n)), "frame " + n + " of " + frames.size());
            }
        }
        assertEquals(12, expected.size());
    }

    @Test
    void saysWhyAFileIsNoVideo() throws IOException {
        byte[] wav = ByteBuffer.allocate(44 + 8000).order(ByteOrder.LITTLE_ENDIAN).put("RIFF".getBytes())
                .putInt(36 + 8000).put("WAVEfmt ".getBytes()).putInt(16).putShort((short) 1).putShort((short) 1)
                .putInt(8000).putInt(8000).putShort((short) 1).putShort((short) 8).put("data".getBytes())
                .putInt(8000).array();
        refused(Files.write(directory.resolve("x.avi"), wav), "sound only");
        refused(Files.createFile(directory.resolve("empty.mp4")), "is empty (0 bytes)");
        refused(Files.writeString(directory.resolve("text.mp4"), "no video"), "is no video");
        refused(directory.resolve("none.mp4"), "There is no file");
        byte[] mp4 = Files.readAllBytes(TestVideo.mp4(directory.resolve("x.mp4"), 32, 32, 3, TestVideo.COUNTING));
        refused(Files.write(directory.resolve("begun.mp4"), Arrays.copyOf(mp4, 100)), "damaged at its beginning");
    }

    /** A playlist would open other files, or addresses. */
    @Test
    void opensNoOtherFile() throws IOException {
        TestVideo.mp4(directory.resolve("x.mp4"), 32, 32, 3, TestVideo.COUNTING);
        Map<String, String> playlists = Map.of("list.m3u8", "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n"
                + "#EXTINF:1,\nx.mp4\n#EXT-X-ENDLIST\n", "list.ffconcat", "ffconcat version 1.0\nfile x.mp4\n",
                "hidden.mp4", "ffconcat version 1.0\nfile x.mp4\n", "hls.mp4", "#EXTM3U\n#EXT-X-VERSION:3\n"
                + "#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n");
        playlists.forEach((name, text) -> {
            try {
                refused(Files.writeString(directory.resolve(name), text), "is no video");
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
    }

    @Test
    void namesAreTakenAsTheyAre() throws IOException {
        byte[] mkv = Files.readAllBytes(TestVideo.counting(directory.resolve("x.mkv"), 3));
        for (String name : List.of("%d.mkv", "a b.mkv", "a\nb.mkv", "-i.mkv", "a:b.mkv", "*.mkv", "vidéo.mkv", "pipe:",
                "a'b\"c\\.mkv", "%03d")) {
            Path file = directory.resolve(name);
            assertEquals(List.of(0, 20, 40), firstValues(read(Files.write(file, mkv), null)), name);
        }
    }

    @Test
    void picturesAreFramesInNaturalOrder() throws IOException {
        for (int n = 0; n < 12; n++) {
            int value = 20 * n;
            new TestVideo(TestVideo.kind("image2pipe", "png", "format=gray"), 16, 16, 1, (k, y, x, c) -> value)
                    .write(Files.createDirectories(directory.resolve("pictures")).resolve("p" + n + ".png"), 1);
        }
        Files.writeString(directory.resolve("pictures/notes.txt"), "no picture");
        VideoSources found = VideoSources.find(List.of(directory.toString()));
        assertEquals(1, found.videos().size());
        assertEquals("notes.txt", found.ignored().get(0).getFileName().toString());
        try (FrameReader reader = found.videos().get(0).open(new FrameFormat(16, 16, 1, 0, 3))) {
            assertEquals(List.of(0, 60, 120, 180), firstValues(read(reader, 256)));
        }
        Files.write(directory.resolve("pictures/p4.png"), "broken".getBytes(StandardCharsets.UTF_8));
        try (FrameReader reader = found.videos().get(0).open(null)) {
            assertEquals(4, read(reader, 256).size());
            assertTrue(reader.damage().orElseThrow().contains("p4.png"));
        }
    }
}
