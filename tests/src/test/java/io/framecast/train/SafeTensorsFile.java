package io.framecast.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A safetensors file, read independently of the engine: length, JSON header, data. */
public record SafeTensorsFile(ObjectNode header, ByteBuffer data) {

    public static SafeTensorsFile read(Path file) {
        try {
            ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
            byte[] header = new byte[Math.toIntExact(bytes.getLong())];
            bytes.get(header);
            return new SafeTensorsFile((ObjectNode) json(new String(header, StandardCharsets.UTF_8)),
                    bytes.slice().order(ByteOrder.LITTLE_ENDIAN));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static JsonNode json(String text) {
        try {
            return new ObjectMapper().readTree(text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static void write(Path file, String header, byte[] data) {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        write(file, json.length, json, data);
    }

    public static void write(Path file, long length, byte[] header, byte[] data) {
        try {
            Files.write(file, ByteBuffer.allocate(8 + header.length + data.length).order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(length).put(header).put(data).array());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Writes the file with the present header. */
    public void write(Path file) {
        write(file, header.toString(), data.array().length == data.capacity() ? data.array() : bytes(data.duplicate()));
    }

    public String metadata(String key) {
        return header.get("__metadata__").get(key).textValue();
    }

    public JsonNode shape(String name) {
        return header.get(name).get("shape");
    }

    public float[] values(String name) {
        assertEquals("F32", header.get(name).get("dtype").textValue());
        int begin = header.get(name).get("data_offsets").get(0).intValue();
        int end = header.get(name).get("data_offsets").get(1).intValue();
        float[] values = new float[(end - begin) / 4];
        data.slice(begin, end - begin).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
        return values;
    }

    /** Asserts the same tensors, bit for bit, and the same progress, except for times; the options may differ. */
    public static void assertSame(Path expectedFile, Path actualFile) {
        SafeTensorsFile expected = read(expectedFile);
        SafeTensorsFile actual = read(actualFile);
        assertEquals(progress(expected), progress(actual), "training state");
        expected.header.remove("__metadata__");
        actual.header.remove("__metadata__");
        assertEquals(expected.header, actual.header);
        assertArrayEquals(bytes(expected.data), bytes(actual.data), "tensors of " + actualFile);
    }

    private static JsonNode progress(SafeTensorsFile file) {
        ObjectNode progress = (ObjectNode) json(file.metadata("framecast.training"));
        progress.remove("epoch_seconds");
        progress.remove("run");
        return progress;
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.capacity()];
        buffer.get(0, bytes);
        return bytes;
    }
}
