package io.framecast.tools.render;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One palette of at most 256 colours for all pictures of an animation, so that nothing flickers. If the pictures have
 * no more colours than that, these are the palette; else {@link ColorGroups} chooses them, so that colours of large
 * areas stay exact. A pixel takes the nearest colour, without dithering: flat areas stay flat.
 */
final class GifPalette {

    private static final int COLORS = 256;
    /** If pictures have more colours than this, similar colours count as one. */
    private static final int MOST_TOLD_APART = 1 << 15;

    /** The pixels of each colour. The key is the colour reduced to the bits per channel that are used at present. */
    private Map<Integer, ColorGroups.Entry> counts = new HashMap<>();
    private int mask = 0xff;
    private int[] colors;
    private final Map<Integer, Integer> nearest = new HashMap<>();

    /** Counts a picture's colours. All pictures must be counted before {@link #build}. */
    void count(Picture picture) {
        int[] pixels = picture.pixels;
        for (int from = 0, to; from < pixels.length; from = to) {
            to = from + 1;
            while (to < pixels.length && pixels[to] == pixels[from]) {
                to++;
            }
            counts.merge(pixels[from] & mask * 0x010101, ColorGroups.Entry.of(pixels[from] & 0xffffff, to - from),
                    ColorGroups.Entry::and);
            while (counts.size() > MOST_TOLD_APART) {
                tellFewerApart();
            }
        }
    }

    /** Uses one bit less of red, green and blue. */
    private void tellFewerApart() {
        mask = mask << 1 & 0xff;
        Map<Integer, ColorGroups.Entry> fewer = new HashMap<>();
        counts.forEach((key, entry) -> fewer.merge(key & mask * 0x010101, entry, ColorGroups.Entry::and));
        counts = fewer;
    }

    /** Chooses the colours. */
    void build() {
        colors = ColorGroups.means(List.copyOf(counts.values()), COLORS);
        counts = Map.of();
    }

    /** Replaces every pixel of a picture by its colour in the palette. */
    void apply(Picture picture) {
        int[] pixels = picture.pixels;
        for (int from = 0, to; from < pixels.length; from = to) {
            int rgb = pixels[from];
            int color = nearest.computeIfAbsent(rgb & 0xffffff, this::nearest);
            for (to = from; to < pixels.length && pixels[to] == rgb; to++) {
                pixels[to] = color;
            }
            if (nearest.size() > MOST_TOLD_APART) {
                nearest.clear();
            }
        }
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
