package io.framecast.tools.render;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Text and tables as HTML that is also well-formed XML. */
public final class Html {

    private Html() {
    }

    /** Text for element content or a quoted attribute; characters that XML does not allow become U+FFFD. */
    public static String escape(String text) {
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

    /** A table of plain text whose first column is the row's heading; it scrolls horizontally on narrow pages. */
    public static String table(List<String> head, List<List<String>> rows) {
        StringBuilder html = new StringBuilder("<div class=\"scroll\"><table>\n<thead><tr>");
        head.forEach(name -> html.append("<th scope=\"col\">" + escape(name) + "</th>"));
        html.append("</tr></thead>\n<tbody>\n");
        for (List<String> row : rows) {
            html.append("<tr><th scope=\"row\">" + escape(row.get(0)) + "</th>");
            row.stream().skip(1).forEach(cell -> html.append("<td>" + escape(cell) + "</td>"));
            html.append("</tr>\n");
        }
        return html.append("</tbody></table></div>\n").toString();
    }

    /**
     * A self-contained page.
     *
     * @param styles further ones
     * @param content of the body, after the title as its heading
     */
    public static String page(String title, String styles, String content) {
        return """
                <!DOCTYPE html>
                <html lang="en">
                <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <title>%1$s</title>
                <style>
                %2$s%3$s</style>
                </head>
                <body>
                <main>
                <h1>%1$s</h1>
                %4$s</main>
                </body>
                </html>
                """.formatted(escape(title), styles(), styles, content);
    }

    /** The style sheet of all pages. */
    private static String styles() {
        try (InputStream in = Html.class.getResourceAsStream("report.css")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
