package io.framecast.distributed;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import io.framecast.backend.ProcessFailedException;
import io.framecast.backend.ProcessGroup;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Processes of each MPI that is here. */
class MpiProcessGroupTest {

    static java.util.stream.Stream<MpiLauncher> launchers() {
        return MpiLauncher.all();
    }

    @Test
    void aProcessThatNoLauncherStartedIsAlone() {
        Map<String, String> batchScript = Map.of("SLURM_NTASKS", "4", "SLURM_PROCID", "0");
        assertEquals(ProcessGroup.SINGLE, MpiProcessGroup.join(batchScript, failure -> { }));
        assertEquals(ProcessGroup.SINGLE, MpiProcessGroup.join(Map.of("OMPI_COMM_WORLD_SIZE", "1"), failure -> { }));
    }

    @ParameterizedTest
    @MethodSource("launchers")
    void callsMoveWhatTheySay(MpiLauncher launcher) throws Exception {
        for (int processes : new int[] {2, 3}) {
            String output = launcher.jvms(processes).run(Calls.class);
            assertEquals(processes, output.lines().filter("passed"::equals).count(), output);
        }
    }

    /** All calls, also the sums on a thread of their own while others go on. */
    static final class Calls {
        public static void main(String[] arguments) {
            ProcessGroup group = MpiProcessGroup.join(System.getenv(), failure -> { });
            int rank = group.rank();
            int size = group.size();
            assertEquals(rank, group.localRank());
            assertEquals(size, group.localSize());
            CompletableFuture<Void> sums = CompletableFuture.runAsync(() -> {
                for (int length : new int[] {1, 7, 100_000, 3_000_001}) {
                    sum(group, length);
                }
            });
            for (int k = 0; k < 200; k++) {
                double[] all = group.allGather(k + rank, -rank);
                for (int other = 0; other < size; other++) {
                    assertEquals(k + other, all[2 * other]);
                    assertEquals(-other, all[2 * other + 1]);
                }
            }
            for (int length : new int[] {0, 1, 5_000_000}) {
                byte[] own = bytes(rank, length + rank);
                assertArrayEquals(bytes(0, length), group.broadcast(rank == 0 ? own : null));
                List<byte[]> all = group.gather(own);
                assertEquals(rank == 0 ? size : 0, all.size());
                for (int other = 0; other < all.size(); other++) {
                    assertArrayEquals(bytes(other, length + other), all.get(other));
                }
            }
            sums.join();
            group.close();
            group.close();
            System.out.println("passed");
        }

        /** Small integers, whose sum is exact. */
        private static void sum(ProcessGroup group, int length) {
            FloatBuffer values = ByteBuffer.allocateDirect(length * Float.BYTES).order(ByteOrder.nativeOrder())
                    .asFloatBuffer();
            float[] expected = new float[length];
            for (int other = 0; other < group.size(); other++) {
                Random random = new Random(other);
                for (int k = 0; k < length; k++) {
                    int value = random.nextInt(1000);
                    expected[k] += value;
                    if (other == group.rank()) {
                        values.put(k, value);
                    }
                }
            }
            values.position(length);
            group.allReduce(values);
            float[] sums = new float[length];
            values.clear().get(sums);
            assertArrayEquals(expected, sums);
        }

        private static byte[] bytes(int seed, int length) {
            byte[] bytes = new byte[length];
            new Random(seed).nextBytes(bytes);
            return bytes;
        }
    }

    @ParameterizedTest
    @MethodSource("launchers")
    void aFailureReachesThoseThatWait(MpiLauncher launcher) throws Exception {
        for (int failing = 0; failing < 3; failing++) {
            String first = "Process " + failing + ": The disk is full.";
            List<String> output = launcher.jvms(3).runToAnyEnd(Failing.class, failing).lines().toList();
            assertEquals(1, output.stream().filter(("told " + (failing != 0))::equals).count(), output.toString());
            assertEquals(2, output.stream().filter(line -> line.endsWith(first)).count(), output.toString());
        }
    }

    /** One process fails, where the others wait for it: in a sum, and in a call. */
    static final class Failing {
        public static void main(String[] arguments) throws InterruptedException {
            ProcessGroup group = MpiProcessGroup.join(System.getenv(), failure -> { });
            int failing = Integer.parseInt(arguments[0]);
            if (group.rank() == failing) {
                System.out.println("told " + group.fail("The disk is full."));
            } else {
                FloatBuffer values = ByteBuffer.allocateDirect(400_000).asFloatBuffer();
                String failure = assertThrows(ProcessFailedException.class, () -> {
                    if (group.rank() == 2) {
                        group.allReduce(values);
                    } else {
                        group.allGather(1);
                    }
                }).getMessage();
                // Process 0 passes the sentence on as its own, and other processes hear it from there.
                System.out.println(failure);
                if (group.rank() == 0) {
                    group.fail(failure);
                }
            }
            group.close();
            Thread.sleep(2000); // The launcher ends all when one ends.
            Runtime.getRuntime().halt(0);
        }
    }

    @Test
    void whatIsMissingIsNamed() throws Exception {
        String sentence = assertThrows(FramecastException.class, () -> MpiProcessGroup.join(
                Map.of("OMPI_COMM_WORLD_SIZE", "4", "PATH", "/nowhere"), failure -> { })).getMessage();
        assertTrue(sentence.contains("mpicc") && sentence.contains("apt-get install libopenmpi-dev openmpi-bin"),
                sentence);
        String broken = assertThrows(FramecastException.class, () -> MpiProcessGroup.join(
                Map.of("PMI_RANK", "0", "PMI_SIZE", "2", "MPICC", "/bin/false"), failure -> { })).getMessage();
        assertTrue(broken.startsWith("/bin/false cannot compile"), broken);
        assertEquals(1, Arrays.stream(broken.split("\n")).count());
    }
}
