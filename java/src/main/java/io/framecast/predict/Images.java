package io.framecast.predict;

import io.framecast.nn.FrameShape;
import java.awt.image.BufferedImage;
import java.awt.image.Raster;
import java.awt.image.WritableRaster;
import java.util.List;

/** Conversion between frames and images: 1 channel is grey, 3 channels are RGB; 0 is black and 1 is white. */
final class Images {

    private Images() {
    }

    /**
     * {@return the values of images, (frames, height, width, channels)}
     *
     * @throws IllegalArgumentException if an image has another size, or the number of channels is neither 1 nor 3
     */
    static float[] values(List<BufferedImage> images, FrameShape shape) {
        requireChannels(shape);
        float[] values = new float[Math.multiplyExact(images.size(), shape.size())];
        for (int t = 0; t < images.size(); t++) {
            BufferedImage image = images.get(t);
            if (image.getHeight() != shape.height() || image.getWidth() != shape.width()) {
                throw new IllegalArgumentException("image " + t + " has " + image.getHeight() + "x" + image.getWidth()
                        + " pixels, but the model takes frames of " + shape);
            }
            for (int i = 0; i < shape.size(); i++) {
                int pixel = i / shape.channels();
                values[t * shape.size() + i] = value(image, pixel % shape.width(), pixel / shape.width(),
                        shape.channels() == 1 ? -1 : i % 3);
            }
        }
        return values;
    }

    /** @param channel 0 to 2 for red to blue, -1 for grey */
    private static float value(BufferedImage image, int x, int y, int channel) {
        Raster raster = image.getRaster();
        if (raster.getNumBands() == 1 && image.getColorModel().getNumComponents() == 1) {
            // The stored value: getRGB would apply a gamma correction.
            int white = (1 << raster.getSampleModel().getSampleSize(0)) - 1;
            return (float) raster.getSample(x, y, 0) / white;
        }
        int rgb = image.getRGB(x, y);
        int red = rgb >> 16 & 255;
        int green = rgb >> 8 & 255;
        int blue = rgb & 255;
        return switch (channel) {
            case 0 -> red / 255f;
            case 1 -> green / 255f;
            case 2 -> blue / 255f;
            // The luma of ITU-R BT.601.
            default -> (0.299f * red + 0.587f * green + 0.114f * blue) / 255f;
        };
    }

    /** A frame as an image with 8 bits per channel; values outside [0, 1] are clipped. */
    static BufferedImage image(float[] values, FrameShape shape) {
        requireChannels(shape);
        boolean grey = shape.channels() == 1;
        BufferedImage image = new BufferedImage(shape.width(), shape.height(),
                grey ? BufferedImage.TYPE_BYTE_GRAY : BufferedImage.TYPE_INT_RGB);
        WritableRaster raster = image.getRaster();
        for (int i = 0; i < values.length; i++) {
            int pixel = i / shape.channels();
            int value = Math.round(255 * Math.max(0, Math.min(1, values[i])));
            raster.setSample(pixel % shape.width(), pixel / shape.width(), i % shape.channels(), value);
        }
        return image;
    }

    private static void requireChannels(FrameShape shape) {
        if (shape.channels() != 1 && shape.channels() != 3) {
            throw new IllegalArgumentException("frames of " + shape.channels() + " channels are no images; give their "
                    + "values as floats");
        }
    }
}
