package io.framecast.keras;

import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import io.framecast.nn.HostTensor;
import io.framecast.nn.ModelConfig;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Fuzzing of Keras's files: each is read, or refused with one line of limited length. Mutations have fixed seeds; a
 * failure names its seed.
 */
class HostileKerasFilesTest {

    private static final int MUTATIONS = 700;

    /** Of a message without the paths of files: a sentence with quotations. */
    private static final int LONGEST = 1000;

    private static final List<String> PIECES = List.of("0", "-1", "1e999", "2147483648", "null", "true", "\"", "{", "}",
            "[", "]", ",", ":", "\\u0000", "\u001b[2J", "[[[[[[[[[[[[[[[[[[[[", "\"ConvLSTM2D\"", "\"Lambda\"",
            "\"TimeDistributed\"", "\\ud800", "{}", "[]");

    /** Sizes and addresses that lead beyond a file, or to its beginning. */
    private static final long[] NUMBERS = {0, 1, -1, 8, 96, 0x7f, 0xff, 0xffff, 0x7fffffff, 0xffffffffL, 1L << 31,
        Long.MAX_VALUE, Long.MIN_VALUE, 1L << 40};

    private interface Reader {
        void read(Path file);
    }

    @TempDir
    static Path directory;

    private static byte[] mutatedHdf5(byte[] good, Random random) {
        byte[] bytes = good.clone();
        for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
            int at = random.nextInt(bytes.length - Long.BYTES);
            ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            switch (random.nextInt(6)) {
                case 0 -> bytes[at] = (byte) random.nextInt(256);
                case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 2 -> buffer.putLong(at / 8 * 8, NUMBERS[random.nextInt(NUMBERS.length)]);
                case 3 -> buffer.putInt(at / 4 * 4, (int) NUMBERS[random.nextInt(NUMBERS.length)]);
                // An address of somewhere else in the file: cycles, and one thing taken for another.
                case 4 -> buffer.putLong(at / 8 * 8, random.nextInt(bytes.length) / 8 * 8);
                default -> buffer.putLong(at / 8 * 8,
                        buffer.getLong(random.nextInt(bytes.length - Long.BYTES) / 8 * 8));
            }
        }
        return random.nextInt(20) == 0 ? Arrays.copyOf(bytes, random.nextInt(bytes.length)) : bytes;
    }

    private static byte[] mutatedText(byte[] good, Random random) {
        StringBuilder text = new StringBuilder(new String(good, StandardCharsets.UTF_8));
        for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
            int from = random.nextInt(text.length());
            int to = Math.min(text.length(), from + random.nextInt(random.nextBoolean() ? 3 : 40));
            String piece = PIECES.get(random.nextInt(PIECES.size()));
            switch (random.nextInt(5)) {
                case 0 -> text.insert(from, piece.repeat(random.nextInt(30) == 0 ? 10_000 : 1));
                case 1 -> text.delete(from, to);
                case 2 -> text.insert(from, text.substring(from, to));
                case 3 -> {
                    // A word of Keras's for another.
                    String[] words = text.toString().split("\"");
                    String word = words[random.nextInt(words.length)];
                    int at = text.indexOf(word, from);
                    if (at >= 0) {
                        text.replace(at, at + word.length(), words[random.nextInt(words.length)]);
                    }
                }
                default -> text.replace(from, to, piece);
            }
        }
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** @return how many files were refused */
    private static int fuzz(String name, int count, Mutation mutation, Reader reader) throws IOException {
        Path file = directory.resolve("mutated-" + name);
        int refused = 0;
        for (int seed = 0; seed < count; seed++) {
            Files.write(file, mutation.of(new Random(seed)));
            long begin = System.nanoTime();
            try {
                reader.read(file);
            } catch (FramecastException e) {
                refused++;
                String message = e.getMessage();
                String which = name + ", mutation " + seed + ": " + message;
                assertTrue(message.endsWith(".") && message.codePoints().noneMatch(Character::isISOControl), which);
                assertTrue(!message.contains("jhdf") && !message.contains("Exception"), which);
                assertTrue(message.length() <= LONGEST + 2 * file.toString().length(), which);
            } catch (RuntimeException | Error e) {
                throw new AssertionError(name + " with mutation " + seed, e);
            }
            long milliseconds = (System.nanoTime() - begin) / 1_000_000;
            assertTrue(milliseconds < 10_000, name + ", mutation " + seed + ": " + milliseconds + " ms");
        }
        return refused;
    }

    private interface Mutation {
        byte[] of(Random random) throws IOException;
    }

    private static void requireBoth(int refused) {
        assertTrue(refused > MUTATIONS / 20 && refused < MUTATIONS, refused + " of " + MUTATIONS
                + " refused: mutations miss their aim");
    }

    private static byte[] resource(String name) throws IOException {
        return Files.readAllBytes(KerasCase.DIRECTORY.resolve(name));
    }

    @Test
    void wholeModelsInHdf5() throws IOException {
        byte[] good = resource("keras2-functional.h5");
        requireBoth(fuzz("functional.h5", MUTATIONS, random -> mutatedHdf5(good, random),
                file -> KerasReader.read(file, null)));
    }

    @Test
    void weightsOfKeras3() throws IOException {
        ModelConfig model = KerasReader.read(KerasCase.DIRECTORY.resolve("example.keras"), null).checkpoint().model();
        byte[] good = resource("example.weights.h5");
        requireBoth(fuzz("example.weights.h5", MUTATIONS, random -> mutatedHdf5(good, random),
                file -> KerasReader.readWeights(file, model)));
    }

    @Test
    void whatWeWrite() throws IOException {
        Path written = directory.resolve("written.h5");
        KerasWriter.write(KerasReader.read(KerasCase.DIRECTORY.resolve("per-frame.keras"), null).checkpoint(), written);
        byte[] good = Files.readAllBytes(written);
        requireBoth(fuzz("rewritten.h5", MUTATIONS, random -> mutatedHdf5(good, random),
                file -> KerasReader.read(file, null)));
    }

    @Test
    void archives() throws IOException {
        Map<String, byte[]> entries = entries("nested.keras");
        requireBoth(fuzz("config.keras", MUTATIONS, random -> {
            Map<String, byte[]> changed = new LinkedHashMap<>(entries);
            changed.computeIfPresent(KerasArchive.CONFIG, (name, bytes) -> mutatedText(bytes, random));
            return archive(changed);
        }, file -> KerasReader.read(file, null)));
        byte[] good = archive(entries);
        requireBoth(fuzz("zip.keras", MUTATIONS, random -> mutatedHdf5(good, random),
                file -> KerasReader.read(file, null)));
    }

    private static Map<String, byte[]> entries(String archive) throws IOException {
        Map<String, byte[]> entries = new LinkedHashMap<>();
        try (ZipFile zip = new ZipFile(KerasCase.DIRECTORY.resolve(archive).toFile())) {
            for (ZipEntry entry : zip.stream().toList()) {
                entries.put(entry.getName(), zip.getInputStream(entry).readAllBytes());
            }
        }
        return entries;
    }

    private static byte[] archive(Map<String, byte[]> entries) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            for (Map.Entry<String, byte[]> each : entries.entrySet()) {
                ZipEntry entry = new ZipEntry(each.getKey());
                CRC32 crc = new CRC32();
                crc.update(each.getValue());
                entry.setMethod(ZipEntry.STORED);
                entry.setSize(each.getValue().length);
                entry.setCrc(crc.getValue());
                zip.putNextEntry(entry);
                zip.write(each.getValue());
            }
        }
        return bytes.toByteArray();
    }

    /** Only the checksum of the archive tells. */
    @Test
    void anArchiveWithAChangedWeightIsRefused() throws IOException {
        Map<String, byte[]> entries = entries("layer-norm.keras");
        byte[] bytes = archive(entries);
        HostTensor bias = KerasReader.read(Files.write(directory.resolve("whole.keras"), bytes), null).checkpoint()
                .parameters().get("layers.0.bias");
        byte[] value = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putFloat(bias.values()[0])
                .putFloat(bias.values()[1]).array();
        bytes[indexOf(bytes, new String(value, StandardCharsets.ISO_8859_1))] ^= 1;
        assertRefused(Files.write(directory.resolve("changed.keras"), bytes), "checksum");
    }

    /**
     * A tree of 40 nodes, each of which has the next one twice: 2^40 ways through it. Reading it ends soon, since what
     * a file of some thousand bytes needs is limited.
     */
    @Test
    void aTreeOfManyWaysThroughItIsRefused() throws IOException {
        byte[] good = resource("keras2-functional.h5");
        ByteBuffer file = ByteBuffer.allocate(good.length + 40 * 256).order(ByteOrder.LITTLE_ENDIAN).put(good);
        int root = indexOf(good, "TREE");
        for (int level = 0; level <= 40; level++) {
            int at = level == 0 ? root : good.length + (level - 1) * 256;
            int next = good.length + Math.min(level, 39) * 256;
            file.position(at).put("TREE".getBytes(StandardCharsets.US_ASCII)).put((byte) 0)
                    .put((byte) (level == 40 ? 0 : 40 - level)).putShort((short) 2).putLong(-1).putLong(-1)
                    .putLong(0).putLong(next).putLong(0).putLong(next).putLong(0);
        }
        Path path = Files.write(directory.resolve("tree.h5"), file.array());
        assertTimeout(Duration.ofSeconds(10), () -> assertRefused(path, "damaged"));
    }

    private static int indexOf(byte[] bytes, String text) {
        return new String(bytes, StandardCharsets.ISO_8859_1).indexOf(text);
    }

    private static void assertRefused(Path file, String says) {
        try {
            KerasReader.read(file, null);
        } catch (FramecastException e) {
            assertTrue(e.getMessage().contains(says), e::getMessage);
            return;
        }
        throw new AssertionError(file + " was read");
    }

    /** Files that make_keras.py wrote with what Keras does not: links, chunks, and weights of no real size. */
    @Test
    void whatKerasDoesNotWriteIsRefused() {
        Path hostile = KerasCase.DIRECTORY.resolve("hostile");
        assertRefused(hostile.resolve("external-link.h5"), "link to another place");
        assertRefused(hostile.resolve("soft-link.h5"), "link to another place");
        assertRefused(hostile.resolve("cycle.h5"), "nested more than");
        assertRefused(hostile.resolve("bomb.h5"), "stored in chunks");
        assertRefused(hostile.resolve("integers.h5"), "no floating-point numbers");
        assertRefused(hostile.resolve("huge.h5"), "are not all in it");
    }

    /** A chain of more layers than the engine takes, and one as long as it takes. */
    @Test
    void longModels() throws IOException {
        for (int layers : List.of(999, 1500)) {
            List<String> list = new ArrayList<>(List.of("""
                    {"class_name": "InputLayer", "config": {"name": "i", "batch_shape": [null, null, 2, 2, 1]}}"""));
            for (int k = 0; k < layers; k++) {
                list.add("{\"class_name\": \"Conv3D\", \"config\": {\"name\": \"c" + k
                        + "\", \"filters\": 1, \"kernel_size\": 1}}");
            }
            Map<String, byte[]> entries = new LinkedHashMap<>();
            entries.put(KerasArchive.METADATA, "{\"keras_version\": \"3.0.0\"}".getBytes(StandardCharsets.UTF_8));
            entries.put(KerasArchive.CONFIG, ("{\"class_name\": \"Sequential\", \"config\": {\"layers\": ["
                    + String.join(",", list) + "]}}").getBytes(StandardCharsets.UTF_8));
            entries.put(KerasArchive.WEIGHTS, resource("example.weights.h5"));
            Path file = Files.write(directory.resolve("long.keras"), archive(entries));
            assertRefused(file, layers > 1000 ? "has 1501 layers" : "no weights of the layer \"c1\"");
        }
    }
}
