package io.framecast.video;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.bytedeco.ffmpeg.global.avutil;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Written files, read again. */
@Timeout(60)
class VideoWriterTest {

    private static final int FRAMES = 12;

    @TempDir
    Path directory;

    /** Frame n has the colour (n / 12, 1/2, 1/4); of 1 channel, its first value. */
    private static float[] frame(int n, int size, int channels) {
        float[] values = new float[size * channels];
        for (int k = 0; k < values.length; k++) {
            values[k] = k % channels == 0 ? (float) n / FRAMES : k % channels == 1 ? 0.5f : 0.25f;
        }
        return values;
    }

    private static void write(FrameWriter writer, int size, int channels) {
        try (writer) {
            for (int n = 0; n < FRAMES; n++) {
                writer.write(frame(n, size, channels));
            }
            writer.finish();
        }
    }

    /**
     * Tolerances: 2 of YUV of limited range (see VideoReaderTest), and what the encoders lose: H.264's quantiser is at
     * most 16, with steps of 4 in YUV, so half a step of U is 2 * 2.1 = 4 of blue. VP9's quality is near that. A GIF of
     * twelve colours has each exactly.
     */
    @ParameterizedTest
    @CsvSource({"MP4, 1, 6", "MP4, 3, 6", "WEBM, 1, 6", "WEBM, 3, 6", "GIF, 1, 0", "GIF, 3, 0"})
    void videosHaveTheFramesThatWereWritten(VideoWriter.Format format, int channels, int tolerance) {
        Path file = directory.resolve("x." + format);
        write(VideoWriter.open(file, format, 33, 47, channels, 12.5, 33, 47), 33 * 47, channels);
        boolean even = format == VideoWriter.Format.MP4;
        try (FrameReader reader = new VideoReader(file, null)) {
            assertEquals(even ? 34 : 33, reader.info().height());
            assertEquals(even ? 48 : 47, reader.info().width());
            assertEquals(12.5, reader.info().rate(), 1e-6);
            byte[] read = new byte[reader.info().height() * reader.info().width() * 3];
            for (int n = 0; n < FRAMES; n++) {
                assertTrue(reader.read(read), "frame " + n);
                float[] written = frame(n, 1, channels);
                for (int k = 0; k < read.length; k++) {
                    if (k / 3 / reader.info().width() >= 33 || k / 3 % reader.info().width() >= 47) {
                        continue; // What makes an MP4 even.
                    }
                    assertEquals(255 * written[channels == 1 ? 0 : k % 3], read[k] & 0xff, tolerance + 0.5,
                            "frame " + n + ", value " + k);
                }
            }
            assertFalse(reader.read(read));
            assertTrue(reader.damage().isEmpty());
        }
    }

    /** What players of phones and browsers need: H.264 in 4:2:0, and the index before the pictures. */
    @Test
    void mp4IsMadeForPlayers() throws IOException {
        Path file = directory.resolve("x.mp4");
        write(VideoWriter.open(file, VideoWriter.Format.MP4, 64, 64, 3, 10, 64, 64), 64 * 64, 3);
        String bytes = Files.readString(file, StandardCharsets.ISO_8859_1);
        assertTrue(bytes.startsWith("ftyp", 4));
        assertTrue(bytes.contains("avc1") && bytes.indexOf("moov") < bytes.indexOf("mdat"), "the order");
        try (VideoReader reader = new VideoReader(file, null)) {
            assertEquals(avutil.AV_PIX_FMT_YUV420P, reader.kind().format());
            assertEquals(avutil.AVCOL_SPC_BT709, reader.kind().colorSpace());
        }
    }

    @Test
    void framesAreEnlargedToWhatIsShown() {
        Path file = directory.resolve("x.mp4");
        write(VideoWriter.open(file, VideoWriter.Format.MP4, 16, 16, 1, 10, 90, 160), 16 * 16, 1);
        try (FrameReader reader = new VideoReader(file, null)) {
            assertEquals(List.of(90, 160), List.of(reader.info().height(), reader.info().width()));
        }
    }

    @Test
    void picturesAreExact() throws IOException {
        Path pictures = directory.resolve("a/b");
        write(PictureWriter.open(pictures, 16, 20, 3, 16, 20), 16 * 20, 3);
        try (Stream<Path> files = Files.list(pictures)) {
            assertEquals(FRAMES, files.count());
        }
        try (Stream<Path> files = Files.list(directory.resolve("a"))) {
            assertEquals(List.of("b"), files.map(path -> path.getFileName().toString()).toList());
        }
        BufferedImage image = ImageIO.read(pictures.resolve("frame_0007.png").toFile());
        assertEquals(List.of(16, 20), List.of(image.getHeight(), image.getWidth()));
        assertEquals(0xff80_8040, image.getRGB(3, 3)); // 6/12, 1/2 and 1/4 of 255, rounded.
    }

    @Test
    void whatWasThereStaysUntilAllIsWritten() throws IOException {
        Path file = Files.writeString(directory.resolve("x.mp4"), "earlier");
        try (FrameWriter writer = VideoWriter.open(file, VideoWriter.Format.MP4, 16, 16, 1, 10, 16, 16)) {
            writer.write(frame(0, 256, 1));
        }
        assertEquals("earlier", Files.readString(file));
        Path pictures = Files.createDirectory(directory.resolve("pictures"));
        Path link = Files.createSymbolicLink(directory.resolve("link"), pictures);
        try (FrameWriter writer = PictureWriter.open(pictures, 16, 16, 1, 16, 16)) {
            writer.write(frame(0, 256, 1));
        }
        try (Stream<Path> none = Files.list(pictures)) {
            assertEquals(0, none.count());
        }
        write(PictureWriter.open(link, 16, 16, 1, 16, 16), 16 * 16, 1);
        assertTrue(Files.isSymbolicLink(link) && Files.exists(pictures.resolve("frame_0001.png")));
        // Whether these pictures are ours or not.
        for (Path full : List.of(pictures, link)) {
            assertTrue(assertThrows(FramecastException.class, () -> PictureWriter.open(full, 16, 16, 1, 16, 16))
                    .getMessage().contains("not empty"));
        }
        try (Stream<Path> left = Files.list(directory)) {
            assertEquals(List.of("link", "pictures", "x.mp4"), left.map(path -> path.getFileName().toString()).sorted()
                    .toList());
        }
    }
}
