package io.framecast.tools.check.stage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.framecast.device.Device;
import io.framecast.nn.ModelConfig;
import io.framecast.nn.Models;
import io.framecast.tools.Main;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The comparison with PyTorch to its end, on the CPU with a small network: the script's file is the real one. It takes
 * some minutes, and so runs only if the environment variable FRAMECAST_PYTHON names a Python with PyTorch.
 */
class PeerStageTest {

    private static final String PYTHON = System.getenv("FRAMECAST_PYTHON");

    @TempDir
    Path directory;

    /**
     * A Python that says it has a GPU, and runs the script on the CPU. Without oneDNN, by which the CPU's batch
     * normalisation of PyTorch 2.13 is wrong in the fourth digit (float64 decides).
     */
    private Path python() throws IOException {
        Files.writeString(directory.resolve("sitecustomize.py"),
                "import torch\ntorch._C._set_mkldnn_enabled(False)\n");
        Path file = Files.writeString(directory.resolve("python"), """
                #!/bin/sh
                if [ "$1" = -c ]; then echo True; exit; fi
                PYTHONPATH='%s' exec '%s' "$@" --device cpu --variants eager-fp32,graph-fp32
                """.formatted(directory, PYTHON));
        assertTrue(file.toFile().setExecutable(true));
        return file;
    }

    @Test
    void comparesLossesFirstAndThenTimes() throws Exception {
        assumeTrue(PYTHON != null, "FRAMECAST_PYTHON names no Python with PyTorch");
        ModelConfig model = Models.load("keras").withFilters(2);
        Path file = directory.resolve("peer.jsonl");
        try (StageLog log = new StageLog(file, 600, Throwable::toString)) {
            PeerStage.run(new DeviceUnderTest(Device.CPU, new ThisProgram(Main.class)), log, directory,
                    python().toString(), model);
        }
        StageResult result = StageResult.read("peer", file, null, 0);
        Set<String> passed = result.checks().stream().filter(check -> check.outcome() == Outcome.PASSED)
                .map(Check::name).collect(Collectors.toSet());
        assertTrue(passed.containsAll(List.of("PyTorch trains", "this engine trains in fp32",
                "losses like PyTorch's eager-fp32")), result::toString);
        assertEquals(Outcome.PASSED, result.outcome(), result::toString);
        Table table = result.tables().get(0);
        List<String> eager = table.rows().get(0);
        assertEquals("eager-fp32", eager.get(0));
        for (String number : eager.subList(1, 4)) {
            assertTrue(Double.parseDouble(number) > 0, table::toString);
        }
        assertEquals(List.of("graph-fp32", "It needs a GPU."), table.rows().get(1).subList(0, 2));
        try (Stream<Path> left = Files.list(directory)) {
            assertFalse(left.anyMatch(path -> path.toString().endsWith(".npy")));
        }
    }
}
