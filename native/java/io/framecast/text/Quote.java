package io.framecast.text;

/**
 * Makes untrusted text (from files, names, arguments, other libraries) safe to print inside a message. The text must
 * not move the cursor, change colours, reverse the writing direction, add lines or fill the screen.
 */
public final class Quote {

    /** The longest quotation of a file's content, in characters. */
    static final int LONGEST_QUOTE = 200;

    /** The longest message: two paths of maximal length in Linux, and a sentence around them. */
    static final int LONGEST_MESSAGE = 2 * 4096 + 1000;

    private Quote() {
    }

    /** At most about 200 characters of a file's content, escaped as in {@link #line}; "..." marks omitted text. */
    public static String of(Object content) {
        return cut(String.valueOf(content), LONGEST_QUOTE);
    }

    /** A whole message on one line, escaped as in {@link #line} and cut at the maximal length. */
    public static String message(String message) {
        return cut(message, LONGEST_MESSAGE);
    }

    private static String cut(String text, int longest) {
        String line = line(text.substring(0, Math.min(longest, text.length())));
        return text.length() <= longest && line.length() <= longest ? line
                : line.substring(0, Math.min(longest, line.length())) + "...";
    }

    /**
     * The text with {@code \n}, <code>&#92;u001b</code> and the like in place of invisible characters: control
     * characters, line ends, direction marks, unpaired surrogates.
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
            // Except the joiners that are needed to write Persian, Indian scripts and emoji.
            case Character.FORMAT -> character == 0x200c || character == 0x200d;
            default -> true;
        };
    }
}
