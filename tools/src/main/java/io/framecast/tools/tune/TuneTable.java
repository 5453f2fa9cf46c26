package io.framecast.tools.tune;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * The results of variants, best first. A result is a JSON object with the values of {@link #COLUMNS}; one that failed
 * has the reason as {@code failure} and lacks what was not measured.
 */
public final class TuneTable {

    /** The scores are those of forecasts: MSE and SSIM as in {@code framecast evaluate}. */
    private static final List<String> COLUMNS = List.of("name", "mse", "ssim", "mse_first", "mse_last", "seconds",
            "steps", "videos", "parameters", "gflop_per_video", "failure");

    private final List<JsonNode> rows;

    public TuneTable(List<JsonNode> rows) {
        this.rows = rows.stream()
                .sorted(Comparator.comparingDouble(row -> row.path("mse").asDouble(Double.POSITIVE_INFINITY))).toList();
    }

    public List<JsonNode> rows() {
        return rows;
    }

    public String csv() {
        StringBuilder text = new StringBuilder(String.join(",", COLUMNS)).append('\n');
        for (JsonNode row : rows) {
            text.append(COLUMNS.stream().map(column -> quoted(row.path(column).asText("")))
                    .collect(Collectors.joining(","))).append('\n');
        }
        return text.toString();
    }

    private static String quoted(String cell) {
        return cell.matches("[^\",\\n]*") ? cell : '"' + cell.replace("\"", "\"\"") + '"';
    }

    /** The failures are sentences below the table. */
    public String markdown() {
        StringBuilder text = new StringBuilder("""
                | variant | MSE | SSIM | MSE, first frame | MSE, last frame | seconds | videos | parameters \
                | GFLOP a video |
                | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
                """);
        for (JsonNode row : rows) {
            text.append("| ").append(row.path("name").asText()).append(" | ")
                    .append(row.has("failure") ? "failed" : number(row, "mse", "%.2f"))
                    .append(" | ").append(number(row, "ssim", "%.3f"))
                    .append(" | ").append(number(row, "mse_first", "%.2f"))
                    .append(" | ").append(number(row, "mse_last", "%.2f"))
                    .append(" | ").append(number(row, "seconds", "%.1f"))
                    .append(" | ").append(number(row, "videos", "%.0f"))
                    .append(" | ").append(number(row, "parameters", "%.0f"))
                    .append(" | ").append(number(row, "gflop_per_video", "%.3f")).append(" |\n");
        }
        rows.stream().filter(row -> row.has("failure")).forEach(row -> text.append("\n").append(
                row.path("name").asText()).append(" failed: ").append(row.path("failure").asText()).append("\n"));
        return text.toString();
    }

    private static String number(JsonNode row, String column, String format) {
        return row.path(column).isNumber() ? String.format(Locale.ROOT, format, row.path(column).asDouble()) : "";
    }
}
