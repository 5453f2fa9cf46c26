// The largest value or the mean of windows of pixels, for each channel; see io.framecast.backend.PoolingSpec.
//
//   poolForward    y (images, OUT_HEIGHT, OUT_WIDTH, CHANNELS) of x (images, HEIGHT, WIDTH, CHANNELS)
//   poolBackward   dx: the sum over the windows that a pixel is in, in their order, of what it gets of their dy. A
//                  largest value's is for the first of the window's values that is as large, which is searched anew
//
// Compiled for these sizes, POOL_HEIGHT, POOL_WIDTH, STRIDE_HEIGHT, STRIDE_WIDTH, PAD_TOP, PAD_LEFT, and LARGEST: 1 for
// the largest value, 0 for the mean.
// Launch: block 256, grid ceil(n / 256), a thread a value of y or of dx. A warp's accesses to a pixel are coalesced.
// Bound by bytes: 4 a value of x and y, and of dx; windows that overlap are read again from the caches.

// Rows [top, bottom) and columns [left, right) of a window that are inside the frame: at least one.
struct Window {
    int top, bottom, left, right;

    __device__ Window(int row, int column)
            : top(max(0, row * STRIDE_HEIGHT - PAD_TOP)),
              bottom(min(HEIGHT, row * STRIDE_HEIGHT - PAD_TOP + POOL_HEIGHT)),
              left(max(0, column * STRIDE_WIDTH - PAD_LEFT)),
              right(min(WIDTH, column * STRIDE_WIDTH - PAD_LEFT + POOL_WIDTH)) {}

    __device__ float share() const { return 1.0f / ((bottom - top) * (right - left)); }

    __device__ float mean(const float *x) const {
        float sum = 0.0f;
#pragma unroll 1
        for (int i = top; i < bottom; i++)
#pragma unroll 1
            for (int j = left; j < right; j++) sum += x[(i * WIDTH + j) * CHANNELS];
        return sum * share();
    }

    // The pixel of the first largest value. The first NaN is larger than all.
    __device__ int largest(const float *x) const {
        int best = top * WIDTH + left;
        float most = x[best * CHANNELS];
#pragma unroll 1
        for (int i = top; i < bottom; i++)
#pragma unroll 1
            for (int j = left; j < right; j++) {
                const float value = x[(i * WIDTH + j) * CHANNELS];
                if (!(value <= most) && most == most) {
                    most = value;
                    best = i * WIDTH + j;
                }
            }
        return best;
    }
};

extern "C" __global__ void __launch_bounds__(256) poolForward(const float *x, float *y, long long n) {
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const long long pixel = i / CHANNELS, image = pixel / (OUT_HEIGHT * OUT_WIDTH);
    const int place = pixel % (OUT_HEIGHT * OUT_WIDTH);
    const float *from = x + image * (HEIGHT * WIDTH * CHANNELS) + i % CHANNELS;
    const Window window(place / OUT_WIDTH, place % OUT_WIDTH);
    if constexpr (LARGEST)
        y[i] = from[window.largest(from) * CHANNELS];
    else
        y[i] = window.mean(from);
}

// The first window that holds position p of an axis, and the one after the last.
__device__ int firstWindow(int p, int window, int stride) { return p < window ? 0 : (p - window) / stride + 1; }
__device__ int endWindow(int p, int stride, int count) { return min(count, p / stride + 1); }

extern "C" __global__ void __launch_bounds__(256) poolBackward(const float *x, const float *dy, float *dx,
        long long n) {
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const long long pixel = i / CHANNELS, image = pixel / (HEIGHT * WIDTH);
    const int channel = i % CHANNELS, place = pixel % (HEIGHT * WIDTH);
    const float *from = x + image * (HEIGHT * WIDTH * CHANNELS) + channel;
    const float *gradient = dy + image * (OUT_HEIGHT * OUT_WIDTH * CHANNELS) + channel;
    const int row = place / WIDTH + PAD_TOP, column = place % WIDTH + PAD_LEFT;
    float sum = 0.0f;
#pragma unroll 1
    for (int r = firstWindow(row, POOL_HEIGHT, STRIDE_HEIGHT); r < endWindow(row, STRIDE_HEIGHT, OUT_HEIGHT); r++)
#pragma unroll 1
        for (int c = firstWindow(column, POOL_WIDTH, STRIDE_WIDTH); c < endWindow(column, STRIDE_WIDTH, OUT_WIDTH);
                c++) {
            const Window window(r, c);
            const float part = gradient[(r * OUT_WIDTH + c) * CHANNELS];
            if constexpr (LARGEST) {
                if (window.largest(from) == place) sum += part;
            } else {
                sum += part * window.share();
            }
        }
    dx[i] = sum;
}
