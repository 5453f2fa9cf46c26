package io.framecast.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Compressed files are read, or refused in a sentence. {@link NpyVideosTest} reads those written by NumPy. */
class PackedFilesTest {

    @TempDir
    private Path directory;

    private byte[] array(String shape, int size) throws IOException {
        byte[] data = new byte[size];
        Arrays.fill(data, (byte) 200);
        Path file = ArrayFile.write(directory.resolve("array.npy"), "|u1", false, shape, data);
        return Files.readAllBytes(file);
    }

    private Path gzip(byte[] content) throws IOException {
        Path file = directory.resolve("v.npy.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write(content);
        }
        return file;
    }

    private static byte[] zip(boolean compressed, String[] names, byte[] content) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream out = new ZipOutputStream(bytes)) {
            out.setLevel(compressed ? 9 : 0);
            for (String name : names) {
                out.putNextEntry(new ZipEntry(name));
                out.write(content);
            }
        }
        return bytes.toByteArray();
    }

    private static void refused(Path file, String expected) {
        String message = assertThrows(FramecastException.class, () -> NpyVideos.open(file)).getMessage();
        assertTrue(message.contains(file + " " + expected) && message.endsWith(".") && message.lines().count() == 1,
                message);
    }

    @Test
    void whatIsUnpackedIsLargeAndLeavesNothing() throws IOException {
        byte[] array = array("(4, 5, 300, 400)", 2_400_000);
        for (Path file : new Path[] {gzip(array),
            Files.write(directory.resolve("v.npz"), zip(true, new String[] {"arr_0.npy"}, array))}) {
            try (NpyVideos videos = NpyVideos.open(file)) {
                assertEquals("4 videos of 5 frames of 300x400x1, uint8, videos first", videos.describe());
                assertEquals(200 / 255f, videos.get(3).values()[599_999]);
                List<String> unpacked = openTemporaryFiles();
                assertEquals(1, unpacked.size(), unpacked::toString);
                assertTrue(unpacked.get(0).endsWith(" (deleted)"), "it has no name any more: " + unpacked);
            }
            assertEquals(List.of(), openTemporaryFiles());
        }
    }

    /** Those that this process has open. Other processes may have some in the same directory. */
    private static List<String> openTemporaryFiles() throws IOException {
        List<String> files = new ArrayList<>();
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path descriptor : descriptors) {
                try {
                    String file = Files.readSymbolicLink(descriptor).toString();
                    if (file.matches(".*/framecast-[0-9]+\\.npy( .*)?")) {
                        files.add(file);
                    }
                } catch (NoSuchFileException e) {
                    continue; // Closed since it was listed.
                }
            }
        }
        return files;
    }

    @Test
    void whatClaimsToBeMoreThanItCanBeIsRefusedBeforeTheDiskIsFull() throws IOException {
        refused(gzip(array("(20000, 20000, 1000, 1000)", 1000)), "claims to unpack to 400000000000");
        // Bytes after the end of the array are not decompressed: damage there is not noticed.
        Path bomb = gzip(Arrays.copyOf(array("(4, 5, 30, 40)", 24_000), 10_000_000));
        byte[] packed = Files.readAllBytes(bomb);
        refused(Files.write(bomb, Arrays.copyOf(packed, packed.length - 100)),
                "is longer than it says: it should have");
    }

    @Test
    void damageIsASentence() throws IOException {
        byte[] array = array("(4, 5, 30, 40)", 24_000);
        new java.util.Random(3).nextBytes(array); // Random bytes, so that the compressed file is large.
        System.arraycopy(array("(4, 5, 30, 40)", 24_000), 0, array, 0, 100);
        Path gzipped = gzip(array);
        byte[] packed = Files.readAllBytes(gzipped);
        refused(gzip(Arrays.copyOf(array, array.length - 1)), "is truncated: it should have");
        refused(Files.write(gzipped, Arrays.copyOf(packed, packed.length / 2)), "is damaged and cannot be unpacked");
        refused(Files.write(gzipped, Arrays.copyOf(packed, 11)), "is damaged and cannot be unpacked");
        refused(gzip("a text".getBytes(StandardCharsets.US_ASCII)), "is not a .npy file");
        byte[] zipped = zip(true, new String[] {"arr_0.npy"}, array);
        for (int length : new int[] {4, 60, zipped.length - 30}) {
            Path file = Files.write(directory.resolve("v.npz"), Arrays.copyOf(zipped, length));
            String message = assertThrows(FramecastException.class, () -> NpyVideos.open(file)).getMessage();
            assertTrue(message.contains(file.toString()) && message.lines().count() == 1, message);
        }
    }

    /**
     * A pipe is refused at once: opening a pipe without a writer would block, and reading it would fail with "Illegal
     * seek".
     */
    @Test
    @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void aPipeIsRefusedInWords() throws Exception {
        Path pipe = directory.resolve("pipe");
        assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).inheritIO().start().waitFor());
        refused(pipe, "is a pipe; save it to a file first");
        // Like /dev/stdin and the shell's <(...).
        refused(Files.createSymbolicLink(directory.resolve("link"), pipe), "is a pipe; save it to a file first");
    }

    @Test
    void severalArraysAreNamedAndNoneIsSaid() throws IOException {
        Path file = directory.resolve("v.npz");
        byte[] array = array("(2, 2, 1, 1)", 4);
        Files.write(file, zip(false, new String[] {"x.npy", "y\n.npy", "z.npy"}, array));
        refused(file, "holds 3 arrays (x, y?, z); save the one of the videos by itself, with numpy.save");
        Files.write(file, zip(false, new String[0], array));
        refused(file, "holds no array");
    }
}
