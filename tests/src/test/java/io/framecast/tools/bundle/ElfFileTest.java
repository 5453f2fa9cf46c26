package io.framecast.tools.bundle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.softgpu.SoftGpu;
import io.framecast.system.JavaCpp;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** With a library of the build, and compared with readelf, which comes with the compiler. */
@Timeout(60)
class ElfFileTest {

    private static final String VERSION = "GLIBC_2.14";

    @TempDir
    Path directory;

    private Path library;

    @BeforeEach
    void copy() throws IOException {
        library = Files.copy(JavaCpp.unpack(SoftGpu.class.getResource("linux-x86_64/libjniframecast_softgpu.so")),
                directory.resolve("library.so"));
    }

    private String readelf(String... options) throws Exception {
        Process process = new ProcessBuilder("readelf", "-W", String.join(" ", options), library.toString())
                .redirectErrorStream(true).start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), text);
        return text;
    }

    private Set<String> found(String regex, String text) {
        return Pattern.compile(regex).matcher(text).results().map((MatchResult match) -> match.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void theVersionsAskedForBecomeWeakAndNoOthers() throws Exception {
        String before = readelf("--version-info");
        assertTrue(before.contains("Name: " + VERSION + "  Flags: none"), before);
        ElfFile file = ElfFile.read(library);
        assertEquals(found(" UND (\\w+)@" + VERSION.replace(".", "\\.") + "\\b", readelf("--dyn-syms")),
                file.weaken(VERSION::equals));
        file.write();
        assertEquals(before.replace("Name: " + VERSION + "  Flags: none", "Name: " + VERSION + "  Flags: WEAK"),
                readelf("--version-info"));
        assertEquals(Set.of(), ElfFile.read(library).weaken("GLIBC_2.99"::equals));
    }

    @Test
    void theRunPathEndsAfterTheOwnDirectory() throws Exception {
        String path = "RUNPATH.*\\[(.*)]";
        String before = found(path, readelf("--dynamic")).iterator().next();
        assertTrue(before.matches("\\$ORIGIN/:/.+"), before);
        ElfFile file = ElfFile.read(library);
        file.cutRunPath();
        file.write();
        assertEquals(Set.of("$ORIGIN/"), found(path, readelf("--dynamic")));
    }

    @Test
    void otherFilesAreNone() throws IOException {
        assertTrue(ElfFile.is(library));
        assertFalse(ElfFile.is(Files.writeString(directory.resolve("text"), "#!/bin/sh")));
        assertFalse(ElfFile.is(Files.createFile(directory.resolve("empty"))));
    }
}
