package io.framecast.backend;

/**
 * One parameter of a layer on the device, and the tensor that receives its gradient.
 *
 * @param value the parameter
 * @param gradient where backward writes the gradient; null when not training
 */
public record Weights(Tensor value, Tensor gradient) {
}
