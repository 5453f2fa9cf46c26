package io.framecast.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The files under resources/.../npy were written by NumPy. */
class NpyVideosTest {

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"uint8-v1.npy", "uint8-v2.npy", "uint8-v3.npy"})
    void numpysUint8IsReadInAllVersionsWhereverThePiecesEnd(String name) {
        for (int chunk : new int[] {1 << 18, 64, 7}) {
            NpyVideos videos = NpyVideos.open(numpy(name), null, null, chunk);
            assertEquals("2 videos of 3 frames of 4x3x1, uint8, videos first", videos.describe());
            for (int n = 0; n < 2; n++) {
                float[] values = videos.get(n).values();
                for (int i = 0; i < 36; i++) {
                    assertEquals((100 * n + 20 * (i / 12) + 4 * (i / 3 % 4) + i % 3) / 255f, values[i]);
                }
            }
        }
    }

    @Test
    void numpysFloat32IsReadWithChannelsWhereverThePiecesEnd() {
        for (int chunk : new int[] {1 << 18, 64, 7}) {
            NpyVideos videos = NpyVideos.open(numpy("float32-v1.npy"), null, null, chunk);
            assertEquals("2 videos of 3 frames of 4x3x2, float32, videos first", videos.describe());
            float[] values = videos.get(1).values();
            for (int i = 0; i < 72; i++) {
                float value = (100 + 20 * (i / 24) + 4 * (i / 6 % 4) + i / 2 % 3) / 256f;
                assertEquals(i % 2 == 0 ? value : 1 - value, values[i]);
            }
        }
    }

    /** The same pictures in each type: the values of uint8, scaled to the range of the type. */
    @ParameterizedTest
    @ValueSource(strings = {"int8.npy", "uint16.npy", "int16.npy", "uint32.npy", "int32.npy", "uint64.npy", "int64.npy",
        "uint16-big-endian.npy", "int64-big-endian-fortran.npy", "fortran.npy", "one.npz", "one-compressed.npz",
        "uint8.npy.gz"})
    void numpysWholeNumbersAreReadWhereverThePiecesEnd(String name) {
        for (int piece : new int[] {1 << 18, 64, 7}) {
            try (NpyVideos videos = NpyVideos.open(numpy(name), null, null, piece)) {
                for (int n = 0; n < 2; n++) {
                    float[] values = videos.get(n).values();
                    for (int i = 0; i < 36; i++) {
                        // The largest integers are rounded when converted to float.
                        assertEquals((100 * n + 20 * (i / 12) + 4 * (i / 3 % 4) + i % 3) / 255f, values[i], 1e-6f);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"float16.npy", "float64.npy", "big-endian.npy"})
    void numpysFloatsAreReadAsTheyAre(String name) {
        NpyVideos expected = NpyVideos.open(numpy("float32-v1.npy"));
        try (NpyVideos videos = NpyVideos.open(numpy(name))) {
            assertArrayEquals(expected.get(1).values(), videos.get(1).values());
        }
    }

    @Test
    void numpysMasksAreBlackAndWhite() {
        float[] values = NpyVideos.open(numpy("bool.npy")).get(1).values();
        for (int i = 0; i < 36; i++) {
            assertEquals(i == 0 ? 0 : 1, values[i], "100 is the only one that is not above 100");
        }
    }

    @Test
    void aFileThatIsCutWhileItIsReadIsASentence() throws Exception {
        Path file = directory.resolve("cut.npy");
        Files.copy(numpy("float32-v1.npy"), file);
        NpyVideos videos = NpyVideos.open(file);
        videos.get(1);
        try (RandomAccessFile cut = new RandomAccessFile(file.toFile(), "rw")) {
            cut.setLength(128 + 4 * 72 + 5);
        }
        videos.get(0);
        String message = assertThrows(FramecastException.class, () -> videos.get(1)).getMessage();
        assertEquals(file + " was cut short while it was being read; copy it again.", message);
    }

    @Test
    void framesFirstCanBeForced() {
        NpyVideos videos = NpyVideos.open(numpy("uint8-v1.npy"), VideoLayout.TNHW, null);
        assertEquals("3 videos of 2 frames of 4x3x1, uint8, frames first", videos.describe());
        float[] values = videos.get(2).values();
        assertEquals((100 + 20 * 2 + 4 * 3 + 1) / 255f, values[12 + 3 * 3 + 1]); // frame 1 of video 2
        assertEquals("3 videos of 2 frames of 4x3x2, float32, frames first",
                NpyVideos.open(numpy("float32-v1.npy"), VideoLayout.TNHW, null).describe());
    }

    @Test
    void writtenFilesAreWhatNumpyWrites() throws Exception {
        Path bytes = directory.resolve("bytes.npy");
        byte[] numpyBytes = Files.readAllBytes(numpy("uint8-v1.npy"));
        NpyWriter.write(bytes, NpyType.UINT8, List.of(2, 3, 4, 3), out -> {
            out.write(Arrays.copyOfRange(numpyBytes, 128, 164));
            out.write(Arrays.copyOfRange(numpyBytes, 164, 200));
        });
        assertArrayEquals(numpyBytes, Files.readAllBytes(bytes));

        Path floats = directory.resolve("floats.npy");
        NpyVideos videos = NpyVideos.open(numpy("float32-v1.npy"));
        NpyWriter.write(floats, NpyType.FLOAT32, List.of(2, 3, 4, 3, 2), out -> {
            out.write(videos.get(0).values());
            out.write(videos.get(1).values());
        });
        assertArrayEquals(Files.readAllBytes(numpy("float32-v1.npy")), Files.readAllBytes(floats));
    }

    @Test
    void anArrayOfTheWrongLengthIsNotWrittenAtAll() throws Exception {
        Path file = directory.resolve("array.npy");
        for (int given : new int[] {71, 73}) {
            assertThrows(IllegalStateException.class, () -> NpyWriter.write(file, NpyType.UINT8, List.of(2, 3, 4, 3),
                    out -> out.write(new byte[given])));
        }
        assertThrows(IllegalStateException.class, () -> NpyWriter.write(file, NpyType.UINT8, List.of(2, 3, 4, 3),
                out -> out.write(new float[72])));
        try (var left = Files.list(directory)) {
            assertEquals(0, left.count());
        }
    }

    @Test
    void theOfficialLayoutIsRecognisedByShapeAndForFewVideosByContent() {
        assertEquals(VideoLayout.TNHW, official(21, 20, 21).layout());
        for (int n : new int[] {1, 2, 5, 20}) {
            NpyVideos framesFirst = official(n, 20, n);
            assertEquals(VideoLayout.TNHW, framesFirst.layout(), n + " videos");
            assertArrayEquals(MovingMnist.training(n, 4).get(n - 1).values(), framesFirst.get(n - 1).values());
        }
        // The opposite order: 20 videos of n frames.
        for (int frames : new int[] {2, 5, 20}) {
            MovingMnist made = new MovingMnist(MnistDigits.bundled(), 0, 100, 20, frames, 4);
            Path file = directory.resolve("videos-first.npy");
            NpyWriter.write(file, NpyType.UINT8, List.of(20, frames, 64, 64), out -> {
                for (int i = 0; i < 20; i++) {
                    out.write(made.bytes(i));
                }
            });
            NpyVideos read = NpyVideos.open(file);
            assertEquals(VideoLayout.NTHW, read.layout(), frames + " frames");
            assertArrayEquals(made.get(19).values(), read.get(19).values());
            assertEquals(VideoLayout.TNHW, NpyVideos.open(file, VideoLayout.TNHW, null).layout());
        }
        Path black = directory.resolve("black.npy");
        NpyWriter.write(black, NpyType.UINT8, List.of(20, 20, 64, 64), out -> out.write(new byte[400 * 4096]));
        assertEquals(VideoLayout.NTHW, NpyVideos.open(black).layout(), "a tie");
    }

    private NpyVideos official(int videos, int frames, int second) {
        Path file = directory.resolve("official-" + second + ".npy");
        MovingMnist.write(file, List.of(
                new MovingMnist(MnistDigits.bundled(), 0, 8000, videos, frames, 4)));
        return NpyVideos.open(file);
    }

    @Test
    void filesAboveTwoGibibytesAreReadToTheirEnd() throws Exception {
        Path file = directory.resolve("large.npy");
        int count = 30_000; // 2.46 GB, in a sparse file of a few blocks
        byte[] header = NpyHeader.encode(NpyType.UINT8, List.of(20, count, 64, 64));
        long size = header.length + 20L * count * 4096;
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(size);
            sparse.write(header);
            sparse.seek(size - 1);
            sparse.write(255);
        }
        Video last = NpyVideos.open(file).get(count - 1);
        assertEquals(1, last.values()[last.values().length - 1]);
        assertEquals(0, last.values()[0]);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "complex.npy | complex numbers ('<c8'), which are no brightness; save numpy.abs(x)",
        "longdouble.npy | numbers of type '<f16'; save x.astype('float32')",
        "text.npy | numbers of type '<U3'",
        "ragged.npy | cut all to one length and size, and save numpy.stack(videos)",
        "rank3.npy | shape (3, 4, 3); videos need 4 axes",
        "no-videos.npy | no videos: its shape is (0, 3, 4, 3)",
        "one-frame.npy | one frame only",
        "several.npz | holds 2 arrays (videos, labels); save the one of the videos by itself",
        "empty-images.npy | empty images: its shape is (2, 3, 0, 3)",
        "objects.npy | pickled",
        "records.npy | records",
        "make.py | not a .npy file"})
    void whatNumpyCanSaveButIsNoVideoIsRefused(String name, String expected) {
        assertRefused(expected, numpy(name));
    }

    @Test
    void filesThatDoNotFitTheirHeaderAreRefused() throws Exception {
        byte[] whole = Files.readAllBytes(numpy("uint8-v1.npy"));
        assertRefused("truncated: it should have 200 bytes but has 199", file(Arrays.copyOf(whole, 199)));
        assertRefused("truncated: it should have 128 bytes but has 60", file(Arrays.copyOf(whole, 60)));
        assertRefused("longer than it says: it should have 200 bytes but has 201", file(Arrays.copyOf(whole, 201)));
        assertRefused("not a .npy file", file(new byte[0]));
        assertRefused("not a .npy file", file(new byte[300]));
        byte[] future = whole.clone();
        future[6] = 4;
        assertRefused(".npy version 4.0", file(future));
        byte[] endless = Files.readAllBytes(numpy("uint8-v2.npy"));
        ByteBuffer.wrap(endless).order(ByteOrder.LITTLE_ENDIAN).putInt(8, -1);
        assertRefused("4294967295 bytes long", file(endless));
        assertRefused("no such file", directory.resolve("missing.npy"));
        assertRefused("Cannot read", directory);
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "{'shape':(2L,3L,1L,1L),'fortran_order':False,'descr':'|u1'}",
        " { \"descr\" : \"|u1\" ,\n'fortran_order': False, 'shape': ( 2 , 3, 1, 1, ) , } ",
        "{'fortran_order': False, 'descr': '>u1', 'shape': (2, 3, 1, 1)}"})
    void headersAreReadInAnyOrderAndSpacing(String header) throws Exception {
        assertEquals("2 videos of 3 frames of 1x1x1, uint8, videos first",
                NpyVideos.open(file(header, 6)).describe());
    }

    @Test
    void damagedHeadersAreRefused() throws Exception {
        String good = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 1, 1), }";
        NpyVideos.open(file(good, 6));
        assertRefused("keys", file("{'descr': '|u1', 'fortran_order': False}", 6));
        assertRefused("keys", file(good.replace("}", "'more': True}"), 6));
        assertRefused("twice", file(good.replace("}", "'descr': '<f4'}"), 6));
        assertRefused("no dictionary", file(good.replace("}", ""), 6));
        assertRefused("its descr is True", file(good.replace("'|u1'", "True"), 6));
        assertRefused("its fortran_order is 'no'", file(good.replace("False", "'no'"), 6));
        assertRefused("its shape is 'big'", file(good.replace("(2, 3, 1, 1)", "'big'"), 6));
        assertRefused("length ''", file(good.replace("(2, 3,", "(2,, 3,"), 6));
        assertRefused("cannot be read", file(good.replace("(2, 3,", "(-2, -3,"), 6));
        assertRefused("length '99999999999999999999'", file(good.replace("2,", "99999999999999999999,"), 6));
        assertRefused("too large to be true", file(good.replace("(2, 3, 1, 1)", "(4294967296, 4294967296, 1, 1)"), 6));
        assertRefused("too large to be true", file(good.replace("(2, 3, 1, 1)", "(2, 4294967296, 1, 1)"), 6));
        assertRefused("shape ()", file(good.replace("(2, 3, 1, 1)", "()"), 6));
        assertRefused("damaged", file("{" + "(".repeat(60_000) + "}", 6));
    }

    private static Path numpy(String name) {
        try {
            return Path.of(NpyVideosTest.class.getResource("npy/" + name).toURI());
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    private Path file(byte[] content) throws IOException {
        return Files.write(directory.resolve("made.npy"), content);
    }

    private Path file(String header, int dataBytes) throws IOException {
        byte[] text = header.getBytes(StandardCharsets.ISO_8859_1);
        return file(ByteBuffer.allocate(10 + text.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN)
                .put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0}).putShort((short) text.length).put(text)
                .array());
    }

    private static void assertRefused(String expected, Path file) {
        String message = assertThrows(FramecastException.class, () -> NpyVideos.open(file)).getMessage();
        assertTrue(message.contains(expected) && message.contains(file.getFileName().toString()), message);
        assertTrue(message.endsWith(".") && !message.contains("\n"), message);
    }
}
