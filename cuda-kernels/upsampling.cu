// More rows and columns; see io.framecast.backend.UpSamplingSpec.
//
//   upSampleForward    x (images, HEIGHT, WIDTH, CHANNELS) to
//                      y (images, HEIGHT*SCALE_HEIGHT, WIDTH*SCALE_WIDTH, CHANNELS)
//   upSampleBackward   dx: the sum over the output pixels that an input pixel is part of, by rows and columns
//
// Compiled for these sizes, and BILINEAR: 1 for bilinear, 0 for nearest.
// Launch: block 256, grid ceil(n / 256), a thread a value of y or of dx. A warp's accesses to a pixel are coalesced.
// Bound by bytes: 4 a value of y, read or written; the up to four pixels of x come from the caches.

constexpr int OUT_HEIGHT = HEIGHT * SCALE_HEIGHT, OUT_WIDTH = WIDTH * SCALE_WIDTH;

// Where output o lies among `length` inputs.
__device__ float position(int o, int scale, int length) {
    return fminf(fmaxf((o + 0.5f) / scale - 0.5f, 0.0f), length - 1.0f);
}

// What input i is of an output at that position.
__device__ float weight(float position, int i) { return fmaxf(0.0f, 1.0f - fabsf(position - i)); }

extern "C" __global__ void __launch_bounds__(256) upSampleForward(const float *x, float *y, long long n) {
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const long long pixel = i / CHANNELS, image = pixel / (OUT_HEIGHT * OUT_WIDTH);
    const int place = pixel % (OUT_HEIGHT * OUT_WIDTH), row = place / OUT_WIDTH, column = place % OUT_WIDTH;
    const float *from = x + image * (HEIGHT * WIDTH * CHANNELS) + i % CHANNELS;
    if constexpr (!BILINEAR) {
        y[i] = from[(row / SCALE_HEIGHT * WIDTH + column / SCALE_WIDTH) * CHANNELS];
        return;
    }
    const float r = position(row, SCALE_HEIGHT, HEIGHT), c = position(column, SCALE_WIDTH, WIDTH);
    float sum = 0.0f;
#pragma unroll
    for (int a = 0; a < 2; a++)
#pragma unroll
        for (int b = 0; b < 2; b++) {
            // Beyond the last pixel the weight is 0.
            const int p = min((int)r + a, HEIGHT - 1), q = min((int)c + b, WIDTH - 1);
            const float share = weight(r, (int)r + a) * weight(c, (int)c + b);
            sum += share * from[(p * WIDTH + q) * CHANNELS];
        }
    y[i] = sum;
}

extern "C" __global__ void __launch_bounds__(256) upSampleBackward(const float *dy, float *dx, long long n) {
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const long long pixel = i / CHANNELS, image = pixel / (HEIGHT * WIDTH);
    const int place = pixel % (HEIGHT * WIDTH), row = place / WIDTH, column = place % WIDTH;
    const float *gradient = dy + image * ((long long)OUT_HEIGHT * OUT_WIDTH * CHANNELS) + i % CHANNELS;
    // Interpolated outputs reach to the pixels beside them; those farther away have weights of 0.
    constexpr int REACH = BILINEAR ? 1 : 0;
    const int bottom = min(OUT_HEIGHT, (row + 1 + REACH) * SCALE_HEIGHT);
    const int right = min(OUT_WIDTH, (column + 1 + REACH) * SCALE_WIDTH);
    float sum = 0.0f;
#pragma unroll 1
    for (int r = max(0, (row - REACH) * SCALE_HEIGHT); r < bottom; r++)
#pragma unroll 1
        for (int c = max(0, (column - REACH) * SCALE_WIDTH); c < right; c++) {
            const float part = gradient[(r * OUT_WIDTH + c) * CHANNELS];
            if constexpr (BILINEAR)
                sum += part * weight(position(r, SCALE_HEIGHT, HEIGHT), row)
                        * weight(position(c, SCALE_WIDTH, WIDTH), column);
            else
                sum += part;
        }
    dx[i] = sum;
}
