package io.framecast.text;

/**
 * Text from elsewhere (files, names, arguments, other libraries) within a sentence for a person. It must not move the
 * cursor, colour the screen, turn the direction of writing or forge a second line, and it must not fill the screen.
 */
public final class Quote {

    /** What tells a person which part of a file is meant, and no more. */
    static final int LONGEST_QUOTE = 200;

    /** Two paths as long as Linux takes them, and a sentence around them. */
    static final int LONGEST_MESSAGE = 2 * 4096 + 1000;

    private Quote() {
    }

    /** At most some 200 characters of a file's content: {@link #line} of it, and "..." for what is left out. */
    public static String of(Object content) {
        return cut(String.valueOf(content), LONGEST_QUOTE);
    }

    /** A whole message, on one line; what no message of this program needs is left out at its end. */
    public static String message(String message) {
        return cut(message, LONGEST_MESSAGE);
    }

    private static String cut(String text, int longest) {
        String line = line(text.substring(0, Math.min(longest, text.length())));
        return text.length() <= longest && line.length() <= longest ? line
                : line.substring(0, Math.min(longest, line.length())) + "...";
    }

    /**
     * The text with {@code \n}, <code>&#92;u001b</code> and the like in place of what is no visible character: control
     * characters, ends of lines, marks of direction, halves of surrogate pairs.
     */
    public static String line(String text) {
        StringBuilder line = new StringBuilder();
        text.codePoints().forEach(c -> {
            if (isVisible(c)) {
                line.appendCodePoint(c);
            } else if (c == '\n' || c == '\r' || c == '\t') {
                line.append(c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
            } else {
                line.append(c < 0x10000 ? String.format("\\u%04x", c) : String.format("\\U%08x", c));
            }
        });
        return line.toString();
    }

    private static boolean isVisible(int character) {
        return switch (Character.getType(character)) {
            case Character.CONTROL, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR, Character.SURROGATE ->
                    false;
            // But for the joiners that Persian, Indian scripts and emoji are written with.
            case Character.FORMAT -> character == 0x200c || character == 0x200d;
            default -> true;
        };
    }
}
