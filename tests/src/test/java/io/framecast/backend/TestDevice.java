package io.framecast.backend;

/** The devices that every op is tested on; with {@code -Dframecast.device=cuda}, CUDA is the machine's GPU. */
public enum TestDevice {
    CPU, CUDA;

    /** Whether the CUDA device is the software one. */
    public static final boolean SOFTWARE = !"cuda".equals(System.getProperty("framecast.device"));

    @Override
    public String toString() {
        return this == CPU ? "cpu" : SOFTWARE ? "softgpu" : "cuda";
    }
}
