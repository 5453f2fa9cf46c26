package io.framecast.backend;

/**
 * One parameter of a layer on the device, and where backward puts its gradient.
 *
 * @param gradient null when not training
 */
public record Weights(Tensor value, Tensor gradient) {
}
