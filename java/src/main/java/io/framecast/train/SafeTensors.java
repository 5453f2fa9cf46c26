package io.framecast.train;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.framecast.FramecastException;
import io.framecast.files.AtomicFiles;
import io.framecast.files.JsonFiles;
import io.framecast.nn.HostTensor;
import io.framecast.system.JavaHeap;
import io.framecast.text.Quote;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A safetensors file of F32 tensors: eight bytes with the length of the header, the header (JSON: dtype, shape and data
 * offsets of each tensor, and a map of strings under {@code __metadata__}), the data. As the format requires, the
 * tensors fill the data without gaps or overlaps. The format allows a header of 100 MB. The limit here is 16 MB; the
 * largest model needs 2 MB.
 *
 * @param metadata the strings under {@code __metadata__}, by name
 * @param tensors in the order of the data
 */
record SafeTensors(Map<String, String> metadata, Map<String, HostTensor> tensors) {

    private static final int MAX_HEADER = 1 << 24;
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    /** Replaces {@code file}. */
    void write(Path file) {
        ObjectNode header = MAPPER.createObjectNode();
        ObjectNode strings = header.putObject("__metadata__");
        metadata.forEach(strings::put);
        long offset = 0;
        for (Map.Entry<String, HostTensor> entry : tensors.entrySet()) {
            long end = offset + 4L * entry.getValue().values().length;
            ObjectNode tensor = header.putObject(entry.getKey());
            tensor.put("dtype", "F32");
            tensor.set("shape", MAPPER.valueToTree(entry.getValue().shape()));
            tensor.putArray("data_offsets").add(offset).add(end);
            offset = end;
        }
        byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
        byte[] padded = Arrays.copyOf(json, (json.length + 7) / 8 * 8);
        Arrays.fill(padded, json.length, padded.length, (byte) ' ');
        AtomicFiles.write(file, out -> {
            out.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(padded.length).array());
            out.write(padded);
            for (HostTensor tensor : tensors.values()) {
                ByteBuffer bytes = ByteBuffer.allocate(4 * tensor.values().length).order(ByteOrder.LITTLE_ENDIAN);
                bytes.asFloatBuffer().put(tensor.values());
                out.write(bytes.array());
            }
        });
    }

    /**
     * @throws FramecastException if the file does not exist, or is not a valid file of this kind
     */
    static SafeTensors read(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return read(in, Files.size(file), file);
        } catch (NoSuchFileException e) {
            throw new FramecastException("There is no checkpoint " + file + ".", e);
        } catch (AccessDeniedException e) {
            throw new FramecastException("Cannot read the checkpoint " + file + ": permission denied.", e);
        } catch (IOException e) {
            throw new FramecastException("Cannot read the checkpoint " + file + ": " + e.getMessage() + ".", e);
        }
    }

    /**
     * Reads {@code size} bytes.
     *
     * @param file its name in messages
     */
    static SafeTensors read(InputStream in, long size, Path file) throws IOException {
        try {
            if (size < 8) {
                throw new EOFException();
            }
            long headerSize = ByteBuffer.wrap(in.readNBytes(8)).order(ByteOrder.LITTLE_ENDIAN).getLong();
            if (headerSize < 2 || headerSize > MAX_HEADER || headerSize > size - 8) {
                throw wrong(file, "it says that its header has " + Long.toUnsignedString(headerSize)
                        + " bytes, in a file of " + size);
            }
            JsonNode header = MAPPER.readTree(new String(in.readNBytes((int) headerSize), StandardCharsets.UTF_8));
            return read(file, header, in, size - 8 - headerSize);
        } catch (JsonProcessingException e) {
            throw wrong(file, "its header is not valid JSON (" + JsonFiles.fault(e) + ")");
        } catch (EOFException e) {
            throw wrong(file, "it is cut short");
        }
    }

    private record Entry(String name, int[] shape, long begin, long end) {
    }

    private static SafeTensors read(Path file, JsonNode header, InputStream in, long dataSize) throws IOException {
        if (!header.isObject()) {
            throw wrong(file, "its header is not a JSON object");
        }
        Map<String, String> metadata = new LinkedHashMap<>();
        List<Entry> entries = new ArrayList<>();
        for (Map.Entry<String, JsonNode> field : header.properties()) {
            if (field.getKey().equals("__metadata__")) {
                field.getValue().properties().forEach(e -> metadata.put(e.getKey(), e.getValue().asText()));
            } else {
                entries.add(entry(file, field.getKey(), field.getValue()));
            }
        }
        entries.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
        long end = 0;
        for (Entry entry : entries) {
            if (entry.begin != end) {
                throw wrong(file, "the data of tensor " + Quote.of(entry.name) + " begins at byte " + entry.begin
                        + " where byte " + end + " was due");
            }
            end = entry.end;
        }
        if (end != dataSize) {
            throw wrong(file, "its tensors fill " + end + " bytes, but " + dataSize + " follow the header"
                    + (end > dataSize ? " (it is cut short)" : ""));
        }
        JavaHeap.require(dataSize, "The tensors of the checkpoint " + file);
        Map<String, HostTensor> tensors = new LinkedHashMap<>();
        for (Entry entry : entries) {
            int bytes = (int) (entry.end - entry.begin);
            byte[] data = in.readNBytes(bytes);
            if (data.length < bytes) {
                throw new EOFException();
            }
            float[] values = new float[bytes / 4];
            ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
            tensors.put(entry.name, new HostTensor(entry.shape, values));
        }
        return new SafeTensors(metadata, tensors);
    }

    private static Entry entry(Path file, String name, JsonNode node) {
        JsonNode shapeNode = node.path("shape");
        JsonNode offsets = node.path("data_offsets");
        if (!node.path("dtype").asText().equals("F32")) {
            throw wrong(file, "tensor " + Quote.of(name) + " is of type " + Quote.of(node.path("dtype")) + ", not F32");
        }
        if (!shapeNode.isArray() || !offsets.isArray() || offsets.size() != 2) {
            throw wrong(file, "tensor " + Quote.of(name) + " has no shape or no data_offsets");
        }
        long count = 1;
        int[] shape = new int[shapeNode.size()];
        for (int k = 0; k < shape.length; k++) {
            JsonNode dimension = shapeNode.get(k);
            if (!dimension.isInt() || dimension.intValue() < 1 || count * dimension.intValue() > HostTensor.MAX_SIZE) {
                throw wrong(file, "tensor " + Quote.of(name) + " has the shape " + Quote.of(shapeNode));
            }
            shape[k] = dimension.intValue();
            count *= shape[k];
        }
        if (!offsets.get(0).isIntegralNumber() || !offsets.get(1).isIntegralNumber()
                || !offsets.get(0).canConvertToLong() || !offsets.get(1).canConvertToLong()
                || offsets.get(0).longValue() < 0
                || offsets.get(1).longValue() != offsets.get(0).longValue() + 4 * count) {
            throw wrong(file, "tensor " + Quote.of(name) + " of shape " + Quote.of(shapeNode)
                    + " does not fill its data_offsets " + Quote.of(offsets));
        }
        return new Entry(name, shape, offsets.get(0).longValue(), offsets.get(1).longValue());
    }

    private static FramecastException wrong(Path file, String what) {
        return new FramecastException("The checkpoint " + file + " is not a valid safetensors file: " + what + ".");
    }
}
