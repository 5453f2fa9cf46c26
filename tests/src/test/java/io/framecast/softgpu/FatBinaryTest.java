package io.framecast.softgpu;

import static jcuda.driver.CUresult.CUDA_ERROR_INVALID_IMAGE;
import static jcuda.driver.CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU;
import static jcuda.driver.CUresult.CUDA_SUCCESS;
import static jcuda.driver.JCudaDriver.cuModuleGetFunction;
import static jcuda.driver.JCudaDriver.cuModuleLoadData;
import static jcuda.driver.JCudaDriver.cuModuleUnload;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Fat binaries, laid out as nvcc 13 writes them: of their entries, the best PTX runs. */
class FatBinaryTest {

    private static final int PLAIN = 0x11;
    private static final int LZ4 = 0x2011;
    private static final int ZSTD = 0x8011;

    @RegisterExtension
    final SoftDevice device = new SoftDevice("compute=80");

    /** PTX with one kernel, of the name of the target, as an entry. */
    private static byte[] ptx(int target, int flags) {
        byte[] text = """
                .version 8.0
                .target sm_%d
                .address_size 64
                .visible .entry sm_%d() { ret; }
                """.formatted(target, target).getBytes(StandardCharsets.US_ASCII);
        return entry(1, target, flags, text, switch (flags) {
            case LZ4 -> lz4(text);
            case ZSTD -> zstd(text);
            default -> text;
        });
    }

    private static byte[] machineCode(int target) {
        byte[] code = {0x7f, 'E', 'L', 'F', 2, 1, 1, 0};
        return entry(2, target, PLAIN, code, code);
    }

    private static byte[] entry(int kind, int target, int flags, byte[] content, byte[] payload) {
        int padded = (payload.length + 8) / 8 * 8;
        ByteBuffer entry = ByteBuffer.allocate(64 + padded).order(ByteOrder.LITTLE_ENDIAN);
        boolean compressed = flags != PLAIN;
        entry.putShort((short) kind).putShort((short) 0x101).putInt(64).putLong(padded);
        entry.putInt(compressed ? payload.length : 0).putLong(0).putInt(target).putLong(0);
        entry.putLong(flags).putLong(0).putLong(compressed ? content.length : 0).put(payload);
        return entry.array();
    }

    /** A block of literals only: the token, the rest of the length, the bytes. */
    private static byte[] lz4(byte[] text) {
        ByteBuffer block = ByteBuffer.allocate(text.length + 2 + text.length / 255);
        block.put((byte) 0xf0);
        int rest = text.length - 15;
        for (; rest >= 255; rest -= 255) {
            block.put((byte) 255);
        }
        return slice(block.put((byte) rest).put(text));
    }

    /** A frame (RFC 8878) of one raw block, with its size of 8 bytes. */
    private static byte[] zstd(byte[] text) {
        ByteBuffer frame = ByteBuffer.allocate(text.length + 16).order(ByteOrder.LITTLE_ENDIAN);
        frame.putInt(0xfd2fb528).put((byte) 0xe0).putLong(text.length);
        int header = 1 | text.length << 3;
        return slice(frame.put((byte) header).putShort((short) (header >> 8)).put(text));
    }

    private static byte[] slice(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.position()];
        buffer.flip().get(bytes);
        return bytes;
    }

    private static byte[] fatBinary(byte[]... entries) {
        int bytes = 0;
        for (byte[] entry : entries) {
            bytes += entry.length;
        }
        ByteBuffer binary = ByteBuffer.allocate(16 + bytes).order(ByteOrder.LITTLE_ENDIAN);
        binary.putInt(0xba55ed50).putShort((short) 1).putShort((short) 16).putLong(bytes);
        for (byte[] entry : entries) {
            binary.put(entry);
        }
        return binary.array();
    }

    private static void assertRuns(String kernel, byte[]... entries) {
        CUmodule module = new CUmodule();
        SoftDevice.check(cuModuleLoadData(module, fatBinary(entries)));
        assertEquals(CUDA_SUCCESS, cuModuleGetFunction(new CUfunction(), module, kernel));
        SoftDevice.check(cuModuleUnload(module));
    }

    @Test
    void runsThePtxOfTheNewestGpuThatIsNotNewerThanTheDevice() {
        assertRuns("sm_75", machineCode(80), ptx(75, PLAIN), ptx(90, PLAIN), ptx(70, PLAIN));
        assertRuns("sm_80", ptx(75, PLAIN), ptx(80, PLAIN), machineCode(80), ptx(90, PLAIN));
    }

    @Test
    void decompressesPtx() {
        assertRuns("sm_80", ptx(75, PLAIN), ptx(80, LZ4));
        assertRuns("sm_80", ptx(80, ZSTD), ptx(75, PLAIN));
    }

    @Test
    void refusesWhatItCannotRun() {
        CUmodule module = new CUmodule();
        assertEquals(CUDA_ERROR_NO_BINARY_FOR_GPU, cuModuleLoadData(module, fatBinary(machineCode(80))));
        assertEquals(CUDA_ERROR_NO_BINARY_FOR_GPU, cuModuleLoadData(module, fatBinary()));
        assertEquals(CUDA_ERROR_NO_BINARY_FOR_GPU, cuModuleLoadData(module, fatBinary(ptx(90, PLAIN))));
    }

    @Test
    void refusesDamagedOnes() {
        CUmodule module = new CUmodule();
        for (int flags : new int[] {LZ4, ZSTD}) {
            byte[] wrong = fatBinary(ptx(80, flags));
            wrong[16 + 64] ^= 0x40; // The first byte of the payload.
            assertEquals(CUDA_ERROR_INVALID_IMAGE, cuModuleLoadData(module, wrong), "flags " + flags);
            byte[] large = fatBinary(ptx(80, flags));
            large[16 + 62] = 1; // Its decompressed size: 2^48 bytes.
            assertEquals(CUDA_ERROR_INVALID_IMAGE, cuModuleLoadData(module, large), "flags " + flags);
        }
        byte[] beyond = fatBinary(ptx(80, PLAIN));
        beyond[16 + 8 + 2] = 1; // The size of the entry.
        assertEquals(CUDA_ERROR_INVALID_IMAGE, cuModuleLoadData(module, beyond));
    }
}
