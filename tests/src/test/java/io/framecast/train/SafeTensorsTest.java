package io.framecast.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import io.framecast.nn.HostTensor;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SafeTensorsTest {

    @TempDir
    Path directory;

    private static Map<String, HostTensor> tensors() {
        Map<String, HostTensor> tensors = new LinkedHashMap<>();
        // Not in the order of names; with special values.
        tensors.put("b", new HostTensor(new int[] {2, 3},
                new float[] {1, -0f, Float.MIN_VALUE, -Float.MAX_VALUE, Float.NaN, Float.NEGATIVE_INFINITY}));
        tensors.put("a \"ü\\", new HostTensor(new int[] {1}, new float[] {0.1f}));
        tensors.put("scalar", new HostTensor(new int[0], new float[] {7}));
        return tensors;
    }

    @Test
    void whatIsWrittenIsReadAgainBitForBit() {
        Path file = directory.resolve("t.safetensors");
        Map<String, String> metadata = Map.of("k", "a \"quoted\" \u0000 \ud83d\ude00 value", "empty", "");
        new SafeTensors(metadata, tensors()).write(file);
        SafeTensors read = SafeTensors.read(file);
        assertEquals(metadata, read.metadata());
        assertEquals(List.copyOf(tensors().keySet()), List.copyOf(read.tensors().keySet()));
        tensors().forEach((name, expected) -> {
            assertArrayEquals(expected.shape(), read.tensors().get(name).shape());
            assertArrayEquals(bits(expected.values()), bits(read.tensors().get(name).values()));
        });
    }

    @Test
    void anIndependentReaderFindsTheSameAndTheDataIsAligned() throws IOException {
        Path file = directory.resolve("t.safetensors");
        new SafeTensors(Map.of("k", "v"), tensors()).write(file);
        SafeTensorsFile read = SafeTensorsFile.read(file);
        assertEquals("v", read.metadata("k"));
        assertEquals("[2,3]", read.shape("b").toString());
        assertEquals("[]", read.shape("scalar").toString());
        tensors().forEach((name, expected) ->
                assertArrayEquals(bits(expected.values()), bits(read.values(name))));
        // The format asks for a header that begins with '{' and may end with spaces; data aligned to 8 bytes works with
        // all readers.
        byte[] bytes = Files.readAllBytes(file);
        assertEquals('{', bytes[8]);
        assertEquals(0, ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong() % 8);
    }

    private static int[] bits(float[] values) {
        int[] bits = new int[values.length];
        Arrays.setAll(bits, k -> Float.floatToRawIntBits(values[k]));
        return bits;
    }

    private static Arguments lying(String what, long length) {
        return Arguments.of(what, length, "{}", 0, "header");
    }

    private static Arguments header(String what, String header, int data, String says) {
        return Arguments.of(what, (long) header.getBytes(StandardCharsets.UTF_8).length, header, data, says);
    }

    private static Arguments one(String what, String tensor, int data, String says) {
        return header(what, "{\"t\":" + tensor + "}", data, says);
    }

    static Stream<Arguments> hostileFiles() {
        String f32 = "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":";
        String nested = "[".repeat(100_000);
        return Stream.of(
                lying("header length 2^60", 1L << 60),
                lying("header length -1", -1),
                lying("header length the lowest of all", Long.MIN_VALUE),
                lying("header length 0", 0),
                lying("header length above the limit of the format", 100_000_001),
                lying("header length 2^32 + 2, which is 2 as an int", (1L << 32) + 2),
                lying("header longer than the file", 3),
                header("no JSON", "so long and thanks", 0, "JSON"),
                header("binary", "\u0000\u0001\u0002\uffff", 0, "JSON"),
                header("JSON that is cut", "{\"t\":{\"dtype\"", 0, "JSON"),
                header("JSON with a tail", "{} {}", 0, "JSON"),
                header("a JSON list", "[1, 2]", 0, "object"),
                header("null", "null", 0, "object"),
                header("deep lists", nested, 0, "JSON"),
                header("deep objects", "{\"a\":".repeat(100_000), 0, "JSON"),
                header("deep lists as a shape", "{\"t\":{\"dtype\":\"F32\",\"shape\":" + nested, 0, "JSON"),
                header("a number of 10,000 digits", "{\"t\":" + "9".repeat(10_000) + "}", 0, "JSON"),
                header("a tensor twice", "{\"t\":" + f32 + "[0,8]},\"t\":" + f32 + "[0,8]}}", 8, "uplicate"),
                header("overlap", "{\"t\":" + f32 + "[0,8]},\"u\":" + f32 + "[4,12]}}", 12, "u begins at byte 4"),
                header("the same place twice", "{\"t\":" + f32 + "[0,8]},\"u\":" + f32 + "[0,8]}}", 8,
                "u begins at byte 0"),
                header("a gap", "{\"t\":" + f32 + "[0,8]},\"u\":" + f32 + "[12,20]}}", 20, "u begins at byte 12"),
                one("a gap before the first", f32 + "[4,12]}", 12, "begins at byte 4"),
                one("data beyond the last", f32 + "[0,8]}", 9, "9 follow"),
                one("data beyond the file", f32 + "[0,8]}", 7, "cut short"),
                one("no data", f32 + "[0,8]}", 0, "cut short"),
                one("offsets far beyond the file", f32 + "[1152921504606846976,1152921504606846984]}", 8,
                "begins at byte 115"),
                one("offsets at the end of a long", f32 + "[9223372036854775800,9223372036854775807]}", 8,
                "data_offsets"),
                one("offsets beyond a long", f32 + "[0,18446744073709551624]}", 8, "data_offsets"),
                one("negative offsets", f32 + "[-8,0]}", 8, "data_offsets"),
                one("offsets the wrong way round", f32 + "[8,0]}", 8, "data_offsets"),
                one("fractional offsets", f32 + "[0.0,8.0]}", 8, "data_offsets"),
                one("offsets as strings", f32 + "[\"0\",\"8\"]}", 8, "data_offsets"),
                one("three offsets", f32 + "[0,8,8]}", 8, "data_offsets"),
                one("no offsets", "{\"dtype\":\"F32\",\"shape\":[2]}", 8, "data_offsets"),
                one("no shape", "{\"dtype\":\"F32\",\"data_offsets\":[0,8]}", 8, "shape"),
                one("shape and offsets that differ", f32 + "[0,12]}", 12, "data_offsets"),
                one("another type", f32.replace("F32", "F16") + "[0,4]}", 4, "F16"),
                one("no type", "{\"shape\":[2],\"data_offsets\":[0,8]}", 8, "type"),
                one("a type that is no string", f32.replace("\"F32\"", "[\"F32\"]") + "[0,8]}", 8, "type"),
                one("a tensor that is a number", "5", 8, "type"),
                one("a tensor that is null", "null", 8, "type"),
                one("a negative length", f32.replace("[2]", "[-2]") + "[0,8]}", 8, "shape"),
                one("two negative lengths", f32.replace("[2]", "[-1,-2]") + "[0,8]}", 8, "shape"),
                one("a length of 0", f32.replace("[2]", "[0]") + "[0,0]}", 0, "shape"),
                one("a fractional length", f32.replace("[2]", "[2.0]") + "[0,8]}", 8, "shape"),
                one("a length beyond an int", f32.replace("[2]", "[4294967298]") + "[0,8]}", 8, "shape"),
                // (2^16)^4 = 2^64 is 0 as a long, and 65537 * 65537 = 2^32 + 2^17 + 1 is small as an int.
                one("lengths whose product is 0 as a long", f32.replace("[2]", "[65536,65536,65536,65536]") + "[0,0]}",
                        0,
                        "shape"),
                one("lengths whose product is beyond an int", f32.replace("[2]", "[65537,65537]") + "[0,524292]}", 16,
                        "shape"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("hostileFiles")
    void aHostileFileIsRefusedInASentence(String what, long length, String header, int data, String says) {
        Path file = directory.resolve("bad.safetensors");
        SafeTensorsFile.write(file, length, header.getBytes(StandardCharsets.UTF_8), new byte[data]);
        assertRefused(file, says);
    }

    private static void assertRefused(Path file, String says) {
        FramecastException e = assertThrows(FramecastException.class, () -> SafeTensors.read(file));
        assertTrue(e.getMessage().contains(file.toString()) && e.getMessage().contains(says), e.getMessage());
        assertTrue(e.getMessage().endsWith(".") && !e.getMessage().contains("\n"), e.getMessage());
        assertTrue(e.getMessage().length() < file.toString().length() + 500, e.getMessage());
    }

    @Test
    void aFileCutAtAnyByteOrWithOneMoreIsRefused() throws IOException {
        Path whole = directory.resolve("t.safetensors");
        new SafeTensors(Map.of("k", "v"), tensors()).write(whole);
        byte[] bytes = Files.readAllBytes(whole);
        Path cut = directory.resolve("cut.safetensors");
        for (int length = 0; length < bytes.length; length++) {
            Files.write(cut, Arrays.copyOf(bytes, length));
            assertRefused(cut, "");
        }
        Files.write(cut, Arrays.copyOf(bytes, bytes.length + 1));
        assertRefused(cut, "follow the header");
    }

    @Test
    void tensorsBeyondTheHeapAreRefusedBeforeTheyAreRead() throws IOException {
        Path file = directory.resolve("huge.safetensors");
        long tensor = 1L << 30;
        long count = Runtime.getRuntime().maxMemory() / tensor + 1;
        StringBuilder header = new StringBuilder("{");
        for (long k = 0; k < count; k++) {
            header.append(k == 0 ? "" : ",").append("\"t").append(k).append("\":{\"dtype\":\"F32\",\"shape\":[")
                    .append(tensor / 4).append("],\"data_offsets\":[").append(k * tensor).append(',')
                    .append((k + 1) * tensor).append("]}");
        }
        header.append('}');
        SafeTensorsFile.write(file, header.toString(), new byte[0]);
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(8 + header.length() + count * tensor);
        }
        assertRefused(file, "Java heap");
    }

    @Test
    void whatIsNotThereAndWhatIsADirectoryIsNamed() {
        assertRefused(directory.resolve("nothing"), "There is no checkpoint");
        assertRefused(directory, "Cannot read");
    }
}
