package io.framecast;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;

/** Java processes that work together. */
public final class ChildJvms {

    private ChildJvms() {
    }

    /**
     * Runs a class in several processes at the same time, to their good ends.
     *
     * @param main gets its rank, the number of processes, the directory, and the arguments
     * @return what each says
     */
    public static List<String> run(Supplier<ChildJvm> jvm, Class<?> main, int size, Path directory, Object... arguments)
            throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(size);
        try {
            List<Future<String>> running = new ArrayList<>();
            for (int rank = 0; rank < size; rank++) {
                List<Object> all = new ArrayList<>(List.of(rank, size, directory));
                all.addAll(List.of(arguments));
                running.add(threads.submit(() -> jvm.get().run(main, all.toArray())));
            }
            List<String> outputs = new ArrayList<>();
            for (Future<String> process : running) {
                outputs.add(process.get());
            }
            return outputs;
        } finally {
            threads.shutdownNow();
        }
    }
}
