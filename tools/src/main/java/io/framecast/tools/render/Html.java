package io.framecast.tools.render;

import java.util.List;
import java.util.stream.Collectors;

/** Text and tables as HTML that is well-formed XML too. */
final class Html {

    private Html() {
    }

    /** Text for element content or a quoted attribute; characters that XML does not allow become U+FFFD. */
    static String escape(String text) {
        StringBuilder out = new StringBuilder(text.length());
        text.codePoints().forEach(c -> {
            switch (c) {
                case '&' -> out.append("&amp;");
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                case '"' -> out.append("&quot;");
                case '\'' -> out.append("&#39;");
                default -> out.appendCodePoint(allowed(c) ? c : 0xfffd);
            }
        });
        return out.toString();
    }

    private static boolean allowed(int c) {
        return c == '\t' || c == '\n' || c == '\r' || c >= 0x20 && c <= 0xd7ff || c >= 0xe000 && c <= 0xfffd
                || c >= 0x10000;
    }

    /** A table of plain text whose first column names the row; it scrolls sideways where the page is narrow. */
    static String table(List<String> head, List<List<String>> rows) {
        return "<div class=\"scroll\"><table>\n<thead>" + row("th", head) + "</thead>\n<tbody>\n"
                + rows.stream().map(r -> row("td", r) + "\n").collect(Collectors.joining())
                + "</tbody></table></div>\n";
    }

    private static String row(String cell, List<String> cells) {
        return cells.stream().map(text -> "<" + cell + ">" + escape(text) + "</" + cell + ">")
                .collect(Collectors.joining("", "<tr>", "</tr>"));
    }
}
