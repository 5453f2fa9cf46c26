package io.framecast.backend;

/**
 * What an op is made for.
 *
 * @param frames the most frames it will be given at once
 * @param batch the most videos it will be given at once
 * @param training whether it keeps what {@link Op#backward} needs
 * @param inputGradient whether backward must return the gradient of the input; the first layer's need not
 */
public record Plan(int frames, int batch, boolean training, boolean inputGradient) {
}
