package io.framecast.backend.cuda.layer;

import io.framecast.backend.LayeredAdvectionSpec;
import java.util.List;

/** The compiler options of advection.cu, for tests in other packages. */
public final class LayeredAdvectionOptions {

    private LayeredAdvectionOptions() {
    }

    public static List<String> of(LayeredAdvectionSpec spec) {
        return CudaLayeredAdvection.options(spec);
    }
}
