package io.framecast.tools.render;

import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * At most 256 colours for all pictures of an animation, so that nothing flickers. If the pictures have no more, these
 * are they. Else the colours of large areas stay as they are, and {@link ColorGroups} makes the best of the others. A
 * pixel takes the nearest colour, without dithering: flat areas stay flat.
 */
final class GifPalette {

    private static final int COLORS = 256;
    /** Colours of more than this share of all pixels stay as they are, if there are not too many of them. */
    private static final double LARGE_AREA = 1e-3;
    private static final int MOST_LARGE = COLORS / 2;
    /** Colours are told apart by as many bits as leave no more than this many to group. */
    private static final int MOST_GROUPED = 1 << 15;
    private static final int KNOWN = 1 << 24;

    /** For each colour 0xRRGGBB: first the number of its pixels; once built, its colour here | KNOWN when looked up. */
    private final int[] table = new int[1 << 24];
    private int[] colors;

    /** Counts a picture's colours; all pictures come before {@link #build}. */
    void count(Picture picture) {
        for (int rgb : picture.pixels) {
            table[rgb & 0xffffff]++;
        }
    }

    /** Chooses the colours. */
    void build() {
        int[] used = IntStream.range(0, table.length).filter(rgb -> table[rgb] > 0).toArray();
        colors = used.length <= COLORS ? used : choose(used);
        Arrays.fill(table, 0);
    }

    /** Gives every pixel of a picture its colour here. */
    void apply(Picture picture) {
        int[] pixels = picture.pixels;
        for (int i = 0; i < pixels.length; i++) {
            int rgb = pixels[i] & 0xffffff;
            if (table[rgb] == 0) {
                table[rgb] = nearest(rgb) | KNOWN;
            }
            pixels[i] = table[rgb] & 0xffffff;
        }
    }

    private int[] choose(int[] used) {
        double all = Arrays.stream(used).mapToDouble(rgb -> table[rgb]).sum();
        int[] large = Arrays.stream(used).filter(rgb -> table[rgb] > LARGE_AREA * all).boxed()
                .sorted((a, b) -> Integer.compare(table[b], table[a])).limit(MOST_LARGE)
                .mapToInt(Integer::intValue).sorted().toArray();
        int[] others = Arrays.stream(used).filter(rgb -> Arrays.binarySearch(large, rgb) < 0).toArray();
        return IntStream.concat(Arrays.stream(large), ColorGroups.means(entries(others), COLORS - large.length))
                .distinct().toArray();
    }

    /** Colours with their numbers of pixels; where there are very many, those that are much alike as their mean. */
    private List<ColorGroups.Entry> entries(int[] rgbs) {
        int bits = 8;
        while (distinct(rgbs, mask(bits)) > MOST_GROUPED) {
            bits--;
        }
        int mask = mask(bits);
        Map<Integer, ColorGroups.Entry> entries = new HashMap<>();
        for (int rgb : rgbs) {
            entries.merge(rgb & mask, ColorGroups.Entry.of(rgb, table[rgb]), ColorGroups.Entry::and);
        }
        return List.copyOf(entries.values());
    }

    private static int mask(int bits) {
        return (0xff << 8 - bits & 0xff) * 0x010101;
    }

    private static int distinct(int[] rgbs, int mask) {
        BitSet seen = new BitSet(1 << 24);
        for (int rgb : rgbs) {
            seen.set(rgb & mask);
        }
        return seen.cardinality();
    }

    private int nearest(int rgb) {
        int best = 0;
        int least = Integer.MAX_VALUE;
        for (int color : colors) {
            int red = (color >> 16) - (rgb >> 16);
            int green = (color >> 8 & 0xff) - (rgb >> 8 & 0xff);
            int blue = (color & 0xff) - (rgb & 0xff);
            int distance = red * red + green * green + blue * blue;
            if (distance < least) {
                least = distance;
                best = color;
            }
        }
        return best;
    }
}
