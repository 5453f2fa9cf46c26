package io.framecast.softgpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The folders of native/softgpu include each other in one direction only. */
class FoldersTest {
    private static final Path ROOT = Path.of("..", "native", "softgpu");
    private static final Pattern INCLUDE = Pattern.compile("#include \"([^\"]+)\"");

    @Test
    void noFolderIncludesOneThatIncludesIt() throws IOException {
        Map<String, Set<String>> includes = includes();
        assertTrue(includes.size() >= 10, () -> "too few folders were found: " + includes.keySet());
        List<String> circles = new ArrayList<>();
        for (String folder : includes.keySet()) {
            if (reachable(folder, includes).contains(folder)) {
                circles.add(folder);
            }
        }
        assertEquals(List.of(), circles, () -> "folders that include each other: " + includes);
    }

    /** The folders that each folder includes, by their paths. */
    private static Map<String, Set<String>> includes() throws IOException {
        Map<String, Set<String>> includes = new TreeMap<>();
        try (Stream<Path> files = Files.walk(ROOT)) {
            for (Path file : files.filter(f -> f.toString().matches(".*\\.(h|cpp|inc)")).toList()) {
                String folder = folder(ROOT.relativize(file));
                Set<String> to = includes.computeIfAbsent(folder, f -> new TreeSet<>());
                Matcher include = INCLUDE.matcher(Files.readString(file));
                while (include.find()) {
                    Path included = Path.of(include.group(1));
                    assertTrue(Files.exists(ROOT.resolve(included)), () -> file + " includes " + included);
                    if (!folder(included).equals(folder)) {
                        to.add(folder(included));
                    }
                }
            }
        }
        return includes;
    }

    private static String folder(Path file) {
        return file.getParent() == null ? "." : file.getParent().toString();
    }

    private static Set<String> reachable(String from, Map<String, Set<String>> includes) {
        Set<String> found = new TreeSet<>();
        List<String> open = new ArrayList<>(includes.get(from));
        while (!open.isEmpty()) {
            String next = open.remove(open.size() - 1);
            if (found.add(next)) {
                open.addAll(includes.get(next));
            }
        }
        return found;
    }
}
