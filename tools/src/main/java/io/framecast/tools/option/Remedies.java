package io.framecast.tools.option;

import io.framecast.FramecastException;
import io.framecast.Remedy;
import java.util.stream.Collectors;

/** Translates the engine's advice to options of the command line. */
public final class Remedies {

    private Remedies() {
    }

    /** The message, with the options for its advice in parentheses: "Choose a smaller batch (--batch-size)." */
    public static String sentence(FramecastException e) {
        if (e.remedies().isEmpty()) {
            return e.getMessage();
        }
        String options = e.remedies().stream().map(Remedies::option).collect(Collectors.joining(", ", " (", ")"));
        return e.getMessage().replaceFirst("(?=\\.?$)", options);
    }

    private static String option(Remedy remedy) {
        return switch (remedy) {
            case SMALLER_BATCH -> "--batch-size";
            case SMALLER_LEARNING_RATE -> "--lr";
            case DEFAULT_PRECISION -> "--precision fp32";
            case KERNEL_CONVOLUTIONS -> "--conv kernels";
            case CPU -> "--device cpu";
            case CUDA -> "--device cuda";
            case SOFTWARE_DEVICE -> "--device softgpu";
            case LARGER_HEAP -> "JAVA_TOOL_OPTIONS=-Xmx...";
            case RESUME_RUN -> "--resume";
            case OTHER_DIRECTORY -> "--out";
            case OVERWRITE_RUN -> "--overwrite";
            case FRAME_SIZE -> "framecast import --height, --width";
            case GIVE_MODEL -> "framecast import --model";
        };
    }
}
