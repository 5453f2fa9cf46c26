package io.framecast.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.FramecastException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class BatchesTest {

    private static final NumberedVideos VIDEOS = new NumberedVideos(11, 3, 2, 2, 3);

    @Test
    void valuesAreTimeMajorAndTheLastBatchIsSmaller() {
        Batches batches = new Batches(VIDEOS, 4, false, 1);
        assertEquals(3, batches.count());
        List<Batch> epoch = read(batches, 0, 0);
        assertEquals(List.of(4, 4, 3), epoch.stream().map(Batch::size).toList());
        for (int number = 0; number < 3; number++) {
            Batch batch = epoch.get(number);
            assertEquals(List.of(3, 2, 2, 3), List.of(batch.frames(), batch.height(), batch.width(), batch.channels()));
            int i = 0;
            for (int frame = 0; frame < 3; frame++) {
                for (int b = 0; b < batch.size(); b++) {
                    for (int place = 0; place < 12; place++) {
                        assertEquals(NumberedVideos.value(4 * number + b, frame, place), batch.values()[i++]);
                    }
                }
            }
        }
    }

    @Test
    void ordersDependOnSeedAndEpochAloneAndAreWholePermutations() {
        Batches batches = new Batches(VIDEOS, 4, true, 1);
        List<Integer> first = order(read(batches, 0, 0));
        List<Integer> second = order(read(batches, 1, 0));
        List<Integer> file = IntStream.range(0, 11).boxed().toList();
        assertEquals(file, first.stream().sorted().toList());
        assertEquals(file, second.stream().sorted().toList());
        assertNotEquals(file, first);
        assertNotEquals(first, second);
        assertNotEquals(first, order(read(new Batches(VIDEOS, 4, true, 2), 0, 0)));
        assertEquals(second, order(read(new Batches(VIDEOS, 5, true, 1), 1, 0)), "no earlier epoch was read here");
        assertEquals(file, order(read(new Batches(VIDEOS, 4, false, 1), 1, 0)));
    }

    @Test
    void shufflesAreFair() {
        int[][] seen = new int[5][5]; // [video][position]
        Batches batches = new Batches(new NumberedVideos(5, 2, 1, 1, 1), 5, true, 3);
        for (int e = 0; e < 2000; e++) {
            List<Integer> order = order(read(batches, e, 0));
            for (int place = 0; place < 5; place++) {
                seen[order.get(place)][place]++;
            }
        }
        for (int[] video : seen) {
            for (int times : video) {
                assertEquals(400, times, 90); // standard deviation sqrt(2000 * 0.2 * 0.8) = 18; five of them
            }
        }
    }

    @Test
    void anEpochResumesAtAnyBatch() {
        Batches batches = new Batches(VIDEOS, 4, true, 1);
        List<Batch> whole = read(batches, 6, 0);
        for (int from = 0; from <= 3; from++) {
            List<Batch> rest = read(batches, 6, from);
            assertEquals(3 - from, rest.size());
            for (int i = 0; i < rest.size(); i++) {
                assertArrayEquals(whole.get(from + i).values(), rest.get(i).values());
            }
        }
        assertThrows(IndexOutOfBoundsException.class, () -> batches.epoch(6, 4));
    }

    /** Together they have the batches of one process, in the same order, and each reads only its own videos. */
    @Test
    void partsOfBatchesAreReadByTheirProcessesAlone() throws Exception {
        List<Batch> whole = read(new Batches(VIDEOS, 5, true, 1), 2, 0);
        int processes = 4;
        List<Integer> together = new ArrayList<>();
        for (int number = 0; number < whole.size(); number++) {
            for (int process = 0; process < processes; process++) {
                Batch part = read(new Batches(VIDEOS, 5, true, 1, process, processes), 2, number).get(0);
                assertEquals(whole.get(number).size(), part.part().whole());
                // The last batch has one video: other processes have a stand-in of zeros.
                assertEquals(Math.max(1, part.part().count()), part.size());
                if (part.part().count() == 0) {
                    assertArrayEquals(new float[36], part.values());
                } else {
                    together.addAll(order(List.of(part)));
                }
            }
        }
        assertEquals(order(whole), together);
        List<Integer> touched = Collections.synchronizedList(new ArrayList<>());
        List<Batch> own = read(new Batches(spied(touched::add), 5, true, 1, 1, processes), 2, 0);
        assertEquals(order(own.subList(0, 2)), touched);
        assertEquals(List.of(1, 1, 0), own.stream().map(part -> part.part().count()).toList());
    }

    @Test
    void theLoaderIsTwoBatchesAheadOnADaemonThread() throws Exception {
        Semaphore loaded = new Semaphore(0);
        AtomicReference<Thread> loader = new AtomicReference<>();
        Videos videos = spied(i -> {
            loader.set(Thread.currentThread());
            loaded.release();
        });
        try (Epoch epoch = new Batches(videos, 2, false, 0).epoch(0, 0)) {
            loaded.acquire(4);
            assertFalse(loaded.tryAcquire(100, TimeUnit.MILLISECONDS), "no third batch before one is taken");
            epoch.next();
            loaded.acquire(2);
            assertFalse(loaded.tryAcquire(100, TimeUnit.MILLISECONDS));
            assertTrue(loader.get().isDaemon());
            assertNotEquals(Thread.currentThread(), loader.get());
        }
        loader.get().join(); // closed early: the thread must end
        assertFalse(loaded.tryAcquire(), "and loads nothing more");
    }

    @Test
    void theThreadOfAWholeEpochEndsByItself() throws Exception {
        AtomicReference<Thread> loader = new AtomicReference<>();
        Epoch epoch = new Batches(spied(i -> loader.set(Thread.currentThread())), 4, false, 0).epoch(0, 0);
        epoch.forEachRemaining(batch -> { });
        loader.get().join();
        epoch.close();
    }

    @Test
    void anExceptionOfTheLoaderReachesTheCallerAsItself() throws Exception {
        FramecastException damaged = new FramecastException("video 5 is damaged");
        AtomicReference<Thread> loader = new AtomicReference<>();
        Videos videos = spied(i -> {
            loader.set(Thread.currentThread());
            if (i == 5) {
                throw damaged;
            }
        });
        try (Epoch epoch = new Batches(videos, 2, false, 0).epoch(0, 0)) {
            epoch.next();
            epoch.next();
            assertSame(damaged, assertThrows(FramecastException.class, epoch::next));
            assertFalse(epoch.hasNext());
        }
        loader.get().join();
    }

    @Test
    void batchesThatCannotBeAreRefused() {
        assertThrows(FramecastException.class, () -> new Batches(VIDEOS, 0, true, 1));
        Videos large = new NumberedVideos(100_000, 20, 64, 64, 1);
        assertThrows(FramecastException.class, () -> new Batches(large, 30_000, true, 1));
        assertEquals(1, new Batches(VIDEOS, Integer.MAX_VALUE, true, 1).count());
    }

    @Test
    void videosLargerThanAnArrayCannotBeTrainedOn() {
        Videos large = new NumberedVideos(2, 40_000, 300, 200, 1);
        String message = assertThrows(FramecastException.class, () -> new Batches(large, 1, true, 1)).getMessage();
        assertTrue(message.contains("40000 frames of 300x200x1 are too large"), message);
    }

    private static List<Batch> read(Batches batches, int number, int fromBatch) {
        List<Batch> all = new ArrayList<>();
        try (Epoch epoch = batches.epoch(number, fromBatch)) {
            epoch.forEachRemaining(all::add);
        }
        return all;
    }

    private static List<Integer> order(List<Batch> epoch) {
        return epoch.stream().flatMap(batch -> IntStream.range(0, batch.size())
                .mapToObj(b -> (int) batch.values()[b * batch.height() * batch.width() * batch.channels()] / 1000))
                .toList();
    }

    private static Videos spied(IntConsumer beforeGet) {
        return new Videos() {
            @Override
            public int count() {
                return VIDEOS.count();
            }

            @Override
            public int frames() {
                return VIDEOS.frames();
            }

            @Override
            public int height() {
                return VIDEOS.height();
            }

            @Override
            public int width() {
                return VIDEOS.width();
            }

            @Override
            public int channels() {
                return VIDEOS.channels();
            }

            @Override
            public Video get(int index) {
                beforeGet.accept(index);
                return VIDEOS.get(index);
            }
        };
    }
}
