package io.framecast.modules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.InputStream;
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
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
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

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "softgpu"})
    void aModuleOfAUserTrainsWithAllResources(String device) throws Exception {
        Path source = Files.createDirectories(directory.resolve("source"));
        Path classes = directory.resolve("classes");
        try (InputStream in = ModulePathTest.class.getResourceAsStream("/modules/UserModule.java.txt")) {
            Files.write(source.resolve("Main.java"), in.readAllBytes());
        }
        Files.writeString(source.resolve("module-info.java"), "module user { requires io.framecast; }");
        int status = ToolProvider.findFirst("javac").orElseThrow().run(System.out, System.err, "-d",
                classes.toString(), "-p", modulePath(), source.resolve("Main.java").toString(),
                source.resolve("module-info.java").toString());
        assertEquals(0, status);

        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java")
                .toString(), "-p", classes + File.pathSeparator + modulePath(),
                // An automatic module cannot say that it requires Jackson and JavaCPP, which are explicit ones.
                "--add-modules", "ALL-MODULE-PATH"));
        if (Runtime.version().feature() >= 24) { // The modules that load native libraries.
            command.add("--enable-native-access=org.bytedeco.javacpp,io.framecast,io.framecast.natives,jcuda");
        }
        command.addAll(List.of("-m", "user/user.Main", device));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try {
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertTrue(process.waitFor(60, TimeUnit.SECONDS));
            assertEquals(0, process.exitValue(), output);
            assertTrue(output.contains("layers of the preset: ") && output.contains("digits: 10000"), output);
            assertTrue(output.contains("modules: io.framecast of user"), output);
            List<Double> losses = Pattern.compile("loss (\\S+)").matcher(output).results()
                    .map((MatchResult match) -> Double.valueOf(match.group(1))).toList();
            assertEquals(3, losses.size(), output);
            assertTrue(losses.get(2) < losses.get(0), output);
        } finally {
            process.destroyForcibly();
        }
    }
}
