package io.framecast.backend;

/** The sizes of windows that slide along one axis, as TensorFlow's "same" and "valid" define them. */
public final class Padding {

    private Padding() {
    }

    /**
     * The number of windows.
     *
     * @param same whether the axis is padded; else "valid"
     * @param size of the axis
     * @param window positions of a window
     * @param stride from one window to the next
     * @param dilation from one position of a window to the next
     * @return 0 or less if a window is larger than an axis without padding
     */
    public static int outputs(boolean same, int size, int window, int stride, int dilation) {
        long extent = (window - 1L) * dilation + 1;
        return (int) (same ? (size + stride - 1L) / stride : size < extent ? 0 : (size - extent) / stride + 1);
    }

    /**
     * The positions of padding before the first. After the last there are as many, or one more.
     *
     * @param same whether the axis is padded; else "valid"
     * @param size of the axis
     * @param window positions of a window
     * @param stride from one window to the next
     * @param dilation from one position of a window to the next
     * @return 0 for "valid"
     */
    public static int before(boolean same, int size, int window, int stride, int dilation) {
        long extent = (outputs(same, size, window, stride, dilation) - 1L) * stride + (window - 1L) * dilation + 1;
        return (int) (same ? Math.max(0, extent - size) / 2 : 0);
    }
}
