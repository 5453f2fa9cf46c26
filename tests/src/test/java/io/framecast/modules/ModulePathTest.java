package io.framecast.modules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The jars are modules, and all of the engine works from a module that requires them. Needs the jars: mvn verify. */
class ModulePathTest {

    private static final Set<String> OURS = Set.of("io.framecast", "io.framecast.natives", "io.framecast.kernels",
            "io.framecast.tools");

    @TempDir
    private static Path directory;

    /** The jars of the class path but for the tests' libraries. */
    private static List<Path> jars() {
        return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator)).map(Path::of)
                .filter(path -> path.toString().endsWith(".jar"))
                .filter(path -> !path.toString().matches(".*(junit|opentest4j|apiguardian|surefire).*")).toList();
    }

    private static String modulePath() {
        return jars().stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator));
    }

    @Test
    void everyJarIsAModuleAndNoPackageIsInTwo() {
        Map<String, String> owners = new HashMap<>();
        Set<String> names = new TreeSet<>();
        for (ModuleReference module : ModuleFinder.of(jars().toArray(Path[]::new)).findAll()) {
            String name = module.descriptor().name();
            names.add(name);
            for (String packageName : module.descriptor().packages()) {
                assertNull(owners.put(packageName, name), packageName + " is in " + name + " and in another module");
            }
        }
        assertTrue(names.containsAll(OURS), names.toString());
        assertEquals("io.framecast.natives", owners.get("io.framecast"));
        assertEquals("io.framecast", owners.get("io.framecast.nn"));
    }

    @Test
    void whatIsNotApiIsNotExported() {
        ModuleFinder modules = ModuleFinder.of(jars().toArray(Path[]::new));
        Map<String, Set<String>> exported = new TreeMap<>();
        for (String name : List.of("io.framecast", "io.framecast.natives", "io.framecast.tools")) {
            ModuleDescriptor module = modules.find(name).orElseThrow().descriptor();
            assertFalse(module.isAutomatic(), name);
            exported.put(name, module.exports().stream().filter(export -> !export.isQualified())
                    .map(ModuleDescriptor.Exports::source).collect(Collectors.toCollection(TreeSet::new)));
        }
        assertEquals(Map.of("io.framecast", Set.of("io.framecast.backend", "io.framecast.data", "io.framecast.device",
                "io.framecast.distributed", "io.framecast.keras", "io.framecast.nn", "io.framecast.predict",
                "io.framecast.train", "io.framecast.video"),
                "io.framecast.natives", Set.of("io.framecast"), "io.framecast.tools", Set.of()), exported);
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "softgpu"})
    void aModuleOfAUserTrainsWithAllResources(String device) throws Exception {
        String source;
        try (InputStream in = ModulePathTest.class.getResourceAsStream("/modules/UserModule.java.txt")) {
            source = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        String output = run("user.Main", source, device);
        assertTrue(output.contains("layers of the preset: ") && output.contains("digits: 10000"), output);
        assertTrue(output.contains("oneDNN's libraries: true"), output);
        assertTrue(output.contains("modules: io.framecast of user"), output);
        List<Double> losses = Pattern.compile("loss (\\S+)").matcher(output).results()
                .map((MatchResult match) -> Double.valueOf(match.group(1))).toList();
        assertEquals(3, losses.size(), output);
        assertTrue(losses.get(2) < losses.get(0), output);
    }

    @Test
    void readmesExampleRunsAsAModule() throws Exception {
        String name = "io.framecast.example.MovingSquareExample";
        String source = Files.readString(Path.of("src/test/java", name.replace('.', '/') + ".java"));
        String output = run(name, source, directory.resolve("squares.safetensors").toString());
        assertTrue(output.contains("epoch 10: loss ") && output.contains("4 frames of 256 values"), output);
        // Java 24 and later warn of native code in modules that may not have it.
        assertFalse(output.contains("WARNING"), output);
    }

    /** What a program prints that is the only class of a module, which requires the engine and nothing else. */
    private static String run(String name, String source, String argument) throws Exception {
        Path sources = Files.createDirectories(directory.resolve(name + ".source"));
        Path classes = directory.resolve(name + ".classes");
        Path main = sources.resolve(name.substring(name.lastIndexOf('.') + 1) + ".java");
        Path module = sources.resolve("module-info.java");
        Files.writeString(main, source);
        Files.writeString(module, "module user { requires io.framecast; }");
        int status = ToolProvider.findFirst("javac").orElseThrow().run(System.out, System.err, "-d",
                classes.toString(), "-p", modulePath(), main.toString(), module.toString());
        assertEquals(0, status);

        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java")
                .toString(), "-p", classes + File.pathSeparator + modulePath()));
        if (Runtime.version().feature() >= 24) {
            command.add(nativeAccess());
        }
        command.addAll(List.of("-m", "user/" + name, argument));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try {
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertTrue(process.waitFor(60, TimeUnit.SECONDS));
            assertEquals(0, process.exitValue(), output);
            return output;
        } finally {
            process.destroyForcibly();
        }
    }

    /** The option that README names. */
    private static String nativeAccess() throws IOException {
        Matcher option = Pattern.compile("--enable-native-access=io[\\w.,]+")
                .matcher(Files.readString(Path.of("../README.md")));
        assertTrue(option.find());
        return option.group();
    }
}
