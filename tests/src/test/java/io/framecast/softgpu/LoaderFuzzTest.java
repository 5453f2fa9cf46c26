package io.framecast.softgpu;

import static io.framecast.softgpu.SoftDevice.check;
import static jcuda.driver.JCudaDriver.cuCtxCreate;
import static jcuda.driver.JCudaDriver.cuCtxDestroy;
import static jcuda.driver.JCudaDriver.cuCtxSynchronize;
import static jcuda.driver.JCudaDriver.cuDeviceGet;
import static jcuda.driver.JCudaDriver.cuLaunchKernel;
import static jcuda.driver.JCudaDriver.cuMemAlloc;
import static jcuda.driver.JCudaDriver.cuMemsetD8;
import static jcuda.driver.JCudaDriver.cuModuleGetFunction;
import static jcuda.driver.JCudaDriver.cuModuleLoadData;
import static jcuda.driver.JCudaDriver.cuModuleLoadDataJIT;
import static jcuda.driver.JCudaDriver.cuModuleUnload;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.framecast.backend.cuda.compiler.TestCompiler;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUfunction;
import jcuda.driver.CUjit_option;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import jcuda.driver.JITOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Damaged modules: each is refused with a line, or runs. The process neither ends nor hangs. {@code
 * -Dframecast.fuzz=1000000} makes more of them; the same number always gives the same.
 */
@Timeout(value = 1, unit = TimeUnit.HOURS)
class LoaderFuzzTest {

    private static final int COUNT = Integer.getInteger("framecast.fuzz", 2000);

    private static final Pattern TOKEN = Pattern.compile("[.%\\w$][\\w$:]*|\\S");
    private static final Pattern NUMBER = Pattern.compile("\\b\\d\\w*");
    private static final Pattern ENTRY = Pattern.compile("\\.entry\\s+(\\w+)\\s*\\(([^)]*)\\)");

    private static final String[] NUMBERS = {"0", "1", "2", "3", "7", "8", "31", "32", "33", "64", "255", "4096",
        "65535", "1048576", "2147483647", "2147483648", "4294967295", "4294967296", "9223372036854775807",
        "18446744073709551615", "-1", "1.5", "0f3f800000", "0d3ff0000000000000"};

    private static final Set<Integer> REFUSALS = Set.of(CUresult.CUDA_ERROR_INVALID_PTX,
            CUresult.CUDA_ERROR_UNSUPPORTED_PTX_VERSION, CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU,
                    CUresult.CUDA_ERROR_OUT_OF_MEMORY);

    /** A warp that runs longer is stopped: endless loops are right. */
    @RegisterExtension
    final SoftDevice device = new SoftDevice("compute=90,threads=1,watchdog=2000,checks=all+-leaks");

    private final Random random = new Random(1);
    private CUcontext context;
    private CUdeviceptr memory;

    private void openContext() {
        CUdevice first = new CUdevice();
        check(cuDeviceGet(first, 0));
        context = new CUcontext();
        check(cuCtxCreate(context, 0, first));
        memory = new CUdeviceptr();
        check(cuMemAlloc(memory, 1 << 16));
        check(cuMemsetD8(memory, (byte) 1, 1 << 16));
    }

    @Test
    void damagedTexts() throws IOException {
        List<String> texts = List.of(resource("features80.ptx"), resource("features90.ptx"),
                TestCompiler.ptx("adam.cu", "compute_80"));
        List<String> words = new ArrayList<>();
        texts.forEach(text -> TOKEN.matcher(text).results().map(MatchResult::group).forEach(words::add));
        openContext();
        int loaded = 0;
        for (int i = 0; i < COUNT; i++) {
            String text = texts.get(random.nextInt(texts.size()));
            for (int n = random.nextInt(3); n >= 0; n--) {
                text = damage(text, words);
            }
            loaded += load(text) ? 1 : 0;
        }
        // Most changes are errors, but what has not one must run.
        assertTrue(loaded > COUNT / 20, "only " + loaded + " of " + COUNT + " could be loaded");
        cuCtxDestroy(context);
        SoftGpu.clearReport();
    }

    private static String resource(String name) throws IOException {
        try (InputStream in = LoaderFuzzTest.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private String damage(String text, List<String> words) {
        MatchResult[] tokens = TOKEN.matcher(text).results().toArray(MatchResult[]::new);
        if (tokens.length < 2) {
            return text;
        }
        int first = random.nextInt(tokens.length), second = Math.min(tokens.length - 1, first + 1 + random.nextInt(6));
        MatchResult a = tokens[first], b = tokens[second];
        String before = text.substring(0, a.start()), after = text.substring(a.end());
        switch (random.nextInt(8)) {
            case 0: // swapped
                return first == second ? text : before + b.group() + text.substring(a.end(), b.start()) + a.group()
                        + text.substring(b.end());
            case 1:
                return before + after;
            case 2:
                return before + a.group() + " " + a.group() + after;
            case 3: // another word
                return before + words.get(random.nextInt(words.size())) + after;
            case 4: // another number
                MatchResult[] numbers = NUMBER.matcher(text).results().toArray(MatchResult[]::new);
                MatchResult number = numbers[random.nextInt(numbers.length)];
                return text.substring(0, number.start()) + NUMBERS[random.nextInt(NUMBERS.length)]
                        + text.substring(number.end());
            case 5: // a line less
                int end = text.indexOf('\n', a.start());
                String above = text.substring(0, text.lastIndexOf('\n', a.start()) + 1);
                return above + (end < 0 ? "" : text.substring(end + 1));
            case 6: // a flipped bit
                int at = random.nextInt(text.length());
                return text.substring(0, at) + (char) (text.charAt(at) ^ 1 << random.nextInt(7))
                        + text.substring(at + 1);
            default: // another register or label
                return before + a.group().replaceAll("\\d", "" + random.nextInt(10)) + after;
        }
    }

    private boolean load(String text) {
        JITOptions options = new JITOptions();
        options.putBytes(CUjit_option.CU_JIT_ERROR_LOG_BUFFER, new byte[500]);
        options.putInt(CUjit_option.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, 500);
        CUmodule module = new CUmodule();
        int result = cuModuleLoadDataJIT(module, Pointer.to((text + '\0').getBytes(StandardCharsets.UTF_8)), options);
        if (result != CUresult.CUDA_SUCCESS) {
            String log = new String(options.getBytes(CUjit_option.CU_JIT_ERROR_LOG_BUFFER), StandardCharsets.UTF_8);
            assertTrue(REFUSALS.contains(result), () -> CUresult.stringFor(result) + ": " + text);
            assertTrue(result != CUresult.CUDA_ERROR_INVALID_PTX || log.startsWith("PTX line "),
                    () -> log + ": " + text);
            return false;
        }
        boolean sound = true;
        for (Matcher entry = ENTRY.matcher(text); sound && entry.find();) {
            sound = launch(module, entry.group(1), (int) entry.group(2).chars().filter(c -> c == ',').count() + 1);
        }
        if (sound) {
            check(cuModuleUnload(module));
        } else {
            cuCtxDestroy(context);
            openContext();
        }
        SoftGpu.clearReport();
        return true;
    }

    /** False after a fault: the context is lost. */
    private boolean launch(CUmodule module, String name, int parameters) {
        CUfunction function = new CUfunction();
        if (cuModuleGetFunction(function, module, name) != CUresult.CUDA_SUCCESS) {
            return true;
        }
        // What is not a pointer takes the lower half of one.
        Pointer[] arguments = new Pointer[parameters];
        Arrays.setAll(arguments, p -> Pointer.to(memory));
        cuLaunchKernel(function, 2, 1, 1, 48, 1, 1, 0, null, Pointer.to(arguments), null);
        return cuCtxSynchronize() == CUresult.CUDA_SUCCESS;
    }

    @Test
    void damagedFatBinaries() {
        byte[] text = ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k() { ret; }\n"
                .getBytes(StandardCharsets.US_ASCII);
        ByteBuffer sound = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
        sound.putInt(0xba55ed50).putShort((short) 1).putShort((short) 16).putLong(2 * (64 + 80));
        for (int target : new int[] {75, 80}) {
            sound.putShort((short) 1).putShort((short) 0x101).putInt(64).putLong(80).putInt(0).putLong(0)
                    .putInt(target).putLong(0).putLong(0x11).putLong(0).putLong(0).put(text)
                    .position(16 + (64 + 80) * (target == 75 ? 1 : 2));
        }
        for (int i = 0; i < COUNT; i++) {
            byte[] damaged = sound.array().clone();
            for (int n = random.nextInt(4); n >= 0; n--) {
                // The magic number stays: without it, this is a text.
                damaged[4 + random.nextInt(16 + 2 * (64 + 80) - 4)] = (byte) (random.nextBoolean() ? random.nextInt(256)
                        : new int[] {0, 1, 0x20, 0x7f, 0x80, 0xff}[random.nextInt(6)]);
            }
            CUmodule module = new CUmodule();
            if (cuModuleLoadData(module, damaged) == CUresult.CUDA_SUCCESS) {
                check(cuModuleUnload(module));
            }
        }
        SoftGpu.clearReport();
    }
}
