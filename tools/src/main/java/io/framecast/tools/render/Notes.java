package io.framecast.tools.render;

import java.util.ArrayList;
import java.util.List;

/** Lines of small text in a picture, on what it reduces or leaves out; none if it shows everything unchanged. */
record Notes(List<String> lines) {

    private static final int FONT = 2;
    private static final int LINE = PixelFont.HEIGHT * FONT + 2;

    Notes {
        lines = List.copyOf(lines);
    }

    /**
     * The notes of a picture of videos of this shape.
     *
     * @param frames a text on frames that are left out, or ""
     * @param drawn the size at which frames are drawn
     */
    static Notes of(String frames, int height, int width, int channels, FrameSize drawn) {
        List<String> lines = new ArrayList<>();
        if (!frames.isEmpty()) {
            lines.add(frames);
        }
        if (drawn.reduces(height, width)) {
            lines.add("frames of " + height + "x" + width + " pixels reduced to " + drawn.height() + "x"
                    + drawn.width());
        }
        if (!Picture.channelsNote(channels).isEmpty()) {
            lines.add(Picture.channelsNote(channels));
        }
        return new Notes(lines);
    }

    int width() {
        return lines.stream().mapToInt(line -> PixelFont.width(line) * FONT).max().orElse(0);
    }

    /** The height of the lines and of the space below; 0 if there are no lines. */
    int height(int below) {
        return lines.isEmpty() ? 0 : lines.size() * LINE - 2 + below;
    }

    void draw(Picture picture, int x, int y, int rgb) {
        for (int k = 0; k < lines.size(); k++) {
            picture.text(lines.get(k), x, y + k * LINE, FONT, rgb);
        }
    }
}
