package io.framecast.tools.render;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/**
 * Colour quantisation by variance minimisation: repeatedly, the group of colours whose best cut (along red, green or
 * blue) reduces the squared error most is cut in two (X. Wu, "Efficient statistical computations for optimal color
 * quantization", Graphics Gems II, 1991).
 */
final class ColorGroups {

    /** A number of pixels, with the sums of their red, green and blue. */
    record Entry(long pixels, double red, double green, double blue) {

        static Entry of(int rgb, long pixels) {
            return new Entry(pixels, (double) pixels * (rgb >> 16), (double) pixels * (rgb >> 8 & 0xff),
                    (double) pixels * (rgb & 0xff));
        }

        Entry and(Entry other) {
            return new Entry(pixels + other.pixels, red + other.red, green + other.green, blue + other.blue);
        }

        int mean() {
            return (int) Math.round(red / pixels) << 16 | (int) Math.round(green / pixels) << 8
                    | (int) Math.round(blue / pixels);
        }

        /** The reduction of the squared error if the two are separate groups instead of one. */
        double between(Entry other) {
            double redStep = red / pixels - other.red / other.pixels;
            double greenStep = green / pixels - other.green / other.pixels;
            double blueStep = blue / pixels - other.blue / other.pixels;
            return (double) pixels * other.pixels / (pixels + other.pixels)
                    * (redStep * redStep + greenStep * greenStep + blueStep * blueStep);
        }
    }

    private static final List<Comparator<Entry>> AXES = List.of(
            Comparator.comparingDouble(e -> e.red / e.pixels),
            Comparator.comparingDouble(e -> e.green / e.pixels),
            Comparator.comparingDouble(e -> e.blue / e.pixels));

    /** A group with its best cut: {@code left} are the entries on one side of it. */
    private record Group(Entry sum, List<Entry> left, List<Entry> right, double gain) {

        static Group of(List<Entry> entries) {
            Entry sum = entries.stream().reduce(Entry::and).orElseThrow();
            Group best = new Group(sum, entries, List.of(), 0);
            for (Comparator<Entry> axis : AXES) {
                List<Entry> sorted = new ArrayList<>(entries);
                sorted.sort(axis);
                Entry before = new Entry(0, 0, 0, 0);
                for (int k = 0; k + 1 < sorted.size(); k++) {
                    before = before.and(sorted.get(k));
                    Entry after = new Entry(sum.pixels - before.pixels, sum.red - before.red, sum.green - before.green,
                            sum.blue - before.blue);
                    double gain = before.between(after);
                    if (gain > best.gain) {
                        best = new Group(sum, sorted.subList(0, k + 1), sorted.subList(k + 1, sorted.size()), gain);
                    }
                }
            }
            return best;
        }
    }

    private ColorGroups() {
    }

    /** At most {@code count} colours, 0xRRGGBB, that represent these entries. */
    static int[] means(List<Entry> entries, int count) {
        PriorityQueue<Group> groups = new PriorityQueue<>(Comparator.comparingDouble(Group::gain).reversed());
        groups.add(Group.of(entries));
        while (groups.size() < count && groups.peek().gain > 0) {
            Group widest = groups.remove();
            groups.add(Group.of(widest.left));
            groups.add(Group.of(widest.right));
        }
        return groups.stream().mapToInt(group -> group.sum.mean()).distinct().toArray();
    }
}
