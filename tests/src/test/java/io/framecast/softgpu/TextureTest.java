package io.framecast.softgpu;

import static io.framecast.softgpu.SoftDevice.check;
import static jcuda.driver.CUaddress_mode.CU_TR_ADDRESS_MODE_CLAMP;
import static jcuda.driver.CUaddress_mode.CU_TR_ADDRESS_MODE_MIRROR;
import static jcuda.driver.CUaddress_mode.CU_TR_ADDRESS_MODE_WRAP;
import static jcuda.driver.CUarray_format.CU_AD_FORMAT_FLOAT;
import static jcuda.driver.CUarray_format.CU_AD_FORMAT_HALF;
import static jcuda.driver.CUarray_format.CU_AD_FORMAT_SIGNED_INT16;
import static jcuda.driver.CUarray_format.CU_AD_FORMAT_SIGNED_INT32;
import static jcuda.driver.CUarray_format.CU_AD_FORMAT_SIGNED_INT8;
import static jcuda.driver.CUarray_format.CU_AD_FORMAT_UNSIGNED_INT16;
import static jcuda.driver.CUarray_format.CU_AD_FORMAT_UNSIGNED_INT32;
import static jcuda.driver.CUarray_format.CU_AD_FORMAT_UNSIGNED_INT8;
import static jcuda.driver.CUresult.CUDA_ERROR_ILLEGAL_ADDRESS;
import static jcuda.driver.CUresult.CUDA_ERROR_INVALID_HANDLE;
import static jcuda.driver.CUresult.CUDA_ERROR_INVALID_VALUE;
import static jcuda.driver.CUresult.CUDA_ERROR_LAUNCH_FAILED;
import static jcuda.driver.CUresult.CUDA_ERROR_NOT_FOUND;
import static jcuda.driver.JCudaDriver.*;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import jcuda.Pointer;
import jcuda.driver.CUDA_ARRAY3D_DESCRIPTOR;
import jcuda.driver.CUDA_MEMCPY3D;
import jcuda.driver.CUDA_RESOURCE_DESC;
import jcuda.driver.CUDA_TEXTURE_DESC;
import jcuda.driver.CUarray;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUfilter_mode;
import jcuda.driver.CUfunction;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUgraphNode;
import jcuda.driver.CUmemorytype;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresourcetype;
import jcuda.driver.CUsurfObject;
import jcuda.driver.CUtexObject;
import jcuda.driver.CUtexref;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Textures and surfaces, against the definitions of the CUDA C++ Programming Guide, "Texture Fetching". */
class TextureTest {

    private static final int AS_INTEGERS = 1, NORMALIZED = 2;
    private static final int CU_TR_ADDRESS_MODE_BORDER = 3;      // JCuda does not name it
    private static final int LAYERED = 1, SURFACE = 2, CUBEMAP = 4, GATHER = 8;

    @RegisterExtension
    final SoftDevice device = new SoftDevice();

    private final Random random = new Random(5);

    private static CUarray array(int width, int height, int depth, int format, int channels, int flags) {
        CUDA_ARRAY3D_DESCRIPTOR descriptor = new CUDA_ARRAY3D_DESCRIPTOR();
        descriptor.Width = width;
        descriptor.Height = height;
        descriptor.Depth = depth;
        descriptor.Format = format;
        descriptor.NumChannels = channels;
        descriptor.Flags = flags;
        CUarray array = new CUarray();
        check(cuArray3DCreate(array, descriptor));
        return array;
    }

    /** An array of floats with these values. */
    private static CUarray array(int width, int height, int depth, int channels, int flags, float... values) {
        CUarray array = array(width, height, depth, CU_AD_FORMAT_FLOAT, channels, flags);
        CUDA_MEMCPY3D copy = box(width * channels, height, depth);
        copy.srcMemoryType = CUmemorytype.CU_MEMORYTYPE_HOST;
        copy.srcHost = Pointer.to(values);
        copy.srcPitch = copy.WidthInBytes;
        copy.srcHeight = copy.Height;
        copy.dstMemoryType = CUmemorytype.CU_MEMORYTYPE_ARRAY;
        copy.dstArray = array;
        check(cuMemcpy3D(copy));
        return array;
    }

    private static CUDA_MEMCPY3D box(int floats, int height, int depth) {
        CUDA_MEMCPY3D copy = new CUDA_MEMCPY3D();
        copy.WidthInBytes = 4L * floats;
        copy.Height = Math.max(height, 1);
        copy.Depth = Math.max(depth, 1);
        return copy;
    }

    private static CUDA_RESOURCE_DESC of(CUarray array) {
        CUDA_RESOURCE_DESC resource = new CUDA_RESOURCE_DESC();
        resource.resType = CUresourcetype.CU_RESOURCE_TYPE_ARRAY;
        resource.array_hArray = array;
        return resource;
    }

    private static CUDA_RESOURCE_DESC linear(Buffer buffer, int format, int channels) {
        CUDA_RESOURCE_DESC resource = new CUDA_RESOURCE_DESC();
        resource.resType = CUresourcetype.CU_RESOURCE_TYPE_LINEAR;
        resource.linear_devPtr = buffer.pointer();
        resource.linear_format = format;
        resource.linear_numChannels = channels;
        resource.linear_sizeInBytes = buffer.size();
        return resource;
    }

    private static CUtexObject texture(CUDA_RESOURCE_DESC resource, int mode, boolean linear, int flags) {
        CUDA_TEXTURE_DESC texture = new CUDA_TEXTURE_DESC();
        texture.addressMode = new int[] {mode, mode, mode};
        texture.filterMode = linear ? CUfilter_mode.CU_TR_FILTER_MODE_LINEAR : CUfilter_mode.CU_TR_FILTER_MODE_POINT;
        texture.flags = flags;
        texture.borderColor = new float[] {-64, -32, 0, 0};
        CUtexObject object = new CUtexObject();
        check(cuTexObjectCreate(object, resource, texture, null));
        return object;
    }

    private float[] numbers(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = random.nextInt(4096) - 2048;
        }
        return values;
    }

    // ---- Addressing and filtering -------------------------------------------------------------------------------

    /** The texel that holds a coordinate of an axis, from 0 to n, as the guide changes the coordinate; -1: border. */
    private static int texel(double x, int n, int mode, boolean normalized) {
        double scaled = x / n;
        if (mode == CU_TR_ADDRESS_MODE_BORDER) {
            return x < 0 || x >= n ? -1 : (int) Math.floor(x);
        }
        if (normalized && mode == CU_TR_ADDRESS_MODE_WRAP) {
            return (int) Math.floor((scaled - Math.floor(scaled)) * n);
        }
        if (normalized && mode == CU_TR_ADDRESS_MODE_MIRROR) {
            double fraction = scaled - Math.floor(scaled);
            // The guide's 1 - frac(x) of a point within a texel: the texel as far from the other end.
            int index = (int) Math.floor(fraction * n);
            return Math.floor(scaled) % 2 == 0 ? index : n - 1 - index;
        }
        return (int) Math.floor(Math.min(Math.max(x, 0), n - 0.5));
    }

    /** The first texel's centre, and the weight of the second in 256ths. */
    private static double[] footprint(double x) {
        double first = Math.floor(x - 0.5);
        return new double[] {first + 0.5, Math.rint((x - 0.5 - first) * 256)};
    }

    @Test
    void readsTwoDimensionsInAllModes() {
        final int width = 8, height = 4, count = 512;
        float[] values = numbers(width * height * 2);
        CUarray array = array(width, height, 0, 2, 0, values);
        float[] at = new float[2 * count];
        for (int i = 0; i < at.length; i++) {
            // Between two 256ths of a texel, but not in the middle, where both would be right.
            at[i] = (random.nextInt(24 * 256) - 10 * 256) / 256f + (i % 3) / 1024f;
        }
        Kernel kernel = device.kernel("""
                extern "C" __global__ void sample(cudaTextureObject_t t, const float2 *at, float2 *out, float sx,
                        float sy) {
                    out[threadIdx.x] = tex2D<float2>(t, at[threadIdx.x].x * sx, at[threadIdx.x].y * sy);
                }
                """);
        Buffer coordinates = device.buffer(at), out = device.allocate(8L * count);
        for (int mode : new int[] {CU_TR_ADDRESS_MODE_WRAP, CU_TR_ADDRESS_MODE_CLAMP, CU_TR_ADDRESS_MODE_MIRROR,
                CU_TR_ADDRESS_MODE_BORDER}) {
            for (boolean linear : new boolean[] {false, true}) {
                for (boolean normalized : new boolean[] {false, true}) {
                    CUtexObject texture = texture(of(array), mode, linear, normalized ? NORMALIZED : 0);
                    kernel.launch(1, count, texture, coordinates, out, normalized ? 1f / width : 1f,
                            normalized ? 1f / height : 1f);
                    float[] actual = out.floats(), expected = new float[2 * count];
                    for (int i = 0; i < 2 * count; i++) {
                        double x = at[i / 2 * 2], y = at[i / 2 * 2 + 1];
                        double[] u = linear ? footprint(x) : new double[] {x, 0};
                        double[] v = linear ? footprint(y) : new double[] {y, 0};
                        double sum = 0;
                        for (int corner = 0; corner < 4; corner++) {
                            double weight = (corner % 2 == 0 ? 256 - u[1] : u[1])
                                    * (corner / 2 == 0 ? 256 - v[1] : v[1]) / 65536;
                            int column = texel(u[0] + corner % 2, width, mode, normalized);
                            int row = texel(v[0] + corner / 2, height, mode, normalized);
                            sum += weight * (column < 0 || row < 0 ? i % 2 == 0 ? -64 : -32
                                    : values[(row * width + column) * 2 + i % 2]);
                        }
                        expected[i] = (float) sum;
                    }
                    assertArrayEquals(expected, actual, "mode " + mode + ", " + linear + ", " + normalized);
                    check(cuTexObjectDestroy(texture));
                }
            }
        }
        check(cuArrayDestroy(array));
    }

    // ---- Formats ------------------------------------------------------------------------------------------------

    private static int bits(int format) {
        return switch (format) {
            case CU_AD_FORMAT_UNSIGNED_INT8, CU_AD_FORMAT_SIGNED_INT8 -> 8;
            case CU_AD_FORMAT_UNSIGNED_INT16, CU_AD_FORMAT_SIGNED_INT16, CU_AD_FORMAT_HALF -> 16;
            default -> 32;
        };
    }

    private static boolean isSigned(int format) {
        return format >= CU_AD_FORMAT_SIGNED_INT8 && format <= CU_AD_FORMAT_SIGNED_INT32;
    }

    /** What a channel with these bits is, as 32 bits: an integer, or an f32. */
    private static int value(int raw, int format, boolean scaled) {
        int bits = bits(format);
        if (format == CU_AD_FORMAT_FLOAT) {
            return raw;
        }
        if (format == CU_AD_FORMAT_HALF) {
            int exponent = raw >> 10 & 31, fraction = raw & 0x3ff;
            float magnitude = exponent == 31 ? fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN
                    : exponent == 0 ? Math.scalb((float) fraction, -24) : Math.scalb(1024f + fraction, exponent - 25);
            return Float.floatToRawIntBits((raw & 0x8000) == 0 ? magnitude : -magnitude);
        }
        if (!scaled) {
            return bits == 32 ? raw : isSigned(format) ? raw << 32 - bits >> 32 - bits : raw & (1 << bits) - 1;
        }
        double most = (1 << (isSigned(format) ? bits - 1 : bits)) - 1;
        int number = isSigned(format) ? raw << 32 - bits >> 32 - bits : raw & (1 << bits) - 1;
        return Float.floatToRawIntBits((float) Math.max(number / most, -1));
    }

    @Test
    void readsAllFormatsOfLinearMemory() {
        Module module = device.module("""
                template <class T> __device__ void read(cudaTextureObject_t t, T *out, int first) {
                    out[threadIdx.x] = tex1Dfetch<T>(t, first + threadIdx.x);
                }
                extern "C" __global__ void floats(cudaTextureObject_t t, float4 *out, int i) { read(t, out, i); }
                extern "C" __global__ void ints(cudaTextureObject_t t, int4 *out, int i) { read(t, out, i); }
                """);
        byte[] bytes = new byte[256];
        random.nextBytes(bytes);
        ByteBuffer raw = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        Buffer memory = device.buffer(bytes), out = device.allocate(16 * 300);
        for (int format : new int[] {CU_AD_FORMAT_UNSIGNED_INT8, CU_AD_FORMAT_UNSIGNED_INT16,
                CU_AD_FORMAT_UNSIGNED_INT32, CU_AD_FORMAT_SIGNED_INT8, CU_AD_FORMAT_SIGNED_INT16,
                CU_AD_FORMAT_SIGNED_INT32, CU_AD_FORMAT_HALF, CU_AD_FORMAT_FLOAT}) {
            for (int channels : new int[] {1, 2, 4}) {
                for (int flags : new int[] {0, AS_INTEGERS}) {
                    boolean floating = format == CU_AD_FORMAT_HALF || format == CU_AD_FORMAT_FLOAT;
                    boolean scaled = flags == 0 && !floating && bits(format) < 32;
                    CUtexObject texture = texture(linear(memory, format, channels), 0, false, flags);
                    // From two texels before the memory to beyond its end.
                    module.kernel(floating || scaled ? "floats" : "ints").launch(1, 300, texture, out, -2);
                    int texels = 256 * 8 / bits(format) / channels;
                    int[] actual = out.ints();
                    for (int i = 0; i < 300 * 4; i++) {
                        int texel = i / 4 - 2, channel = i % 4, at = (texel * channels + channel) * bits(format) / 8;
                        int one = floating || scaled ? Float.floatToRawIntBits(1) : 1;
                        int expected = texel < 0 || texel >= texels ? 0
                                : channel >= channels ? channel == 3 ? one : 0
                                : value(bits(format) == 8 ? raw.get(at) : bits(format) == 16 ? raw.getShort(at)
                                        : raw.getInt(at), format, scaled);
                        boolean bothNan = (floating || scaled) && Float.isNaN(Float.intBitsToFloat(expected))
                                && Float.isNaN(Float.intBitsToFloat(actual[i]));
                        if (!bothNan) {
                            assertEquals(expected, actual[i], "format " + format + "x" + channels + ", flags " + flags
                                    + ", texel " + texel + ", channel " + channel);
                        }
                    }
                    check(cuTexObjectDestroy(texture));
                }
            }
        }
    }

    // ---- Other shapes, and surfaces -----------------------------------------------------------------------------

    @Test
    void readsVolumesLayersFacesAndGathers() {
        Module module = device.module("""
                extern "C" __global__ void volume(cudaTextureObject_t t, float *out) {
                    out[0] = tex3D<float>(t, 1, 1, 1);          // the middle of eight texels
                    out[1] = tex3D<float>(t, 1.5f, 0.5f, 1.25f);
                }
                extern "C" __global__ void layers(cudaTextureObject_t t, float *out) {
                    out[threadIdx.x] = tex2DLayered<float>(t, 0.5f, 1.5f, (int) threadIdx.x - 1);
                }
                extern "C" __global__ void faces(cudaTextureObject_t t, float *out) {
                    float x = 0.5f, y = 0.25f;
                    out[0] = texCubemap<float>(t, 1, y, x);
                    out[1] = texCubemap<float>(t, -1, y, x);
                    out[2] = texCubemap<float>(t, x, 1, y);
                    out[3] = texCubemap<float>(t, x, -1, y);
                    out[4] = texCubemap<float>(t, x, y, 1);
                    out[5] = texCubemap<float>(t, x, y, -1);
                }
                extern "C" __global__ void gather(cudaTextureObject_t t, float4 *out) {
                    out[0] = tex2Dgather<float4>(t, 1, 1, 0);
                    out[1] = tex2Dgather<float4>(t, 1, 1, 1);
                }
                """);
        Buffer out = device.buffer(new float[8]);
        float[] values = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 3, 5, 7, 9, 11,
            13, 15, 17};
        CUarray volume = array(2, 2, 2, 1, 0, values);
        CUtexObject linear = texture(of(volume), CU_TR_ADDRESS_MODE_CLAMP, true, 0);
        module.kernel("volume").launch(1, 1, linear, out);
        assertArrayEquals(new float[] {255 / 8f, 2 * 0.25f + 32 * 0.75f}, Arrays.copyOf(out.floats(), 2));
        CUarray layers = array(2, 2, 4, 1, LAYERED, values);
        CUtexObject layered = texture(of(layers), CU_TR_ADDRESS_MODE_CLAMP, false, 0);
        module.kernel("layers").launch(1, 6, layered, out);
        // The first and the last layer also for those that are not there.
        assertArrayEquals(new float[] {4, 4, 64, 1024, 16384, 16384}, Arrays.copyOf(out.floats(), 6));
        // The guide's table of faces, with s and t from 0 to 2: row t, column s of a face of 2 x 2 texels.
        CUarray cubemap = array(2, 2, 6, 1, CUBEMAP, values);
        CUtexObject faces = texture(of(cubemap), CU_TR_ADDRESS_MODE_CLAMP, false, NORMALIZED);
        module.kernel("faces").launch(1, 1, faces, out);
        // s, t of each face: (-z, -y), (z, -y), (x, z), (x, -z), (x, -y), (-x, -y).
        assertArrayEquals(new float[] {values[0], values[4 + 1], values[8 + 3], values[12 + 1], values[16 + 1],
            values[20]}, Arrays.copyOf(out.floats(), 6));
        CUarray two = array(2, 2, 0, 2, GATHER, values);
        CUtexObject gathered = texture(of(two), CU_TR_ADDRESS_MODE_CLAMP, false, 0);
        module.kernel("gather").launch(1, 1, gathered, out);
        assertArrayEquals(new float[] {16, 64, 4, 1, 32, 128, 8, 2}, out.floats());
        for (CUtexObject texture : new CUtexObject[] {linear, layered, faces, gathered}) {
            check(cuTexObjectDestroy(texture));
        }
        for (CUarray array : new CUarray[] {volume, layers, cubemap, two}) {
            check(cuArrayDestroy(array));
        }
    }

    @Test
    void writesTheFacesOfACubemap() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void faces(cudaSurfaceObject_t s, int *out) {
                    int face = threadIdx.x;
                    surfCubemapwrite(100 + face, s, 4, 1, face);
                    out[face] = surfCubemapread<int>(s, 4, 1, face);
                }
                """);
        CUarray array = array(2, 2, 6, CU_AD_FORMAT_SIGNED_INT32, 1, CUBEMAP | SURFACE);
        CUsurfObject surface = new CUsurfObject();
        check(cuSurfObjectCreate(surface, of(array)));
        Buffer out = device.buffer(new int[6]);
        kernel.launch(1, 6, surface, out);
        assertArrayEquals(new int[] {100, 101, 102, 103, 104, 105}, out.ints());
        check(cuSurfObjectDestroy(surface));
        check(cuArrayDestroy(array));
    }

    /** No coordinate leads outside an image: what is read lies between its values and those of the border. */
    @Test
    void readsAtAnyCoordinates() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void any(cudaTextureObject_t t, const float *at, int n, float *out) {
                    for (int y = 0; y < n; ++y) out[n * threadIdx.x + y] = tex2D<float>(t, at[threadIdx.x], at[y]);
                }
                """);
        float[] coordinates = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.MAX_VALUE,
            -Float.MAX_VALUE, Float.MIN_VALUE, -Float.MIN_VALUE, 0x1p31f, -0x1p31f, 0x1p63f, -0x1p63f, 0.5f};
        CUarray array = array(2, 3, 0, 1, 0, 1, 2, 3, 4, 5, 6);
        Buffer at = device.buffer(coordinates);
        Buffer out = device.buffer(new float[coordinates.length * coordinates.length]);
        for (int mode = 0; mode < 4; ++mode) {
            for (int choice = 0; choice < 4; ++choice) {
                CUtexObject texture = texture(of(array), mode, (choice & 1) != 0, (choice & 2) != 0 ? NORMALIZED : 0);
                kernel.launch(1, coordinates.length, texture, at, coordinates.length, out);
                for (float value : out.floats()) {
                    assertTrue(value >= (mode == CU_TR_ADDRESS_MODE_BORDER ? -64 : 1) && value <= 6,
                            value + " in mode " + mode);
                }
                check(cuTexObjectDestroy(texture));
            }
        }
        check(cuArrayDestroy(array));
    }

    @Test
    void writesAndReadsSurfaces() {
        Module module = device.module("""
                extern "C" __global__ void write(cudaSurfaceObject_t s) {
                    surf2Dwrite(make_short2(threadIdx.x, threadIdx.y), s, 4 * threadIdx.x, threadIdx.y);
                    surf2Dwrite(9, s, 4 * 100, 100, cudaBoundaryModeZero);
                }
                extern "C" __global__ void read(cudaSurfaceObject_t s, int *out) {
                    int x = 4 * ((int) threadIdx.x - 1);
                    surf2Dread(out + threadIdx.x, s, x, 1, cudaBoundaryModeZero);
                    surf2Dread(out + 8 + threadIdx.x, s, x, 1, cudaBoundaryModeClamp);
                }
                """);
        CUarray array = array(4, 2, 0, CU_AD_FORMAT_SIGNED_INT16, 2, SURFACE);
        CUsurfObject surface = new CUsurfObject();
        check(cuSurfObjectCreate(surface, of(array)));
        module.kernel("write").launch(Kernel.Dim.of(1), Kernel.Dim.of(4, 2), surface);
        Buffer out = device.buffer(new int[16]);
        module.kernel("read").launch(1, 6, surface, out);
        int row = 1 << 16;
        assertArrayEquals(new int[] {0, row, row + 1, row + 2, row + 3, 0, 0, 0,
            row, row, row + 1, row + 2, row + 3, row + 3, 0, 0}, out.ints());
        check(cuSurfObjectDestroy(surface));
        check(cuArrayDestroy(array));
    }

    /** Layers of one dimension and of cubemaps; a level or gradients, which choose nothing without mipmaps. */
    @Test
    void readsLayersOfLinesAndCubemapsAtLevels() {
        Module module = device.module("""
                extern "C" __global__ void lines(cudaTextureObject_t t, float *out) {
                    out[threadIdx.x] = tex1DLayered<float>(t, threadIdx.x % 4 + 0.5f, threadIdx.x / 4);
                }
                extern "C" __global__ void cubes(cudaTextureObject_t t, float *out) {
                    out[0] = texCubemapLayered<float>(t, 1, 0.25f, 0.5f, 0);
                    out[1] = texCubemapLayered<float>(t, 0.5f, -1, 0.25f, 1);
                }
                extern "C" __global__ void levels(cudaTextureObject_t t, float *out) {
                    float x = 1.25f, y = 0.75f;
                    out[0] = tex2D<float>(t, x, y);
                    out[1] = tex2DLod<float>(t, x, y, 0);
                    out[2] = tex2DLod<float>(t, x, y, 3.5f);
                    out[3] = tex2DGrad<float>(t, x, y, make_float2(4, 0), make_float2(0, 4));
                }
                """);
        float[] values = numbers(48);
        CUarray lines = array(4, 0, 3, 1, LAYERED, values), cubes = array(2, 2, 12, 1, CUBEMAP | LAYERED, values);
        CUarray plane = array(4, 4, 0, 1, 0, values);
        CUtexObject ofLines = texture(of(lines), CU_TR_ADDRESS_MODE_CLAMP, false, 0);
        CUtexObject ofCubes = texture(of(cubes), CU_TR_ADDRESS_MODE_CLAMP, false, NORMALIZED);
        CUtexObject ofPlane = texture(of(plane), CU_TR_ADDRESS_MODE_CLAMP, true, 0);
        Buffer out = device.buffer(new float[12]);
        module.kernel("lines").launch(1, 12, ofLines, out);
        assertArrayEquals(Arrays.copyOf(values, 12), out.floats());
        module.kernel("cubes").launch(1, 1, ofCubes, out);
        // As in readsVolumesLayersFacesAndGathers: face +x, s and t are -z and -y; face -y of layer 1, x and -z.
        assertArrayEquals(new float[] {values[0], values[4 * 9 + 1]}, Arrays.copyOf(out.floats(), 2));
        module.kernel("levels").launch(1, 1, ofPlane, out);
        float expected = (values[0] + 3 * values[1]) * 0.75f / 4 + (values[4] + 3 * values[5]) * 0.25f / 4;
        assertArrayEquals(new float[] {expected, expected, expected, expected}, Arrays.copyOf(out.floats(), 4));
        for (CUtexObject texture : new CUtexObject[] {ofLines, ofCubes, ofPlane}) {
            check(cuTexObjectDestroy(texture));
        }
        for (CUarray array : new CUarray[] {lines, cubes, plane}) {
            check(cuArrayDestroy(array));
        }
    }

    /** Rows in device memory at a pitch; the border of a texture of integers is the bits of its colour. */
    @Test
    void readsPitchedMemoryAndIntegerBorders() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void sample(cudaTextureObject_t t, int2 *out) {
                    int i = threadIdx.x;
                    out[i] = tex2D<int2>(t, i % 5 - 0.5f, i / 5 - 0.5f);
                }
                """);
        int pitch = 512, width = 3, height = 2;
        int[] memory = new int[pitch / 4 * height];
        Arrays.setAll(memory, i -> 1000 * i);
        Buffer buffer = device.buffer(memory);
        CUDA_RESOURCE_DESC resource = new CUDA_RESOURCE_DESC();
        resource.resType = CUresourcetype.CU_RESOURCE_TYPE_PITCH2D;
        resource.pitch2D_devPtr = buffer.pointer();
        resource.pitch2D_format = CU_AD_FORMAT_SIGNED_INT32;
        resource.pitch2D_numChannels = 2;
        resource.pitch2D_width = width;
        resource.pitch2D_height = height;
        resource.pitch2D_pitchInBytes = pitch;
        CUDA_TEXTURE_DESC description = new CUDA_TEXTURE_DESC();
        int border = CU_TR_ADDRESS_MODE_BORDER;
        description.addressMode = new int[] {border, border, border};
        description.flags = AS_INTEGERS;
        description.borderColor = new float[] {Float.intBitsToFloat(77), Float.intBitsToFloat(-88), 0, 0};
        CUtexObject texture = new CUtexObject();
        check(cuTexObjectCreate(texture, resource, description, null));
        Buffer out = device.allocate(8 * 20);
        kernel.launch(1, 20, texture, out);
        int[] expected = new int[40];
        for (int i = 0; i < 20; i++) {
            int x = i % 5 - 1, y = i / 5 - 1;
            boolean inside = x >= 0 && x < width && y >= 0 && y < height;
            expected[2 * i] = inside ? 1000 * (y * pitch / 4 + 2 * x) : 77;
            expected[2 * i + 1] = inside ? 1000 * (y * pitch / 4 + 2 * x + 1) : -88;
        }
        assertArrayEquals(expected, out.ints());
        check(cuTexObjectDestroy(texture));
    }

    @Test
    void tellsTheSizeOfSurfacesAndTextures() {
        Kernel kernel = device.kernel("""
                extern "C" __global__ void sizes(cudaSurfaceObject_t s, cudaTextureObject_t t, int *out) {
                    asm volatile("suq.width.b32 %0, [%1];" : "=r"(out[0]) : "l"(s));
                    asm volatile("suq.height.b32 %0, [%1];" : "=r"(out[1]) : "l"(s));
                    asm volatile("suq.depth.b32 %0, [%1];" : "=r"(out[2]) : "l"(s));
                    asm volatile("txq.width.b32 %0, [%1];" : "=r"(out[3]) : "l"(t));
                    asm volatile("txq.height.b32 %0, [%1];" : "=r"(out[4]) : "l"(t));
                    asm volatile("txq.depth.b32 %0, [%1];" : "=r"(out[5]) : "l"(t));
                    asm volatile("txq.normalized_coords.b32 %0, [%1];" : "=r"(out[6]) : "l"(t));
                }
                """);
        CUarray array = array(5, 6, 7, CU_AD_FORMAT_UNSIGNED_INT8, 4, SURFACE);
        CUsurfObject surface = new CUsurfObject();
        check(cuSurfObjectCreate(surface, of(array)));
        CUtexObject texture = texture(of(array), CU_TR_ADDRESS_MODE_CLAMP, false, NORMALIZED);
        Buffer out = device.allocate(28);
        kernel.launch(1, 1, surface, texture, out);
        int[] sizes = out.ints();
        assertArrayEquals(new int[] {5, 6, 7, 5, 6, 7}, Arrays.copyOf(sizes, 6));
        assertTrue(sizes[6] != 0);
        check(cuTexObjectDestroy(texture));
        check(cuSurfObjectDestroy(surface));
        check(cuArrayDestroy(array));
    }

    // ---- Texture references -------------------------------------------------------------------------------------

    @Test
    void readsThroughTextureReferences() {
        CUmodule module = new CUmodule();
        check(cuModuleLoadData(module, ("""
                .version 8.0
                .target sm_80
                .address_size 64
                .global .texref image;
                .visible .entry read(.param .u64 out) {
                    .reg .b32 %r<3>;
                    .reg .f32 %f<6>;
                    .reg .b64 %d;
                    ld.param.u64 %d, [out];
                    mov.u32 %r1, %tid.x;
                    cvt.rn.f32.u32 %f1, %r1;
                    tex.1d.v4.f32.f32 {%f2, %f3, %f4, %f5}, [image, {%f1}];
                    mad.wide.u32 %d, %r1, 4, %d;
                    st.global.f32 [%d], %f2;
                    txq.width.b32 %r2, [image];
                    st.global.u32 [%d+16], %r2;
                    ret;
                }
                """ + '\0').getBytes()));
        CUtexref reference = new CUtexref();
        assertEquals(CUDA_ERROR_NOT_FOUND, cuModuleGetTexRef(reference, module, "read"));
        check(cuModuleGetTexRef(reference, module, "image"));
        CUfunction function = new CUfunction();
        check(cuModuleGetFunction(function, module, "read"));
        CUarray some = array(4, 0, 0, 1, 0, 10, 20, 30, 40), other = array(2, 0, 0, 1, 0, 5, 6);
        check(cuTexRefSetAddressMode(reference, 0, CU_TR_ADDRESS_MODE_CLAMP));
        check(cuTexRefSetFilterMode(reference, CUfilter_mode.CU_TR_FILTER_MODE_LINEAR));
        check(cuTexRefSetArray(reference, some, CU_TRSA_OVERRIDE_FORMAT));
        Buffer first = device.buffer(new float[8]), second = device.buffer(new float[8]);
        // A launch reads what is bound when it is made, though it may run later.
        check(cuLaunchKernel(function, 1, 1, 1, 4, 1, 1, 0, null, Pointer.to(Pointer.to(first.pointer())), null));
        check(cuTexRefSetArray(reference, other, CU_TRSA_OVERRIDE_FORMAT));
        check(cuTexRefSetFilterMode(reference, CUfilter_mode.CU_TR_FILTER_MODE_POINT));
        check(cuLaunchKernel(function, 1, 1, 1, 4, 1, 1, 0, null, Pointer.to(Pointer.to(second.pointer())), null));
        assertArrayEquals(new float[] {10, 15, 25, 35}, Arrays.copyOf(first.floats(), 4));
        assertEquals(4, first.ints()[4]);
        assertArrayEquals(new float[] {5, 6, 6, 6}, Arrays.copyOf(second.floats(), 4));
        CUarray bound = new CUarray();
        check(cuTexRefGetArray(bound, reference));
        assertEquals(other, bound);
        check(cuArrayDestroy(some));
        check(cuArrayDestroy(other));
        check(cuModuleUnload(module));
    }

    // ---- Copies -------------------------------------------------------------------------------------------------

    @Test
    void copiesPartsOfArrays() {
        CUarray line = array(8, 0, 0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7), other = array(8, 0, 0, CU_AD_FORMAT_FLOAT, 1, 0);
        check(cuMemcpyAtoA(other, 0, line, 8, 16));
        check(cuMemcpyHtoA(other, 16, Pointer.to(new float[] {-1, -2}), 8));
        Buffer buffer = device.buffer(-3f, -4f);
        check(cuMemcpyDtoA(other, 24, buffer.pointer(), 8));
        check(cuMemcpyAtoD(buffer.pointer(), other, 12, 8));
        float[] all = new float[8];
        check(cuMemcpyAtoH(Pointer.to(all), other, 0, 32));
        assertArrayEquals(new float[] {2, 3, 4, 5, -1, -2, -3, -4}, all);
        assertArrayEquals(new float[] {5, -1}, buffer.floats());
        assertEquals(CUDA_ERROR_INVALID_VALUE, cuMemcpyAtoH(Pointer.to(all), other, 4, 32));
        CUDA_ARRAY3D_DESCRIPTOR descriptor = new CUDA_ARRAY3D_DESCRIPTOR();
        check(cuArray3DGetDescriptor(descriptor, line));
        assertEquals(8, descriptor.Width);
        check(cuArrayDestroy(line));
        check(cuArrayDestroy(other));
        assertEquals(CUDA_ERROR_INVALID_HANDLE, cuArrayDestroy(other));
    }

    /** A copy of part of an array, as a node of a graph: it copies what is there when the graph runs. */
    @Test
    void copiesArraysInGraphs() {
        CUarray from = array(4, 3, 0, 1, 0, new float[12]), to = array(3, 2, 0, 1, 0, new float[6]);
        CUDA_MEMCPY3D copy = box(2, 2, 1);
        copy.srcMemoryType = copy.dstMemoryType = CUmemorytype.CU_MEMORYTYPE_ARRAY;
        copy.srcArray = from;
        copy.srcXInBytes = 4;
        copy.srcY = 1;
        copy.dstArray = to;
        copy.dstXInBytes = 4;
        CUgraph graph = new CUgraph();
        check(cuGraphCreate(graph, 0));
        CUcontext context = new CUcontext();
        check(cuCtxGetCurrent(context));
        check(cuGraphAddMemcpyNode(new CUgraphNode(), graph, new CUgraphNode[0], 0, copy, context));
        CUgraphExec exec = new CUgraphExec();
        check(cuGraphInstantiate(exec, graph, 0));
        for (float first : new float[] {10, 20}) {
            float[] values = new float[12];
            for (int i = 0; i < 12; i++) {
                values[i] = first + i;
            }
            CUDA_MEMCPY3D fill = box(4, 3, 1);
            fill.srcMemoryType = CUmemorytype.CU_MEMORYTYPE_HOST;
            fill.srcHost = Pointer.to(values);
            fill.srcPitch = 16;
            fill.srcHeight = 3;
            fill.dstMemoryType = CUmemorytype.CU_MEMORYTYPE_ARRAY;
            fill.dstArray = from;
            check(cuMemcpy3D(fill));
            check(cuGraphLaunch(exec, CU_STREAM_LEGACY));
            float[] all = new float[6];
            CUDA_MEMCPY3D read = box(3, 2, 1);
            read.srcMemoryType = CUmemorytype.CU_MEMORYTYPE_ARRAY;
            read.srcArray = to;
            read.dstMemoryType = CUmemorytype.CU_MEMORYTYPE_HOST;
            read.dstHost = Pointer.to(all);
            read.dstPitch = 12;
            read.dstHeight = 2;
            check(cuMemcpy3D(read));
            assertArrayEquals(new float[] {0, first + 5, first + 6, 0, first + 9, first + 10}, all);
        }
        check(cuGraphExecDestroy(exec));
        check(cuGraphDestroy(graph));
        check(cuArrayDestroy(from));
        check(cuArrayDestroy(to));
    }

    // ---- Checks -------------------------------------------------------------------------------------------------

    private static final String READ = """
            extern "C" __global__ void sample(cudaTextureObject_t t, float *out) { *out = tex2D<float>(t, 1.5f, 0.5f); }
            """;

    /** Runs READ on an array whose texel (1, 0) nothing wrote. */
    private void read(int format, int flags, boolean destroyObject, boolean destroyArray) {
        Kernel kernel = device.kernel(READ);
        CUarray array = array(2, 2, 0, format, 1, 0);
        CUtexObject texture = texture(of(array), CU_TR_ADDRESS_MODE_CLAMP, false, flags);
        if (destroyObject) {
            check(cuTexObjectDestroy(texture));
        }
        if (destroyArray) {
            check(cuArrayDestroy(array));
        }
        kernel.launch(1, 1, texture, device.allocate(4));
    }

    @Test
    void reportsMisuse() {
        String report = device.expectFault(CUDA_ERROR_LAUNCH_FAILED, () -> read(CU_AD_FORMAT_FLOAT, 0, false, false));
        assertTrue(report.contains("at byte 4 of array allocation") && report.contains("nothing has written"), report);
        report = device.expectFault(CUDA_ERROR_LAUNCH_FAILED, () -> read(CU_AD_FORMAT_FLOAT, 0, true, false));
        assertTrue(report.contains("an object that was destroyed"), report);
        report = device.expectFault(CUDA_ERROR_ILLEGAL_ADDRESS, () -> read(CU_AD_FORMAT_FLOAT, 0, false, true));
        assertTrue(report.contains("array allocation") && report.contains("was freed"), report);
        report = device.expectFault(CUDA_ERROR_LAUNCH_FAILED,
                () -> read(CU_AD_FORMAT_UNSIGNED_INT8, AS_INTEGERS, false, false));
        assertTrue(report.contains("the texture returns integers"), report);
        report = device.expectFault(CUDA_ERROR_LAUNCH_FAILED, () -> {
            Kernel kernel = device.kernel(READ);
            CUtexObject texture = texture(of(array(2, 2, 2, 1, 0, new float[8])), 0, false, 0);
            kernel.launch(1, 1, texture, device.allocate(4));
        });
        assertTrue(report.contains("the image has 3 dimensions"), report);
        report = device.expectFault(CUDA_ERROR_ILLEGAL_ADDRESS, () -> {
            Kernel kernel = device.kernel("""
                    extern "C" __global__ void outside(cudaSurfaceObject_t s) { surf2Dwrite(1, s, 0, 2); }
                    """);
            CUsurfObject surface = new CUsurfObject();
            check(cuSurfObjectCreate(surface, of(array(2, 2, 0, CU_AD_FORMAT_FLOAT, 1, SURFACE))));
            kernel.launch(1, 1, surface);
        });
        assertTrue(report.contains("coordinate 1 is 2"), report);
        for (String use : List.of("surf1Dwrite(v, s, 0)", "surf1Dwrite(0, s, v & 4)", "surf1Dwrite(0, s + v, 0)")) {
            report = device.expectFault(CUDA_ERROR_LAUNCH_FAILED, () -> {
                Kernel kernel = device.kernel("""
                        extern "C" __global__ void undefined(cudaSurfaceObject_t s, const int *fresh) {
                            int v = *fresh;
                            %s;
                        }
                        """.formatted(use));
                CUsurfObject surface = new CUsurfObject();
                check(cuSurfObjectCreate(surface, of(array(2, 0, 0, CU_AD_FORMAT_FLOAT, 1, SURFACE))));
                kernel.launch(1, 1, surface, device.allocate(4));
            });
            assertTrue(report.contains("undefined value"), report);
        }
    }

    @Test
    void reportsLeaks() {
        CUcontext context = new CUcontext();
        check(cuCtxCreate(context, 0, new CUdevice()));
        texture(of(array(2, 2, 0, 1, 0, new float[4])), 0, false, 0);
        check(cuCtxDestroy(context));
        String report = SoftGpu.report();
        assertTrue(report.contains("CUDA array") && report.contains("texture object #"), report);
        SoftGpu.clearReport();
    }

    @Test
    void refusesWhatCannotBeRead() {
        CUarray array = array(2, 2, 0, CU_AD_FORMAT_UNSIGNED_INT8, 1, 0);
        CUDA_TEXTURE_DESC texture = new CUDA_TEXTURE_DESC();
        texture.filterMode = CUfilter_mode.CU_TR_FILTER_MODE_LINEAR;
        texture.flags = AS_INTEGERS;
        CUtexObject object = new CUtexObject();
        assertEquals(CUDA_ERROR_INVALID_VALUE, cuTexObjectCreate(object, of(array), texture, null));
        assertEquals(CUDA_ERROR_INVALID_VALUE, cuSurfObjectCreate(new CUsurfObject(), of(array)));
        assertEquals(CUDA_ERROR_INVALID_VALUE, cuTexObjectDestroy(object));
        check(cuArrayDestroy(array));
        // A pitch of which a multiple would be a small number again.
        CUDA_RESOURCE_DESC rows = new CUDA_RESOURCE_DESC();
        rows.resType = CUresourcetype.CU_RESOURCE_TYPE_PITCH2D;
        rows.pitch2D_devPtr = device.allocate(1024).pointer();
        rows.pitch2D_format = CU_AD_FORMAT_FLOAT;
        rows.pitch2D_numChannels = 1;
        rows.pitch2D_width = 4;
        rows.pitch2D_height = 3;
        rows.pitch2D_pitchInBytes = 1L << 63;
        assertEquals(CUDA_ERROR_INVALID_VALUE, cuTexObjectCreate(object, rows, new CUDA_TEXTURE_DESC(), null));
    }
}
