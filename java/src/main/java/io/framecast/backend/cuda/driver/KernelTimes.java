package io.framecast.backend.cuda.driver;

import static io.framecast.backend.cuda.driver.CudaCalls.check;
import static jcuda.driver.CUevent_flags.CU_EVENT_DEFAULT;
import static jcuda.driver.JCudaDriver.cuEventCreate;
import static jcuda.driver.JCudaDriver.cuEventDestroy;
import static jcuda.driver.JCudaDriver.cuEventElapsedTime;
import static jcuda.driver.JCudaDriver.cuEventRecord;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import jcuda.driver.CUevent;

/**
 * Times work of a device's stream by two events around it. An event is about a microsecond of the device's own work, so
 * that kernels of few microseconds seem to take longer than they do.
 */
final class KernelTimes extends DeviceResource {

    private record Timed(String name, CUevent begin, CUevent end) {
    }

    private final List<Timed> timed = new ArrayList<>();
    private final Deque<CUevent> spare = new ArrayDeque<>();

    KernelTimes(CudaDevice device) {
        super(device);
    }

    /** Launches work on the device's stream, and records events before and after it. */
    void around(String name, Runnable work) {
        CUevent begin = record();
        work.run();
        timed.add(new Timed(name, begin, record()));
    }

    private CUevent record() {
        CUevent event = spare.poll();
        if (event == null) {
            event = new CUevent();
            check(cuEventCreate(event, CU_EVENT_DEFAULT), "cuEventCreate");
        }
        check(cuEventRecord(event, device.stream()), "cuEventRecord");
        return event;
    }

    /**
     * The seconds of all that was timed since the last call, by name, in the order of first use. Waits until the
     * device has done it.
     */
    Map<String, Double> take() {
        device.synchronize();
        Map<String, Double> seconds = new LinkedHashMap<>();
        for (Timed one : timed) {
            float[] milliseconds = new float[1];
            check(cuEventElapsedTime(milliseconds, one.begin, one.end), "cuEventElapsedTime");
            seconds.merge(one.name, milliseconds[0] / 1e3, Double::sum);
            spare.add(one.begin);
            spare.add(one.end);
        }
        timed.clear();
        return seconds;
    }

    @Override
    protected void release() {
        Closing closing = new Closing();
        for (Timed one : timed) {
            spare.add(one.begin);
            spare.add(one.end);
        }
        spare.forEach(event -> closing.add(() -> check(cuEventDestroy(event), "cuEventDestroy")));
        closing.run();
    }
}
