package io.framecast.modules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every public member of the API, which the lists in the poms name, is documented: javadoc warns of nothing. */
class JavadocTest {

    private static final Pattern PACKAGES = Pattern.compile("<documented.packages>(.*)</documented.packages>");

    @ParameterizedTest
    @CsvSource({"java, src/main/java, io.framecast.train", "native, java, io.framecast"})
    void nothingIsMissing(String module, String sources, String one, @TempDir Path directory) throws Exception {
        Path project = Path.of("..", module);
        Matcher listed = PACKAGES.matcher(Files.readString(project.resolve("pom.xml")));
        assertTrue(listed.find());
        List<String> packages = List.of(listed.group(1).split(","));
        assertTrue(packages.contains(one), packages.toString());
        StringWriter said = new StringWriter();
        PrintWriter out = new PrintWriter(said);
        String jars = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(path -> path.endsWith(".jar")).collect(Collectors.joining(File.pathSeparator));
        List<String> options = new ArrayList<>(List.of("-quiet", "-Xdoclint:all", "-d", directory.toString(),
                "-encoding", "UTF-8", "-p", jars, "-sourcepath", project.resolve(sources).toString()));
        options.addAll(packages);
        int status = ToolProvider.findFirst("javadoc").orElseThrow().run(out, out, options.toArray(String[]::new));
        assertEquals("", said.toString());
        assertEquals(0, status);
    }
}
