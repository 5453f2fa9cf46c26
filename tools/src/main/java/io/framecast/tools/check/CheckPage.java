package io.framecast.tools.check;

import io.framecast.files.AtomicFiles;
import io.framecast.tools.check.stage.Check;
import io.framecast.tools.check.stage.Outcome;
import io.framecast.tools.check.stage.Stage;
import io.framecast.tools.check.stage.StageResult;
import io.framecast.tools.check.stage.Table;
import io.framecast.tools.render.Html;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** The results of a check as one self-contained HTML page, without scripts. */
final class CheckPage {

    private static final String STYLES = """
            .passed { color: var(--good, #18794e); } .failed { color: var(--bad, #c62828); font-weight: 600; }
            .skipped { opacity: .7; }
            .bar { display: inline-block; width: 10em; height: .7em; background: #8883; margin-right: .5em; }
            .bar i { display: block; height: 100%; background: #3b82c4; }
            td, th { text-align: left; vertical-align: top; }
            """;

    private CheckPage() {
    }

    static void write(Path file, String title, String verdict, List<StageResult> results) {
        AtomicFiles.write(file, html(title, verdict, results));
    }

    private static String html(String title, String verdict, List<StageResult> results) {
        StringBuilder html = new StringBuilder("<p class=\"notice\">" + Html.escape(verdict) + "</p>\n");
        html.append("<div class=\"scroll\"><table>\n<thead><tr><th>stage</th><th>outcome</th><th>what was found</th>"
                + "<th>seconds</th></tr></thead>\n<tbody>\n");
        for (StageResult result : results) {
            html.append("<tr><th scope=\"row\"><a href=\"#" + result.stage() + "\">" + result.stage() + "</a></th><td>"
                    + outcome(result.outcome()) + "</td><td>" + Html.escape(result.summary()) + "</td><td>"
                    + seconds(result.seconds()) + "</td></tr>\n");
        }
        html.append("</tbody></table></div>\n");
        for (StageResult result : results) {
            section(html, result);
        }
        return Html.page(title, STYLES, html.toString());
    }

    private static void section(StringBuilder html, StageResult result) {
        html.append("<section id=\"" + result.stage() + "\">\n<h2>"
                + Html.escape(Stage.valueOf(result.stage().toUpperCase(Locale.ROOT)).title()) + "</h2>\n<p>"
                + outcome(result.outcome()) + ": " + Html.escape(result.summary()) + "</p>\n");
        result.tables().forEach(table -> table(html, table));
        if (!result.checks().isEmpty()) {
            html.append("<details" + (result.outcome() == Outcome.FAILED ? " open=\"open\"" : "")
                    + "><summary>All checks</summary>\n<div class=\"scroll\"><table>\n<thead><tr><th>check</th>"
                    + "<th>outcome</th><th>largest error</th><th>bound</th><th>error as a share of the bound</th>"
                    + "<th>seconds</th>"
                    + "</tr></thead>\n<tbody>\n");
            result.checks().forEach(check -> check(html, check));
            html.append("</tbody></table></div></details>\n");
        }
        html.append("</section>\n");
    }

    private static void check(StringBuilder html, Check check) {
        html.append("<tr><th scope=\"row\">" + Html.escape(check.name()) + "</th><td>" + outcome(check.outcome())
                + (check.why() == null ? "" : ": " + Html.escape(check.why())) + "</td>");
        if (check.error() == null) {
            html.append("<td></td><td></td><td></td>");
        } else {
            html.append("<td>" + number(check.error()) + "</td><td>" + number(check.bound()) + "</td><td>"
                    + bar(check.share()) + "</td>");
        }
        html.append("<td>" + seconds(check.seconds()) + "</td></tr>\n");
    }

    private static void table(StringBuilder html, Table table) {
        html.append("<h3>" + Html.escape(table.title()) + "</h3>\n");
        if (!table.note().isEmpty()) {
            html.append("<p>" + Html.escape(table.note()) + "</p>\n");
        }
        html.append("<div class=\"scroll\"><table>\n<thead><tr>");
        table.head().forEach(name -> html.append("<th>" + Html.escape(name) + "</th>"));
        html.append("</tr></thead>\n<tbody>\n");
        for (List<String> row : table.rows()) {
            html.append("<tr>");
            for (String cell : row) {
                html.append("<td>" + (cell.matches("[0-9.]+%") ? bar(Double.parseDouble(
                        cell.substring(0, cell.length() - 1)) / 100) : Html.escape(cell)) + "</td>");
            }
            html.append("</tr>\n");
        }
        html.append("</tbody></table></div>\n");
    }

    /** A share of a whole, as a bar and as a number. */
    private static String bar(double share) {
        double percent = 100 * share;
        return String.format(Locale.ROOT, "<span class=\"bar\"><i style=\"width:%.1f%%\"></i></span>%s",
                Math.max(0, Math.min(100, Double.isFinite(percent) ? percent : 100)),
                Double.isFinite(percent) ? String.format(Locale.ROOT, "%.1f %%", percent) : "beyond it");
    }

    private static String outcome(Outcome outcome) {
        return "<span class=\"" + outcome + "\">" + outcome + "</span>";
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.3g", value);
    }

    private static String seconds(double value) {
        return String.format(Locale.ROOT, "%.1f", value);
    }
}
