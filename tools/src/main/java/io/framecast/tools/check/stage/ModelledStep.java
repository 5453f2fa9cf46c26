package io.framecast.tools.check.stage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.framecast.FramecastException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What the model of time says of a step on the GPU that is measured: by {@code framecast bench --device softgpu --as},
 * in a process of its own, since a process has one driver.
 *
 * @param seconds of the step
 * @param kernels seconds of each kernel, by name
 */
record ModelledStep(double seconds, Map<String, Double> kernels) {

    /** The GPUs that the model knows, by a word of the driver's name for them. */
    private static final List<String> GPUS = List.of("H100", "A100", "RTX 4090");

    /**
     * Of a preset.
     *
     * @param device as the backend describes it
     * @param program runs the model
     * @return empty if the model does not know the GPU
     * @throws FramecastException if the model's process fails
     */
    static Optional<ModelledStep> of(String device, ThisProgram program, String model, int batch, String precision,
            Path directory, double seconds) {
        Optional<String> gpu = GPUS.stream().filter(device::contains).findFirst();
        if (gpu.isEmpty()) {
            return Optional.empty();
        }
        Path file = directory.resolve("modelled.json");
        ChildProcess.Ended ended = ChildProcess.run(program.command("bench", "--device",
                "softgpu", "--as", gpu.get().replace(" ", "").toLowerCase(Locale.ROOT), "--model", model,
                "--batch-size", Integer.toString(batch), "--precision", precision, "--json", file.toString()), seconds);
        if (ended.failure() != null) {
            throw new FramecastException("The model of time " + ended.failure() + ".");
        }
        try {
            JsonNode json = new ObjectMapper().readTree(file.toFile());
            Files.delete(file);
            Map<String, Double> kernels = new LinkedHashMap<>();
            json.get("kernels").forEach(kernel -> kernels.merge(kernel.get("kernel").textValue(),
                    kernel.get("modelled_seconds").doubleValue(), Double::sum));
            return Optional.of(new ModelledStep(json.get("modelled_seconds_per_step").doubleValue(), kernels));
        } catch (IOException e) {
            throw new FramecastException("The model of time cannot be read: " + e.getMessage() + ".", e);
        }
    }
}
