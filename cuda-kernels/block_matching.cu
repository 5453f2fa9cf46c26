// The motion since the frame before, by block matching with a soft argmin; BlockMatchingSpec has the formula.
//
//   blockDifferences   D (images, rows, columns, displacements): the squared differences of each block of pixels from
//                      the frame before, by displacement. Images are (frames, batch), rows and columns are of blocks.
//   softArgmin         y (images, rows, columns, 3) from D: window, softmax and sums over displacements
//
// Launch: block 256. blockDifferences: grid ceil(n / 256), n = values of D, a thread one value. softArgmin: grid
// ceil(n / 8), n = images * rows * columns, a warp one block of pixels, a lane each 32nd displacement; the sums of the
// lanes are merged in a fixed order. Neighbouring threads have neighbouring displacements: of x they read the same
// values, of the frame before and of D neighbouring ones. Bound by instructions: a multiply-add and an address for each
// pixel, channel and displacement, then window^2 additions and two exponentials for each block and displacement; what
// is read comes from the caches.
#include "elementwise.cuh"

// Whether a pixel is inside the image: all others are zero.
__device__ bool isInside(int y, int x, int height, int width) { return y >= 0 && y < height && x >= 0 && x < width; }

// The frame before image i is image i - batch of x; before the first `batch` images are those of `before`.
extern "C" __global__ void __launch_bounds__(256) blockDifferences(const float *x, const float *before, float *d,
        long long n, int batch, int height, int width, int channels, int block, int reach) {
    const long long i = gridThread();
    if (i >= n) return;
    const int side = 2 * reach + 1, displacement = i % (side * side);
    const long long at = i / (side * side);
    const int columns = width / block, rows = height / block;
    const int left = at % columns * block, top = at / columns % rows * block;
    const long long image = at / columns / rows, frame = (long long)height * width * channels;
    const float *to = x + image * frame, *from = image < batch ? before + image * frame : to - batch * frame;
    const int dy = displacement / side - reach, dx = displacement % side - reach;
    float sum = 0;
#pragma unroll 1
    for (int y = top; y < top + block; y++) {
#pragma unroll 1
        for (int column = left; column < left + block; column++) {
            const bool inside = isInside(y + dy, column + dx, height, width);
            const long long pixel = ((long long)y * width + column) * channels;
            const long long shift = ((long long)dy * width + dx) * channels;
#pragma unroll 1
            for (int c = 0; c < channels; c++) {
                const float difference = to[pixel + c] - (inside ? from[pixel + shift + c] : 0);
                sum += difference * difference;
            }
        }
    }
    d[i] = sum;
}

// The softmax of some displacements: the least cost, and the sums of p, p*dy and p*dx with p = e^(least - cost).
struct Softmax {
    float least = 3.4e38f, sum = 0, y = 0, x = 0;

    __device__ void add(float otherLeast, float otherSum, float otherY, float otherX) {
        const float all = fminf(least, otherLeast);
        const float mine = expf(all - least), others = expf(all - otherLeast);
        least = all;
        sum = sum * mine + otherSum * others;
        y = y * mine + otherY * others;
        x = x * mine + otherX * others;
    }
};

extern "C" __global__ void __launch_bounds__(256) softArgmin(const float *d, float *y, long long n, int rows,
        int columns, int reach, int window) {
    const long long at = gridThread() / 32;
    const int lane = threadIdx.x % 32;
    if (at >= n) return;
    const int side = 2 * reach + 1, displacements = side * side, radius = window / 2;
    const int column = at % columns, row = at / columns % rows;
    const int top = max(row - radius, 0), height = min(row + radius, rows - 1) - top + 1;
    const int left = max(column - radius, 0), width = min(column + radius, columns - 1) - left + 1;
    const float scale = (float)window * window / ((float)height * width);
    const float *corner = d + (at - (long long)(row - top) * columns - (column - left)) * displacements;
    Softmax softmax;
#pragma unroll 1
    for (int displacement = lane; displacement < displacements; displacement += 32) {
        float sum = 0;
#pragma unroll 1
        for (int r = 0; r < height; r++) {
            const float *line = corner + (long long)r * columns * displacements + displacement;
#pragma unroll 1
            for (int c = 0; c < width; c++) sum += line[(long long)c * displacements];
        }
        softmax.add(sum * scale, 1, displacement / side - reach, displacement % side - reach);
    }
#pragma unroll
    for (int mask = 16; mask > 0; mask /= 2) {
        softmax.add(__shfl_xor_sync(~0u, softmax.least, mask), __shfl_xor_sync(~0u, softmax.sum, mask),
                __shfl_xor_sync(~0u, softmax.y, mask), __shfl_xor_sync(~0u, softmax.x, mask));
    }
    if (lane == 0) {
        y[3 * at] = softmax.y / softmax.sum;
        y[3 * at + 1] = softmax.x / softmax.sum;
        y[3 * at + 2] = fminf(softmax.least / 8, 1);
    }
}
