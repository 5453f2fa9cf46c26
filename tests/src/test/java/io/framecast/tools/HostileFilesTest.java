package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import io.framecast.data.NpyVideos;
import io.framecast.nn.ModelJson;
import io.framecast.train.Checkpoint;
import io.framecast.train.MovingSquares;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Fuzzing: thousands of valid files with changed bytes. Each is read, or refused with one line of limited length
 * without control characters. Mutations have fixed seeds; a failure names its seed.
 */
class HostileFilesTest {

    /** The limit of a message without the paths of files: a sentence with a quotation. */
    private static final int LONGEST = 1000;

    private static final int MUTATIONS = 800;

    private static final List<String> PIECES = List.of("0", "-1", "1e999", "NaN", "2147483648", "9223372036854775807",
            "99999999999999999999999", "null", "true", "\"", "'", "{", "}", "[", "]", ",", ":", "\\u0000",
            "\\u001b[31m", "\\n", "\n", "\r", "\u001b[2J", "\u0000", "\u009b", "\u202e", "\nframecast: done\n", "(", ")",
            "<f8", "|O", "\\ud800", "\u00ff");

    private interface Reader {
        void read(Path file) throws IOException;
    }

    @TempDir
    static Path directory;
    private static Workplace work;

    @BeforeAll
    static void prepare() {
        work = Workplace.in(directory);
        work.init();
    }

    /** Makes one to three changes, most of them within the first {@code header} bytes. */
    private static byte[] mutate(byte[] good, int header, Random random) {
        byte[] bytes = good;
        for (int changes = 1 + random.nextInt(3); changes > 0 && bytes.length > 0; changes--) {
            int from = random.nextInt(random.nextInt(4) == 0 ? bytes.length : Math.min(header, bytes.length));
            int to = Math.min(bytes.length, from + random.nextInt(random.nextBoolean() ? 3 : 40));
            String piece = PIECES.get(random.nextInt(PIECES.size()));
            bytes = switch (random.nextInt(8)) {
                case 0 -> changed(bytes, from, from + 1, new byte[] {(byte) random.nextInt(256)});
                case 1 -> changed(bytes, from, from + 1, new byte[] {Character.isDigit(bytes[from])
                        ? (byte) ('0' + random.nextInt(10)) : bytes[from]});
                case 2 -> changed(bytes, from, from, new byte[] {' '});
                case 3 -> changed(bytes, from, to, new byte[0]);
                case 4 -> changed(bytes, from, from, Arrays.copyOfRange(bytes, from, to));
                case 5 -> changed(bytes, from, random.nextInt(20) == 0 ? bytes.length : to, bytes(piece));
                case 6 -> changed(bytes, from, from, bytes(piece.repeat(random.nextInt(10) == 0 ? 20_000 : 1)));
                default -> changed(bytes, from, from, bytes(piece));
            };
        }
        return bytes;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] changed(byte[] bytes, int from, int to, byte[] piece) {
        byte[] changed = new byte[bytes.length - (to - from) + piece.length];
        System.arraycopy(bytes, 0, changed, 0, from);
        System.arraycopy(piece, 0, changed, from, piece.length);
        System.arraycopy(bytes, to, changed, from + piece.length, bytes.length - to);
        return changed;
    }

    /** @return how many files were refused */
    private static int fuzz(Path good, int header, int count, Reader reader) throws IOException {
        byte[] bytes = Files.readAllBytes(good);
        Path file = good.resolveSibling("mutated-" + good.getFileName());
        int refused = 0;
        for (int seed = 0; seed < count; seed++) {
            Files.write(file, mutate(bytes, header, new Random(seed)));
            try {
                reader.read(file);
            } catch (FramecastException e) {
                refused++;
                requireReadable(e.getMessage(), file, seed);
            } catch (RuntimeException | Error e) {
                throw new AssertionError(good.getFileName() + " with mutation " + seed, e);
            }
        }
        return refused;
    }

    private static void requireReadable(String message, Path file, int seed) {
        String which = file.getFileName() + ", mutation " + seed + ": ";
        assertTrue(message.codePoints().noneMatch(c -> Character.isISOControl(c) || c >= 0x2028 && c <= 0x202e), which
                + message);
        assertFalse(message.matches("(?s).*(`|REDACTED|Feature\\.|fasterxml|io\\.framecast).*"), which + message);
        int paths = 2 * file.toString().length();
        assertTrue(message.length() <= LONGEST + paths, () -> which + message.length() + " characters: " + message);
    }

    private static void requireBoth(int refused, int all) {
        assertTrue(refused > all / 4 && refused < all, refused + " of " + all + " refused: mutations miss their aim");
    }

    @Test
    void npy() throws IOException {
        Path good = Npy.write(work.file("good.npy"), new MovingSquares(2, 3, 4, 5, 1));
        requireBoth(fuzz(good, 128, MUTATIONS, file -> {
            try (NpyVideos videos = NpyVideos.open(file)) {
                for (int k = 0; k < videos.count(); k++) {
                    videos.get(k);
                }
                videos.describe();
            }
        }), MUTATIONS);
    }

    @Test
    void safetensors() throws IOException {
        requireBoth(fuzz(work.file("init.safetensors"), 2000, MUTATIONS, Checkpoint::read), MUTATIONS);
    }

    @Test
    void modelJson() throws IOException {
        requireBoth(fuzz(work.model(), 400, MUTATIONS, file -> ModelJson.parse(
                new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1), file.toString())), MUTATIONS);
    }

    /**
     * Runs the command itself, which does more with the config than parsing. The run cannot be resumed because its
     * videos are missing, which makes the test quick; and it is of an earlier version, whose checkpoint does not
     * contain the config.
     */
    @Test
    void config() throws IOException {
        Path run = work.file("run");
        Path videos = Files.copy(work.data(), work.file("gone.npy"));
        Cli.run("train --steps 1 --videos 2 --batch-size 1 --validation-split 0 --data", videos, "--model",
                work.model(), "--out", run).done();
        TrainCommandTest.asByAnEarlierVersion(run);
        Files.delete(videos);
        Path config = run.resolve("config.json");
        byte[] good = Files.readAllBytes(config);
        int refused = 0;
        for (int seed = 0; seed < 50; seed++) {
            Files.write(config, mutate(good, good.length, new Random(seed)));
            Cli.Result result = Cli.run("train --resume", run);
            result.refused(result.status());
            requireReadable(result.err().lines().findFirst().orElseThrow(), config, seed);
            refused += result.err().contains("are no longer in") ? 0 : 1;
        }
        requireBoth(refused, 50);
    }
}
