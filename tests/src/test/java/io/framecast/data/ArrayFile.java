package io.framecast.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.StringJoiner;

/** Writes videos as a .npy file, independently of the engine's writer, with the axes in any order. */
final class ArrayFile {

    private ArrayFile() {
    }

    /** Writes little-endian numbers. */
    static Path write(Path file, String descr, boolean fortranOrder, String shape, byte[] data) {
        String header = "{'descr': '" + descr + "', 'fortran_order': " + (fortranOrder ? "True" : "False")
                + ", 'shape': " + shape + ", }\n";
        try {
            return Files.write(file, ByteBuffer.allocate(10 + header.length() + data.length)
                    .order(ByteOrder.LITTLE_ENDIAN).put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0})
                    .putShort((short) header.length()).put(header.getBytes(StandardCharsets.US_ASCII)).put(data)
                    .array());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Videos as float32. */
    static Path write(Path file, Videos videos, String axes, boolean fortranOrder) {
        Map<Character, Integer> lengths = Map.of('n', videos.count(), 't', videos.frames(), 'h', videos.height(), 'w',
                videos.width(), 'c', videos.channels());
        StringJoiner shape = new StringJoiner(", ", "(", ")");
        axes.chars().forEach(axis -> shape.add(lengths.get((char) axis).toString()));
        String slowestFirst = fortranOrder ? new StringBuilder(axes).reverse().toString() : axes;
        int size = axes.chars().map(axis -> lengths.get((char) axis)).reduce(1, Math::multiplyExact);
        ByteBuffer data = ByteBuffer.allocate(4 * size).order(ByteOrder.LITTLE_ENDIAN);
        Video video = null;
        int number = -1;
        for (int k = 0; k < size; k++) {
            int[] at = new int[128];
            int rest = k;
            for (int a = axes.length() - 1; a >= 0; a--) {
                int length = lengths.get(slowestFirst.charAt(a));
                at[slowestFirst.charAt(a)] = rest % length;
                rest /= length;
            }
            if (number != at['n']) {
                number = at['n'];
                video = videos.get(number);
            }
            data.putFloat(video.values()[((at['t'] * videos.height() + at['h']) * videos.width() + at['w'])
                    * videos.channels() + at['c']]);
        }
        return write(file, "<f4", fortranOrder, shape.toString(), data.array());
    }
}
