package io.framecast.backend;

/**
 * TensorFlow's space_to_depth over frames of (height, width, channels), to (height/block, width/block,
 * block*block*channels): pixel (y*block + i, x*block + j), channel c, goes to channel (i*block + j)*channels + c of (y,
 * x). With {@code inverse} this is depth_to_space, and (height, width, channels) is the shape of the output.
 */
public record SpaceToDepthSpec(int height, int width, int channels, int block, boolean inverse) {
}
