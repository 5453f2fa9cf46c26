package io.framecast.backend.cuda.convolution;

/** Convolutions to test with. Each has partial tiles. Input and output channels are multiples of 4 or not. */
public enum Shape {
    FOURS(2, 9, 7, 4, 8, 3, 3, 1, 1, 1, 1, true),
    ONE_CHANNEL(1, 12, 12, 1, 12, 5, 5, 1, 1, 1, 1, true),
    TO_ONE_CHANNEL(1, 6, 5, 8, 1, 3, 3, 1, 1, 1, 1, true),
    ODD_CHANNELS_STRIDED(3, 9, 8, 5, 3, 3, 2, 2, 1, 1, 1, false),
    STRIDED_SAME(2, 9, 8, 4, 6, 3, 3, 2, 3, 1, 1, true),
    DILATED(1, 11, 9, 8, 6, 3, 3, 1, 1, 2, 3, true),
    MORE_THAN_A_TILE(2, 13, 11, 20, 132, 1, 1, 1, 1, 1, 1, true),
    MANY_TAPS(1, 5, 7, 36, 20, 5, 3, 1, 1, 1, 1, true),
    MANY_CHANNELS(1, 12, 11, 68, 72, 3, 3, 1, 1, 1, 1, true),
    ONE_PIXEL(1, 1, 1, 3, 2, 1, 1, 1, 1, 1, 1, false),
    /** More taps than a word has bits, and than a long word. */
    WIDE_KERNEL(1, 8, 9, 5, 6, 5, 7, 1, 1, 1, 1, true),
    WIDEST_KERNEL(1, 10, 9, 3, 4, 9, 7, 1, 1, 1, 1, true),
    /** The taps of tensor cores are further apart than 32-bit offsets reach. */
    FAR_TAPS(1, 1, 10001, 2, 4, 3, 1, 1, 1, 13421, 1, true),
    /** The last step along K of tensor cores, 32 or 64 values, is half empty. */
    SHORT_LAST_STEP(1, 7, 9, 96, 32, 1, 3, 1, 1, 1, 1, true),
    /** More rows and columns than any tile, plus a partial tile; each step along K is within one tap. */
    TILES(2, 13, 11, 40, 264, 3, 1, 1, 1, 1, 1, true),
    /** The same, but no size is a multiple of 4, and steps along K cross taps. */
    ODD_TILES(2, 19, 15, 35, 261, 2, 2, 1, 1, 1, 1, false);

    public final int images;
    public final int height;
    public final int width;
    public final int inputs;
    public final int outHeight;
    public final int outWidth;
    public final int outputs;
    public final int kernelHeight;
    public final int kernelWidth;
    public final int strideHeight;
    public final int strideWidth;
    public final int dilationHeight;
    public final int dilationWidth;
    public final int padTop;
    public final int padLeft;
    public final ConvolutionShape shape;

    Shape(int images, int height, int width, int inputs, int outputs, int kernelHeight, int kernelWidth,
            int strideHeight, int strideWidth, int dilationHeight, int dilationWidth, boolean same) {
        this.images = images;
        this.height = height;
        this.width = width;
        this.inputs = inputs;
        this.outputs = outputs;
        this.kernelHeight = kernelHeight;
        this.kernelWidth = kernelWidth;
        this.strideHeight = strideHeight;
        this.strideWidth = strideWidth;
        this.dilationHeight = dilationHeight;
        this.dilationWidth = dilationWidth;
        int reachHeight = (kernelHeight - 1) * dilationHeight + 1;
        int reachWidth = (kernelWidth - 1) * dilationWidth + 1;
        // TensorFlow's "same": ceil(size / stride) outputs; an odd pixel of padding is at the end.
        outHeight = same ? (height + strideHeight - 1) / strideHeight : (height - reachHeight) / strideHeight + 1;
        outWidth = same ? (width + strideWidth - 1) / strideWidth : (width - reachWidth) / strideWidth + 1;
        padTop = same ? Math.max(0, (outHeight - 1) * strideHeight + reachHeight - height) / 2 : 0;
        padLeft = same ? Math.max(0, (outWidth - 1) * strideWidth + reachWidth - width) / 2 : 0;
        shape = new ConvolutionShape(height, width, inputs, outputs, kernelHeight, kernelWidth, strideHeight,
                strideWidth, dilationHeight, dilationWidth, same);
    }

    public int outPixels() {
        return images * outHeight * outWidth;
    }

    public int inPixels() {
        return images * height * width;
    }

    public int taps() {
        return kernelHeight * kernelWidth;
    }

    /** The values of images so many times. */
    public static float[] repeat(float[] values, int times) {
        float[] repeated = new float[times * values.length];
        for (int i = 0; i < repeated.length; i++) {
            repeated[i] = values[i % values.length];
        }
        return repeated;
    }

    /** Receives each product of a convolution: x index, w index, y index. */
    public interface Product {
        void at(int x, int w, int y);
    }

    public void forEachProduct(Product product) {
        for (int n = 0; n < images; n++) {
            for (int oy = 0; oy < outHeight; oy++) {
                for (int ox = 0; ox < outWidth; ox++) {
                    int y = (n * outHeight + oy) * outWidth + ox;
                    for (int tap = 0; tap < taps(); tap++) {
                        int iy = oy * strideHeight - padTop + tap / kernelWidth * dilationHeight;
                        int ix = ox * strideWidth - padLeft + tap % kernelWidth * dilationWidth;
                        if (iy < 0 || iy >= height || ix < 0 || ix >= width) {
                            continue;
                        }
                        int x = (n * height + iy) * width + ix;
                        for (int i = 0; i < inputs; i++) {
                            for (int o = 0; o < outputs; o++) {
                                product.at(x * inputs + i, (tap * inputs + i) * outputs + o, y * outputs + o);
                            }
                        }
                    }
                }
            }
        }
    }
}
