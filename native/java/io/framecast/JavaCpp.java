package io.framecast;

/** How JavaCPP is used in this project. */
public final class JavaCpp {

    private JavaCpp() {
    }

    /**
     * JavaCPP would watch this process's memory and free what the garbage collector finds; here every native object
     * has an owner that closes it. To be called before anything else of JavaCPP: it reads both settings once.
     */
    public static void configure() {
        System.setProperty("org.bytedeco.javacpp.nopointergc", "true");
        System.setProperty("org.bytedeco.javacpp.maxphysicalbytes", "0");
    }
}
