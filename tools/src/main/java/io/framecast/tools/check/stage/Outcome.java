package io.framecast.tools.check.stage;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** How a check or a stage ended. */
public enum Outcome {
    /** It is as it should be. */
    PASSED,
    /** It is not. */
    FAILED,
    /** It was not tried; the reason is said. */
    SKIPPED;

    @JsonValue
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
