package io.framecast.softgpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.ChildJvm;
import io.framecast.ChildJvms;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The libnccl.so.2 of the software device: each rank is a process, {@link NcclRank}. */
class NcclTest {

    @TempDir
    private Path directory;

    private List<String> ranks(int size, String scene) throws Exception {
        return ChildJvms.run(() -> new ChildJvm().property("java.io.tmpdir", directory), NcclRank.class, size,
                Files.createDirectory(directory.resolve(scene)), scene);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 4})
    void collectivesGiveWhatPlainSumsGive(int size) throws Exception {
        ranks(size, "sums").forEach(said -> assertEquals(size + " ranks: right", said));
    }

    @Test
    void runsInTheOrderOfCallsThoughStreamsDiffer() throws Exception {
        ranks(2, "order").forEach(said -> assertEquals("[8.0, 16.0][80.0, 160.0][1.0]", said));
    }

    @Test
    void isCapturedWithForkedStreams() throws Exception {
        ranks(2, "capture").forEach(said -> assertEquals("[3.0, 3.0][8.0, 4.0][6.0, 3.0]", said));
    }

    @Test
    void ranksThatDisagreeAreToldWhatEachHasCalled() throws Exception {
        String said = ", collective 2 of its communicator, ";
        String disagree = ": the ranks disagree: rank 0 called ncclAllReduce of 3 float32, sum; "
                + "rank 1 called ncclBroadcast of 2 int32, root 1";
        List<String> outputs = ranks(2, "disagree");
        assertContains(outputs.get(0), "CUDA_ERROR_LAUNCH_FAILED rank 0" + said + "ncclAllReduce of 3 float32, sum"
                + disagree);
        assertContains(outputs.get(1), "CUDA_ERROR_LAUNCH_FAILED rank 1" + said + "ncclBroadcast of 2 int32, root 1"
                + disagree);
    }

    @Test
    void rankThatEndsIsMissed() throws Exception {
        List<String> outputs = ranks(4, "ended");
        for (int rank : new int[] {0, 2, 3}) {
            assertContains(outputs.get(rank), "CUDA_ERROR_LAUNCH_FAILED soon rank " + rank);
            assertContains(outputs.get(rank), ") has ended, and NCCL would wait for ever");
        }
    }

    @Test
    void abortEndsTheWaitForARankThatHasEnded() throws Exception {
        String said = ranks(2, "abort").get(0);
        assertEquals("remote process exited or there was a network error; CUDA_SUCCESS soon ", said);
    }

    @Test
    void mistakesAreRefused() throws Exception {
        ranks(2, "arguments").forEach(said -> {
            String invalid = ": invalid argument: ncclAllReduce: ";
            assertContains(said, "too long" + invalid + "sendbuff is not device memory of 16 bytes");
            assertContains(said, "unaligned" + invalid + "sendbuff is not aligned to the size of its type");
            assertContains(said, "overlap" + invalid + "sendbuff and recvbuff overlap, and are not in place");
            assertContains(said, "no type" + invalid + "there is no data type 17");
            assertContains(said, "no root: invalid argument: ncclBroadcast: there is no rank 2 to be the root");
            assertContains(said, "no stream: unhandled cuda error: ncclAllReduce: the stream does not take");
            assertContains(said, "group end: invalid usage: ncclGroupEnd: there was no ncclGroupStart");
            assertContains(said, "freed" + invalid + "sendbuff is not device memory of 12 bytes");
            assertContains(said, "context: invalid usage: ncclCommInitRank: the current context is not the primary");
            assertContains(said, "destroyed" + invalid + "comm was never made, or was destroyed or aborted");
            assertContains(said, "nothing written: CUDA_ERROR_LAUNCH_FAILED");
            assertContains(said, "ncclAllReduce: sendbuff: reads 12 bytes of which nothing wrote the one");
        });
    }

    private static void assertContains(String text, String part) {
        assertTrue(text.contains(part), text);
    }
}
