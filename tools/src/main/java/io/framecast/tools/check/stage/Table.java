package io.framecast.tools.check.stage;

import java.util.List;
import java.util.Locale;

/**
 * What a stage measured or found.
 *
 * @param title above it
 * @param note a sentence below the title; may be empty
 * @param head the columns
 * @param rows as texts; a cell that is a share of a ceiling ends with "%"
 */
public record Table(String title, String note, List<String> head, List<List<String>> rows) {

    /** A number as a cell; "-" if it is not known. */
    static String number(String format, double value) {
        return Double.isFinite(value) ? String.format(Locale.ROOT, format, value) : "-";
    }
}
