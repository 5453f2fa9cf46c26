package io.framecast.backend;

/** Batch normalisation over frames, batch, height and width, per channel, with Keras's epsilon and momentum. */
public record BatchNormSpec(int height, int width, int channels, double epsilon, double momentum) {
}
