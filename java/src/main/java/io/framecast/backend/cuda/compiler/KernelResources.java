package io.framecast.backend.cuda.compiler;

import io.framecast.backend.cuda.compiler.CudaCompiler.Compiled;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * The resources of a kernel's machine code, as reported by ptxas.
 *
 * @param threads the threads of a block in {@code __launch_bounds__}; 0 if there are none
 * @param blocks the blocks per multiprocessor in {@code __launch_bounds__}
 * @param registers registers of a thread
 * @param shared bytes of static shared memory of a block
 * @param stack bytes of stack of a thread, of the kernel or of a function that it calls
 * @param spilled bytes that a thread spills, stores or loads
 */
public record KernelResources(String kernel, int threads, int blocks, int registers, int shared, int stack,
        int spilled) {

    /** The compiler option that writes the report to the log. */
    private static final String OPTION = "--ptxas-options=-v";

    private static final Pattern ENTRY = Pattern.compile("\\.entry\\s+(\\w+)\\s*\\([^)]*\\)([^{]*)\\{");
    /** NVRTC 13 leaves out dimensions of 1 for some architectures. */
    private static final Pattern MOST_THREADS = Pattern.compile("\\.maxntid (\\d+)(?:, (\\d+))?(?:, (\\d+))?");
    private static final Pattern LEAST_BLOCKS = Pattern.compile("\\.minnctapersm (\\d+)");
    private static final Pattern SECTION = Pattern.compile("Compiling entry function '(\\w+)'");
    private static final Pattern REGISTERS = Pattern.compile("Used (\\d+) registers");
    private static final Pattern SHARED = Pattern.compile("(\\d+) bytes smem");
    private static final Pattern STACK = Pattern.compile("(\\d+) bytes stack frame");
    private static final Pattern SPILLED = Pattern.compile("(\\d+) bytes spill (?:stores|loads)");

    /**
     * The resources of all kernels of one of the project's sources, which is compiled for this.
     *
     * @param file a resource of io/framecast/cuda, such as "convolution.cu"
     * @param architecture of machine code, such as "sm_80"
     * @param options further ones of NVRTC, such as "-DTILE=8"
     * @throws io.framecast.FramecastException if there is no compiler, or it does not compile this
     */
    public static List<KernelResources> ofFile(String file, String architecture, List<String> options) {
        return of(CudaSource.of(file), architecture, options);
    }

    static List<KernelResources> of(CudaSource source, String architecture, List<String> options) {
        List<String> all = new ArrayList<>(KernelImages.OPTIONS);
        all.addAll(options);
        all.add(OPTION);
        return of(CudaCompiler.compile(source, architecture, all));
    }

    /** The resources by kernel name; each kernel must have a report. */
    private static List<KernelResources> of(Compiled compiled) {
        Map<String, String> reports = new TreeMap<>();
        String log = compiled.log();
        Matcher section = SECTION.matcher(log);
        for (boolean more = section.find(); more;) {
            String kernel = section.group(1);
            int begin = section.end();
            more = section.find();
            reports.put(kernel, log.substring(begin, more ? section.start() : log.length()));
        }
        List<KernelResources> all = new ArrayList<>();
        Matcher entry = ENTRY.matcher(compiled.ptx());
        while (entry.find()) {
            String kernel = entry.group(1);
            String report = reports.remove(kernel);
            if (report == null || !REGISTERS.matcher(report).find() || !SPILLED.matcher(report).find()) {
                throw new IllegalStateException("ptxas tells nothing of " + kernel + ":\n" + log);
            }
            String bounds = entry.group(2);
            all.add(new KernelResources(kernel, threads(bounds), Math.max(1, most(LEAST_BLOCKS, bounds)),
                    most(REGISTERS, report), most(SHARED, report), most(STACK, report), most(SPILLED, report)));
        }
        if (all.isEmpty() || !reports.isEmpty()) {
            throw new IllegalStateException("ptxas tells of " + reports.keySet()
                    + ", and the PTX has not these kernels");
        }
        return all;
    }

    private static int threads(String bounds) {
        Matcher found = MOST_THREADS.matcher(bounds);
        return found.find() ? IntStream.rangeClosed(1, found.groupCount())
                .map(k -> found.group(k) == null ? 1 : Integer.parseInt(found.group(k))).reduce(1, Math::multiplyExact)
                : 0;
    }

    /** The largest number that is found, or 0. */
    private static int most(Pattern number, String text) {
        return number.matcher(text).results().mapToInt(found -> Integer.parseInt(found.group(1))).max().orElse(0);
    }
}
