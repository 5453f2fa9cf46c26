package io.framecast.backend;

/**
 * TensorFlow's space_to_depth over frames of (height, width, channels), to (height/block, width/block,
 * block*block*channels): pixel (y*block + i, x*block + j), channel c, goes to channel (i*block + j)*channels + c of (y,
 * x). With {@code inverse} this is depth_to_space, and (height, width, channels) is the shape of the output.
 *
 * @param height rows of the frame in space
 * @param width columns of the frame in space
 * @param channels channels of the frame in space
 * @param block rows and columns of a patch
 * @param inverse whether channels are moved to patches of pixels
 */
public record SpaceToDepthSpec(int height, int width, int channels, int block, boolean inverse) {
}
