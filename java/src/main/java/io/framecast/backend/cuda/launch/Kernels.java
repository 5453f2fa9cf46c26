package io.framecast.backend.cuda.launch;

import io.framecast.backend.cuda.driver.CudaKernel;
import java.util.List;
import java.util.Set;

/** The kernels of a device, shared by all ops. */
interface Kernels {

    /** As {@link CudaOps#kernel(String, String, List)}. */
    CudaKernel get(String file, String name, List<String> options);

    /** The sources that were asked for. */
    Set<ModuleSource> sources();
}
