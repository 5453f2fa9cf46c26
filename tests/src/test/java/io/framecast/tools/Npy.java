package io.framecast.tools;

import io.framecast.data.Video;
import io.framecast.data.Videos;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** .npy files, version 1.0, read and written independently of the engine. */
record Npy(String shape, float[] values) {

    static Path write(Path file, String descr, String fortranOrder, String shape, byte[] data) {
        String header = "{'descr': '" + descr + "', 'fortran_order': " + fortranOrder + ", 'shape': " + shape + ", }\n";
        ByteBuffer bytes = ByteBuffer.allocate(10 + header.length() + data.length).order(ByteOrder.LITTLE_ENDIAN)
                .put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII)).put((byte) 1).put((byte) 0)
                .putShort((short) header.length()).put(header.getBytes(StandardCharsets.US_ASCII)).put(data);
        try {
            return Files.write(file, bytes.array());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Floats, row-major. */
    static Path write(Path file, String shape, float... values) {
        ByteBuffer data = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        data.asFloatBuffer().put(values);
        return write(file, "<f4", "False", shape, data.array());
    }

    /** (N, T, H, W, C) float32. */
    static Path write(Path file, Videos videos) {
        int size = videos.frames() * videos.frameSize();
        float[] values = new float[videos.count() * size];
        for (int k = 0; k < videos.count(); k++) {
            System.arraycopy(videos.get(k).values(), 0, values, k * size, size);
        }
        return write(file, "(%d, %d, %d, %d, %d)".formatted(videos.count(), videos.frames(), videos.height(),
                videos.width(),
                videos.channels()), values);
    }

    static Npy read(Path file) {
        try {
            ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
            int length = bytes.getShort(8);
            String header = new String(bytes.array(), 10, length, StandardCharsets.US_ASCII);
            if (!header.contains("'<f4'") || !header.contains("'fortran_order': False")) {
                throw new AssertionError(header);
            }
            float[] values = new float[(bytes.capacity() - 10 - length) / 4];
            bytes.position(10 + length).slice().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
            return new Npy(header.replaceAll(".*'shape': (\\([^)]*\\)).*\\s*", "$1"), values);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Video {@code k} of {@code count}. */
    float[] video(int k, int count) {
        int size = values.length / count;
        return java.util.Arrays.copyOfRange(values, k * size, (k + 1) * size);
    }

    /** The first frames of a video and then those predicted. */
    static float[] joined(Video video, int context, float[] predicted) {
        float[] joined = java.util.Arrays.copyOf(video.frames(0, context).values(),
                context * video.frameSize() + predicted.length);
        System.arraycopy(predicted, 0, joined, context * video.frameSize(), predicted.length);
        return joined;
    }
}
