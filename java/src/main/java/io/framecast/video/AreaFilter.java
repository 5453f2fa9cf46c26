package io.framecast.video;

/**
 * Scales a picture, given row by row: a pixel of the result is the mean of the area of the picture that it covers,
 * where pixels that are partly in it count in part. In plain Java, because FFmpeg's scaler converts colours to YUV and
 * back.
 */
final class AreaFilter {

    private final int height;
    private final int width;
    private final int channels;
    private final int newHeight;
    private final int newWidth;
    /** A row, scaled horizontally; and the sum of such rows for the next row of the result. */
    private final float[] scaled;
    private final float[] sum;
    private int rows;
    private int newRows;

    AreaFilter(int height, int width, int channels, int newHeight, int newWidth) {
        this.height = height;
        this.width = width;
        this.channels = channels;
        this.newHeight = newHeight;
        this.newWidth = newWidth;
        this.scaled = new float[newWidth * channels];
        this.sum = new float[newWidth * channels];
    }

    /** Takes the next row, and writes the rows of the result that are complete by it. */
    void add(byte[] row, byte[] result) {
        if (height == newHeight && width == newWidth) {
            System.arraycopy(row, 0, result, rows++ * width * channels, width * channels);
            return;
        }
        scale(row);
        // In units of 1/newHeight of a row: this row, and the area of a row of the result.
        long begin = (long) rows * newHeight;
        long end = begin + newHeight;
        rows++;
        while (newRows < newHeight && begin < end) {
            long border = (long) (newRows + 1) * height;
            float share = (float) (Math.min(end, border) - begin) / height;
            for (int k = 0; k < sum.length; k++) {
                sum[k] += share * scaled[k];
            }
            if (border > end) {
                return;
            }
            for (int k = 0; k < sum.length; k++) {
                result[newRows * sum.length + k] = (byte) (int) (sum[k] + 0.5f);
                sum[k] = 0;
            }
            newRows++;
            begin = border;
        }
    }

    private void scale(byte[] row) {
        for (int x = 0; x < newWidth; x++) {
            // In units of 1/newWidth of a column.
            long begin = (long) x * width;
            long end = begin + width;
            int from = (int) (begin / newWidth);
            int to = (int) ((end - 1) / newWidth); // Inclusive.
            long early = begin - (long) from * newWidth;
            long late = (long) (to + 1) * newWidth - end;
            for (int c = 0; c < channels; c++) {
                long whole = 0;
                for (int k = from; k <= to; k++) {
                    whole += row[k * channels + c] & 0xff;
                }
                long area = whole * newWidth - early * (row[from * channels + c] & 0xff)
                        - late * (row[to * channels + c] & 0xff);
                scaled[x * channels + c] = (float) area / width;
            }
        }
    }

    /** Begins the next picture. */
    void reset() {
        rows = 0;
        newRows = 0;
    }
}
