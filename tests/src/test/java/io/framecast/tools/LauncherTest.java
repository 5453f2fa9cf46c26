package io.framecast.tools;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * {@code tools/framecast}, in a checkout with few sources. A script in place of Maven "builds" the tested program: like
 * Maven, it overwrites files in {@code target/}, and writes jars to the directory that the launcher chooses.
 */
@Timeout(240)
class LauncherTest {

    private static final String MAVEN = """
            #!/usr/bin/env bash
            set -eu
            while [ $# -gt 0 ]; do
                case $1 in
                    -Pno-softgpu) softgpu=without ;;
                    -Djars=*) jars=${1#-Djars=} ;;
                    -f) pom=$2 ;;
                esac
                shift
            done
            printf '\\033[0m\\033[1;31m' # As Maven does, with or without --batch-mode.
            case $pom in *:*) echo "a class path cannot hold $pom" >&2; exit 1 ;; esac
            [ "$pom" -ef pom.xml ]
            for part in '[INFO] --- exec:exec (make-cpu) @ framecast-native ---' \\
                    '[INFO] --- compiler:compile (default-compile) @ framecast-java ---'; do
                [ -z "${PARTS:-}" ] || echo "$part"
            done
            mkdir -p tools/target/lib
            while read -r jar; do
                case $jar in
                    *framecast-tools*) cat "$jar" >"tools/target/${jar##*/}" ;;
                    *) cat "$jar" >"$jars/${jar##*/}"; cat "$jar" >"tools/target/lib/${jar##*/}" ;;
                esac
            done <"$PROGRAM"
            echo "${softgpu:-with the software device}" >>tools/target/builds
            """;

    private static final List<String> SOURCES = List.of("pom.xml", "cuda-kernels/pom.xml", "cuda-kernels/a.cu",
            "cuda-kernels/convolution/a.cuh", "native/pom.xml", "native/cpu/a.cpp", "native/java/A.java",
            "native/loading/a.h", "native/mpi/a.c", "native/nccl/a.h", "native/nvrtc/a.h", "native/softgpu/a.cpp",
            "java/pom.xml", "java/src/main/java/A.java", "tools/pom.xml", "tools/src/main/java/B.java",
            "tools/peer/pom.xml", "tools/peer/src/main/java/P.java", "tools/peer/pytorch_gpu.py",
            "tests/src/test/resources/golden/a.safetensors");

    private static final String BUILDING =
            "framecast: building (about half a minute on two cores the first time, and its downloads)\n";
    private static final String BUILDING_SOFTGPU =
            "framecast: building (about two minutes on two cores the first time, for the software CUDA device)\n";
    /** A line that the JVM prints about its environment. */
    private static final String JVM_SAYS = "Picked up JAVA_TOOL_OPTIONS.*\n";

    @TempDir
    static Path shared;
    private static Path program;
    private static Path maven;

    @TempDir
    Path directory;
    private Path checkout;

    private record Said(int status, String out, String err) {
    }

    /**
     * Lists the program's jars: the class path of this test without the tests, their own dependencies, and CUDA's
     * natives.
     */
    @BeforeAll
    static void prepareTheProgram() throws IOException {
        assumeTrue("UTF-8".equals(System.getProperty("sun.jnu.encoding")), "needs a UTF-8 locale");
        List<String> jars = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            Path path = Path.of(entry).toAbsolutePath();
            String name = path.getFileName().toString();
            if (!Files.isDirectory(path)) {
                boolean unused = name.matches("(junit|apiguardian|opentest4j|cuda-redist|jcu.*-natives).*");
                if (name.endsWith(".jar") && !unused) {
                    jars.add(path.toString());
                }
            } else if (!path.endsWith("tests/target/classes") && !path.endsWith("tests/target/test-classes")) {
                String module = path.getParent().getParent().getFileName().toString();
                Path jar = shared.resolve("framecast-" + module + "-" + Main.VERSION + ".jar");
                assertEquals(0, ToolProvider.findFirst("jar").orElseThrow().run(System.out, System.err, "--create",
                        "--no-compress", "--file", jar.toString(), "-C", entry, "."));
                jars.add(jar.toString());
            }
        }
        program = Files.write(shared.resolve("program"), jars);
        maven = Files.createDirectory(shared.resolve("bin"));
        Path script = Workplace.write(maven.resolve("mvn"), MAVEN);
        assertTrue(script.toFile().setExecutable(true));
    }

    @BeforeEach
    void prepare() throws IOException {
        checkout(directory.resolve("framecast"));
    }

    private void checkout(Path where) throws IOException {
        checkout = where;
        for (String source : SOURCES) {
            Files.createDirectories(checkout.resolve(source).getParent());
            Workplace.write(checkout.resolve(source), "of " + source);
        }
        Files.copy(Path.of("../tools/framecast"), checkout.resolve("tools/framecast"));
        assertTrue(checkout.resolve("tools/framecast").toFile().setExecutable(true));
    }

    /** Prepares the launcher in the given directory, with these variables added to the environment. */
    private ProcessBuilder launcher(Path in, List<String> variables, Object... arguments) {
        List<String> command = new ArrayList<>(List.of("env", "PATH=" + maven + ":" + System.getenv("PATH"),
                "PROGRAM=" + program, "JAVA_HOME=" + System.getProperty("java.home")));
        command.addAll(variables);
        command.add(checkout.resolve("tools/framecast").toString());
        for (Object argument : arguments) {
            command.addAll(List.of(argument.toString().split(" ")));
        }
        return new ProcessBuilder(command).directory(in.toFile());
    }

    private static Said run(ProcessBuilder command) throws IOException, InterruptedException {
        Path out = Files.createTempFile(shared, "out", "");
        Path err = Files.createTempFile(shared, "err", "");
        int status = command.redirectOutput(out.toFile()).redirectError(err.toFile()).start().waitFor();
        String errors = Files.readString(err).replaceAll(JVM_SAYS, "");
        return new Said(status, Files.readString(out), errors);
    }

    private Said version(String... variables) throws IOException, InterruptedException {
        return run(launcher(directory, List.of(variables), "--version"));
    }

    /** Asserts that the launcher builds first, or does not, and then runs the command. */
    private void assertBuilds(boolean builds) throws IOException, InterruptedException {
        Said said = version();
        assertEquals("framecast " + Main.VERSION + "\n", said.out, said::toString);
        assertEquals(builds ? BUILDING : "", said.err);
    }

    private List<Path> built() throws IOException {
        try (Stream<Path> list = Files.list(checkout.resolve("tools/dist"))) {
            return list.filter(Files::isDirectory).toList();
        }
    }

    private static void delete(Path tree) throws IOException {
        try (Stream<Path> walk = Files.walk(tree)) {
            for (Path path : (Iterable<Path>) walk.sorted(Comparator.reverseOrder())::iterator) {
                Files.delete(path);
            }
        }
    }

    private static void signal(String name, Process process) throws IOException, InterruptedException {
        assertEquals(0, new ProcessBuilder("sh", "-c", "kill -" + name + " " + process.pid()).start().waitFor());
    }

    @Test
    void whatIsBuiltWhileATrainingRunsDoesNotReachIt() throws Exception {
        Workplace work = Workplace.in(directory);
        Path run = work.file("run");
        Path err = directory.resolve("err");
        Process training = launcher(directory, List.of(), "train --device cpu --threads 1 --epochs 10",
                "--batch-size 2 --data", work.data(), "--model", work.model(), "--out", run)
                .redirectError(err.toFile()).start();
        try {
            BufferedReader out = training.inputReader(StandardCharsets.UTF_8);
            String line = out.readLine();
            while (line != null && !line.startsWith("training")) {
                line = out.readLine();
            }
            assertNotNull(line, () -> "ended early: " + training.exitValue());
            signal("STOP", training);
            assertFalse(Files.exists(run.resolve("report.html")), "it should not be that quick");

            // Meanwhile the launcher builds other sources, into a program that does not run. Then `mvn clean`.
            Workplace.write(checkout.resolve("java/src/main/java/A.java"), "other");
            Path broken = Files.createDirectory(directory.resolve("broken"));
            List<String> jars = new ArrayList<>();
            for (String jar : Files.readAllLines(program)) {
                jars.add(Workplace.write(broken.resolve(Path.of(jar).getFileName()), "").toString());
            }
            Said other = version("PROGRAM=" + Files.write(directory.resolve("broken.list"), jars));
            assertTrue(other.status != 0 && other.err.startsWith(BUILDING), other::toString);
            assertEquals(2, built().size());
            delete(checkout.resolve("tools/target"));

            signal("CONT", training);
            List<String> rest = out.lines().toList();
            assertTrue(training.waitFor(30, TimeUnit.SECONDS));
            assertEquals(BUILDING, Files.readString(err).replaceAll(JVM_SAYS, ""));
            assertEquals(0, training.exitValue());
            assertEquals("report: " + run.resolve("report.html"), rest.get(rest.size() - 1));
        } finally {
            training.destroyForcibly().waitFor();
        }

        // No process uses the build of the earlier sources any more.
        Workplace.write(checkout.resolve("java/src/main/java/A.java"), "again other");
        assertBuilds(true);
        assertEquals(1, built().size());
    }

    @Test
    void itIsBuiltAnewWhereTheContentOfSourcesIsNew() throws Exception {
        Path source = checkout.resolve("native/cpu/a.cpp");
        FileTime past = FileTime.from(Instant.now().minus(Duration.ofDays(2)));
        Files.setLastModifiedTime(source, past);
        assertBuilds(true);
        assertBuilds(false);

        for (String output : List.of("tools/forecast.npy", "tools/run/report.html", "native/forecast.npy",
                "java/src/main/java/.A.java.swp", "tests/src/test/java/C.java")) {
            Files.createDirectories(checkout.resolve(output).getParent());
            Workplace.write(checkout.resolve(output), "no source");
        }
        Files.setLastModifiedTime(checkout.resolve("tools/src/main/java/B.java"),
                FileTime.from(Instant.now().plus(Duration.ofDays(1))));
        assertBuilds(false);

        // Like a copy that keeps modification times. Maven and make, which compare times, must notice the change, too.
        Workplace.write(source, "other");
        Files.setLastModifiedTime(source, past);
        Path unchanged = checkout.resolve("native/java/A.java");
        Files.setLastModifiedTime(unchanged, past);
        assertBuilds(true);
        assertTrue(Files.getLastModifiedTime(source).toInstant().isAfter(Instant.now().minus(Duration.ofMinutes(2))));
        assertEquals(past.to(TimeUnit.SECONDS), Files.getLastModifiedTime(unchanged).to(TimeUnit.SECONDS));

        Files.move(source, checkout.resolve("native/cpu/b.cpp"));
        assertBuilds(true);
        Workplace.write(checkout.resolve("java/src/main/some.properties"), "");
        assertBuilds(true);
        assertBuilds(false);
    }

    /** The software device takes most of a build's time. A build with it is used for all commands. */
    @Test
    void theSoftwareDeviceIsBuiltForTheFirstCommandThatUsesIt() throws Exception {
        assertBuilds(true);
        Path plain = built().get(0);
        for (String arguments : List.of("init --device softgpu", "init --device=SoftGPU")) {
            // init has no such option: this tests only what is built.
            Said said = run(launcher(directory, List.of(), arguments));
            assertEquals(2, said.status, said::toString);
            assertEquals(arguments.contains("=") ? "" : BUILDING_SOFTGPU, said.err.replaceAll("(?m)^(?!.*building).*\n",
                    ""));
        }
        assertEquals(List.of(plain.resolveSibling("softgpu-" + plain.getFileName())), built());
        assertBuilds(false);
        assertEquals(List.of("without", "with the software device"),
                Files.readAllLines(checkout.resolve("tools/target/builds")));

        Workplace.write(checkout.resolve("native/cpu/a.cpp"), "other");
        assertBuilds(true);
        assertEquals(1, built().size());
        assertFalse(built().get(0).endsWith("softgpu-" + plain.getFileName()));
    }

    @Test
    void aBuildTellsItsPartsInLinesOrInOneLineOfATerminal() throws Exception {
        Said said = version("PARTS=yes");
        assertEquals(BUILDING + "framecast: building: the C++ of the CPU\nframecast: building: the engine\n", said.err);
        assertTrue(Files.readString(checkout.resolve("tools/target/build.log")).contains("(make-cpu)"));

        assumeTrue(Files.isExecutable(Path.of("/usr/bin/script")), "needs script, which makes terminals");
        Workplace.write(checkout.resolve("pom.xml"), "other");
        List<String> command = launcher(directory, List.of("PARTS=yes", "script", "-qec",
                checkout.resolve("tools/framecast") + " --version", "/dev/null")).command();
        said = run(new ProcessBuilder(command.subList(0, command.size() - 1)).directory(directory.toFile()));
        assertEquals(BUILDING.replace("\n", "\r\n") + "\r\033[Kframecast: building: the C++ of the CPU"
                + "\r\033[Kframecast: building: the engine\r\033[Kframecast " + Main.VERSION + "\r\n",
                said.out.replaceAll(JVM_SAYS.replace("\n", "\r\n"), ""));
    }

    @Test
    void sourcesThatChangeDuringABuildAreBuiltAgain() throws Exception {
        Path bin = Files.createDirectory(directory.resolve("bin"));
        Workplace.write(bin.resolve("mvn"), "#!/bin/sh\n[ -e changed ] || { touch changed; echo new >java/pom.xml; }\n"
                + "exec " + maven + "/mvn \"$@\"\n");
        assertTrue(bin.resolve("mvn").toFile().setExecutable(true));
        Said said = version("PATH=" + bin + ":" + System.getenv("PATH"));
        assertEquals("framecast " + Main.VERSION + "\n", said.out, said::toString);
        assertEquals(2, Files.readAllLines(checkout.resolve("tools/target/builds")).size());
        assertBuilds(false);
    }

    @Test
    void aBuildThatFailsIsASentenceAndIsTriedAgain() throws Exception {
        Said said = version("PROGRAM=/nowhere");
        assertEquals(1, said.status);
        List<String> lines = said.err.lines().toList();
        assertEquals("framecast: the build failed; the whole log is " + checkout.toRealPath()
                + "/tools/target/build.log", lines.get(lines.size() - 1));
        assertFalse(said.err.contains("\033"), "colours");
        assertBuilds(true);
    }

    /** Directories of the checkout, and working directories of the launcher. */
    @ParameterizedTest
    @ValueSource(strings = {"with space", "with:colon", "d\u00e9", "it's \"$HOME\" #1 100%41 ${x} a&b;c*\\"})
    void namesOfDirectoriesAndFilesMayHaveAnyCharactersWhateverTheLocale(String name) throws Exception {
        checkout(directory.resolve(name).resolve("framecast"));
        Path here = Files.createDirectory(checkout.resolveSibling("ici d\u00e9"));
        Npy.write(here.resolve("vid\u00e9os.npy"), Workplace.VIDEOS);
        Path temporary = Files.createDirectory(directory.resolve("tmp"));
        for (String locale : List.of("C", "no_SUCH.UTF-8")) {
            Said said = run(launcher(here, List.of("LC_ALL=" + locale, "TMPDIR=" + temporary),
                    "data info vid\u00e9os.npy"));
            assertEquals(0, said.status, said::toString);
            assertTrue(said.out.startsWith("vid\u00e9os.npy: 8 videos of 5 frames of 6x10x1, "), said::toString);
        }
        assertArrayEquals(new String[0], temporary.toFile().list());
        Said said = run(launcher(here, List.of("LC_ALL=C"), "data show vid\u00e9os.npy --out d\u00e9/images.png"));
        assertEquals(0, said.status, said::toString);
        assertTrue(Files.exists(here.resolve("d\u00e9/images.png")));
    }

    /** A machine like some containers: a script in place of the program that lists the locales. */
    @Test
    void withoutAUtf8LocaleANameThatJavaCannotSayIsASentence() throws Exception {
        Path bin = Files.createDirectory(directory.resolve("bin"));
        Workplace.write(bin.resolve("locale"), "#!/bin/sh\n[ \"$1\" = charmap ] && echo ANSI_X3.4-1968 || "
                + "printf 'C\\nPOSIX\\n'\n");
        assertTrue(bin.resolve("locale").toFile().setExecutable(true));
        List<String> variables = List.of("LC_ALL=C", "PATH=" + bin + ":" + maven + ":" + System.getenv("PATH"));
        String says = "framecast: no UTF-8 locale is installed here, without which Java cannot name %s; install one "
                + "(Debian: apt-get install locales-all; Fedora: dnf install glibc-langpack-en) or use names of "
                + "ASCII\n";
        Path here = Files.createDirectory(directory.resolve("d\u00e9"));
        assertEquals(new Said(2, "", says.formatted("vid\u00e9os.npy")), run(launcher(directory, variables,
                "data info vid\u00e9os.npy")));
        assertEquals(new Said(1, "", says.formatted(here.toRealPath())), run(launcher(here, variables, "--version")));
        Npy.write(directory.resolve("videos.npy"), Workplace.VIDEOS);
        Said said = run(launcher(directory, variables, "data info videos.npy"));
        assertEquals(0, said.status, said::toString);
        checkout(here.resolve("framecast"));
        assertEquals(new Said(1, "", says.formatted(checkout.toRealPath())), run(launcher(directory, variables,
                "--version")));
    }

    /** Builds through the link that hides a colon do not each leave another link. */
    @Test
    void buildsThatAreKilledLeaveOneLinkAndTheNextNone() throws Exception {
        checkout(directory.resolve("with:colon/framecast"));
        Path temporary = Files.createDirectory(directory.resolve("tmp"));
        Path bin = Files.createDirectory(directory.resolve("bin"));
        Workplace.write(bin.resolve("mvn"), "#!/bin/sh\nkill -KILL $(cat \"$LAUNCHER\")\n");
        assertTrue(bin.resolve("mvn").toFile().setExecutable(true));
        Path pid = directory.resolve("pid");
        for (int k = 0; k < 2; k++) {
            ProcessBuilder killed = launcher(directory, List.of("TMPDIR=" + temporary, "LAUNCHER=" + pid,
                    "PATH=" + bin + ":" + System.getenv("PATH"), "sh", "-c", "echo $$ >\"$LAUNCHER\"; exec \"$@\"",
                    "sh"), "--version");
            assertEquals(137, run(killed).status);
            assertEquals(1, temporary.toFile().list().length);
        }
        Said said = version("TMPDIR=" + temporary);
        assertEquals(0, said.status, said::toString);
        assertArrayEquals(new String[0], temporary.toFile().list());
    }

    @Test
    void aNameThatIsNoTextIsASentence() throws Exception {
        assertBuilds(true);
        String script = "mkdir -p \"$(printf 'd\\351')\" && cd \"$(printf 'd\\351')\" && exec \"$0\" data info x.npy";
        List<String> command = launcher(directory, List.of("bash", "-c", script)).command();
        Said said = run(new ProcessBuilder(command).directory(directory.toFile()));
        assertEquals(1, said.status);
        assertTrue(said.err.matches("framecast: the name \\S+d\\\\351' is not text in UTF-8, .*\n"), said::toString);

        script = "exec \"$0\" data info \"$(printf 'vid\\351os.npy')\"";
        command = launcher(directory, List.of("bash", "-c", script)).command();
        said = run(new ProcessBuilder(command).directory(directory.toFile()));
        assertEquals(2, said.status);
        assertTrue(said.err.startsWith("framecast: the name $'vid\\351os.npy' is not text in UTF-8, "), said::toString);

        // A shell cannot pass such arguments, but argument files can.
        Cli.run("data info a\0b.npy").refused(2, "no file named \"a\\u0000b", "Nul character not allowed");
        Cli.run("train --data generated --out a\0b").refused(2, "no file named \"a\\u0000b", "Nul character");
        Cli.run("train --data a\0b.npy --out", directory.resolve("new")).refused(1, "no file named \"a\\u0000b");
    }

    /** Java 24 and later warn of native code unless it is enabled by an option. */
    @Test
    void nothingIsSaidThatIsNotAskedFor() throws Exception {
        assertBuilds(true);
        Said said = run(launcher(directory, List.of(), "devices"));
        assertEquals(0, said.status);
        assertEquals("", said.err);
    }

    /** In a file, a progress bar would leave one line per update. Java 22 to 24 have a console without a terminal. */
    @Test
    void barsAreDrawnOnTerminalsOnly() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/script")), "needs script, which makes terminals");
        Workplace.in(directory);
        String train = checkout.resolve("tools/framecast") + " train --device cpu --threads 1 --steps 1"
                + " --data videos.npy --model tiny.json --out run-";
        List<String> variables = List.of("JAVA_TOOL_OPTIONS=-Djdk.console=jdk.internal.le");
        int runs = 0;
        for (String elsewhere : List.of("", ">out </dev/null", "2>out", "2>&1 | cat >out")) {
            Files.deleteIfExists(directory.resolve("out"));
            List<String> command = launcher(directory, variables).command();
            command.remove(command.size() - 1); // Removes the launcher, which the script starts on the terminal.
            command.addAll(List.of("script", "-qec", train + runs++ + " " + elsewhere, "/dev/null"));
            Said said = run(new ProcessBuilder(command).directory(directory.toFile()));
            assertEquals(0, said.status, said::toString);
            assertEquals(!elsewhere.contains("2>"), said.out.contains("% ["), elsewhere + ": " + said);
            if (elsewhere.contains("out")) {
                assertFalse(Files.readString(directory.resolve("out")).contains("% ["), elsewhere);
            }
        }
    }

    @Test
    void anOldJavaIsASentence() throws Exception {
        Path old = Files.createDirectories(directory.resolve("old/bin"));
        Workplace.write(old.resolveSibling("release"), "IMPLEMENTOR=\"X\"\nJAVA_VERSION=\"1.8.0_392\"\n");
        assertTrue(Workplace.write(old.resolve("java"), "").toFile().setExecutable(true));
        Said said = version("JAVA_HOME=" + old.getParent());
        assertEquals(1, said.status);
        assertTrue(said.err.startsWith("framecast: Java 17 or later is needed, and "), said::toString);
    }
}
