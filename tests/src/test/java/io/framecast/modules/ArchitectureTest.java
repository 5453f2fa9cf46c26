package io.framecast.modules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Packages depend on each other in one direction. Read from the sources: imports and names with their packages. */
class ArchitectureTest {

    private static final List<Path> SOURCES = Stream.of("native/java", "java/src/main/java", "tools/src/main/java",
            "tools/peer/src/main/java").map(Path.of("..")::resolve).toList();

    private static final String OURS = "io.framecast";

    private static final Pattern COMMENT = Pattern.compile("/\\*.*?\\*/|//[^\\n]*", Pattern.DOTALL);
    private static final Pattern PACKAGE = Pattern.compile("(?m)^package ([\\w.]+);");
    /** A package and a type of it. */
    private static final Pattern NAME = Pattern.compile("\\b((?:[a-z]\\w*\\.)+)[A-Z*]");

    /** The packages that each package of ours names. */
    private static final Map<String, Set<String>> NAMED = new TreeMap<>();

    @BeforeAll
    static void read() throws IOException {
        for (Path source : SOURCES) {
            try (Stream<Path> files = Files.walk(source)) {
                for (Path file : files.filter(path -> path.toString().endsWith(".java")
                        && !path.endsWith("module-info.java")).toList()) {
                    add(COMMENT.matcher(Files.readString(file)).replaceAll(""));
                }
            }
        }
        assertTrue(NAMED.size() > 20, () -> "Too few packages were found: " + NAMED.keySet());
    }

    private static void add(String code) {
        Matcher own = PACKAGE.matcher(code);
        assertTrue(own.find(), code);
        Set<String> named = NAMED.computeIfAbsent(own.group(1), name -> new TreeSet<>());
        Matcher name = NAME.matcher(code);
        while (name.find()) {
            named.add(name.group(1).substring(0, name.group(1).length() - 1));
        }
        named.remove(own.group(1));
    }

    @Test
    void noPackageNeedsOneThatNeedsIt() {
        List<String> circles = new ArrayList<>();
        for (String start : NAMED.keySet()) {
            circle(start, List.of(start), new HashSet<>(), circles);
        }
        assertEquals(List.of(), circles, "packages that need each other");
    }

    /** Adds the first way found from the last package of {@code way} back to {@code start}. */
    private static boolean circle(String start, List<String> way, Set<String> seen, List<String> circles) {
        for (String next : NAMED.getOrDefault(way.get(way.size() - 1), Set.of())) {
            List<String> longer = Stream.concat(way.stream(), Stream.of(next)).toList();
            if (next.equals(start)) {
                return circles.add(String.join(" -> ", longer));
            }
            if (seen.add(next) && circle(start, longer, seen, circles)) {
                return true;
            }
        }
        return false;
    }

    /** What computes knows nothing of what it is computed for, and the engine nothing of its command line. */
    @Test
    void arrowsPointFromCommandsToTheDevice() {
        List<Set<String>> layers = List.of(Set.of("tools", "peer"), Set.of("predict", "device", "keras"),
                Set.of("train"), Set.of("nn", "data", "video"), Set.of("distributed"), Set.of("backend", "fetch"),
                Set.of("cpu", "mpi", "nccl", "nvrtc", "softgpu", "system", "text", "files", ""));
        List<String> wrong = new ArrayList<>();
        NAMED.forEach((from, named) -> named.stream().filter(ArchitectureTest::isOurs)
                .filter(to -> layer(layers, to) < layer(layers, from)).forEach(to -> wrong.add(from + " -> " + to)));
        assertEquals(List.of(), wrong, "arrows against the direction " + layers);
    }

    /** The number of the layer that has the part of a package's name after io.framecast. */
    private static int layer(List<Set<String>> layers, String name) {
        String room = name.equals(OURS) ? "" : name.split("\\.")[2];
        for (int layer = 0; layer < layers.size(); layer++) {
            if (layers.get(layer).contains(room)) {
                return layer;
            }
        }
        return fail(name + " is in none of the layers " + layers);
    }

    private static boolean isOurs(String name) {
        return isIn(name, OURS);
    }

    /** Layers, the data and those who use them know the interface of a backend; who opens one chooses among them. */
    @Test
    void libraryOfADeviceIsNamedByItsBackendOnly() {
        assertOnly("jcuda", "io.framecast.backend.cuda", "io.framecast.softgpu");
        assertOnly("org.bytedeco.dnnl", "io.framecast.backend.cpu", "io.framecast.cpu");
        assertOnly("org.bytedeco.ffmpeg", "io.framecast.video");
        assertOnly("io.framecast.cpu", "io.framecast.backend.cpu");
        assertOnly("io.framecast.mpi", "io.framecast.distributed");
        assertOnly("io.framecast.nccl", "io.framecast.backend.cuda.collective");
        assertOnly("io.framecast.nvrtc", "io.framecast.backend.cuda.compiler");
        assertOnly("io.framecast.softgpu", "io.framecast.backend.cuda.driver", "io.framecast.device");
        assertOnly("io.framecast.tools", "io.framecast.peer");
        assertOnly("io.jhdf", "io.framecast.keras");
        assertOnly("picocli", "io.framecast.tools");
        assertOnly("org.bytedeco.pytorch", "io.framecast.peer");
    }

    /** Asserts that a package and those in it are named by certain others and those in them, and by itself only. */
    private static void assertOnly(String named, String... by) {
        List<String> wrong = new ArrayList<>();
        NAMED.forEach((from, all) -> all.stream().filter(to -> isIn(to, named) && !isIn(from, named)
                && Stream.of(by).noneMatch(allowed -> isIn(from, allowed)))
                .forEach(to -> wrong.add(from + " names " + to)));
        assertEquals(List.of(), wrong, named + " is named outside " + List.of(by));
    }

    private static boolean isIn(String name, String outer) {
        return (name + ".").startsWith(outer + ".");
    }
}
