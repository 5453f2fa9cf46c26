package io.framecast.backend.cuda.driver;

import io.framecast.Remedy;
import io.framecast.backend.cuda.library.CudaDirectories;
import java.util.List;
import java.util.Map;
import jcuda.driver.CUresult;

/**
 * What to do about an error of CUDA's driver.
 *
 * @param text the end of a sentence; empty if there is nothing to say beyond the error
 * @param remedies what it names
 */
record CudaAdvice(String text, List<Remedy> remedies) {

    /** CUDA_ERROR_CONTAINED, which is newer than JCuda. */
    private static final int CONTAINED = 226;

    private static final String VISIBLE = "CUDA_VISIBLE_DEVICES";

    /** Advice for a result of any call. */
    static CudaAdvice of(int result) {
        return switch (result) {
            case CUresult.CUDA_ERROR_ILLEGAL_ADDRESS, CUresult.CUDA_ERROR_MISALIGNED_ADDRESS,
                    CUresult.CUDA_ERROR_INVALID_ADDRESS_SPACE, CUresult.CUDA_ERROR_INVALID_PC,
                    CUresult.CUDA_ERROR_ILLEGAL_INSTRUCTION, CUresult.CUDA_ERROR_HARDWARE_STACK_ERROR,
                    CUresult.CUDA_ERROR_ASSERT, CUresult.CUDA_ERROR_LAUNCH_FAILED ->
                new CudaAdvice("a kernel is at fault, and the software device says where: run the same on it",
                        List.of(Remedy.SOFTWARE_DEVICE));
            case CUresult.CUDA_ERROR_LAUNCH_TIMEOUT ->
                new CudaAdvice("a GPU that drives a display stops kernels that take seconds: use another GPU by "
                        + VISIBLE + ", or a smaller batch", List.of(Remedy.SMALLER_BATCH));
            default -> new CudaAdvice(text(result), List.of());
        };
    }

    private static String text(int result) {
        return switch (result) {
            case CUresult.CUDA_ERROR_OUT_OF_MEMORY ->
                "end other programs that hold the GPU's memory, which nvidia-smi lists, or use another GPU by "
                        + VISIBLE;
            case CUresult.CUDA_ERROR_STUB_LIBRARY ->
                "the libcuda.so.1 found is the one to link with only: take it off LD_LIBRARY_PATH";
            case CUresult.CUDA_ERROR_DEVICE_UNAVAILABLE ->
                "another process has the GPU for itself, or the GPU's compute mode is closed to programs: end that "
                        + "process, which nvidia-smi lists, or open the GPU to all by nvidia-smi -c DEFAULT";
            case CUresult.CUDA_ERROR_DEVICE_NOT_LICENSED ->
                "a virtual GPU works with a licence only: connect this machine to NVIDIA's licence server";
            case CUresult.CUDA_ERROR_INVALID_IMAGE, CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU,
                    CUresult.CUDA_ERROR_INVALID_PTX, CUresult.CUDA_ERROR_INVALID_SOURCE,
                    CUresult.CUDA_ERROR_UNSUPPORTED_PTX_VERSION ->
                "NVIDIA's driver does not take what NVRTC compiled: update the driver, or set "
                        + CudaDirectories.NVRTC_VARIABLE + " to the directory of an older NVRTC 12";
            case CUresult.CUDA_ERROR_JIT_COMPILER_NOT_FOUND ->
                "the driver's libnvidia-ptxjitcompiler.so.1 is missing: install the whole driver, or in a container "
                        + "set NVIDIA_DRIVER_CAPABILITIES=compute,utility";
            case CUresult.CUDA_ERROR_JIT_COMPILATION_DISABLED ->
                "this GPU is newer than NVRTC: unset CUDA_DISABLE_PTX_JIT, or set " + CudaDirectories.NVRTC_VARIABLE
                        + " to the directory of a newer NVRTC";
            case CUresult.CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND, CUresult.CUDA_ERROR_SHARED_OBJECT_INIT_FAILED ->
                "NVIDIA's driver is not whole: install it again";
            case CUresult.CUDA_ERROR_OPERATING_SYSTEM ->
                "the system refused the driver something, such as a device /dev/nvidia*: its log, dmesg, may say what";
            case CUresult.CUDA_ERROR_ECC_UNCORRECTABLE ->
                "the GPU's memory lost data: restart the machine or reset the GPU by nvidia-smi --gpu-reset, and "
                        + "replace it if this comes back; a training goes on from its last checkpoint";
            case CONTAINED ->
                "the GPU kept an error of its memory from spreading: start again; a training goes on from its last "
                        + "checkpoint";
            case CUresult.CUDA_ERROR_NVLINK_UNCORRECTABLE ->
                "a link between GPUs fails: look at it by nvidia-smi nvlink --errorcounters, and restart the machine; "
                        + "a training goes on from its last checkpoint";
            case CUresult.CUDA_ERROR_SYSTEM_NOT_READY ->
                "a service of the GPUs does not run: on machines with NVSwitch start nvidia-fabricmanager, in the "
                        + "driver's version";
            case CUresult.CUDA_ERROR_SYSTEM_DRIVER_MISMATCH ->
                "its library and its kernel module differ in version: restart the machine";
            case CUresult.CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE ->
                "this GPU does not work with the libcuda.so.1 of a cuda-compat package: take that off LD_LIBRARY_PATH, "
                        + "and update the driver instead";
            case CUresult.CUDA_ERROR_MPS_CONNECTION_FAILED, CUresult.CUDA_ERROR_MPS_RPC_FAILURE,
                    CUresult.CUDA_ERROR_MPS_SERVER_NOT_READY ->
                "the GPU is shared by MPS, whose server does not answer: restart nvidia-cuda-mps-control, or end it by "
                        + "echo quit | nvidia-cuda-mps-control";
            case CUresult.CUDA_ERROR_MPS_MAX_CLIENTS_REACHED, CUresult.CUDA_ERROR_MPS_MAX_CONNECTIONS_REACHED ->
                "the GPU is shared by MPS, which takes no more programs: wait until another ends";
            case CUresult.CUDA_ERROR_MPS_CLIENT_TERMINATED ->
                "the GPU is shared by MPS, which ended this program because another failed: start it again";
            case CUresult.CUDA_ERROR_UNKNOWN ->
                "check the GPU with nvidia-smi, and restart the machine if that fails, too";
            default -> "";
        };
    }

    /** Advice for a driver that finds no device. */
    static String noDevice(Map<String, String> environment) {
        String visible = environment.get(VISIBLE);
        if (visible == null) {
            return "nvidia-smi -L must list a GPU: if it does not, restart the machine, or start the container with "
                    + "--gpus all; a GPU in MIG mode needs an instance, made by nvidia-smi mig -cgi";
        }
        return visible.isBlank() ? VISIBLE + " is empty, which hides all GPUs: unset it"
                : VISIBLE + " is " + visible + ": unset it, or set it to the number or the UUID of a GPU, or of an "
                        + "instance in MIG mode, which nvidia-smi -L lists";
    }
}
