package io.framecast.backend.cuda;

import io.framecast.backend.TestDevice;
import io.framecast.softgpu.SoftGpu;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.ClassDescriptor;
import org.junit.jupiter.api.ClassOrderer;
import org.junit.jupiter.api.ClassOrdererContext;

/**
 * Orders the test classes of a run: {@link KernelCoverageTest} comes last, the others keep their order. Before the first
 * one, the software device is told to keep the record that this test reads.
 */
final class KernelCoverageLast implements ClassOrderer {

    private static final Set<String> RUN = ConcurrentHashMap.newKeySet();

    @Override
    public void orderClasses(ClassOrdererContext context) {
        if (TestDevice.SOFTWARE) {
            SoftGpu.configure("coverage=on");
        }
        context.getClassDescriptors().sort(Comparator.comparing(
                descriptor -> descriptor.getTestClass() == KernelCoverageTest.class));
        context.getClassDescriptors().stream().map(ClassDescriptor::getTestClass).map(Class::getName).forEach(RUN::add);
    }

    /** Whether this run contains all test classes. */
    static boolean isWholeSuite() throws IOException, URISyntaxException {
        Path classes = Path.of(KernelCoverageLast.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        try (var files = Files.walk(classes)) {
            return files.map(file -> classes.relativize(file).toString().replace('/', '.'))
                    .filter(name -> name.endsWith("Test.class") && name.indexOf('$') < 0)
                    .allMatch(name -> RUN.contains(name.substring(0, name.length() - ".class".length())));
        }
    }
}
