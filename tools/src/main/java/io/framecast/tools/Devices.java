package io.framecast.tools;

import io.framecast.device.Availability;
import io.framecast.tools.option.Remedies;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The available devices, and why the others are not available, as text. */
final class Devices {

    private Devices() {
    }

    /** One line for each device, for NVRTC, and for each library of --conv vendor. */
    static List<String> describe() {
        List<String> lines = new ArrayList<>();
        Map<String, String> first = new HashMap<>();
        for (Availability part : Availability.all()) {
            String answer = part.whyNot().map(e -> "no   " + Remedies.sentence(e)).orElse("yes  " + part.description());
            String same = first.putIfAbsent(answer, part.name());
            lines.add("%-9s".formatted(part.name())
                    + (same == null ? answer : "no   for the same reason as " + same));
        }
        return lines;
    }
}
