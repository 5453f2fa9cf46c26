package io.framecast.modules;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.File;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every public member of the API is documented: javadoc has nothing to warn of. */
class JavadocTest {

    /** The list of packages is in java/pom.xml. */
    private static final String PACKAGES = "<documented.packages>";

    @Test
    void nothingIsMissing(@TempDir Path directory) throws Exception {
        Path engine = Path.of("..", "java");
        String pom = Files.readString(engine.resolve("pom.xml"));
        int from = pom.indexOf(PACKAGES) + PACKAGES.length();
        List<String> packages = Arrays.asList(pom.substring(from, pom.indexOf('<', from)).split(","));
        StringWriter said = new StringWriter();
        PrintWriter out = new PrintWriter(said);
        String jars = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(path -> path.endsWith(".jar")).collect(Collectors.joining(File.pathSeparator));
        List<String> options = new ArrayList<>(List.of("-quiet", "-Xdoclint:all", "-d", directory.toString(),
                "-encoding", "UTF-8", "-cp", jars, "-sourcepath", engine.resolve("src/main/java").toString()));
        options.addAll(packages);
        int status = ToolProvider.findFirst("javadoc").orElseThrow().run(out, out, options.toArray(String[]::new));
        assertEquals("", said.toString());
        assertEquals(0, status);
    }
}
