package io.framecast.tools.render;

/** The colours that the pictures share, as 0xRRGGBB. */
final class Palette {

    /** Frames of the context. */
    static final int SEEN = 0x8b93a1;
    /** Predicted frames. */
    static final int PREDICTED = 0xf28c28;

    static final int PAPER = 0xffffff;
    static final int INK = 0x2b2f36;
    static final int FAINT = 0xd9dce1;

    /** The curves, in order; the report's style sheet has the same colours. */
    static final int[] SERIES = {0x2f6fb2, 0xd9741a, 0x8b93a1};

    private Palette() {
    }
}
