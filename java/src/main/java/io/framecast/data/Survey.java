package io.framecast.data;

import io.framecast.data.NpyArray.Axis;
import java.util.List;

/** The smallest and the largest value of a file, and the scale of integers that follows from them. */
final class Survey {

    /** White of 8-, 10- and 12-bit sensors whose values are stored in larger types. */
    private static final List<Double> WHITES = List.of(255.0, 1023.0, 4095.0);

    private final NpyType type;

    /** Null until known. */
    private final Scale scale;
    private double least = Double.POSITIVE_INFINITY;
    private double most = Double.NEGATIVE_INFINITY;
    private long outside;
    private long count;

    Survey(NpyType type, Scale scale) {
        this.type = type;
        this.scale = scale;
    }

    /** Reads the values of a box at the beginning of the array, until no further value can change the result. */
    void look(NpyArray array, List<Axis> box, NpyVideos.Progress progress) {
        long total = box.stream().mapToLong(Axis::length).reduce((long) type.bytes(), Math::multiplyExact);
        if (total == 0) {
            return;
        }
        array.visit(0, box, (values, length) -> {
            add(values, length);
            boolean enough = scale == null ? isSettled() : !(most - least < Double.POSITIVE_INFINITY);
            if (!enough) {
                progress.update(count * type.bytes(), total);
            }
            return !enough;
        });
    }

    private void add(float[] values, int length) {
        float low = Float.POSITIVE_INFINITY;
        float high = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < length; i++) { // Branches that are rarely taken are faster than Math.min and Math.max.
            float value = values[i];
            if (value < low) {
                low = value;
            }
            if (!(value <= high)) {
                if (Float.isNaN(value)) {
                    low = value;
                    high = value;
                    break;
                }
                high = value;
            }
        }
        least = Math.min(least, low);
        most = Math.max(most, high);
        count += length;
        if (scale != null && !(scale.holds(low) && scale.holds(high))) {
            for (int i = 0; i < length; i++) {
                outside += scale.holds(values[i]) ? 0 : 1;
            }
        }
    }

    /** Whether the scale of integers is final whatever values follow, and the videos are not dark on it. */
    private boolean isSettled() {
        boolean whole = type == NpyType.UINT8 || least < 0 || type.range().black() == 0
                && most > (type.bytes() > 2 ? NpyType.UINT16.range().white() : WHITES.get(WHITES.size() - 1));
        return whole && !judged().isDark(least, most);
    }

    /** The scale of integers that follows from the values seen so far. */
    Scale judged() {
        Scale range = type.range();
        if (type == NpyType.UINT8 || least < 0) {
            return range;
        }
        boolean isWhite = WHITES.contains(most) || type.bytes() > 2 && most == NpyType.UINT16.range().white();
        return new Scale(0, isWhite ? most : range.white());
    }

    ValueRange range(Scale on) {
        return new ValueRange(least, most, outside, count, count > 0 && on.isDark(least, most));
    }

    double least() {
        return least;
    }

    double most() {
        return most;
    }

    long count() {
        return count;
    }
}
