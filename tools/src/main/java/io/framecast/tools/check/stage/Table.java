package io.framecast.tools.check.stage;

import java.util.List;

/**
 * What a stage measured or found.
 *
 * @param title above it
 * @param note a sentence below the title; may be empty
 * @param head the columns
 * @param rows as texts; a cell that is a share of a ceiling ends with "%"
 */
public record Table(String title, String note, List<String> head, List<List<String>> rows) {
}
