package io.framecast.data;

import io.framecast.FramecastException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** An array in a .npy file, of which any box of values can be read. */
final class NpyArray implements AutoCloseable {

    /** The default size of one read, in bytes. */
    static final int PIECE = 1 << 18;

    /** A gap up to this many bytes is read and discarded, which is faster than a second read. */
    private static final int GAP = 4096;

    /** Receives the first {@code count} values of {@code values}, a piece of the box in the file's own format. */
    @FunctionalInterface
    interface Visitor {
        /** Returns false to stop reading. */
        boolean visit(float[] values, int count);
    }

    /**
     * One axis of a box.
     *
     * @param stride from one index to the next in the file, in values
     * @param targetStride from one index to the next where the values go
     */
    record Axis(int length, long stride, long targetStride) {
    }

    private final Path file;
    private final NpyHeader header;
    private final NpyType type;
    private final boolean bigEndian;
    private final List<Long> shape;
    private final long[] strides;
    private final FileBytes bytes;
    private final int pieceSize;

    private NpyArray(Path file, NpyHeader header, NpyType type, FileBytes bytes, int pieceSize) {
        this.file = file;
        this.header = header;
        this.type = type;
        this.bigEndian = NpyType.isBigEndian(header.descr());
        this.shape = header.shape();
        this.strides = new long[shape.size()];
        long stride = 1;
        for (int k = 0; k < strides.length; k++) {
            int axis = header.fortranOrder() ? k : strides.length - 1 - k;
            strides[axis] = stride;
            stride *= shape.get(axis);
        }
        this.bytes = bytes;
        this.pieceSize = pieceSize;
    }

    /**
     * Opens a .npy file, one packed by gzip, or an .npz file of one array.
     *
     * @param pieceSize the most bytes of one read, at least the size of one value
     * @throws FramecastException if the file cannot be read, has another format, or does not hold an array of numbers
     */
    static NpyArray open(Path file, int pieceSize) {
        FileBytes bytes = null;
        try {
            bytes = PackedFiles.open(file);
            NpyHeader header = NpyHeader.read(bytes.head(NpyHeader.LONGEST), bytes.size(), file);
            NpyType type = NpyType.of(header.descr(), file);
            NpyArray array = new NpyArray(file, header, type, bytes, pieceSize);
            bytes = null;
            return array;
        } catch (IOException e) {
            throw FileBytes.cannotRead(file, e);
        } finally {
            if (bytes != null) {
                bytes.close();
            }
        }
    }

    /** @throws FramecastException if the file has fewer or more values than it says */
    void requireWhole() {
        long end = header.end(type, file);
        if (bytes.size() < end) {
            throw NpyHeader.truncated(file, end, bytes.size());
        }
        if (bytes.size() > end) {
            throw new FramecastException(file + " is longer than it says: it should have " + end + " bytes but has "
                    + bytes.size() + "; write it again.");
        }
    }

    NpyType type() {
        return type;
    }

    List<Long> shape() {
        return shape;
    }

    /** The distance from one index to the next along an axis, in values. */
    long stride(int axis) {
        return strides[axis];
    }

    /** Reads the box that begins at the value {@code first} into {@code target}, without conversion to brightness. */
    void read(long first, List<Axis> box, float[] target) {
        read(first, box, target, 0, null);
    }

    /**
     * Reads the box that begins at the value {@code first} into {@code target}, from {@code offset} on.
     *
     * @param table for types of one byte: the value to write for each byte; null for no conversion to brightness
     */
    void read(long first, List<Axis> box, float[] target, int offset, float[] table) {
        new Walk(box, target, null, table).from(0, header.dataOffset() + first * type.bytes(), offset);
    }

    /** Reads the box that begins at the value {@code first} in pieces, in the order of the file. */
    void visit(long first, List<Axis> box, Visitor visitor) {
        List<Axis> compact = new ArrayList<>();
        long stride = 1;
        for (Axis axis : inFileOrder(box)) {
            compact.add(new Axis(axis.length, axis.stride, stride));
            stride *= axis.length;
        }
        new Walk(compact, new float[Math.max(1, pieceSize / type.bytes())], visitor, null)
                .from(0, header.dataOffset() + first * type.bytes(), 0);
    }

    /** Sorted by stride in the file, the smallest first. */
    private static List<Axis> inFileOrder(List<Axis> box) {
        return box.stream().filter(axis -> axis.length > 1).sorted(Comparator.comparingLong(Axis::stride)).toList();
    }

    /** Walks a box from its outermost axis in the file to its innermost, with the longest reads possible. */
    private final class Walk {

        private final Axis[] axes;
        /** Bytes from the first to the last value of the axes from this one inwards. */
        private final long[] spans;
        /** Whether the axes from this one inwards have no wide gaps. */
        private final boolean[] dense;
        private final float[] target;
        private final Visitor visitor;
        private final float[] table;
        private final byte[] piece;
        private boolean over;

        Walk(List<Axis> box, float[] target, Visitor visitor, float[] table) {
            this.target = target;
            this.visitor = visitor;
            this.table = table;
            List<Axis> merged = new ArrayList<>();
            for (Axis axis : inFileOrder(box)) {
                Axis inner = merged.isEmpty() ? null : merged.get(0);
                // Axes that are contiguous both in the file and in the target are merged.
                if (inner != null && axis.stride == inner.stride * inner.length
                        && axis.targetStride == inner.targetStride * inner.length
                        && (long) axis.length * inner.length <= Integer.MAX_VALUE) {
                    merged.set(0, new Axis(axis.length * inner.length, inner.stride, inner.targetStride));
                } else {
                    merged.add(0, axis);
                }
            }
            if (merged.isEmpty()) {
                merged.add(new Axis(1, 1, 1));
            }
            axes = merged.toArray(Axis[]::new);
            spans = new long[axes.length + 1];
            dense = new boolean[axes.length + 1];
            spans[axes.length] = type.bytes();
            dense[axes.length] = true;
            for (int k = axes.length - 1; k >= 0; k--) {
                long step = axes[k].stride * type.bytes();
                spans[k] = (axes[k].length - 1) * step + spans[k + 1];
                dense[k] = dense[k + 1] && step - spans[k + 1] <= GAP;
            }
            piece = new byte[(int) Math.max(type.bytes(), Math.min(pieceSize, spans[0]))];
        }

        void from(int k, long position, long at) {
            Axis axis = axes[k];
            long step = axis.stride * type.bytes();
            boolean together = dense[k] && spans[k + 1] <= piece.length;
            int most = together ? (int) Math.min(axis.length, (piece.length - spans[k + 1]) / step + 1) : 1;
            for (long i = 0; i < axis.length && !over; i += most) {
                if (together || k == axes.length - 1) {
                    int count = (int) Math.min(most, axis.length - i);
                    read(position + i * step, (int) ((count - 1) * step + spans[k + 1]));
                    if (visitor == null) {
                        decode(k, count, 0, Math.toIntExact(at + i * axis.targetStride));
                    } else {
                        decode(k, count, 0, 0);
                        int values = count;
                        for (int inner = k + 1; inner < axes.length; inner++) {
                            values *= axes[inner].length;
                        }
                        over = !visitor.visit(target, values);
                    }
                } else {
                    from(k + 1, position + i * step, at + i * axis.targetStride);
                }
            }
        }

        private void read(long position, int length) {
            bytes.read(position, piece, length);
            for (int from = 0, size = type.bytes(); bigEndian && from < length; from += size) {
                for (int low = from, high = from + size - 1; low < high; low++, high--) {
                    byte swapped = piece[low];
                    piece[low] = piece[high];
                    piece[high] = swapped;
                }
            }
        }

        /** Copies {@code count} indices of axis {@code k} from the piece to the target. */
        private void decode(int k, int count, int from, int to) {
            Axis axis = axes[k];
            int step = count == 1 ? 0 : Math.toIntExact(axis.stride * type.bytes());
            if (k == axes.length - 1 && table != null) {
                NpyType.decode(piece, from, step, target, to, (int) axis.targetStride, count, table);
                return;
            }
            if (k == axes.length - 1) {
                type.decode(piece, from, step, target, to, (int) axis.targetStride, count);
                return;
            }
            for (int i = 0; i < count; i++) {
                decode(k + 1, axes[k + 1].length, from + i * step, to + (int) (i * axis.targetStride));
            }
        }
    }

    @Override
    public void close() {
        bytes.close();
    }
}
